//! Desktop notifications over D-Bus (Desktop Notifications Specification 1.2,
//! `org.freedesktop.Notifications`).
//!
//! One connection shows, retracts and listens, as long as the program runs: GNOME Shell removes an
//! application's notifications when the connection that showed them closes. One thread listens for
//! all popups, and ends with the connection. A daemon is asked what it can do before each popup: it
//! may have been replaced.
//! Deliberately absent: what a button does, and any image, path or sound file from a message.
//! Invariants: the id of a popup contains the bus and the daemon that numbered it, so an old number
//! never closes a popup of another application; `Notify` is never sent twice for one popup.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_io::{Timer, block_on};
use belfry_core::ports::{Loudness, Notifier, NotifyError, Popup, PopupButton, PopupEvent, PopupId, PopupKind};
use belfry_core::texts::Language;
use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt as _};
use zbus::blocking::{Connection, connection};
use zbus::fdo::DBusProxy;
use zbus::message::Type;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{MatchRule, MessageStream};

use super::{Listener, MAX_BODY, MAX_TITLE, markup};
use belfry_core::foreign_text;

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const BUS: &str = "org.freedesktop.DBus";
/// The bus's signal that a name has come, gone or moved.
const OWNER_CHANGED: &str = "NameOwnerChanged";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// Shown by some desktops beside the popup.
const APP_NAME: &str = "Belfry";
/// Name of the installed `.desktop` file without its extension. A desktop uses it to find the icon
/// and the user's settings for the app.
const DESKTOP_ENTRY: &str = "belfry";
/// How long a call may take; the bus may have to start the daemon first.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long `Notify` may take. A daemon that has just said what it can do runs, and what it shows
/// late cannot be taken back, since its number is not known.
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(60);
/// Signals that are queued while the listener is busy; clicks are rare.
const SIGNAL_QUEUE: usize = 64;
/// The specification's name for a click on the body.
const BODY_CLICK: &str = "default";

/// The notification service of a Linux desktop.
pub struct Desktop {
    /// The language of the action that opens the notice, for desktops that show it.
    language: Mutex<Language>,
    /// The D-Bus address; `None` for the session bus.
    address: Option<String>,
    listener: Listener,
    connection: Mutex<Option<Connection>>,
    call_timeout: Duration,
    notify_timeout: Duration,
}

/// The daemon that is running now.
struct Daemon {
    /// Its unique name on the bus.
    owner: String,
    has_body_markup: bool,
    /// Some daemons without buttons show a dialog instead of a popup when an action is named.
    has_actions: bool,
}

impl Desktop {
    /// Connects at the first use.
    pub fn new(language: Language) -> Self {
        Self {
            language: Mutex::new(language),
            address: None,
            listener: Listener::default(),
            connection: Mutex::default(),
            call_timeout: CALL_TIMEOUT,
            notify_timeout: NOTIFY_TIMEOUT,
        }
    }

    /// As [`new`](Self::new), on the bus at this D-Bus address instead of the session's.
    pub fn at(language: Language, address: &str) -> Self {
        let mut desktop = Self::new(language);
        desktop.address = Some(address.to_owned());
        desktop
    }

    /// Waits this long for an answer to a call, and to the one that shows a popup.
    #[must_use]
    pub fn waiting(mut self, call: Duration, notify: Duration) -> Self {
        (self.call_timeout, self.notify_timeout) = (call, notify);
        self
    }

    /// The service that would show a notification now, as `name version`.
    ///
    /// # Errors
    /// [`NotifyError::Unavailable`] with what to do: no session bus, or no daemon on it.
    pub fn probe(&self) -> Result<String, NotifyError> {
        let reply = self.call(SERVICE, "GetServerInformation", &()).map_err(notify_error)?;
        let (name, _vendor, version, _spec): (String, String, String, String) =
            reply.body().deserialize().map_err(notify_error)?;
        Ok(format!("{name} {version}"))
    }

    /// The connection and its listening thread: made at the first use, and again after the
    /// connection was lost.
    fn connection(&self) -> zbus::Result<Connection> {
        let mut current = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = current.as_ref() {
            return Ok(connection.clone());
        }
        let builder = match &self.address {
            Some(address) => connection::Builder::address(address.as_str())?,
            None => connection::Builder::session()?,
        };
        let connection = builder.build()?;
        listen(&connection, self.listener.clone())?;
        *current = Some(connection.clone());
        Ok(connection)
    }

    /// Calls the service once. A broken connection is closed, so that its listener ends and the next
    /// call reconnects. One whose answer is late is kept: its popups are on the screen, and are still
    /// listened for.
    fn call<B>(&self, interface: &str, method: &str, body: &B) -> zbus::Result<zbus::Message>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let connection = self.connection()?;
        let limit = if method == "Notify" { self.notify_timeout } else { self.call_timeout };
        let call = connection.inner().call_method(Some(SERVICE), PATH, Some(interface), method, body);
        let Some(result) = within(limit, call) else { return Err(late(limit)) };
        if matches!(result, Err(zbus::Error::InputOutput(_))) {
            self.drop_connection(connection);
        }
        result
    }

    /// The connection is broken. Another call may have noticed that before, and made a new one.
    fn drop_connection(&self, broken: Connection) {
        let name = |connection: &Connection| (connection.server_guid().to_owned(), connection.unique_name().cloned());
        let mut current = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|current| name(current) == name(&broken));
        drop(current);
        close(broken);
    }

    /// Keys and labels, in turn.
    fn actions<'a>(&self, popup: &'a Popup) -> Vec<&'a str> {
        let buttons = popup.buttons.iter().flat_map(|PopupButton { key, label }| [key.as_str(), label.as_str()]);
        let language = *self.language.lock().unwrap_or_else(PoisonError::into_inner);
        [BODY_CLICK, language.text("popup.open")].into_iter().chain(buttons).collect()
    }

    /// Asks the daemon for its capabilities. The call has no effect, so it is repeated after a
    /// broken connection; the calls that follow then have a good connection.
    fn daemon(&self) -> Result<Daemon, NotifyError> {
        let reply = match self.call(SERVICE, "GetCapabilities", &()) {
            Err(zbus::Error::InputOutput(error)) if !is_late(&error) => self.call(SERVICE, "GetCapabilities", &()),
            other => other,
        }
        .map_err(notify_error)?;
        let capabilities: Vec<String> = reply.body().deserialize().map_err(notify_error)?;
        let has = |name: &str| capabilities.iter().any(|capability| capability == name);
        Ok(Daemon { owner: sender(&reply), has_body_markup: has("body-markup"), has_actions: has("actions") })
    }
}

impl Notifier for Desktop {
    fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError> {
        let daemon = self.daemon()?;
        if popup.kind == PopupKind::Question && !daemon.has_actions {
            return Err(NotifyError::Refused("this notification service shows no buttons".to_owned()));
        }
        let bus = self.connection().map_err(notify_error)?.server_guid().to_owned();
        let replaces = match &popup.replaces {
            None => 0,
            // Another daemon would not update it but show a second popup.
            Some(id) => number_of(id, &bus, &daemon.owner).ok_or_else(|| {
                NotifyError::Refused("the daemon that showed this popup is no longer running".to_owned())
            })?,
        };
        let body = foreign_text::lines(&popup.body, MAX_BODY);
        let body = if daemon.has_body_markup { markup::as_markup(&body) } else { body };
        let hints = hints(popup);
        let actions = if daemon.has_actions { self.actions(popup) } else { Vec::new() };
        // 0: until it is dismissed; -1: the desktop's default.
        let expire_ms: i32 = if popup.stays() { 0 } else { -1 };
        let title = foreign_text::one_line(&popup.title, MAX_TITLE);
        let arguments = (APP_NAME, replaces, DESKTOP_ENTRY, title, body, actions, hints, expire_ms);
        let reply = self.call(SERVICE, "Notify", &arguments).map_err(|error| match notify_error(error) {
            // It may have been shown before the bus or the daemon went.
            NotifyError::Unavailable(why) | NotifyError::Refused(why) => NotifyError::Refused(why),
        })?;
        let number: u32 = reply.body().deserialize().map_err(notify_error)?;
        Ok(popup_id(&bus, &sender(&reply), number))
    }

    /// `Inhibited` is a property of KDE's service and of those that follow it, not of the specification.
    fn is_silenced(&self) -> bool {
        let inhibited = || -> zbus::Result<bool> {
            let reply = self.call(PROPERTIES, "Get", &(SERVICE, "Inhibited"))?;
            let value: OwnedValue = reply.body().deserialize()?;
            Ok(bool::try_from(value)?)
        };
        inhibited().unwrap_or(false)
    }

    fn retract(&self, id: &PopupId) {
        let closed = self.connection().and_then(|connection| {
            let bus = connection.server_guid().to_owned();
            let owner = async {
                let proxy = DBusProxy::new(connection.inner()).await?;
                Ok(proxy.get_name_owner(SERVICE.try_into()?).await?)
            };
            let owner = within(self.call_timeout, owner).unwrap_or_else(|| Err(late(self.call_timeout)))?;
            match number_of(id, &bus, &owner) {
                Some(number) => self.call(SERVICE, "CloseNotification", &number).map(|_| ()),
                None => Ok(()),
            }
        });
        if let Err(error) = closed {
            tracing::debug!(popup = %id.0, %error, "popup not closed; it or its daemon is gone");
        }
    }

    fn set_language(&self, language: Language) {
        *self.language.lock().unwrap_or_else(PoisonError::into_inner) = language;
    }

    fn listen(&self, callback: Box<dyn Fn(PopupEvent) + Send + Sync>) {
        self.listener.set(callback);
        // A popup of an earlier run may be clicked before this run shows any.
        if let Err(error) = self.connection() {
            tracing::warn!(error = %notify_error(error), "clicks on notifications are not received yet");
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            close(connection);
        }
    }
}

/// The listener holds the connection too, so that it would never end by itself.
fn close(connection: Connection) {
    if let Err(error) = connection.close() {
        tracing::debug!(%error, "the connection to the session bus was closed before");
    }
}

/// What came of a call; `None` where nothing did in this time.
fn within<T>(limit: Duration, call: impl Future<Output = zbus::Result<T>>) -> Option<zbus::Result<T>> {
    block_on(async {
        match select(pin!(call), Timer::after(limit)).await {
            Either::Left((result, _)) => Some(result),
            Either::Right(_) => None,
        }
    })
}

fn late(limit: Duration) -> zbus::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limit.as_secs())).into()
}

fn is_late(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

/// Starts the thread that turns the signals of daemon and bus into events; it ends with the connection.
fn listen(connection: &Connection, listener: Listener) -> zbus::Result<()> {
    let signals = MatchRule::builder().msg_type(Type::Signal).path(PATH)?.interface(SERVICE)?.build();
    let owners =
        MatchRule::builder().msg_type(Type::Signal).sender(BUS)?.member(OWNER_CHANGED)?.arg(0, SERVICE)?.build();
    let stream = |rule| block_on(MessageStream::for_match_rule(rule, connection.inner(), Some(SIGNAL_QUEUE)));
    let mut messages = stream::select(stream(signals)?, stream(owners)?);
    let bus = connection.server_guid().to_owned();
    std::thread::Builder::new().name("notifications".to_owned()).spawn(move || {
        let mut token = None;
        while let Some(Ok(message)) = block_on(messages.next()) {
            if let Some(event) = event(&bus, &message, &mut token) {
                listener.notify(event);
            }
        }
    })?;
    Ok(())
}

/// The event of a signal. `token` keeps an `ActivationToken` for the `ActionInvoked` that follows
/// it (specification 1.2).
fn event(bus: &str, message: &zbus::Message, token: &mut Option<(PopupId, String)>) -> Option<PopupEvent> {
    let header = message.header();
    let owner = header.sender()?.as_str();
    match header.member()?.as_str() {
        "ActivationToken" => {
            let (number, value): (u32, String) = message.body().deserialize().ok()?;
            *token = Some((popup_id(bus, owner, number), value));
            None
        }
        "ActionInvoked" => {
            let (number, action): (u32, String) = message.body().deserialize().ok()?;
            let id = popup_id(bus, owner, number);
            let activation_token = token.take().filter(|(of, _)| *of == id).map(|(_, value)| value);
            Some(PopupEvent::Activated { id, action, activation_token })
        }
        "NotificationClosed" => {
            let (number, _reason): (u32, u32) = message.body().deserialize().ok()?;
            Some(PopupEvent::Closed { id: popup_id(bus, owner, number) })
        }
        OWNER_CHANGED => {
            let (_name, _old, new): (String, String, String) = message.body().deserialize().ok()?;
            (!new.is_empty()).then_some(PopupEvent::ServiceStarted)
        }
        _ => None,
    }
}

fn hints(popup: &Popup) -> HashMap<&'static str, Value<'_>> {
    let urgency: u8 = if popup.loudness == Loudness::Urgent { 2 } else { 1 };
    // The specification's own categories name other things; a person's rules for popups can use these.
    let category = match popup.kind {
        PopupKind::Single | PopupKind::Summary | PopupKind::Update => "x-belfry.notice",
        PopupKind::Question => "x-belfry.question",
        PopupKind::Result => "x-belfry.result",
    };
    let mut hints = HashMap::from([
        ("urgency", Value::from(urgency)),
        ("category", Value::from(category)),
        ("desktop-entry", Value::from(DESKTOP_ENTRY)),
    ]);
    if popup.kind == PopupKind::Result {
        // It is kept on the notice, so no list of notifications has to keep it too.
        hints.insert("transient", Value::from(true));
    }
    if popup.loudness == Loudness::Quiet || popup.sound.is_empty() {
        hints.insert("suppress-sound", Value::from(true));
    } else if popup.sound == "default" {
        hints.insert("sound-name", Value::from("message-new-instant"));
    } else {
        hints.insert("sound-name", Value::from(popup.sound.as_str()));
    }
    hints
}

fn sender(message: &zbus::Message) -> String {
    message.header().sender().map(|name| name.to_string()).unwrap_or_default()
}

/// `bus owner number`: none of the three contains a space.
fn popup_id(bus: &str, owner: &str, number: u32) -> PopupId {
    PopupId(format!("{bus} {owner} {number}"))
}

/// The daemon's number of this popup, if it was assigned by this daemon on this bus.
fn number_of(id: &PopupId, bus: &str, owner: &str) -> Option<u32> {
    id.0.strip_prefix(bus)?.strip_prefix(' ')?.strip_prefix(owner)?.strip_prefix(' ')?.parse().ok()
}

/// The port's error, with what to do.
#[expect(clippy::wildcard_enum_match_arm, reason = "the list of a library: any other error is a refusal")]
fn notify_error(error: zbus::Error) -> NotifyError {
    match error {
        zbus::Error::MethodError(name, detail, _) => match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
                NotifyError::Unavailable(
                    "no notification daemon is running in this session: start one, for example dunst".to_owned(),
                )
            }
            name if name.starts_with("org.freedesktop.DBus.Error.Spawn") => NotifyError::Unavailable(format!(
                "the notification daemon cannot be started ({})",
                detail.unwrap_or_default()
            )),
            name => NotifyError::Refused(format!("{name}: {}", detail.unwrap_or_default())),
        },
        zbus::Error::InputOutput(error) if is_late(&error) => NotifyError::Refused(error.to_string()),
        error @ (zbus::Error::Address(_)
        | zbus::Error::Connection(..)
        | zbus::Error::Handshake(_)
        | zbus::Error::InputOutput(_)) => NotifyError::Unavailable(format!(
            "no session bus ({error}): start the app inside a desktop session, or set DBUS_SESSION_BUS_ADDRESS"
        )),
        other => NotifyError::Refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_popup_of_another_daemon_or_another_bus_has_no_number() {
        let id = popup_id("guid", ":1.7", 42);
        assert_eq!(number_of(&id, "guid", ":1.7"), Some(42));
        assert_eq!(number_of(&id, "guid", ":1.70"), None);
        assert_eq!(number_of(&id, "guid", ":1"), None);
        assert_eq!(number_of(&id, "other", ":1.7"), None);
        assert_eq!(number_of(&PopupId(String::new()), "guid", ":1.7"), None);
    }
}
