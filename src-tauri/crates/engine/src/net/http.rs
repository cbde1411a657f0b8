//! The HTTP client that transport, API and sign-in share: proxy, trust, client certificate, one
//! user agent.
//!
//! The only place that turns an error of the network into a [`Failure`], without the URL, whose
//! path may carry a token. Invariants: no redirects, so a secret goes only to the host that the
//! settings name; HTTP/1.1 only, since a WebSocket begins as an upgrade; no proxy for loopback and for
//! what is not encrypted.

use std::{io, time::Duration};

use data_encoding::BASE64;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
pub use reqwest::Client;
use reqwest::{Certificate, Identity, Response, StatusCode, header};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use secrecy::SecretString;
use url::Url;

use belfry_core::{
    error::{Failure, Fault, TlsFault},
    settings::{NetworkSettings, Proxy},
};

/// What hyper-util says when a proxy wants a sign-in before it lets a connection through.
const PROXY_SIGN_IN: &str = "tunnel error: proxy authorization required";
/// How long DNS, TCP, proxy and TLS may take together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Attempts to send a request whose connection was closed too early, after the first.
const MAX_UNSENT: u32 = 10;

/// Builds the client.
///
/// # Errors
/// [`Fault::Settings`] when a file that `[network]` names cannot be used: nothing is sent then.
pub fn client(settings: &NetworkSettings) -> Result<Client, Failure> {
    // This fails when another engine of this process has installed it before, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(Duration::from_secs(30))
        .retry(retry_unsent())
        .user_agent(concat!("Belfry/", env!("CARGO_PKG_VERSION")));
    builder = builder.no_proxy();
    if settings.proxy != Proxy::None {
        let (network, system) = (settings.clone(), Matcher::from_system());
        builder = builder.proxy(reqwest::Proxy::custom(move |url| proxy_url(&network, &system, url)));
    }
    if let Some(path) = &settings.ca_bundle {
        let pem = std::fs::read(path).map_err(|error| unusable("network.ca_bundle", &error))?;
        builder = builder.tls_certs_merge(roots(&pem)?);
    }
    if let Some(path) = &settings.client_cert {
        let pem = std::fs::read(path).map_err(|error| unusable("network.client_cert", &error))?;
        let identity = Identity::from_pem(&pem).map_err(|error| unusable("network.client_cert", &error))?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|error| unusable("[network]", &error))
}

/// A server that refuses our certificate says so when the connection is open already (TLS 1.3). If it
/// has closed before the request could be sent, hyper drops its reason; on a new connection the
/// reason is seen.
fn retry_unsent() -> reqwest::retry::Builder {
    reqwest::retry::for_host(AnyHost).no_budget().max_retries_per_request(MAX_UNSENT).classify_fn(|answer| {
        if answer.error().is_some_and(was_never_sent) { answer.retryable() } else { answer.success() }
    })
}

/// The library asks for which host a rule is.
struct AnyHost;

impl PartialEq<&str> for AnyHost {
    fn eq(&self, _host: &&str) -> bool {
        true
    }
}

/// Whether the connection was closed before anything of the request was sent, and nothing says why.
fn was_never_sent(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = || std::iter::successors(Some(error), |error| error.source());
    causes().any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_canceled))
        && !causes().any(|cause| tls_error(cause).is_some())
}

/// The certificates of a bundle. Each is read here, since the client's own error would not name the
/// setting.
fn roots(pem: &[u8]) -> Result<Vec<Certificate>, Failure> {
    const KEY: &str = "network.ca_bundle";
    let mut store = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| unusable(KEY, &error))?;
        store.add(certificate).map_err(|error| unusable(KEY, &error))?;
    }
    if store.is_empty() {
        return Err(Failure::new(Fault::Settings, format!("{KEY}: no certificate")));
    }
    Certificate::from_pem_bundle(pem).map_err(|error| unusable(KEY, &error))
}

fn unusable(key: &str, mut error: &dyn std::error::Error) -> Failure {
    // The innermost cause says what is wrong; the client's own errors only say "builder error".
    while let Some(cause) = error.source() {
        error = cause;
    }
    Failure::new(Fault::Settings, format!("{key}: {error}"))
}

/// Host and port, the only part of a URL that is fit for a log.
pub fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => String::new(),
    }
}

/// A URL in the scheme of the HTTP client: ws is http, wss is https.
pub(crate) fn http_url(endpoint: &Url) -> Url {
    let mut url = endpoint.clone();
    let scheme = match endpoint.scheme() {
        "ws" => "http",
        "wss" => "https",
        other => other,
    }
    .to_owned();
    // Both are special schemes: the change cannot be refused.
    let _ = url.set_scheme(&scheme);
    url
}

/// The proxy that the client would use for this URL, with its credential; `None`: a direct
/// connection.
pub(crate) fn proxy_to(settings: &NetworkSettings, url: &Url) -> Option<(Url, Option<SecretString>)> {
    let proxy = proxy_url(settings, &Matcher::from_system(), &http_url(url))?;
    if settings.proxy != Proxy::System {
        return Some((proxy, None));
    }
    let found = Matcher::from_system().intercept(&http_url(url).as_str().parse().ok()?)?;
    let credential = found.basic_auth().and_then(|value| value.to_str().ok()).map(SecretString::from);
    Some((Url::parse(&found.uri().to_string()).ok()?, credential))
}

/// The proxy for this URL, its credential included; `None`: a direct connection. `system` is what
/// environment and system say.
fn proxy_url(settings: &NetworkSettings, system: &Matcher, url: &Url) -> Option<Url> {
    if settings.bypasses_proxy(url) {
        return None;
    }
    match &settings.proxy {
        Proxy::None => None,
        Proxy::Url(proxy) => Some(proxy.clone()),
        Proxy::System => with_credential(&system.intercept(&url.as_str().parse().ok()?)?),
    }
}

/// The URL of a proxy of the system, with the credential that belongs to it.
fn with_credential(found: &Intercept) -> Option<Url> {
    let mut url = Url::parse(&found.uri().to_string()).ok()?;
    let basic = || {
        let encoded = found.basic_auth()?.to_str().ok()?.strip_prefix("Basic ")?;
        let pair = String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()?;
        pair.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    };
    let raw = found.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned()));
    if let Some((user, password)) = raw.or_else(basic) {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        // A proxy has a host, so these cannot be refused.
        let _ = (url.set_username(&encode(&user)), url.set_password(Some(&encode(&password))));
    }
    Some(url)
}

/// Sends a request without a secret and without a path, which also checks the TLS certificate.
/// Returns the server's clock if the answer has a `Date`.
///
/// # Errors
/// [`Failure`]: unreachable or not trusted. Any HTTP status is an answer, and so is none after TLS.
pub(crate) async fn probe(client: &Client, url: &Url) -> Result<Option<jiff::Timestamp>, Failure> {
    let mut root = http_url(url);
    root.set_path("/");
    root.set_query(None);
    match client.get(root).timeout(CONNECT_TIMEOUT).send().await {
        Ok(response) => Ok(server_time(response.headers())),
        Err(error) => {
            let is_reached = !error.is_connect() && !error.is_timeout();
            let failure = failure(error, url);
            // It has taken the connection and then ended it: a server may have nothing to say there.
            if is_reached && failure.fault == Fault::Unreachable { Ok(None) } else { Err(failure) }
        }
    }
}

/// Reads the body of an answer; `None` when it is larger than `limit` bytes, of which no more than
/// that are read.
///
/// # Errors
/// [`Failure`] when the body does not arrive whole.
pub(crate) async fn read_body(mut response: Response, limit: usize, url: &Url) -> Result<Option<Vec<u8>>, Failure> {
    // Growing would copy a large body, and take up to twice its size meanwhile.
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut body = Vec::with_capacity(expected.unwrap_or_default().min(limit));
    while let Some(piece) = response.chunk().await.map_err(|error| failure(error, url))? {
        if body.len() + piece.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body))
}

/// What an error of the client means.
pub fn failure(error: reqwest::Error, url: &Url) -> Failure {
    let error = error.without_url();
    if error.is_timeout() {
        return Failure::new(Fault::TimedOut, host_of(url));
    }
    // The innermost cause is the useful one ("connection refused"); the outer ones are "error
    // sending request".
    let mut cause: &dyn std::error::Error = &error;
    let mut fault = Fault::Unreachable;
    while let Some(source) = cause.source() {
        cause = source;
        // The proxy has answered 407 to CONNECT; hyper-util does not export the type of this error.
        if cause.to_string() == PROXY_SIGN_IN {
            fault = Fault::ProxyAuth;
        }
        fault = tls_error(cause).map_or(fault, |error| Fault::Tls(tls_fault(error)));
    }
    Failure::new(fault, format!("{}: {}", host_of(url), words_of(cause)))
}

/// What an error says, without the address of the manual that rustls adds to some.
fn words_of(error: &dyn std::error::Error) -> String {
    let said = error.to_string().to_lowercase();
    said.split(": https://docs.rs/").next().unwrap_or_default().to_owned()
}

/// The error of TLS that this is, or that an error of reading or writing holds.
fn tls_error<'a>(mut error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    // An io::Error does not name what it holds as its source.
    while let Some(held) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        error = held;
    }
    error.downcast_ref()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the lists of a library: what they add is a fault like the others")]
fn tls_fault(error: &rustls::Error) -> TlsFault {
    use rustls::{AlertDescription as Alert, CertificateError, Error};
    match error {
        Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => TlsFault::Expired,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => TlsFault::Name,
        // What a server has to say of a certificate is about the client's.
        Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError,
        ) => TlsFault::ClientCertificate,
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::PeerIncompatible(_)
        | Error::AlertReceived(Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity) => {
            TlsFault::Version
        }
        _ => TlsFault::Untrusted,
    }
}

/// What an HTTP status other than the expected one means. 407 comes from a proxy.
pub fn status_failure(status: StatusCode, headers: &header::HeaderMap, url: &Url) -> Failure {
    let fault = match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Fault::ProxyAuth,
        // Redirects are not followed; neither is a page what anything here asks for.
        status if status.is_success() || status.is_redirection() => Fault::Page(status.as_u16()),
        status => Fault::Status(status.as_u16()),
    };
    let detail = format!("{}: HTTP {}", host_of(url), status.as_u16());
    Failure { retry_after: retry_after(headers), ..Failure::new(fault, detail) }
}

/// `Retry-After` in either of its forms (RFC 9110, section 10.2.3), a date measured against the
/// server's own `Date`; at most an hour, so that a server's mistake does not silence a client for
/// days.
fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(until.duration_since(server_time(headers)?)).unwrap_or_default()
        }
    };
    Some(delay.min(Duration::from_secs(3_600)))
}

/// The server's clock, from `Date`.
pub fn server_time(headers: &header::HeaderMap) -> Option<jiff::Timestamp> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// Answers one request with 403 after its head; returns the head.
    async fn answer_once(listener: &TcpListener) -> String {
        answer_once_with(listener, "403 Forbidden").await
    }

    async fn answer_once_with(listener: &TcpListener, status: &str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(head).unwrap()
    }

    async fn listen() -> (TcpListener, Url) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        (listener, url)
    }

    #[tokio::test]
    async fn only_an_encrypted_request_to_another_host_reaches_the_proxy_and_none_with_the_secret() {
        let ((proxy, proxy_url), (server, server_url)) = (listen().await, listen().await);
        let settings = NetworkSettings {
            proxy: Proxy::Url(proxy_url),
            insecure_hosts: vec!["intranet.invalid".parse().unwrap()],
            ..NetworkSettings::default()
        };
        let client = client(&settings).unwrap();
        let ask = |url: &str| client.get(url).header(header::AUTHORIZATION, "Bearer the-secret").send();

        let (head, answer) = tokio::join!(answer_once(&server), ask(server_url.as_str()));
        assert!(head.starts_with("GET / HTTP/1.1") && head.contains("the-secret"), "{head}");
        assert_eq!(answer.unwrap().status(), StatusCode::FORBIDDEN);
        // Names that do not exist: only a proxy could answer for them.
        for direct in ["http://intranet.invalid/", "https://intranet.invalid/", "http://push.invalid/"] {
            tokio::select! {
                head = answer_once(&proxy) => panic!("{direct} went through the proxy: {head}"),
                answer = ask(direct) => assert!(answer.unwrap_err().is_connect(), "{direct}"),
            }
        }
        let (head, answer) = tokio::join!(answer_once(&proxy), ask("https://push.invalid/"));
        assert!(head.starts_with("CONNECT push.invalid:443") && !head.contains("the-secret"), "{head}");
        answer.unwrap_err();
    }

    #[tokio::test]
    async fn a_proxy_that_wants_a_sign_in_is_named_as_such_and_one_that_refuses_the_host_is_retried() {
        for (status, fault) in
            [("407 Proxy Authentication Required", Fault::ProxyAuth), ("403 Forbidden", Fault::Unreachable)]
        {
            let (proxy, proxy_url) = listen().await;
            let settings = NetworkSettings { proxy: Proxy::Url(proxy_url), ..NetworkSettings::default() };
            let url = Url::parse("https://push.invalid/").unwrap();
            let client = client(&settings).unwrap();
            let (_, answer) = tokio::join!(answer_once_with(&proxy, status), client.get(url.clone()).send());
            assert_eq!(failure(answer.unwrap_err(), &url).fault, fault, "{status}");
        }
    }

    /// What the client says of a request if the other end closes after it has read so many bytes.
    async fn closed_after(bytes: usize) -> hyper::Error {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, String>(hyper_util::rt::TokioIo::new(ours)).await.unwrap();
        let request = hyper::Request::get("/").body(String::new()).unwrap();
        if bytes == 0 {
            drop((connection, theirs));
            return sender.send_request(request).await.unwrap_err();
        }
        let closing = async {
            theirs.read_exact(&mut vec![0; bytes]).await.unwrap();
            drop(theirs);
        };
        let (error, _, _) = tokio::join!(sender.send_request(request), connection, closing);
        error.unwrap_err()
    }

    #[tokio::test]
    async fn only_a_request_that_was_never_sent_is_sent_again() {
        assert!(was_never_sent(&closed_after(0).await));
        assert!(!was_never_sent(&closed_after("GET / HTTP/1.1".len()).await));
        let refused = client(&NetworkSettings::default()).unwrap().get("http://127.0.0.1:1/").send().await;
        assert!(!was_never_sent(&refused.unwrap_err()));
    }

    #[test]
    fn an_error_is_said_without_the_address_of_a_manual() {
        let error =
            io::Error::other("peer closed connection without sending TLS close_notify: https://docs.rs/rustls/x");
        assert_eq!(words_of(&error), "peer closed connection without sending tls close_notify");
        assert_eq!(
            words_of(&io::Error::other("Connection refused (os error 111)")),
            "connection refused (os error 111)"
        );
    }

    #[test]
    fn the_proxy_of_the_system_is_used_with_its_credential_and_bypassed_in_the_same_way() {
        let settings = NetworkSettings::default();
        let found = |proxy: &str, url: &str| {
            let system = Matcher::builder().all(proxy.to_owned()).no("direct.example.com").build();
            proxy_url(&settings, &system, &Url::parse(url).unwrap()).map(|url| url.to_string())
        };
        let proxy = "http://alice:p%40s%25s@proxy.example.com:3128/";
        assert_eq!(found(proxy, "https://push.example.com/").as_deref(), Some(proxy));
        let socks = "socks5h://alice:secret@proxy.example.com:1080/";
        assert_eq!(found(socks, "https://push.example.com/").as_deref(), Some(socks));
        for direct in
            ["https://direct.example.com/", "http://push.example.com/", "http://127.0.0.1:1/", "https://localhost/"]
        {
            assert_eq!(found(proxy, direct), None, "{direct}");
        }
    }
}
