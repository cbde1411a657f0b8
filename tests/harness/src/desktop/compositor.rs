//! A Wayland compositor without a monitor: sway, which gives a window the keyboard for a token of
//! `xdg-activation-v1`, as GNOME and KDE do.

use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::geteuid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols::xdg::activation::v1::client::xdg_activation_token_v1::{self, XdgActivationTokenV1};
use wayland_protocols::xdg::activation::v1::client::xdg_activation_v1::XdgActivationV1;

use crate::program::{EVENT_TIMEOUT, Running, run_to_end};
use crate::skip::has;

/// A user without rights, as every Linux has one: sway refuses to run as root.
const UNPRIVILEGED: u32 = 65_534;
/// A token is worth the keyboard also where the window is not seen. sway says when it is ready.
const SETTINGS: &str = "xwayland disable\nfocus_on_window_activation focus\nexec echo ready\n";

/// A running compositor. Dropping ends it.
#[derive(Debug)]
pub struct Compositor {
    changes: Running,
    _sway: Running,
    folder: TempDir,
}

impl Compositor {
    /// Starts it; `None`, with a loud skip, where it is not installed.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Option<Self> {
        if !has(&["sway", "swaymsg", "setpriv"]) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("belfry-wayland-").tempdir().expect("a temporary folder");
        let settings = folder.path().join("settings");
        std::fs::write(&settings, SETTINGS).expect("settings written");
        let mut command = Command::new("sway");
        if geteuid().is_root() {
            chown(folder.path(), Some(UNPRIVILEGED), Some(UNPRIVILEGED)).expect("a folder given away");
            command = Command::new("setpriv");
            command
                .args([format!("--reuid={UNPRIVILEGED}"), format!("--regid={UNPRIVILEGED}")])
                .args(["--clear-groups", "sway"]);
        }
        command.arg("--config").arg(settings);
        command.env("WLR_BACKENDS", "headless").env("WLR_RENDERER", "pixman").env("WLR_LIBINPUT_NO_DEVICES", "1");
        command.env("HOME", folder.path()).env("XDG_RUNTIME_DIR", folder.path()).env("SWAYSOCK", socket(&folder));
        let mut sway = Running::spawn(command);
        sway.event("ready", |line| *line == "ready").await;

        let mut command = message(&folder);
        command.args(["--raw", "--monitor", "--type", "subscribe", r#"["tick","window","workspace"]"#]);
        let mut changes = Running::spawn(command);
        // A subscription to ticks begins with one.
        changes.event("a tick", |change| change["first"] == true).await;
        Some(Self { changes, _sway: sway, folder })
    }

    /// Makes `command` one whose windows come to this compositor.
    pub fn admit(&self, command: &mut Command) {
        command.env("WAYLAND_DISPLAY", self.display()).env("GDK_BACKEND", "wayland").env_remove("DISPLAY");
    }

    /// Returns when a window of this program gets the keyboard.
    ///
    /// # Panics
    /// If none does within [`EVENT_TIMEOUT`].
    pub async fn wait_for_focus(&mut self, program: &str) {
        let is_it = |change: &Value| change["change"] == "focus" && change["container"]["app_id"] == program;
        self.wait_for(&format!("{program} with the keyboard"), is_it).await;
    }

    /// The person goes to an empty workspace, where no window has the keyboard.
    ///
    /// # Panics
    /// If the compositor does not.
    pub async fn leave_windows(&mut self) {
        let mut command = message(&self.folder);
        command.args(["workspace", "next-to-nothing"]);
        let ended = run_to_end(command).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let is_it = |change: &Value| change["change"] == "focus" && change["current"]["name"] == "next-to-nothing";
        self.wait_for("an empty workspace", is_it).await;
    }

    /// A token of this compositor, as the program gets it in which a person has clicked.
    ///
    /// # Errors
    /// If the compositor gives none.
    pub fn activation_token(&self) -> Result<String, Box<dyn std::error::Error>> {
        let connection = Connection::from_socket(UnixStream::connect(self.display())?)?;
        let (globals, mut queue) = registry_queue_init::<Token>(&connection)?;
        let activation: XdgActivationV1 = globals.bind(&queue.handle(), 1..=1, ())?;
        activation.get_activation_token(&queue.handle(), ()).commit();
        let mut token = Token(None);
        queue.roundtrip(&mut token)?;
        Ok(token.0.ok_or("the compositor gives no token")?)
    }

    fn display(&self) -> PathBuf {
        self.folder.path().join("wayland-1")
    }

    async fn wait_for(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) {
        let change = async { while !is_it(&self.changes.next_event().await.expect("the compositor runs")) {} };
        timeout(EVENT_TIMEOUT, change).await.unwrap_or_else(|_| panic!("{what} does not come"));
    }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("ipc")
}

fn message(folder: &TempDir) -> Command {
    let mut command = Command::new("swaymsg");
    command.arg("--socket").arg(socket(folder));
    command
}

/// The token, once it has come.
struct Token(Option<String>);

impl Dispatch<XdgActivationTokenV1, ()> for Token {
    fn event(
        token: &mut Self,
        _: &XdgActivationTokenV1,
        event: xdg_activation_token_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_activation_token_v1::Event::Done { token: text } = event {
            token.0 = Some(text);
        }
    }
}

impl Dispatch<WlRegistry, GlobalListContents> for Token {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

delegate_noop!(Token: XdgActivationV1);
