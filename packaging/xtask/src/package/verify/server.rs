//! The servers that installed programs are tried with.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::package::out;
use crate::shell::target;

/// A push server on this machine, ended when dropped.
pub(super) struct Server {
    process: Child,
    input: Option<ChildStdin>,
    /// Empty for RabbitMQ.
    pub(super) http: String,
    pub(super) stomp: String,
}

impl Server {
    /// `belfry-pushd` with alice, whose password is `secret`.
    pub(super) fn start() -> Result<Self> {
        Self::of("belfry-pushd", &["--listen", "127.0.0.1:0", "--user", "alice:secret"])
    }

    /// RabbitMQ, with its user guest.
    pub(super) fn rabbit() -> Result<Self> {
        Self::of("examples/rabbit", &[])
    }

    /// Starts a program that prints its addresses as its first line.
    fn of(program: &str, args: &[&str]) -> Result<Self> {
        let mut command = Command::new(target().join("debug").join(program));
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let name = Path::new(program).file_name().unwrap_or_default();
        command.stderr(fs::File::create(out().join(name).with_extension("log"))?);
        let mut process = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).with_context(|| format!("{program} did not become ready"))?;
        let address = |name: &str| ready.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { http: address("http"), stomp: address("stomp"), input: process.stdin.take(), process })
    }

    /// For guest, on RabbitMQ.
    pub(super) fn publish(&mut self, message: &Value) -> Result<()> {
        Ok(writeln!(self.input.as_mut().context("the broker takes no messages")?, "{message}")?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // RabbitMQ has processes of its own, so it is not killed: it ends with its input.
        if self.http.is_empty() {
            self.input = None;
        } else {
            // It may have ended already.
            let _killed = self.process.kill();
        }
        let _ended = self.process.wait();
    }
}
