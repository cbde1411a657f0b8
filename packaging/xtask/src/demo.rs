//! `cargo xtask run`: what Belfry is for, shown on this machine.
//!
//! First in the terminal, within a minute or two: `belfry-pushd --demo` and four people's `belfryctl`, an expense on
//! its way from one to the next. Then the app: on the person's own desktop, signed in to the same server; or, where there
//! is no display, on a private one, where `belfry-story` plays a day and photographs it. What the machine lacks for the app
//! is named; the story in the terminal needs none of it.

mod http;
mod person;
mod transcript;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::person::Person;
use self::transcript::Transcript;
use crate::shell::{cargo, command, heading, run, target};
use crate::{system, ui};

/// What the terminal says, in the demo's folder.
const TRANSCRIPT: &str = "terminal.txt";

/// Tells the story, then shows the app: on a display until it is closed, without one until the story is over, or with
/// `stay` until Ctrl-C.
pub(crate) fn run_demo(stay: bool) -> Result<()> {
    heading("build: belfry-pushd and belfryctl");
    run(cargo(["build", "-p", "belfry-pushd", "-p", "belfryctl"]))?;

    let folder = target().join("demo");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let server = Server::start(&folder)?;
    let transcript = Transcript::create(&folder.join(TRANSCRIPT))?;
    tell(&server, &transcript, &folder)?;
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| std::env::var_os(name).is_some());
    if has_display || !cfg!(target_os = "linux") { show(&server, &transcript, &folder) } else { play(&folder, stay) }
}

/// An expense on its way through a company; each step waits for what the person concerned is shown.
fn tell(server: &Server, transcript: &Transcript, folder: &Path) -> Result<()> {
    heading("the story: four people, one push server, everybody's own belfryctl");
    let mut employee = Person::sign_in("employee", server, transcript, folder)?;
    let mut supervisor = Person::sign_in("supervisor", server, transcript, folder)?;
    let mut manager = Person::sign_in("manager", server, transcript, folder)?;
    let mut finance = Person::sign_in("finance", server, transcript, folder)?;
    for person in [&mut employee, &mut supervisor, &mut manager] {
        person.start()?;
        person.wait("live", |event| event["event"] == "status" && event["state"] == "live")?;
    }
    transcript.say("finance", "has not started work yet");

    let filed = employee.post("/demo/expenses", &json!({"what": "Team offsite", "amount": "480.00 EUR"}))?;
    transcript.say("employee", "files an expense: Team offsite, 480.00 EUR");
    let id = filed.get("id").and_then(Value::as_str).context("the demo server filed no expense")?.to_owned();
    let approve = |person: &mut Person| {
        person.wait("the request", is_shown("Approval needed"))?;
        person.post(&format!("/demo/expenses/{id}/approve"), &Value::Null)?;
        transcript.say(person.name, "approves");
        person.wait("its notification taken back", |event| event["type"] == "retract")
    };
    approve(&mut supervisor)?;
    approve(&mut manager)?;
    transcript.say("finance", "starts work, and is told what was missed");
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

/// The app on this desktop, signed in as the supervisor.
fn show(server: &Server, transcript: &Transcript, folder: &Path) -> Result<()> {
    if !can_build_the_app(&[system::BUILD, system::FONTS]) {
        return Ok(());
    }
    heading("build: the app");
    ui::build()?;
    run(cargo(["build", "-p", "belfry"]))?;
    heading("the app: close it from its tray menu to end");
    println!("file an expense for the supervisor at {}/demo (employee, password demo)", server.http);
    run(Person::sign_in("supervisor", server, transcript, folder)?.app())
}

/// The app on a desktop of its own that nobody sees, and a page of pictures of it.
fn play(folder: &Path, stay: bool) -> Result<()> {
    if !can_build_the_app(&[system::BUILD, system::FONTS, system::DESKTOP]) {
        return Ok(());
    }
    heading("build: the app, and the story's player");
    ui::build()?;
    run(cargo(["build", "-p", "belfry", "-p", "belfryctl", "-p", "belfry-pushd", "-p", "belfry-story"]))?;
    heading("the story with the app: no display, so it is played on a private one, in Chinese and in English");
    let mut story = command(&program("belfry-story").to_string_lossy(), ["--out"]);
    story.arg(folder).arg("--transcript").arg(folder.join(TRANSCRIPT)).args(stay.then_some("--stay"));
    story.env("BELFRY_PROGRAMS", target().join("debug"));
    run(story)
}

/// Names what the app needs and is not to be had here.
fn can_build_the_app(packages: &[&[&str]]) -> bool {
    let ready = system::ensure(packages).and_then(|()| ui::installed());
    if let Err(error) = &ready {
        println!("\nThe app needs what is not here, so the story ends in the terminal. {error:#}");
    }
    ready.is_ok()
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
