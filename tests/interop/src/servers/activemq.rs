//! ActiveMQ, Artemis and Classic: a queue per person, and a durable queue of the person's own for a
//! topic. With Artemis its administrator makes that queue; with Classic it is that of a consumer of a
//! virtual topic.

use std::sync::Arc;

use harness::ports::free_port;
use harness::{Running, Wire};
use serde_json::Value;
use stomp::Command;
use tempfile::TempDir;

use crate::java::Java;
use crate::server::{Audience, Kept, Server};

const LOGIN: &str = crate::client::LOGIN;
const PASSWORD: &str = "open sesame";

/// One of the two brokers of that name.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) name: &'static str,
    /// Its folder among the Java servers.
    program: &'static str,
    /// Where it holds a topic for the person.
    subscription: &'static str,
    /// The topic, for those who publish.
    topic: &'static str,
}

pub(crate) const ROWS: &[Product] = &[
    Product {
        name: "ActiveMQ Artemis",
        program: "activemq-artemis",
        subscription: "/topic/news::belfry.{login}",
        topic: "/topic/news",
    },
    Product {
        name: "ActiveMQ Classic",
        program: "activemq-classic",
        subscription: "/queue/Consumer.{login}-{device}.VirtualTopic.news",
        topic: "/topic/VirtualTopic.news",
    },
];

/// The broker, with a folder for what it keeps.
#[derive(Debug)]
pub(crate) struct ActiveMq {
    java: Arc<Java>,
    product: &'static Product,
    port: u16,
    running: Running,
    folder: TempDir,
}

impl ActiveMq {
    pub(crate) async fn start(java: &Arc<Java>, product: &'static Product) -> Self {
        let folder = tempfile::Builder::new().prefix("belfry-activemq-").tempdir().expect("a folder");
        let port = free_port(); // The same after a restart.
        let running = start(java, product, port, &folder).await;
        Self { java: Arc::clone(java), product, port, running, folder }
    }

    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/stomp", self.port)
    }
}

async fn start(java: &Java, product: &Product, port: u16, folder: &TempDir) -> Running {
    let data = folder.path().to_str().expect("a path in UTF-8").to_owned();
    java.start(product.program, &[port.to_string(), data, LOGIN.to_owned(), PASSWORD.to_owned()]).await
}

impl Server for ActiveMq {
    fn settings(&self) -> String {
        format!(
            r#"
            [server]
            endpoints = ["{}"]
            reconnect_spread = "1s"

            [[server.subscriptions]]
            destination = "/queue/approvals.{{login}}"

            [[server.subscriptions]]
            destination = "{}"
            scope = "news"

            [auth]
            login = "{LOGIN}"
            "#,
            self.url(),
            self.product.subscription
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
            Audience::Broadcast => self.product.topic.to_owned(),
        };
        let mut wire = Wire::connect(&self.url()).await;
        wire.sign_in("sender", PASSWORD, "/").await;
        let headers = [("destination", destination.as_str()), ("persistent", "true"), ("receipt", "sent")];
        wire.send(Command::Send, &headers, message.to_string().as_bytes()).await;
        wire.expect(Command::Receipt).await;
    }

    async fn stop(&mut self) {
        self.running.terminate().await;
    }

    async fn start_again(&mut self) {
        self.running = start(&self.java, self.product, self.port, &self.folder).await;
    }
}
