//! Linux: somebody has to own `org.kde.StatusNotifierWatcher` (StatusNotifierItem specification), usually the panel.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use zbus::blocking::Connection;
use zbus::blocking::fdo::DBusProxy;

use super::NoTrayHost;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// Whether a tray icon would be seen now.
///
/// # Errors
/// [`NoTrayHost`] with what to do.
pub fn probe() -> Result<(), NoTrayHost> {
    let connection = Connection::session().map_err(no_bus)?;
    let bus = DBusProxy::new(&connection).map_err(no_bus)?;
    has_watcher(&bus)
}

/// Waits until a tray icon would be seen: at login the panel may come after us.
///
/// # Errors
/// [`NoTrayHost`] when it is still not there after `limit`.
pub fn wait(limit: Duration) -> Result<(), NoTrayHost> {
    let until = Instant::now() + limit;
    let connection = Connection::session().map_err(no_bus)?;
    let bus = DBusProxy::new(&connection).map_err(no_bus)?;
    // Listen first, then look: an owner that comes in between is not missed.
    let changes = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).map_err(no_bus)?;
    let (tell, told) = channel();
    // Ends with the first change after nobody waits any more.
    std::thread::spawn(move || {
        for _ in changes {
            if tell.send(()).is_err() {
                break;
            }
        }
    });
    loop {
        let found = has_watcher(&bus);
        if found.is_ok() {
            return found;
        }
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
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
