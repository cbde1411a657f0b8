//! Belfry's own programs as child processes: `belfryctl`, `belfry-pushd` and the app, built when
//! missing or stale.
//!
//! Their JSON lines are read as events; a test waits for the event it needs, with a deadline that
//! only a failure meets. What they write to stderr is kept and shown when a test fails.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;

use crate::child_guard::ChildGuard;
use crate::skip::skip;

/// How long an event may take; only a failure takes that long.
pub const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// A person's place on a computer: a settings file and a data folder, removed when dropped.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// A new home with these settings (TOML).
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn new(settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("belfry-home-").tempdir().expect("a temporary folder");
        let home = Self { folder };
        home.write_settings(settings);
        home
    }

    /// Replaces the settings.
    ///
    /// # Panics
    /// If they cannot be written.
    pub fn write_settings(&self, settings: &str) {
        std::fs::write(self.settings_file(), settings).expect("settings written");
    }

    /// The settings file.
    pub fn settings_file(&self) -> PathBuf {
        self.folder.path().join("settings.toml")
    }

    /// The data folder, which `belfryctl` makes.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `belfryctl` in this home, to be given its secrets by environment variables.
    pub async fn ctl<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = program("belfryctl").await;
        command.arg("--config").arg(self.settings_file()).arg("--data-dir").arg(self.data_dir()).args(args);
        // The developer's own sign-in and keychain are not to be used here.
        command.env_remove("BELFRY_TOKEN").env_remove("BELFRY_PASSWORD");
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
        command
    }
}

/// What a program that has ended said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// All of it.
    pub stdout: String,
    /// All of it.
    pub stderr: String,
}

impl Ended {
    /// Standard output as one JSON value.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

/// Runs a program to its end.
///
/// # Panics
/// If it cannot be started, or does not end within [`EVENT_TIMEOUT`].
pub async fn run_to_end(command: Command) -> Ended {
    let mut running = Running::spawn(command);
    let code = running.wait().await.code();
    Ended { code, stdout: running.stdout(), stderr: running.stderr() }
}

/// A program that runs. Dropping kills it.
#[derive(Debug)]
pub struct Running {
    name: String,
    process: ChildGuard,
    lines: mpsc::UnboundedReceiver<String>,
    /// All that was read.
    seen: Vec<String>,
    /// Those that no question has taken yet; a line that is not JSON is a JSON string here.
    waiting: VecDeque<Value>,
    stderr: watch::Receiver<String>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Running {
    /// Starts it.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn spawn(mut command: Command) -> Self {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process =
            ChildGuard::spawn(&mut command).unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let (sender, lines) = mpsc::unbounded_channel();
        let stdout = process.child().stdout.take().expect("piped");
        let from = process.child().stderr.take().expect("piped");
        let (to, stderr) = watch::channel(String::new());
        let readers = vec![
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines() {
                    let _no_receiver = sender.send(line.expect("output in UTF-8"));
                }
            }),
            std::thread::spawn(move || {
                for line in BufReader::new(from).lines() {
                    let line = line.expect("output in UTF-8");
                    to.send_modify(|text| text.extend([&line, "\n"]));
                }
            }),
        ];
        Self { name, process, lines, seen: Vec::new(), waiting: VecDeque::new(), stderr, readers }
    }

    /// The next event for which `wanted` says yes. The events before it stay, in order, for later
    /// questions.
    ///
    /// # Panics
    /// If the program ends or [`EVENT_TIMEOUT`] runs out before.
    pub async fn event(&mut self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + EVENT_TIMEOUT;
        let mut asked = 0;
        loop {
            while let Some(event) = self.waiting.get(asked) {
                if wanted(event) {
                    return self.waiting.remove(asked).expect("just seen");
                }
                asked += 1;
            }
            match tokio::time::timeout_at(deadline, self.lines.recv()).await {
                Ok(Some(line)) => self.take(line),
                Ok(None) => self.fail(&format!("ended without saying {what:?}")),
                Err(_) => self.fail(&format!("does not say {what:?} for {EVENT_TIMEOUT:?}")),
            }
        }
    }

    /// The next event, whatever it is; `None` when the program has ended.
    pub async fn next_event(&mut self) -> Option<Value> {
        if self.waiting.is_empty() {
            let line = self.lines.recv().await?;
            self.take(line);
        }
        self.waiting.pop_front()
    }

    /// The next event of this kind: `status`, `notice`, `changed`, `caught-up`, `notification` or
    /// `rejected`.
    ///
    /// # Panics
    /// As [`Self::event`].
    pub async fn event_of(&mut self, kind: &str) -> Value {
        self.event(kind, |event| event["event"] == kind).await
    }

    /// Waits for the status event with this state; the status events before it are taken, too.
    ///
    /// # Panics
    /// As [`Self::event`].
    pub async fn state(&mut self, state: &str) -> Value {
        loop {
            let status = self.event(state, |event| event["event"] == "status").await;
            if status["state"] == state {
                return status;
            }
        }
    }

    /// The next `count` events of this kind.
    ///
    /// # Panics
    /// As [`Self::event`], for each of them.
    pub async fn events_of(&mut self, kind: &str, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.event_of(kind).await);
        }
        events
    }

    /// Everything of one kind that the program has said so far, what was already asked for
    /// included.
    pub fn all_of(&mut self, kind: &str) -> Vec<Value> {
        self.take_all();
        let events = self.seen.iter().map(|line| event(line));
        events.filter(|event| event["event"] == kind).collect()
    }

    /// The process number.
    pub fn id(&mut self) -> u32 {
        self.process.child().id()
    }

    /// SIGTERM, then the end.
    ///
    /// # Panics
    /// If it is gone already, or does not end within [`EVENT_TIMEOUT`].
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait().await
    }

    /// SIGINT, as Ctrl-C in a terminal sends it, then the end.
    ///
    /// # Panics
    /// As [`Self::terminate`].
    pub async fn interrupt(&mut self) -> ExitStatus {
        self.signal(Signal::INT);
        self.wait().await
    }

    /// SIGKILL, then the end: what a crash looks like.
    ///
    /// # Panics
    /// If it is gone already.
    pub async fn kill(&mut self) -> ExitStatus {
        self.signal(Signal::KILL);
        self.wait().await
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// If it is gone already.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal).expect("the program runs");
    }

    /// Waits until it ends by itself; its output is complete then.
    ///
    /// # Panics
    /// If it does not within [`EVENT_TIMEOUT`].
    pub async fn wait(&mut self) -> ExitStatus {
        // The end of its output is its own end: it leaves no programs behind.
        let readers = std::mem::take(&mut self.readers);
        let ended = spawn_blocking(move || readers.into_iter().for_each(|reader| reader.join().expect("a reader")));
        match tokio::time::timeout(EVENT_TIMEOUT, ended).await {
            Ok(read) => read.expect("its output read"),
            Err(_) => {
                self.signal(Signal::KILL);
                self.fail(&format!("does not end for {EVENT_TIMEOUT:?}"));
            }
        }
        self.take_all();
        self.process.child().wait().expect("an exit status")
    }

    /// Standard output so far.
    pub fn stdout(&mut self) -> String {
        self.take_all();
        self.seen.join("\n")
    }

    /// Standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.borrow().clone()
    }

    /// Returns when this stands in standard error.
    ///
    /// # Panics
    /// If the program ends or [`EVENT_TIMEOUT`] runs out before.
    pub async fn says(&mut self, text: &str) {
        self.stderr_until(&format!("{text:?}"), |said| said.contains(text)).await;
    }

    /// Returns when standard error is what `is_it` says; `what` names that.
    ///
    /// # Panics
    /// If the program ends or [`EVENT_TIMEOUT`] runs out before.
    pub async fn stderr_until(&mut self, what: &str, is_it: impl Fn(&str) -> bool) {
        let mut stderr = self.stderr.clone();
        let said = stderr.wait_for(|said| is_it(said));
        if !matches!(tokio::time::timeout(EVENT_TIMEOUT, said).await, Ok(Ok(_))) {
            self.fail(&format!("does not say {what}"));
        }
    }

    /// Asks it to end and waits, also where nothing can be awaited. For programs that always end on
    /// SIGTERM.
    pub fn end(&mut self) {
        // One that has ended is what is wanted.
        let _ended = self.process.signal(Signal::TERM).and_then(|()| self.process.child().wait().map(drop));
    }

    fn take(&mut self, line: String) {
        self.waiting.push_back(event(&line));
        self.seen.push(line);
    }

    fn take_all(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.take(line);
        }
    }

    fn fail(&mut self, what: &str) -> ! {
        let (name, stdout, stderr) = (self.name.clone(), self.stdout(), self.stderr());
        panic!("{name} {what}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    }
}

fn event(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|_| Value::String(line.to_owned()))
}

/// One of Belfry's programs, up to date.
pub(crate) async fn program(name: &'static str) -> Command {
    let folder = spawn_blocking(programs).await.expect("the programs built");
    let mut command = Command::new(folder.join(name));
    command.env("RUST_BACKTRACE", "1");
    command
}

/// The app, up to date but for its window, which only npm can build.
pub(crate) async fn app_program() -> Option<Command> {
    let window = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/dist/index.html");
    if std::env::var_os("BELFRY_PROGRAMS").is_none() {
        if !window.exists() {
            skip("the window is not built: run cargo xtask test");
            return None;
        }
        static BUILT: OnceLock<()> = OnceLock::new();
        spawn_blocking(|| BUILT.get_or_init(|| build(&folder(), &["belfry"])).to_owned()).await.expect("the app built");
    }
    Some(program("belfry").await)
}

/// Where the tools are that `cargo xtask test` has installed.
pub(crate) fn tool(name: &str) -> PathBuf {
    folder().parent().expect("target").join("tools/bin").join(name)
}

/// Where the programs are. `cargo xtask test` has built them and says where; otherwise cargo is
/// asked once to build what is missing or stale, into the folder this program came from.
fn programs() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = folder();
            if std::env::var_os("BELFRY_PROGRAMS").is_none() {
                build(&folder, &["belfryctl", "belfry-pushd"]);
            }
            folder
        })
        .clone()
}

/// `target/debug`, or `target/release`.
fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("BELFRY_PROGRAMS") {
        return folder.into();
    }
    // target/debug/deps/it-0123456789abcdef, or target/debug/program
    let this = std::env::current_exe().expect("this program's path");
    let folder = this.parent().expect("a folder");
    if folder.ends_with("deps") { folder.parent().expect("target/debug") } else { folder }.to_owned()
}

fn build(folder: &Path, packages: &[&str]) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--target-dir"]).arg(folder.parent().expect("target"));
    cargo.args(packages.iter().flat_map(|package| ["-p", package]));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo runs").success(), "{packages:?} do not build");
}
