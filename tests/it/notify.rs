//! Notifications on a real bus: what `host::notify` sends to a notification service, and the
//! signals it receives.
//!
//! The bus is a private `dbus-daemon` with a service that records its calls, so nothing pops up on
//! the developer's screen.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use belfry_core::notice::{NoticeKey, Priority};
use belfry_core::ports::{Loudness, Notifier, NotifyError, Popup, PopupButton, PopupEvent, PopupId, PopupKind};
use belfry_core::texts::Language;
use harness::desktop::{Answer, Bus, Recorder};
use harness::program::EVENT_TIMEOUT;
use host::notify::Desktop;

/// What the tests connect to a bus.
trait BusExt {
    fn serve(&self, capabilities: &[&str]) -> Recorder;
    fn desktop(&self) -> (Desktop, Receiver<PopupEvent>);
}

impl BusExt for Bus {
    fn serve(&self, capabilities: &[&str]) -> Recorder {
        Recorder::start(self, capabilities)
    }

    fn desktop(&self) -> (Desktop, Receiver<PopupEvent>) {
        let desktop = Desktop::at(Language::English, self.address());
        let (sender, events) = channel();
        desktop.listen(Box::new(move |event| {
            let _the_test_is_over = sender.send(event);
        }));
        (desktop, events)
    }
}

fn popup(title: &str, body: &str) -> Popup {
    Popup {
        kind: PopupKind::Single,
        notices: NoticeKey { scope: String::new(), id: "7".to_owned() }.into(),
        title: title.to_owned(),
        body: body.to_owned(),
        loudness: Loudness::Normal,
        priority: Priority::Normal,
        sound: "default".to_owned(),
        buttons: Vec::new(),
        replaces: None,
    }
}

fn number(id: &PopupId) -> u32 {
    id.0.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number at the end")
}

fn next(events: &Receiver<PopupEvent>) -> PopupEvent {
    events.recv_timeout(EVENT_TIMEOUT).expect("an event")
}

#[tokio::test]
async fn a_body_is_escaped_only_for_a_service_that_accepts_markup() {
    let Some(bus) = Bus::start().await else { return };
    let text = "<b>5 < 6 & 7</b>\u{202e}\u{7}\n<img src=\"/etc/passwd\">";
    for (capabilities, expected) in [
        (&["body", "body-markup"][..], "&lt;b&gt;5 &lt; 6 &amp; 7&lt;/b&gt;\n&lt;img src=\"/etc/passwd\"&gt;"),
        (&["body"][..], "<b>5 < 6 & 7</b>\n<img src=\"/etc/passwd\">"),
    ] {
        let mut service = bus.serve(capabilities);
        let (desktop, _events) = bus.desktop();
        desktop.show(&popup("<i>one</i>\nline", text)).expect("shown");
        let notify = service.notify().await;
        assert_eq!(notify.title, "<i>one</i> line", "a title is never markup");
        assert_eq!(notify.body, expected);
        assert_eq!((notify.icon.as_str(), notify.expire_ms, notify.replaces), ("belfry", -1, 0));
        assert_eq!(notify.actions, [""; 0], "a service without buttons may show a dialog for an action");
        assert!(!notify.hints.contains_key("image-path") && !notify.hints.contains_key("image-data"));
    }
}

#[tokio::test]
async fn buttons_and_questions_are_shown_where_the_service_shows_buttons() {
    let Some(bus) = Bus::start().await else { return };
    let button = |key: &str, label: &str| PopupButton { key: key.to_owned(), label: label.to_owned() };
    let buttons = vec![button("button-1", "Approve"), button("button-2", "Reject")];
    let alert = Popup { buttons: buttons.clone(), ..popup("Expense 7", "") };
    let question = Popup { kind: PopupKind::Question, buttons, ..popup("Approve?", "") };
    let result = Popup { kind: PopupKind::Result, ..popup("Expense 7", "done") };

    let mut service = bus.serve(&["actions", "body"]);
    let (desktop, events) = bus.desktop();
    let shown = desktop.show(&alert).expect("shown");
    let notify = service.notify().await;
    assert_eq!(notify.actions, ["default", "Open", "button-1", "Approve", "button-2", "Reject"]);
    assert_eq!((notify.text_hint("category"), notify.text_hint("desktop-entry")), ("x-belfry.notice", "belfry"));
    service.press(&notify, "Reject");
    let pressed = PopupEvent::Activated { id: shown.clone(), action: "button-2".to_owned(), activation_token: None };
    assert_eq!([next(&events), next(&events)], [pressed, PopupEvent::Closed { id: shown }]);
    desktop.show(&question).expect("shown");
    let notify = service.notify().await;
    assert_eq!((notify.expire_ms, notify.urgency()), (0, 1), "a question stays until it is answered");
    assert_eq!(notify.text_hint("category"), "x-belfry.question");
    desktop.show(&result).expect("shown");
    assert!(service.notify().await.hints.contains_key("transient"), "the notice keeps it");

    drop(service);
    let mut service = bus.serve(&["body"]);
    desktop.show(&alert).expect("shown");
    assert_eq!(service.notify().await.actions, [""; 0]);
    assert!(matches!(desktop.show(&question), Err(NotifyError::Refused(_))));
    desktop.show(&result).expect("shown");
    assert_eq!(service.notify().await.body, "done", "the question was not shown");
}

#[tokio::test]
async fn a_service_that_does_not_disturb_the_person_says_so_and_keeps_the_popup() {
    let Some(bus) = Bus::start().await else { return };
    for (capabilities, expected) in [(&["x-inhibited"][..], true), (&[][..], false)] {
        let mut service = bus.serve(capabilities);
        let (desktop, _events) = bus.desktop();
        assert_eq!(desktop.is_silenced(), expected);
        desktop.show(&popup("kept", "")).expect("shown");
        assert_eq!(service.notify().await.title, "kept");
    }
    let (desktop, _events) = bus.desktop();
    assert!(!desktop.is_silenced(), "without a service nothing is said");
}

#[tokio::test]
async fn loudness_sets_urgency_sound_and_time_on_screen() {
    let Some(bus) = Bus::start().await else { return };
    let mut service = bus.serve(&[]);
    let (desktop, _events) = bus.desktop();
    let mut seen = Vec::new();
    for (loudness, priority) in [
        (Loudness::Quiet, Priority::High),
        (Loudness::Normal, Priority::Normal),
        (Loudness::Normal, Priority::High),
        (Loudness::Urgent, Priority::Normal),
    ] {
        desktop.show(&Popup { loudness, priority, ..popup("t", "b") }).expect("shown");
        let notify = service.notify().await;
        seen.push((notify.urgency(), notify.hints.contains_key("suppress-sound"), notify.expire_ms));
    }
    assert_eq!(seen, [(1, true, -1), (1, false, -1), (1, false, 0), (2, false, 0)]);
}

#[tokio::test]
async fn a_click_is_an_event_with_its_activation_token_and_closing_is_another() {
    let Some(bus) = Bus::start().await else { return };
    let mut service = bus.serve(&["actions"]);
    let (desktop, events) = bus.desktop();
    let first = desktop.show(&popup("first", "")).expect("shown");
    let second = desktop.show(&popup("second", "")).expect("shown");
    assert_ne!(first, second);
    service.emit("ActivationToken", number(&first), "token-1");
    service.emit("ActionInvoked", number(&first), "default");
    service.emit("ActionInvoked", number(&second), "default");
    service.dismiss(number(&second));
    let clicked = |id: &PopupId, token: Option<&str>| PopupEvent::Activated {
        id: id.clone(),
        action: "default".to_owned(),
        activation_token: token.map(str::to_owned),
    };
    assert_eq!(next(&events), clicked(&first, Some("token-1")));
    assert_eq!(next(&events), clicked(&second, None));
    assert_eq!(next(&events), PopupEvent::Closed { id: second });
}

#[tokio::test]
async fn all_popups_use_one_connection_that_stays_open() {
    let Some(bus) = Bus::start().await else { return };
    let mut service = bus.serve(&[]);
    let (desktop, _events) = bus.desktop();
    desktop.show(&popup("first", "")).expect("shown");
    desktop.show(&popup("second", "")).expect("shown");
    let (first, second) = (service.notify().await, service.notify().await);
    assert_eq!(first.sender, second.sender);
    assert!(service.is_connected(&first.sender), "gnome removes popups whose sender has disconnected");
}

#[tokio::test]
async fn an_update_replaces_its_popup_and_a_retraction_closes_it() {
    let Some(bus) = Bus::start().await else { return };
    let mut service = bus.serve(&[]);
    let (desktop, _events) = bus.desktop();
    let id = desktop.show(&popup("open", "")).expect("shown");
    service.notify().await;
    let updated = desktop.show(&Popup { replaces: Some(id.clone()), ..popup("changed", "") }).expect("shown");
    assert_eq!(service.notify().await.replaces, number(&id));
    assert_eq!(updated, id);
    desktop.retract(&id);
    assert_eq!(service.closed().await, number(&id));
}

#[tokio::test]
async fn a_later_run_retracts_popups_of_an_earlier_one_but_never_those_of_another_daemon() {
    let Some(bus) = Bus::start().await else { return };
    let mut service = bus.serve(&[]);
    let left = {
        let (earlier, _events) = bus.desktop();
        earlier.show(&popup("from the earlier run", "")).expect("shown")
    };
    service.notify().await;
    let (desktop, _events) = bus.desktop();
    desktop.retract(&left);
    assert_eq!(service.closed().await, number(&left));

    drop(service);
    let mut restarted = bus.serve(&[]);
    desktop.retract(&left);
    let update = desktop.show(&Popup { replaces: Some(left), ..popup("changed", "") });
    assert!(matches!(update, Err(NotifyError::Refused(_))), "an update would pop up a second time: {update:?}");
    desktop.show(&popup("new", "")).expect("shown");
    // This is the first call of the restarted service: it received no request to close or update a
    // popup.
    let first = restarted.notify().await;
    assert_eq!((first.title.as_str(), first.replaces), ("new", 0));
}

#[tokio::test]
async fn without_a_bus_or_a_service_the_error_says_what_to_do() {
    let unavailable = |result: Result<PopupId, NotifyError>| match result {
        Err(NotifyError::Unavailable(reason)) => reason,
        other => panic!("not unavailable: {other:?}"),
    };
    let nowhere = Desktop::at(Language::English, "unix:path=/nonexistent/belfry");
    assert!(unavailable(nowhere.show(&popup("t", "b"))).contains("DBUS_SESSION_BUS_ADDRESS"));
    assert!(nowhere.probe().is_err());

    let Some(bus) = Bus::start().await else { return };
    let (desktop, _events) = bus.desktop();
    assert!(unavailable(desktop.show(&popup("t", "b"))).contains("no notification daemon is running"));
    let _service = bus.serve(&[]);
    assert_eq!(desktop.probe().expect("a service"), "recorder 1");
}

#[tokio::test]
async fn after_a_lost_bus_the_next_popup_reconnects_and_its_click_is_received() {
    let Some(mut bus) = Bus::start().await else { return };
    let mut service = bus.serve(&[]);
    let (desktop, events) = bus.desktop();
    desktop.show(&popup("before", "")).expect("shown");
    service.notify().await;
    bus.restart().await;
    let mut service = bus.serve(&[]);
    let id = desktop.show(&popup("after", "")).expect("shown");
    assert_eq!(service.notify().await.title, "after");
    service.emit("ActionInvoked", number(&id), "default");
    assert!(matches!(next(&events), PopupEvent::Activated { id: clicked, .. } if clicked == id));
    assert!(service.is_quiet(), "shown once");
}

#[tokio::test]
async fn after_an_answer_that_is_late_one_click_is_still_one_event() {
    let Some(bus) = Bus::start().await else { return };
    let mut service = bus.serve(&["actions"]);
    let (mut desktop, events) = bus.desktop();
    desktop.show(&popup("before", "")).expect("shown");
    let before = service.notify().await;
    let short = Duration::from_millis(20);
    for (answer, call, notify) in [(Answer::Capabilities, short, EVENT_TIMEOUT), (Answer::Notify, EVENT_TIMEOUT, short)]
    {
        let held = service.hold(answer).await;
        desktop = desktop.waiting(call, notify);
        let late = desktop.show(&popup("late", ""));
        assert!(matches!(&late, Err(NotifyError::Refused(why)) if why.contains("no answer")), "{late:?}");
        drop(held);
        desktop = desktop.waiting(EVENT_TIMEOUT, EVENT_TIMEOUT);
    }
    let id = desktop.show(&popup("after", "")).expect("shown");
    let mut after = service.notify().await;
    if after.title == "late" {
        after = service.notify().await;
    }
    assert_eq!((after.title.as_str(), &after.sender), ("after", &before.sender), "the connection was kept");
    for _ in 0..2 {
        service.emit("ActionInvoked", after.number, "default");
        assert!(matches!(next(&events), PopupEvent::Activated { id: clicked, .. } if clicked == id));
        service.dismiss(after.number);
        assert_eq!(next(&events), PopupEvent::Closed { id: id.clone() });
    }
}

#[tokio::test]
async fn a_notifier_that_is_no_longer_used_leaves_the_bus() {
    let Some(bus) = Bus::start().await else { return };
    let mut service = bus.serve(&[]);
    let (desktop, events) = bus.desktop();
    desktop.show(&popup("shown", "")).expect("shown");
    service.notify().await;
    drop(desktop);
    // The listener holds the callback; it ends when its connection does.
    assert_eq!(events.recv_timeout(EVENT_TIMEOUT), Err(RecvTimeoutError::Disconnected));
}

#[tokio::test]
async fn the_label_of_a_click_is_in_the_language_that_the_person_has_chosen_meanwhile() {
    let Some(bus) = Bus::start().await else { return };
    let mut service = bus.serve(&["actions"]);
    let (desktop, _events) = bus.desktop();
    desktop.show(&popup("t", "")).expect("shown");
    assert_eq!(service.notify().await.actions, ["default", "Open"]);
    desktop.set_language(Language::Chinese);
    desktop.show(&popup("t", "")).expect("shown");
    assert_eq!(service.notify().await.actions, ["default", "打开"]);
}

#[tokio::test]
async fn without_a_service_nothing_is_shown_and_one_that_starts_is_an_event() {
    let Some(bus) = Bus::start().await else { return };
    let (desktop, events) = bus.desktop();
    let refused = desktop.show(&popup("Expense", "")).expect_err("no service");
    assert!(matches!(refused, NotifyError::Unavailable(_)), "{refused}");
    for _ in 0..2 {
        let service = bus.serve(&["body"]);
        assert_eq!(next(&events), PopupEvent::ServiceStarted);
        // That it goes is none.
        drop(service);
    }
    let _service = bus.serve(&["body"]);
    assert_eq!(next(&events), PopupEvent::ServiceStarted);
    desktop.show(&popup("Expense", "")).expect("shown");
}
