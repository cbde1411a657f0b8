//! `--broker rabbitmq` with a real RabbitMQ: recorded here, delivered there.

use super::client::{Api, Raw};
use super::*;
use crate::StartError;
use harness::{RabbitMq, Wire};
use std::collections::VecDeque;
use std::time::Duration;
use stomp::{Command, Frame};
use tokio::time::timeout;

fn publishing(broker: &RabbitMq) -> impl FnOnce(&mut Config) {
    let url = broker.amqp_url();
    |config| config.amqp = Some(url.into())
}

/// A person's client on RabbitMQ: one durable queue of their own, bound to their login and to
/// messages to everybody.
struct Client {
    wire: Wire,
    /// Messages that came before the subscriptions were confirmed.
    early: VecDeque<Frame>,
}

impl Client {
    async fn connect(broker: &RabbitMq, login: &str) -> Self {
        let mut wire = Wire::connect(&broker.ws_url()).await;
        wire.sign_in("guest", "guest", "/").await;
        let queue = format!("belfry.{login}.pc");
        let mut client = Self { wire, early: VecDeque::new() };
        for (id, key) in [("1", login), ("2", "all")] {
            let destination = format!("/exchange/belfry/{key}");
            let headers = [
                ("id", id),
                ("destination", destination.as_str()),
                ("x-queue-name", queue.as_str()),
                ("durable", "true"),
                ("auto-delete", "false"),
                ("ack", "client-individual"),
                ("receipt", id),
            ];
            client.wire.send(Command::Subscribe, &headers, b"").await;
            loop {
                let frame = client.frame().await;
                if frame.command() == Command::Receipt {
                    break;
                }
                client.early.push_back(frame);
            }
        }
        client
    }

    async fn frame(&mut self) -> Frame {
        let frame = timeout(Duration::from_secs(30), self.wire.receive()).await;
        frame.expect("no frame for 30 s").expect("RabbitMQ has closed")
    }

    /// The next message and the record in it.
    async fn next(&mut self) -> (Frame, Value) {
        let frame = match self.early.pop_front() {
            Some(frame) => frame,
            None => self.frame().await,
        };
        assert_eq!(frame.command(), Command::Message);
        let record = serde_json::from_slice(frame.body()).unwrap();
        let id = frame.header("ack").unwrap();
        self.wire.send(Command::Ack, &[("id", &id)], b"").await;
        (frame, record)
    }
}

#[tokio::test]
async fn records_reach_their_receivers_through_rabbitmq_and_also_over_the_api() {
    let Some(broker) = RabbitMq::start().await else { return };
    let server = server(publishing(&broker)).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    let mut on_rabbit = Client::connect(&broker, "alice").await;
    let mut carols = Client::connect(&broker, "carol").await;

    tell_alice(&bob, "1").await;
    let (frame, record) = on_rabbit.next().await;
    assert_eq!((&record["id"], &record["receiver"]), (&json!("1"), &json!([1001])));
    assert_eq!(frame.header("destination").as_deref(), Some("/exchange/belfry/alice"));
    assert_eq!(frame.header("content-type").as_deref(), Some("application/json"));
    assert_eq!(frame.header("amqp-message-id").as_deref(), Some("1"));
    assert_eq!(frame.header("persistent").as_deref(), Some("true"));

    bob.message("sendMessage", json!({"id": "2", "title": "to all", "content": "c", "type": 1})).await;
    for client in [&mut on_rabbit, &mut carols] {
        let (frame, record) = client.next().await;
        assert_eq!(
            (&record["id"], frame.header("destination").as_deref()),
            (&json!("2"), Some("/exchange/belfry/all"))
        );
    }
    assert_eq!(ids(&alice.collect("pc", None).await), ["1", "2"], "RabbitMQ's delivery is not ours");

    let mut raw = Raw::connect(&server, &alice.token, "raw").await;
    assert_eq!(raw.next().await["id"], "1", "this server's own ways in still work");
    server.stop().await;
}

#[tokio::test]
async fn what_was_sent_while_rabbitmq_was_down_is_published_when_it_is_back() {
    let Some(broker) = RabbitMq::start().await else { return };
    let server = server(publishing(&broker)).await;
    let bob = Api::sign_in(&server, "bob", "bob").await;
    drop(Client::connect(&broker, "alice").await);
    broker.stop().await;
    for id in ["1", "2"] {
        tell_alice(&bob, id).await;
    }
    broker.start_again().await;
    let mut on_rabbit = Client::connect(&broker, "alice").await;
    let mut came = Vec::new();
    // A record may come twice, and the first ones in order.
    while came.last().is_none_or(|id| id != "2") {
        came.push(on_rabbit.next().await.1["id"].as_str().unwrap().to_owned());
    }
    came.dedup();
    assert_eq!(came, ["1", "2"]);
    server.stop().await;
}

#[tokio::test]
async fn a_broker_that_cannot_be_reached_and_a_login_that_reaches_others_stop_the_start() {
    let nowhere = format!("amqp://guest:a-secret@127.0.0.1:{}/%2f", harness::ports::free_port());
    let with = |login: &str| Config {
        accounts: vec![Account { login: login.to_owned(), password: "x".to_owned() }],
        amqp: Some(nowhere.clone().into()),
        ..config()
    };
    assert!(!format!("{:?}", with("alice")).contains("a-secret"), "not in a log");
    let refused = Server::start(with("alice")).await.err().unwrap();
    assert!(matches!(refused, StartError::Amqp(_)), "{refused}");
    assert!(!refused.to_string().contains("a-secret"), "{refused}");
    for login in ["all", "a.#"] {
        let refused = Server::start(with(login)).await.err().unwrap();
        assert!(matches!(refused, StartError::Login(_)), "{refused}");
    }
}
