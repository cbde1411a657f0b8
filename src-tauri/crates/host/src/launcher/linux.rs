//! Linux: the `Update` signal of `com.canonical.Unity.LauncherEntry`, which the docks of Ubuntu,
//! KDE and others follow.
//!
//! A dock keeps the number for as long as the connection that sent it lives, so one connection is
//! kept, and a dead program leaves no number behind. A thread of its own sends, so that a bus that
//! does not answer holds up nothing else.

use std::collections::HashMap;
use std::sync::mpsc::{Sender, channel};

use zbus::blocking::{Connection, connection};
use zbus::zvariant::Value;

const INTERFACE: &str = "com.canonical.Unity.LauncherEntry";
/// Any path will do; docks tell programs apart by the address in the signal.
const PATH: &str = "/com/canonical/unity/launcherentry/belfry";
/// The installed `.desktop` file, by which a dock finds the icon.
const ADDRESS: &str = "application://belfry.desktop";

/// The program's icon in docks.
#[derive(Debug)]
pub struct Launcher(Sender<u64>);

impl Default for Launcher {
    fn default() -> Self {
        Self::new()
    }
}

impl Launcher {
    /// On the session bus. Connects when there is something to show.
    pub fn new() -> Self {
        Self::on(None)
    }

    /// As [`new`](Self::new), on the bus at this D-Bus address.
    pub fn at(address: &str) -> Self {
        Self::on(Some(address.to_owned()))
    }

    fn on(address: Option<String>) -> Self {
        let (sender, counts) = channel();
        let work = move || {
            let mut connection = None;
            for count in counts {
                // What was never shown needs no connection to be taken away.
                if count == 0 && connection.is_none() {
                    continue;
                }
                if let Err(error) = send(&mut connection, address.as_deref(), count) {
                    tracing::debug!(%error, "the number of unread notices is not on the dock");
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("launcher".to_owned()).spawn(work) {
            tracing::debug!(%error, "the number of unread notices is not on the dock");
        }
        Self(sender)
    }

    /// Shows this number; 0 shows none. A dock that has just been started needs it once more.
    pub fn show(&self, count: u64) {
        // Without its thread there is nothing to show it with, which has been logged.
        let _ = self.0.send(count);
    }
}

/// Sends the number, on a new connection if the last one is gone.
fn send(connection: &mut Option<Connection>, address: Option<&str>, count: u64) -> zbus::Result<()> {
    *connection = connection.take().filter(|kept| emit(kept, count).is_ok());
    if connection.is_some() {
        return Ok(());
    }
    let builder = match address {
        Some(address) => connection::Builder::address(address)?,
        None => connection::Builder::session()?,
    };
    let new = builder.build()?;
    emit(&new, count)?;
    *connection = Some(new);
    Ok(())
}

fn emit(connection: &Connection, count: u64) -> zbus::Result<()> {
    let properties = HashMap::from([
        ("count", Value::from(i64::try_from(count).unwrap_or(i64::MAX))),
        ("count-visible", Value::from(count > 0)),
    ]);
    connection.emit_signal(None::<&str>, PATH, INTERFACE, "Update", &(ADDRESS, properties))
}
