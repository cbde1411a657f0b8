//! The message service, played by `belfry-pushd`: over STOMP with the HTTP API, over its raw
//! WebSocket without one, and over nothing but HTTP.

use std::net::SocketAddr;

use harness::ports::free_port;
use harness::proxy::Faults;
use harness::{FaultProxy, Pushd};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Audience, Kept, Server};

const LOGIN: &str = crate::client::LOGIN;

/// What Belfry speaks with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Stomp,
    Raw,
    Http,
}

/// One row.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) protocol: Protocol,
}

pub(crate) const ROWS: &[Way] = &[
    Way { name: "message service, STOMP and HTTP API", protocol: Protocol::Stomp },
    Way { name: "message service, raw WebSocket", protocol: Protocol::Raw },
    Way { name: "message service, HTTP only (polling)", protocol: Protocol::Http },
];

/// `belfry-pushd` with a folder, so that people stay signed in over a restart.
#[derive(Debug)]
pub(crate) struct Service {
    way: &'static Way,
    address: SocketAddr,
    folder: TempDir,
    pushd: Pushd,
    token: String,
    sender: String,
    /// Where no WebSocket comes through.
    blocked: FaultProxy,
}

impl Service {
    pub(crate) async fn start(way: &'static Way) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let folder = tempfile::Builder::new().prefix("belfry-pushd-").tempdir().expect("a folder");
        let pushd = start(address, &folder).await;
        let (token, sender) = (pushd.login(LOGIN, "secret").await, pushd.login("bob", "secret").await);
        let blocked = FaultProxy::start(address.to_string()).await;
        blocked.set(Faults { refuse: true, ..Faults::default() }).await;
        Self { way, address, folder, pushd, token, sender, blocked }
    }
}

async fn start(address: SocketAddr, folder: &TempDir) -> Pushd {
    let data = folder.path().to_str().expect("a path in UTF-8");
    Pushd::start_at(address, ["--data", data, "--user", "alice:secret", "--user", "bob:secret"]).await
}

impl Server for Service {
    fn settings(&self) -> String {
        let api = self.pushd.api_base();
        let (endpoint, protocol, api) = match self.way.protocol {
            Protocol::Stomp => (self.pushd.stomp().to_owned(), "stomp", api),
            Protocol::Raw => (self.pushd.websocket().to_owned(), "websocket", String::new()),
            Protocol::Http => (format!("ws://{}/ws", self.blocked.address()), "stomp", api),
        };
        format!(
            r#"
            [server]
            endpoints = ["{endpoint}"]
            protocol = "{protocol}"
            poll_every = "1s"
            reconnect_spread = "1s"

            [[server.subscriptions]]
            destination = "/user/queue/approvals"

            [[server.subscriptions]]
            destination = "/topic/broadcast"

            [api]
            base = "{api}"

            [auth]
            login = "{LOGIN}"
            "#
        )
    }

    fn token(&self) -> String {
        self.token.clone()
    }

    fn keeps(&self) -> Kept {
        Kept { personal: true, broadcast: self.way.protocol == Protocol::Http }
    }

    fn state(&self) -> &'static str {
        if self.way.protocol == Protocol::Http { "polling" } else { "live" }
    }

    async fn publish(&self, to: Audience, message: &Value) {
        let mut message = message.clone();
        match (to, self.way.protocol) {
            (Audience::Personal, _) => message["receiver"] = json!([LOGIN]),
            // Those who poll are not online: a sender names them.
            (Audience::Broadcast, Protocol::Http) => message["receiver"] = json!([LOGIN, "bob"]),
            (Audience::Broadcast, _) => {}
        }
        self.pushd.call(&self.sender, "sendMessage", &message).await;
    }

    async fn stop(&mut self) {
        self.pushd.running.terminate().await;
    }

    async fn start_again(&mut self) {
        self.pushd = start(self.address, &self.folder).await;
    }
}
