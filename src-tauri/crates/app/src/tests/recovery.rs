//! A part of the engine panics while the app runs.

use harness::FakeApi;
use serde_json::json;

use super::history::{settings, silent_broker};
use super::world::World;
use crate::Request;
use crate::ipc::{Connectivity, Status, Update};

fn status(update: Update) -> Option<Status> {
    if let Update::Status { status } = update { Some(status) } else { None }
}

async fn arrives(world: &World, service: &FakeApi, id: &str) {
    service.record([json!({"id": id, "title": format!("Expense {id}"), "state": "open"})]);
    world.app.ask(|reply| Request::TryNow { reply }).await.unwrap();
}

#[tokio::test]
async fn an_engine_whose_part_panics_is_shown_as_offline_and_replaced_by_one_that_goes_on() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    let mut world = World::set_up(&settings(&broker, &service), |_| ()).await;
    world.live().await;
    world.panic_at_next();
    arrives(&world, &service, "1").await;
    let is_waiting = |status: &Status| status.state == Connectivity::Offline && status.retry_in_ms.is_some();
    world.update(|update| status(update).filter(is_waiting)).await;
    // A person who cannot wait asks for it.
    world.app.ask(|reply| Request::TryNow { reply }).await.unwrap();
    world.live().await;
    arrives(&world, &service, "2").await;
    let (popup, _) = world.popup().await;
    assert_eq!(popup.title, "Expense 2", "the first popup may have been seen, so it is not repeated");
    world.app.send(Request::Quit { code: 0 });
    world.ended().await;
    assert!(!engine::runtime::data_dir::is_running(&world.data_dir()), "the data folder is free");
}
