//! A private screen: an X server without a monitor, a window manager, a pointer and a keyboard.
//!
//! What is asked of it goes through the programs people use for that (xdotool, xprop, import), so
//! nothing here knows the X protocol. Changes are waited for: `xprop -spy` says when a window
//! comes, goes, gets the focus, or changes its own state.

use std::ffi::OsStr;
use std::iter::once;
use std::path::Path;
use std::process::Command;

use futures_util::future::select_all;
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use crate::program::{EVENT_TIMEOUT, Running, run_to_end};
use crate::skip::has;

/// Everything of an ordinary screen that a test needs.
const SIZE: &str = "1280x800x24";
/// Behind the windows, so that white popups are seen on pictures.
const BACKGROUND: &str = "#54697a";
/// No server has this number: they count up from 0 and take the first that is free.
const NO_DISPLAY: &str = ":60000";
const CLIENTS: &str = "_NET_CLIENT_LIST";
const ACTIVE: &str = "_NET_ACTIVE_WINDOW";
const STATE: &str = "_NET_WM_STATE";

/// A running screen. Dropping ends it, and with it every program that shows something on it.
#[derive(Debug)]
pub struct Screen {
    // The manager and the listener go before their server does.
    changes: Running,
    manager: Running,
    server: Running,
    display: String,
}

/// A window as the window manager knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// X's number for it.
    pub id: String,
    /// The program's name for its windows, in lower case.
    pub class: String,
    /// What stands above it.
    pub title: String,
    /// Whether it has the keyboard focus.
    pub is_active: bool,
    /// Whether it was put away, to come back from the manager's list of windows.
    pub is_minimised: bool,
}

impl Screen {
    /// Starts it.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", SIZE, "-noreset"]);
        let mut server = Running::spawn(command);
        let display = format!(":{}", server.event("its display", Value::is_u64).await);
        let mut command = on(&display, "openbox");
        command.args(["--startup", "echo ready"]);
        let mut manager = Running::spawn(command);
        manager.event("ready", |line| *line == "ready").await;
        let mut command = on(&display, "xprop");
        command.args(["-root", "-spy", CLIENTS, ACTIVE]);
        let mut changes = Running::spawn(command);
        for property in [CLIENTS, ACTIVE] {
            changes.event(property, |line| line.as_str().is_some_and(|line| line.starts_with(property))).await;
        }
        let screen = Self { changes, manager, server, display };
        screen.tool("xsetroot", ["-solid", BACKGROUND]).await;
        // The first key of all changes the keyboard map, and the manager then binds its keys again:
        // one that is pressed in the middle of that, such as the F4 of a first Alt+F4, is lost. The
        // manager handles events in order, so it has bound its keys before it manages a window.
        screen.press("shift").await;
        screen
    }

    /// `:N`, for `DISPLAY`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Presses keys that copy something, again until another program can paste it, which is then
    /// returned. `None`, with a loud skip, where nothing is installed that pastes.
    ///
    /// # Panics
    /// If there is nothing to paste within [`EVENT_TIMEOUT`], or it is no text.
    pub async fn copied_with(&self, keys: &[&str]) -> Option<String> {
        if !has(&["xclip"]) {
            return None;
        }
        let copied = async {
            loop {
                for key in keys {
                    self.press(key).await;
                }
                let mut paste = Command::new("xclip");
                paste.args(["-selection", "clipboard", "-o"]).env("DISPLAY", &self.display);
                let pasted = run_to_end(paste).await;
                if pasted.code == Some(0) && !pasted.stdout.is_empty() {
                    return pasted.stdout;
                }
            }
        };
        Some(timeout(EVENT_TIMEOUT, copied).await.expect("something to paste"))
    }

    /// The windows of programs, the oldest first.
    ///
    /// # Panics
    /// If the screen is gone.
    pub async fn windows(&self) -> Vec<Window> {
        let root = self.properties(&["-root", CLIENTS, ACTIVE]).await.expect("the screen");
        let ids = |name: &str| {
            let line = root.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            let list = line.split_once('#').map(|(_, list)| list).unwrap_or_default();
            list.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect::<Vec<_>>()
        };
        let active = ids(ACTIVE);
        let mut windows = Vec::new();
        for id in ids(CLIENTS) {
            let asked = ["-id", &id, "WM_CLASS", "_NET_WM_NAME", STATE];
            // One that has gone meanwhile does not count.
            let Some(properties) = self.properties(&asked).await else { continue };
            let value = |name: &str| properties.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            let quoted = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
            windows.push(Window {
                class: quoted(value("WM_CLASS")).to_lowercase(),
                title: quoted(value("_NET_WM_NAME")),
                is_active: active.contains(&id),
                is_minimised: value(STATE).contains("_NET_WM_STATE_HIDDEN"),
                id,
            });
        }
        windows
    }

    /// Returns the windows when `is_so` holds for them.
    ///
    /// # Panics
    /// If it does not within [`EVENT_TIMEOUT`].
    pub async fn wait_for(&mut self, what: &str, is_so: impl Fn(&[Window]) -> bool) -> Vec<Window> {
        let deadline = Instant::now() + EVENT_TIMEOUT;
        let mut watched: Vec<(String, Running)> = Vec::new();
        loop {
            let windows = self.windows().await;
            if is_so(&windows) {
                return windows;
            }
            // The state of a window may change after the list and the focus did.
            let unwatched = windows.iter().find(|window| watched.iter().all(|(id, _)| *id != window.id));
            if let Some(Window { id, .. }) = unwatched {
                let mut command = on(&self.display, "xprop");
                command.args(["-id", id, "-spy", STATE]);
                let mut changes = Running::spawn(command);
                // What it is at first. Then look again: it may have changed before.
                if changes.next_event().await.is_some() {
                    watched.push((id.clone(), changes));
                }
                continue;
            }
            let (change, number) = {
                let changes = once(&mut self.changes).chain(watched.iter_mut().map(|(_, changes)| changes));
                let change = select_all(changes.map(|changes| Box::pin(changes.next_event())));
                let change = timeout_at(deadline, change).await;
                let (change, number, _) = change.unwrap_or_else(|_| panic!("{what} does not come, after {windows:?}"));
                (change, number)
            };
            match (change, number.checked_sub(1)) {
                (Some(_), _) => {}
                (None, None) => panic!("the screen is gone, before {what}"),
                // This window is gone.
                (None, Some(window)) => drop(watched.remove(window)),
            }
        }
    }

    /// Which windows have been active up to now, in order, as the window manager has said it.
    pub fn active_so_far(&mut self) -> Vec<String> {
        let said = self.changes.stdout();
        let changes = said.lines().filter(|line| line.starts_with(ACTIVE));
        changes.filter_map(|line| line.split_once('#').map(|(_, id)| id.trim().to_owned())).collect()
    }

    /// Presses keys, such as `alt+F4`, in the active window.
    ///
    /// # Panics
    /// If the screen is gone.
    pub async fn press(&self, keys: &str) {
        self.xdotool(["key", "--clearmodifiers", keys]).await;
    }

    /// Types text into the active window.
    ///
    /// # Panics
    /// If the screen is gone.
    pub async fn enter(&self, text: &str) {
        self.xdotool(["type", "--clearmodifiers", "--delay", "40", text]).await;
    }

    /// Clicks into the first window of this class once it is seen, so many pixels from its upper
    /// left corner. Also finds windows that no manager knows: popups and menus.
    ///
    /// # Panics
    /// If there is none within [`EVENT_TIMEOUT`].
    pub async fn click(&self, class: &str, x: u32, y: u32) {
        let found = self.xdotool(["search", "--sync", "--onlyvisible", "--class", class]).await;
        let id = found.lines().next().unwrap_or_else(|| panic!("no window of {class}"));
        let (x, y) = (x.to_string(), y.to_string());
        self.xdotool(["mousemove", "--window", id, &x, &y, "click", "1"]).await;
    }

    /// Clicks into a window of this class, if one is seen now, so many pixels from its lower right
    /// corner.
    ///
    /// # Panics
    /// If the screen is gone.
    pub async fn click_at_lower_right(&self, class: &str, x: u32, y: u32) {
        let mut search = on(&self.display, "xdotool");
        search.args(["search", "--onlyvisible", "--class", class, "getwindowgeometry", "--shell"]);
        let found = run_to_end(search).await.stdout;
        let value = |name: &str| found.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let number = |name: &str| value(name).and_then(|text| text.parse::<u32>().ok());
        if let (Some(id), Some(width), Some(height)) = (value("WINDOW="), number("WIDTH="), number("HEIGHT=")) {
            let (x, y) = (width.saturating_sub(x).to_string(), height.saturating_sub(y).to_string());
            let mut click = on(&self.display, "xdotool");
            // The window may go meanwhile.
            click.args(["mousemove", "--window", &id, &x, &y, "click", "1"]);
            run_to_end(click).await;
        }
    }

    /// Returns when a window shows more than an empty background.
    ///
    /// # Panics
    /// If it goes before, or stays empty for [`EVENT_TIMEOUT`].
    pub async fn wait_for_content(&self, window: &Window) {
        // Nothing outside tells when a window paints, so it is looked at; each look takes a tenth
        // of a second.
        let shows = async {
            let colours = ["-window", &window.id, "-format", "%k", "info:"];
            while self.tool("import", colours).await.trim() == "1" {}
        };
        timeout(EVENT_TIMEOUT, shows).await.unwrap_or_else(|_| panic!("{window:?} stays empty"));
    }

    /// Another program's window, in front and with the keyboard its own.
    ///
    /// # Panics
    /// If it does not come.
    pub async fn cover(&mut self) -> Running {
        let before: Vec<String> = self.windows().await.into_iter().map(|window| window.id).collect();
        let other = Running::spawn(on(&self.display, "xev"));
        self.wait_for("another program in front", |windows| {
            windows.iter().any(|it| it.is_active && it.class.is_empty() && !before.contains(&it.id))
        })
        .await;
        other
    }

    /// A picture of the whole screen, as PNG; of the same screen the same bytes.
    ///
    /// # Panics
    /// If it cannot be written.
    pub async fn picture(&self, file: &Path) {
        let words = ["-window", "root", "-define", "png:exclude-chunks=date,time"];
        self.tool("import", words.iter().map(OsStr::new).chain([file.as_os_str()])).await;
    }

    /// The X server goes away as it does when a person logs out; the programs on the screen see
    /// their display closed, and those that are started later find none: not even that of another
    /// screen, which may get the number that is free now.
    ///
    /// # Panics
    /// If it has gone before.
    pub async fn go_away(&mut self) {
        NO_DISPLAY.clone_into(&mut self.display);
        self.server.terminate().await;
    }

    async fn xdotool<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> String {
        self.tool("xdotool", args).await
    }

    async fn tool<S: AsRef<OsStr>>(&self, program: &str, args: impl IntoIterator<Item = S>) -> String {
        let mut command = on(&self.display, program);
        command.args(args);
        let ended = run_to_end(command).await;
        assert_eq!(ended.code, Some(0), "{program}: {ended:?}");
        ended.stdout
    }

    async fn properties(&self, args: &[&str]) -> Option<String> {
        let mut command = on(&self.display, "xprop");
        command.args(args).env("LC_ALL", "C.UTF-8");
        let ended = run_to_end(command).await;
        (ended.code == Some(0)).then_some(ended.stdout)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // By SIGTERM: a server that is killed leaves its lock and its socket behind in the system's
        // folder.
        self.manager.end();
        self.server.end();
    }
}

fn on(display: &str, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("DISPLAY", display).env_remove("WAYLAND_DISPLAY");
    command
}
