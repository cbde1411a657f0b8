//! `belfry-pushd`, Belfry's reference push server, as a child process, and its HTTP calls.

use std::ffi::OsStr;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::certificates::Identity;
use crate::http::post;
use crate::program::{Running, program};
use crate::tls::TlsOptions;
use crate::{CertificateAuthority, TlsFront};

/// A running `belfry-pushd`. Dropping kills it.
#[derive(Debug)]
pub struct Pushd {
    /// The process.
    pub running: Running,
    ready: Value,
}

impl Pushd {
    /// Starts it on a port of its own, with `args` such as `["--user", "alice:secret"]`.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), args).await
    }

    /// The same at an address that the test chooses, such as one to be started at again.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start_at<S: AsRef<OsStr>>(listen: SocketAddr, args: impl IntoIterator<Item = S>) -> Self {
        let mut command = program("belfry-pushd").await;
        command.arg("--listen").arg(listen.to_string()).args(args);
        let mut running = Running::spawn(command);
        let ready = running.event("ready", |line| line["ready"] == true).await;
        Self { running, ready }
    }

    /// The same behind TLS, with a loopback certificate of `authority`: the addresses it gives out
    /// are the front's. Its own calls here still go to it directly.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start_with_tls<S: AsRef<OsStr>>(
        authority: &CertificateAuthority,
        args: impl IntoIterator<Item = S>,
    ) -> (Self, TlsFront) {
        Self::start_with_identity(authority.loopback_server(), None, args).await
    }

    /// The same under a name that only a proxy or one program resolves.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start_as<S: AsRef<OsStr>>(
        authority: &CertificateAuthority,
        name: &str,
        args: impl IntoIterator<Item = S>,
    ) -> (Self, TlsFront) {
        Self::start_with_identity(authority.server(&[name]), Some(name), args).await
    }

    async fn start_with_identity<S: AsRef<OsStr>>(
        identity: Identity,
        name: Option<&str>,
        args: impl IntoIterator<Item = S>,
    ) -> (Self, TlsFront) {
        let options = TlsOptions { identity, client_authority: None, versions: rustls::ALL_VERSIONS };
        let front = TlsFront::listen(options).await;
        let public = name.map_or_else(|| front.https(), |name| format!("https://{name}:{}", front.address().port()));
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        let pushd = Self::start(args.chain(["--public-url".into(), public.into()])).await;
        front.pass_to(pushd.http().trim_start_matches("http://"));
        (pushd, front)
    }

    /// `http://127.0.0.1:PORT`.
    ///
    /// # Panics
    /// If it was not in the ready line.
    pub fn http(&self) -> &str {
        self.ready["http"].as_str().expect("an http address")
    }

    /// `ws://127.0.0.1:PORT/ws`.
    ///
    /// # Panics
    /// If it was not in the ready line.
    pub fn stomp(&self) -> &str {
        self.ready["stomp"].as_str().expect("a stomp address")
    }

    /// `ws://127.0.0.1:PORT/websocket/{token}`, with `{token}` as it stands.
    ///
    /// # Panics
    /// If it was not in the ready line.
    pub fn websocket(&self) -> &str {
        self.ready["websocket"].as_str().expect("a WebSocket address")
    }

    /// `http://127.0.0.1:PORT/sockjs`.
    ///
    /// # Panics
    /// If it was not in the ready line.
    pub fn sockjs(&self) -> &str {
        self.ready["sockjs"].as_str().expect("a SockJS address")
    }

    /// `http://127.0.0.1:PORT/ecgapi`, for `api.base`.
    pub fn api_base(&self) -> String {
        format!("{}/ecgapi", self.http())
    }

    /// A token for a user.
    ///
    /// # Panics
    /// If the user is turned away.
    pub async fn login(&self, login: &str, password: &str) -> String {
        let answer = self.posted("/login", None, &json!({"login": login, "password": password})).await;
        answer["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// One of the message calls, such as `sendMessage`; returns `data`.
    ///
    /// # Panics
    /// If it fails.
    pub async fn call(&self, token: &str, name: &str, body: &Value) -> Value {
        let mut answer = self.posted(&format!("/ecgapi/api/message/{name}"), Some(token), body).await;
        assert_eq!(answer["code"], 0, "{name}: {answer}");
        answer["data"].take()
    }

    async fn posted(&self, path: &str, token: Option<&str>, body: &Value) -> Value {
        let url = format!("{}{path}", self.http());
        let (status, answer) = post(&url, token, body).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn behind_tls_it_answers_with_the_addresses_of_the_front() {
        let authority = CertificateAuthority::new();
        let (pushd, front) = Pushd::start_with_tls(&authority, ["--user", "alice:secret"]).await;
        let mut stream = front.connect(&authority, "localhost").await.unwrap();
        let host = front.address();
        let request = format!("GET /.well-known/belfry.json HTTP/1.0\r\nhost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(&format!("\"{}/ws\"", front.wss())), "{answer}");
        assert!(!pushd.login("alice", "secret").await.is_empty(), "its own port still answers");
    }
}
