//! A private desktop for the real app: screen, window manager, session bus, popups, keychain and
//! tray, and folders of its own.
//!
//! Nothing of the developer's own desktop is seen or touched. Each part can be left out, since a
//! desktop may lack it. Any program can use it, not only tests: `Home::app` starts the app on it,
//! `Page::open` with access to its page.

mod bus;
mod compositor;
mod dock;
mod keychain;
mod popups;
mod portal;
mod recorder;
mod screen;
mod tray;

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::process::Command;

use tempfile::TempDir;

pub use self::bus::Bus;
pub use self::compositor::Compositor;
pub use self::dock::{Badge, Dock};
pub use self::keychain::{Keychain, Lock};
pub use self::popups::{Popup, Popups};
pub use self::portal::Portal;
pub use self::recorder::{Answer, RecordedCall, RecordedPopup, Recorder};
pub use self::screen::{Screen, Window};
pub use self::tray::{ShownIcon, Tray};
use crate::program::{Home, app_program};
use crate::skip::has;

/// What a desktop has. Without a bus it has no keychain, no popups and no tray either.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    /// A session bus.
    pub bus: bool,
    /// A place for tray icons.
    pub tray: bool,
    /// A notification service.
    pub popups: bool,
    /// A keychain.
    pub keychain: Option<Lock>,
}

impl Parts {
    /// Everything.
    pub const ALL: Self = Self { bus: true, tray: true, popups: true, keychain: Some(Lock::Open) };
}

impl Default for Parts {
    fn default() -> Self {
        Self::ALL
    }
}

/// A running desktop. Dropping ends it.
#[derive(Debug)]
pub struct Desktop {
    // Dropped in this order: what uses the screen and the bus goes before them.
    tray: Option<Tray>,
    popups: Option<Popups>,
    keychain: Option<Keychain>,
    bus: Option<Bus>,
    /// The screen with its pointer and keyboard.
    pub screen: Screen,
    folder: TempDir,
}

impl Desktop {
    /// One that has everything; `None`, with a loud skip, where a program for it is not installed.
    ///
    /// # Panics
    /// If a part does not start.
    pub async fn start() -> Option<Self> {
        Self::with(Parts::default()).await
    }

    /// One that has these parts; `None`, with a loud skip, where a program for it is not installed.
    ///
    /// # Panics
    /// If a part does not start.
    pub async fn with(parts: Parts) -> Option<Self> {
        if !has(&["Xvfb", "openbox", "dunst", "xdotool", "xprop", "xev", "import"]) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("belfry-desktop-").tempdir().expect("a temporary folder");
        // Programs refuse a runtime folder that others can read.
        DirBuilder::new().mode(0o700).create(folder.path().join("runtime")).expect("a folder made");
        let screen = Screen::start().await;
        let mut desktop = Self { tray: None, popups: None, keychain: None, bus: None, screen, folder };
        if parts.bus {
            let bus = Bus::start().await?;
            if let Some(lock) = parts.keychain {
                desktop.keychain = Some(Keychain::start(&bus, lock).await?);
            }
            if parts.popups {
                desktop.popups = Some(Popups::start(&bus, &desktop.screen, desktop.folder.path()).await);
            }
            if parts.tray {
                desktop.tray = Some(Tray::start(&bus).await);
            }
            desktop.bus = Some(bus);
        }
        Some(desktop)
    }

    /// Makes `command` one that is started on this desktop, by a person whose language is English.
    pub fn admit(&self, command: &mut Command) {
        let folder = self.folder.path();
        let nowhere = "unix:path=/nowhere";
        command.env("DISPLAY", self.screen.display()).env("GDK_BACKEND", "x11").env("LC_ALL", "C.UTF-8");
        command.env("DBUS_SESSION_BUS_ADDRESS", self.bus.as_ref().map_or(nowhere, Bus::address));
        command.env("DBUS_SYSTEM_BUS_ADDRESS", nowhere).env("NO_AT_BRIDGE", "1").env("GSETTINGS_BACKEND", "memory");
        command.env("HOME", folder).env("XDG_RUNTIME_DIR", folder.join("runtime"));
        for (variable, name) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
        ] {
            command.env(variable, folder.join(name));
        }
        for variable in ["WAYLAND_DISPLAY", "DESKTOP_STARTUP_ID", "XDG_ACTIVATION_TOKEN", "LANGUAGE"] {
            command.env_remove(variable);
        }
    }

    /// The session bus.
    ///
    /// # Panics
    /// If this desktop was made without one.
    pub fn bus(&self) -> &Bus {
        self.bus.as_ref().expect("a desktop with a bus")
    }

    /// The notification service.
    ///
    /// # Panics
    /// If this desktop was made without one.
    pub fn popups(&mut self) -> &mut Popups {
        self.popups.as_mut().expect("a desktop with popups")
    }

    /// The tray.
    ///
    /// # Panics
    /// If this desktop was made without one.
    pub fn tray(&self) -> &Tray {
        self.tray.as_ref().expect("a desktop with a tray")
    }

    /// The tray goes away, as when a panel crashes.
    pub async fn take_tray_away(&mut self) {
        if let Some(tray) = self.tray.take() {
            tray.leave().await;
        }
    }

    /// A tray comes to the bus, empty: programs have to bring their icons.
    ///
    /// # Panics
    /// If there is a tray already.
    pub async fn bring_tray(&mut self) {
        let bus = self.bus.as_ref().expect("a desktop with a bus");
        self.tray = Some(Tray::start(bus).await);
    }

    /// The session bus goes away with everything on it, and comes back at the same address, with a
    /// tray if there was one and no other part.
    ///
    /// # Panics
    /// If it does not come back.
    pub async fn restart_bus(&mut self) {
        let had_tray = self.tray.take().is_some();
        self.popups = None;
        self.keychain = None;
        self.bus.as_mut().expect("a desktop with a bus").restart().await;
        if had_tray {
            self.bring_tray().await;
        }
    }

    /// Locks or opens the keychain.
    ///
    /// # Panics
    /// If this desktop was made without one.
    pub async fn lock_keychain(&mut self, lock: Lock) {
        let bus = self.bus.as_ref().expect("a desktop with a bus");
        self.keychain.as_mut().expect("a desktop with a keychain").restart(bus, lock).await;
    }

    /// Clicks the popup that is on the screen.
    ///
    /// # Panics
    /// If none is within [`EVENT_TIMEOUT`](crate::program::EVENT_TIMEOUT).
    pub async fn click_popup(&self) {
        self.screen.click("dunst", 40, 24).await;
    }
}

impl Home {
    /// The app in this home, as it would start with the desktop's own settings otherwise. `None`,
    /// with a loud skip, where the window was never built.
    pub async fn app<S: AsRef<OsStr>>(&self, desktop: &Desktop, args: impl IntoIterator<Item = S>) -> Option<Command> {
        let mut command = app_program().await?;
        command.arg("--config").arg(self.settings_file()).arg("--data-dir").arg(self.data_dir()).args(args);
        command.env_remove("BELFRY_TOKEN").env_remove("BELFRY_PASSWORD");
        desktop.admit(&mut command);
        Some(command)
    }
}
