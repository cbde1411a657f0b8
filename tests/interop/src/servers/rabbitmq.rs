//! RabbitMQ's Web STOMP: a queue per person, and a topic in a durable queue per person and device.

use harness::{Amqp, RabbitMq};
use lapin::ExchangeKind;
use serde_json::Value;

use crate::server::{Audience, Kept, Server};

pub(crate) const NAME: &str = "RabbitMQ Web STOMP";

const LOGIN: &str = crate::client::LOGIN;
const PASSWORD: &str = "open sesame";
const QUEUE: &str = "approvals.alice";
const EXCHANGE: &str = "news";
const KEY: &str = "all";

/// The broker of the system.
#[derive(Debug)]
pub(crate) struct WebStomp {
    broker: RabbitMq,
}

impl WebStomp {
    pub(crate) async fn start() -> Self {
        let broker = RabbitMq::start().await.expect("RabbitMQ is installed");
        // What the documentation asks for: a person's own queues, and the exchange to bind them to.
        let own = format!("^({QUEUE}|belfry\\.{LOGIN}\\..*)$");
        let read = format!("^({QUEUE}|belfry\\.{LOGIN}\\..*|{EXCHANGE})$");
        broker.add_user(LOGIN, PASSWORD, [&own, &own, &read]).await;
        let amqp = Amqp::connect(&broker).await;
        amqp.declare_queue(QUEUE).await;
        amqp.declare_exchange(EXCHANGE, ExchangeKind::Topic).await;
        Self { broker }
    }
}

impl Server for WebStomp {
    fn settings(&self) -> String {
        format!(
            r#"
            [server]
            endpoints = ["{}"]
            reconnect_spread = "1s"

            [[server.subscriptions]]
            destination = "/amq/queue/approvals.{{login}}"

            [[server.subscriptions]]
            destination = "/exchange/{EXCHANGE}/{KEY}"
            headers = {{ durable = "true", "auto-delete" = "false", "x-queue-name" = "belfry.{{login}}.{{device}}" }}

            [auth]
            login = "{LOGIN}"
            "#,
            self.broker.ws_url()
        )
    }

    fn token(&self) -> String {
        PASSWORD.to_owned()
    }

    fn keeps(&self) -> Kept {
        Kept::ALL
    }

    async fn publish(&self, to: Audience, message: &Value) {
        let amqp = Amqp::connect(&self.broker).await;
        match to {
            Audience::Personal => amqp.publish("", QUEUE, message.to_string()).await,
            Audience::Broadcast => amqp.publish(EXCHANGE, KEY, message.to_string()).await,
        }
    }

    async fn stop(&mut self) {
        self.broker.stop().await;
    }

    async fn start_again(&mut self) {
        self.broker.start_again().await;
    }
}
