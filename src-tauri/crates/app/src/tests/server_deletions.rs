//! Deleting on the server while it cannot be asked.

use harness::api::{Answer, DELETE};
use harness::{FakeApi, FakeBroker};
use serde_json::json;

use super::everything;
use super::history::{settings, silent_broker};
use super::world::World;
use crate::Request;
use crate::ipc::{CommandErrorCode, Connectivity, Offers, PageQuery, RemovedOnServer, Update};
use crate::request::WindowToken;
use crate::tray::TrayAction;

async fn world(service: &FakeApi) -> (FakeBroker, World) {
    let broker = silent_broker().await;
    service.record(["1", "2"].map(|id| json!({"id": id, "title": "a message"})));
    let mut world = World::set_up(&format!("{}delete_on_server = true\n", settings(&broker, service)), |_| ()).await;
    world.live().await;
    (broker, world)
}

async fn delete(world: &World, seqs: &[i64]) -> RemovedOnServer {
    let seqs = seqs.to_vec();
    world.app.ask(|reply| Request::RemoveOnServer { seqs, reply }).await.unwrap()
}

/// Whether the open notice says that it waits.
async fn waits(world: &World, seq: i64) -> bool {
    let detail = world.app.ask(|reply| Request::Notice { seq, text: String::new(), reply }).await.unwrap();
    !serde_json::to_value(detail.unwrap()).unwrap()["serverDeletion"].is_null()
}

/// The keys in the inbox once it has so many notices.
async fn until_there_are(world: &mut World, count: usize) {
    loop {
        let query = PageQuery { before: None, after: None, limit: 10, filter: everything() };
        if world.app.ask(|reply| Request::Page { query, reply }).await.unwrap().rows.len() == count {
            return;
        }
        world.update(|update| (update == Update::Inbox).then_some(())).await;
    }
}

fn tray(world: &World, action: TrayAction) {
    world.app.send(Request::Tray { action, token: WindowToken::default() });
}

fn asked(service: &FakeApi) -> Vec<String> {
    service.requests(DELETE).iter().map(|request| request.body["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_deletion_whose_request_was_lost_is_kept_and_sent_again_until_the_server_answers() {
    let service = FakeApi::start().await;
    let (_broker, mut world) = world(&service).await;
    service.next(DELETE, Answer::Lost);
    assert_eq!(delete(&world, &[1, 2]).await, RemovedOnServer { deleted: 0, waiting: 2 });
    until_there_are(&mut world, 0).await;
    assert_eq!(asked(&service), ["1", "1", "2"]);
}

#[tokio::test]
async fn a_deletion_that_waits_can_be_taken_back_and_one_that_does_not_wait_cannot() {
    let service = FakeApi::start().await;
    let (_broker, mut world) = world(&service).await;
    tray(&world, TrayAction::Disconnect);
    let offered = world
        .update(|update| match update {
            Update::Status { status } if status.state == Connectivity::Offline => status.offers,
            _ => None,
        })
        .await;
    assert_eq!(offered, Offers { delete: true, ..Offers::default() });
    service.next(DELETE, Answer::Lost);
    assert_eq!(delete(&world, &[1]).await, RemovedOnServer { deleted: 0, waiting: 1 });
    assert!(waits(&world, 1).await && !waits(&world, 2).await);
    world.app.ask(|reply| Request::KeepOnServer { seqs: vec![1], reply }).await.unwrap();
    assert!(!waits(&world, 1).await);
    let again = world.app.ask(|reply| Request::KeepOnServer { seqs: vec![1], reply }).await.unwrap_err();
    assert_eq!(again.code, CommandErrorCode::Gone);
    tray(&world, TrayAction::Connect);
    world.live().await;
    assert_eq!(delete(&world, &[2]).await, RemovedOnServer { deleted: 1, waiting: 0 });
    until_there_are(&mut world, 1).await;
    assert_eq!(asked(&service), ["1", "2"]);
}
