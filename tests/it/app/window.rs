//! The window: it is created on demand, and closing it releases its processes and handles.

use harness::desktop::{Parts, Recorder};
use harness::http::Response;
use harness::processes::{Process, descendants, handles};
use harness::webdriver::Target;
use harness::{FakeApi, api};
use serde_json::json;

use super::{ALICE, Desk, is_in_front, pushd, see_window};
use crate::fixtures::pushd_settings;

/// How often the window is opened and closed.
const ROUNDS: usize = 20;
/// After this many rounds everything that is created only once exists.
const WARM_UP_ROUNDS: usize = 3;

fn web_processes(app: u32) -> Vec<Process> {
    descendants(app).into_iter().filter(|process| process.name.starts_with("WebKit")).collect()
}

/// How many handles a program has open, without those in which WebKit reads the machine's memory
/// state, at any time.
fn open_handles(app: u32) -> usize {
    let all = handles(app).expect("the app runs").into_iter();
    all.filter(|path| !path.starts_with("/proc/") && !path.starts_with("/sys/")).count()
}

#[tokio::test]
async fn opening_and_closing_twenty_times_leaves_no_process_and_no_handle() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(mut app) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    assert_eq!(web_processes(app.id()), [], "none before the first window");
    let mut before = 0;
    for round in 1..=ROUNDS {
        desk.desktop.tray().choose("Open inbox").await;
        // Every second time it is closed while it is still being created.
        if round % 2 == 0 {
            see_window(&mut desk.desktop.screen).await;
        } else {
            desk.desktop.screen.wait_for("the window in front", is_in_front).await;
        }
        let processes = web_processes(app.id());
        desk.desktop.screen.press("alt+F4").await;
        desk.desktop.screen.wait_for("no window", <[_]>::is_empty).await;
        for process in processes.iter().filter(|it| it.name.starts_with("WebKitWeb")) {
            process.gone().await;
        }
        if round == WARM_UP_ROUNDS {
            before = open_handles(app.id());
        }
    }
    // The network process is shared by all windows and ends a little later.
    for process in web_processes(app.id()) {
        process.gone().await;
    }
    assert_eq!(web_processes(app.id()), []);
    // A web view that is not freed keeps the shared memory of a page that was painted.
    let after = open_handles(app.id());
    assert!(after <= before, "handles: {before}, then {after}");
    assert_eq!(app.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn the_program_loads_no_graphics_driver() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(mut app) = desk.start(&[]).await else { return };
    see_window(&mut desk.desktop.screen).await;
    let mapped = std::fs::read_to_string(format!("/proc/{}/maps", app.id())).expect("the app runs");
    assert!(mapped.contains("webkit"), "{mapped}");
    // Mesa's drivers, and NVIDIA's.
    for driver in ["_dri.so", "libgallium", "libEGL_", "libGLX_"] {
        assert!(!mapped.contains(driver), "{driver}: {mapped}");
    }
    assert_eq!(app.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn a_second_start_opens_the_window_of_the_first_and_ends() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(mut first) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    let Some(mut second) = desk.start(&[]).await else { return };
    assert_eq!(second.wait().await.code(), Some(0));
    see_window(&mut desk.desktop.screen).await;
    assert!(!web_processes(first.id()).is_empty(), "it is the window of the first process");
    let Some(mut third) = desk.start(&["--hidden"]).await else { return };
    assert_eq!(third.wait().await.code(), Some(0));
    assert_eq!(desk.desktop.screen.windows().await.len(), 1);
}

#[tokio::test]
async fn a_link_to_a_notice_opens_it_in_the_existing_window() {
    let pushd = pushd().await;
    let Some(mut desk) = Desk::of(&pushd).await else { return };
    let Some(mut page) = desk.open(&[]).await else { return };
    let mut ids = Vec::new();
    for title in ["First", "Second"] {
        ids.push(desk.send(&pushd, title, "text").await);
        page.see(Target::Role("option", "Unread")).await;
    }
    page.see(Target::Text("Second")).await;
    let _other = desk.desktop.screen.cover().await;
    let Some(mut second) = desk.start(&[&format!("belfry://notice/{}", ids[0])]).await else { return };
    assert_eq!(second.wait().await.code(), Some(0));
    page.see(Target::Role("article", "First")).await;
    desk.desktop.screen.wait_for("the window in front", is_in_front).await;
}

#[tokio::test]
async fn an_address_opens_a_closed_app_on_its_notice_and_its_button_sends_nothing_unasked() {
    const APPROVE: &str = "approve";
    let (pushd, service) = (pushd().await, FakeApi::start().await);
    let decisions = format!("{}/decisions", service.url());
    let settings = format!("{}\n[app]\naction_urls = [\"{decisions}\"]\n", pushd_settings(&pushd, ALICE));
    let token = pushd.login(ALICE, "secret").await;
    let parts = Parts { popups: false, ..Parts::ALL };
    let Some(desk) = Desk::with(parts, &settings, &token).await else { return };
    let mut popups = Recorder::start(desk.desktop.bus(), &["actions", "body"]);
    let Some(mut app) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    let actions = json!([{"id": "ok", "label": "Approve", "url": format!("{decisions}/7/{APPROVE}")}]);
    let message = json!({"id": "7", "title": "Expense 7", "content": "12 EUR", "type": "1", "receiver": [ALICE],
        "state": "open", "actions": actions});
    pushd.call(&desk.person.token, "sendMessage", &message).await;
    let alert = popups.notify().await;
    let key = alert.actions.chunks(2).find(|action| action[1] == "Approve").expect("a button")[0].clone();
    let address = format!("belfry://notice/7?scope=&button={key}");
    assert_eq!(app.terminate().await.code(), Some(0));

    // Closed: it starts on the notice, and asks.
    let Some(mut page) = desk.open(&[&address]).await else { return };
    page.see(Target::Role("article", "Expense 7")).await;
    page.see(Target::Css("dialog")).await;
    page.click(Target::Role("button", "Cancel")).await;
    page.see_no(Target::Css("dialog")).await;
    // Running: the second start hands the address over.
    let Some(mut second) = desk.start(&[&address]).await else { return };
    assert_eq!(second.wait().await.code(), Some(0));
    let question = page.see(Target::Css("dialog")).await;
    assert!(question.contains(&service.url()), "{question}");
    assert_eq!(service.requests(APPROVE).len(), 0);
    service.next(APPROVE, api::Answer::Instead(Response::json(200, &json!({"message": "approved"}))));
    page.click(Target::Css("dialog button.main, dialog button.danger")).await;
    page.see(Target::Text("Approve: done")).await;
    assert_eq!(service.requests(APPROVE).len(), 1);

    // Whatever else is given is no address.
    for hostile in ["belfry://notice/7?button=ok", "belfry://notice/7?url=x", "belfry:notice/7", "--config=x"] {
        let Some(mut refused) = desk.start(&["--", hostile]).await else { return };
        assert_eq!(refused.wait().await.code(), Some(2), "{hostile}");
    }
}
