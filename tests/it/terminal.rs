//! Nothing that a server writes controls a terminal: every command is run against servers that put
//! control and direction characters in every place where a server can write text.

use harness::api::{CLIENTS, COLLECT, DELETE, HISTORY, SEND};
use harness::http::Response;
use harness::program::Ended;
use harness::{FakeApi, FakeBroker, Running, Wire};
use serde_json::{Value, json};
use stomp::{Command, Frame};

use crate::fixtures::{Person, api, settings};

/// C0, DEL, C1 and characters that change the direction of text; the letters prove that the text was
/// printed.
const HOSTILE: &str =
    "evil\u{1b}[2J\u{1b}]0;x\u{7}\u{8}\u{7f}\u{9b}31m\u{9d}\u{85}\u{61c}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}end";
const SUBSCRIPTION: &str = "destination = \"/user/queue/notices\"";

/// Where the server writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In everything a message has, and in the name of the server.
    Messages,
    /// As the user of the session.
    UserName,
    /// In an ERROR frame.
    Error,
    /// As the reason of a WebSocket close.
    CloseReason,
    /// In the `msg` of every answer of the API.
    ApiMessage,
}

#[tokio::test]
async fn no_command_prints_what_a_server_wrote_so_that_it_controls_the_terminal() {
    const TABLE: &[(Place, &[&str])] = &[
        (
            Place::Messages,
            &[
                "inbox list",
                "inbox search evil",
                "inbox show",
                "inbox export --format json",
                "inbox export --format csv",
                "messages list",
                "clients list",
                "send --title T --type 1 hi",
                "doctor",
            ],
        ),
        (Place::UserName, &["doctor", "send --destination /queue/a hi"]),
        (Place::Error, &["doctor", "send --destination /queue/a hi"]),
        (Place::CloseReason, &["doctor", "send --destination /queue/a hi"]),
        (Place::ApiMessage, &["messages list", "clients list", "doctor"]),
        (Place::ApiMessage, &["messages delete 1", "send --title T --type 1 hi"]),
    ];
    for (place, commands) in TABLE {
        let broker = FakeBroker::start(move |_, wire| serve(*place, wire)).await;
        let service = FakeApi::start().await;
        script(&service, *place);
        let alice = Person::new(&settings(&broker.url(), "alice", &[SUBSCRIPTION], &api(&service.url())), "token");
        for form in ["", "--json"] {
            let name = format!("{place:?}: run {form}");
            let mut command = alice.home.ctl(["run"].into_iter().chain(form.split_whitespace())).await;
            command.env("BELFRY_TOKEN", &alice.token);
            let mut running = Running::spawn(command);
            // A notice of an earlier run is not announced again; what is rejected is.
            let expected = if *place == Place::Messages { "rejected" } else { "evil" };
            running.event(expected, |event| event.to_string().contains(expected)).await;
            for status in [&["status"][..], &["status", "--json"]] {
                check(&format!("{place:?}: {status:?}"), &alice.ctl(status).await);
            }
            running.terminate().await;
            check(&name, &Ended { code: None, stdout: running.stdout(), stderr: running.stderr() });
        }
        for command in *commands {
            for form in ["", "--json"] {
                let mut words: Vec<&str> = command.split_whitespace().chain(form.split_whitespace()).collect();
                if *command == "inbox show" {
                    words.push(HOSTILE);
                }
                let ended = alice.ctl(&words).await;
                let name = format!("{place:?}: {command} {form}");
                check(&name, &ended);
                assert!(ended.stdout.contains("evil") || ended.stderr.contains("evil"), "{name}: {ended:?}");
                if form == "--json" && ["messages list", "inbox list"].contains(command) && *place == Place::Messages {
                    assert_eq!(ended.json()[0]["id"], HOSTILE, "JSON is the same text, escaped");
                }
            }
        }
    }
}

/// What is printed has none of these characters, in readable lines and in JSON.
fn check(name: &str, ended: &Ended) {
    for output in [&ended.stdout, &ended.stderr] {
        let is_dangerous = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!output.contains(is_dangerous), "{name}: {ended:?}");
    }
}

/// Answers every frame of a session with hostile text in one place.
async fn serve(place: Place, mut wire: Wire) {
    while let Some(frame) = wire.receive().await {
        match frame.command() {
            Command::Connect => match place {
                Place::UserName => connected(&mut wire, &[("user-name", HOSTILE)]).await,
                Place::Messages => connected(&mut wire, &[("server", HOSTILE), ("session", HOSTILE)]).await,
                Place::ApiMessage => connected(&mut wire, &[]).await,
                Place::Error => {
                    return wire.send(Command::Error, &[("message", HOSTILE)], HOSTILE.as_bytes()).await;
                }
                Place::CloseReason => return wire.close(4000, HOSTILE).await,
            },
            Command::Subscribe => {
                confirm(&mut wire, &frame).await;
                if place == Place::Messages {
                    send_messages(&mut wire, &frame).await;
                }
            }
            Command::Disconnect => return confirm(&mut wire, &frame).await,
            _ => confirm(&mut wire, &frame).await,
        }
    }
}

async fn connected(wire: &mut Wire, more: &[(&str, &str)]) {
    let headers = [&[("version", "1.2"), ("heart-beat", "0,0")], more].concat();
    wire.send(Command::Connected, &headers, b"").await;
}

async fn confirm(wire: &mut Wire, frame: &Frame) {
    if let Some(receipt) = frame.header("receipt") {
        wire.send(Command::Receipt, &[("receipt-id", &receipt)], b"").await;
    }
}

async fn send_messages(wire: &mut Wire, subscribe: &Frame) {
    let id = subscribe.header("id").expect("an id").into_owned();
    let unusable: &[u8] = b"\xff\xfe";
    for (number, body) in [("1", hostile_message().to_string().as_bytes()), ("2", unusable)] {
        let message_id = format!("{number}{HOSTILE}");
        let headers =
            [("subscription", id.as_str()), ("message-id", &message_id), ("ack", number), ("destination", HOSTILE)];
        wire.send(Command::Message, &headers, body).await;
    }
}

/// A message with hostile text in every field, and in the name of one.
fn hostile_message() -> Value {
    json!({
        "id": HOSTILE, "title": HOSTILE, "content": HOSTILE, "type": HOSTILE, "sender": HOSTILE, "reason": HOSTILE,
        "loginName": HOSTILE, "device": HOSTILE, "status": HOSTILE, "receiver": [HOSTILE], "loginTime": HOSTILE,
        "url": format!("https://example.com/{HOSTILE}"), HOSTILE: { HOSTILE: [HOSTILE] },
    })
}

/// Makes every call of the API answer with hostile text.
fn script(service: &FakeApi, place: Place) {
    for call in [COLLECT, HISTORY, CLIENTS, SEND, DELETE] {
        // More than any command asks.
        for _ in 0..100 {
            let data = match call {
                COLLECT => json!({ "records": [], "next": null }),
                SEND | DELETE => json!({ "id": HOSTILE }),
                _ => json!([hostile_message()]),
            };
            let answer = if place == Place::ApiMessage {
                json!({ "code": 7, "msg": HOSTILE })
            } else {
                json!({ "code": 0, "msg": HOSTILE, "data": data })
            };
            service.next(call, harness::api::Answer::Instead(Response::json(200, &answer)));
        }
    }
}
