//! One user of the demo: signed in to the demo server, with separate settings, inbox and
//! `belfryctl`.
//!
//! The events of `belfryctl run --json` are printed with the user's name, if they matter to a user.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Server, Transcript, http, program};

/// Only a failure takes this long.
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct Person {
    pub(super) name: &'static str,
    server: String,
    token: String,
    folder: PathBuf,
    transcript: Transcript,
    running: Option<(Child, mpsc::Receiver<Value>)>,
}

impl Person {
    /// Signs in at the server and writes the settings.
    pub(super) fn sign_in(name: &'static str, server: &Server, transcript: &Transcript, folder: &Path) -> Result<Self> {
        let answer = http::post(&server.http, "/login", None, &json!({"login": name, "password": "demo"}))?;
        let token = answer.get("token").and_then(Value::as_str).context("the demo server gave no token")?;
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        let settings = format!(
            r#"[server]
endpoints = ["{stomp}"]

[[server.subscriptions]]
destination = "/user/queue/notices"
ack = "client-individual"

[[server.subscriptions]]
destination = "/topic/broadcast"
ack = "client-individual"

[api]
base = "{http}/ecgapi"

[auth]
login = "{name}"
"#,
            stomp = server.stomp,
            http = server.http,
        );
        fs::write(folder.join("settings.toml"), settings)?;
        let (server, token, transcript) = (server.http.clone(), token.to_owned(), transcript.clone());
        Ok(Self { name, server, token, folder, transcript, running: None })
    }

    /// Calls the demo server as this person.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let mut answer = http::post(&self.server, path, Some(&self.token), body)?;
        Ok(answer.get_mut("data").map(Value::take).unwrap_or_default())
    }

    /// Starts `belfryctl run`.
    pub(super) fn start(&mut self) -> Result<()> {
        let mut command = self.program("belfryctl");
        command.args(["run", "--json"]).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(fs::File::create(self.folder.join("belfryctl.log"))?);
        let mut child = command.spawn().context("cannot start belfryctl")?;
        let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let (sender, events) = mpsc::channel();
        let (name, transcript) = (self.name, self.transcript.clone());
        std::thread::spawn(move || {
            for event in lines.map_while(Result::ok).filter_map(|line| serde_json::from_str::<Value>(&line).ok()) {
                if let Some(text) = readable(&event) {
                    transcript.write(name, &text);
                }
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        self.running = Some((child, events));
        Ok(())
    }

    /// Waits for the next event that matches; events before it are dropped.
    pub(super) fn wait(&mut self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let (_, events) = self.running.as_ref().context("belfryctl is not running")?;
        let deadline = Instant::now() + EVENT_TIMEOUT;
        loop {
            match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) if is_wanted(&event) => return Ok(()),
                Ok(_) => {}
                Err(_) => {
                    bail!("{}: {what} did not arrive; see {}", self.name, self.folder.join("belfryctl.log").display())
                }
            }
        }
    }

    /// Ends `belfryctl` as Ctrl-C does.
    pub(super) fn stop(&mut self) -> Result<()> {
        if let Some((child, _)) = &mut self.running {
            let status = Command::new("kill").arg(child.id().to_string()).status()?;
            if !status.success() || !child.wait()?.success() {
                bail!(
                    "{}: belfryctl ended with an error; see {}",
                    self.name,
                    self.folder.join("belfryctl.log").display()
                );
            }
        }
        self.running = None;
        Ok(())
    }

    /// The app, signed in as this person.
    pub(super) fn app(&self) -> Command {
        self.program("belfry")
    }

    /// One of Belfry's programs with this person's settings, data and token.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        command.arg("--config").arg(self.folder.join("settings.toml"));
        command.arg("--data-dir").arg(self.folder.join("data")).env("BELFRY_TOKEN", &self.token);
        command
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.running {
            // It may have ended already.
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }
}

/// The text of an event that matters to a user.
fn readable(event: &Value) -> Option<String> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("event"), text("type")) {
        ("status", _) if ["live", "polling", "action-needed"].contains(&text("state")) => {
            Some(format!("is {} {}", text("state"), text("remedy")).trim_end().to_owned())
        }
        ("notification", "retract") => Some("[notification retracted]".to_owned()),
        ("notification", _) => Some(format!("[notification] {}", text("summary"))),
        ("caught-up", _) if event.get("new").and_then(Value::as_u64) > Some(0) => {
            Some(format!("caught up: {} new", event.get("new").unwrap_or(&Value::Null)))
        }
        _ => None,
    }
}
