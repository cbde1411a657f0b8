//! The same popups on the services of real desktops: dunst and xfce4-notifyd.

use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use belfry_core::notice::{NoticeKey, Priority};
use belfry_core::ports::{Loudness, Notifier, Popup, PopupButton, PopupEvent, PopupId, PopupKind};
use belfry_core::texts::Language;
use harness::Running;
use harness::desktop::{Bus, Popups, Screen};
use harness::program::EVENT_TIMEOUT;
use harness::skip::{has, skip};
use host::notify::Desktop;

/// Until a button that took no click is clicked again.
const A_MOMENT: Duration = Duration::from_secs(1);

fn popup(title: &str) -> Popup {
    let button = |key: &str, label: &str| PopupButton { key: key.to_owned(), label: label.to_owned() };
    Popup {
        kind: PopupKind::Single,
        notices: NoticeKey { scope: String::new(), id: "7".to_owned() }.into(),
        title: title.to_owned(),
        body: "5 < 6".to_owned(),
        loudness: Loudness::Urgent,
        priority: Priority::Normal,
        sound: String::new(),
        // The last one is the button that is pressed.
        buttons: vec![button("button-1", "Reject"), button("button-2", "Approve")],
        replaces: None,
    }
}

fn listening(bus: &Bus) -> (Desktop, Receiver<PopupEvent>) {
    let desktop = Desktop::at(Language::English, bus.address());
    let (sender, events) = channel();
    desktop.listen(Box::new(move |event| {
        let _the_test_is_over = sender.send(event);
    }));
    (desktop, events)
}

fn closed(events: &Receiver<PopupEvent>, id: &PopupId) {
    let event = events.recv_timeout(EVENT_TIMEOUT).expect("an event");
    assert_eq!(event, PopupEvent::Closed { id: id.clone() });
}

fn pressed(id: &PopupId) -> PopupEvent {
    PopupEvent::Activated { id: id.clone(), action: "button-2".to_owned(), activation_token: None }
}

#[tokio::test]
async fn dunst_shows_updates_and_closes_a_popup_and_reports_its_buttons() {
    if !has(&["Xvfb", "openbox", "dunst", "xprop", "xdotool", "xsetroot", "grep"]) {
        return;
    }
    let Some(bus) = Bus::start().await else { return };
    let (screen, folder) = (Screen::start().await, tempfile::tempdir().expect("a folder"));
    let dunst = Popups::start(&bus, &screen, folder.path()).await;
    let (desktop, events) = listening(&bus);
    let id = desktop.show(&popup("Expense 7")).expect("shown");
    let update = Popup { replaces: Some(id.clone()), kind: PopupKind::Update, ..popup("Expense 7b") };
    assert_eq!(desktop.show(&update), Ok(id.clone()));
    assert_eq!(dunst.displayed().await, 1);
    desktop.retract(&id);
    closed(&events, &id);
    assert_eq!(dunst.displayed().await, 0);

    let id = desktop.show(&popup("Expense 8")).expect("shown");
    dunst.choose_button().await;
    assert_eq!(events.recv_timeout(EVENT_TIMEOUT).expect("an event"), pressed(&id));
}

/// Starts xfce4-notifyd and what it keeps its settings in; `None`, with a loud skip, where it is not
/// installed.
async fn xfce(bus: &Bus, screen: &Screen, home: &std::path::Path) -> Option<[Running; 2]> {
    let mut programs = Vec::new();
    for (program, name) in
        [("xfconf/xfconfd", "org.xfce.Xfconf"), ("notifyd/xfce4-notifyd", "org.freedesktop.Notifications")]
    {
        let libraries = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let paths = libraries.map(|library| library.path().join("xfce4").join(program));
        let Some(path) = paths.into_iter().find(|path: &PathBuf| path.is_file()) else {
            skip(&format!("{program} is not installed; cargo xtask test installs what the tests need"));
            return None;
        };
        let mut command = Command::new(path);
        command.env("DISPLAY", screen.display()).env("DBUS_SESSION_BUS_ADDRESS", bus.address()).env("HOME", home);
        command.env("XDG_CONFIG_HOME", home).env("XDG_CACHE_HOME", home).env("XDG_DATA_HOME", home);
        command.env("XDG_RUNTIME_DIR", home).env("NO_AT_BRIDGE", "1").env_remove("WAYLAND_DISPLAY");
        programs.push(Running::spawn(command));
        bus.wait_for_owner(name).await;
    }
    programs.try_into().ok()
}

#[tokio::test]
async fn xfce4_notifyd_shows_updates_and_closes_a_popup_and_reports_its_buttons() {
    if !has(&["Xvfb", "openbox", "xprop", "xdotool", "xsetroot"]) {
        return;
    }
    let Some(bus) = Bus::start().await else { return };
    let (screen, home) = (Screen::start().await, tempfile::tempdir().expect("a folder"));
    let Some(_programs) = xfce(&bus, &screen, home.path()).await else { return };
    let (desktop, events) = listening(&bus);
    let id = desktop.show(&popup("Expense 7")).expect("shown");
    let update = Popup { replaces: Some(id.clone()), kind: PopupKind::Update, ..popup("Expense 7b") };
    assert_eq!(desktop.show(&update), Ok(id.clone()));
    desktop.retract(&id);
    closed(&events, &id);

    let id = desktop.show(&popup("Expense 8")).expect("shown");
    let mut event = None;
    while event.is_none() {
        // A popup that fades in takes no click yet.
        screen.click_at_lower_right("xfce4-notifyd", 40, 22).await;
        event = events.recv_timeout(A_MOMENT).ok();
    }
    assert_eq!(event, Some(pressed(&id)));
}
