//! The HTTP client that transport, API and sign-in share: proxy, trust, client certificate, one
//! user agent.
//!
//! The only place that turns an error of the network into a [`Failure`], without the URL, whose
//! path may carry a token. Invariants: no redirects, so a secret goes only to the host that the
//! settings name; HTTP/1.1 only, since a WebSocket begins as an upgrade; no proxy for loopback and for
//! what is not encrypted.

use std::{io, sync::Arc, time::Duration};

use reqwest::{Body, Certificate, Identity, Method, Response, StatusCode, header};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde::Serialize;
use url::Url;

use super::address::host_of;
use super::proxy_finder::{ProxyFinder, Route};
use belfry_core::{
    error::{Failure, Fault, TlsFault},
    ports::SystemProxies,
    settings::{NetworkSettings, Proxy},
};

/// What hyper-util says when a proxy wants a sign-in before it lets a connection through.
const PROXY_SIGN_IN: &str = "tunnel error: proxy authorization required";
/// How long DNS, TCP, proxy and TLS may take together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Attempts to send a request whose connection was closed too early, after the first.
const MAX_UNSENT: u32 = 10;

/// The client. Each request finds its proxy before it is sent, which may have to wait for the
/// system.
#[derive(Debug, Clone)]
pub struct Client {
    client: reqwest::Client,
    proxies: Arc<ProxyFinder>,
}

impl Client {
    pub(crate) fn get(&self, url: impl reqwest::IntoUrl) -> Request {
        self.request(Method::GET, url)
    }

    /// A POST to this URL, not sent yet.
    pub fn post(&self, url: impl reqwest::IntoUrl) -> Request {
        self.request(Method::POST, url)
    }

    pub(crate) fn request(&self, method: Method, url: impl reqwest::IntoUrl) -> Request {
        Request { request: self.client.request(method, url), proxies: Arc::clone(&self.proxies) }
    }

    /// How a request to this URL, or a WebSocket, goes to the server now.
    ///
    /// # Errors
    /// [`Fault::UnusableProxy`].
    pub(crate) async fn route(&self, url: &Url) -> Result<Route, Failure> {
        self.proxies.find(&http_url(url)).await
    }
}

/// A request that has not been sent yet. It exists so that none is sent before its proxy is known:
/// the library asks for it where it cannot wait.
#[derive(Debug)]
pub struct Request {
    request: reqwest::RequestBuilder,
    proxies: Arc<ProxyFinder>,
}

impl Request {
    fn map(mut self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        self.request = change(self.request);
        self
    }

    pub(crate) fn header(self, name: impl AsRef<str>, value: &str) -> Self {
        self.map(|request| request.header(name.as_ref(), value))
    }

    pub(crate) fn headers(self, headers: header::HeaderMap) -> Self {
        self.map(|request| request.headers(headers))
    }

    pub(crate) fn body(self, body: impl Into<Body>) -> Self {
        self.map(|request| request.body(body))
    }

    /// With this as its body.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.json(value))
    }

    /// How long connection and answer may take together, once the proxy is known.
    pub(crate) fn timeout(self, limit: Duration) -> Self {
        self.map(|request| request.timeout(limit))
    }

    /// Finds the proxy, and sends the request.
    ///
    /// # Errors
    /// [`SendError`] when there is no answer.
    pub async fn send(self) -> Result<Response, SendError> {
        let (client, request) = self.request.build_split();
        let request = request?;
        self.proxies.find(request.url()).await.map_err(SendError::Proxy)?;
        Ok(client.execute(request).await?)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum SendError {
    /// There is no proxy that can be used; nothing was sent.
    Proxy(Failure),
    /// The error of the network.
    Http(reqwest::Error),
}

impl From<reqwest::Error> for SendError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}

impl SendError {
    /// Whether there was no connection, so that the server has seen nothing.
    pub(crate) fn is_connect(&self) -> bool {
        match self {
            Self::Proxy(_) => true,
            Self::Http(error) => error.is_connect(),
        }
    }

    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_timeout())
    }
}

/// Builds the client; `system` says which proxy to use with `network.proxy = "system"`.
///
/// # Errors
/// [`Fault::Settings`] when a file that `[network]` names cannot be used: nothing is sent then.
pub fn client(settings: &NetworkSettings, system: Arc<dyn SystemProxies>) -> Result<Client, Failure> {
    // This fails when another engine of this process has installed it before, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let proxies = Arc::new(ProxyFinder::new(settings.clone(), system));
    let mut builder = reqwest::Client::builder()
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(Duration::from_secs(30))
        .retry(retry_unsent())
        .user_agent(concat!("Belfry/", env!("CARGO_PKG_VERSION")));
    builder = builder.no_proxy();
    if settings.proxy != Proxy::None {
        let found = Arc::clone(&proxies);
        builder = builder.proxy(reqwest::Proxy::custom(move |url| found.found(url)));
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
    let client = builder.build().map_err(|error| unusable("[network]", &error))?;
    Ok(Client { client, proxies })
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
pub(crate) fn failure(error: impl Into<SendError>, url: &Url) -> Failure {
    let error = match error.into() {
        SendError::Proxy(failure) => return failure,
        SendError::Http(error) => error.without_url(),
    };
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
    Failure { retry_after: retry_after(headers, jiff::Timestamp::now()), ..Failure::new(fault, detail) }
}

/// `Retry-After` in either of its forms (RFC 9110, section 10.2.3), a date measured against the
/// server's own `Date`, or else against `now`; at most an hour, so that a server's mistake does not
/// silence a client for days.
fn retry_after(headers: &header::HeaderMap, now: jiff::Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(until.duration_since(server_time(headers).unwrap_or(now))).unwrap_or_default()
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
    use crate::net::proxy_finder::tests::NoSystem;

    #[test]
    fn a_date_of_retry_after_is_measured_against_the_servers_clock_or_else_the_one_here() {
        let date = |time: jiff::Timestamp| jiff::fmt::rfc2822::to_string(&time.to_zoned(jiff::tz::TimeZone::UTC));
        let now: jiff::Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let wait = |until: i64, server: Option<i64>| {
            let mut headers = header::HeaderMap::new();
            let at = |seconds| date(now + jiff::SignedDuration::from_secs(seconds)).unwrap().parse().unwrap();
            headers.insert(header::RETRY_AFTER, at(until));
            server.map(|server| headers.insert(header::DATE, at(server)));
            retry_after(&headers, now).unwrap()
        };
        assert_eq!(wait(-3_540, Some(-3_600)), Duration::from_secs(60));
        assert_eq!(wait(1_800, None), Duration::from_secs(1_800));
        assert_eq!(wait(-60, None), Duration::ZERO);
        assert_eq!(wait(86_400, None), Duration::from_secs(3_600), "an hour at most");
    }

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
        let client = client(&settings, Arc::new(NoSystem)).unwrap();
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
            let client = client(&settings, Arc::new(NoSystem)).unwrap();
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
        let client = client(&NetworkSettings::default(), Arc::new(NoSystem)).unwrap();
        let refused = client.get("http://127.0.0.1:1/").send().await;
        assert!(matches!(refused, Err(SendError::Http(error)) if !was_never_sent(&error)));
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
}
