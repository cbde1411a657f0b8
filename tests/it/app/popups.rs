//! Popups of new notices, and clicks on them.

use harness::webdriver::Target;

use super::{Desk, is_in_front, pushd};

#[tokio::test]
async fn a_notice_pops_up_as_it_was_sent_and_a_click_shows_it_in_the_window() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    let _other = desk.desktop.screen.cover().await;
    desk.send(&pushd, "Trip <b>to</b> Oslo", "5 < 6 & <i>7</i>").await;
    let popup = desk.desktop.popups().next().await;
    assert_eq!(popup.title, "Trip <b>to</b> Oslo");
    assert_eq!(popup.body, "5 &lt; 6 &amp; &lt;i&gt;7&lt;/i&gt;");
    desk.desktop.click_popup().await;
    desk.desktop.screen.wait_for("the window in front", is_in_front).await;
    let text = page.see(Target::Role("article", "Trip <b>to</b> Oslo")).await;
    assert!(text.contains("5 < 6 & <i>7</i>"), "{text}");
}

#[tokio::test]
async fn a_click_on_a_popup_creates_the_window_if_there_is_none() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(_app) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    assert_eq!(desk.desktop.screen.windows().await, [], "it starts in the tray");
    desk.send(&pushd, "Lunch", "at noon").await;
    desk.desktop.popups().next().await;
    desk.desktop.click_popup().await;
    desk.desktop.screen.wait_for("the window in front", is_in_front).await;
}
