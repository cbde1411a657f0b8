//! Servers as they are in the field (`docs/reference/servers.md`), each habit played by a scripted
//! server: what the client says of itself, restarts, sign-in refusals in other words, messages
//! without a subscription.

use harness::api::{Answer, CLIENTS, COLLECT, HISTORY, SEND};
use harness::http::Response;
use harness::program::run_to_end;
use harness::{FakeApi, FakeBroker, Home, Running};
use serde_json::{Value, json};
use stomp::Command;
use tokio::sync::mpsc::unbounded_channel;

use crate::fixtures::{Person, api, ids, settings, text, with_password};

const QUEUE: &str = "destination = \"/queue/test\"\nscope = \"work\"";

/// A broker that accepts everybody and sends nothing.
async fn quiet_broker() -> FakeBroker {
    FakeBroker::start(|_, mut wire| async move {
        wire.welcome().await;
        wire.serve().await;
    })
    .await
}

fn with_device_name(settings: &str, name: &str) -> String {
    settings.replacen("[auth]\n", &format!("[auth]\ndevice = \"{name}\"\n"), 1)
}

#[tokio::test]
async fn connect_the_handshake_and_every_call_carry_the_device_id_and_the_device_name() {
    let (sender, mut connects) = unbounded_channel();
    let broker = FakeBroker::start(move |_, mut wire| {
        let sender = sender.clone();
        async move {
            sender.send(wire.welcome().await).unwrap();
            wire.serve().await;
        }
    })
    .await;
    let service = FakeApi::start().await;
    let plain = settings(&broker.url(), "alice", &[QUEUE], &api(&service.url()));
    let alice = Person::new(&with_device_name(&plain, "前台 1"), "token");
    let _running = alice.run_live().await;
    let connect = connects.recv().await.unwrap();
    assert_eq!(connect.header("device-name").as_deref(), Some("前台 1"));
    let device = connect.header("device").unwrap().into_owned();
    for call in [COLLECT, HISTORY] {
        service.wait_for_requests(call, 1).await;
        let request = service.requests(call).remove(0);
        assert_eq!(request.header("x-device"), Some(device.as_str()), "{request:?}");
        assert_eq!(request.header("x-device-name"), Some("前台 1"), "{request:?}");
        assert_eq!((&request.body["device"], &request.body["deviceName"]), (&json!(device), &json!("前台 1")));
    }
}

#[tokio::test]
async fn without_a_name_in_the_settings_the_device_has_the_name_of_the_host() {
    let (broker, service) = (quiet_broker().await, FakeApi::start().await);
    let alice = Person::new(&settings(&broker.url(), "alice", &[QUEUE], &api(&service.url())), "token");
    assert_eq!(alice.ctl(&["clients", "list"]).await.code, Some(0));
    let named = text(&service.requests(CLIENTS)[0].body, "deviceName");
    assert_eq!(named, host::machine::host_name());
}

#[tokio::test]
async fn a_message_to_oneself_is_addressed_by_the_user_id_and_a_type_that_is_a_number_is_sent_as_one() {
    let (broker, service) = (quiet_broker().await, FakeApi::start().await);
    let rows = json!([{"loginName": "bob", "userId": 1}, {"loginName": "alice", "userId": 1001}]);
    service.next(CLIENTS, Answer::Instead(Response::json(200, &json!({"code": 0, "data": rows}))));
    let alice = Person::new(&settings(&broker.url(), "alice", &[QUEUE], &api(&service.url())), "token");
    for kind in ["3", "approval"] {
        let send = ["send", "--title", "t", "--type", kind, "--to", "alice", "--to", "carol", "hello"];
        let ended = alice.ctl(&send).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let sent = service.requests(SEND);
    assert_eq!(sent[0].body["receiver"], json!([1001, "carol"]));
    assert_eq!(sent[0].body["type"], json!(3));
    assert_eq!(sent[1].body["receiver"], json!(["alice", "carol"]), "no client with this login is signed in");
    assert_eq!(sent[1].body["type"], json!("approval"));
}

#[tokio::test]
async fn the_own_user_id_is_learned_from_the_answer_to_the_sign_in() {
    let (broker, service) = (quiet_broker().await, FakeApi::start().await);
    let answer = json!({"code": 0, "data": {"token": "issued", "userId": 1001}});
    service.next("login", Answer::Instead(Response::json(200, &answer)));
    let plain = settings(&broker.url(), "alice", &[QUEUE], &api(&service.url()));
    let home = Home::new(&with_password(&plain, &format!("{}/login", service.url())));
    let mut command = home.ctl(["send", "--title", "t", "--type", "1", "--to", "alice", "hello"]).await;
    command.env("BELFRY_PASSWORD", "open sesame");
    let ended = run_to_end(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(service.requests(SEND)[0].body["receiver"], json!([1001]));
    assert!(service.requests(CLIENTS).is_empty(), "it is known already");
}

#[tokio::test]
async fn a_server_that_restarts_is_retried_however_soon_after_subscribe_it_closes() {
    let (sender, mut restarted) = unbounded_channel();
    let broker = FakeBroker::start(move |number, mut wire| {
        let sender = sender.clone();
        async move {
            wire.welcome().await;
            wire.serve_until(Command::Subscribe).await;
            match [1001, 1011, 1012, 1013].get(number) {
                Some(code) => wire.close(*code, "restart").await,
                None => {
                    sender.send(()).unwrap();
                    wire.serve().await;
                }
            }
        }
    })
    .await;
    let alice = Person::new(&settings(&broker.url(), "alice", &[QUEUE], ""), "token");
    let mut running = alice.run().await;
    restarted.recv().await.unwrap();
    running.terminate().await;
    let states = running.all_of("status");
    assert!(states.iter().all(|status| status["state"] != "action-needed"), "{states:?}");
    assert!(states.iter().any(|status| text(status, "reason").contains("1012 restart")), "{states:?}");
}

#[tokio::test]
async fn a_refused_sign_in_is_recognised_in_whatever_words_and_the_words_are_shown() {
    for words in [
        "Failed to send message to ExecutorSubscribableChannel[clientInboundChannel]",
        "CONNECTION ERROR",
        "登录已过期",
    ] {
        let broker = FakeBroker::start(move |_, mut wire| async move {
            wire.expect(Command::Connect).await;
            wire.send(Command::Error, &[("message", words)], words.as_bytes()).await;
            wire.close(1002, "").await;
        })
        .await;
        let alice = Person::new(&settings(&broker.url(), "alice", &[QUEUE], ""), "token");
        let mut running = alice.run().await;
        let state = running.state("action-needed").await;
        let reason = text(&state, "reason");
        assert!(reason.contains("refused the sign-in") && reason.matches(words).count() == 1, "{state}");
        assert!(text(&state, "remedy").contains("sign in"), "{state}");
        let ended = alice.ctl(&["send", "--destination", "/queue/test", "hello"]).await;
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
}

#[tokio::test]
async fn an_outage_behind_the_server_is_retried_though_it_comes_as_an_error_before_connected() {
    let broker = FakeBroker::start(|number, mut wire| async move {
        match ["Broker not available.", "Connection to broker closed."].get(number) {
            Some(words) => {
                wire.expect(Command::Connect).await;
                wire.send(Command::Error, &[("message", words)], b"").await;
            }
            None => {
                wire.welcome().await;
                wire.serve().await;
            }
        }
    })
    .await;
    let alice = Person::new(&settings(&broker.url(), "alice", &[QUEUE], ""), "token");
    let mut running = alice.run_live().await;
    running.terminate().await;
    let states = running.all_of("status");
    assert!(states.iter().all(|status| status["state"] != "action-needed"), "{states:?}");
}

#[tokio::test]
async fn a_token_that_is_issued_again_is_tried_even_if_it_reads_the_same() {
    let (broker, service) = (quiet_broker().await, FakeApi::start().await);
    service.record([json!({"id": "missed", "title": "missed"})]);
    service.next(COLLECT, Answer::Instead(Response::json(401, &Value::Null)));
    for _ in 0..2 {
        service.next("login", Answer::Instead(Response::json(200, &json!({"token": "the same"}))));
    }
    let plain = settings(&broker.url(), "alice", &[QUEUE], &api(&service.url()));
    let home = Home::new(&with_password(&plain, &format!("{}/login", service.url())));
    let mut command = home.ctl(["run", "--json"]).await;
    command.env("BELFRY_PASSWORD", "open sesame");
    let mut running = Running::spawn(command);
    assert_eq!(text(&running.event_of("notice").await, "id"), "missed");
    running.terminate().await;
    let states = running.all_of("status");
    assert!(states.iter().all(|status| status["state"] != "action-needed"), "{states:?}");
    assert_eq!(service.requests("login").len(), 2);
}

#[tokio::test]
async fn a_wrong_login_url_and_a_refused_call_name_their_setting_and_keep_the_servers_words() {
    let (broker, service) = (quiet_broker().await, FakeApi::start().await);
    let plain = settings(&broker.url(), "alice", &[QUEUE], &api(&service.url()));
    service.next("login", Answer::Instead(Response::json(404, &Value::Null)));
    let home = Home::new(&with_password(&plain, &format!("{}/login", service.url())));
    let mut command = home.ctl(["clients", "list"]).await;
    command.env("BELFRY_PASSWORD", "open sesame");
    let ended = run_to_end(command).await;
    assert!(ended.stderr.contains("auth.login_url") && ended.stderr.contains("404"), "{ended:?}");
    assert!(!ended.stderr.contains("server.endpoints"), "{ended:?}");

    let refusal = json!({"code": 400, "msg": "receiver 7 is not known here"});
    service.next(SEND, Answer::Instead(Response::json(400, &refusal)));
    let alice = Person::new(&plain, "token");
    let ended = alice.ctl(&["send", "--title", "t", "--type", "1", "--to", "7", "hello"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("receiver 7 is not known here") && ended.stderr.contains("api.send"), "{ended:?}");
    assert!(!ended.stderr.contains("server.endpoints"), "{ended:?}");
}

#[tokio::test]
async fn a_message_without_a_known_subscription_arrives_is_acknowledged_and_ends_nothing() {
    let (sender, mut acks) = unbounded_channel();
    let broker = FakeBroker::start(move |_, mut wire| {
        let sender = sender.clone();
        async move {
            wire.welcome().await;
            wire.serve_until(Command::Subscribe).await;
            for (id, more) in [
                ("unknown", &[("subscription", "other"), ("destination", "/queue/test")][..]),
                ("unnamed", &[("destination", "/queue/test")]),
                ("elsewhere", &[("subscription", "other"), ("destination", "/queue/elsewhere")]),
            ] {
                let headers = [more, &[("message-id", id), ("ack", id)]].concat();
                let body = json!({"id": id, "title": id}).to_string();
                wire.send(Command::Message, &headers, body.as_bytes()).await;
            }
            for _ in 0..3 {
                let ack = wire.serve_until(Command::Ack).await;
                sender.send(ack.header("id").unwrap().into_owned()).unwrap();
            }
            wire.serve().await;
        }
    })
    .await;
    let alice = Person::new(&settings(&broker.url(), "alice", &[QUEUE], ""), "token");
    let mut running = alice.run_live().await;
    let notices = running.events_of("notice", 3).await;
    assert_eq!(ids(&notices), ["elsewhere", "unknown", "unnamed"]);
    let mut acknowledged = Vec::new();
    for _ in 0..3 {
        acknowledged.push(acks.recv().await.unwrap());
    }
    acknowledged.sort();
    assert_eq!(acknowledged, ["elsewhere", "unknown", "unnamed"]);
    assert_eq!(broker.connections(), 1);
}

#[tokio::test]
async fn a_history_whose_times_are_hours_behind_is_read_to_the_last_missed_row() {
    let (broker, service) = (quiet_broker().await, FakeApi::start().await);
    let sent_at = |n: usize| format!("2026-01-01T00:{:02}:00Z", n % 60);
    let row = |n: usize| json!({"id": format!("m-{n}"), "title": "t", "sendTime": sent_at(n)});
    service.record((1..=5).map(row));
    // Only the history has what this server has marked as delivered.
    service.set(harness::api::Habits { marks_on_serving: true, page_cap: Some(0), ..Default::default() });
    let more = format!("{}page = 5\n[inbox]\nretention_days = 36500\n", api(&service.url()));
    let alice = Person::new(&settings(&broker.url(), "alice", &[QUEUE], &more), "token");
    alice.run_live().await.terminate().await;
    service.record((6..=30).map(row));
    let mut running = alice.run_live().await;
    let found = running.events_of("notice", 25).await;
    assert!(ids(&found).contains(&"m-6".to_owned()), "{found:?}");
}

#[tokio::test]
async fn a_token_with_a_line_break_is_refused_before_anything_is_sent() {
    let broker = quiet_broker().await;
    let alice = Person::new(&settings(&broker.url(), "alice", &[QUEUE], ""), "to\nken");
    let ended = alice.ctl(&["send", "--destination", "/queue/test", "hello"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("line break") && !ended.stderr.contains("the server refused"), "{ended:?}");
    assert_eq!(broker.connections(), 0);
}

#[tokio::test]
async fn a_command_that_needs_the_api_names_the_missing_setting() {
    let alice = Person::new(&settings("ws://127.0.0.1:1/ws", "alice", &[QUEUE], ""), "token");
    for command in [&["clients", "list"][..], &["messages", "list"]] {
        let ended = alice.ctl(command).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("api.base"), "{ended:?}");
    }
}

#[tokio::test]
async fn a_sign_in_in_the_browser_without_an_issuer_is_an_error_of_the_settings() {
    let plain = settings("ws://127.0.0.1:1/ws", "alice", &[QUEUE], "");
    let alice = Person::new(&plain.replacen("[auth]\n", "[auth]\nmode = \"oidc\"\n", 1), "token");
    let ended = alice.ctl(&["run"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("auth.oidc.issuer is missing"), "{ended:?}");
}
