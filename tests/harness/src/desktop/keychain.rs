//! A real keychain: gnome-keyring on a private bus, with its files in a folder of its own.

use std::process::Command;

use tempfile::TempDir;

use super::Bus;
use crate::program::Running;
use crate::skip::has;

const SECRETS: &str = "org.freedesktop.secrets";
const PASSWORD: &str = "pass";

/// Whether its secrets can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Opened with its password.
    Open,
    /// As after a login without its password: it is there, and there is no way to ask for its
    /// password.
    Locked,
}

/// A running keychain. Dropping ends it and removes its secrets.
#[derive(Debug)]
pub struct Keychain {
    daemon: Running,
    folder: TempDir,
}

impl Keychain {
    /// Starts it, empty; `None`, with a loud skip, where gnome-keyring is not installed.
    ///
    /// # Panics
    /// If it does not come to the bus.
    pub async fn start(bus: &Bus, lock: Lock) -> Option<Self> {
        if !has(&["gnome-keyring-daemon"]) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("belfry-keychain-").tempdir().expect("a temporary folder");
        // A keychain without a password has never been made, so there would be nothing that is
        // locked.
        let mut made = Self { daemon: daemon(bus, &folder, Lock::Open).await, folder };
        if lock == Lock::Locked {
            made.restart(bus, lock).await;
        }
        Some(made)
    }

    /// Ends it and starts it again with the same secrets.
    ///
    /// # Panics
    /// If it does not come back to the bus.
    pub async fn restart(&mut self, bus: &Bus, lock: Lock) {
        self.daemon.kill().await;
        self.daemon = daemon(bus, &self.folder, lock).await;
    }

    /// Where its files are.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

async fn daemon(bus: &Bus, folder: &TempDir, lock: Lock) -> Running {
    let folder = folder.path();
    let password = folder.join("password");
    std::fs::write(&password, PASSWORD).expect("a file written");
    // The password comes on standard input.
    let script = "from=$1; shift; exec gnome-keyring-daemon --foreground --components=secrets \"$@\" < \"$from\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(password).arg("--control-directory").arg(folder.join("control"));
    command.args((lock == Lock::Open).then_some("--unlock"));
    command.env("DBUS_SESSION_BUS_ADDRESS", bus.address()).env("XDG_DATA_HOME", folder.join("data"));
    command.env("XDG_RUNTIME_DIR", folder).env("HOME", folder).env_remove("DISPLAY");
    let daemon = Running::spawn(command);
    bus.wait_for_owner(SECRETS).await;
    daemon
}
