//! Whether the desktop has a place for a tray icon.
//!
//! This file only selects the system. Deliberately absent: the icon itself. Invariant: "unknown"
//! counts as "no", so that a window is never hidden where the user could not open it again.

#[cfg(target_os = "linux")]
#[path = "tray_host/linux.rs"]
mod desktop;
#[cfg(not(target_os = "linux"))]
#[path = "tray_host/always.rs"]
mod desktop;

#[cfg(target_os = "linux")]
pub use desktop::SessionBus;
pub use desktop::{probe, wait};

/// Why no tray icon would be visible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTrayHost {
    /// There is no session bus to ask.
    #[error("no session bus ({0}): start the app inside a desktop session")]
    NoBus(String),
    /// No program shows tray icons.
    #[error(
        "this desktop shows no tray icons (org.kde.StatusNotifierWatcher has no owner): on GNOME, enable the AppIndicator extension"
    )]
    NoWatcher,
}
