//! Belfry with the real RabbitMQ: everything arrives once, across restarts of the broker.

use harness::{Amqp, FakeApi, Pushd, RabbitMq};
use lapin::ExchangeKind;
use serde_json::json;

use crate::fixtures::{Person, api, assert_no_second_popup, ids, numbered, settings, text};

/// A subscription to a topic that outlives the session, in a queue of this user and device.
const DURABLE_TOPIC: &str = r#"destination = "/exchange/news/all"
headers = { durable = "true", "auto-delete" = "false", "x-queue-name" = "belfry.{login}.{device}" }"#;

fn messages(prefix: &str, count: usize) -> Vec<(String, Option<String>)> {
    let message = |n| json!({"id": format!("{prefix}-{n}"), "title": format!("{prefix} {n}"), "content": "text"});
    (1..=count).map(|n| (message(n).to_string(), None)).collect()
}

#[tokio::test]
async fn two_thousand_messages_and_an_outage_with_two_hundred_more_arrive_once_each() {
    let Some(rabbit) = RabbitMq::start().await else { return };
    let service = FakeApi::start().await;
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_queue("approvals").await;
    amqp.declare_exchange("news", ExchangeKind::Topic).await;
    let subscriptions = [r#"destination = "/amq/queue/approvals""#, DURABLE_TOPIC];
    let alice = Person::new(&settings(&rabbit.ws_url(), "guest", &subscriptions, &api(&service.url())), "guest");
    let mut running = alice.run_live().await;

    amqp.publish_all("", "approvals", messages("queue", 1_000)).await;
    amqp.publish_all("news", "all", messages("topic", 1_000)).await;
    let mut expected = [numbered("queue", 1_000), numbered("topic", 1_000)].concat();
    assert_eq!(ids(&running.events_of("notice", 2_000).await), expected);

    rabbit.stop().await;
    running.event("the lost connection", |event| event["event"] == "status" && event["state"] != "live").await;
    let popups_before = running.all_of("notification").len();
    service.record((1..=200).map(|n| json!({"id": format!("missed-{n}"), "title": format!("missed {n}")})));
    running.event("a failed attempt to reconnect", is_failed_attempt).await;
    rabbit.start_again().await;
    running.state("live").await;

    let missed = running.events_of("notice", 200).await;
    assert_eq!(ids(&missed), numbered("missed", 200));
    assert!(missed.iter().all(|notice| notice["source"] == "collected"), "{missed:?}");
    let summary = running.event("one summary", |event| event["type"] == "summary" && count(event) == 200).await;
    assert!(text(&summary, "summary").contains("200"), "{summary}");
    let notifications = running.all_of("notification");
    assert_eq!(notifications.len(), popups_before + 1, "{notifications:?}");
    assert_no_second_popup(&notifications);

    assert_eq!(running.terminate().await.code(), Some(0));
    expected.extend(numbered("missed", 200));
    expected.sort();
    assert_eq!(alice.inbox_ids().await, expected);
    assert_eq!(ids(&running.all_of("notice")), expected, "one notice event for each");
}

#[tokio::test]
async fn a_forgotten_device_leaves_no_queue_and_a_plain_sign_out_leaves_all() {
    let Some(rabbit) = RabbitMq::start().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_exchange("news", ExchangeKind::Topic).await;
    let subscriptions = [
        DURABLE_TOPIC,
        "destination = \"/topic/plain\"\nheaders = { durable = \"true\", \"auto-delete\" = \"false\" }",
        "destination = \"/queue/mine.{device}\"",
        "destination = \"/queue/shared\"",
    ];
    let alice = Person::new(&settings(&rabbit.ws_url(), "guest", &subscriptions, ""), "guest");
    let queues = async || -> Vec<String> {
        let listed = rabbit.ctl(&["list_queues", "name"]).await;
        listed.lines().filter(|line| *line != "name").map(str::to_owned).collect()
    };
    let mut running = alice.run_live().await;
    assert_eq!(queues().await.len(), 4);
    let refused = alice.ctl(&["sign-out", "--forget-device"]).await;
    assert_eq!(refused.code, Some(5), "{refused:?}");
    running.terminate().await;
    let waiting = json!({"id": "waiting", "title": "waiting"}).to_string();
    amqp.publish_all("news", "all", vec![(waiting, None)]).await;
    // There is no keychain here, so the sign-out itself fails; what it does on the server comes before.
    alice.ctl(&["sign-out"]).await;
    assert_eq!(queues().await.len(), 4, "a plain sign-out leaves them");
    let forgotten = alice.ctl(&["sign-out", "--forget-device"]).await;
    assert!(forgotten.stderr.contains("keychain"), "{forgotten:?}");
    assert_eq!(queues().await, ["shared"]);
}

/// An attempt that ended without a connection, while the next one is scheduled.
fn is_failed_attempt(event: &serde_json::Value) -> bool {
    let reason = event["reason"].as_str().unwrap_or_default();
    event["retry_in_ms"].is_u64() && reason.contains("cannot be reached")
}

fn count(notification: &serde_json::Value) -> usize {
    notification["notices"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn what_is_published_while_belfry_is_not_running_waits_in_its_durable_queue() {
    let Some(rabbit) = RabbitMq::start().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_exchange("news", ExchangeKind::Topic).await;
    let alice = Person::new(&settings(&rabbit.ws_url(), "guest", &[DURABLE_TOPIC], ""), "guest");
    let mut running = alice.run_live().await;
    assert_eq!(running.terminate().await.code(), Some(0));

    amqp.publish_all("news", "all", messages("away", 30)).await;
    let mut running = alice.run().await;
    assert_eq!(ids(&running.events_of("notice", 30).await), numbered("away", 30));
}

/// The topics of `belfry-pushd` in the queue of this user and device.
const PUSHD_TOPICS: [&str; 2] = [
    r#"destination = "/exchange/belfry/{login}"
headers = { durable = "true", "auto-delete" = "false", "x-queue-name" = "belfry.{login}.{device}" }"#,
    r#"destination = "/exchange/belfry/all"
headers = { durable = "true", "auto-delete" = "false", "x-queue-name" = "belfry.{login}.{device}" }"#,
];

#[tokio::test]
async fn what_pushd_records_the_broker_delivers_also_after_an_absence_and_the_api_brings_no_double() {
    let Some(rabbit) = RabbitMq::start().await else { return };
    let amqp = rabbit.amqp_url();
    let args = ["--user", "alice:secret", "--user", "bob:secret", "--broker", "rabbitmq", "--amqp", &amqp];
    let pushd = Pushd::start(args).await;
    let (token, bob) = (pushd.login("alice", "secret").await, pushd.login("bob", "secret").await);
    // RabbitMQ's accounts are its own: here it knows the same secret.
    rabbit.add_user("alice", &token, ["^belfry\\.alice\\.", "^belfry\\.alice\\.", "^belfry($|\\.alice\\.)"]).await;
    let send = async |id: &str, receiver: serde_json::Value| {
        let message = json!({"id": id, "title": id, "content": "text", "type": 1});
        let mut message = message.as_object().cloned().unwrap();
        message.extend(receiver.as_object().cloned().unwrap());
        pushd.call(&bob, "sendMessage", &message.into()).await;
    };
    let to_alice = json!({"receiver": ["alice"]});
    let settings = settings(&rabbit.ws_url(), "alice", &PUSHD_TOPICS, &api(&pushd.api_base()));
    let alice = Person::new(&settings, &token);
    let mut running = alice.run_live().await;
    send("live-1", to_alice.clone()).await;
    send("live-2", json!({})).await;
    assert_eq!(ids(&running.events_of("notice", 2).await), numbered("live", 2));
    let queues = rabbit.ctl(&["list_queues", "--no-table-headers", "name"]).await;
    let queue = queues.lines().find(|name| name.starts_with("belfry.alice.")).expect("the queue of this device");
    rabbit.wait_until_empty(queue).await;
    assert_eq!(running.terminate().await.code(), Some(0));
    let mut popups = running.all_of("notification");
    for n in 1..=20 {
        send(&format!("missed-{n}"), to_alice.clone()).await;
    }
    rabbit.wait_until_ready(queue, 20).await;
    // Both have what was missed: the queue and the API.
    let mut running = alice.run_live().await;
    assert_eq!(ids(&running.events_of("notice", 20).await), numbered("missed", 20));
    rabbit.wait_until_empty(queue).await;
    send("later-1", to_alice).await;
    assert_eq!(text(&running.event_of("notice").await, "id"), "later-1");
    assert_eq!(running.terminate().await.code(), Some(0));
    assert_eq!(running.all_of("notice").len(), 21, "each once");
    popups.extend(running.all_of("notification"));
    assert_no_second_popup(&popups);
    let mut all = [numbered("live", 2), numbered("missed", 20), numbered("later", 1)].concat();
    all.sort();
    assert_eq!(alice.inbox_ids().await, all);
}
