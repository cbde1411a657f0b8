//! Whether the desktop has a place for a tray icon.
//!
//! This file only picks the system. Invariant: "unknown" counts as "no", so that a window is never hidden where nothing
//! could bring it back.

#[cfg(target_os = "linux")]
#[path = "tray_host/linux.rs"]
mod desktop;
#[cfg(not(target_os = "linux"))]
#[path = "tray_host/always.rs"]
mod desktop;

pub use desktop::{probe, wait};

/// Why no tray icon is seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTrayHost {
    /// There is no session bus to ask.
    #[error("no session bus ({0}); start the app inside a desktop session")]
    NoBus(String),
    /// Nobody collects tray icons.
    #[error(
        "this desktop shows no tray icons (nobody owns org.kde.StatusNotifierWatcher); on GNOME, enable the AppIndicator extension"
    )]
    NoWatcher,
}
