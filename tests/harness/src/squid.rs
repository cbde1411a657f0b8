//! Squid, the proxy that many companies have, with a sign-in and names that only it knows.
//!
//! Loopback never goes through a proxy, so a server has a name that only this proxy resolves. It
//! runs in the foreground with a configuration, a port and names of its own, and keeps nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::ports::free_port;
use crate::program::Running;
use crate::skip::skip;

/// Debian has it outside a person's search path.
const PROGRAM: &str = "/usr/sbin/squid";
/// It says so at its start and after each change of its configuration.
const READY: &str = "Accepting HTTP Socket connections";

/// A proxy of the test's own, for the user `alice` with the password `open sesame`. Dropping kills it.
#[derive(Debug)]
pub struct Squid {
    running: Running,
    folder: TempDir,
    port: u16,
}

impl Squid {
    /// Starts it; `names` lead to this machine. `None`, with a loud skip, where it is not installed.
    ///
    /// # Panics
    /// If it is installed and does not start, or if it is missing and `CI=true`.
    pub async fn start(names: &[&str]) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            skip("squid is not installed; cargo xtask test installs what the tests need");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("belfry-squid-").tempdir().expect("a temporary folder");
        // Started by root, it gives up root's rights and reads these files as another user.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("a readable folder");
        fs::write(folder.path().join("hosts"), format!("127.0.0.1 {}\n", names.join(" "))).expect("hosts written");
        let check = folder.path().join("check");
        // Squid encodes what it passes on.
        let script = "#!/bin/sh\nwhile read -r line; do\n\
                      if [ \"$line\" = 'alice open%20sesame' ]; then echo OK; else echo ERR; fi\ndone\n";
        fs::write(&check, script).expect("the check written");
        fs::set_permissions(&check, Permissions::from_mode(0o755)).expect("a program");
        let port = free_port();
        write_configuration(folder.path(), port, None);
        let mut command = Command::new(PROGRAM);
        command.args(["-N", "-d", "1", "-n", &format!("belfry{port}"), "-f"]).arg(folder.path().join("squid.conf"));
        let mut running = Running::spawn(command);
        running.says(READY).await;
        Some(Self { running, folder, port })
    }

    /// `http://127.0.0.1:PORT`, without a sign-in.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `http://USER:PASSWORD@127.0.0.1:PORT`; the password is encoded already. The right one is
    /// `open%20sesame`.
    pub fn url_for(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// From now on it refuses tunnels to this port, or to none. Open tunnels stay.
    ///
    /// # Panics
    /// If it does not take its new configuration.
    pub async fn block(&mut self, port: Option<u16>) {
        write_configuration(self.folder.path(), self.port, port);
        let before = self.running.stderr().matches(READY).count();
        self.running.signal(Signal::HUP);
        self.running.stderr_until("that it is ready again", |said| said.matches(READY).count() > before).await;
    }
}

fn write_configuration(folder: &Path, port: u16, blocked: Option<u16>) {
    let at = |name: &str| folder.join(name).display().to_string();
    let blocked = blocked.map(|port| format!("acl blocked port {port}\nhttp_access deny blocked\n"));
    let text = format!(
        "http_port 127.0.0.1:{port}\nhosts_file {}\nvisible_hostname proxy.belfry.test\n\
         auth_param basic program {}\nauth_param basic children 1 startup=1\nauth_param basic realm Belfry\n\
         acl signed_in proxy_auth REQUIRED\n{}http_access allow signed_in\nhttp_access deny all\n\
         cache deny all\ncache_mem 0\naccess_log none\ncache_log /dev/null\npid_filename none\nnetdb_filename none\n\
         pinger_enable off\nshutdown_lifetime 0 seconds\n",
        at("hosts"),
        at("check"),
        blocked.unwrap_or_default(),
    );
    fs::write(folder.join("squid.conf"), text).expect("the configuration written");
}
