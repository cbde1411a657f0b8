//! What the server refuses with 403, and until when.

use harness::FakeApi;
use harness::api::{Answer, CLIENTS, DELETE, HISTORY};
use harness::http::Response;
use serde_json::json;

use super::history::{settings, silent_broker};
use super::world::World;
use crate::Request;
use crate::ipc::{CommandError, CommandErrorCode, Connectivity, FaultKind, Offers, Update};
use crate::request::WindowToken;
use crate::tray::TrayAction;

/// What is on offer in the next status that is this.
async fn offered(world: &mut World, is_it: impl Fn(Offers) -> bool) -> Offers {
    world
        .update(|update| match update {
            Update::Status { status } if status.state == Connectivity::Live => status.offers.filter(|now| is_it(*now)),
            _ => None,
        })
        .await
}

fn assert_not_permitted(error: &CommandError) {
    assert_eq!(error.code, CommandErrorCode::Server);
    assert_eq!(error.fault.as_ref().map(|fault| fault.kind), Some(FaultKind::NotPermitted), "{error:?}");
}

#[tokio::test]
async fn what_the_server_does_not_permit_is_said_and_not_offered_again_before_the_next_connect() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    service.record([json!({"id": "1", "title": "a message"})]);
    let text = format!("{}delete_on_server = true\n", settings(&broker, &service));
    let mut world = World::set_up(&text, |_| ()).await;
    let all = Offers { history: true, delete: true, clients: true };
    offered(&mut world, |now| now == all).await;

    let refusal = || Answer::Instead(Response::json(200, &json!({"code": 403, "msg": "no permission"})));
    service.next(CLIENTS, refusal());
    assert_not_permitted(&world.app.ask(|reply| Request::Clients { reply }).await.unwrap_err());
    offered(&mut world, |now| now == Offers { clients: false, ..all }).await;

    service.next(DELETE, Answer::Instead(Response::json(403, &json!({}))));
    let seqs = vec![1];
    assert_not_permitted(&world.app.ask(|reply| Request::RemoveOnServer { seqs, reply }).await.unwrap_err());
    offered(&mut world, |now| now == Offers { clients: false, delete: false, ..all }).await;

    // The pass 5 s after the connect may ask for a page of the history first.
    service.next(HISTORY, refusal());
    service.next(HISTORY, refusal());
    assert_not_permitted(&world.app.ask(|reply| Request::LoadOlder { reply }).await.unwrap_err());
    offered(&mut world, |now| now == Offers::default()).await;

    world.app.send(Request::Tray { action: TrayAction::Disconnect, token: WindowToken::default() });
    world.app.send(Request::Tray { action: TrayAction::Connect, token: WindowToken::default() });
    offered(&mut world, |now| now == all).await;
}
