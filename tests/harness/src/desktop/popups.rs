//! A real notification service, dunst, and a look at what passes between it and the programs that
//! use it.
//!
//! Popups stay until they are dealt with, a left click takes the default action, and every call is
//! recorded by a monitor of the bus: what counts is what was asked for, also when nothing of it can
//! be seen any more.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::process::Command;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::fdo::MonitoringProxy;
use zbus::message::Type;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, MessageStream, Proxy};

use super::{Bus, Screen};
use crate::program::{EVENT_TIMEOUT, Running};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const SETTINGS: &str = include_str!("dunstrc");

/// A running notification service. Dropping ends it.
#[derive(Debug)]
pub struct Popups {
    _daemon: Running,
    connection: Connection,
    calls: mpsc::UnboundedReceiver<Call>,
    /// Those that the test has not asked for yet.
    waiting: VecDeque<Popup>,
    shown: Vec<Popup>,
}

/// What a program asked to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Popup {
    /// Upper line.
    pub title: String,
    /// Markup, since dunst takes it.
    pub body: String,
    /// The popup it takes the place of; 0 for a new one.
    pub replaces: u32,
    /// 0 to 2.
    pub urgency: u8,
}

#[derive(Debug)]
enum Call {
    Shown(Popup),
    /// A program asked what service this is.
    Asked(String),
}

impl Popups {
    /// Starts it on this screen, with its settings in `folder`.
    ///
    /// # Panics
    /// If it does not come to the bus.
    pub async fn start(bus: &Bus, screen: &Screen, folder: &Path) -> Self {
        let calls = watch(bus).await;
        let settings = folder.join("dunstrc");
        std::fs::write(&settings, SETTINGS).expect("a file written");
        let mut command = Command::new("dunst");
        command.arg("-conf").arg(settings).env("DISPLAY", screen.display()).env_remove("WAYLAND_DISPLAY");
        command.env("DBUS_SESSION_BUS_ADDRESS", bus.address()).env("HOME", folder);
        let daemon = Running::spawn(command);
        bus.wait_for_owner(NAME).await;
        let connection = bus.connect().await;
        Self { _daemon: daemon, connection, calls, waiting: VecDeque::new(), shown: Vec::new() }
    }

    /// The next popup that a program asked for.
    ///
    /// # Panics
    /// If none is asked for within [`EVENT_TIMEOUT`].
    pub async fn next(&mut self) -> Popup {
        loop {
            if let Some(popup) = self.waiting.pop_front() {
                return popup;
            }
            let call = timeout(EVENT_TIMEOUT, self.calls.recv()).await.expect("a popup is asked for");
            self.take(call.expect("the bus runs"));
        }
    }

    /// Every popup that was asked for up to now, those included that were looked at.
    ///
    /// # Panics
    /// If the service does not answer.
    pub async fn all(&mut self) -> Vec<Popup> {
        // A question of our own: once the monitor has seen it, it has seen all that was asked
        // before.
        let service = Proxy::new(&self.connection, NAME, PATH, NAME).await.expect("the service");
        service.call_method("GetServerInformation", &()).await.expect("an answer");
        let own = self.connection.unique_name().expect("a bus names us").to_string();
        loop {
            let call =
                timeout(EVENT_TIMEOUT, self.calls.recv()).await.expect("our own question").expect("the bus runs");
            if matches!(&call, Call::Asked(who) if *who == own) {
                return self.shown.clone();
            }
            self.take(call);
        }
    }

    /// How many are on the screen now, as dunst itself counts.
    ///
    /// # Panics
    /// If dunst does not answer.
    pub async fn displayed(&self) -> u32 {
        let dunst = Proxy::new(&self.connection, NAME, PATH, "org.dunstproject.cmd0").await.expect("dunst");
        dunst.get_property("displayedLength").await.expect("a number")
    }

    /// Has dunst show the menu of its popups' buttons; its settings choose *Approve* there.
    ///
    /// # Panics
    /// If dunst does not answer.
    pub async fn choose_button(&self) {
        let dunst = Proxy::new(&self.connection, NAME, PATH, "org.dunstproject.cmd0").await.expect("dunst");
        dunst.call_method("ContextMenuCall", &()).await.expect("an answer");
    }

    /// Closes all popups, as a person may.
    ///
    /// # Panics
    /// If dunst does not answer.
    pub async fn close_all(&self) {
        let dunst = Proxy::new(&self.connection, NAME, PATH, "org.dunstproject.cmd0").await.expect("dunst");
        dunst.call_method("NotificationCloseAll", &()).await.expect("an answer");
    }

    fn take(&mut self, call: Call) {
        if let Call::Shown(popup) = call {
            self.shown.push(popup.clone());
            self.waiting.push_back(popup);
        }
    }
}

/// Listens to every call to the service, from before the first.
async fn watch(bus: &Bus) -> mpsc::UnboundedReceiver<Call> {
    let monitor = bus.connect().await;
    let rule = format!("type='method_call',interface='{NAME}'");
    let rule = rule.as_str().try_into().expect("a rule");
    let proxy = MonitoringProxy::new(&monitor).await.expect("a proxy");
    proxy.become_monitor(&[rule], 0).await.expect("a monitor");
    let (sender, calls) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut messages = MessageStream::from(&monitor);
        while let Some(Ok(message)) = messages.next().await {
            if let Some(call) = call(&message)
                && sender.send(call).is_err()
            {
                return;
            }
        }
    });
    calls
}

fn call(message: &zbus::Message) -> Option<Call> {
    let header = message.header();
    if message.message_type() != Type::MethodCall {
        return None;
    }
    match header.member()?.as_str() {
        "Notify" => {
            let (_app, replaces, _icon, title, body, _actions, hints, _expire): NotifyArguments =
                message.body().deserialize().ok()?;
            let urgency = hints.get("urgency").and_then(|urgency| u8::try_from(urgency).ok()).unwrap_or(1);
            Some(Call::Shown(Popup { title, body, replaces, urgency }))
        }
        "GetServerInformation" => Some(Call::Asked(header.sender()?.to_string())),
        _ => None,
    }
}

/// As the specification has them.
type NotifyArguments = (String, u32, String, String, String, Vec<String>, HashMap<String, OwnedValue>, i32);
