//! Other programs on the same input in the same run.
//!
//! `cargo xtask bench` installs them: into `tests/bench/peers` what comes from npm, and into the folder
//! of the report what comes from PyPI.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::report::Rounds;

/// The other programs, installed.
#[derive(Debug)]
pub(crate) struct Peers {
    scripts: PathBuf,
    folder: PathBuf,
}

/// A library that speaks STOMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Library {
    /// `@stomp/stompjs`, in Node.
    Stompjs,
    /// `stomp.py`.
    StompPy,
}

impl Library {
    pub(crate) const ALL: [Self; 2] = [Self::Stompjs, Self::StompPy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stompjs => "stompjs",
            Self::StompPy => "stomp.py",
        }
    }
}

impl Peers {
    /// # Panics
    /// If they are not installed.
    pub(crate) fn installed(out: &Path) -> Self {
        let scripts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("peers");
        let folder = std::path::absolute(out).expect("a folder");
        let is_there = scripts.join("node_modules").is_dir() && folder.join("venv").is_dir();
        assert!(is_there, "run `cargo xtask bench`, which installs the peers");
        Self { scripts, folder }
    }

    /// A script of ours for this library.
    fn script(&self, library: Library, name: &str) -> Command {
        let (program, extension) = match library {
            Library::Stompjs => (OsString::from("node"), "mjs"),
            Library::StompPy => (self.folder.join("venv/bin/python").into(), "py"),
        };
        let mut command = Command::new(program);
        command.arg(self.scripts.join(name).with_extension(extension));
        command
    }

    /// Frames a second of a library, in each of the rounds.
    pub(crate) fn decode(&self, library: Library, message: &[u8], frames: usize, rounds: usize) -> Rounds {
        let mut command = self.script(library, "decoder");
        command.args([frames, rounds].map(|number| number.to_string()));
        let rates: Vec<f64> = serde_json::from_str(&output(command, message)).expect("numbers");
        Rounds::new(rates)
    }

    /// A subscriber made of a library: it prints a line for each message.
    pub(crate) fn subscriber(&self, library: Library, url: &str, destination: &str) -> Command {
        let mut command = self.script(library, "subscriber");
        command.args([url, destination]);
        command
    }

    /// A server for [`Self::gotify_tray`], which prints its port.
    pub(crate) fn gotify_server(&self) -> Command {
        let mut command = Command::new("node");
        command.arg(self.scripts.join("gotify.mjs"));
        command
    }

    /// Gotify's tray program, signed in to the server at this port, to be admitted to a desktop.
    pub(crate) fn gotify_tray(&self, port: u64, admit: impl FnOnce(&mut Command)) -> Command {
        let home = self.folder.join("gotify");
        std::fs::create_dir_all(&home).expect("a folder");
        let settings = format!("[Server]\nurl=http://127.0.0.1:{port}\nclient_token=bench\n");
        std::fs::write(home.join("gotify-tray.conf"), settings).expect("settings written");
        let mut command = Command::new(self.folder.join("venv/bin/gotify-tray"));
        admit(&mut command);
        // Another one that runs for the developer has the lock.
        command.arg("--no-lock").env("XDG_CONFIG_HOME", &home).env("XDG_DATA_HOME", &home);
        command
    }
}

/// Allocations of Belfry's decoder for this frame.
pub(crate) fn allocations(message: &[u8]) -> f64 {
    let program = std::env::current_exe().expect("this program").with_file_name("belfry-bench-allocations");
    output(Command::new(program), message).trim().parse().expect("a number")
}

/// Chromium with an empty page, to be admitted to a desktop: what every program made with Electron
/// carries with it.
pub(crate) fn chromium(out: &Path, admit: impl FnOnce(&mut Command)) -> Command {
    let mut command = Command::new("chromium");
    admit(&mut command);
    // Its sandbox refuses to run as root.
    command.args(["--no-sandbox", "--no-first-run", "--app=about:blank", "--disable-gpu"].map(OsStr::new));
    let profile = std::path::absolute(out).expect("a folder").join("chromium");
    command.arg(format!("--user-data-dir={}", profile.display()));
    command
}

/// What a program that is given this input prints.
fn output(mut command: Command, input: &[u8]) -> String {
    let program = command.get_program().to_owned();
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program:?} failed");
    String::from_utf8(output.stdout).expect("text")
}
