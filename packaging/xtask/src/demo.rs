//! `cargo xtask run`: what Belfry is for, shown on this machine.
//!
//! First in the terminal, within a minute or two: `belfry-pushd --demo` and four people's `belfryctl`, an expense on
//! its way from one to the next. Then the app itself, signed in to the same server. What the machine lacks for the app
//! is named; the story in the terminal needs none of it.

mod http;
mod person;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::person::Person;
use crate::shell::{cargo, heading, run, target};
use crate::{system, ui};

/// Tells the story, then starts the app and stays until it is closed.
pub(crate) fn run_demo() -> Result<()> {
    heading("build: belfry-pushd and belfryctl");
    run(cargo(["build", "-p", "belfry-pushd", "-p", "belfryctl"]))?;

    let folder = target().join("demo");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let server = Server::start(&folder)?;
    tell(&server, &folder)?;
    show(&server, &folder)
}

/// An expense on its way through a company; each step waits for what the person concerned is shown.
fn tell(server: &Server, folder: &Path) -> Result<()> {
    heading("the story: four people, one push server, everybody's own belfryctl");
    let mut employee = Person::sign_in("employee", server, folder)?;
    let mut supervisor = Person::sign_in("supervisor", server, folder)?;
    let mut manager = Person::sign_in("manager", server, folder)?;
    let mut finance = Person::sign_in("finance", server, folder)?;
    for person in [&mut employee, &mut supervisor, &mut manager] {
        person.start()?;
        person.wait("live", |event| event["event"] == "status" && event["state"] == "live")?;
    }
    println!("  finance      has not started work yet");

    let filed = employee.post("/demo/expenses", &json!({"what": "Team offsite", "amount": "480.00 EUR"}))?;
    println!("  employee     files an expense: Team offsite, 480.00 EUR");
    let id = filed.get("id").and_then(Value::as_str).context("the demo server filed no expense")?.to_owned();
    let approve = |person: &mut Person| {
        person.wait("the request", is_shown("Approval needed"))?;
        person.post(&format!("/demo/expenses/{id}/approve"), &Value::Null)?;
        println!("  {:<12} approves", person.name);
        person.wait("its notification taken back", |event| event["type"] == "retract")
    };
    approve(&mut supervisor)?;
    approve(&mut manager)?;
    println!("  finance      starts work, and is told what was missed");
    finance.start()?;
    approve(&mut finance)?;
    employee.wait("the good news", is_shown("Paid"))?;

    employee.post("/demo/task", &json!({}))?;
    employee.wait("the task's end", is_shown("Export finished"))?;
    for mut person in [employee, supervisor, manager, finance] {
        person.leave()?;
    }
    println!("\neverybody's settings, inbox and log are in {}", folder.display());
    Ok(())
}

/// The app, signed in as the supervisor.
fn show(server: &Server, folder: &Path) -> Result<()> {
    if !cfg!(target_os = "linux")
        || std::env::var_os("DISPLAY").is_some()
        || std::env::var_os("WAYLAND_DISPLAY").is_some()
    {
        if let Err(error) = system::ensure(&[system::BUILD, system::FONTS]) {
            println!("\nThe window needs what is not here, so the story ends in the terminal. {error}");
            return Ok(());
        }
        heading("build: the app");
        ui::build()?;
        run(cargo(["build", "-p", "belfry"]))?;
        heading("the app: close it from its tray menu to end");
        println!("file an expense for the supervisor at {}/demo (employee, password demo)", server.http);
        return run(Person::sign_in("supervisor", server, folder)?.app());
    }
    println!("\nThere is no display, so the story ends in the terminal.");
    Ok(())
}

fn is_shown(text: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["event"] == "notification" && event["summary"].as_str().is_some_and(|it| it.contains(text))
}

/// The demo server, ended when dropped.
struct Server {
    process: Child,
    /// `http://127.0.0.1:PORT`
    http: String,
    /// `ws://127.0.0.1:PORT/ws`
    stomp: String,
}

impl Server {
    fn start(folder: &Path) -> Result<Self> {
        let mut command = Command::new(program("belfry-pushd"));
        command.args(["--listen", "127.0.0.1:0", "--demo"]).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(fs::File::create(folder.join("belfry-pushd.log"))?);
        let mut process = command.spawn().context("cannot start belfry-pushd")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut line)?;
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            bail!("belfry-pushd did not become ready; see {}", folder.join("belfry-pushd.log").display());
        };
        let address = |name: &str| Some(ready.get(name)?.as_str()?.to_owned());
        let (http, stomp) = address("http").zip(address("stomp")).context("belfry-pushd named no address")?;
        Ok(Self { process, http, stomp })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended with the terminal already.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

fn program(name: &str) -> PathBuf {
    target().join("debug").join(name)
}
