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

#[tokio::test]
async fn a_confirmed_button_is_a_post_with_the_sign_in_and_a_stable_key_and_its_result_is_kept() {
    let approve = |base: &str| json!([{"id": "ok", "label": "Approve", "url": format!("{base}/{APPROVE}"), "confirm": "Approve 12 EUR?"}]);
    let (world, service, _broker) = world_with(approve).await;
    let shown = notice(&world).await.unwrap();
    let action = &shown["actions"][0];
    let address = format!("{}/{APPROVE}", service.url());
    assert_eq!(action["question"], "Approve 12 EUR?");
    let call = json!({"method": "POST", "host": service.url(), "path": format!("/{APPROVE}"), "address": address});
    assert_eq!(action["call"], call);

    // Without a confirmation, or with one of another address, nothing is sent.
    for confirmed in [None, Some("http://127.0.0.1/approvals/8/approve")] {
        assert_eq!(act(&world, "ok", confirmed).await.unwrap_err().code, CommandErrorCode::Gone);
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
        let done = act(&world, "ok", Some(&address)).await;
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
    let address = format!("{}/{APPROVE}", service.url());
    let result = async || notice(&world).await.unwrap()["actionResult"].clone();
    let meanwhile = async {
        service.wait_for_requests(APPROVE, 1).await;
        let result = result().await;
        // All its connections end.
        drop(service);
        result
    };
    let (done, before) = tokio::join!(act(&world, "ok", Some(&address)), meanwhile);
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
        let done = act(&world, &number.to_string(), Some(url)).await;
        assert!(
            done.is_ok() || done.as_ref().is_err_and(|error| error.code == CommandErrorCode::LinkRefused),
            "{url}: {done:?}"
        );
    }
    let address = format!("{}/{APPROVE}", service.url());
    assert_eq!(act(&world, "get", Some(&address)).await.unwrap_err().code, CommandErrorCode::LinkRefused);
    let known = [COLLECT, HISTORY].map(|call| service.requests(call).len()).iter().sum::<usize>();
    assert_eq!(service.requests("").len(), known, "only catch-up has asked the server");
}

#[tokio::test]
async fn a_settled_notice_has_no_buttons() {
    let approve = |base: &str| json!([{"id": "ok", "label": "Approve", "url": format!("{base}/{APPROVE}")}]);
    let (mut world, service, _broker) = world_with(approve).await;
    service.record([json!({"id": "7", "state": "decided", "version": 2})]);
    // The next session collects it.
    let values = serde_json::Map::from_iter([("app.theme".to_owned(), json!("dark"))]);
    world.app.ask(|reply| Request::SaveSettings { values, reply }).await.unwrap();
    while notice(&world).await.unwrap()["state"] == "open" {
        world.update(Some).await;
    }
    assert_eq!(notice(&world).await.unwrap()["actions"], json!([]));
    let address = format!("{}/{APPROVE}", service.url());
    assert_eq!(act(&world, "ok", Some(&address)).await.unwrap_err().code, CommandErrorCode::Gone);
    assert_eq!(service.requests(APPROVE).len(), 0);
}
