//! One-shot requests on a session of their own: check a sign-in, or send a message, then
//! disconnect.
//!
//! For commands that end. Such a session never subscribes, so it takes no messages from a queue,
//! and it needs no lock: it works beside a running engine. A raw WebSocket is never opened here:
//! its server would send what waits for this device, and count it as delivered. Deliberately
//! absent: trying again, which the caller decides. Limits: [`ATTEMPT_LIMIT`] for an endpoint, [`RECEIPT_TIMEOUT`] for a
//! message.

use std::{sync::Arc, time::Duration};

use jiff::tz::TimeZone;
use secrecy::SecretString;
use stomp::{HeartBeat, SessionEvent, Version};
use tokio::time::timeout;
use url::Url;

use crate::net::{
    address::host_of,
    api::Api,
    auth,
    connection::{Connection, check_user},
    http::Client,
    identity::Identity,
    intake::Intake,
    redaction::Redaction,
    transport::Transport,
};
use belfry_core::{
    error::{Failure, Fault, Recovery},
    pipeline::link::ATTEMPT_LIMIT,
    settings::Protocol,
};

/// How long a server may take to confirm a message. Some never do (Spring's simple broker).
pub const RECEIPT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the server answered to CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The negotiated version.
    pub version: Version,
    /// The negotiated heart-beat.
    pub heart_beat: HeartBeat,
    /// Name and version of the server; empty if CONNECTED has none.
    pub server: String,
    /// CONNECTED says who has signed in.
    pub names_user: bool,
}

/// Waits for CONNECTED, at most [`ATTEMPT_LIMIT`].
///
/// # Errors
/// [`Failure`]: refused, a session for another login, not STOMP, or no answer.
pub async fn greet(connection: &mut Connection, identity: &Identity) -> Result<Greeting, Failure> {
    let greeted = async {
        loop {
            let event = connection.next_event().await?;
            if let SessionEvent::Connected { version, server, user_name, heart_beat, .. } = event {
                let names_user = user_name.is_some();
                check_user(user_name, identity)?;
                return Ok(Greeting { version, heart_beat, server: server.unwrap_or_default(), names_user });
            }
            if let Some(failure) = connection.session_end(&event, false) {
                return Err(failure);
            }
        }
    };
    timeout(ATTEMPT_LIMIT, greeted).await.unwrap_or_else(|_| Err(Failure::new(Fault::TimedOut, "")))
}

/// A session on the first endpoint that opens one. After a refused sign-in no other endpoint is
/// tried.
///
/// # Errors
/// [`Failure`] of the first endpoint that failed for good, else of the first.
pub async fn connect(client: &Client, identity: &Identity, token: &SecretString) -> Result<Connection, Failure> {
    let mut first = None;
    for endpoint in &identity.settings.server.endpoints {
        let attempt = async {
            let opening = timeout(ATTEMPT_LIMIT, Connection::open(client, identity, token, endpoint)).await;
            let mut connection = opening.unwrap_or_else(|_| Err(Failure::new(Fault::TimedOut, host_of(endpoint))))?;
            greet(&mut connection, identity).await?;
            Ok::<_, Failure>(connection)
        };
        match attempt.await {
            Ok(connection) => return Ok(connection),
            Err(failure) => match failure.recovery(1) {
                Recovery::Retry | Recovery::RetryAfter(_) => first = first.or(Some(failure)),
                Recovery::RefreshToken | Recovery::SignIn | Recovery::Halt => return Err(failure),
            },
        }
    }
    Err(first.unwrap_or_else(|| Failure::new(Fault::Settings, "server.endpoints is empty")))
}

/// Checks that the server accepts this token, and takes no message from it.
///
/// # Errors
/// [`Failure`]: the server refuses it, or cannot be asked.
pub async fn check(client: &Client, identity: &Arc<Identity>, token: &SecretString) -> Result<(), Failure> {
    if identity.settings.server.protocol != Protocol::Websocket {
        connect(client, identity, token).await?.close().await;
        return Ok(());
    }
    let api = &identity.settings.api;
    if api.base.is_some() && !api.clients.is_empty() {
        let intake = Intake::new(&identity.settings, TimeZone::UTC);
        let asked = Api::new(client.clone(), Arc::clone(identity), Arc::new(intake)).clients(token).await;
        match asked {
            Ok(_) => return Ok(()),
            Err(failure) if failure.recovery(1) == Recovery::RefreshToken => return Err(failure),
            // The service may lack this call, or permit it to others only.
            Err(failure) => tracing::debug!(reason = failure.reason(), "the API does not tell about the token"),
        }
    }
    let mut first = None;
    for endpoint in &identity.settings.server.endpoints {
        match ask_raw(client, identity, token, endpoint).await {
            Ok(()) => return Ok(()),
            Err(failure) => match failure.recovery(1) {
                Recovery::Retry | Recovery::RetryAfter(_) => first = first.or(Some(failure)),
                Recovery::RefreshToken | Recovery::SignIn | Recovery::Halt => return Err(failure),
            },
        }
    }
    Err(first.unwrap_or_else(|| Failure::new(Fault::Settings, "server.endpoints is empty")))
}

/// Asks whether a raw WebSocket can be opened with this token, and opens none.
///
/// # Errors
/// As [`Connection::open`].
pub(crate) async fn ask_raw(
    client: &Client,
    identity: &Identity,
    token: &SecretString,
    endpoint: &Url,
) -> Result<(), Failure> {
    let allowed = identity.settings.network.is_allowed(endpoint);
    allowed.map_err(|refusal| Failure::new(Fault::Insecure, refusal.place()))?;
    let headers = auth::http_headers(identity, token)?;
    let url = auth::handshake_url(identity, token, endpoint);
    let asked = Transport::ask(client, &url, headers).await;
    asked.map_err(|failure| Redaction::new(token).failure(failure))
}

/// Sends one message, and says whether the server confirmed it within [`RECEIPT_TIMEOUT`].
///
/// # Errors
/// [`Failure`]; [`Fault::Denied`] when the server ended the session instead of taking the message,
/// as RabbitMQ does, without an ERROR, when the destination does not exist or may not be written.
pub async fn send(
    mut connection: Connection,
    destination: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<bool, Failure> {
    let receipt = connection
        .session()
        .send(destination, headers, body)
        .map_err(|error| Failure::new(Fault::Denied, error.to_string()))?;
    let confirmed = async {
        loop {
            match connection.next_event().await {
                Ok(SessionEvent::Receipt(id)) if id == receipt => return Ok(()),
                Ok(event) => connection.session_end(&event, true).map_or(Ok(()), Err)?,
                Err(failure) if failure.fault == Fault::Closed => {
                    let detail = format!("it closed the session instead of taking the message ({})", failure.detail);
                    return Err(Failure::new(Fault::Denied, detail));
                }
                Err(failure) => return Err(failure),
            }
        }
    };
    let is_confirmed = match timeout(RECEIPT_TIMEOUT, confirmed).await {
        Ok(result) => result.map(|()| true),
        Err(_) => Ok(false),
    }?;
    connection.close().await;
    Ok(is_confirmed)
}
