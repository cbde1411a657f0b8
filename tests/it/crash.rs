//! `kill -9` at every observable step of delivery: every message arrives once, and no popup is
//! shown twice.
//!
//! Deliberately absent: the moments between two such steps, which the simulation covers. Here the
//! process, the disk and the broker are real.

use harness::proxy::Faults;
use harness::{Amqp, FaultProxy, RabbitMq};
use serde_json::{Value, json};

use crate::fixtures::{Person, assert_no_second_popup, ids, numbered, settings};

/// How many messages are sent before each kill.
const MESSAGES_PER_ROUND: usize = 12;

/// The n-th event that matches.
type Moment = (fn(&Value) -> bool, usize);

fn is_notice(event: &Value) -> bool {
    event["event"] == "notice"
}

fn is_popup(event: &Value) -> bool {
    event["event"] == "notification"
}

#[tokio::test]
async fn killed_at_any_event_everything_arrives_once_and_nothing_pops_up_twice() {
    let Some(rabbit) = RabbitMq::shared().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_queue("crash").await;
    let proxy = FaultProxy::start(rabbit.ws_address()).await;
    let endpoint = format!("ws://{}/ws", proxy.address());
    let subscriptions = [r#"destination = "/amq/queue/crash""#];
    let alice = Person::new(&settings(&endpoint, "guest", &subscriptions, ""), "guest");

    let moments: [Moment; 5] =
        [(is_notice, 1), (is_notice, 5), (is_notice, MESSAGES_PER_ROUND), (is_popup, 1), (is_popup, 2)];
    // Once with acknowledgements that reach the broker, and once with all of them lost.
    let rounds = moments.iter().flat_map(|moment| [(true, moment), (false, moment)]);
    let (mut notices, mut popups, mut sent) = (Vec::new(), Vec::new(), 0);
    for (acks_pass, (is_moment, count)) in rounds {
        let mut running = alice.run_live().await;
        proxy.set(Faults { hole_to_server: !acks_pass, ..Faults::default() }).await;
        let message = |n| (json!({"id": format!("m-{n}"), "title": format!("message {n}")}).to_string(), None);
        amqp.publish_all("", "crash", (sent + 1..=sent + MESSAGES_PER_ROUND).map(message)).await;
        sent += MESSAGES_PER_ROUND;
        for _ in 0..*count {
            running.event("the moment to be killed", is_moment).await;
        }
        running.kill().await;
        proxy.cut().await;
        proxy.heal().await;
        notices.extend(running.all_of("notice"));
        popups.extend(running.all_of("notification"));
    }

    amqp.publish("", "crash", r#"{"id":"end","title":"the end"}"#).await;
    let mut running = alice.run().await;
    running.event("the end", |event| is_notice(event) && event["id"] == "end").await;
    running.event("its popup", |event| is_popup(event) && event["notices"].to_string().contains("\"end\"")).await;
    running.terminate().await;
    notices.extend(running.all_of("notice"));
    popups.extend(running.all_of("notification"));

    assert_no_second_popup(&popups);
    let mut expected = [numbered("m", sent), vec!["end".to_owned()]].concat();
    expected.sort();
    assert_eq!(alice.inbox_ids().await, expected);
    notices.retain(|notice| notice["replayed"] != true);
    let mut announced = ids(&notices);
    announced.dedup();
    assert_eq!(announced.len(), notices.len(), "a notice was announced twice without `replayed`");
    let counts = rabbit.queue_counts("crash").await.unwrap();
    assert_eq!((counts.ready, counts.unacknowledged), (0, 0));
}
