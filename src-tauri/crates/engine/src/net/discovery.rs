//! From a company's address to settings: `/.well-known/belfry.json`, or an endpoint that a person
//! typed.
//!
//! The document is a settings document without secrets; only keys about the server are taken from
//! it ([`belfry_core::settings::read_discovered`]). Deliberately absent: signing in, and writing
//! settings. Invariants: no secret is sent; plain HTTP is used only where a secret would be allowed
//! too; an answer is read up to [`MAX_DOCUMENT`].

use std::time::Duration;

use reqwest::header;
use serde_json::Value;
use url::Url;

use crate::net::{
    address::host_of,
    http::{self, Client},
};
use belfry_core::{
    error::{Failure, Fault},
    settings::{self, InsecureEndpoint, NetworkSettings, Protocol, Settings, SettingsErrors, origins},
};

/// The path of the document.
const PATH: &str = "/.well-known/belfry.json";
/// Largest document taken, in bytes.
const MAX_DOCUMENT: usize = 64 * 1024;
/// How long the answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What was discovered at an address.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscoveredServer {
    /// The settings that lead there; everything else is the default.
    pub settings: Settings,
    /// The keys to write into a settings file for that.
    pub keys: Vec<(String, Value)>,
    /// The host that was asked, as [`origins::host_of`] names it. Any other host in the settings needs
    /// the person's yes before a secret is sent.
    pub asked: String,
    /// The name the server gives itself; may be empty.
    pub name: String,
    /// Whether the settings come from the server; false for an endpoint that a person typed.
    pub is_discovered: bool,
}

/// Why discovery failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The text is not an address.
    #[error(
        "this is not an address: type the server's name, such as push.example.com, or an endpoint, such as wss://push.example.com/ws"
    )]
    BadAddress,
    /// Not encrypted, where it must be.
    #[error(transparent)]
    Insecure(#[from] InsecureEndpoint),
    /// There is no answer, or the certificate is not trusted.
    #[error("{}", .0.reason())]
    Unreachable(Failure),
    /// There is an answer, but no settings in it.
    #[error("{0}: the server does not say how to connect: ask IT for the endpoint, and type it")]
    Nothing(String),
    /// The settings in the answer are wrong.
    #[error("the server's own settings are wrong: tell its administrator\n{0}")]
    Wrong(SettingsErrors),
}

/// An address that a person typed.
enum Address {
    /// A WebSocket endpoint.
    Endpoint(Url),
    /// Where to look for the document, in this order.
    Servers(Vec<Url>),
}

/// Discovers the server at an address: a name (over HTTPS), an http or https address, or a ws or
/// wss endpoint. `network` decides where plain text is allowed.
///
/// # Errors
/// [`DiscoveryError`].
pub async fn discover(
    client: &Client,
    network: &NetworkSettings,
    typed: &str,
) -> Result<DiscoveredServer, DiscoveryError> {
    let servers = match address(typed, network)? {
        Address::Endpoint(endpoint) => return typed_endpoint(&endpoint),
        Address::Servers(servers) => servers,
    };
    let mut first = None;
    for server in servers {
        match fetch_document(client, &server).await {
            Err(error @ DiscoveryError::Unreachable(_)) => first = first.or(Some(error)),
            found => return found,
        }
    }
    Err(first.unwrap_or(DiscoveryError::BadAddress))
}

fn address(typed: &str, network: &NetworkSettings) -> Result<Address, DiscoveryError> {
    let typed = typed.trim();
    let is_bare = !typed.contains("://");
    let text = if is_bare { format!("https://{typed}") } else { typed.to_owned() };
    let mut url = Url::parse(&text).map_err(|_| DiscoveryError::BadAddress)?;
    if !url.has_host() || !url.username().is_empty() || url.password().is_some() || typed.contains(char::is_whitespace)
    {
        return Err(DiscoveryError::BadAddress);
    }
    match url.scheme() {
        "ws" | "wss" => {
            network.is_allowed(&url)?;
            Ok(Address::Endpoint(url))
        }
        "http" | "https" => {
            network.is_allowed(&url)?;
            url.set_path(PATH);
            url.set_query(None);
            url.set_fragment(None);
            let mut plain = url.clone();
            let may_be_plain = is_bare && plain.set_scheme("http").is_ok() && network.is_allowed(&plain).is_ok();
            Ok(Address::Servers(if may_be_plain { vec![url, plain] } else { vec![url] }))
        }
        _ => Err(DiscoveryError::BadAddress),
    }
}

fn typed_endpoint(endpoint: &Url) -> Result<DiscoveredServer, DiscoveryError> {
    let endpoints = [endpoint.as_str()];
    // Only the raw WebSocket has the token in its address.
    let server = if settings::endpoint::has_token_place(endpoint) {
        serde_json::json!({ "endpoints": endpoints, "protocol": Protocol::Websocket.as_str() })
    } else {
        serde_json::json!({ "endpoints": endpoints })
    };
    let document = serde_json::json!({ "server": server });
    let (settings, keys) = settings::read_discovered(&document, &host_of(endpoint)).map_err(DiscoveryError::Wrong)?;
    let asked = origins::host_of(endpoint).unwrap_or_default();
    Ok(DiscoveredServer { settings, keys, asked, name: String::new(), is_discovered: false })
}

async fn fetch_document(client: &Client, url: &Url) -> Result<DiscoveredServer, DiscoveryError> {
    let nothing = |what: &str| DiscoveryError::Nothing(format!("{}{PATH}: {what}", host_of(url)));
    let request = client.get(url.clone()).header(header::ACCEPT, "application/json").timeout(ANSWER_TIMEOUT);
    let response = request.send().await.map_err(|error| DiscoveryError::Unreachable(http::failure(error, url)))?;
    let status = response.status();
    if status.is_server_error() || status == reqwest::StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return Err(DiscoveryError::Unreachable(http::status_failure(status, response.headers(), url)));
    }
    if !status.is_success() {
        return Err(nothing(&format!("HTTP {}", status.as_u16())));
    }
    let body = http::read_body(response, MAX_DOCUMENT, url).await.map_err(DiscoveryError::Unreachable)?;
    let body = body.ok_or_else(|| nothing("larger than a settings document"))?;
    let document: Value = serde_json::from_slice(&body).map_err(|_| nothing("not JSON"))?;
    if document.pointer("/server").is_none() {
        return Err(nothing("it names no server"));
    }
    let (settings, keys) = settings::read_discovered(&document, &host_of(url)).map_err(DiscoveryError::Wrong)?;
    let name = document.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let asked = origins::host_of(url).unwrap_or_default();
    Ok(DiscoveredServer { settings, keys, asked, name, is_discovered: true })
}

impl DiscoveryError {
    /// Whether the certificate is the reason.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Unreachable(failure) if matches!(failure.fault, Fault::Tls(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(typed: &str) -> Result<Vec<String>, DiscoveryError> {
        Ok(match address(typed, &NetworkSettings::default())? {
            Address::Endpoint(url) => vec![url.to_string()],
            Address::Servers(urls) => urls.iter().map(ToString::to_string).collect(),
        })
    }

    #[test]
    fn an_address_is_asked_over_https_and_in_the_clear_only_where_a_secret_may_go_too() {
        let document = |origin: &str| format!("{origin}{PATH}");
        assert_eq!(addresses(" push.example.com ").unwrap(), [document("https://push.example.com")]);
        assert_eq!(
            addresses("https://push.example.com:8443/x?y#z").unwrap(),
            [document("https://push.example.com:8443")]
        );
        assert_eq!(
            addresses("127.0.0.1:8080").unwrap(),
            [document("https://127.0.0.1:8080"), document("http://127.0.0.1:8080")]
        );
        assert_eq!(addresses("wss://push.example.com/ws").unwrap(), ["wss://push.example.com/ws"]);
        for insecure in ["http://push.example.com", "ws://push.example.com/ws"] {
            assert!(matches!(addresses(insecure), Err(DiscoveryError::Insecure(_))), "{insecure}");
        }
        for bad in ["", "  ", "a b", "ftp://h", "alice:secret@h", "https://alice@h", "://", "https://"] {
            assert_eq!(addresses(bad), Err(DiscoveryError::BadAddress), "{bad:?}");
        }
    }

    #[test]
    fn an_endpoint_typed_by_hand_is_settings_too() {
        let found = typed_endpoint(&Url::parse("wss://push.example.com/ws").unwrap()).unwrap();
        assert_eq!(found.keys, [("server.endpoints".to_owned(), serde_json::json!(["wss://push.example.com/ws"]))]);
        assert_eq!(found.settings.server.endpoints.len(), 1);
        let raw = typed_endpoint(&Url::parse("wss://push.example.com/websocket/{token}").unwrap()).unwrap();
        let endpoints = serde_json::json!(["wss://push.example.com/websocket/{token}"]);
        let keys = [("server.endpoints".to_owned(), endpoints), ("server.protocol".to_owned(), "websocket".into())];
        assert_eq!(raw.keys, keys);
        let secret = typed_endpoint(&Url::parse("wss://push.example.com/ws?token=abc").unwrap()).unwrap_err();
        assert!(matches!(&secret, DiscoveryError::Wrong(_)) && !secret.to_string().contains("abc"), "{secret}");
    }

    #[test]
    fn only_what_speaks_of_the_server_is_taken_from_its_document_and_no_secret() {
        let document = serde_json::json!({
            "name": "Example",
            "server": { "endpoints": ["wss://push.example.com/ws"], "poll_every": "9s" },
            "auth": { "mode": "password" },
            "network": { "insecure_hosts": ["evil.example.com"], "proxy": "http://evil.example.com" },
            "app": { "start_at_login": false },
        });
        let (settings, keys) = settings::read_discovered(&document, "h").unwrap();
        let names: Vec<_> = keys.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(names, ["server.endpoints", "server.poll_every", "auth.mode"]);
        assert_eq!(settings.network, NetworkSettings::default());
        for secret in [serde_json::json!({ "token": "x" }), serde_json::json!({ "password": "x" })] {
            let document = serde_json::json!({ "server": { "endpoints": ["wss://h/ws"] }, "auth": secret });
            assert!(settings::read_discovered(&document, "h").is_err());
        }
        assert!(settings::read_discovered(&serde_json::json!([1]), "h").is_err(), "an endpoint is needed");
    }
}
