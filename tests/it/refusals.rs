//! What can be said to a handshake in place of yes: each is a state of its own, with a remedy, in
//! `run` and in `doctor`.

use harness::api::Answer;
use harness::http::Response;
use harness::{FakeApi, FakeBroker};
use serde_json::Value;
use stomp::Command;

use crate::fixtures::{Person, settings, text};

const QUEUE: &str = "destination = \"/queue/test\"";

/// One answer to the upgrade, and what people are told.
struct Case {
    answer: Response,
    state: &'static str,
    reason: &'static str,
    /// A part of what `run` says to do; "" where waiting is enough.
    remedy: &'static str,
    /// A part of what `doctor` says to do.
    doctor: &'static str,
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Response { status, headers, body: body.to_owned().into() }
}

async fn assert_told(Case { answer, state, reason, remedy, doctor }: Case) {
    let service = FakeApi::start().await;
    for _ in 0..20 {
        service.next("ws", Answer::Instead(answer.clone()));
    }
    let endpoint = format!("ws://{}/ws", service.address());
    let alice = Person::new(&settings(&endpoint, "alice", &[QUEUE], ""), "token");
    let mut running = alice.run().await;
    let said = running
        .event(reason, |event| {
            event["state"] == state && event["reason"].as_str().is_some_and(|it| it.starts_with(reason))
        })
        .await;
    assert!(text(&said, "remedy").contains(remedy), "{said}");
    assert_eq!(text(&said, "remedy").is_empty(), remedy.is_empty(), "{said}");
    if let Some((_, seconds)) = answer.headers.iter().find(|(name, _)| *name == "retry-after") {
        let (retry, seconds) = (said["retry_in_ms"].as_u64().unwrap(), seconds.parse::<u64>().unwrap());
        assert!((seconds * 900..=seconds * 1_000).contains(&retry), "{said}");
    }
    running.terminate().await;
    assert!(running.all_of("status").iter().all(|status| status["state"] != "live"));

    let ended = alice.ctl(&["doctor", "--json"]).await;
    let found = find(&ended.json(), "websocket");
    assert_eq!(found["verdict"], "fail", "{found}");
    assert!(text(&found, "detail").starts_with(reason), "{found}");
    assert!(text(&found, "remedy").contains(doctor) && !doctor.is_empty(), "{found}");
}

fn find(findings: &Value, step: &str) -> Value {
    let found = findings.as_array().unwrap().iter().find(|finding| finding["step"] == step);
    found.unwrap_or_else(|| panic!("no {step} in {findings}")).clone()
}

#[tokio::test]
async fn a_handshake_answered_with_401_needs_a_new_sign_in() {
    assert_told(Case {
        answer: answer(401, &[], ""),
        state: "action-needed",
        reason: "the server refused the sign-in: ",
        remedy: "sign in again",
        doctor: "sign in again",
    })
    .await;
}

#[tokio::test]
async fn a_handshake_answered_with_403_needs_access() {
    assert_told(Case {
        answer: answer(403, &[], ""),
        state: "action-needed",
        reason: "this account has no access to the server: ",
        remedy: "another account",
        doctor: "another account",
    })
    .await;
}

#[tokio::test]
async fn a_handshake_answered_with_407_needs_a_sign_in_at_the_proxy() {
    assert_told(Case {
        answer: answer(407, &[("proxy-authenticate", "NTLM")], ""),
        state: "action-needed",
        reason: "the proxy requires a sign-in: ",
        remedy: "NTLM and Negotiate are not supported",
        doctor: "NTLM and Negotiate are not supported",
    })
    .await;
}

#[tokio::test]
async fn a_handshake_answered_with_429_is_repeated_when_the_server_says() {
    assert_told(Case {
        answer: answer(429, &[("retry-after", "600")], ""),
        state: "offline",
        reason: "the server is busy or temporarily unavailable: ",
        remedy: "",
        doctor: "try again later",
    })
    .await;
}

#[tokio::test]
async fn a_handshake_answered_with_503_is_repeated() {
    assert_told(Case {
        answer: answer(503, &[], ""),
        state: "offline",
        reason: "the server is busy or temporarily unavailable: ",
        remedy: "",
        doctor: "try again later",
    })
    .await;
}

#[tokio::test]
async fn a_handshake_that_is_redirected_names_the_sign_in_page_of_a_network() {
    assert_told(Case {
        answer: answer(302, &[("location", "https://wifi.example.com/login")], ""),
        state: "action-needed",
        reason: "a page or a redirect came instead of the server's answer: ",
        remedy: "open a page in the browser",
        doctor: "open a page in the browser",
    })
    .await;
}

#[tokio::test]
async fn a_handshake_answered_with_a_web_page_names_the_sign_in_page_of_a_network() {
    assert_told(Case {
        answer: answer(200, &[], "<html><form action=\"/login\"></form></html>"),
        state: "action-needed",
        reason: "a page or a redirect came instead of the server's answer: ",
        remedy: "open a page in the browser",
        doctor: "open a page in the browser",
    })
    .await;
}

#[tokio::test]
async fn a_handshake_answered_with_404_names_the_path() {
    assert_told(Case {
        answer: answer(404, &[], ""),
        state: "action-needed",
        reason: "the server did not accept the connection: ",
        remedy: "check the path",
        doctor: "check the path",
    })
    .await;
}

#[tokio::test]
async fn a_session_of_another_account_is_left_and_both_names_are_shown() {
    let broker = FakeBroker::start(|_, mut wire| async move {
        wire.expect(Command::Connect).await;
        let connected = [("version", "1.2"), ("heart-beat", "0,0"), ("user-name", "mallory")];
        wire.send(Command::Connected, &connected, b"").await;
        let sent = wire.serve().await;
        assert!(sent.iter().all(|frame| frame.command() != Command::Subscribe), "{sent:?}");
    })
    .await;
    let alice = Person::new(&settings(&broker.url(), "alice", &[QUEUE], ""), "token");
    let mut running = alice.run().await;
    let said = running.state("action-needed").await;
    let reason = text(&said, "reason");
    assert!(reason.starts_with("the server signed in a different account: "), "{said}");
    assert!(reason.contains("mallory") && reason.contains("alice"), "{said}");
    assert!(text(&said, "remedy").contains("auth.login"), "{said}");
    running.terminate().await;
    let ended = alice.ctl(&["doctor", "--json"]).await;
    let found = find(&ended.json(), "stomp");
    assert_eq!((text(&found, "verdict"), ended.code), ("fail".to_owned(), Some(3)), "{found}");
    assert!(text(&found, "detail").contains("mallory") && text(&found, "remedy").contains("auth.login"), "{found}");
    assert_eq!(broker.connections(), 2, "neither tries again");
}
