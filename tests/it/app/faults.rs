//! Errors are shown where the user sees them, with what to do: in the window, or in the log if
//! there can be no window.

use harness::desktop::{Parts, Window};
use harness::ports::free_port;
use harness::webdriver::Target;
use harness::{Desktop, Running};

use super::{ALICE, Desk, is_in_front, pushd, see_window};
use crate::fixtures::{api, pushd_settings, settings};

const QUEUE: &str = "destination = \"/user/queue/notices\"";

#[tokio::test]
async fn an_unreachable_server_is_shown_in_the_window() {
    let endpoint = format!("ws://127.0.0.1:{}/ws", free_port());
    let settings = settings(&endpoint, ALICE, &[QUEUE], "");
    let Some(desk) = Desk::with(Parts::default(), &settings, "token").await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    let text = page.see(Target::Text("The server cannot be reached.")).await;
    assert!(text.contains("Check your network or VPN"), "{text}");
    page.see(Target::Role("button", "Try now")).await;
    desk.desktop.tray().wait_for("Offline").await;
}

#[tokio::test]
async fn a_refused_token_is_shown_with_a_button_to_sign_in_again() {
    let pushd = pushd().await;
    let settings = pushd_settings(&pushd, ALICE);
    let Some(desk) = Desk::with(Parts::default(), &settings, "wrong").await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    let text = page.see(Target::Text("refused the sign-in")).await;
    assert!(text.contains("ign in again"), "{text}");
    desk.desktop.tray().wait_for("Action needed").await;
    page.click(Target::Role("button", "Sign in")).await;
    page.see(Target::Role("textbox", "Account")).await;
}

#[tokio::test]
async fn a_server_without_the_api_is_shown_and_live_messages_still_arrive() {
    let pushd = pushd().await;
    let settings = settings(pushd.stomp(), ALICE, &[QUEUE], &api(&format!("{}/nowhere", pushd.http())));
    let token = pushd.login(ALICE, "secret").await;
    let Some(mut desk) = Desk::with(Parts::default(), &settings, &token).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    let text = page.see(Target::Text("Missed notices cannot be fetched right now")).await;
    assert!(text.contains("HTTP 404") && text.contains("(api.base, api.collect)"), "{text}");
    desk.send(&pushd, "Live", "all the same").await;
    assert_eq!(desk.desktop.popups().next().await.title, "Live");
}

#[tokio::test]
async fn without_a_session_bus_the_window_is_shown_and_minimised_when_it_is_closed() {
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
    // A panel may start after the app, so the app waits for it first.
    app.says("on GNOME, enable the AppIndicator extension").await;
    see_window(&mut desk.desktop.screen).await;
    close_to_minimised(&mut desk, &mut app).await;
}

/// Closes the window with the keyboard: it is minimised, and a second start shows it again.
async fn close_to_minimised(desk: &mut Desk, app: &mut Running) {
    desk.desktop.screen.press("alt+F4").await;
    app.says("the window is minimised instead of closed").await;
    let is_only_minimised = |windows: &[_]| matches!(windows, [window] if is_minimised(window));
    desk.desktop.screen.wait_for("the minimised window", is_only_minimised).await;
    let Some(mut second) = desk.start(&[]).await else { return };
    assert_eq!(second.wait().await.code(), Some(0));
    desk.desktop.screen.wait_for("the window in front", is_in_front).await;
}

fn is_minimised(window: &Window) -> bool {
    window.is_minimised
}

#[tokio::test]
async fn an_error_in_the_settings_file_is_reported_with_the_unknown_keys_and_ends_the_app() {
    let wrong = "[server]\nendpoints = [\"ws://127.0.0.1:9/ws\"]\npoll_evry = \"5s\"\n[auth]\nmode = \"tokn\"\n";
    let Some(desk) = Desk::with(Parts::default(), wrong, "token").await else { return };
    let Some(mut app) = desk.start(&[]).await else { return };
    assert_eq!(app.wait().await.code(), Some(2));
    let text = app.stderr();
    assert!(text.contains("server.poll_every") && text.contains("settings.toml:5: auth.mode"), "{text}");
}

#[tokio::test]
async fn without_a_display_the_app_reports_it_and_ends() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    desk.desktop.screen.go_away().await;
    let Some(mut app) = desk.start(&[]).await else { return };
    assert_eq!(app.wait().await.code(), Some(1));
    let text = app.stderr();
    assert!(text.contains("start Belfry in a desktop session"), "{text}");
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
    // The same user in another session.
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
