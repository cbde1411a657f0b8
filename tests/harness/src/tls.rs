//! TLS in front of any server: `https://` and `wss://` for what itself speaks plain HTTP.
//!
//! It ends TLS and passes the bytes on, as the reverse proxies do that companies have. A connection
//! that breaks behind it breaks in front without TLS's closing alert, as there. It listens before
//! its server is known, so that the server can be started with its public address.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::pki_types::ServerName;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::{TlsAcceptor, TlsConnector, client};

use crate::CertificateAuthority;
use crate::certificates::Identity;

/// Every version that a server should speak.
pub use rustls::ALL_VERSIONS;

/// What an older server speaks.
pub const TLS_1_2: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// How a front presents itself and whom it lets in.
#[derive(Debug)]
pub struct TlsOptions<'a> {
    /// What clients are shown.
    pub identity: Identity,
    /// Only clients with a certificate of this authority are let in.
    pub client_authority: Option<&'a CertificateAuthority>,
    /// Which versions of TLS are spoken.
    pub versions: &'static [&'static SupportedProtocolVersion],
}

/// A port that speaks TLS in front of a server that does not. Dropping it ends all its connections.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    server: watch::Sender<Option<String>>,
    counts: watch::Receiver<Counts>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    accepted: u64,
    refused: u64,
}

impl TlsFront {
    /// Listens on a loopback port, in front of `server` (`127.0.0.1:PORT`), with a loopback
    /// certificate of `authority`.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start(authority: &CertificateAuthority, server: impl Into<String>) -> Self {
        Self::start_at("127.0.0.1:0", authority, server).await
    }

    /// The same at this address.
    ///
    /// # Panics
    /// If it cannot listen there.
    pub async fn start_at(listen: &str, authority: &CertificateAuthority, server: impl Into<String>) -> Self {
        let identity = authority.loopback_server();
        let options = TlsOptions { identity, client_authority: None, versions: rustls::ALL_VERSIONS };
        let front = Self::listen_at(listen, options).await;
        front.pass_to(server);
        front
    }

    /// The same with a certificate for this name, which a [`ConnectProxy`](crate::ConnectProxy) may
    /// resolve.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn named(authority: &CertificateAuthority, name: &str, server: impl Into<String>) -> Self {
        let identity = authority.server(&[name]);
        let front = Self::listen(TlsOptions { identity, client_authority: None, versions: rustls::ALL_VERSIONS }).await;
        front.pass_to(server);
        front
    }

    /// Listens on a loopback port; what comes waits until [`Self::pass_to`] names the server.
    ///
    /// # Panics
    /// If it cannot listen, or the options do not fit together.
    pub async fn listen(options: TlsOptions<'_>) -> Self {
        Self::listen_at("127.0.0.1:0", options).await
    }

    async fn listen_at(listen: &str, options: TlsOptions<'_>) -> Self {
        Self::serve_on(TcpListener::bind(listen).await.expect("a port"), options)
    }

    fn serve_on(listener: TcpListener, options: TlsOptions<'_>) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config(options)));
        let address = listener.local_addr().expect("an address");
        let (server, servers) = watch::channel(None);
        let (counter, counts) = watch::channel(Counts::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, acceptor, servers, counter));
        Self { address, server, counts, _tasks: tasks }
    }

    /// Passes connections on to this server from now on.
    pub fn pass_to(&self, server: impl Into<String>) {
        self.server.send_replace(Some(server.into()));
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://127.0.0.1:PORT`.
    pub fn https(&self) -> String {
        format!("https://{}", self.address)
    }

    /// `wss://127.0.0.1:PORT`.
    pub fn wss(&self) -> String {
        format!("wss://{}", self.address)
    }

    /// Connects as a client that trusts `trusted` and expects this name in the certificate.
    ///
    /// # Errors
    /// If the handshake fails.
    ///
    /// # Panics
    /// If `name` is not a host name.
    pub async fn connect(
        &self,
        trusted: &CertificateAuthority,
        name: &'static str,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        self.connect_with(trusted, name, None).await
    }

    /// The same with a certificate of its own. With TLS 1.3 a client learns of its refusal only
    /// when it reads.
    ///
    /// # Errors
    /// If the handshake fails.
    ///
    /// # Panics
    /// If `name` is not a host name.
    pub async fn connect_with(
        &self,
        trusted: &CertificateAuthority,
        name: &'static str,
        identity: Option<&Identity>,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_protocol_versions(rustls::ALL_VERSIONS).expect("versions the provider has");
        let builder = builder.with_root_certificates(roots(trusted));
        let config = match identity.map(Identity::chain_and_key) {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).expect("a certificate and its key"),
        };
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(name).expect("a host name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// How many connections got through the TLS handshake so far.
    pub fn accepted(&self) -> u64 {
        self.counts.borrow().accepted
    }

    /// Returns when at least `count` connections failed in the TLS handshake in all.
    ///
    /// # Panics
    /// If the front broke.
    pub async fn wait_for_refused(&self, count: u64) {
        self.counts.clone().wait_for(|counts| counts.refused >= count).await.expect("the front runs");
    }
}

/// Puts TLS in front of every server that settings name on this machine, with the authority that the
/// tests share: what was written for `ws://` and `http://` is tested over `wss://` and `https://`.
#[derive(Debug, Default)]
pub struct TlsGateway {
    fronts: Mutex<HashMap<u16, TlsFront>>,
}

impl TlsGateway {
    /// The settings with a front in place of each `ws://127.0.0.1:PORT` and `http://127.0.0.1:PORT`.
    /// The same port always gets the same front. Settings that name a `ca_bundle` stay as they are;
    /// so do ports below 1024, where nothing listens.
    ///
    /// # Panics
    /// Outside a runtime, or if a front cannot listen.
    pub fn secure(&self, settings: &str) -> String {
        if settings.contains("ca_bundle") {
            return settings.to_owned();
        }
        let mut text = settings.to_owned();
        for scheme in ["ws", "http"] {
            let plain = format!("\"{scheme}://127.0.0.1:");
            let mut parts = text.split(&plain);
            let mut secured = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
                match part[..end].parse::<u16>() {
                    Ok(port) if port >= 1_024 => {
                        secured += &format!("\"{scheme}s://127.0.0.1:{}", self.front_of(port));
                        secured += &part[end..];
                    }
                    _ => secured += &format!("{plain}{part}"),
                }
            }
            text = secured;
        }
        let bundle = format!("[network]\nca_bundle = \"{}\"\n", CertificateAuthority::shared().bundle().display());
        if text.contains("[network]\n") {
            text.replacen("[network]\n", &bundle, 1)
        } else {
            format!("{text}\n{bundle}")
        }
    }

    fn front_of(&self, port: u16) -> u16 {
        let mut fronts = self.fronts.lock().expect("no panic while held");
        let front = fronts.entry(port).or_insert_with(|| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.set_nonblocking(true).expect("a socket option");
            let identity = CertificateAuthority::shared().loopback_server();
            let options = TlsOptions { identity, client_authority: None, versions: ALL_VERSIONS };
            let front = TlsFront::serve_on(TcpListener::from_std(listener).expect("a runtime"), options);
            front.pass_to(format!("127.0.0.1:{port}"));
            front
        });
        front.address().port()
    }
}

fn config(TlsOptions { identity, client_authority, versions }: TlsOptions<'_>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(versions).expect("versions the provider has");
    let builder = match client_authority {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let roots = Arc::new(roots(authority));
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let (chain, key) = identity.chain_and_key();
    let mut config = builder.with_single_cert(chain, key).expect("a certificate and its key");
    // The servers behind it speak nothing newer, and say so as real ones do.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

fn roots(authority: &CertificateAuthority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority.root()).expect("a root certificate");
    roots
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    servers: watch::Receiver<Option<String>>,
    counter: watch::Sender<Counts>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, servers, counter) = (acceptor.clone(), servers.clone(), counter.clone());
        connections.spawn(connect(client, acceptor, servers, counter));
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, from beginning to end. However it ends, the test sees it at its own end.
async fn connect(
    client: TcpStream,
    acceptor: TlsAcceptor,
    mut servers: watch::Receiver<Option<String>>,
    counter: watch::Sender<Counts>,
) {
    client.set_nodelay(true).expect("a socket option");
    let mut client = match acceptor.accept(client).into_fallible().await {
        Ok(client) => client,
        Err((_, mut client)) => {
            counter.send_modify(|counts| counts.refused += 1);
            // Closed with bytes that were not read, the client might see a reset and not the alert.
            let _gone = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
            return;
        }
    };
    counter.send_modify(|counts| counts.accepted += 1);
    let Ok(server) = servers.wait_for(Option::is_some).await.map(|server| server.clone().unwrap_or_default()) else {
        return;
    };
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    server.set_nodelay(true).expect("a socket option");
    let _over = copy_bidirectional(&mut client, &mut server).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mut from, mut to) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        address
    }

    async fn connect_as(
        front: &TlsFront,
        name: &'static str,
        trusted: &CertificateAuthority,
        client: Option<&Identity>,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        let mut stream = front.connect_with(trusted, name, client).await?;
        // With TLS 1.3 a client learns only here that its certificate was refused.
        stream.write_all(b"hello").await?;
        let mut back = [0; 5];
        stream.read_exact(&mut back).await?;
        assert_eq!(&back, b"hello");
        Ok(stream)
    }

    #[tokio::test]
    async fn bytes_pass_for_a_client_that_trusts_the_authority_under_every_loopback_name() {
        let authority = CertificateAuthority::new();
        let front = TlsFront::start(&authority, echo().await).await;
        for name in ["localhost", "127.0.0.1", "::1"] {
            let mut stream = connect_as(&front, name, &authority, None).await.unwrap();
            stream.shutdown().await.unwrap();
            assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "{name}: a polite end");
        }
        assert_eq!(front.accepted(), 3);
    }

    #[tokio::test]
    async fn another_authority_another_name_and_an_old_certificate_are_not_trusted() {
        let authority = CertificateAuthority::new();
        let front = TlsFront::start(&authority, echo().await).await;
        assert!(connect_as(&front, "localhost", &CertificateAuthority::new(), None).await.is_err());
        assert!(connect_as(&front, "push.example.com", &authority, None).await.is_err());
        front.wait_for_refused(2).await;
        let old = TlsOptions {
            identity: authority.expired_server(&["localhost"]),
            client_authority: None,
            versions: rustls::ALL_VERSIONS,
        };
        let front = TlsFront::listen(old).await;
        let error = connect_as(&front, "localhost", &authority, None).await.unwrap_err();
        assert!(error.to_string().contains("expired"), "{error}");
    }

    #[tokio::test]
    async fn a_front_that_asks_for_client_certificates_lets_only_its_own_in() {
        let authority = CertificateAuthority::new();
        let front = TlsFront::listen(TlsOptions {
            identity: authority.server(&["push.example.com"]),
            client_authority: Some(&authority),
            versions: rustls::ALL_VERSIONS,
        })
        .await;
        front.pass_to(echo().await);
        let name = "push.example.com";
        assert!(connect_as(&front, name, &authority, None).await.is_err());
        let stranger = CertificateAuthority::new().client("alice");
        assert!(connect_as(&front, name, &authority, Some(&stranger)).await.is_err());
        assert!(connect_as(&front, name, &authority, Some(&authority.client("alice"))).await.is_ok());
    }

    #[tokio::test]
    async fn servers_that_settings_name_get_a_front_each_and_dead_ports_none() {
        let (gateway, server) = (TlsGateway::default(), echo().await);
        let plain =
            format!("endpoints = [\"ws://{server}/ws\", \"ws://127.0.0.1:1/ws\"]\nbase = \"http://{server}\"\n");
        let secured = gateway.secure(&plain);
        let front = gateway.fronts.lock().unwrap().values().next().unwrap().address();
        assert!(secured.contains(&format!("[\"wss://{front}/ws\", \"ws://127.0.0.1:1/ws\"]")), "{secured}");
        assert!(secured.contains(&format!("base = \"https://{front}\"\n")), "{secured}");
        assert!(secured.contains("[network]\nca_bundle = "), "{secured}");
        assert_eq!(gateway.secure(&secured), secured);
        let fronts = gateway.fronts.into_inner().unwrap();
        let front = fronts.values().next().unwrap();
        connect_as(front, "127.0.0.1", CertificateAuthority::shared(), None).await.unwrap();
    }

    #[test]
    fn what_settings_name_is_on_disk_until_the_authority_is_dropped() {
        let authority = CertificateAuthority::new();
        let client = authority.client("alice");
        let (bundle, file) = (authority.bundle(), client.pem_file().to_owned());
        assert!(std::fs::read_to_string(&bundle).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        let pem = std::fs::read_to_string(&file).unwrap();
        assert!(pem.contains("-----BEGIN CERTIFICATE-----") && pem.contains("-----BEGIN PRIVATE KEY-----"));
        drop(authority);
        assert!(!bundle.exists() && !file.exists());
    }
}
