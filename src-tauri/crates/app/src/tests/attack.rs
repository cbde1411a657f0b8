//! A colleague who can publish to a shared topic, and wants a pending approval of somebody else to
//! be carried out, hidden or rewritten: every attempt ends without a request.

use std::sync::Arc;

use belfry_core::ports::{Popup, PopupId, PopupKind};
use harness::api::{Answer, CLIENTS, COLLECT, DELETE, HISTORY};
use harness::http::Response;
use harness::{FakeApi, FakeBroker};
use serde_json::{Value, json};
use stomp::Command;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::actions::{APPROVE, confirm, notice};
use super::world::{Asked, Did, Happened, World};
use crate::ipc::CommandErrorCode;

const SHARED: &str = "/topic/everybody";

/// A person with an approval that the API has brought, and a topic to which a colleague publishes.
struct Attack {
    world: World,
    service: FakeApi,
    publish: UnboundedSender<Value>,
    acknowledged: UnboundedReceiver<()>,
    _broker: FakeBroker,
    /// The popup of the approval.
    alert: (Popup, PopupId),
}

impl Attack {
    async fn prepare() -> Self {
        let (publish, messages) = unbounded_channel::<Value>();
        let (acknowledge, acknowledged) = unbounded_channel();
        let messages = Arc::new(Mutex::new(messages));
        let broker = FakeBroker::start(move |_, mut wire| {
            let (messages, acknowledge) = (Arc::clone(&messages), acknowledge.clone());
            async move {
                wire.welcome().await;
                let subscription = loop {
                    let frame = wire.serve_until(Command::Subscribe).await;
                    if frame.header("destination").as_deref() == Some(SHARED) {
                        break frame.header("id").unwrap().into_owned();
                    }
                };
                let mut messages = messages.lock().await;
                for number in 1_u32.. {
                    let Some(message) = messages.recv().await else { return };
                    wire.message(&subscription, &number.to_string(), message.to_string()).await;
                    // It is committed then.
                    wire.serve_until(Command::Ack).await;
                    let _the_test_is_over = acknowledge.send(());
                }
            }
        })
        .await;
        let service = FakeApi::start().await;
        let base = service.url();
        let approve = json!({"id": "ok", "label": "Approve", "url": format!("{base}/{APPROVE}")});
        service.record([json!({"id": "7", "title": "Expense 7", "state": "open", "version": 1, "actions": [approve]})]);
        let settings = format!(
            "[server]\nendpoints = [\"{}\"]\n\n[[server.subscriptions]]\ndestination = \"{SHARED}\"\n\n\
             [auth]\nlogin = \"alice\"\n\n[api]\nbase = \"{base}/ecgapi\"\n\n\
             [app]\naction_urls = [\"{base}/approvals\"]\n",
            broker.url()
        );
        let mut world = World::set_up(&settings, |_| ()).await;
        let alert = world.popup().await;
        assert_eq!(labels(&alert.0), ["Approve"]);
        Self { world, service, publish, acknowledged, _broker: broker, alert }
    }

    /// The colleague publishes a message, and the app has stored what it makes of it.
    async fn publish(&mut self, message: Value) {
        self.publish.send(message).unwrap();
        self.acknowledged.recv().await.unwrap();
    }

    /// Every request but those of catch-up.
    fn requests(&self) -> usize {
        let known = [COLLECT, HISTORY].map(|call| self.service.requests(call).len()).iter().sum::<usize>();
        self.service.requests("").len() - known
    }
}

fn labels(popup: &Popup) -> Vec<&str> {
    popup.buttons.iter().map(|button| button.label.as_str()).collect()
}

/// What the newest notice says and offers.
async fn content(world: &World) -> Vec<Value> {
    let notice = notice(world).await.unwrap();
    ["id", "title", "state", "actions", "unread"].map(|name| notice[name].clone()).to_vec()
}

/// Where a button should not lead, with the server at `base`.
fn elsewhere(base: &str) -> Vec<(&'static str, String)> {
    let api = format!("{base}/ecgapi/api/message/{DELETE}");
    let path = api.trim_start_matches(base);
    vec![
        ("the API", api.clone()),
        ("the API in capitals", format!("{base}/ECGAPI/API/message/{CLIENTS}")),
        ("another path", format!("{base}/elsewhere/7")),
        ("a path that only begins alike", format!("{base}/approvals-of-others/7")),
        ("a path in capitals", format!("{base}/Approvals/7/approve")),
        ("dot segments", format!("{base}/approvals/..{path}")),
        ("encoded dot segments", format!("{base}/approvals/%2e%2e{path}")),
        ("an encoded slash", format!("{base}/approvals/..%2f{}", path.trim_start_matches('/'))),
        ("a dot segment with a parameter", format!("{base}/approvals/..;{path}")),
        ("a backslash", format!("{base}/approvals\\..\\ecgapi\\api\\message\\{DELETE}")),
        ("an empty segment", format!("{base}/approvals//7")),
        ("a name before the host", format!("{}/approvals/7", base.replace("//", "//alice@"))),
        ("a host before the host", format!("{}/approvals/7", base.replace("//", "//evil.example.org@"))),
        ("another port", "http://127.0.0.1:1/approvals/7".to_owned()),
        ("another host", "https://evil.example.org/approvals/7".to_owned()),
        ("another scheme", format!("{}/approvals/7", base.replace("http:", "https:"))),
    ]
}

#[tokio::test]
async fn a_shared_copy_with_a_higher_version_changes_neither_the_approval_nor_its_popup() {
    let mut attack = Attack::prepare().await;
    let before = content(&attack.world).await;
    let base = attack.service.url();
    let photo = |url: &str| json!([{"id": "ok", "label": "Show photo", "url": url, "confirm": "Show the photo?"}]);
    let targets = elsewhere(&base).into_iter().chain([("the approval", format!("{base}/{APPROVE}"))]);
    for (version, (what, url)) in (2_i64..).zip(targets) {
        for version in [version, i64::MAX - version] {
            let copy =
                json!({"id": "7", "title": "Photos", "state": "open", "version": version, "actions": photo(&url)});
            attack.publish(copy).await;
            assert_eq!(content(&attack.world).await, before, "{what}");
        }
    }
    // The button on the screen is still the approval's own: it asks about that request, and no other.
    attack.world.press(&attack.alert, "Approve");
    let (question, _) = attack.world.popup().await;
    assert_eq!(question.kind, PopupKind::Question);
    assert!(question.body.contains(&format!("POST {base}\n/{APPROVE}")), "{}", question.body);
    assert_eq!(attack.requests(), 0);
}

#[tokio::test]
async fn a_button_of_a_colleague_sends_nothing_wherever_it_leads() {
    let mut attack = Attack::prepare().await;
    let base = attack.service.url();
    let targets = elsewhere(&base);
    let posts = targets.iter().map(|(_, url)| (url.clone(), "POST"));
    let others = ["GET", "DELETE", "PUT"].map(|method| (format!("{base}/{APPROVE}"), method));
    for (number, (url, method)) in posts.chain(others).enumerate() {
        let id = format!("photo-{number}");
        let button = json!({"id": "ok", "label": "Show photo", "url": url, "method": method});
        attack.publish(json!({"id": id, "title": id, "state": "open", "actions": [button]})).await;
        let alert = loop {
            let alert = attack.world.popup().await;
            if alert.0.title == id {
                break alert;
            }
        };
        // Where there is a button at all, it opens the browser or says why not.
        if labels(&alert.0) == ["Show photo"] {
            attack.world.press(&alert, "Show photo");
            loop {
                match attack.world.next().await {
                    Happened::Did(Did::Url(_)) => break,
                    Happened::Asked(Asked::Show(popup, _)) => {
                        assert_eq!(popup.kind, PopupKind::Result, "{method} {url}: {popup:?}");
                        break;
                    }
                    _ => {}
                }
            }
        }
        let shown = notice(&attack.world).await.unwrap();
        assert_eq!((&shown["id"], &shown["actions"][0]["call"]), (&json!(id), &Value::Null), "{method} {url}");
        let done = confirm(&attack.world, "ok").await;
        let is_refused = done.as_ref().is_err_and(|error| error.code == CommandErrorCode::LinkRefused);
        assert!(done.is_ok() || is_refused, "{method} {url}: {done:?}");
    }
    assert_eq!(attack.requests(), 0);
}

#[tokio::test]
async fn a_question_that_lies_stands_below_the_request_and_without_a_yes_nothing_is_sent() {
    let mut attack = Attack::prepare().await;
    let base = attack.service.url();
    let lie = "Show the photo?\nPOST https://photos.example.com\n/photos/7\u{202e}";
    for (number, confirm) in [json!(lie), json!(true), json!(false), Value::Null, json!("")].into_iter().enumerate() {
        let (id, title) = (format!("photo-{number}"), format!("Photo {number}\nPOST https://photos.example.com"));
        let button = json!({"id": "ok", "label": "Show photo", "url": format!("{base}/{APPROVE}"), "confirm": confirm});
        attack.publish(json!({"id": id, "title": title, "state": "open", "actions": [button]})).await;
        let alert = loop {
            let alert = attack.world.popup().await;
            if alert.0.title.starts_with(&format!("Photo {number}")) {
                break alert;
            }
        };
        attack.world.press(&alert, "Show photo");
        let question = attack.world.popup().await;
        assert_eq!((question.0.kind, labels(&question.0)), (PopupKind::Question, vec!["Confirm", "Cancel"]));
        let lines: Vec<&str> = question.0.body.lines().collect();
        let posts: Vec<&&str> = lines.iter().filter(|line| line.starts_with("POST ")).collect();
        assert_eq!(posts, [&format!("POST {base}").as_str()], "nothing else looks like the request: {lines:?}");
        assert_eq!(lines[3], format!("/{APPROVE}"), "{lines:?}");
        attack.world.press(&question, "Cancel");
    }
    assert_eq!(attack.requests(), 0);
}

#[tokio::test]
async fn a_redirect_of_a_confirmed_request_is_not_followed() {
    let attack = Attack::prepare().await;
    let base = attack.service.url();
    for location in [format!("{base}/ecgapi/api/message/{DELETE}"), format!("{base}/approvals/8/approve")] {
        for status in [301, 302, 303, 307, 308] {
            let headers = vec![("location", location.clone())];
            let answer = Response { headers, ..Response::json(status, &Value::Null) };
            attack.service.next(APPROVE, Answer::Instead(answer));
            let before = attack.requests();
            assert!(confirm(&attack.world, "ok").await.is_err());
            let result = notice(&attack.world).await.unwrap()["actionResult"].clone();
            assert_eq!(result["outcome"], "unknown", "{result}");
            assert_eq!(attack.requests(), before + 1, "{status} to {location}");
        }
    }
}
