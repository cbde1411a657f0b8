//! The doctor consumes no message: what waits on a server before it still waits there after it.

use harness::api::{Answer, CLIENTS};
use harness::http::Response;
use harness::{Amqp, FakeApi, Pushd, RabbitMq};
use lapin::ExchangeKind;
use serde_json::{Value, json};

use crate::fixtures::{Person, api, assert_no_second_popup, ids, numbered, settings, text};

const DURABLE_TOPIC: &str = r#"destination = "/exchange/news/all"
headers = { durable = "true", "auto-delete" = "false", "x-queue-name" = "belfry.{login}.{device}" }"#;

/// The findings of a step, as `verdict: detail`.
fn found(findings: &Value, step: &str) -> Vec<String> {
    let findings = findings.as_array().expect("an array of findings").iter().filter(|finding| finding["step"] == step);
    findings.map(|finding| format!("{}: {}", text(finding, "verdict"), text(finding, "detail"))).collect()
}

fn message(id: &str) -> String {
    json!({"id": id, "title": id, "content": "text"}).to_string()
}

#[tokio::test]
async fn queues_keep_their_messages_and_a_missing_destination_is_named() {
    let Some(rabbit) = RabbitMq::start().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_queue("approvals").await;
    amqp.declare_exchange("news", ExchangeKind::Topic).await;
    let subscriptions = [
        "destination = \"/exchange/missing/all\"",
        "destination = \"/amq/queue/approvals\"",
        DURABLE_TOPIC,
        "destination = \"/queue/short-lived\"\nheaders = { \"auto-delete\" = \"true\" }",
    ];
    let alice = Person::new(&settings(&rabbit.ws_url(), "guest", &subscriptions, ""), "guest");
    // Creates the durable queue, as Belfry would.
    assert_eq!(alice.ctl(&["doctor", "--json"]).await.code, Some(1), "a destination is missing");
    amqp.publish_all("", "approvals", [(message("queue-1"), None), (message("queue-2"), None)]).await;
    amqp.publish_all("news", "all", [(message("topic-1"), None), (message("topic-2"), None)]).await;

    for _ in 0..3 {
        let ended = alice.ctl(&["doctor", "--json"]).await;
        let subscribed = found(&ended.json(), "subscribe");
        assert!(subscribed[0].starts_with("fail: /exchange/missing/all: "), "{subscribed:?}");
        assert!(subscribed[1].starts_with("warn: /amq/queue/approvals: confirmed; "), "{subscribed:?}");
        assert_eq!(subscribed[2], "ok: /exchange/news/all: confirmed");
        assert!(subscribed[3].starts_with("skipped: /queue/short-lived: "), "{subscribed:?}");
    }
    alice.write_settings(&settings(&rabbit.ws_url(), "guest", &subscriptions[1..3], ""));
    let mut running = alice.run_live().await;
    let received = ids(&running.events_of("notice", 4).await);
    assert_eq!(received, [numbered("queue", 2), numbered("topic", 2)].concat());
}

#[tokio::test]
async fn a_server_that_serves_each_message_once_loses_none_to_the_doctor() {
    let pushd = Pushd::start(["--user", "alice:secret", "--user", "bob:secret", "--destructive-collect"]).await;
    let (alice, bob) = (Person::of(&pushd, "alice").await, Person::of(&pushd, "bob").await);
    let sent = json!({"title": "one", "content": "text", "type": 1, "receiver": ["alice"]});
    let id = text(&pushd.call(&bob.token, "sendMessage", &sent).await, "id");

    let ended = alice.ctl(&["doctor", "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(found(&ended.json(), "collect"), ["ok: 1 rows, 1 of them new; they are in the inbox"]);
    assert_eq!(alice.inbox_ids().await, [id.as_str()]);

    let mut running = alice.run_live().await;
    let popup = running.event_of("notification").await;
    assert_eq!(popup["notices"], json!([id]));
    assert_eq!(text(&running.event_of("notice").await, "id"), id);
    let while_running = alice.ctl(&["doctor", "--json"]).await;
    assert_eq!(while_running.code, Some(0), "{while_running:?}");
    assert!(found(&while_running.json(), "collect")[0].starts_with("skipped: "), "{while_running:?}");
    assert_no_second_popup(&running.all_of("notification"));
}

#[tokio::test]
async fn an_inbox_that_cannot_be_opened_is_found_and_nothing_is_collected() {
    let pushd = Pushd::start(["--user", "alice:secret", "--destructive-collect"]).await;
    let alice = Person::of(&pushd, "alice").await;
    alice.run_live().await.terminate().await;
    let account = std::fs::read_dir(alice.home.data_dir().join("accounts")).unwrap().next().unwrap().unwrap();
    let damaged = "not a database, and long enough to be read as one".repeat(100);
    std::fs::write(account.path().join("inbox.sqlite3"), damaged).unwrap();

    let ended = alice.ctl(&["doctor", "--json"]).await;
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(found(&ended.json(), "collect")[0].contains("inbox.sqlite3"), "{ended:?}");
}

#[tokio::test]
async fn two_computers_on_one_queue_are_noticed_by_its_name_and_by_who_is_signed_in() {
    let Some(rabbit) = RabbitMq::start().await else { return };
    let service = FakeApi::start().await;
    Amqp::connect(&rabbit).await.declare_exchange("news", ExchangeKind::Topic).await;
    let shared = DURABLE_TOPIC.replace(".{device}", "");
    let subscriptions = [shared.as_str(), DURABLE_TOPIC];
    let at = |more: &str| settings(&rabbit.ws_url(), "guest", &subscriptions, more);
    let first = Person::without_tls(&at(""), "guest");
    let _running = first.run_live().await;
    let second = Person::without_tls(&at(""), "guest");
    for person in [&first, &second] {
        let ended = person.ctl(&["doctor", "--json"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let findings = ended.json();
        let subscribed = found(&findings, "subscribe");
        assert!(subscribed[0].starts_with("warn: /exchange/news/all: "), "{subscribed:?}");
        assert!(subscribed[0].ends_with("each message reaches only one computer of this account"), "{subscribed:?}");
        assert!(!subscribed[1].starts_with("warn: "), "a queue of this computer's own: {subscribed:?}");
        let warned = findings.as_array().unwrap().iter().find(|finding| finding["step"] == "subscribe").unwrap();
        assert!(text(warned, "remedy").contains("belfry.{login}.{device}"), "{warned}");
    }

    // What the server tells of who is signed in is said, too.
    let row = |device: &str, name: &str| json!({"loginName": "guest", "deviceId": device, "deviceName": name});
    second.home.write_settings(&at(&api(&service.url())));
    for (rows, expected) in [
        (json!([]), "only one computer of this account"),
        (json!([row("other", "laptop")]), "this account; also signed in as this account: laptop"),
    ] {
        service.next(CLIENTS, Answer::Instead(Response::json(200, &json!({"code": 0, "data": rows}))));
        let subscribed = found(&second.ctl(&["doctor", "--json"]).await.json(), "subscribe");
        assert!(subscribed[0].starts_with("warn: ") && subscribed[0].ends_with(expected), "{subscribed:?}");
    }
}
