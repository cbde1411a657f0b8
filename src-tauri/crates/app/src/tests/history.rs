//! Older history, page by page.

use harness::api::{Answer, COLLECT, HISTORY};
use harness::http::Response;
use harness::{FakeApi, FakeBroker};
use serde_json::{Map, Value, json};

use super::everything;
use super::world::World;
use crate::Request;
use crate::ipc::{ExportFormat, Older};

/// A session on which nothing is ever delivered.
pub(super) async fn silent_broker() -> FakeBroker {
    FakeBroker::start(|_, mut wire| async move {
        wire.welcome().await;
        wire.serve().await;
    })
    .await
}

pub(super) fn settings(broker: &FakeBroker, service: &FakeApi) -> String {
    format!(
        "[server]\nendpoints = [\"{}\"]\n\n[[server.subscriptions]]\ndestination = \"/queue/alice\"\n\n\
         [auth]\nlogin = \"alice\"\n\n[api]\nbase = \"{}\"\n\n[inbox]\nretention_days = 3650\n",
        broker.url(),
        service.url()
    )
}

async fn load_older(world: &World) -> Older {
    world.app.ask(|reply| Request::LoadOlder { reply }).await.unwrap()
}

fn pages(service: &FakeApi) -> Vec<u64> {
    service.requests(HISTORY).iter().map(|request| request.body["pageNum"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn older_pages_come_one_by_one_each_once_and_begin_again_with_the_session() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    // Catch-up finds nothing: all of this is older history.
    for _ in 0..1_000 {
        let nothing = json!({"code": 0, "data": {"records": [], "next": null}});
        service.next(COLLECT, Answer::Instead(Response::json(200, &nothing)));
    }
    let mut world = World::set_up(&settings(&broker, &service), |_| ()).await;
    world.live().await;
    service.record((1..=450).map(|n| {
        let time = format!("2026-01-01T{:02}:{:02}:00Z", n / 60, n % 60);
        json!({"id": format!("m-{n}"), "title": format!("message {n}"), "sendTime": time})
    }));
    let before = pages(&service).len();

    // Two requests at a time read two pages, not one of them twice.
    let (first, second) = tokio::join!(load_older(&world), load_older(&world));
    let third = load_older(&world).await;
    assert_eq!([first, second, third].map(|older| older.added).iter().sum::<usize>(), 450);
    let last = load_older(&world).await;
    assert_eq!((last.added, last.has_more), (0, false));
    assert_eq!(pages(&service)[before..], [1, 2, 3, 4]);

    let (format, filter) = (ExportFormat::Json, everything());
    let exported = world.app.ask(|reply| Request::Export { format, filter, seqs: None, reply }).await.unwrap();
    let rows: Value = serde_json::from_str(&std::fs::read_to_string(exported.path).unwrap()).unwrap();
    assert_eq!((exported.count, rows.as_array().unwrap().len()), (450, 450));

    let before = pages(&service).len();
    let values = Map::from_iter([("app.theme".to_owned(), json!("dark"))]);
    world.app.ask(|reply| Request::SaveSettings { values, reply }).await.unwrap();
    let again = load_older(&world).await;
    assert_eq!((again.added, again.has_more), (0, false), "all is known");
    assert!(pages(&service)[before..].contains(&1), "the session begins with the first page");
}
