//! The test notice, from the server to the window.

use std::time::Duration;

use harness::FakeApi;
use harness::api::{Answer, SEND};
use harness::http::Response;
use serde_json::Value;

use super::account::pushd;
use super::history::{settings, silent_broker};
use super::world::World;
use crate::Request;
use crate::ipc::{CommandErrorCode, TestFailure, TestStep, Update};

fn test(update: Update) -> Option<(TestStep, Option<TestFailure>)> {
    if let Update::Test { step, failure } = update { Some((step, failure)) } else { None }
}

async fn ask(world: &World) {
    world.app.ask(|reply| Request::TestNotice { reply }).await.unwrap();
}

#[tokio::test]
async fn a_test_notice_is_told_to_the_window_step_by_step() {
    let pushd = pushd().await;
    let mut world = World::first_run().await;
    let address = pushd.address().to_string();
    world.discover(&address).await.unwrap();
    world.sign_in(&address, "alice", "open sesame").await.unwrap();
    world.live().await;
    ask(&world).await;
    for step in [TestStep::Sent, TestStep::Delivered, TestStep::Stored, TestStep::Shown] {
        assert_eq!(world.update(test).await, (step, None));
    }
}

#[tokio::test]
async fn a_test_notice_that_never_arrives_ends_with_the_reason() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    let no_wait = |controller: &mut crate::Controller<_>| controller.test.limit = Duration::ZERO;
    let mut world = World::set_up(&settings(&broker, &service), no_wait).await;
    world.live().await;
    ask(&world).await;
    assert_eq!(world.update(test).await, (TestStep::Sent, None));
    let failed = (TestStep::Delivered, Some(TestFailure::NothingCame { seconds: 0 }));
    assert_eq!(world.update(test).await, failed);
}

#[tokio::test]
async fn a_test_notice_that_the_server_refuses_ends_with_the_servers_answer() {
    let (broker, service) = (silent_broker().await, FakeApi::start().await);
    let mut world = World::set_up(&settings(&broker, &service), |_| ()).await;
    world.live().await;
    service.next(SEND, Answer::Instead(Response::json(500, &Value::Null)));
    ask(&world).await;
    let (step, failure) = world.update(test).await;
    assert_eq!(step, TestStep::Sent);
    assert!(matches!(failure, Some(TestFailure::NotSent { error }) if error.code == CommandErrorCode::Server));
}

#[tokio::test]
async fn without_a_connection_a_test_notice_fails_at_once() {
    let world = World::first_run().await;
    let error = world.app.ask(|reply| Request::TestNotice { reply }).await.unwrap_err();
    assert_eq!(error.code, CommandErrorCode::Offline);
}
