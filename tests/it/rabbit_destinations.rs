//! Every kind of destination that RabbitMQ has, in a virtual host other than `/`: what connects,
//! what arrives, what is kept while Belfry is away, and what a stream goes on from.

use std::collections::BTreeSet;

use harness::proxy::Faults;
use harness::{Amqp, FaultProxy, RabbitMq, Running};
use lapin::ExchangeKind;
use serde_json::json;

use crate::fixtures::{Person, assert_no_second_popup, ids, numbered, settings, text, with_server};

/// The virtual host of these tests.
const OFFICE: &str = "office";

/// The headers of a queue of this user and device that outlives the session; `$more` is further
/// headers.
macro_rules! durable {
    ($destination:literal, $name:literal $(, $more:literal)*) => {
        concat!(
            "destination = \"", $destination, "\"\n",
            "headers = { durable = \"true\", \"auto-delete\" = \"false\", ",
            "\"x-queue-name\" = \"belfry.{login}.{device}.", $name, "\"",
            $(", ", $more,)*
            " }"
        )
    };
}

/// A stream of this user and device.
const STREAM: &str = durable!("/exchange/keep/log", "s", r#""x-queue-type" = "stream""#);

/// One kind of destination.
struct Row {
    /// Prefix of the ids of its messages.
    id: &'static str,
    /// Where they are published.
    exchange: &'static str,
    key: &'static str,
    /// Whether the broker keeps what comes while Belfry is away.
    is_kept: bool,
    subscription: &'static str,
}

const fn row(
    id: &'static str,
    exchange: &'static str,
    key: &'static str,
    is_kept: bool,
    subscription: &'static str,
) -> Row {
    Row { id, exchange, key, is_kept, subscription }
}

const ROWS: [Row; 15] = [
    row("direct", "d", "approvals", false, r#"destination = "/exchange/d/approvals""#),
    row("direct-without-key", "d", "", false, r#"destination = "/exchange/d""#),
    row("topic", "t", "approvals.north", false, r#"destination = "/exchange/t/approvals.*""#),
    row("topic-all", "all", "any.thing", false, r##"destination = "/exchange/all/#""##),
    row("fanout", "f", "", false, r#"destination = "/exchange/f""#),
    row("fanout-slash", "g", "ignored", false, r#"destination = "/exchange/g/""#),
    row("fanout-key", "i", "other", false, r#"destination = "/exchange/i/key""#),
    row("headers", "h", "", false, r#"destination = "/exchange/h""#),
    row("short-topic", "amq.topic", "weather", false, r#"destination = "/topic/weather""#),
    row("amq-queue", "", "declared", true, r#"destination = "/amq/queue/declared""#),
    row("queue", "", "made", true, r#"destination = "/queue/made""#),
    row("durable", "keep", "alice", true, durable!("/exchange/keep/alice", "d")),
    row("durable-topic", "amq.topic", "news", true, durable!("/topic/news", "n")),
    row("quorum", "keep", "bob", true, durable!("/exchange/keep/bob", "q", r#""x-queue-type" = "quorum""#)),
    row("stream", "keep", "log", true, STREAM),
];

async fn office() -> Option<(RabbitMq, Amqp)> {
    let rabbit = RabbitMq::start().await?;
    rabbit.add_virtual_host(OFFICE).await;
    let amqp = Amqp::connect_to(&rabbit.amqp_url_of(OFFICE)).await;
    for (name, kind) in [
        ("d", ExchangeKind::Direct),
        ("t", ExchangeKind::Topic),
        ("all", ExchangeKind::Topic),
        ("f", ExchangeKind::Fanout),
        ("g", ExchangeKind::Fanout),
        ("i", ExchangeKind::Fanout),
        ("h", ExchangeKind::Headers),
        ("keep", ExchangeKind::Direct),
    ] {
        amqp.declare_exchange(name, kind).await;
    }
    for queue in ["declared", "ready"] {
        amqp.declare_queue(queue).await;
    }
    Some((rabbit, amqp))
}

/// A user of the virtual host, whose account on RabbitMQ is `guest`.
fn person(endpoint: &str, subscriptions: &[&str]) -> Person {
    let settings = settings(endpoint, "guest", subscriptions, "");
    Person::without_tls(&with_server(&settings, &format!("host = \"{OFFICE}\"")), "guest")
}

fn message(id: &str) -> String {
    json!({"id": id, "title": id, "content": "text"}).to_string()
}

/// The message of each row in this part of the test.
fn expected<'a>(rows: impl IntoIterator<Item = &'a Row>, part: &str) -> BTreeSet<String> {
    rows.into_iter().map(|row| format!("{}-{part}", row.id)).collect()
}

fn kept() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(|row| row.is_kept)
}

async fn publish(amqp: &Amqp, rows: impl IntoIterator<Item = &Row>, part: &str) {
    for row in rows {
        amqp.publish(row.exchange, row.key, message(&format!("{}-{part}", row.id))).await;
    }
}

/// The next notices, which are these in whatever order.
async fn arrive(running: &mut Running, expected: &BTreeSet<String>) {
    let arrived = ids(&running.events_of("notice", expected.len()).await);
    assert_eq!(arrived, expected.iter().cloned().collect::<Vec<_>>());
}

/// A server takes SUBSCRIBEs in their order, so a message in the queue of the last one arrives when
/// all are made.
async fn wait_until_subscribed(amqp: &Amqp, running: &mut Running, id: &str) {
    amqp.publish("", "ready", message(id)).await;
    arrive(running, &BTreeSet::from([id.to_owned()])).await;
}

#[tokio::test]
async fn each_kind_of_destination_connects_receives_keeps_what_it_can_and_reconnects() {
    let Some((rabbit, amqp)) = office().await else { return };
    let proxy = FaultProxy::start(rabbit.ws_address()).await;
    let ready = r#"destination = "/amq/queue/ready""#;
    let subscriptions: Vec<&str> = ROWS.iter().map(|row| row.subscription).chain([ready]).collect();
    let alice = person(&format!("ws://{}/ws", proxy.address()), &subscriptions);

    let mut running = alice.run_live().await;
    wait_until_subscribed(&amqp, &mut running, "ready-1").await;
    for (exchange, key) in [("d", "other"), ("t", "approvals.north.east"), ("keep", "carol")] {
        amqp.publish(exchange, key, message("not-for-alice")).await;
    }
    publish(&amqp, &ROWS, "received").await;
    arrive(&mut running, &expected(&ROWS, "received")).await;

    assert_eq!(running.terminate().await.code(), Some(0));
    publish(&amqp, &ROWS, "missed").await;
    let mut running = alice.run_live().await;
    arrive(&mut running, &expected(kept(), "missed")).await;

    proxy.set(Faults { refuse: true, ..Faults::default() }).await;
    proxy.cut().await;
    publish(&amqp, &ROWS, "cut").await;
    proxy.heal().await;
    arrive(&mut running, &expected(kept(), "cut")).await;
    wait_until_subscribed(&amqp, &mut running, "ready-2").await;
    publish(&amqp, &ROWS, "reconnected").await;
    arrive(&mut running, &expected(&ROWS, "reconnected")).await;
    assert_eq!(running.terminate().await.code(), Some(0));

    let mut all: BTreeSet<String> = ["ready-1", "ready-2"].map(str::to_owned).into();
    for part in ["received", "reconnected"] {
        all.extend(expected(&ROWS, part));
    }
    for part in ["missed", "cut"] {
        all.extend(expected(kept(), part));
    }
    assert_eq!(alice.inbox_ids().await, all.into_iter().collect::<Vec<_>>(), "each once");

    println!("| destination | connect | receive | missed while away | reconnect |\n|---|---|---|---|---|");
    for Row { subscription, is_kept, .. } in &ROWS {
        let missed = if *is_kept { "ok" } else { "none by design" };
        println!("| {} | ok | ok | {missed} | ok |", subscription.replace('\n', " "));
    }
}

/// Nothing can be stored before the first message, but the stream of a device begins with Belfry's
/// own subscription: all that is in it is for this device.
#[tokio::test]
async fn the_stream_of_a_device_is_read_from_its_beginning_if_nothing_of_it_was_received_before() {
    let Some((rabbit, amqp)) = office().await else { return };
    let alice = person(&rabbit.ws_url(), &[STREAM, r#"destination = "/amq/queue/ready""#]);
    let mut running = alice.run_live().await;
    wait_until_subscribed(&amqp, &mut running, "ready-1").await;
    assert_eq!(running.terminate().await.code(), Some(0));
    for n in 1..=3 {
        amqp.publish("keep", "log", message(&format!("early-{n}"))).await;
    }
    let mut running = alice.run().await;
    assert_eq!(ids(&running.events_of("notice", 3).await), numbered("early", 3));
}

#[tokio::test]
async fn a_stream_goes_on_after_its_stored_offset_when_belfry_was_killed_or_its_connection_was_cut() {
    const COUNT: usize = 600;
    let Some((rabbit, amqp)) = office().await else { return };
    amqp.declare_stream("log").await;
    amqp.bind("log", "keep", "log").await;
    // What another device has left there: it is read, since the settings say so.
    for n in 1..=COUNT / 2 {
        amqp.publish("keep", "log", message(&format!("row-{n}"))).await;
    }
    let subscription = r#"destination = "/amq/queue/log"
headers = { "x-queue-type" = "stream", "x-stream-offset" = "first" }"#;
    let proxy = FaultProxy::start(rabbit.ws_address()).await;
    let alice = person(&format!("ws://{}/ws", proxy.address()), &[subscription]);
    let mut running = alice.run().await;
    running.events_of("notice", 20).await;
    running.kill().await;
    let mut popups = running.all_of("notification");

    let mut running = alice.run_live().await;
    proxy.set(Faults { refuse: true, ..Faults::default() }).await;
    proxy.cut().await;
    for n in COUNT / 2 + 1..=COUNT {
        amqp.publish("keep", "log", message(&format!("row-{n}"))).await;
    }
    proxy.heal().await;
    running.event("the last row", |event| event["event"] == "notice" && event["id"] == format!("row-{COUNT}")).await;
    assert_eq!(running.terminate().await.code(), Some(0));
    assert_eq!(alice.inbox_ids().await, numbered("row", COUNT));
    popups.extend(running.all_of("notification"));
    assert_no_second_popup(&popups);

    // Nothing of the stream comes again: the offset is that of the last row.
    let mut running = alice.run_live().await;
    amqp.publish("keep", "log", message("later")).await;
    assert_eq!(text(&running.event_of("notice").await, "id"), "later");
    assert_eq!(running.terminate().await.code(), Some(0));
    assert_eq!(running.all_of("notice").len(), 1);
}
