//! The inbox in the real window: reading, searching, deleting, exporting, copying, and the same
//! offline.

use harness::desktop::Parts;
use harness::proxy::Faults;
use harness::webdriver::Target;
use harness::{FaultProxy, Page, Pushd};
use serde_json::{Value, json};

use super::{ALICE, Desk, pushd, see_window};
use crate::fixtures::{api, ids, pushd_settings, settings};
use crate::server_deletions::counting;

const ESCAPE: &str = "\u{E00C}";
const SEARCH: Target<'_> = Target::Role("searchbox", "Search");

/// Sends three notices; each is in the list before the next one is sent. Returns their ids.
async fn receive_three(desk: &Desk, pushd: &Pushd, page: &mut Page) -> Vec<String> {
    let mut sent = Vec::new();
    for (title, content) in
        [("Team offsite", "480.00 EUR"), ("服务器维护通知", "今晚十点开始"), ("Lunch", "Soup & bread at noon")]
    {
        sent.push(desk.send(pushd, title, content).await);
        page.see(Target::Text(title)).await;
    }
    sent.sort();
    sent
}

#[tokio::test]
async fn what_arrives_is_found_by_any_part_of_it_in_english_and_chinese() {
    let pushd = pushd().await;
    let Some(desk) = Desk::of(&pushd).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    receive_three(&desk, &pushd, &mut page).await;
    for (text, title) in
        [("维护", "服务器维护通知"), ("十点", "服务器维护通知"), ("soup", "Lunch"), ("480", "Team offsite")]
    {
        page.type_into(SEARCH, text).await;
        page.wait_until("document.querySelectorAll('[role=option]').length === 1").await;
        page.see(Target::Role("option", "Unread")).await;
        page.see(Target::Text(title)).await;
        page.press(ESCAPE).await;
        page.wait_until("document.querySelectorAll('[role=option]').length === 3").await;
    }
    page.type_into(SEARCH, "nothing of the kind").await;
    page.see(Target::Text("No matching notices")).await;
}

#[tokio::test]
async fn a_read_notice_is_not_counted_until_it_is_marked_as_unread() {
    let pushd = pushd().await;
    let Some(desk) = Desk::of(&pushd).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    receive_three(&desk, &pushd, &mut page).await;
    desk.desktop.tray().wait_for("3 unread").await;
    page.click(Target::Text("Lunch")).await;
    page.see(Target::Role("article", "Lunch")).await;
    desk.desktop.tray().wait_for("2 unread").await;
    page.click(Target::Role("button", "Mark as unread")).await;
    desk.desktop.tray().wait_for("3 unread").await;
    page.see(Target::Role("button", "Mark as read")).await;
    page.click(Target::Role("button", "More actions")).await;
    page.click(Target::Role("menuitem", "Mark all as read")).await;
    page.wait_until("!document.querySelector('[role=option].unread')").await;
    page.click(Target::Role("button", "Unread")).await;
    page.see(Target::Text("No matching notices")).await;
}

#[tokio::test]
async fn a_deletion_can_be_undone_and_otherwise_is_permanent() {
    let pushd = pushd().await;
    let Some(desk) = Desk::of(&pushd).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    let mut sent = receive_three(&desk, &pushd, &mut page).await;
    let row = "document.querySelectorAll('[role=option]').length";
    page.click(Target::Text("Lunch")).await;
    page.click(Target::Role("button", "Delete")).await;
    page.wait_until(&format!("{row} === 2")).await;
    page.click(Target::Role("button", "Undo")).await;
    page.wait_until(&format!("{row} === 3")).await;
    let deleted = desk.person.inbox().await.into_iter().find(|notice| notice["title"] == "Lunch").expect("it is back");
    page.click(Target::Text("Lunch")).await;
    page.click(Target::Role("button", "Delete")).await;
    page.wait_until(&format!("{row} === 2")).await;
    sent.retain(|id| deleted["id"] != id.as_str());
    assert_eq!(desk.person.inbox_ids().await, sent);
    // The server still has it and catch-up requests it again, but it stays deleted.
    drop(page);
    let Some(mut page) = desk.open(&[]).await else { return };
    page.see(Target::Css("footer.live")).await;
    assert_eq!(desk.person.inbox_ids().await, sent);
}

#[tokio::test]
async fn the_inbox_is_exported_to_a_file_whose_path_is_shown() {
    let pushd = pushd().await;
    let Some(desk) = Desk::of(&pushd).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    let sent = receive_three(&desk, &pushd, &mut page).await;
    page.click(Target::Role("button", "More actions")).await;
    page.click(Target::Role("menuitem", "Export as JSON")).await;
    let text = page.see(Target::Text("3 notices exported to")).await;
    let path = text.split_once("exported to ").map(|(_, path)| path.trim()).expect("a path");
    let written: Value = serde_json::from_slice(&std::fs::read(path).expect("the file")).expect("JSON");
    assert_eq!(ids(written.as_array().expect("notices")), sent);
}

#[tokio::test]
async fn without_its_server_the_inbox_can_be_read_and_searched() {
    let mut pushd = pushd().await;
    let Some(desk) = Desk::of(&pushd).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    receive_three(&desk, &pushd, &mut page).await;
    drop(page);
    pushd.running.terminate().await;
    let Some(mut page) = desk.open(&[]).await else { return };
    page.see(Target::Css("footer.offline")).await;
    page.see(Target::Text("服务器维护通知")).await;
    page.type_into(SEARCH, "soup").await;
    page.wait_until("document.querySelectorAll('[role=option]').length === 1").await;
    page.click(Target::Text("Lunch")).await;
    let text = page.see(Target::Role("article", "Lunch")).await;
    assert!(text.contains("Soup & bread at noon"), "{text}");
}

/// Without WebDriver, since a page under WebDriver has more permissions for the clipboard.
#[tokio::test]
async fn a_notice_that_is_copied_can_be_pasted_in_other_programs() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(_app) = desk.start(&[]).await else { return };
    see_window(&mut desk.desktop.screen).await;
    desk.send(&pushd, "服务器维护通知", "今晚十点开始").await;
    desk.desktop.popups().next().await;
    let Some(text) = desk.desktop.screen.copied_with(&["Home", "c"]).await else { return };
    assert!(text.starts_with("服务器维护通知\n") && text.ends_with("\n\n今晚十点开始"), "{text}");
}

#[tokio::test]
async fn a_notice_is_deleted_on_the_server_only_if_that_is_enabled_and_after_a_confirmation() {
    let pushd = pushd().await;
    let Some(desk) = Desk::of(&pushd).await else { return };
    let id = desk.send(&pushd, "Lunch", "at noon").await;
    let delete = Target::Role("menuitem", "Delete on the server too…");
    for is_enabled in [false, true] {
        let settings = format!("{}\n[inbox]\ndelete_on_server = {is_enabled}\n", pushd_settings(&pushd, ALICE));
        desk.person.home.write_settings(&settings);
        let Some(mut page) = desk.open(&[]).await else { return };
        page.see(Target::Css("footer.live")).await;
        page.click(Target::Text("Lunch")).await;
        page.see(Target::Role("article", "Lunch")).await;
        if is_enabled {
            page.click(Target::Role("button", "More for this notice")).await;
            page.click(delete).await;
            page.click(Target::Role("button", "Delete for everyone")).await;
            page.see(Target::Text("1 notice deleted on the server")).await;
        } else {
            page.see_no(Target::Role("button", "More for this notice")).await;
        }
    }
    let request = json!({"pageNum": 1, "pageSize": 10});
    let left = pushd.call(&desk.person.token, "getMessagePage", &request).await;
    assert!(!left.to_string().contains(&id), "{left}");
}

#[tokio::test]
async fn a_deletion_on_the_server_asked_for_offline_is_shown_also_after_a_restart_and_sent_once() {
    let pushd = pushd().await;
    let (address, requests) = counting(pushd.http().trim_start_matches("http://").to_owned()).await;
    let line = FaultProxy::start(address).await;
    let more = format!("{}\n[inbox]\ndelete_on_server = true\n", api(&format!("http://{}/ecgapi", line.address())));
    let endpoint = format!("ws://{}/ws", line.address());
    let settings = settings(&endpoint, ALICE, &["destination = \"/user/queue/notices\""], &more);
    let token = pushd.login(ALICE, "secret").await;
    let Some(desk) = Desk::with(Parts::default(), &settings, &token).await else { return };
    let id = desk.send(&pushd, "Lunch", "at noon").await;
    let Some(mut page) = desk.open(&[]).await else { return };
    page.see(Target::Css("footer.live")).await;
    page.click(Target::Text("Lunch")).await;
    page.see(Target::Role("article", "Lunch")).await;
    line.set(Faults { refuse: true, ..Faults::default() }).await;
    line.cut().await;
    page.see(Target::Css("footer.offline")).await;

    let waits = Target::Text("Will be deleted on the server, for everyone, when Belfry is connected.");
    for is_taken_back in [true, false] {
        page.click(Target::Role("button", "More for this notice")).await;
        page.click(Target::Role("menuitem", "Delete on the server too…")).await;
        page.click(Target::Role("button", "Delete for everyone")).await;
        page.see(waits).await;
        if is_taken_back {
            page.click(Target::Role("button", "Do not delete on the server")).await;
            page.see_no(waits).await;
        }
    }
    drop(page);

    let Some(mut page) = desk.open(&[]).await else { return };
    page.see(Target::Css("footer.offline")).await;
    page.click(Target::Text("Lunch")).await;
    page.see(waits).await;
    let record = json!({"pageNum": 1, "pageSize": 10});
    let kept = pushd.call(&token, "getMessagePage", &record).await;
    assert!(kept.to_string().contains(&id), "{kept}");
    assert_eq!(*requests.borrow(), 0);
    line.heal().await;
    page.see_no(Target::Css("[role=option]")).await;
    page.see_no(waits).await;
    let left = pushd.call(&token, "getMessagePage", &record).await;
    assert!(!left.to_string().contains(&id), "{left}");
    page.see(Target::Css("footer.live")).await;
    drop(page);

    let Some(mut page) = desk.open(&[]).await else { return };
    page.see(Target::Css("footer.live")).await;
    let later = desk.send(&pushd, "Dinner", "at eight").await;
    page.see(Target::Text("Dinner")).await;
    assert_eq!(desk.person.inbox_ids().await, [later]);
    assert_eq!(*requests.borrow(), 1);
}
