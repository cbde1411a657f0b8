//! The settings in the real window: changes apply at once and are saved; diagnostics and devices
//! are shown.

use harness::Page;
use harness::webdriver::Target;

use super::{Desk, pushd};

async fn open_settings(page: &mut Page, name: &str) {
    page.see(Target::Css("footer.live")).await;
    page.click(Target::Role("button", "Settings")).await;
    page.click(Target::Role("button", name)).await;
}

#[tokio::test]
async fn a_chosen_language_is_used_at_once_and_after_the_next_start() {
    let pushd = pushd().await;
    let Some(desk) = Desk::of(&pushd).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    open_settings(&mut page, "General").await;
    page.click(Target::Css("select option[value='zh-CN']")).await;
    page.see(Target::Role("heading", "常规")).await;
    desk.desktop.tray().wait_for("退出 Belfry").await;
    drop(page);
    let settings = std::fs::read_to_string(desk.person.home.settings_file()).expect("the settings");
    assert!(settings.contains("language = \"zh-CN\""), "{settings}");
    let Some(mut page) = desk.open(&[]).await else { return };
    page.see(Target::Role("searchbox", "搜索")).await;
    page.see(Target::Text("还没有通知")).await;
}

#[tokio::test]
async fn the_diagnostics_check_every_step_and_find_no_error() {
    let pushd = pushd().await;
    let Some(desk) = Desk::of(&pushd).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    open_settings(&mut page, "Diagnostics").await;
    page.click(Target::Role("button", "Run diagnostics")).await;
    page.see(Target::Role("button", "Copy for IT")).await;
    page.see(Target::Text("No problems found.")).await;
}

#[tokio::test]
async fn the_signed_in_devices_are_listed_and_this_one_is_marked() {
    let pushd = pushd().await;
    let Some(desk) = Desk::of(&pushd).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    open_settings(&mut page, "Devices").await;
    page.see(Target::Text("This computer")).await;
}
