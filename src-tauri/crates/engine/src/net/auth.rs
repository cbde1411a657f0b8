//! Writes the secret into CONNECT, into the headers of HTTP calls and of the WebSocket handshake
//! (`[auth]`), and into the address of the raw WebSocket.
//!
//! The only place that exposes a secret, right before it is sent. Deliberately absent: where it
//! comes from ([`belfry_core::ports::Credentials`]) and whether the peer may have it
//! ([`belfry_core::settings::NetworkSettings::is_allowed`]).

use data_encoding::BASE64;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use url::Url;

use crate::net::identity::Identity;
use belfry_core::{
    error::{Failure, Fault},
    settings::{HttpSecret, Protocol, StompSecret, endpoint},
};

/// The header that names this computer to the server.
const DEVICE_HEADER: HeaderName = HeaderName::from_static("x-device");
/// The header with the name that people see in lists of devices.
const DEVICE_NAME_HEADER: HeaderName = HeaderName::from_static("x-device-name");

/// The headers of an HTTP call or a handshake.
///
/// # Errors
/// [`Fault::NoCredential`] if the secret has characters that a header cannot hold.
pub(crate) fn http_headers(identity: &Identity, token: &SecretString) -> Result<HeaderMap, Failure> {
    let settings = &identity.settings;
    let secret = token.expose_secret();
    let (name, value) = match &settings.auth.http {
        HttpSecret::None => (None, String::new()),
        HttpSecret::Bearer => (Some(AUTHORIZATION), format!("Bearer {secret}")),
        HttpSecret::Basic => {
            let pair = format!("{}:{secret}", settings.auth.login);
            (Some(AUTHORIZATION), format!("Basic {}", BASE64.encode(pair.as_bytes())))
        }
        HttpSecret::Header(name) => (HeaderName::from_bytes(name.as_bytes()).ok(), secret.to_owned()),
    };
    let mut headers = device_headers(identity);
    if let Some(name) = name {
        let mut value = HeaderValue::from_str(&value).map_err(|_| unfit())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Device id and device name, which every request carries. The name is sent as UTF-8.
pub(crate) fn device_headers(identity: &Identity) -> HeaderMap {
    let said = [(DEVICE_HEADER, identity.device.as_str()), (DEVICE_NAME_HEADER, &identity.device_name)];
    let values = said.into_iter().filter(|(_, value)| !value.is_empty());
    values.filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))).collect()
}

/// Where the WebSocket is opened: on the raw protocol with the token in its place.
pub(crate) fn handshake_url(identity: &Identity, token: &SecretString, endpoint: &Url) -> Url {
    match identity.settings.server.protocol {
        Protocol::Stomp => endpoint.clone(),
        Protocol::Sockjs => endpoint::sockjs_url(endpoint, &mut rand::rng()),
        Protocol::Websocket => endpoint::raw_url(endpoint, token.expose_secret(), identity.device.as_str()),
    }
}

/// CONNECT for this account.
///
/// RabbitMQ un-escapes CONNECT, against the specification, and its logins and passcodes may contain
/// any character. Other servers get tokens, which contain no backslash. So CONNECT is always
/// escaped.
pub(crate) fn connect(identity: &Identity, token: &SecretString) -> stomp::Connect {
    let settings = &identity.settings;
    let secret = token.expose_secret();
    let login = Some(settings.auth.login.clone()).filter(|login| !login.is_empty());
    let mut headers = vec![("device".to_owned(), identity.device.as_str().to_owned())];
    if !identity.device_name.is_empty() {
        headers.push(("device-name".to_owned(), identity.device_name.clone()));
    }
    let mut passcode = None;
    match &settings.auth.stomp {
        StompSecret::Passcode => passcode = Some(secret.to_owned()),
        StompSecret::Bearer => headers.push(("Authorization".to_owned(), format!("Bearer {secret}"))),
        StompSecret::Header(name) => headers.push((name.clone(), secret.to_owned())),
    }
    stomp::Connect {
        host: settings.server.host.clone(),
        login,
        passcode,
        headers,
        heart_beat: stomp::HeartBeat {
            send: settings.server.heart_beat.send,
            expect: settings.server.heart_beat.expect,
        },
        escape_connect: true,
    }
}

/// The failure for a secret that cannot be sent at all.
pub(crate) fn unfit() -> Failure {
    Failure::new(Fault::NoCredential, "the token has characters (such as a line break) that cannot be sent")
}
