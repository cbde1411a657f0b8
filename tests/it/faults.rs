//! A bad line between Belfry and the real RabbitMQ: cut, dead, refused, slow, in single bytes. Everything arrives once.

use std::time::Duration;

use harness::proxy::Faults;
use harness::{Amqp, FaultProxy, RabbitMq};
use serde_json::{Value, json};

use crate::world::{Person, assert_no_second_popup, ids, numbered, settings, with_server};

/// Somebody behind a proxy in front of the shared broker, with a durable queue of their own.
struct Scene {
    amqp: Amqp,
    line: FaultProxy,
    queue: &'static str,
    alice: Person,
    rabbit: RabbitMq,
}

impl Scene {
    async fn set(queue: &'static str) -> Option<Self> {
        let rabbit = RabbitMq::shared().await?;
        let amqp = Amqp::connect(&rabbit).await;
        amqp.declare_queue(queue).await;
        let line = FaultProxy::start(rabbit.ws_address()).await;
        let subscription = format!("destination = \"/amq/queue/{queue}\"");
        let text = settings(&format!("ws://{}/ws", line.address()), "guest", &[&subscription], "");
        let text = with_server(&text, r#"heart_beat = { send = "2s", expect = "2s" }"#);
        Some(Self { amqp, line, queue, alice: Person::new(&text, "guest"), rabbit })
    }

    async fn publish(&self, numbers: std::ops::RangeInclusive<usize>) {
        let message = |n| (json!({"id": format!("m-{n}"), "title": format!("message {n}")}).to_string(), None);
        self.amqp.publish_all("", self.queue, numbers.map(message)).await;
    }

    /// `m-1` to `m-COUNT` are in the inbox, the queue is empty, and nothing popped up twice.
    async fn assert_all_once(&self, mut running: harness::Running, count: usize) {
        // What came twice is acknowledged, too, though nothing is said of it.
        self.rabbit.wait_until_empty(self.queue).await;
        running.terminate().await;
        assert_eq!(ids(&running.all_of("notice")), numbered("m", count));
        assert_eq!(self.alice.inbox_ids().await, numbered("m", count));
        assert_no_second_popup(&running.all_of("notification"));
    }
}

fn is_lost(event: &Value) -> bool {
    event["event"] == "status" && event["state"] != "live"
}

#[tokio::test]
async fn a_line_that_is_cut_again_and_again_loses_and_doubles_nothing() {
    let Some(scene) = Scene::set("cut").await else { return };
    let mut running = scene.alice.run_live().await;
    for round in 0..5 {
        scene.publish(round * 40 + 1..=round * 40 + 40).await;
        running.event_of("notice").await; // cut in the middle of them
        scene.line.cut().await;
        running.event("the loss said", is_lost).await;
        running.state("live").await;
    }
    running.events_of("notice", 195).await;
    scene.assert_all_once(running, 200).await;
}

#[tokio::test]
async fn a_dead_line_is_noticed_by_its_silence_and_left() {
    let Some(scene) = Scene::set("silent").await else { return };
    let mut running = scene.alice.run_live().await;
    scene.publish(1..=1).await;
    running.event_of("notice").await;
    scene.line.set(Faults { hole_to_client: true, hole_to_server: true, ..Faults::default() }).await;
    scene.publish(2..=10).await;
    let lost = running.event("the silence said", is_lost).await;
    assert!(lost["reason"].as_str().unwrap().contains("silent"), "{lost}");
    scene.line.cut().await; // what was under way is lost
    scene.line.heal().await;
    running.events_of("notice", 9).await;
    scene.assert_all_once(running, 10).await;
}

#[tokio::test]
async fn refused_connections_are_tried_again_with_the_next_try_said() {
    let Some(scene) = Scene::set("refused").await else { return };
    scene.line.set(Faults { refuse: true, ..Faults::default() }).await;
    let mut running = scene.alice.run().await;
    let state = running.event("the next try", |event| event["retry_in_ms"].is_u64()).await;
    assert!(state["reason"].as_str().unwrap().contains("refused"), "{state}");
    scene.publish(1..=3).await;
    scene.line.heal().await;
    running.state("live").await;
    running.events_of("notice", 3).await;
    scene.assert_all_once(running, 3).await;
}

#[tokio::test]
async fn a_slow_line_that_hands_on_single_bytes_changes_nothing() {
    let Some(scene) = Scene::set("sliced").await else { return };
    scene.line.set(Faults { slice: true, delay: Duration::from_millis(5), ..Faults::default() }).await;
    let mut running = scene.alice.run_live().await;
    scene.publish(1..=30).await;
    running.events_of("notice", 30).await;
    scene.assert_all_once(running, 30).await;
}

#[tokio::test]
async fn a_connection_that_breaks_anywhere_in_its_beginning_is_made_again() {
    let Some(scene) = Scene::set("beginning").await else { return };
    scene.publish(1..=5).await;
    let mut running = scene.alice.run().await;
    // Inside the upgrade, after it, inside CONNECTED, inside the first message.
    for bytes in [1, 100, 200, 300, 500] {
        scene.line.set(Faults { cut_to_client_after: Some(bytes), ..Faults::default() }).await;
        scene.line.cut().await;
        scene.line.wait_for_accepted(scene.line.accepted() + 1).await;
    }
    scene.line.heal().await;
    scene.line.cut().await;
    running.state("live").await;
    running.events_of("notice", 5).await;
    scene.assert_all_once(running, 5).await;
}
