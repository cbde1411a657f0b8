//! The system packages that Belfry needs beyond Rust and Node, and their installation.
//!
//! As root they are installed at once; with sudo after one question on a terminal; otherwise the
//! exact command is printed and the run stops. Deliberately absent: systems without dpkg.
//! Invariant: a broker or a proxy (and Erlang's port mapper) that is installed here is stopped and
//! disabled; the tests start their own.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Result, bail};

use crate::shell::{command, confirm, has, heading, run};

/// Packages to build the window, the tray and the bundled database.
pub(crate) const BUILD: &[&str] = &["build-essential", "librsvg2-dev", "libwebkit2gtk-4.1-dev", "pkg-config"];

/// Fonts with Chinese glyphs.
pub(crate) const FONTS: &[&str] = &["fonts-noto-cjk", "fonts-noto-core"];

/// A private desktop: a screen, a window manager, popups, a keychain, and tools to inspect them.
pub(crate) const DESKTOP: &[&str] = &[
    "dbus-daemon",
    "dunst",
    "gnome-keyring",
    "imagemagick",
    "openbox",
    "x11-utils",
    "x11-xserver-utils",
    "xclip",
    "xdotool",
    "xvfb",
];

/// What the tests need in addition to a desktop. Erlang is listed because its package starts a
/// network service.
pub(crate) const TESTS: &[&str] = &[
    "chromium",
    "erlang-base",
    "libnss-wrapper",
    "microsocks",
    "rabbitmq-server",
    "squid",
    "sway",
    "webkit2gtk-driver",
    "xfce4-notifyd",
];

/// Those of them that run as a service once they are installed.
const SERVERS: &[&str] = &["rabbitmq-server", "squid"];

/// The programs that `cargo xtask bench` compares with: Python's, and Qt's on a screen.
pub(crate) const PEERS: &[&str] = &[
    "libegl1",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxkbcommon-x11-0",
    "python3-venv",
];

/// The broker of some rows of `cargo xtask interop`.
pub(crate) const BROKER: &[&str] = &["erlang-base", "rabbitmq-server"];

/// Opens the web pages of `cargo xtask interop`.
pub(crate) const BROWSER: &[&str] = &["chromium"];

/// What builds and runs the Java servers of `cargo xtask interop`.
pub(crate) const JAVA: &[&str] = &["default-jdk-headless", "maven"];

/// Installs those of `packages` that are missing. On a system without dpkg it only prints them.
pub(crate) fn ensure(packages: &[&[&str]]) -> Result<()> {
    let wanted: Vec<&str> = packages.iter().flat_map(|group| group.iter().copied()).collect();
    if !has("dpkg-query") {
        println!(
            "not a Debian system: make sure that the equivalents of these packages are installed: {}",
            wanted.join(" ")
        );
        return Ok(());
    }
    let missing = missing(&wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    heading(&format!("system packages: {}", missing.join(" ")));
    let steps = steps(&missing);
    let prefix: &[&str] = if is_root()? {
        &[]
    } else if has("sudo") && confirm("These packages are missing. Install them with sudo?") {
        &["sudo"]
    } else {
        let commands: Vec<String> = steps.iter().map(|step| format!("sudo {}", step.join(" "))).collect();
        bail!("system packages are missing: install them, then start again:\n\n  {}\n", commands.join(" && "));
    };
    // Every step is run, so that a broker is stopped even if another package failed to install.
    let outcomes: Vec<Result<()>> = steps
        .iter()
        .map(|step| {
            let mut words = prefix.iter().chain(step).copied();
            run(command(words.next().unwrap_or_default(), words))
        })
        .collect();
    outcomes.into_iter().collect()
}

/// The commands to run as root.
fn steps<'a>(missing: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut install =
        vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--no-install-recommends"];
    install.extend(missing);
    let mut steps = vec![vec!["apt-get", "update"], install];
    for server in SERVERS.iter().filter(|server| missing.contains(server)) {
        steps.push(vec!["service", server, "stop"]);
        steps.push(vec!["update-rc.d", server, "disable"]);
    }
    if missing.contains(&"erlang-base") && Path::new("/run/systemd/system").exists() {
        steps.push(vec!["systemctl", "disable", "--now", "epmd.service", "epmd.socket"]);
    }
    steps
}

fn missing<'a>(wanted: &[&'a str]) -> Result<Vec<&'a str>> {
    let format = ["--show", "--showformat", "${Package} ${db:Status-Status}\n"];
    // dpkg-query fails for names that it does not know; those are missing too.
    let output = command("dpkg-query", format.iter().chain(wanted)).stderr(Stdio::null()).output()?;
    let output = String::from_utf8_lossy(&output.stdout);
    let installed: Vec<&str> = output.lines().filter_map(|line| line.strip_suffix(" installed")).collect();
    Ok(wanted.iter().copied().filter(|name| !installed.contains(name)).collect())
}

pub(crate) fn is_root() -> Result<bool> {
    Ok(command("id", ["-u"]).output()?.stdout.starts_with(b"0\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_and_a_proxy_installed_for_a_test_are_stopped_and_disabled() {
        let steps = steps(&["pkg-config", "rabbitmq-server", "squid"]);
        for server in ["rabbitmq-server", "squid"] {
            assert!(steps.contains(&vec!["service", server, "stop"]));
            assert!(steps.contains(&vec!["update-rc.d", server, "disable"]));
        }
    }

    #[test]
    fn a_broker_that_was_installed_before_is_not_changed() {
        assert!(!steps(&["pkg-config"]).concat().contains(&"rabbitmq-server"));
    }
}
