//! Linux: the tray exists if `org.kde.StatusNotifierWatcher` has an owner, usually the panel
//! (StatusNotifierItem specification).

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use zbus::blocking::fdo::DBusProxy;
use zbus::blocking::{Connection, MessageIterator};

use super::NoTrayHost;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// The bus on which tray icons are.
#[derive(Debug)]
pub struct SessionBus(Connection);

impl SessionBus {
    /// Connects to it.
    ///
    /// # Errors
    /// [`NoTrayHost::NoBus`].
    pub fn connect() -> Result<Self, NoTrayHost> {
        Connection::session().map(Self).map_err(no_bus)
    }

    /// Returns when it is gone, and with it every icon.
    pub fn wait_until_gone(&self) {
        // Nothing is sent to this connection, so it says only when it ends.
        for message in MessageIterator::from(&self.0) {
            if message.is_err() {
                return;
            }
        }
    }
}

/// Whether a tray icon would be visible now.
///
/// # Errors
/// [`NoTrayHost`] with what to do.
pub fn probe() -> Result<(), NoTrayHost> {
    let connection = Connection::session().map_err(no_bus)?;
    let bus = DBusProxy::new(&connection).map_err(no_bus)?;
    has_watcher(&bus)
}

/// Waits until a tray icon would be visible: at login the panel may start after this program.
///
/// # Errors
/// [`NoTrayHost`] when it is still not there after `limit`.
pub fn wait(limit: Duration) -> Result<(), NoTrayHost> {
    let until = Instant::now() + limit;
    let connection = Connection::session().map_err(no_bus)?;
    let bus = DBusProxy::new(&connection).map_err(no_bus)?;
    // Listen first, then check, so that no change in between is missed.
    let changes = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).map_err(no_bus)?;
    let (sender, changed) = channel();
    // Ends at the first change after this function has returned.
    std::thread::spawn(move || {
        for _ in changes {
            if sender.send(()).is_err() {
                break;
            }
        }
    });
    loop {
        let found = has_watcher(&bus);
        if found.is_ok() {
            return found;
        }
        match changed.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return found,
        }
    }
}

fn has_watcher(bus: &DBusProxy<'_>) -> Result<(), NoTrayHost> {
    let name = WATCHER.try_into().map_err(no_bus)?;
    match bus.name_has_owner(name) {
        Ok(true) => Ok(()),
        Ok(false) => Err(NoTrayHost::NoWatcher),
        Err(error) => Err(no_bus(error)),
    }
}

fn no_bus(error: impl std::fmt::Display) -> NoTrayHost {
    NoTrayHost::NoBus(error.to_string())
}
