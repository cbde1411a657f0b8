//! Servers that are Java programs: each prints `{"ready":true,…}` on a line when it serves.

use std::path::PathBuf;
use std::process::Command;

use harness::Running;

/// Where they are.
#[derive(Debug)]
pub(crate) struct Java {
    folder: PathBuf,
}

impl Java {
    /// `FOLDER/NAME/server.jar` is a server.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Starts a server.
    ///
    /// # Panics
    /// If it does not become ready.
    pub(crate) async fn start(&self, name: &str, args: &[String]) -> Running {
        let mut command = Command::new("java");
        // A server that lives for seconds is not worth compiling thoroughly.
        command.args(["-XX:TieredStopAtLevel=1", "-jar"]).arg(self.folder.join(name).join("server.jar")).args(args);
        let mut running = Running::spawn(command);
        running.event("ready", |line| line["ready"] == true).await;
        running
    }
}
