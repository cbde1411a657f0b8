//! A SOCKS5 server (microsocks), and names that only one program knows.
//!
//! With `socks5://` the client resolves the server's name, with `socks5h://` the proxy does. Which
//! of them knows a name is decided by a library (nss_wrapper) that is loaded into that program
//! alone: nothing on the machine changes.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::ports::free_port;
use crate::program::Running;
use crate::skip::{has, skip};

const LIBRARY: &str = "libnss_wrapper.so";
const START_LIMIT: Duration = Duration::from_secs(60);

/// Names for programs that are started with [`Names::tell`]; they lead to this machine.
#[derive(Debug)]
pub struct Names {
    folder: TempDir,
}

impl Names {
    /// These names; `None`, with a loud skip, where nss_wrapper is not installed.
    ///
    /// # Panics
    /// If they cannot be written, or the library is missing and `CI=true`.
    pub fn new(names: &[&str]) -> Option<Self> {
        let library = PathBuf::from(format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH)).join(LIBRARY);
        if !library.exists() {
            skip("libnss-wrapper is not installed; cargo xtask test installs what the tests need");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("belfry-names-").tempdir().expect("a temporary folder");
        fs::write(folder.path().join("hosts"), format!("127.0.0.1 {}\n", names.join(" "))).expect("hosts written");
        Some(Self { folder })
    }

    /// Lets a program know the names when it is started.
    pub fn tell(&self, command: &mut Command) {
        command.env("LD_PRELOAD", LIBRARY).env("NSS_WRAPPER_HOSTS", self.folder.path().join("hosts"));
    }
}

/// A SOCKS5 server without a sign-in. Dropping kills it.
#[derive(Debug)]
pub struct Socks {
    running: Running,
    port: u16,
}

impl Socks {
    /// Starts it; it knows `names`, if any. `None`, with a loud skip, where it is not installed.
    ///
    /// # Panics
    /// If it is installed and does not start, or if it is missing and `CI=true`.
    pub async fn start(names: Option<&Names>) -> Option<Self> {
        if !has(&["microsocks"]) {
            return None;
        }
        let port = free_port();
        let mut command = Command::new("microsocks");
        command.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
        if let Some(names) = names {
            names.tell(&mut command);
        }
        let running = Running::spawn(command);
        let listening = spawn_blocking(move || {
            let deadline = Instant::now() + START_LIMIT;
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(Instant::now() < deadline, "microsocks does not answer");
                std::thread::yield_now(); // a matter of a few milliseconds; it does not say when it listens
            }
        });
        listening.await.expect("microsocks listens");
        Some(Self { running, port })
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns when it has said that it connected to this target, `HOST:PORT` as the client named it.
    ///
    /// # Panics
    /// If it does not within a minute.
    pub async fn connected_to(&mut self, target: &str) {
        self.running.says(&format!("connected to {target}")).await;
    }
}
