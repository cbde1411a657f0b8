//! One connection: a transport with a session on it, of STOMP or of the raw WebSocket.
//!
//! [`Connection`] is the two put together, for one-shot requests and the doctor too; [`task`] keeps
//! one alive for the driver. Deliberately absent: what a message means ([`crate::net::intake`]),
//! what the end of a session means ([`session_end`]), and when to connect again
//! ([`belfry_core::pipeline::link`]). Invariant: what a failure says holds no secret.

mod handler;
mod raw_handler;
mod session_end;
mod stomp_handler;
mod subscribe;
mod task;
mod wire_session;

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use secrecy::SecretString;
use stomp::{Limits, ReceiptId, Session, SessionEvent, SubscriptionId};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

pub(crate) use self::subscribe::{PREFETCH, STREAM_OFFSET, SubscribeRequest};
pub(crate) use self::task::closed;
pub use self::{
    handler::ConnectionReport,
    subscribe::stream_name,
    task::{ConnectionCommand, Opening, run},
    wire_session::WireSession,
};
use crate::{
    clock::wait_until,
    net::{
        auth,
        http::Client,
        identity::Identity,
        redaction::Redaction,
        transport::{Content, Received, Transport},
    },
};
use belfry_core::{
    error::{Failure, Fault},
    pipeline::link::PROBE_LIMIT,
    raw_session::RawSession,
    settings::{Protocol, ServerSettings},
};

/// Most header lines a frame may have; more are not a message for people.
const MAX_HEADERS: usize = 1_000;
/// Most bytes of header lines a frame may have.
const MAX_HEADER_BYTES: u32 = 256 * 1024;
/// How long the peer may accept no bytes. A working server never takes this long, and TCP alone
/// would try much longer.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a polite end may take: DISCONNECT with its receipt, and the close
/// (`docs/reference/commands.md`).
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A session on a transport.
#[derive(Debug)]
pub struct Connection<S = Session> {
    transport: Transport,
    session: S,
    redaction: Redaction,
    /// What the transport has not taken yet.
    unsent: Option<Bytes>,
    /// The peer must have accepted what is being sent by then.
    sending: Option<Instant>,
    /// A probe was sent: bytes must arrive before then.
    probe: Option<Instant>,
    /// Between two pings, where the server sends no heart-beats; its silence is then noticed only
    /// so.
    ping_interval: Duration,
    /// When the next ping is due.
    ping: Option<Instant>,
}

impl Connection {
    /// Opens the socket and queues CONNECT; [`Self::next_event`] returns the answer.
    ///
    /// # Errors
    /// [`Failure`]: refused by us because it would not be encrypted, unreachable, or refused by the
    /// server.
    pub async fn open(
        client: &Client,
        identity: &Identity,
        token: &SecretString,
        endpoint: &Url,
    ) -> Result<Self, Failure> {
        let settings = &identity.settings;
        let connect = auth::connect(identity, token);
        let limits = Limits {
            max_body: usize::try_from(settings.server.max_message).unwrap_or(usize::MAX),
            max_headers: MAX_HEADERS,
            max_header_bytes: MAX_HEADER_BYTES,
        };
        let session = Session::new(&connect, limits).map_err(|_| auth::unfit())?;
        let redaction = Redaction::new(token);
        let is_framed = settings.server.protocol == Protocol::Sockjs;
        let content = if is_framed { Content::SockJs } else { Content::Stomp };
        let transport = open_transport(client, identity, token, endpoint, content).await;
        let transport = transport.map_err(|failure| redaction.failure(failure))?;
        Ok(Self::on(transport, session, redaction, settings.server.heart_beat.expect))
    }
}

impl Connection<RawSession> {
    /// Opens the raw WebSocket; the session begins with it.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub(crate) async fn open_raw(
        client: &Client,
        identity: &Identity,
        token: &SecretString,
        endpoint: &Url,
    ) -> Result<Self, Failure> {
        let settings = &identity.settings.server;
        let session = RawSession::new(usize::try_from(settings.max_message).unwrap_or(usize::MAX));
        let redaction = Redaction::new(token);
        let transport = open_transport(client, identity, token, endpoint, Content::Raw).await;
        let transport = transport.map_err(|failure| redaction.failure(failure))?;
        let mut connection = Self::on(transport, session, redaction, settings.heart_beat.expect);
        connection.start_pings();
        Ok(connection)
    }
}

/// Opens the WebSocket, with the secret where the settings say.
async fn open_transport(
    client: &Client,
    identity: &Identity,
    token: &SecretString,
    endpoint: &Url,
    content: Content,
) -> Result<Transport, Failure> {
    identity.settings.network.is_allowed(endpoint).map_err(|refusal| Failure::new(Fault::Insecure, refusal.place()))?;
    let headers = auth::http_headers(identity, token)?;
    let url = auth::handshake_url(identity, token, endpoint);
    Transport::open(client, &url, headers, content).await
}

impl<S: WireSession> Connection<S> {
    /// `expect` is `server.heart_beat.expect`; zero stands for its default.
    fn on(transport: Transport, session: S, redaction: Redaction, expect: Duration) -> Self {
        let ping_interval = if expect.is_zero() { ServerSettings::default().heart_beat.expect } else { expect };
        Self { transport, session, redaction, unsent: None, sending: None, probe: None, ping_interval, ping: None }
    }

    fn start_pings(&mut self) {
        self.ping = Some(Instant::now() + self.ping_interval);
    }

    /// Sends what is waiting, then returns the next event. Safe to drop and call again.
    ///
    /// # Errors
    /// [`Failure`] when the connection has ended.
    pub(crate) async fn next_event(&mut self) -> Result<S::Event, Failure> {
        let event = self.poll_next_event().await;
        event.map_err(|failure| self.redaction.failure(failure))
    }

    async fn poll_next_event(&mut self) -> Result<S::Event, Failure> {
        loop {
            self.flush().await?;
            if let Some(event) = self.session.poll_event() {
                if S::needs_pings(&event) {
                    self.start_pings();
                }
                return Ok(event);
            }
            let deadline = self.session.poll_timeout().map(Instant::from_std);
            tokio::select! {
                received = self.transport.receive() => {
                    let received = received?;
                    // Anything proves that the peer is there.
                    self.probe = None;
                    match received {
                        Received::Piece(piece) => self.session.handle_piece(piece, Instant::now().into_std()),
                        Received::End => self.session.handle_message_end(),
                        Received::Alive => {}
                        // It counts for silence as a heart-beat of STOMP would.
                        Received::Beat => self.session.handle_unread(Instant::now().into_std()),
                    }
                }
                () = wait_until(deadline) => self.session.handle_timeout(Instant::now().into_std()),
                () = wait_until(self.probe) => return Err(Failure::new(Fault::Silent, "")),
                () = wait_until(self.ping) => {
                    let now = Instant::now();
                    self.ping = Some(now + self.ping_interval);
                    // With the interval before the ping, that is a silence of three intervals.
                    self.probe.get_or_insert(now + 2 * self.ping_interval);
                    self.transport.ping().await?;
                }
            }
        }
    }

    /// Sends a ping; bytes must arrive within [`PROBE_LIMIT`].
    ///
    /// # Errors
    /// [`Failure`] when the connection has ended.
    pub(crate) async fn probe(&mut self) -> Result<(), Failure> {
        self.probe = Some(Instant::now() + PROBE_LIMIT);
        self.transport.ping().await?;
        self.flush().await
    }

    /// Keeps the connection alive without reading from it, until it has ended. What the peer has
    /// sent meanwhile is not known, so its silence is not counted. Safe to drop and call again.
    pub(crate) async fn hold(&mut self) -> Failure {
        loop {
            self.resume();
            if let Err(failure) = self.flush().await {
                return failure;
            }
            wait_until(self.session.poll_timeout().map(Instant::from_std)).await;
            self.resume();
            self.session.handle_timeout(Instant::now().into_std());
        }
    }

    /// Sends what is waiting, in as few writes as possible. Safe to drop and call again.
    ///
    /// # Errors
    /// [`Failure`] when the connection has ended, or the peer accepts no bytes any more.
    pub async fn flush(&mut self) -> Result<(), Failure> {
        let send = async {
            while let Some(bytes) = self.unsent.take().or_else(|| self.session.poll_transmit()) {
                self.unsent = Some(bytes.clone());
                self.transport.feed(bytes).await?;
                self.unsent = None;
            }
            self.transport.flush().await
        };
        let until = *self.sending.get_or_insert_with(|| Instant::now() + SEND_TIMEOUT);
        let sent = timeout_at(until, send).await.unwrap_or_else(|_| Err(Failure::new(Fault::Silent, "")));
        self.sending = None;
        sent
    }

    /// The connection is read again: the peer's silence counts from here.
    pub(crate) fn resume(&mut self) {
        self.session.handle_unread(Instant::now().into_std());
        self.probe = self.probe.map(|_| Instant::now() + PROBE_LIMIT);
    }
}

impl Connection {
    /// Why the session is over, if this event ends it.
    pub(crate) fn session_end(&self, event: &SessionEvent, is_established: bool) -> Option<Failure> {
        session_end::session_end(event, is_established).map(|failure| self.redaction.failure(failure))
    }

    /// The session, to subscribe, send and acknowledge on; [`Self::flush`] or [`Self::next_event`]
    /// sends it.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Sends DISCONNECT with a receipt, then closes; at most 2 s. Messages that still arrive are
    /// ignored: they were not acknowledged, so the server sends them again.
    pub async fn close(mut self) {
        let disconnect = async {
            if self.session.disconnect(Instant::now().into_std()).is_ok() {
                while !self.session.is_over() {
                    if self.next_event().await.is_err() {
                        return;
                    }
                }
            }
            self.transport.close().await;
        };
        if timeout(CLOSE_TIMEOUT, disconnect).await.is_err() {
            tracing::debug!("the server did not confirm the end of the session in time");
        }
    }

    /// Makes every subscription of the settings; a stream continues after its offset in `offsets`.
    ///
    /// # Errors
    /// [`Fault::Settings`] when a destination or header cannot be sent.
    pub fn subscribe_all(
        &mut self,
        identity: &Identity,
        offsets: &HashMap<String, u64>,
    ) -> Result<HashMap<SubscriptionId, usize>, Failure> {
        let mut made = HashMap::new();
        for index in 0..identity.settings.server.subscriptions.len() {
            let Some(request) = SubscribeRequest::new(identity, index, offsets)? else { continue };
            self.subscribe(&request)?;
            made.insert(request.id, index);
        }
        Ok(made)
    }

    /// Subscribes; the receipt confirms it.
    ///
    /// # Errors
    /// [`Fault::Settings`] when it cannot be sent.
    pub(crate) fn subscribe(&mut self, request: &SubscribeRequest) -> Result<ReceiptId, Failure> {
        self.session
            .subscribe(request.id.clone(), &request.destination, request.ack, &request.headers)
            .map_err(|error| Failure::new(Fault::Settings, format!("server.subscriptions: {error}")))
    }
}

impl Connection<RawSession> {
    /// Closes; at most 2 s. Messages that still arrive are ignored: the server or its API has them.
    pub(crate) async fn close(self) {
        if timeout(CLOSE_TIMEOUT, self.transport.close()).await.is_err() {
            tracing::debug!("the close was not sent in time");
        }
    }
}

/// Refuses a session that the server has opened for another login (Spring names it in CONNECTED):
/// it would bring another person's messages.
pub(crate) fn check_user(user_name: Option<String>, identity: &Identity) -> Result<(), Failure> {
    let login = identity.account.login();
    match user_name.filter(|name| !login.is_empty() && name != login) {
        Some(other) => Err(Failure::new(Fault::WrongAccount, format!("{other} ≠ {login}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
