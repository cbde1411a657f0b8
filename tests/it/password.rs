//! Sign-in with a password: the token issued for it, tokens that expire, and what the user must be
//! asked for.

use std::collections::BTreeSet;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use harness::api::{Answer, COLLECT};
use harness::http::Response;
use harness::program::{Ended, run_to_end};
use harness::proxy::Faults;
use harness::{FakeApi, FakeBroker, FaultProxy, Home, Pushd, Running};
use serde_json::{Value, json};
use stomp::Command;
use tokio::sync::mpsc::unbounded_channel;

use crate::fixtures::{api, pushd_settings, settings, text, with_password};

/// A user with a password.
struct Person {
    home: Home,
    password: &'static str,
}

impl Person {
    fn new(settings: &str, password: &'static str) -> Self {
        Self { home: Home::new(settings), password }
    }

    async fn run(&self) -> Running {
        let mut command = self.home.ctl(["run", "--json"]).await;
        command.env("BELFRY_PASSWORD", self.password);
        Running::spawn(command)
    }

    async fn ctl(&self, args: &[&str]) -> Ended {
        let mut command = self.home.ctl(args).await;
        command.env("BELFRY_PASSWORD", self.password);
        run_to_end(command).await
    }
}

async fn pushd(more: &[&str]) -> Pushd {
    Pushd::start(["--user", "alice:open sesame", "--user", "bob:secret"].iter().chain(more)).await
}

fn login_url(pushd: &Pushd) -> String {
    format!("{}/login", pushd.http())
}

async fn send(pushd: &Pushd, id: &str) {
    let bob = pushd.login("bob", "secret").await;
    let message = json!({"id": id, "title": id, "content": "text", "type": "1", "receiver": ["alice"]});
    pushd.call(&bob, "sendMessage", &message).await;
}

fn assert_user_was_not_asked(running: &mut Running) {
    let states = running.all_of("status");
    assert!(states.iter().all(|status| status["state"] != "action-needed"), "{states:?}");
}

/// How many tokens were requested from this server.
fn logins(server: &FakeApi) -> usize {
    server.requests("login").len()
}

#[tokio::test]
async fn the_token_issued_for_a_password_is_saved_nowhere() {
    let pushd = pushd(&[]).await;
    let alice = Person::new(&with_password(&pushd_settings(&pushd, "alice"), &login_url(&pushd)), "open sesame");
    let mut running = alice.run().await;
    running.state("live").await;
    send(&pushd, "one").await;
    running.event_of("notice").await;
    let listed = alice.ctl(&["clients", "list", "--json"]).await;
    assert_eq!(listed.code, Some(0), "{listed:?}");
    running.terminate().await;
    assert!(!running.stdout().contains("sesame") && !running.stderr().contains("sesame"));
    let files_with_secrets = |folder: &std::path::Path| {
        let found = std::process::Command::new("grep").args(["-rlE", "sesame|[0-9a-f]{64}"]).arg(folder).output();
        String::from_utf8(found.unwrap().stdout).unwrap()
    };
    let binary = |file: &str| file.contains("belfry.db") || file.ends_with("/device");
    let found = files_with_secrets(&alice.home.data_dir());
    assert!(found.lines().all(binary), "{found}");
}

#[tokio::test]
async fn a_token_that_is_refused_at_the_next_connect_is_replaced_without_asking_the_user() {
    let (sender, mut tokens) = unbounded_channel();
    let broker = FakeBroker::start(move |number, mut wire| {
        let sender = sender.clone();
        async move {
            if number == 1 {
                let connect = wire.expect(Command::Connect).await;
                sender.send(connect.header("passcode").unwrap().into_owned()).unwrap();
                return wire.send(Command::Error, &[("message", "expired")], b"").await;
            }
            sender.send(wire.welcome().await.header("passcode").unwrap().into_owned()).unwrap();
            if number > 0 {
                wire.serve().await;
            }
        }
    })
    .await;
    let service = FakeApi::start().await;
    for token in ["one", "two"] {
        service.next("login", Answer::Instead(Response::json(200, &json!({"token": token}))));
    }
    let plain = settings(&broker.url(), "alice", &[], "");
    let alice = Person::new(&with_password(&plain, &format!("{}/login", service.url())), "open sesame");
    let mut running = alice.run().await;
    for token in ["one", "one", "two"] {
        assert_eq!(tokens.recv().await.unwrap(), token);
    }
    running.state("live").await;
    running.terminate().await;
    assert_user_was_not_asked(&mut running);
}

/// Tokens that are good for 4 s in a run of 12 s; with `BELFRY_LONG_TESTS`, 20 s in 3 minutes.
#[tokio::test]
async fn tokens_that_expire_again_and_again_cost_no_message_and_no_prompt() {
    let is_long = std::env::var_os("BELFRY_LONG_TESTS").is_some();
    let (lifetime, count) = if is_long { ("20s", 1_800) } else { ("4s", 120) };
    let pushd = pushd(&["--token-lifetime", lifetime]).await;
    let alice = Person::new(&with_password(&pushd_settings(&pushd, "alice"), &login_url(&pushd)), "open sesame");
    let mut running = alice.run().await;
    running.state("live").await;
    let mut sent = BTreeSet::new();
    // A message every 100 ms: here it is the pace that is tested, nothing is waited for.
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    for number in 0..count {
        pace.tick().await;
        let id = format!("m-{number:04}");
        send(&pushd, &id).await;
        sent.insert(id);
    }
    let mut arrived: Vec<String> = Vec::new();
    while arrived.len() < sent.len() {
        arrived.push(text(&running.event_of("notice").await, "id"));
    }
    running.terminate().await;
    arrived.extend(running.all_of("notice").iter().map(|notice| text(notice, "id")).skip(sent.len()));
    assert_eq!(arrived.len(), sent.len(), "none arrives twice");
    assert_eq!(arrived.into_iter().collect::<BTreeSet<_>>(), sent);
    assert_user_was_not_asked(&mut running);
}

#[tokio::test]
async fn a_session_is_handed_over_with_the_refresh_token_before_its_token_expires() {
    let (sender, mut happened) = unbounded_channel();
    let broker = FakeBroker::start(move |number, mut wire| {
        let sender = sender.clone();
        async move {
            let connect = wire.welcome().await;
            sender.send((number, connect.header("passcode").unwrap().into_owned())).unwrap();
            wire.serve_until(Command::Subscribe).await;
            sender.send((number, "SUBSCRIBE".to_owned())).unwrap();
            wire.serve_until(Command::Disconnect).await;
            sender.send((number, "DISCONNECT".to_owned())).unwrap();
            wire.serve().await;
        }
    })
    .await;
    let service = FakeApi::start().await;
    for (token, refresh, lifetime) in [("one", "again", json!("8")), ("two", "and again", json!(3_600))] {
        let answer = json!({"code": 0, "data": {"token": token, "refreshToken": refresh, "expiresIn": lifetime}});
        service.next("login", Answer::Instead(Response::json(200, &answer)));
    }
    let plain = settings(&broker.url(), "alice", &["destination = \"/topic/news\""], "");
    let alice = Person::new(&with_password(&plain, &format!("{}/login", service.url())), "open sesame");
    let mut running = alice.run().await;
    let mut order = Vec::new();
    while order.last() != Some(&(0, "DISCONNECT".to_owned())) {
        order.push(happened.recv().await.unwrap());
    }
    let said = |number, what: &str| (number, what.to_owned());
    let subscribed_twice = [said(0, "one"), said(0, "SUBSCRIBE"), said(1, "two"), said(1, "SUBSCRIBE")];
    assert_eq!(order, [&subscribed_twice[..], &[said(0, "DISCONNECT")]].concat());
    running.terminate().await;
    let states: Vec<String> = running.all_of("status").iter().map(|status| text(status, "state")).collect();
    let live = states.iter().position(|state| state == "live").unwrap();
    assert!(states[live..].iter().all(|state| state == "live" || state == "offline"), "{states:?}");
    let logins = service.requests("login");
    assert_eq!(logins.len(), 2);
    assert_eq!(logins[1].body, json!({"refreshToken": "again"}));
}

#[tokio::test]
async fn a_refresh_token_that_is_not_accepted_is_followed_by_the_password() {
    let broker = FakeBroker::start(|_, mut wire| async move {
        wire.welcome().await;
        wire.serve().await;
    })
    .await;
    let service = FakeApi::start().await;
    let answer = |token: &str, lifetime: u64| {
        let body = json!({"token": token, "refreshToken": "again", "expiresIn": lifetime});
        Answer::Instead(Response::json(200, &body))
    };
    service.next("login", answer("one", 4));
    service.next("login", Answer::Instead(Response::json(401, &Value::Null)));
    service.next("login", answer("two", 3_600));
    let plain = settings(&broker.url(), "alice", &["destination = \"/queue/news\""], "");
    let alice = Person::new(&with_password(&plain, &format!("{}/login", service.url())), "open sesame");
    let mut running = alice.run().await;
    running.state("live").await;
    service.wait_for_requests("login", 3).await;
    assert_eq!(service.requests("login")[2].body, json!({"login": "alice", "password": "open sesame"}));
    running.state("live").await;
    running.terminate().await;
    assert_user_was_not_asked(&mut running);
}

#[tokio::test]
async fn a_token_that_has_expired_is_named_as_such_and_put_to_the_server_once() {
    let broker = FakeBroker::start(|_, mut wire| async move {
        wire.expect(Command::Connect).await;
        wire.send(Command::Error, &[("message", "expired")], b"").await;
        wire.close(1002, "").await;
    })
    .await;
    let home = Home::new(&settings(&broker.url(), "alice", &[], ""));
    let mut command = home.ctl(["run", "--json"]).await;
    let claims = BASE64URL_NOPAD.encode(br#"{"sub":"alice","exp":1767225600}"#);
    command.env("BELFRY_TOKEN", format!("e30.{claims}.c2ln"));
    let mut running = Running::spawn(command);
    let state = running.state("action-needed").await;
    assert_eq!(text(&state, "reason"), "your sign-in has expired");
    assert_eq!(text(&state, "remedy"), "sign in again");
    assert!(state["retry_in_ms"].is_null(), "{state}");
    running.terminate().await;
    assert_eq!(broker.connections(), 1);
}

#[tokio::test]
async fn a_page_that_is_refused_while_live_is_requested_with_a_new_token() {
    let (pushd, service) = (pushd(&[]).await, FakeApi::start().await);
    service.record([json!({"id": "missed", "title": "missed"})]);
    service.next(COLLECT, Answer::Instead(Response::json(401, &Value::Null)));
    let plain = settings(pushd.stomp(), "alice", &[], &api(&service.url()));
    let alice = Person::new(&with_password(&plain, &login_url(&pushd)), "open sesame");
    let mut running = alice.run().await;
    assert_eq!(text(&running.event_of("notice").await, "id"), "missed");
    running.terminate().await;
    assert_user_was_not_asked(&mut running);
    let requests = service.requests(COLLECT);
    let sent = |number: usize| requests[number].header("authorization");
    assert!(sent(0).is_some() && sent(0) != sent(1), "another token");
}

#[tokio::test]
async fn a_wrong_password_needs_the_user_and_is_not_sent_again_automatically() {
    let (pushd, service) = (pushd(&[]).await, FakeApi::start().await);
    service.next("login", Answer::Instead(Response::json(401, &json!({"msg": "no"}))));
    let login_url = format!("{}/login", service.url());
    let alice = Person::new(&with_password(&pushd_settings(&pushd, "alice"), &login_url), "wrong");
    let mut running = alice.run().await;
    let state = running.state("action-needed").await;
    assert!(text(&state, "reason").contains("password"), "{state}");
    assert!(text(&state, "remedy").contains("sign in"), "{state}");
    assert_eq!(logins(&service), 1, "repeated attempts would lock the account");
    assert_eq!(alice.ctl(&["status"]).await.code, Some(3));
    running.terminate().await;
    assert_eq!(logins(&service), 1);

    alice.home.write_settings(&with_password(&pushd_settings(&pushd, "alice"), &self::login_url(&pushd)));
    for command in [&["sign-in"][..], &["clients", "list"], &["send", "--destination", "/topic/x", "hello"]] {
        let ended = alice.ctl(command).await;
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stderr.contains("password") && !ended.stderr.contains("wrong"), "{ended:?}");
    }
}

#[tokio::test]
async fn a_login_server_that_is_down_is_tried_again_without_asking_the_user() {
    let pushd = pushd(&[]).await;
    let proxy = FaultProxy::start(pushd.http().strip_prefix("http://").unwrap()).await;
    proxy.set(Faults { refuse: true, ..Faults::default() }).await;
    let login_url = format!("http://{}/login", proxy.address());
    let alice = Person::new(&with_password(&pushd_settings(&pushd, "alice"), &login_url), "open sesame");
    let mut running = alice.run().await;
    let state = running.event("the next attempt", |event| event["retry_in_ms"].is_u64()).await;
    assert!(text(&state, "reason").contains(&proxy.address().to_string()), "{state}");
    proxy.heal().await;
    running.state("live").await;
    running.terminate().await;
    assert_user_was_not_asked(&mut running);
}

#[tokio::test]
async fn a_missing_password_and_a_token_in_its_place_are_errors_of_sign_in() {
    let pushd = pushd(&[]).await;
    let alice = Person::new(&with_password(&pushd_settings(&pushd, "alice"), &login_url(&pushd)), "");
    let ended = alice.ctl(&["run"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("BELFRY_PASSWORD"), "{ended:?}");
    let mut command = alice.home.ctl(["sign-in"]).await;
    command.env("BELFRY_TOKEN", pushd.login("alice", "open sesame").await);
    let ended = run_to_end(command).await;
    assert_eq!(ended.code, Some(2), "the saved secret must be the password: {ended:?}");
    let mut command = alice.home.ctl(["clients", "list"]).await;
    command.env("BELFRY_TOKEN", pushd.login("alice", "open sesame").await);
    let ended = run_to_end(command).await;
    assert_eq!(ended.code, Some(0), "a token from the environment is sent unchanged: {ended:?}");
}

#[tokio::test]
async fn the_doctor_signs_in_once_and_reports_what_is_wrong() {
    let pushd = pushd(&[]).await;
    let alice = Person::new(&with_password(&pushd_settings(&pushd, "alice"), &login_url(&pushd)), "open sesame");
    let verdict = |ended: &Ended, step: &str| {
        let steps = ended.json();
        let step = steps.as_array().unwrap().iter().find(|finding| finding["step"] == step).cloned();
        text(&step.unwrap(), "verdict")
    };
    let ended = alice.ctl(&["doctor", "--json"]).await;
    for step in ["websocket", "stomp", "subscribe", "collect"] {
        assert_eq!(verdict(&ended, step), "ok", "{step}: {ended:?}");
    }
    let alice = Person { password: "wrong", ..alice };
    let ended = alice.ctl(&["doctor", "--json"]).await;
    assert_eq!((ended.code, verdict(&ended, "websocket").as_str()), (Some(3), "fail"), "{ended:?}");
    assert!(ended.stdout.contains("password"), "{ended:?}");
}
