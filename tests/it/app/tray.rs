//! The tray icon, over the interface that panels use.

use harness::desktop::{Badge, Dock, Parts};
use serde_json::json;

use super::{ALICE, Desk, is_in_front, pushd, see_window};

#[tokio::test]
async fn the_icon_says_state_and_count_and_its_menu_opens_the_newest_notices() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(_app) = desk.start(&["--hidden"]).await else { return };
    let idle = desk.desktop.tray().shown_with("Connected").await;
    assert_eq!(idle.tooltip, "Belfry · Connected");
    for title in ["First", "Second_x", "R&D", "Fourth"] {
        desk.send(&pushd, title, "text").await;
    }
    desk.desktop.tray().wait_for("4 unread").await;
    let shown = desk.desktop.tray().shown_with("Fourth").await;
    assert_eq!(shown.tooltip, "Belfry · Connected · 4 unread");
    assert_ne!(shown.pixels, idle.pixels, "the icon has the number");
    let (width, height, pixels) = &shown.pixels[0];
    assert_eq!(pixels.len(), usize::try_from(width * height * 4).expect("a size"));
    assert!(pixels.chunks(4).any(|argb| argb == [255, 0xe5, 0x48, 0x4d]), "the red of the number, as ARGB");
    let newest = &shown.entries[2..5];
    assert_eq!(newest, ["Fourth", "R&D", "Second_x"], "nothing in a title marks a key: {shown:?}");

    desk.desktop.tray().choose("R&D").await;
    desk.desktop.screen.wait_for("the window in front", is_in_front).await;
    // It is this notice that is shown, and therefore read.
    desk.desktop.tray().wait_for("3 unread").await;
}

#[tokio::test]
async fn a_left_click_opens_the_window_and_the_menu_its_settings() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(_app) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    assert_eq!(desk.desktop.screen.windows().await, []);
    desk.desktop.tray().click().await;
    // Until it is painted, it may still take the focus.
    see_window(&mut desk.desktop.screen).await;
    let _other = desk.desktop.screen.cover().await;
    desk.desktop.tray().choose("Settings").await;
    desk.desktop.screen.wait_for("the window in front", is_in_front).await;
}

#[tokio::test]
async fn the_icon_comes_with_a_late_tray_and_comes_back_after_the_tray_was_restarted() {
    let pushd = pushd().await;
    let parts = Parts { tray: false, ..Parts::default() };
    let Some(mut desk) = Desk::in_parts(parts, &pushd).await else { return };
    let Some(mut app) = desk.start(&[]).await else { return };
    app.says("no tray at the moment").await;
    see_window(&mut desk.desktop.screen).await;
    for _ in 0..2 {
        desk.desktop.bring_tray().await;
        desk.desktop.tray().wait_for("Connected").await;
        let _other = desk.desktop.screen.cover().await;
        desk.desktop.tray().click().await;
        desk.desktop.screen.wait_for("the window in front", is_in_front).await;
        desk.desktop.take_tray_away().await;
    }
}

#[tokio::test]
async fn a_pause_is_chosen_changed_and_ended_in_the_tray_which_says_until_when() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(_app) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    desk.desktop.tray().choose("For 1 hour").await;
    desk.desktop.tray().entry_with("Connected · paused until ").await;
    desk.send(&pushd, "Held back", "text").await;
    desk.desktop.tray().wait_for("1 unread").await;
    desk.desktop.tray().choose("Until tomorrow").await;
    // Its end is not today, so the day is said.
    let is_longer = |entry: &str| {
        let day = entry.strip_prefix("Connected · paused until ").and_then(|end| end.strip_suffix(" 08:00"));
        day.is_some_and(|day| day.len() == "Mon".len())
    };
    let longer = desk.desktop.tray().entry_that(is_longer).await;
    let shown = desk.desktop.tray().shown_with(&longer).await;
    assert_eq!(shown.tooltip, format!("Belfry · {longer} · 1 unread"));
    desk.desktop.tray().choose("End pause").await;
    desk.desktop.tray().wait_for("Connected").await;
    assert_eq!(desk.desktop.popups().next().await.title, "Held back");
    assert_eq!(desk.desktop.popups().all().await.len(), 1, "once, when the pause was over");
}

#[tokio::test]
async fn the_dock_has_the_number_of_unread_notices_also_after_the_panel_was_restarted() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let mut dock = Dock::start(desk.desktop.bus()).await;
    let Some(_app) = desk.start(&["--hidden"]).await else { return };
    let badge = |count| Badge { program: "application://belfry.desktop".to_owned(), count, is_visible: count > 0 };
    desk.desktop.tray().wait_for("Connected").await;
    let first = desk.send(&pushd, "First", "text").await;
    assert_eq!(dock.next().await, badge(1));
    desk.send(&pushd, "Second", "text").await;
    assert_eq!(dock.next().await, badge(2));
    desk.desktop.take_tray_away().await;
    desk.desktop.bring_tray().await;
    assert_eq!(dock.next().await, badge(2), "a panel that has just started knows nothing");
    let settled = json!({"id": first, "title": "First", "content": "text", "type": "1", "receiver": [ALICE],
        "state": "decided", "version": 2});
    pushd.call(&desk.person.token, "sendMessage", &settled).await;
    assert_eq!(dock.next().await, badge(1), "what is decided elsewhere does not count");
    desk.desktop.tray().choose("Second").await;
    assert_eq!(dock.next().await, badge(0), "it was read");
}

#[tokio::test]
async fn the_icon_and_the_number_on_the_dock_come_back_after_the_session_bus_was_restarted() {
    let pushd = pushd().await;
    let parts = Parts { popups: false, keychain: None, ..Parts::default() };
    let Some(mut desk) = Desk::in_parts(parts, &pushd).await else { return };
    let Some(mut app) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    desk.send(&pushd, "First", "text").await;
    desk.desktop.tray().wait_for("1 unread").await;
    desk.desktop.restart_bus().await;
    desk.desktop.tray().wait_for("1 unread").await;
    let mut dock = Dock::start(desk.desktop.bus()).await;
    desk.send(&pushd, "Second", "text").await;
    desk.desktop.tray().wait_for("2 unread").await;
    while dock.next().await.count != 2 {}
    desk.desktop.tray().click().await;
    see_window(&mut desk.desktop.screen).await;
    assert_eq!(app.terminate().await.code(), Some(0));
}
