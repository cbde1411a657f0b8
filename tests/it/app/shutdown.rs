//! How the app ends: with DISCONNECT when it is asked to end, and without a loss when it is killed.

use std::sync::Arc;

use harness::FakeBroker;
use harness::desktop::{Parts, Popup};
use harness::program::PATIENCE;
use stomp::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Desk, pushd, see_window};
use crate::fixtures::settings;

#[tokio::test]
async fn sigterm_and_quit_in_the_tray_menu_send_disconnect() {
    let disconnects = Arc::new(Semaphore::new(0));
    let received = Arc::clone(&disconnects);
    let broker = FakeBroker::start(move |_, mut wire| {
        let received = Arc::clone(&received);
        async move {
            wire.welcome().await;
            wire.serve_until(Command::Disconnect).await;
            received.add_permits(1);
        }
    })
    .await;
    let settings = settings(&broker.url(), "alice", &["destination = \"/queue/test\""], "");
    let Some(mut desk) = Desk::with(Parts::default(), &settings, "token").await else { return };

    let Some(mut app) = desk.start(&[]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    see_window(&mut desk.desktop.screen).await;
    assert_eq!(app.terminate().await.code(), Some(0));
    timeout(PATIENCE, disconnects.acquire()).await.expect("DISCONNECT").unwrap().forget();

    let Some(mut app) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    desk.desktop.tray().choose("Quit Belfry").await;
    assert_eq!(app.wait().await.code(), Some(0));
    timeout(PATIENCE, disconnects.acquire()).await.expect("DISCONNECT").unwrap().forget();
}

#[tokio::test]
async fn what_is_sent_after_the_app_was_killed_arrives_once_and_nothing_pops_up_twice() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let mut sent = Vec::new();
    let Some(mut app) = desk.start(&[]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    sent.push(desk.send(&pushd, "before", "text").await);
    assert_eq!(desk.desktop.popups().next().await.title, "before");
    app.kill().await;
    let titles = ["meanwhile 1", "meanwhile 2", "meanwhile 3"];
    for title in titles {
        sent.push(desk.send(&pushd, title, "text").await);
    }
    let Some(mut app) = desk.start(&["--hidden"]).await else { return };
    let mut popups = Vec::new();
    let pops_up = |popups: &[Popup], title: &str| {
        popups.iter().filter(|popup| popup.title == title || popup.body.contains(title)).count()
    };
    while titles.iter().any(|title| pops_up(&popups, title) == 0) {
        popups.push(desk.desktop.popups().next().await);
    }
    sent.push(desk.send(&pushd, "after", "text").await);
    while desk.desktop.popups().next().await.title != "after" {}
    assert_eq!(app.terminate().await.code(), Some(0));
    let popups = desk.desktop.popups().all().await;
    for title in titles.iter().chain(&["before", "after"]) {
        assert_eq!(pops_up(&popups, title), 1, "{title} in {popups:?}");
    }
    sent.sort();
    assert_eq!(desk.person.inbox_ids().await, sent);
}
