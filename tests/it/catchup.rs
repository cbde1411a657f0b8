//! Catch-up from real kinds of message services: it is complete, it ends, and it never loops.

use std::sync::Arc;

use harness::api::{Answer, COLLECT, Habits};
use harness::http::Response;
use harness::{FakeApi, FakeBroker, Pushd};
use serde_json::{Value, json};
use stomp::Command;
use tokio::sync::Notify;

use crate::fixtures::{Person, api, assert_no_second_popup, ids, numbered, settings};

/// A broker that never delivers a message.
async fn silent_broker() -> FakeBroker {
    FakeBroker::start(|_, mut wire| async move {
        wire.welcome().await;
        wire.serve().await;
    })
    .await
}

fn person(broker: &FakeBroker, service: &FakeApi) -> Person {
    let subscriptions = ["destination = \"/queue/alice\""];
    Person::new(&settings(&broker.url(), "alice", &subscriptions, &api(&service.url())), "secret")
}

fn records(count: usize) -> impl Iterator<Item = Value> {
    (1..=count).map(|n| {
        let time = format!("2026-01-01T{:02}:{:02}:{:02}Z", n / 3600, n / 60 % 60, n % 60);
        json!({"id": format!("m-{n}"), "title": format!("message {n}"), "sendTime": time})
    })
}

/// Everything recorded is in the inbox once, and the passes end.
async fn assert_complete(service: &FakeApi, alice: &Person, count: usize) {
    let mut running = alice.run().await;
    assert_eq!(ids(&running.events_of("notice", count).await), numbered("m", count));
    running.event_of("caught-up").await;
    running.state("live").await;
    let requests = service.requests(COLLECT).len();
    assert!(requests <= count, "{requests} requests for {count} messages: a loop");
    assert_eq!(running.terminate().await.code(), Some(0));
    assert_eq!(alice.inbox_ids().await, numbered("m", count));
    assert_no_second_popup(&running.all_of("notification"));
}

#[tokio::test]
async fn a_service_that_caps_its_pages_is_read_to_the_end() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    service.record(records(250));
    service.set(Habits { page_cap: Some(20), ..Habits::default() });
    assert_complete(&service, &person(&broker, &service), 250).await;
}

#[tokio::test]
async fn a_service_that_ignores_the_cursor_ends_and_its_history_completes_it() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    service.record(records(500));
    service.set(Habits { ignores_cursor: true, ..Habits::default() });
    assert_complete(&service, &person(&broker, &service), 500).await;
}

#[tokio::test]
async fn what_a_service_marked_delivered_in_a_lost_answer_comes_from_its_history() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    service.record(records(450));
    service.set(Habits { marks_on_serving: true, ..Habits::default() });
    service.next(COLLECT, Answer::Lost);
    service.next(COLLECT, Answer::Cut(1000));
    assert_complete(&service, &person(&broker, &service), 450).await;
}

#[tokio::test]
async fn a_service_that_throttles_fails_and_sends_half_an_answer_is_tried_again() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    service.record(records(10));
    let throttled = Response { headers: vec![("retry-after", "1".to_owned())], ..Response::json(429, &Value::Null) };
    service.next(COLLECT, Answer::Instead(throttled));
    service.next(COLLECT, Answer::Instead(Response::json(500, &Value::Null)));
    let half = Response { body: r#"{"code":0,"data":{"records":[{"id":"#.into(), ..Response::json(200, &Value::Null) };
    service.next(COLLECT, Answer::Instead(half));
    assert_complete(&service, &person(&broker, &service), 10).await;
}

#[tokio::test]
async fn a_service_that_refuses_says_what_to_do_and_the_session_goes_on() {
    let service = FakeApi::start().await;
    for _ in 0..10 {
        service.next(COLLECT, Answer::Instead(Response::json(403, &json!({"msg": "no access"}))));
    }
    let state_seen = Arc::new(Notify::new());
    let seen_by_test = Arc::clone(&state_seen);
    let broker = FakeBroker::start(move |_, mut wire| {
        let seen_by_test = Arc::clone(&seen_by_test);
        async move {
            wire.welcome().await;
            let subscribe = wire.serve_until(Command::Subscribe).await;
            seen_by_test.notified().await;
            wire.message(&subscribe.header("id").unwrap(), "1", r#"{"id":"live-1","title":"still here"}"#).await;
            wire.serve().await;
        }
    })
    .await;
    let alice = person(&broker, &service);
    let mut running = alice.run().await;
    let state = running.state("action-needed").await;
    assert!(!state["remedy"].as_str().unwrap().is_empty(), "{state}");
    state_seen.notify_one();
    assert_eq!(running.event_of("notice").await["id"], "live-1");
}

#[tokio::test]
async fn fifty_missed_after_a_thousand_received_live_all_arrive() {
    let pushd = Pushd::start(["--user", "alice:secret", "--user", "sender:secret"]).await;
    let alice = Person::of(&pushd, "alice").await;
    let sender = pushd.login("sender", "secret").await;
    let send = async |prefix: &str, count: usize| {
        for n in 1..=count {
            let id = format!("{prefix}-{n}");
            let message = json!({"id": id, "title": id, "content": "text", "type": "1", "receiver": ["alice"]});
            pushd.call(&sender, "sendMessage", &message).await;
        }
    };
    let mut running = alice.run_live().await;
    send("live", 1_000).await;
    assert_eq!(ids(&running.events_of("notice", 1_000).await), numbered("live", 1_000));
    assert_eq!(running.terminate().await.code(), Some(0));

    send("missed", 50).await;
    let mut running = alice.run().await;
    assert_eq!(ids(&running.events_of("notice", 50).await), numbered("missed", 50));
    assert_eq!(running.terminate().await.code(), Some(0));
    let mut expected = [numbered("live", 1_000), numbered("missed", 50)].concat();
    expected.sort();
    assert_eq!(alice.inbox_ids().await, expected);
}
