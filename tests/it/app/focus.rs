//! Who has the keyboard: the window comes to the front when a person asks for it, and never by
//! itself.

use harness::desktop::{Compositor, Parts, Recorder};
use harness::{FaultProxy, Running};

use super::{ALICE, Desk, is_in_front, pushd, see_window};
use crate::fixtures::{api, settings};

#[tokio::test]
async fn nothing_but_a_click_brings_the_window_to_the_front() {
    let pushd = pushd().await;
    let proxy = FaultProxy::start(pushd.http().trim_start_matches("http://")).await;
    let endpoint = format!("ws://{}/ws", proxy.address());
    let settings = settings(&endpoint, ALICE, &["destination = \"/user/queue/notices\""], &api(&pushd.api_base()));
    let token = pushd.login(ALICE, "secret").await;
    let Some(mut desk) = Desk::with(Parts::default(), &settings, &token).await else { return };
    let Some(_app) = desk.start(&[]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    see_window(&mut desk.desktop.screen).await;
    let own = desk.desktop.screen.windows().await.into_iter().find(|window| window.is_active).expect("a window").id;

    let _other = desk.desktop.screen.cover().await;
    let before = desk.desktop.screen.active_so_far().len();
    desk.send(&pushd, "First", "a notice arrives").await;
    desk.desktop.popups().next().await;
    desk.desktop.tray().wait_for("1 unread").await;
    let sessions = proxy.accepted();
    proxy.cut().await;
    proxy.wait_for_accepted(sessions + 1).await;
    desk.desktop.tray().wait_for("Connected").await;
    desk.desktop.tray().choose("For 1 hour").await;
    desk.desktop.tray().wait_for("End pause").await;
    desk.desktop.tray().choose("End pause").await;
    desk.desktop.take_tray_away().await;
    desk.desktop.bring_tray().await;
    desk.desktop.tray().wait_for("Connected").await;
    desk.send(&pushd, "Second", "after the reconnect").await;
    desk.desktop.popups().next().await;
    desk.desktop.tray().wait_for("2 unread").await;
    // What the window manager says in order: once it has named this one, all before it is known.
    let _later = desk.desktop.screen.cover().await;
    let since = desk.desktop.screen.active_so_far().split_off(before);
    assert!(!since.contains(&own), "the window took the keyboard: {own} in {since:?}");

    desk.desktop.click_popup().await;
    let windows = desk.desktop.screen.wait_for("the window in front", is_in_front).await;
    assert!(windows.iter().any(|window| window.is_active && window.id == own), "it is the same window");
}

#[tokio::test]
async fn on_wayland_a_click_on_popup_or_tray_brings_the_window_to_the_front_by_the_desktops_token() {
    let Some(mut compositor) = Compositor::start().await else { return };
    let pushd = pushd().await;
    let Some(desk) = Desk::in_parts(Parts { popups: false, ..Parts::ALL }, &pushd).await else { return };
    let mut service = Recorder::start(desk.desktop.bus(), &["actions", "body"]);
    let Some(mut command) = desk.app(&[]).await else { return };
    compositor.admit(&mut command);
    let _app = Running::spawn(command);
    compositor.wait_for_focus("belfry").await;
    desk.desktop.tray().wait_for("Connected").await;

    compositor.leave_windows().await;
    desk.send(&pushd, "First", "a notice arrives").await;
    let popup = service.notify().await;
    service.emit("ActivationToken", popup.number, &compositor.activation_token().expect("a token"));
    service.emit("ActionInvoked", popup.number, "default");
    compositor.wait_for_focus("belfry").await;

    compositor.leave_windows().await;
    desk.desktop.tray().click_with(&compositor.activation_token().expect("a token")).await;
    compositor.wait_for_focus("belfry").await;
}
