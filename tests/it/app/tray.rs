//! The tray icon, over the interface that panels use.

use harness::desktop::Parts;

use super::{Desk, is_in_front, pushd, see_window};

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
        desk.desktop.take_tray_away();
    }
}
