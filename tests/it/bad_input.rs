//! Common errors: each gives a clear event or message with what to do, and the exit code of
//! `docs/reference/commands.md`; everything else still works.

use std::fs;
use std::net::TcpListener;

use harness::{Amqp, FakeBroker, Pushd, RabbitMq};
use serde_json::json;
use stomp::Command;

use crate::fixtures::{Person, api, pushd_settings, settings, text};

const QUEUE: &str = "destination = \"/user/queue/notices\"";

/// An address where nothing listens.
fn unused_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

async fn pushd() -> Pushd {
    Pushd::start(["--user", "alice:secret"]).await
}

#[tokio::test]
async fn a_wrong_token_is_a_state_with_a_remedy_and_exit_code_3_for_one_shot_commands() {
    let pushd = pushd().await;
    let alice = Person::new(&pushd_settings(&pushd, "alice"), "not-a-token");
    let mut running = alice.run().await;
    let state = running.state("action-needed").await;
    assert!(text(&state, "reason").contains("refused"), "{state}");
    assert!(text(&state, "remedy").contains("sign in"), "{state}");
    assert!(!running.stdout().contains("not-a-token") && !running.stderr().contains("not-a-token"));
    assert_eq!(alice.ctl(&["clients", "list"]).await.code, Some(3));
    assert_eq!(alice.ctl(&["status"]).await.code, Some(3), "it is the status of the running engine");
}

#[tokio::test]
async fn without_any_credential_run_ends_at_once_with_3() {
    let pushd = pushd().await;
    let alice = Person::new(&pushd_settings(&pushd, "alice"), "");
    let ended = alice.ctl(&["run", "--json"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("alice@") && ended.stderr.contains("--token-file"), "{ended:?}");
}

#[tokio::test]
async fn an_unreachable_server_is_an_event_with_the_next_attempt_and_exit_code_4() {
    let address = unused_address();
    let api = api(&format!("http://{address}/ecgapi"));
    let alice = Person::without_tls(&settings(&format!("ws://{address}/ws"), "alice", &[QUEUE], &api), "token");
    let mut running = alice.run().await;
    let state = running.event("the next attempt", |event| event["retry_in_ms"].is_u64()).await;
    assert!(text(&state, "reason").contains("cannot be reached"), "{state}");
    assert!(text(&state, "endpoint").contains(&address), "{state}");
    assert_eq!(alice.ctl(&["clients", "list"]).await.code, Some(4));
}

#[tokio::test]
async fn a_wrong_path_has_another_reason_than_an_unreachable_server() {
    let pushd = pushd().await;
    let endpoint = pushd.stomp().replace("/ws", "/nowhere");
    let token = pushd.login("alice", "secret").await;
    let alice = Person::new(&settings(&endpoint, "alice", &[QUEUE], ""), &token);
    let mut running = alice.run().await;
    let state = running.state("action-needed").await;
    assert!(text(&state, "reason").contains("404"), "{state}");
    assert!(text(&state, "remedy").contains("server.endpoints"), "{state}");
}

#[tokio::test]
async fn a_typo_in_a_key_is_a_warning_that_names_the_most_similar_key() {
    let pushd = pushd().await;
    let alice = Person::of(&pushd, "alice").await;
    alice.write_settings(&format!("{}\n[inbox]\nretention_day = 30\n", pushd_settings(&pushd, "alice")));
    let mut running = alice.run_live().await;
    running.terminate().await;
    let log = running.stderr();
    assert!(log.contains("retention_day") && log.contains("inbox.retention_days"), "{log}");
}

#[tokio::test]
async fn the_error_of_an_invalid_value_names_file_line_key_and_accepted_values_and_nothing_is_written() {
    let alice = Person::new("[server]\nendpoints = [\"ws://127.0.0.1:1/ws\"]\npoll_every = \"five\"\n", "token");
    let ended = alice.ctl(&["run"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let file = alice.home.settings_file().display().to_string();
    for part in [file.as_str(), "3", "server.poll_every", "five", "10s"] {
        assert!(ended.stderr.contains(part), "{part} is not in {}", ended.stderr);
    }
    assert!(!alice.home.data_dir().exists());
}

#[tokio::test]
async fn a_second_instance_ends_with_5_and_the_first_is_not_affected() {
    let pushd = pushd().await;
    let alice = Person::of(&pushd, "alice").await;
    let mut running = alice.run_live().await;
    let second = alice.ctl(&["run"]).await;
    assert_eq!(second.code, Some(5), "{second:?}");
    pushd
        .call(
            &alice.token,
            "sendMessage",
            &json!({"title": "still here", "content": "", "type": "1", "receiver": ["alice"]}),
        )
        .await;
    running.event_of("notice").await;
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_ends_with_6() {
    let pushd = pushd().await;
    let alice = Person::of(&pushd, "alice").await;
    // A file in place of the folder cannot be used by any user, not even by root.
    fs::write(alice.home.data_dir(), "").unwrap();
    let ended = alice.ctl(&["run"]).await;
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stderr.contains(&alice.home.data_dir().display().to_string()), "{ended:?}");
}

#[tokio::test]
async fn without_a_network_the_inbox_can_be_read_and_the_state_is_reported() {
    let pushd = pushd().await;
    let alice = Person::of(&pushd, "alice").await;
    let mut running = alice.run_live().await;
    pushd
        .call(&alice.token, "sendMessage", &json!({"title": "kept", "content": "", "type": "1", "receiver": ["alice"]}))
        .await;
    running.event_of("notice").await;
    running.terminate().await;
    drop(pushd);

    assert_eq!(alice.inbox().await[0]["title"], "kept");
    let mut running = alice.run().await;
    let state = running.event("the next attempt", |event| event["retry_in_ms"].is_u64()).await;
    assert!(state["since"].is_string(), "{state}");
    assert_eq!(alice.inbox().await[0]["title"], "kept");
}

#[tokio::test]
async fn unusual_and_unusable_messages_on_rabbitmq_are_shown_or_rejected_and_all_acknowledged() {
    let Some(rabbit) = RabbitMq::shared().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_queue("odd").await;
    let alice = Person::new(&settings(&rabbit.ws_url(), "guest", &["destination = \"/amq/queue/odd\""], ""), "guest");
    let mut running = alice.run_live().await;

    amqp.publish("", "odd", "server room: 41 °C\nsecond line").await;
    let title =
        |title: &'static str| move |event: &serde_json::Value| event["event"] == "notice" && event["title"] == title;
    running.event("plain text", title("server room: 41 °C")).await;
    amqp.publish("", "odd", json!({"id": "s", "content": "{\"title\":\"inside\",\"type\":7}"}).to_string()).await;
    assert_eq!(running.event("JSON in a string", title("inside")).await["kind"], "7");
    amqp.publish("", "odd", r#"[{"id":"a1","title":"one"},{"id":"a2","title":"two"}]"#).await;
    running.event("an array's first", title("one")).await;
    running.event("an array's second", title("two")).await;

    amqp.publish("", "odd", vec![b'x'; 5_000_000]).await;
    assert_eq!(running.event_of("rejected").await["reason"], "too-large");
    amqp.publish("", "odd", b"\xff\xfe{\"id\":\"u\"}").await;
    assert_eq!(running.event_of("rejected").await["reason"], "not-utf8");

    amqp.publish("", "odd", r#"{"id":"good","title":"good"}"#).await;
    running.event("a good message after the others", title("good")).await;
    running.terminate().await;
    let counts = rabbit.queue_counts("odd").await.unwrap();
    assert_eq!((counts.ready, counts.unacknowledged), (0, 0));
    assert_eq!(alice.inbox().await.len(), 5);
}

#[tokio::test]
async fn seventeen_mebibytes_and_ten_thousand_headers_cost_no_session_and_little_memory() {
    let broker = FakeBroker::start(|_, mut wire| async move {
        wire.welcome().await;
        let subscribe = wire.serve_until(Command::Subscribe).await;
        let id = subscribe.header("id").unwrap().into_owned();
        wire.message(&id, "big", vec![b'x'; 17 << 20]).await;
        assert_eq!(wire.serve_until(Command::Ack).await.header("id").as_deref(), Some("big"));

        let many: Vec<(String, String)> = (0..10_000).map(|n| (format!("x-{n}"), "y".repeat(20))).collect();
        let mut headers =
            vec![("subscription", id.as_str()), ("message-id", "many"), ("ack", "many"), ("destination", "/q")];
        headers.extend(many.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        wire.send(Command::Message, &headers, b"{}").await;
        assert_eq!(wire.serve_until(Command::Ack).await.header("id").as_deref(), Some("many"));

        wire.message(&id, "good", r#"{"id":"good","title":"good"}"#).await;
        wire.serve().await;
    })
    .await;
    let alice = Person::new(&settings(&broker.url(), "alice", &[QUEUE], ""), "token");
    let mut running = alice.run().await;
    assert_eq!(running.event_of("rejected").await["reason"], "too-large");
    assert_eq!(running.event_of("rejected").await["reason"], "too-large");
    assert_eq!(running.event_of("notice").await["id"], "good");
    assert_eq!(broker.connections(), 1);

    let status = fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 100 * 1024, "{kib} KiB at the peak");
}
