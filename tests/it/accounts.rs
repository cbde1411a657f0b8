//! Accounts and identities: accounts never mix, a deleted notice never returns, and a decided one
//! is never reopened by an older copy.

use harness::{Amqp, Pushd, RabbitMq, Running};
use serde_json::{Value, json};

use crate::fixtures::{Person, assert_no_second_popup, pushd_settings, settings};

async fn pushd() -> (Pushd, String) {
    let pushd = Pushd::start(["--user", "alice:secret", "--user", "bob:secret", "--user", "sender:secret"]).await;
    let sender = pushd.login("sender", "secret").await;
    (pushd, sender)
}

async fn send(pushd: &Pushd, token: &str, message: Value) {
    let mut whole = json!({"title": message["id"], "content": "text", "type": "1"});
    whole.as_object_mut().unwrap().extend(message.as_object().unwrap().clone());
    pushd.call(token, "sendMessage", &whole).await;
}

async fn notice(running: &mut Running, id: &str) -> Value {
    running.event(id, |event| event["event"] == "notice" && event["id"] == id).await
}

#[tokio::test]
async fn two_accounts_on_one_machine_each_receive_their_own_messages_and_the_broadcast() {
    let (pushd, sender) = pushd().await;
    let (alice, bob) = (Person::of(&pushd, "alice").await, Person::of(&pushd, "bob").await);
    let (mut at_alice, mut at_bob) = (alice.run_live().await, bob.run_live().await);
    send(&pushd, &sender, json!({"id": "all-1"})).await;
    send(&pushd, &sender, json!({"id": "alice-1", "receiver": ["alice"]})).await;
    send(&pushd, &sender, json!({"id": "bob-1", "receiver": ["bob"]})).await;
    notice(&mut at_alice, "alice-1").await;
    notice(&mut at_bob, "bob-1").await;
    notice(&mut at_alice, "all-1").await;
    notice(&mut at_bob, "all-1").await;
    at_alice.terminate().await;
    at_bob.terminate().await;
    assert_eq!(alice.inbox_ids().await, ["alice-1", "all-1"]);
    assert_eq!(bob.inbox_ids().await, ["all-1", "bob-1"]);

    // The same user with the other account has a separate inbox.
    alice.write_settings(&pushd_settings(&pushd, "bob"));
    assert!(alice.inbox_ids().await.is_empty());
    let mut running = Person { home: alice.home, ..Person::of(&pushd, "bob").await }.run_live().await;
    assert!(running.all_of("notice").iter().all(|notice| notice["id"] != "alice-1"));
}

#[tokio::test]
async fn a_deleted_notice_that_is_sent_again_stays_deleted() {
    let (pushd, sender) = pushd().await;
    let alice = Person::of(&pushd, "alice").await;
    let mut running = alice.run_live().await;
    send(&pushd, &sender, json!({"id": "again", "receiver": ["alice"]})).await;
    notice(&mut running, "again").await;
    let deleted = alice.ctl(&["inbox", "delete", "again"]).await;
    assert_eq!(deleted.code, Some(0), "{deleted:?}");
    assert!(alice.inbox_ids().await.is_empty());

    send(&pushd, &sender, json!({"id": "again", "receiver": ["alice"], "version": 2})).await;
    send(&pushd, &sender, json!({"id": "other", "receiver": ["alice"]})).await;
    notice(&mut running, "other").await;
    assert_eq!(running.terminate().await.code(), Some(0));
    let mut running = alice.run_live().await; // and catch-up does not restore it either
    running.terminate().await;
    assert_eq!(running.all_of("notice").len(), 0);
    assert_eq!(alice.inbox_ids().await, ["other"]);
}

#[tokio::test]
async fn a_late_open_after_decided_changes_nothing() {
    let Some(rabbit) = RabbitMq::shared().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_queue("requests").await;
    let subscriptions = ["destination = \"/amq/queue/requests\""];
    let alice = Person::new(&settings(&rabbit.ws_url(), "guest", &subscriptions, ""), "guest");
    let mut running = alice.run_live().await;
    let publish_state = async |state: &str, version: u32| {
        let request = json!({"id": "request", "title": "Approve?", "state": state, "version": version});
        amqp.publish("", "requests", request.to_string()).await;
    };
    publish_state("open", 1).await;
    notice(&mut running, "request").await;
    running.event("its popup", |event| event["type"] == "single").await;
    publish_state("decided", 2).await;
    let changed = running.event_of("changed").await;
    assert_eq!((&changed["id"], &changed["state"]), (&json!("request"), &json!("decided")));
    running.event("its popup retracted", |event| event["type"] == "retract").await;

    publish_state("open", 1).await;
    amqp.publish("", "requests", r#"{"id":"other","title":"Other"}"#).await;
    notice(&mut running, "other").await;
    running.terminate().await;
    assert_eq!(running.all_of("changed").len(), 1);
    assert_no_second_popup(&running.all_of("notification"));
    let inbox = alice.inbox().await;
    let request = inbox.iter().find(|notice| notice["id"] == "request").unwrap();
    assert_eq!(request["state"], "decided");
}
