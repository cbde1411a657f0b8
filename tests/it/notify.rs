//! Notifications on a real bus: what `host::notify` sends to a notification service, and the
//! signals it receives.
//!
//! The bus is a private `dbus-daemon` with a service that records its calls, so nothing pops up on
//! the developer's screen.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};

use belfry_core::notice::{NoticeKey, Priority};
use belfry_core::ports::{Loudness, Notifier, NotifyError, Popup, PopupEvent, PopupId, PopupKind};
use harness::desktop::Bus;
use harness::program::PATIENCE;
use host::notify::Desktop;
use zbus::blocking::{Connection, connection};
use zbus::message::Header;
use zbus::zvariant::OwnedValue;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// A recorded call.
#[derive(Debug)]
struct Notify {
    sender: String,
    replaces: u32,
    icon: String,
    title: String,
    body: String,
    actions: Vec<String>,
    hints: HashMap<String, OwnedValue>,
    expire_ms: i32,
}

#[derive(Debug)]
enum Call {
    Notify(Box<Notify>),
    Close(u32),
}

struct Recorder {
    capabilities: &'static [&'static str],
    calls: Sender<Call>,
    last: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Recorder {
    fn get_capabilities(&self) -> Vec<&str> {
        self.capabilities.to_vec()
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("recorder", "belfry", "1", "1.2")
    }

    #[expect(clippy::too_many_arguments, reason = "the specification defines them")]
    fn notify(
        &mut self,
        #[zbus(header)] header: Header<'_>,
        _app_name: String,
        replaces: u32,
        icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_ms: i32,
    ) -> u32 {
        let sender = header.sender().expect("a bus names senders").to_string();
        let call = Notify { sender, replaces, icon, title, body, actions, hints, expire_ms };
        self.calls.send(Call::Notify(Box::new(call))).expect("the test is running");
        if replaces == 0 {
            self.last += 1;
            return self.last;
        }
        replaces
    }

    fn close_notification(&self, number: u32) {
        self.calls.send(Call::Close(number)).expect("the test is running");
    }
}

/// A recording notification service.
struct Service {
    connection: Connection,
    calls: Receiver<Call>,
}

/// What the tests connect to a bus.
trait BusExt {
    fn serve(&self, capabilities: &'static [&'static str]) -> Service;
    fn desktop(&self) -> (Desktop, Receiver<PopupEvent>);
}

impl BusExt for Bus {
    fn serve(&self, capabilities: &'static [&'static str]) -> Service {
        let (sender, calls) = channel();
        let recorder = Recorder { capabilities, calls: sender, last: 40 };
        let connection = connection::Builder::address(self.address())
            .and_then(|builder| builder.serve_at(PATH, recorder))
            .and_then(|builder| builder.name(NAME))
            .and_then(connection::Builder::build)
            .expect("a notification service");
        Service { connection, calls }
    }

    fn desktop(&self) -> (Desktop, Receiver<PopupEvent>) {
        let desktop = Desktop::at("Open", self.address());
        let (sender, events) = channel();
        desktop.listen(Box::new(move |event| {
            let _the_test_is_over = sender.send(event);
        }));
        (desktop, events)
    }
}

impl Service {
    fn call(&self) -> Call {
        self.calls.recv_timeout(PATIENCE).expect("a call")
    }

    fn notify(&self) -> Notify {
        match self.call() {
            Call::Notify(notify) => *notify,
            Call::Close(number) => panic!("closed {number} instead of showing"),
        }
    }

    fn emit(&self, signal: &str, number: u32, what: &str) {
        self.connection.emit_signal(None::<&str>, PATH, NAME, signal, &(number, what)).expect("a signal sent");
    }

    fn emit_closed(&self, number: u32) {
        self.connection
            .emit_signal(None::<&str>, PATH, NAME, "NotificationClosed", &(number, 2_u32))
            .expect("a signal sent");
    }
}

fn popup(title: &str, body: &str) -> Popup {
    Popup {
        kind: PopupKind::Single,
        notices: vec![NoticeKey { scope: String::new(), id: "7".to_owned() }],
        title: title.to_owned(),
        body: body.to_owned(),
        loudness: Loudness::Normal,
        priority: Priority::Normal,
        sound: "default".to_owned(),
        replaces: None,
    }
}

fn number(id: &PopupId) -> u32 {
    id.0.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number at the end")
}

fn next(events: &Receiver<PopupEvent>) -> PopupEvent {
    events.recv_timeout(PATIENCE).expect("an event")
}

#[tokio::test]
async fn a_body_is_escaped_only_for_a_service_that_accepts_markup() {
    let Some(bus) = Bus::start().await else { return };
    let text = "<b>5 < 6 & 7</b>\u{202e}\u{7}\n<img src=\"/etc/passwd\">";
    for (capabilities, expected) in [
        (&["body", "body-markup"][..], "&lt;b&gt;5 &lt; 6 &amp; 7&lt;/b&gt;\n&lt;img src=\"/etc/passwd\"&gt;"),
        (&["body"][..], "<b>5 < 6 & 7</b>\n<img src=\"/etc/passwd\">"),
    ] {
        let service = bus.serve(capabilities);
        let (desktop, _events) = bus.desktop();
        desktop.show(&popup("<i>one</i>\nline", text)).expect("shown");
        let notify = service.notify();
        assert_eq!(notify.title, "<i>one</i> line", "a title is never markup");
        assert_eq!(notify.body, expected);
        assert_eq!((notify.icon.as_str(), notify.expire_ms, notify.replaces), ("belfry", -1, 0));
        assert_eq!(notify.actions, ["default", "Open"]);
        assert!(!notify.hints.contains_key("image-path") && !notify.hints.contains_key("image-data"));
    }
}

#[tokio::test]
async fn loudness_sets_urgency_sound_and_time_on_screen() {
    let Some(bus) = Bus::start().await else { return };
    let service = bus.serve(&[]);
    let (desktop, _events) = bus.desktop();
    let mut seen = Vec::new();
    for loudness in [Loudness::Quiet, Loudness::Normal, Loudness::Urgent] {
        desktop.show(&Popup { loudness, ..popup("t", "b") }).expect("shown");
        let notify = service.notify();
        let urgency = u8::try_from(&notify.hints["urgency"]).expect("a byte");
        seen.push((urgency, notify.hints.contains_key("suppress-sound"), notify.expire_ms));
    }
    assert_eq!(seen, [(1, true, -1), (1, false, -1), (2, false, 0)]);
}

#[tokio::test]
async fn a_click_is_an_event_with_its_activation_token_and_closing_is_another() {
    let Some(bus) = Bus::start().await else { return };
    let service = bus.serve(&["actions"]);
    let (desktop, events) = bus.desktop();
    let first = desktop.show(&popup("first", "")).expect("shown");
    let second = desktop.show(&popup("second", "")).expect("shown");
    assert_ne!(first, second);
    service.emit("ActivationToken", number(&first), "token-1");
    service.emit("ActionInvoked", number(&first), "default");
    service.emit("ActionInvoked", number(&second), "default");
    service.emit_closed(number(&second));
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
    let service = bus.serve(&[]);
    let (desktop, _events) = bus.desktop();
    desktop.show(&popup("first", "")).expect("shown");
    desktop.show(&popup("second", "")).expect("shown");
    let (first, second) = (service.notify(), service.notify());
    assert_eq!(first.sender, second.sender);
    let names = zbus::blocking::fdo::DBusProxy::new(&service.connection).expect("the bus").list_names().expect("names");
    assert!(
        names.iter().any(|name| name.as_str() == first.sender),
        "gnome removes popups whose sender has disconnected"
    );
}

#[tokio::test]
async fn an_update_replaces_its_popup_and_a_retraction_closes_it() {
    let Some(bus) = Bus::start().await else { return };
    let service = bus.serve(&[]);
    let (desktop, _events) = bus.desktop();
    let id = desktop.show(&popup("open", "")).expect("shown");
    service.notify();
    let updated = desktop.show(&Popup { replaces: Some(id.clone()), ..popup("changed", "") }).expect("shown");
    assert_eq!(service.notify().replaces, number(&id));
    assert_eq!(updated, id);
    desktop.retract(&id);
    assert!(matches!(service.call(), Call::Close(closed) if closed == number(&id)));
}

#[tokio::test]
async fn a_later_run_retracts_popups_of_an_earlier_one_but_never_those_of_another_daemon() {
    let Some(bus) = Bus::start().await else { return };
    let service = bus.serve(&[]);
    let left = {
        let (earlier, _events) = bus.desktop();
        earlier.show(&popup("from the earlier run", "")).expect("shown")
    };
    service.notify();
    let (desktop, _events) = bus.desktop();
    desktop.retract(&left);
    assert!(matches!(service.call(), Call::Close(closed) if closed == number(&left)));

    drop(service);
    let restarted = bus.serve(&[]);
    desktop.retract(&left);
    let update = desktop.show(&Popup { replaces: Some(left), ..popup("changed", "") });
    assert!(matches!(update, Err(NotifyError::Refused(_))), "an update would pop up a second time: {update:?}");
    desktop.show(&popup("new", "")).expect("shown");
    // This is the first call of the restarted service: it received no request to close or update a
    // popup.
    let first = restarted.notify();
    assert_eq!((first.title.as_str(), first.replaces), ("new", 0));
}

#[tokio::test]
async fn without_a_bus_or_a_service_the_error_says_what_to_do() {
    let unavailable = |result: Result<PopupId, NotifyError>| match result {
        Err(NotifyError::Unavailable(reason)) => reason,
        other => panic!("not unavailable: {other:?}"),
    };
    let nowhere = Desktop::at("Open", "unix:path=/nonexistent/belfry");
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
    let service = bus.serve(&[]);
    let (desktop, events) = bus.desktop();
    desktop.show(&popup("before", "")).expect("shown");
    service.notify();
    bus.restart().await;
    let service = bus.serve(&[]);
    let id = desktop.show(&popup("after", "")).expect("shown");
    assert_eq!(service.notify().title, "after");
    service.emit("ActionInvoked", number(&id), "default");
    assert!(matches!(next(&events), PopupEvent::Activated { id: clicked, .. } if clicked == id));
    assert!(service.calls.try_recv().is_err(), "shown once");
}
