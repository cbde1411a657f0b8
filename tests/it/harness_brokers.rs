//! The test environment itself: what is sent through RabbitMQ and `belfry-pushd` arrives over
//! STOMP.

use std::time::Duration;

use harness::rabbit::QueueCounts;
use harness::wire::Wire;
use harness::{Amqp, Pushd, RabbitMq};
use serde_json::json;
use stomp::Command;

#[tokio::test]
async fn three_messages_published_over_amqp_arrive_over_stomp_and_leave_the_queue_when_acknowledged() {
    let Some(rabbit) = RabbitMq::shared().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_queue("three").await;
    amqp.publish_all("", "three", (1..=3).map(|n| (format!("{{\"n\":{n}}}"), Some(format!("id-{n}"))))).await;

    let mut wire = Wire::connect(&rabbit.ws_url()).await;
    wire.sign_in("guest", "guest", "/").await;
    let subscribe = [("id", "0"), ("destination", "/amq/queue/three"), ("ack", "client-individual")];
    wire.send(Command::Subscribe, &subscribe, b"").await;
    for n in 1..=3 {
        let message = wire.expect(Command::Message).await;
        assert_eq!(message.body(), format!("{{\"n\":{n}}}").as_bytes());
        assert_eq!(message.header("amqp-message-id").as_deref(), Some(format!("id-{n}").as_str()));
        if n == 1 {
            assert_eq!(rabbit.queue_counts("three").await, Some(QueueCounts { ready: 0, unacknowledged: 3 }));
        }
        let ack = message.header("ack").unwrap();
        wire.send(Command::Ack, &[("id", &ack)], b"").await;
    }
    wire.send(Command::Disconnect, &[("receipt", "bye")], b"").await;
    while wire.receive().await.is_some() {} // the broker may close before its receipt is out
    assert_eq!(rabbit.queue_counts("three").await, Some(QueueCounts { ready: 0, unacknowledged: 0 }));
}

#[tokio::test]
async fn a_broker_that_was_stopped_keeps_its_queues_and_its_ports() {
    let Some(rabbit) = RabbitMq::start().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_queue("kept").await;
    amqp.publish("", "kept", "before").await;
    rabbit.stop().await;
    let refused = tokio::net::TcpStream::connect(rabbit.ws_address()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    rabbit.start_again().await;
    assert_eq!(Amqp::connect(&rabbit).await.ready("kept").await, 1);
    rabbit.kill().await;
    rabbit.start_again().await;
    assert_eq!(Amqp::connect(&rabbit).await.ready("kept").await, 1);
}

#[tokio::test]
async fn a_user_without_permission_for_a_queue_is_refused() {
    let Some(rabbit) = RabbitMq::shared().await else { return };
    Amqp::connect(&rabbit).await.declare_queue("private").await;
    rabbit.add_user("mallory", "secret", ["^$", "^$", "^public$"]).await;
    let mut wire = Wire::connect(&rabbit.ws_url()).await;
    wire.sign_in("mallory", "secret", "/").await;
    wire.send(Command::Subscribe, &[("id", "0"), ("destination", "/amq/queue/private")], b"").await;
    let end = tokio::time::timeout(Duration::from_secs(30), wire.receive()).await.expect("the broker closes");
    assert!(end.is_none_or(|frame| frame.command() == Command::Error));
}

#[tokio::test]
async fn a_message_sent_to_a_user_through_pushd_arrives_in_the_personal_queue() {
    let pushd = Pushd::start(["--user", "alice:secret", "--user", "bob:secret"]).await;
    let mut wire = Wire::connect(pushd.stomp()).await;
    wire.sign_in("alice", &pushd.login("alice", "secret").await, "/").await;
    let subscribe = [("id", "0"), ("destination", "/user/queue/notices"), ("receipt", "subscribed")];
    wire.send(Command::Subscribe, &subscribe, b"").await;
    wire.expect(Command::Receipt).await;
    let message = json!({"title": "hello", "content": "text", "type": "1", "receiver": ["alice"]});
    pushd.call(&pushd.login("bob", "secret").await, "sendMessage", &message).await;
    let message = wire.expect(Command::Message).await;
    let message: serde_json::Value = serde_json::from_slice(message.body()).unwrap();
    assert_eq!((&message["title"], &message["sender"]), (&json!("hello"), &json!("bob")));
}
