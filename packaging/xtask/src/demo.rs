//! `cargo xtask run`: a demonstration of Belfry on this machine.
//!
//! It begins in the terminal and takes a minute or two: `belfry-pushd --demo` and the `belfryctl`
//! of four users, who approve an expense one after the other. Then it shows the app: on the user's
//! desktop, signed in to the same server; or, without a display, on a private desktop, where
//! `belfry-story` plays a day and takes screenshots. If the machine lacks something for the app, it
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

/// The file with the terminal's output, in the demo's folder.
const TRANSCRIPT: &str = "terminal.txt";

/// Plays the story, then shows the app: on a display until the app is closed; without one until the
/// story ends, or with `stay` until Ctrl-C.
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
    play_in_terminal(&server, &transcript, &folder)?;
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| std::env::var_os(name).is_some());
    if has_display || !cfg!(target_os = "linux") {
        show_app(&server, &transcript, &folder)
    } else {
        play_with_app(&folder, stay)
    }
}

/// The approval of an expense. Each step waits for the event that the user concerned receives.
fn play_in_terminal(server: &Server, transcript: &Transcript, folder: &Path) -> Result<()> {
    heading("the story: four users, one push server, one belfryctl for each user");
    let mut employee = Person::sign_in("employee", server, transcript, folder)?;
    let mut supervisor = Person::sign_in("supervisor", server, transcript, folder)?;
    let mut manager = Person::sign_in("manager", server, transcript, folder)?;
    let mut finance = Person::sign_in("finance", server, transcript, folder)?;
    for person in [&mut employee, &mut supervisor, &mut manager] {
        person.start()?;
        person.wait("live", |event| event["event"] == "status" && event["state"] == "live")?;
    }
    transcript.write("finance", "has not started work yet");

    let filed = employee.post("/demo/expenses", &json!({"what": "Team offsite", "amount": "480.00 EUR"}))?;
    transcript.write("employee", "files an expense: Team offsite, 480.00 EUR");
    let id = filed.get("id").and_then(Value::as_str).context("the demo server filed no expense")?.to_owned();
    let approve = |person: &mut Person| {
        person.wait("the request", is_shown("Approval needed"))?;
        person.post(&format!("/demo/expenses/{id}/approve"), &Value::Null)?;
        transcript.write(person.name, "approves");
        person.wait("the retraction of its notification", |event| event["type"] == "retract")
    };
    approve(&mut supervisor)?;
    approve(&mut manager)?;
    transcript.write("finance", "starts work and catches up");
    finance.start()?;
    approve(&mut finance)?;
    employee.wait("the payment", is_shown("Paid"))?;

    employee.post("/demo/task", &json!({}))?;
    employee.wait("the task's end", is_shown("Export finished"))?;
    for mut person in [employee, supervisor, manager, finance] {
        person.stop()?;
    }
    println!("\nthe settings, inboxes and logs of all users are in {}", folder.display());
    Ok(())
}

/// Shows the app on this desktop, signed in as the supervisor.
fn show_app(server: &Server, transcript: &Transcript, folder: &Path) -> Result<()> {
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

/// Plays the story with the app on a private desktop and writes a page of screenshots.
fn play_with_app(folder: &Path, stay: bool) -> Result<()> {
    if !can_build_the_app(&[system::BUILD, system::FONTS, system::DESKTOP]) {
        return Ok(());
    }
    heading("build: the app and belfry-story");
    ui::build()?;
    run(cargo(["build", "-p", "belfry", "-p", "belfryctl", "-p", "belfry-pushd", "-p", "belfry-story"]))?;
    heading("the story with the app, on a private desktop since there is no display, in Chinese and in English");
    let mut story = command(&program("belfry-story").to_string_lossy(), ["--out"]);
    story.arg(folder).arg("--transcript").arg(folder.join(TRANSCRIPT)).args(stay.then_some("--stay"));
    story.env("BELFRY_PROGRAMS", target().join("debug"));
    run(story)
}

/// Whether the app can be built here; prints what is missing.
fn can_build_the_app(packages: &[&[&str]]) -> bool {
    let ready = system::ensure(packages).and_then(|()| ui::installed());
    if let Err(error) = &ready {
        println!("\nThe app cannot be built here, so the demonstration ends in the terminal. {error:#}");
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
            bail!("belfry-pushd did not start; see {}", folder.join("belfry-pushd.log").display());
        };
        let address = |name: &str| Some(ready.get(name)?.as_str()?.to_owned());
        let (http, stomp) = address("http").zip(address("stomp")).context("belfry-pushd named no address")?;
        Ok(Self { process, http, stomp })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended together with the terminal.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

fn program(name: &str) -> PathBuf {
    target().join("debug").join(name)
}
