//! `server.protocol = "websocket"`: a message service that sends JSON in text frames and checks the
//! token at the handshake, or just after it.

use harness::program::run_to_end;
use harness::proxy::Faults;
use harness::{FakeBroker, FaultProxy, Pushd, Running, Wire};
use serde_json::json;

use crate::fixtures::{Person, api, assert_no_second_popup, ids, numbered, raw_settings, text};

async fn pushd(more: &[&str]) -> Pushd {
    Pushd::start(["--user", "alice:secret", "--user", "bob:secret"].iter().chain(more)).await
}

/// A user of the raw WebSocket, with or without the HTTP API.
async fn person(pushd: &Pushd, more: &str) -> Person {
    Person::new(&raw_settings(pushd.websocket(), "alice", more), &pushd.login("alice", "secret").await)
}

async fn send(pushd: &Pushd, sender: &str, prefix: &str, numbers: std::ops::RangeInclusive<usize>) {
    for n in numbers {
        let id = format!("{prefix}-{n}");
        let message = json!({"id": id, "title": id, "content": "text", "type": 1, "receiver": ["alice"]});
        pushd.call(sender, "sendMessage", &message).await;
    }
}

/// Starts `belfryctl run` with everything logged that Belfry can log.
async fn run_logging(person: &Person) -> Running {
    let mut command = person.home.ctl(["run", "--json"]).await;
    command.env("BELFRY_TOKEN", &person.token).env("BELFRY_LOG", "trace");
    Running::spawn(command)
}

/// Everything that this person's Belfry has said and written, but for messages.
async fn all_words(running: &mut Running, person: &Person) -> String {
    let status = person.ctl(&["status", "--json"]).await;
    let doctor = person.ctl(&["doctor", "--json"]).await;
    let files = std::process::Command::new("grep").args(["-r", "-a", ""]).arg(person.home.data_dir()).output().unwrap();
    let files = String::from_utf8_lossy(&files.stdout).into_owned();
    let ended = [status, doctor].map(|ended| ended.stdout + &ended.stderr).concat();
    [running.stdout(), running.stderr(), ended, files].concat()
}

#[tokio::test]
async fn what_was_not_delivered_is_sent_again_at_each_connect_and_arrives_once() {
    let pushd = pushd(&[]).await;
    let proxy = FaultProxy::start(pushd.http().trim_start_matches("http://")).await;
    let endpoint = format!("ws://{}/websocket/{{token}}", proxy.address());
    let alice = Person::new(&raw_settings(&endpoint, "alice", ""), &pushd.login("alice", "secret").await);
    let bob = pushd.login("bob", "secret").await;
    send(&pushd, &bob, "before", 1..=3).await;
    let mut running = alice.run_live().await;
    assert_eq!(ids(&running.events_of("notice", 3).await), numbered("before", 3));
    send(&pushd, &bob, "live", 1..=3).await;
    assert_eq!(ids(&running.events_of("notice", 3).await), numbered("live", 3));

    proxy.set(Faults { refuse: true, ..Faults::default() }).await;
    proxy.cut().await;
    // What is written to a connection that is gone counts as delivered until the server sees its end.
    while !pushd.call(&bob, "getWebSocketClients", &json!({})).await.as_array().unwrap().is_empty() {}
    send(&pushd, &bob, "missed", 1..=3).await;
    proxy.heal().await;
    assert_eq!(ids(&running.events_of("notice", 3).await), numbered("missed", 3));
    assert_eq!(running.terminate().await.code(), Some(0));

    send(&pushd, &bob, "away", 1..=3).await;
    let mut running = alice.run().await;
    assert_eq!(ids(&running.events_of("notice", 3).await), numbered("away", 3));
    assert_eq!(running.terminate().await.code(), Some(0));
    assert_eq!(alice.inbox().await.len(), 12);
}

#[tokio::test]
async fn a_connection_that_breaks_again_and_again_loses_nothing_and_doubles_nothing() {
    let pushd = pushd(&[]).await;
    let proxy = FaultProxy::start(pushd.http().trim_start_matches("http://")).await;
    let endpoint = format!("ws://{}/websocket/{{token}}", proxy.address());
    let settings = raw_settings(&endpoint, "alice", &api(&pushd.api_base()));
    let alice = Person::new(&settings, &pushd.login("alice", "secret").await);
    let bob = pushd.login("bob", "secret").await;
    let mut running = alice.run_live().await;
    for round in 0..4 {
        send(&pushd, &bob, "m", round * 10 + 1..=round * 10 + 7).await;
        proxy.cut().await;
        send(&pushd, &bob, "m", round * 10 + 8..=round * 10 + 10).await;
        running.state("live").await;
    }
    assert_eq!(ids(&running.events_of("notice", 40).await), numbered("m", 40));
    assert_no_second_popup(&running.all_of("notification"));
    assert_eq!(running.terminate().await.code(), Some(0));
    assert_eq!(alice.inbox_ids().await, numbered("m", 40));
}

#[tokio::test]
async fn the_server_knows_the_device_by_id_and_name() {
    let pushd = pushd(&[]).await;
    let settings = raw_settings(pushd.websocket(), "alice", &api(&pushd.api_base()));
    let settings = settings.replacen("[auth]\n", "[auth]\ndevice = \"Front desk\"\n", 1);
    let alice = Person::new(&settings, &pushd.login("alice", "secret").await);
    let mut running = alice.run_live().await;
    let listed = alice.ctl(&["clients", "list", "--json"]).await.json();
    let row = &listed.as_array().unwrap()[0];
    assert_eq!((text(row, "loginName"), text(row, "device")), ("alice".to_owned(), "Front desk".to_owned()));
    let device = std::fs::read_to_string(alice.home.data_dir().join("device")).unwrap();
    assert_eq!(device.split_whitespace().next(), Some(text(row, "deviceId").as_str()));
    assert_eq!(running.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn a_token_that_runs_out_asks_for_a_sign_in_and_is_never_repeated() {
    let pushd = pushd(&["--token-lifetime", "3s"]).await;
    let alice = person(&pushd, "").await;
    let mut running = run_logging(&alice).await;
    let asked = running.state("action-needed").await;
    assert_eq!(text(&asked, "remedy"), "sign in again");
    assert!(text(&asked, "endpoint").ends_with("/websocket/{token}"), "{asked}");
    let words = all_words(&mut running, &alice).await;
    assert!(!words.contains(&alice.token), "{words}");
    assert_eq!(running.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn a_server_that_closes_at_once_three_times_asks_for_a_sign_in_without_repeating_the_token() {
    let broker = FakeBroker::start(|_, mut wire: Wire| async move {
        wire.close(4401, "no such path: /websocket/fXq%2F27-the-secret-of-alice?device=").await;
    })
    .await;
    let endpoint = format!("ws://{}/websocket/{{token}}", broker.address());
    let alice = Person::new(&raw_settings(&endpoint, "alice", ""), "fXq/27-the-secret-of-alice");
    let mut running = run_logging(&alice).await;
    let asked = running.state("action-needed").await;
    assert_eq!(broker.connections(), 3);
    assert_eq!(text(&asked, "remedy"), "sign in again");
    assert!(text(&asked, "reason").contains("4401 no such path: /websocket/[redacted]"), "{asked}");
    let words = all_words(&mut running, &alice).await;
    assert!(!words.contains("the-secret-of"), "{words}");
    assert_eq!(running.terminate().await.code(), Some(0));
    assert_eq!(broker.connections(), 3, "it is not tried again by itself, nor by the doctor");
}

#[tokio::test]
async fn a_server_that_restarts_five_times_is_only_opened_again() {
    let codes = [1001, 1011, 1012, 1013, 1001];
    let broker = FakeBroker::start(move |number, mut wire: Wire| async move {
        match codes.get(number) {
            Some(code) => wire.close(*code, "restarting").await,
            None => {
                wire.send_raw(r#"{"id":"1","title":"back"}"#).await;
                wire.serve().await;
            }
        }
    })
    .await;
    let alice = Person::new(&raw_settings(&broker.url(), "alice", ""), "token");
    let mut running = alice.run().await;
    assert_eq!(text(&running.event_of("notice").await, "id"), "1");
    assert!(running.all_of("status").iter().all(|status| status["state"] != "action-needed"));
}

#[tokio::test]
async fn greetings_and_heart_beats_are_no_notices_and_what_is_too_large_is_kept_as_rejected() {
    let broker = FakeBroker::start(|_, mut wire: Wire| async move {
        for text in ["connected: alice", "ping", "pong", "", " ", r#""ping""#, r#"{"type":"pong"}"#, "[]", "not {json"]
        {
            wire.send_raw(text).await;
        }
        wire.send_raw(format!(r#"{{"id":"large","title":"{}"}}"#, "x".repeat(100_000))).await;
        wire.send_raw(&b"{\"id\":\"broken\",\"title\":\"\xff\"}"[..]).await;
        wire.send_raw(r#"[{"id":"a","title":"one"},{"id":"b","title":"two"}]"#).await;
        wire.send_raw(r#"{"id":"a","title":"one"}"#).await;
        wire.send_raw(r#"{"id":"c","title":"last"}"#).await;
        wire.serve().await;
    })
    .await;
    let settings =
        raw_settings(&broker.url(), "alice", "").replacen("[server]\n", "[server]\nmax_message = \"64KiB\"\n", 1);
    let alice = Person::new(&settings, "token");
    let mut running = alice.run().await;
    running.event("the last notice", |event| event["event"] == "notice" && event["id"] == "c").await;
    assert_eq!(ids(&running.all_of("notice")), ["a", "b", "c"]);
    let rejected = running.all_of("rejected");
    let reasons: Vec<String> = rejected.iter().map(|event| text(event, "reason")).collect();
    assert_eq!(reasons, ["too-large", "not-utf8"], "{rejected:?}");
    assert_eq!(text(&rejected[0], "destination"), "/ws");
    assert_eq!(running.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn the_doctor_and_a_sign_in_take_no_message_and_name_a_wrong_token() {
    let pushd = pushd(&[]).await;
    let bob = pushd.login("bob", "secret").await;
    let alice = person(&pushd, "").await;
    send(&pushd, &bob, "m", 1..=2).await;
    let ended = alice.ctl(&["doctor", "--json"]).await;
    let steps = ended.json();
    let verdict = |step: &str| {
        let found = steps.as_array().unwrap().iter().find(|finding| finding["step"] == step).unwrap();
        text(found, "verdict")
    };
    assert_eq!(["websocket", "stomp", "subscribe"].map(verdict), ["ok", "skipped", "skipped"], "{steps}");

    for more in [String::new(), api(&pushd.api_base())] {
        let wrong = Person::new(&raw_settings(pushd.websocket(), "alice", &more), "not-a-token-of-anyone");
        let ended = wrong.ctl(&["sign-in"]).await;
        assert_eq!(ended.code, Some(3), "{more}{ended:?}");
        assert!(!ended.stderr.contains("not-a-token-of"), "{ended:?}");
        // Without a keychain the right one is checked and then cannot be kept.
        alice.write_settings(&raw_settings(pushd.websocket(), "alice", &more));
        let ended = alice.ctl(&["sign-in"]).await;
        assert_eq!(ended.code, Some(1), "{more}{ended:?}");
        assert!(ended.stderr.contains("keychain"), "{ended:?}");
    }
    alice.write_settings(&raw_settings(pushd.websocket(), "alice", ""));
    let mut running = alice.run().await;
    assert_eq!(ids(&running.events_of("notice", 2).await), numbered("m", 2));
}

#[tokio::test]
async fn a_message_to_a_destination_is_refused_with_the_command_that_works() {
    let pushd = pushd(&[]).await;
    let alice = person(&pushd, &api(&pushd.api_base())).await;
    let ended = alice.ctl(&["send", "--destination", "/topic/a", "text"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("send --title"), "{ended:?}");
    let mut command = alice.home.ctl(["send", "--title", "t", "--type", "1", "--to", "alice", "text"]).await;
    command.env("BELFRY_TOKEN", &alice.token);
    assert_eq!(run_to_end(command).await.code, Some(0));
    let mut running = alice.run().await;
    assert_eq!(text(&running.event_of("notice").await, "title"), "t");
}
