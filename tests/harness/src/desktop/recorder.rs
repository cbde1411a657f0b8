//! A notification service that shows nothing: it records every call exactly, has the capabilities
//! that a test gives it, and does what a person would do.
//!
//! For what real services cannot be made to do: lack markup or buttons, be replaced by another one,
//! or be clicked before they have answered. [`Popups`](super::Popups) is a real one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};
use tokio::time::timeout;
use zbus::blocking::{Connection, connection};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

use super::Bus;
use crate::program::EVENT_TIMEOUT;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// The first popup has the number after this one.
const FIRST: u32 = 40;
/// `NotificationClosed`: a person dismissed it.
const DISMISSED: u32 = 2;
/// `NotificationClosed`: `CloseNotification` was called.
const CLOSED: u32 = 3;

/// A popup that a program asked for.
#[derive(Debug)]
pub struct RecordedPopup {
    /// The number that it was given.
    pub number: u32,
    /// The bus name of the program's connection.
    pub sender: String,
    /// The number of the popup that it replaces; 0 for a new one.
    pub replaces: u32,
    /// The name of an icon.
    pub icon: String,
    /// Upper line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// Keys and labels, in turn.
    pub actions: Vec<String>,
    /// Urgency, category and so on.
    pub hints: HashMap<String, OwnedValue>,
    /// 0: it stays; -1: as the service likes.
    pub expire_ms: i32,
}

impl RecordedPopup {
    /// What its buttons say, without the click on the body.
    pub fn buttons(&self) -> Vec<&str> {
        self.actions.chunks(2).filter(|action| action[0] != "default").map(|action| action[1].as_str()).collect()
    }

    /// A hint that is a text; empty if it is missing.
    pub fn text_hint(&self, name: &str) -> &str {
        self.hints.get(name).and_then(|hint| <&str>::try_from(hint).ok()).unwrap_or_default()
    }

    /// The urgency, 0 to 2.
    ///
    /// # Panics
    /// If it is missing.
    pub fn urgency(&self) -> u8 {
        u8::try_from(&self.hints["urgency"]).expect("a byte")
    }
}

/// A call of a program.
#[derive(Debug)]
pub enum RecordedCall {
    /// `Notify`.
    Notify(Box<RecordedPopup>),
    /// `CloseNotification`.
    Close(u32),
}

/// A call whose answer can be held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// To `GetCapabilities`.
    Capabilities,
    /// To `Notify`.
    Notify,
}

/// One for each [`Answer`]: locked while it is held back.
type Held = [Arc<Mutex<()>>; 2];

fn lock_of([capabilities, notify]: &Held, answer: Answer) -> &Arc<Mutex<()>> {
    match answer {
        Answer::Capabilities => capabilities,
        Answer::Notify => notify,
    }
}

struct Service {
    capabilities: Vec<String>,
    held: Held,
    calls: mpsc::UnboundedSender<RecordedCall>,
    last: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    async fn get_capabilities(&self) -> Vec<String> {
        self.wait_for(Answer::Capabilities).await;
        self.capabilities.clone()
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("recorder", "belfry", "1", "1.2")
    }

    #[expect(clippy::too_many_arguments, reason = "the specification defines them")]
    async fn notify(
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
        self.wait_for(Answer::Notify).await;
        let sender = header.sender().expect("a bus names senders").to_string();
        if replaces == 0 {
            self.last += 1;
        }
        let number = if replaces == 0 { self.last } else { replaces };
        let call = RecordedPopup { number, sender, replaces, icon, title, body, actions, hints, expire_ms };
        // The test may be over.
        drop(self.calls.send(RecordedCall::Notify(Box::new(call))));
        number
    }

    /// Whether the person is not to be disturbed: with the capability `x-inhibited`.
    #[zbus(property)]
    fn inhibited(&self) -> bool {
        self.capabilities.iter().any(|capability| capability == "x-inhibited")
    }

    async fn close_notification(&self, number: u32, #[zbus(signal_emitter)] emitter: SignalEmitter<'_>) {
        drop(self.calls.send(RecordedCall::Close(number)));
        Self::notification_closed(&emitter, number, CLOSED).await.expect("a signal sent");
    }

    /// A popup has left the screen.
    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, number: u32, reason: u32) -> zbus::Result<()>;
}

impl Service {
    async fn wait_for(&self, answer: Answer) {
        drop(lock_of(&self.held, answer).lock().await);
    }
}

/// The service on a bus. Dropping takes it away, and with it all popups.
#[derive(Debug)]
pub struct Recorder {
    connection: Connection,
    calls: mpsc::UnboundedReceiver<RecordedCall>,
    held: Held,
    /// A program may close these too, if it does not know yet that they have gone.
    dismissed: HashSet<u32>,
}

impl Recorder {
    /// Comes to the bus.
    ///
    /// # Panics
    /// If there is a notification service already.
    pub fn start(bus: &Bus, capabilities: &[&str]) -> Self {
        let (sender, calls) = mpsc::unbounded_channel();
        let capabilities = capabilities.iter().map(|&name| name.to_owned()).collect();
        let held = Held::default();
        let service = Service { capabilities, held: held.clone(), calls: sender, last: FIRST };
        let connection = connection::Builder::address(bus.address())
            .and_then(|builder| builder.serve_at(PATH, service))
            .and_then(|builder| builder.name(NAME))
            .and_then(connection::Builder::build)
            .expect("the only notification service");
        Self { connection, calls, held, dismissed: HashSet::new() }
    }

    /// The next call that is not about a popup which a person has dismissed.
    ///
    /// # Panics
    /// If there is none within [`EVENT_TIMEOUT`].
    pub async fn call(&mut self) -> RecordedCall {
        loop {
            let call = timeout(EVENT_TIMEOUT, self.calls.recv()).await.expect("a call").expect("the service runs");
            if !matches!(call, RecordedCall::Close(number) if self.dismissed.contains(&number)) {
                return call;
            }
        }
    }

    /// The next call, which has to ask for a popup.
    ///
    /// # Panics
    /// If it does not.
    pub async fn notify(&mut self) -> RecordedPopup {
        match self.call().await {
            RecordedCall::Notify(notify) => *notify,
            RecordedCall::Close(number) => panic!("closed {number} instead of showing"),
        }
    }

    /// The next call, which has to close a popup; its number.
    ///
    /// # Panics
    /// If it does not.
    pub async fn closed(&mut self) -> u32 {
        match self.call().await {
            RecordedCall::Close(number) => number,
            RecordedCall::Notify(notify) => panic!("shown instead of closed: {notify:?}"),
        }
    }

    /// Holds back the answers to such calls until the guard is dropped.
    pub async fn hold(&self, answer: Answer) -> OwnedMutexGuard<()> {
        Arc::clone(lock_of(&self.held, answer)).lock_owned().await
    }

    /// Whether there was no further call up to now.
    pub fn is_quiet(&mut self) -> bool {
        self.calls.is_empty()
    }

    /// A person presses the button that says this; the popup goes away, as with most services.
    ///
    /// # Panics
    /// If the popup has no such button.
    pub fn press(&mut self, popup: &RecordedPopup, label: &str) {
        let action = popup.actions.chunks(2).find(|action| action[1] == label);
        let action = action.unwrap_or_else(|| panic!("no button {label:?}: {popup:?}"));
        self.emit("ActionInvoked", popup.number, &action[0]);
        self.dismiss(popup.number);
    }

    /// A person dismisses the popup.
    ///
    /// # Panics
    /// If the bus is gone.
    pub fn dismiss(&mut self, number: u32) {
        self.dismissed.insert(number);
        let body = (number, DISMISSED);
        self.connection.emit_signal(None::<&str>, PATH, NAME, "NotificationClosed", &body).expect("a signal sent");
    }

    /// Sends a signal about a popup: `ActionInvoked` with a key, or `ActivationToken` with a token.
    ///
    /// # Panics
    /// If the bus is gone.
    pub fn emit(&self, signal: &str, number: u32, what: &str) {
        self.connection.emit_signal(None::<&str>, PATH, NAME, signal, &(number, what)).expect("a signal sent");
    }

    /// Whether a connection is still on the bus.
    ///
    /// # Panics
    /// If the bus is gone.
    pub fn is_connected(&self, name: &str) -> bool {
        let bus = zbus::blocking::fdo::DBusProxy::new(&self.connection).expect("the bus");
        bus.list_names().expect("names").iter().any(|found| found.as_str() == name)
    }
}
