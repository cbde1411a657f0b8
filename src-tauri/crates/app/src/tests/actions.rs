//! The buttons of notices, from the window to the server.

use harness::api::{Answer, CLIENTS, COLLECT, DELETE, HISTORY};
use harness::http::Response;
use harness::{FakeApi, FakeBroker};
use serde_json::{Value, json};

use super::everything;
use super::history::{settings, silent_broker};
use super::world::World;
use crate::Request;
use crate::ipc::{CommandError, CommandErrorCode, PageQuery};

/// What the buttons of these tests call.
pub(super) const APPROVE: &str = "approvals/7/approve";

/// A person whose inbox has one notice with these buttons.
pub(super) async fn world_with(actions: impl Fn(&str) -> Value) -> (World, FakeApi, FakeBroker) {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    let base = service.url();
    service.record([json!({"id": "7", "title": "Expense 7", "state": "open", "actions": actions(&base)})]);
    // The API is below a path of its own, as on a server that has more than one interface.
    let settings =
        settings(&broker, &service).replace(&format!("base = \"{base}\""), &format!("base = \"{base}/ecgapi\""));
    let settings = format!("{settings}\n[app]\naction_urls = [\"{base}/approvals\"]\n");
    let mut world = World::set_up(&settings, |_| ()).await;
    world.live().await;
    while notice(&world).await.is_none() {
        world.update(Some).await;
    }
    (world, service, broker)
}

/// The notice, as the window gets it.
pub(super) async fn notice(world: &World) -> Option<Value> {
    let query = PageQuery { before: None, after: None, limit: 1, filter: everything() };
    let page = world.app.ask(|reply| Request::Page { query, reply }).await.unwrap();
    let row = serde_json::to_value(page.rows.first()?).unwrap();
    let (seq, text) = (row["seq"].as_i64().unwrap(), String::new());
    let detail = world.app.ask(|reply| Request::Notice { seq, text, reply }).await.unwrap();
    Some(serde_json::to_value(detail?).unwrap())
}

pub(super) async fn act(world: &World, action: &str, confirmed: Option<&str>) -> Result<(), CommandError> {
    let seq = notice(world).await.unwrap()["seq"].as_i64().unwrap();
    let (action, confirmed) = (action.to_owned(), confirmed.map(str::to_owned));
    world.app.ask(|reply| Request::Act { seq, action, confirmed, reply }).await
}

/// Confirms a button as it is now.
pub(super) async fn confirm(world: &World, action: &str) -> Result<(), CommandError> {
    let shown = notice(world).await.unwrap();
    let key = shown["actions"].as_array().unwrap().iter().find(|offered| offered["id"] == action);
    act(world, action, key.and_then(|action| action["key"].as_str())).await
}

#[tokio::test]
async fn a_confirmed_button_is_a_post_with_the_sign_in_and_a_stable_key_and_its_result_is_kept() {
    let approve = |base: &str| json!([{"id": "ok", "label": "Approve", "url": format!("{base}/{APPROVE}"), "confirm": "Approve 12 EUR?"}]);
    let (world, service, _broker) = world_with(approve).await;
    let shown = notice(&world).await.unwrap();
    let action = &shown["actions"][0];
    assert_eq!(action["question"], "Approve 12 EUR?");
    let call = json!({"method": "POST", "host": service.url(), "path": format!("/{APPROVE}")});
    assert_eq!(action["call"], call);

    // Without a confirmation, or with one of something else, nothing is sent.
    for confirmed in [None, Some("0".repeat(32))] {
        assert_eq!(act(&world, "ok", confirmed.as_deref()).await.unwrap_err().code, CommandErrorCode::Changed);
    }
    assert_eq!(service.requests(APPROVE).len(), 0);

    for (answer, outcome, detail) in [
        (Answer::Instead(Response::json(302, &Value::Null)), "unknown", "302"),
        (
            Answer::Instead(Response::json(409, &json!({"message": "already decided by bob"}))),
            "refused",
            "already decided by bob",
        ),
        (Answer::Instead(Response::json(500, &Value::Null)), "unknown", "500"),
        (Answer::Lost, "unknown", ""),
        (Answer::Instead(Response::json(200, &Value::Null)), "done", ""),
    ] {
        let before = service.requests(APPROVE).len();
        service.next(APPROVE, answer);
        let done = confirm(&world, "ok").await;
        assert_eq!(done.is_ok(), outcome == "done", "{done:?}");
        let result = notice(&world).await.unwrap()["actionResult"].clone();
        assert_eq!((&result["label"], &result["outcome"]), (&json!("Approve"), &json!(outcome)));
        assert!(result["detail"].as_str().unwrap().contains(detail), "{result}");
        assert_eq!(service.requests(APPROVE).len(), before + 1, "nothing is sent twice");
    }
    let requests = service.requests(APPROVE);
    let key = requests[0].header("idempotency-key").unwrap();
    for request in &requests {
        assert_eq!((request.method.as_str(), &request.body), ("POST", &json!({"id": "7", "action": "ok"})));
        assert_eq!(request.header("authorization"), Some("Bearer secret"));
        assert_eq!(request.header("idempotency-key"), Some(key));
    }
}

#[tokio::test]
async fn the_time_of_a_result_is_when_it_was_sent_also_after_it_has_ended() {
    let approve = |base: &str| json!([{"id": "ok", "label": "Approve", "url": format!("{base}/{APPROVE}")}]);
    let (world, service, _broker) = world_with(approve).await;
    service.next(APPROVE, Answer::Silence);
    let result = async || notice(&world).await.unwrap()["actionResult"].clone();
    let meanwhile = async {
        service.wait_for_requests(APPROVE, 1).await;
        let result = result().await;
        // All its connections end.
        drop(service);
        result
    };
    let (done, before) = tokio::join!(confirm(&world, "ok"), meanwhile);
    let after = result().await;
    assert_eq!(done.unwrap_err().code, CommandErrorCode::Offline);
    assert_eq!((&before["outcome"], &before["fault"]), (&json!("unknown"), &Value::Null));
    assert_eq!((&after["outcome"], &after["fault"]), (&json!("unknown"), &json!("broken")));
    assert_eq!(before["at"], after["at"]);
}

#[tokio::test]
async fn a_button_that_leads_elsewhere_sends_nothing() {
    let urls = |base: &str| {
        vec![
            format!("{base}/ecgapi/api/message/{DELETE}"),
            format!("{base}/ECGAPI/api/message/{CLIENTS}"),
            format!("{base}/approvals/../ecgapi/api/message/{DELETE}"),
            format!("{base}/approvals/%2e%2e/ecgapi/api/message/{DELETE}"),
            format!("{base}/approvals/..%2fecgapi/api/message/{DELETE}"),
            format!("{base}/approvals/..;/ecgapi/api/message/{DELETE}"),
            format!("{}/approvals/7", base.replace("//", "//alice@")),
            format!("{base}/elsewhere"),
            "http://127.0.0.1:1/approvals/7".to_owned(),
            "https://evil.example.org/approvals/7".to_owned(),
        ]
    };
    let actions = |base: &str| {
        let posts = urls(base).into_iter().enumerate().map(
            |(number, url)| json!({"id": number.to_string(), "label": "Show photo", "url": url, "method": "POST"}),
        );
        let get = json!({"id": "get", "label": "Show photo", "url": format!("{base}/{APPROVE}"), "method": "GET"});
        posts.chain([get]).collect()
    };
    let (world, service, _broker) = world_with(actions).await;
    for action in notice(&world).await.unwrap()["actions"].as_array().unwrap() {
        assert_eq!(action["call"], Value::Null, "{action}");
    }
    for (number, url) in urls(&service.url()).iter().enumerate() {
        // Some are opened in the browser; none is an error that was sent.
        let done = confirm(&world, &number.to_string()).await;
        assert!(
            done.is_ok() || done.as_ref().is_err_and(|error| error.code == CommandErrorCode::LinkRefused),
            "{url}: {done:?}"
        );
    }
    assert_eq!(confirm(&world, "get").await.unwrap_err().code, CommandErrorCode::LinkRefused);
    let known = [COLLECT, HISTORY].map(|call| service.requests(call).len()).iter().sum::<usize>();
    assert_eq!(service.requests("").len(), known, "only catch-up has asked the server");
}

#[tokio::test]
async fn what_was_confirmed_before_the_notice_said_something_else_is_not_sent() {
    let approve = |base: &str| json!([{"id": "ok", "label": "Approve", "url": format!("{base}/{APPROVE}")}]);
    let (mut world, service, _broker) = world_with(approve).await;
    let actions = approve(&service.url());
    let copy = |version: u32, title: &str, content: &str, state: &str| json!({"id": "7", "title": title, "content": content, "state": state, "version": version, "actions": actions});
    for newer in [
        vec![copy(2, "Expense 7", "99999 EUR", "open")],
        vec![copy(3, "Expense 8", "99999 EUR", "open")],
        // Decided, and opened again.
        vec![copy(4, "Expense 8", "99999 EUR", "decided"), copy(5, "Expense 8", "99999 EUR", "open")],
    ] {
        let shown = notice(&world).await.unwrap();
        let version = newer.last().unwrap()["version"].clone();
        service.record(newer);
        world.app.send(Request::TryNow { reply: tokio::sync::oneshot::channel().0 });
        while notice(&world).await.unwrap()["version"] != version {
            world.update(Some).await;
        }
        let key = shown["actions"][0]["key"].as_str();
        let refused = act(&world, "ok", key).await.unwrap_err();
        assert_eq!(refused.code, CommandErrorCode::Changed, "version {version}");
    }
    assert_eq!(service.requests(APPROVE).len(), 0);
    service.next(APPROVE, Answer::Instead(Response::json(200, &Value::Null)));
    confirm(&world, "ok").await.unwrap();
    assert_eq!(service.requests(APPROVE).len(), 1);
}

#[tokio::test]
async fn a_settled_notice_has_no_buttons() {
    let approve = |base: &str| json!([{"id": "ok", "label": "Approve", "url": format!("{base}/{APPROVE}")}]);
    let (mut world, service, _broker) = world_with(approve).await;
    let key = notice(&world).await.unwrap()["actions"][0]["key"].as_str().unwrap().to_owned();
    service.record([json!({"id": "7", "state": "decided", "version": 2})]);
    // The next session collects it.
    let values = serde_json::Map::from_iter([("app.theme".to_owned(), json!("dark"))]);
    world.app.ask(|reply| Request::SaveSettings { values, reply }).await.unwrap();
    while notice(&world).await.unwrap()["state"] == "open" {
        world.update(Some).await;
    }
    assert_eq!(notice(&world).await.unwrap()["actions"], json!([]));
    assert_eq!(act(&world, "ok", Some(&key)).await.unwrap_err().code, CommandErrorCode::Gone);
    assert_eq!(service.requests(APPROVE).len(), 0);
}
