//! What is wrong, said where a person looks, with what to do: in the window, or in the log when there can be no window.

use harness::desktop::{Parts, Window};
use harness::ports::free_port;
use harness::webdriver::Target;
use harness::{Desktop, Running};

use super::{ALICE, Desk, is_in_front, pushd, see_window};
use crate::world::{api, pushd_settings, settings};

const QUEUE: &str = "destination = \"/user/queue/notices\"";

#[tokio::test]
async fn a_server_that_is_not_there_is_said_in_the_window() {
    let endpoint = format!("ws://127.0.0.1:{}/ws", free_port());
    let settings = settings(&endpoint, ALICE, &[QUEUE], "");
    let Some(desk) = Desk::with(Parts::default(), &settings, "token").await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    let said = page.see(Target::Text("The server cannot be reached.")).await;
    assert!(said.contains("Check your network or VPN"), "{said}");
    page.see(Target::Role("button", "Try now")).await;
    desk.desktop.tray().wait_for("Offline").await;
}

#[tokio::test]
async fn a_token_the_server_refuses_is_said_with_the_way_to_sign_in_again() {
    let pushd = pushd().await;
    let settings = pushd_settings(&pushd, ALICE);
    let Some(desk) = Desk::with(Parts::default(), &settings, "wrong").await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    let said = page.see(Target::Text("refused the sign-in")).await;
    assert!(said.contains("ign in again"), "{said}");
    desk.desktop.tray().wait_for("Action needed").await;
    page.click(Target::Role("button", "Sign in")).await;
    page.see(Target::Role("textbox", "Account")).await;
}

#[tokio::test]
async fn a_server_without_the_api_is_said_while_what_is_sent_arrives() {
    let pushd = pushd().await;
    let settings = settings(pushd.stomp(), ALICE, &[QUEUE], &api(&format!("{}/nowhere", pushd.http())));
    let token = pushd.login(ALICE, "secret").await;
    let Some(mut desk) = Desk::with(Parts::default(), &settings, &token).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    let said = page.see(Target::Text("Missed notices cannot be fetched right now")).await;
    assert!(said.contains("HTTP 404") && said.contains("(api.base, api.collect)"), "{said}");
    desk.send(&pushd, "Live", "all the same").await;
    assert_eq!(desk.desktop.popups().next().await.title, "Live");
}

#[tokio::test]
async fn without_a_session_bus_the_window_is_shown_and_only_put_away_when_it_is_closed() {
    let pushd = pushd().await;
    let parts = Parts { bus: false, ..Parts::default() };
    let Some(mut desk) = Desk::in_parts(parts, &pushd).await else { return };
    let Some(mut app) = desk.start(&["--hidden"]).await else { return };
    app.says("start the app inside a desktop session").await;
    see_window(&mut desk.desktop.screen).await;
    close_to_minimised(&mut desk, &mut app).await;
}

#[tokio::test]
async fn without_a_tray_host_no_window_is_ever_hidden() {
    let pushd = pushd().await;
    let parts = Parts { tray: false, ..Parts::default() };
    let Some(mut desk) = Desk::in_parts(parts, &pushd).await else { return };
    let Some(mut app) = desk.start(&["--hidden"]).await else { return };
    // A panel may come later than we do, so it is waited for.
    app.says("on GNOME, enable the AppIndicator extension").await;
    see_window(&mut desk.desktop.screen).await;
    close_to_minimised(&mut desk, &mut app).await;
}

/// Closes the window as a person does, and finds it put away; a second start brings it back.
async fn close_to_minimised(desk: &mut Desk, app: &mut Running) {
    desk.desktop.screen.press("alt+F4").await;
    app.says("the window is minimised instead of closed").await;
    let is_put_away = |windows: &[_]| matches!(windows, [window] if is_minimised(window));
    desk.desktop.screen.wait_for("the window put away", is_put_away).await;
    let Some(mut second) = desk.start(&[]).await else { return };
    assert_eq!(second.wait().await.code(), Some(0));
    desk.desktop.screen.wait_for("the window in front", is_in_front).await;
}

fn is_minimised(window: &Window) -> bool {
    window.is_minimised
}

#[tokio::test]
async fn a_settings_file_with_an_error_is_said_with_the_keys_nobody_knows_and_ends_the_app() {
    let wrong = "[server]\nendpoints = [\"ws://127.0.0.1:9/ws\"]\npoll_evry = \"5s\"\n[auth]\nmode = \"tokn\"\n";
    let Some(desk) = Desk::with(Parts::default(), wrong, "token").await else { return };
    let Some(mut app) = desk.start(&[]).await else { return };
    assert_eq!(app.wait().await.code(), Some(2));
    let said = app.stderr();
    assert!(said.contains("server.poll_every") && said.contains("settings.toml:5: auth.mode"), "{said}");
}

#[tokio::test]
async fn without_a_display_it_says_so_and_ends() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    desk.desktop.screen.go_away().await;
    let Some(mut app) = desk.start(&[]).await else { return };
    assert_eq!(app.wait().await.code(), Some(1));
    let said = app.stderr();
    assert!(said.contains("start Belfry in a desktop session"), "{said}");
}

#[tokio::test]
async fn a_display_that_goes_away_ends_the_app_and_nothing_is_lost() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(mut app) = desk.start(&[]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    see_window(&mut desk.desktop.screen).await;
    let mut sent = vec![desk.send(&pushd, "before", "text").await];
    assert_eq!(desk.desktop.popups().next().await.title, "before");
    desk.desktop.screen.go_away().await;
    assert_eq!(app.wait().await.code(), Some(1));
    sent.push(desk.send(&pushd, "after", "text").await);
    // The same person, in another session.
    let Some(desktop) = Desktop::start().await else { return };
    desk.desktop = desktop;
    let Some(mut app) = desk.start(&["--hidden"]).await else { return };
    assert_eq!(desk.desktop.popups().next().await.title, "after");
    desk.desktop.tray().wait_for("Connected").await;
    assert_eq!(app.terminate().await.code(), Some(0));
    assert_eq!(desk.desktop.popups().all().await.len(), 1, "what had popped up before does not again");
    sent.sort();
    assert_eq!(desk.person.inbox_ids().await, sent);
}
