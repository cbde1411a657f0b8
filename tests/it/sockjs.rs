//! `server.protocol = "sockjs"`: STOMP in the frames of SockJS over a WebSocket, and unframed below
//! the same endpoint.

use harness::{FakeBroker, FaultProxy, Pushd, Wire};
use serde_json::{Value, json};

use crate::fixtures::{Person, api, assert_no_second_popup, ids, numbered, settings, text, with_server};

const SUBSCRIPTIONS: [&str; 2] = ["destination = \"/user/queue/notices\"", "destination = \"/topic/broadcast\""];

async fn pushd() -> Pushd {
    Pushd::start(["--user", "alice:secret", "--user", "bob:secret"]).await
}

fn sockjs_settings(endpoint: &str, pushd: &Pushd) -> String {
    let settings = settings(endpoint, "alice", &SUBSCRIPTIONS, &api(&pushd.api_base()));
    with_server(&settings, "protocol = \"sockjs\"")
}

async fn send(pushd: &Pushd, sender: &str, prefix: &str, count: usize) {
    for id in numbered(prefix, count) {
        let message = json!({"id": id, "title": "审批", "content": "text \\ \"\n", "type": 1, "receiver": ["alice"]});
        pushd.call(sender, "sendMessage", &message).await;
    }
}

#[tokio::test]
async fn personal_and_broadcast_messages_arrive_once_also_after_a_break() {
    let pushd = pushd().await;
    let proxy = FaultProxy::start(pushd.http().trim_start_matches("http://")).await;
    let endpoint = format!("http://{}/sockjs", proxy.address());
    let alice = Person::new(&sockjs_settings(&endpoint, &pushd), &pushd.login("alice", "secret").await);
    let bob = pushd.login("bob", "secret").await;
    let mut running = alice.run_live().await;
    send(&pushd, &bob, "live", 3).await;
    assert_eq!(ids(&running.events_of("notice", 3).await), numbered("live", 3));
    let everybody = json!({"id": "all", "title": "all", "content": "text", "type": 1});
    pushd.call(&bob, "sendMessage", &everybody).await;
    assert_eq!(text(&running.event_of("notice").await, "id"), "all");

    proxy.cut().await;
    send(&pushd, &bob, "missed", 3).await;
    assert_eq!(ids(&running.events_of("notice", 3).await), numbered("missed", 3));
    assert_no_second_popup(&running.all_of("notification"));
    assert_eq!(running.terminate().await.code(), Some(0), "DISCONNECT is confirmed in frames, too");
    assert_eq!(alice.inbox().await[0]["title"], "审批");
}

#[tokio::test]
async fn the_doctor_a_sent_message_and_a_refused_sign_in_work_in_frames() {
    let pushd = pushd().await;
    let settings = sockjs_settings(pushd.sockjs(), &pushd);
    let alice = Person::new(&settings, &pushd.login("alice", "secret").await);
    let ended = alice.ctl(&["doctor", "--json"]).await;
    let findings = ended.json();
    let steps: Vec<&Value> = findings.as_array().unwrap().iter().collect();
    for step in ["websocket", "stomp", "subscribe"] {
        let found = steps.iter().find(|finding| finding["step"] == step).unwrap();
        assert_eq!(text(found, "verdict"), "ok", "{found}");
    }
    let sent = alice.ctl(&["send", "--destination", "/queue/other", "--json", "text"]).await;
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert_eq!(sent.json()["confirmed"], true);
    let wrong = Person::new(&settings, "not-a-token").ctl(&["send", "--destination", "/queue/other", "text"]).await;
    assert_eq!(wrong.code, Some(3), "{wrong:?}");
}

#[tokio::test]
async fn the_unframed_address_below_the_endpoint_speaks_plain_stomp() {
    let pushd = pushd().await;
    let endpoint = format!("{}/websocket", pushd.sockjs());
    let settings = settings(&endpoint, "alice", &SUBSCRIPTIONS, &api(&pushd.api_base()));
    let alice = Person::new(&settings, &pushd.login("alice", "secret").await);
    let bob = pushd.login("bob", "secret").await;
    let mut running = alice.run_live().await;
    send(&pushd, &bob, "m", 2).await;
    assert_eq!(ids(&running.events_of("notice", 2).await), numbered("m", 2));
}

#[tokio::test]
async fn a_close_frame_counts_as_a_close_and_a_server_without_sockjs_is_a_wrong_protocol() {
    let broker = FakeBroker::start(|number, mut wire: Wire| async move {
        if number == 0 {
            wire.send_raw("o").await;
            wire.send_raw(r#"c[1012,"restarting"]"#).await;
        } else {
            wire.send_raw("welcome to another protocol").await;
        }
        wire.close(1000, "").await;
    })
    .await;
    let settings = with_server(&settings(&broker.url(), "alice", &[], ""), "protocol = \"sockjs\"");
    let alice = Person::new(&settings, "token");
    let mut running = alice.run().await;
    let asked = running.state("action-needed").await;
    assert!(text(&asked, "reason").contains("no SockJS"), "{asked}");
    assert!(text(&asked, "remedy").contains("server.protocol"), "{asked}");
    let before = running.all_of("status");
    assert!(before.iter().any(|status| text(status, "reason").contains("1012 restarting")), "{before:?}");
}
