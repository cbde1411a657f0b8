//! The whole app without Tauri and without a display: real engines and sockets, a desktop that only
//! notes what it is told.

mod account;
mod actions;
mod addresses;
mod attack;
mod browser;
mod burst;
mod cases;
mod consent;
mod history;
mod popup_buttons;
mod recovery;
mod refusals;
mod server_deletions;
mod test_notice;
mod world;

use crate::Request;
use crate::ipc::{CommandErrorCode, ExportFormat, Filter, Pause, Update};
use crate::tray::TrayIcon;
use harness::FakeApi;
use jiff::Timestamp;
use serde_json::json;
use world::{Did, World};

fn everything() -> Filter {
    Filter { text: String::new(), unread: false, needs_action: false, kind: None }
}

#[tokio::test]
async fn before_the_first_run_is_over_the_inbox_is_empty_and_the_tray_asks_for_the_person() {
    let mut world = World::first_run().await;
    let Did::Tray(tray) = world.did().await else { panic!("the tray comes first") };
    assert_eq!(tray.icon, TrayIcon::ActionNeeded);
    let kinds = world.app.ask(|reply| Request::Kinds { reply }).await.unwrap();
    assert!(kinds.is_empty());
    let start = world.app.ask(|reply| Request::Start { reply }).await.unwrap();
    assert!(start.setup.is_some() && start.account.is_empty());
}

#[tokio::test]
async fn a_popup_has_the_sound_of_the_settings() {
    let (broker, service) = (history::silent_broker().await, FakeApi::start().await);
    service.record([json!({"id": "7", "title": "Expense 7"})]);
    let text = format!("{}\n[notifications]\nsound = \"bell\"\n", history::settings(&broker, &service));
    let mut world = World::set_up(&text, |_| ()).await;
    assert_eq!(world.popup().await.0.sound, "bell");
}

#[tokio::test]
async fn an_export_is_a_new_file_of_its_format_whose_folder_can_be_shown() {
    let mut world = World::first_run().await;
    let error = world.app.ask(|reply| Request::ShowExport { reply }).await.unwrap_err();
    assert_eq!(error.code, CommandErrorCode::Gone, "nothing was exported");
    for (format, content) in [(ExportFormat::Json, "["), (ExportFormat::Csv, "\u{feff}\"id\",\"title\",")] {
        let filter = everything();
        let exported = world.app.ask(|reply| Request::Export { format, filter, seqs: None, reply }).await.unwrap();
        let text = std::fs::read_to_string(&exported.path).unwrap();
        assert!(text.starts_with(content) && exported.count == 0, "{exported:?}: {text}");
    }
    world.app.ask(|reply| Request::ShowExport { reply }).await.unwrap();
    let documents = world.documents_dir();
    world.wait_for(|did| matches!(did, Did::Folder(folder) if *folder == documents)).await;
}

#[tokio::test]
async fn an_export_that_cannot_be_written_says_so_and_leaves_nothing() {
    let world = World::first_run().await;
    std::fs::remove_dir(world.documents_dir()).unwrap();
    let (format, filter) = (ExportFormat::Json, everything());
    let failed = world.app.ask(|reply| Request::Export { format, filter, seqs: None, reply }).await;
    assert_eq!(failed.unwrap_err().code, CommandErrorCode::File);
    assert!(!world.documents_dir().exists());
    let error = world.app.ask(|reply| Request::ShowExport { reply }).await.unwrap_err();
    assert_eq!(error.code, CommandErrorCode::Gone);
}

#[test]
fn the_window_names_export_formats_json_and_csv_and_no_others() {
    let of = |name: &str| serde_json::from_value::<ExportFormat>(name.into()).ok();
    assert_eq!([of("json"), of("csv"), of("xml")], [Some(ExportFormat::Json), Some(ExportFormat::Csv), None]);
}

#[tokio::test]
async fn a_request_after_the_end_says_that_belfry_is_ending() {
    let mut world = World::first_run().await;
    world.app.send(Request::Quit { code: 3 });
    world.wait_for(|did| matches!(did, Did::PlacementSaved)).await;
    world.wait_for(|did| matches!(did, Did::Exit(3))).await;
    world.ended().await;
    let error = world.app.ask(|reply| Request::Start { reply }).await.unwrap_err();
    assert!(error.code == CommandErrorCode::Offline && error.message.contains("ending"), "{error:?}");
}

#[tokio::test]
async fn a_pause_is_shown_to_the_window_until_a_person_ends_it() {
    let settings = "[server]\nendpoints = [\"ws://127.0.0.1:9/ws\"]\n[auth]\nlogin = \"alice\"\n";
    let mut world = World::set_up(settings, |_| ()).await;
    let paused = |update| match update {
        Update::Status { status } => Some(status.paused_until),
        _ => None,
    };
    world.app.ask(|reply| Request::Pause { pause: Some(Pause::Hour), reply }).await.unwrap();
    let until = world.update(|update| paused(update).flatten()).await;
    let left = until.parse::<Timestamp>().unwrap().duration_since(Timestamp::now());
    assert!((3_000..=3_600).contains(&left.as_secs()), "{until}");
    let start = world.app.ask(|reply| Request::Start { reply }).await.unwrap();
    assert_eq!(start.status.paused_until, Some(until));
    world.app.ask(|reply| Request::Pause { pause: None, reply }).await.unwrap();
    world.update(|update| paused(update).filter(Option::is_none)).await;
}
