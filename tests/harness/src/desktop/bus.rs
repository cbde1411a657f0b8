//! A private session bus: nothing of the developer's own desktop is seen or touched.
//!
//! It starts no services by itself: what answers on it is what a test has put there.

use std::path::Path;
use std::process::Command;

use futures_util::StreamExt;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

use crate::program::{EVENT_TIMEOUT, Running};
use crate::skip::has;

/// A running bus. Dropping ends it.
#[derive(Debug)]
pub struct Bus {
    daemon: Running,
    address: String,
    folder: TempDir,
}

impl Bus {
    /// Starts it; `None`, with a loud skip, where `dbus-daemon` is not installed.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Option<Self> {
        if !has(&["dbus-daemon"]) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("belfry-bus-").tempdir().expect("a temporary folder");
        let address = format!("unix:path={}", folder.path().join("bus").display());
        let config = format!(
            "<busconfig><type>session</type><listen>{address}</listen><policy context=\"default\">\
             <allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>"
        );
        std::fs::write(folder.path().join("bus.conf"), config).expect("a file written");
        Some(Self { daemon: daemon(folder.path()).await, address, folder })
    }

    /// Its D-Bus address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The bus goes away with all its connections, and comes back at the same address.
    ///
    /// # Panics
    /// If it does not come back.
    pub async fn restart(&mut self) {
        self.daemon.kill().await;
        self.daemon = daemon(self.folder.path()).await;
    }

    /// A connection of the caller's own.
    ///
    /// # Panics
    /// If the bus is gone.
    pub async fn connect(&self) -> Connection {
        let builder = zbus::connection::Builder::address(self.address.as_str()).expect("an address");
        builder.build().await.expect("the bus")
    }

    /// Returns when a program owns this name.
    ///
    /// # Panics
    /// If none does within [`EVENT_TIMEOUT`].
    pub async fn wait_for_owner(&self, name: &'static str) {
        let connection = self.connect().await;
        let bus = DBusProxy::new(&connection).await.expect("the bus");
        // Listen first, then look: an owner that comes in between is not missed.
        let mut changes = bus.receive_name_owner_changed_with_args(&[(0, name)]).await.expect("changes of owners");
        let asked = BusName::try_from(name).expect("a bus name");
        while !bus.name_has_owner(asked.clone()).await.expect("an answer") {
            timeout(EVENT_TIMEOUT, changes.next()).await.unwrap_or_else(|_| panic!("{name} has no owner"));
        }
    }
}

async fn daemon(folder: &Path) -> Running {
    let mut command = Command::new("dbus-daemon");
    command.arg("--config-file").arg(folder.join("bus.conf")).args(["--nofork", "--print-address=1"]);
    let mut daemon = Running::spawn(command);
    daemon.event("its address", Value::is_string).await;
    daemon
}
