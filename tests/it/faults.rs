//! A bad connection between Belfry and the real RabbitMQ: cut, silent, refused, slow, in single
//! bytes. Every message arrives once.

use std::time::Duration;

use harness::proxy::Faults;
use harness::{Amqp, CertificateAuthority, FaultProxy, RabbitMq, TlsFront};
use serde_json::{Value, json};

use crate::fixtures::{Person, assert_no_second_popup, ids, numbered, settings, with_server};

/// A user behind a proxy in front of the shared broker, with a separate durable queue. TLS goes
/// through the proxy.
struct Setup {
    amqp: Amqp,
    proxy: FaultProxy,
    queue: &'static str,
    alice: Person,
    rabbit: RabbitMq,
    _front: Option<TlsFront>,
}

impl Setup {
    async fn start(queue: &'static str) -> Option<Self> {
        Self::start_with(queue, true).await
    }

    async fn start_with(queue: &'static str, has_tls: bool) -> Option<Self> {
        let rabbit = RabbitMq::shared().await?;
        let amqp = Amqp::connect(&rabbit).await;
        amqp.declare_queue(queue).await;
        let authority = CertificateAuthority::shared();
        let front = if has_tls { Some(TlsFront::start(authority, rabbit.ws_address()).await) } else { None };
        let server = front.as_ref().map_or_else(|| rabbit.ws_address(), |front| front.address().to_string());
        let proxy = FaultProxy::start(server).await;
        let subscription = format!("destination = \"/amq/queue/{queue}\"");
        let scheme = if has_tls { "wss" } else { "ws" };
        let network = format!("[network]\nca_bundle = \"{}\"\n", authority.bundle().display());
        let text = settings(&format!("{scheme}://{}/ws", proxy.address()), "guest", &[&subscription], &network);
        let text = with_server(&text, r#"heart_beat = { send = "2s", expect = "2s" }"#);
        Some(Self { amqp, proxy, queue, alice: Person::new(&text, "guest"), rabbit, _front: front })
    }

    async fn publish(&self, numbers: std::ops::RangeInclusive<usize>) {
        let message = |n| (json!({"id": format!("m-{n}"), "title": format!("message {n}")}).to_string(), None);
        self.amqp.publish_all("", self.queue, numbers.map(message)).await;
    }

    /// `m-1` to `m-COUNT` are in the inbox, the queue is empty, and nothing popped up twice.
    async fn assert_all_once(&self, mut running: harness::Running, count: usize) {
        // Duplicates are acknowledged too, without an event.
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
async fn a_connection_that_is_cut_repeatedly_loses_and_duplicates_nothing() {
    let Some(setup) = Setup::start("cut").await else { return };
    let mut running = setup.alice.run_live().await;
    for round in 0..5 {
        setup.publish(round * 40 + 1..=round * 40 + 40).await;
        running.event_of("notice").await; // cut in the middle of them
        setup.proxy.cut().await;
        running.event("the lost connection", is_lost).await;
        running.state("live").await;
    }
    running.events_of("notice", 195).await;
    setup.assert_all_once(running, 200).await;
}

#[tokio::test]
async fn a_dead_connection_is_noticed_by_its_silence_and_replaced() {
    let Some(setup) = Setup::start("silent").await else { return };
    let mut running = setup.alice.run_live().await;
    setup.publish(1..=1).await;
    running.event_of("notice").await;
    setup.proxy.set(Faults { hole_to_client: true, hole_to_server: true, ..Faults::default() }).await;
    setup.publish(2..=10).await;
    let lost = running.event("the silence", is_lost).await;
    assert!(lost["reason"].as_str().unwrap().contains("stopped responding"), "{lost}");
    setup.proxy.cut().await; // what was in transit is lost
    setup.proxy.heal().await;
    running.events_of("notice", 9).await;
    setup.assert_all_once(running, 10).await;
}

#[tokio::test]
async fn refused_connections_are_tried_again_and_the_next_attempt_is_reported() {
    let Some(setup) = Setup::start("refused").await else { return };
    setup.proxy.set(Faults { refuse: true, ..Faults::default() }).await;
    let mut running = setup.alice.run().await;
    let state = running.event("the next attempt", |event| event["retry_in_ms"].is_u64()).await;
    assert!(state["reason"].as_str().unwrap().contains("refused"), "{state}");
    setup.publish(1..=3).await;
    setup.proxy.heal().await;
    running.state("live").await;
    running.events_of("notice", 3).await;
    setup.assert_all_once(running, 3).await;
}

#[tokio::test]
async fn a_slow_connection_that_delivers_single_bytes_loses_nothing() {
    let Some(setup) = Setup::start("sliced").await else { return };
    setup.proxy.set(Faults { slice: true, delay: Duration::from_millis(5), ..Faults::default() }).await;
    let mut running = setup.alice.run_live().await;
    setup.publish(1..=30).await;
    running.events_of("notice", 30).await;
    setup.assert_all_once(running, 30).await;
}

#[tokio::test]
async fn a_connection_that_breaks_anywhere_during_its_start_is_made_again() {
    // Without TLS the places are exact.
    let Some(setup) = Setup::start_with("start", false).await else { return };
    setup.publish(1..=5).await;
    let mut running = setup.alice.run().await;
    // Inside the upgrade, after it, inside CONNECTED, inside the first message.
    for bytes in [1, 100, 200, 300, 500] {
        setup.proxy.set(Faults { cut_to_client_after: Some(bytes), ..Faults::default() }).await;
        setup.proxy.cut().await;
        setup.proxy.wait_for_accepted(setup.proxy.accepted() + 1).await;
    }
    setup.proxy.heal().await;
    setup.proxy.cut().await;
    running.state("live").await;
    running.events_of("notice", 5).await;
    setup.assert_all_once(running, 5).await;
}
