//! `--smoke-test`, with which packages and fleets check an installation. It ends within 60 s, as long as
//! [`harness::Running::wait`] waits.

use harness::desktop::Parts;
use harness::ports::free_port;

use super::{ALICE, Desk, pushd};
use crate::fixtures::settings;

#[tokio::test]
async fn the_smoke_test_shows_and_withdraws_one_notification_and_ends_with_0() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(mut app) = desk.start(&["--smoke-test"]).await else { return };
    let status = app.wait().await;
    assert_eq!(status.code(), Some(0), "{}", app.stderr());
    let popups = desk.desktop.popups().all().await;
    assert_eq!(popups.len(), 1, "{popups:?}");
    assert_eq!(desk.desktop.popups().displayed().await, 0, "it is withdrawn");
    assert_eq!(desk.person.inbox().await.len(), 0);
}

#[tokio::test]
async fn the_smoke_test_says_that_no_server_answers_and_ends_with_4() {
    let endpoint = format!("ws://127.0.0.1:{}/ws", free_port());
    let settings = settings(&endpoint, ALICE, &["destination = \"/user/queue/notices\""], "");
    let Some(mut desk) = Desk::with(Parts::default(), &settings, "token").await else { return };
    let Some(mut app) = desk.start(&["--smoke-test"]).await else { return };
    let status = app.wait().await;
    assert_eq!(status.code(), Some(4), "{}", app.stderr());
    assert!(app.stderr().contains("cannot be reached"), "{}", app.stderr());
    assert_eq!(desk.desktop.popups().all().await.len(), 0);
}
