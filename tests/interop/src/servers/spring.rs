//! Spring Boot: its simple broker over each of its endpoints, and its relay to RabbitMQ.

use std::sync::Arc;

use harness::http::post;
use harness::ports::free_port;
use harness::{RabbitMq, Running};
use serde_json::Value;

use crate::java::Java;
use crate::server::{Audience, Kept, Server};

pub(crate) const RELAY: &str = "Spring relay to RabbitMQ";

const LOGIN: &str = crate::client::LOGIN;

/// What Spring says when an interceptor throws.
const DEFAULT_REFUSAL: &str = "refused the sign-in: Failed to send message to ExecutorSubscribableChannel";

/// How a company has set Spring up.
#[derive(Debug)]
pub(crate) struct Habit {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) protocol: &'static str,
    /// Where the token goes.
    pub(crate) auth: &'static str,
    /// Arguments of the server.
    pub(crate) args: &'static [&'static str],
    /// What a refused sign-in shows.
    pub(crate) refusal: &'static str,
}

/// The simple broker's rows.
pub(crate) const ROWS: &[Habit] = &[
    Habit {
        name: "Spring simple broker, WebSocket",
        path: "/ws",
        protocol: "stomp",
        auth: "header:X-Auth-Token",
        args: &["--belfry.heart-beat=1s"],
        refusal: DEFAULT_REFUSAL,
    },
    Habit {
        name: "Spring simple broker, SockJS unframed",
        path: "/sockjs/websocket",
        protocol: "stomp",
        auth: "bearer",
        args: &["--belfry.heart-beat=0s", "--belfry.refusal=登录已过期"],
        refusal: "refused the sign-in: 登录已过期",
    },
    Habit {
        name: "Spring simple broker, SockJS framed",
        path: "/sockjs",
        protocol: "sockjs",
        auth: "passcode",
        args: &["--belfry.heart-beat=0s", "--belfry.refusal=CONNECTION ERROR"],
        refusal: "refused the sign-in: CONNECTION ERROR",
    },
];

/// A Spring server on a port of its own.
#[derive(Debug)]
pub(crate) struct Spring {
    java: Arc<Java>,
    habit: &'static Habit,
    port: u16,
    args: Vec<String>,
    running: Running,
}

impl Spring {
    pub(crate) async fn start(java: &Arc<Java>, habit: &'static Habit) -> Self {
        Self::start_with(java, habit, &[]).await
    }

    /// Starts it with further arguments.
    pub(crate) async fn start_with(java: &Arc<Java>, habit: &'static Habit, more: &[String]) -> Self {
        let port = free_port(); // The same after a restart.
        let mut args = vec![format!("--server.port={port}")];
        args.extend(habit.args.iter().map(|&arg| arg.to_owned()));
        args.extend_from_slice(more);
        let running = java.start("spring", &args).await;
        Self { java: Arc::clone(java), habit, port, args, running }
    }

    /// `http://127.0.0.1:PORT`, also for `api.base`.
    pub(crate) fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The endpoint behind another address.
    pub(crate) fn settings_at(&self, address: &str) -> String {
        let Habit { path, protocol, auth, .. } = self.habit;
        let scheme = if *protocol == "sockjs" { "http" } else { "ws" };
        format!(
            r#"
            [server]
            endpoints = ["{scheme}://{address}{path}"]
            protocol = "{protocol}"
            heart_beat = {{ send = "1s", expect = "1s" }}
            reconnect_spread = "1s"

            [[server.subscriptions]]
            destination = "/user/queue/approvals"

            [[server.subscriptions]]
            destination = "/topic/news"

            [auth]
            login = "{LOGIN}"
            stomp = "{auth}"
            "#
        )
    }

    pub(crate) async fn publish(&self, to: Audience, message: &Value) {
        let path = match to {
            Audience::Personal => format!("personal/{LOGIN}"),
            Audience::Broadcast => "broadcast".to_owned(),
        };
        let (status, answer) =
            post(&format!("{}/publish/{path}", self.http()), None, message).await.expect("an answer");
        assert_eq!(status, 200, "{answer}");
    }

    pub(crate) async fn stop(&mut self) {
        self.running.terminate().await;
    }

    pub(crate) async fn start_again(&mut self) {
        self.running = self.java.start("spring", &self.args).await;
    }
}

/// The token of a person, as the server's interceptor checks it.
pub(crate) fn token_of(login: &str) -> String {
    format!("token-of-{login}")
}

impl Server for Spring {
    fn settings(&self) -> String {
        self.settings_at(&format!("127.0.0.1:{}", self.port))
    }

    fn token(&self) -> String {
        token_of(LOGIN)
    }

    fn keeps(&self) -> Kept {
        Kept::NONE
    }

    fn refusal(&self) -> &'static str {
        self.habit.refusal
    }

    async fn publish(&self, to: Audience, message: &Value) {
        self.publish(to, message).await;
    }

    async fn stop(&mut self) {
        self.stop().await;
    }

    async fn start_again(&mut self) {
        self.start_again().await;
    }
}

/// The relay: the topic is RabbitMQ's, in a durable queue; `/user/queue` is a queue of the session.
#[derive(Debug)]
pub(crate) struct Relay {
    spring: Spring,
    broker: RabbitMq,
}

impl Relay {
    pub(crate) async fn start(java: &Arc<Java>) -> Self {
        const HABIT: Habit = Habit {
            name: RELAY,
            path: "/ws",
            protocol: "stomp",
            auth: "header:X-Auth-Token",
            args: &[],
            refusal: DEFAULT_REFUSAL,
        };
        let broker = RabbitMq::start().await.expect("RabbitMQ is installed");
        let relay = format!("--belfry.relay-port={}", broker.stomp_port());
        Self { spring: Spring::start_with(java, &HABIT, &[relay]).await, broker }
    }

    /// The broker behind it.
    pub(crate) fn broker(&self) -> &RabbitMq {
        &self.broker
    }
}

impl Server for Relay {
    fn settings(&self) -> String {
        let durable = r#"destination = "/topic/news"
            headers = { durable = "true", "auto-delete" = "false", "x-queue-name" = "belfry.{login}.{device}" }"#;
        self.spring.settings().replacen("destination = \"/topic/news\"", durable, 1)
    }

    fn token(&self) -> String {
        self.spring.token()
    }

    fn keeps(&self) -> Kept {
        Kept { personal: false, broadcast: true }
    }

    fn refusal(&self) -> &'static str {
        self.spring.refusal()
    }

    async fn publish(&self, to: Audience, message: &Value) {
        self.spring.publish(to, message).await;
    }

    async fn stop(&mut self) {
        self.spring.stop().await;
    }

    async fn start_again(&mut self) {
        self.spring.start_again().await;
    }
}
