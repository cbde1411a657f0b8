//! ActiveMQ Artemis: a queue per person, and for a topic a durable queue that its administrator has
//! made for the person.

use std::sync::Arc;

use harness::ports::free_port;
use harness::{Running, Wire};
use serde_json::Value;
use stomp::Command;
use tempfile::TempDir;

use crate::java::Java;
use crate::server::{Audience, Kept, Server};

pub(crate) const ARTEMIS: &str = "ActiveMQ Artemis";

const LOGIN: &str = crate::client::LOGIN;
const PASSWORD: &str = "open sesame";

/// The broker, with a folder for what it keeps.
#[derive(Debug)]
pub(crate) struct Artemis {
    java: Arc<Java>,
    port: u16,
    running: Running,
    folder: TempDir,
}

impl Artemis {
    pub(crate) async fn start(java: &Arc<Java>) -> Self {
        let folder = tempfile::Builder::new().prefix("belfry-artemis-").tempdir().expect("a folder");
        let port = free_port(); // The same after a restart.
        let running = start(java, port, &folder).await;
        Self { java: Arc::clone(java), port, running, folder }
    }

    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/stomp", self.port)
    }
}

async fn start(java: &Java, port: u16, folder: &TempDir) -> Running {
    let data = folder.path().to_str().expect("a path in UTF-8").to_owned();
    java.start("activemq", &[port.to_string(), data, LOGIN.to_owned(), PASSWORD.to_owned()]).await
}

impl Server for Artemis {
    fn settings(&self) -> String {
        format!(
            r#"
            [server]
            endpoints = ["{}"]
            reconnect_spread = "1s"

            [[server.subscriptions]]
            destination = "/queue/approvals.{{login}}"

            [[server.subscriptions]]
            destination = "/topic/news::belfry.{{login}}"
            scope = "news"

            [auth]
            login = "{LOGIN}"
            "#,
            self.url()
        )
    }

    fn token(&self) -> String {
        PASSWORD.to_owned()
    }

    fn keeps(&self) -> Kept {
        Kept::ALL
    }

    async fn publish(&self, to: Audience, message: &Value) {
        let destination = match to {
            Audience::Personal => format!("/queue/approvals.{LOGIN}"),
            Audience::Broadcast => "/topic/news".to_owned(),
        };
        let mut wire = Wire::connect(&self.url()).await;
        wire.sign_in("sender", PASSWORD, "/").await;
        let headers = [("destination", destination.as_str()), ("receipt", "sent")];
        wire.send(Command::Send, &headers, message.to_string().as_bytes()).await;
        wire.expect(Command::Receipt).await;
    }

    async fn stop(&mut self) {
        self.running.terminate().await;
    }

    async fn start_again(&mut self) {
        self.running = start(&self.java, self.port, &self.folder).await;
    }
}
