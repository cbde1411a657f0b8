//! Other programs on the same input in the same run.
//!
//! `cargo xtask bench` installs them into `tests/bench/peers`.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::report::Rounds;

/// The scripts of `tests/bench/peers`, installed.
#[derive(Debug)]
pub(crate) struct Peers(PathBuf);

impl Peers {
    /// # Panics
    /// If they are not installed.
    pub(crate) fn installed() -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("peers");
        assert!(folder.join("node_modules").is_dir(), "run `cargo xtask bench`, which installs the peers");
        Self(folder)
    }

    /// Frames a second of `@stomp/stompjs`, in each of the rounds.
    pub(crate) fn decode(&self, message: &[u8], frames: usize, rounds: usize) -> Rounds {
        let script = self.0.join("decoder.mjs").into_os_string();
        let args = [script, frames.to_string().into(), rounds.to_string().into()];
        let rates: Vec<f64> = serde_json::from_str(&output("node", args, message)).expect("numbers");
        Rounds::new(rates)
    }

    /// Allocations of Belfry's decoder for this frame.
    pub(crate) fn allocations(&self, message: &[u8]) -> f64 {
        let program = std::env::current_exe().expect("this program").with_file_name("belfry-bench-allocations");
        let args: [&OsStr; 0] = [];
        output(program, args, message).trim().parse().expect("a number")
    }

    /// A subscriber made of `@stomp/stompjs`: it prints a line for each message.
    pub(crate) fn subscriber(&self, url: &str, destination: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(self.0.join("subscriber.mjs")).args([url, destination]);
        command
    }
}

/// What a program that is given this input prints.
fn output<P: AsRef<OsStr>, A: AsRef<OsStr>>(program: P, args: impl IntoIterator<Item = A>, input: &[u8]) -> String {
    let mut command = Command::new(&program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", program.as_ref()));
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{:?} failed", program.as_ref());
    String::from_utf8(output.stdout).expect("text")
}
