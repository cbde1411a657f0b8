//! Hands a [`Tray`](belfry_app::tray::Tray) to the desktop.
//!
//! This file only picks the system. Invariant: called on the main thread, as desktops want it.

#[cfg(not(target_os = "macos"))]
#[path = "tray/colour.rs"]
mod pictures;
#[cfg(target_os = "macos")]
#[path = "tray/template.rs"]
mod pictures;

#[cfg(target_os = "linux")]
#[path = "tray/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "tray/tauri.rs"]
mod system;

#[cfg(target_os = "macos")]
#[path = "tray/macos.rs"]
mod habits;
#[cfg(target_os = "windows")]
#[path = "tray/windows.rs"]
mod habits;

#[cfg(target_os = "macos")]
#[path = "tray/badge/macos.rs"]
mod badge;
#[cfg(target_os = "windows")]
#[path = "tray/badge/windows.rs"]
mod badge;

#[cfg(not(target_os = "linux"))]
pub(crate) use system::show_badge;
pub(crate) use system::{create, show};
