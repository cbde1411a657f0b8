//! A private session bus, so that nothing of the developer's own desktop is seen or touched.

use std::path::Path;
use std::process::Command;

use harness::Running;
use harness::skip::skip;
use serde_json::Value;

/// A bus of our own, which starts no services by itself.
pub(crate) struct Bus {
    daemon: Running,
    pub(crate) address: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Bus {
    pub(crate) async fn start() -> Option<Self> {
        if Command::new("dbus-daemon").arg("--version").output().is_err() {
            skip("dbus-daemon is not installed: apt-get install dbus-daemon");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = format!("unix:path={}", folder.path().join("bus").display());
        let config = format!(
            "<busconfig><type>session</type><listen>{address}</listen><policy context=\"default\">\
             <allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>"
        );
        std::fs::write(folder.path().join("bus.conf"), config).expect("a file written");
        Some(Self { daemon: Self::daemon(folder.path()).await, address, folder })
    }

    async fn daemon(folder: &Path) -> Running {
        let mut command = Command::new("dbus-daemon");
        command.arg("--config-file").arg(folder.join("bus.conf")).args(["--nofork", "--print-address=1"]);
        let mut daemon = Running::spawn(command);
        daemon.event("its address", Value::is_string).await;
        daemon
    }

    /// The bus goes away with all its connections, and comes back at the same address.
    pub(crate) async fn restart(&mut self) {
        self.daemon.kill().await;
        self.daemon = Self::daemon(self.folder.path()).await;
    }
}
