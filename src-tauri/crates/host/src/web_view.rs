//! Whether the system has what draws the window.
//!
//! This file only selects the system. Windows has it as a component that may be missing; on macOS
//! it is part of the system, on Linux a library that the package depends on. Deliberately absent:
//! installing it.

#[cfg(target_os = "windows")]
#[path = "web_view/windows.rs"]
mod system;
#[cfg(not(target_os = "windows"))]
#[path = "web_view/always.rs"]
mod system;

pub use system::probe;

/// Nothing can draw the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Microsoft Edge WebView2 Runtime is missing, so the window cannot be shown")]
pub struct NoWebView;

/// What to do about [`NoWebView`].
pub const REMEDY: &str = "install the Evergreen standalone installer of WebView2 for all users; until then \
    the tray and notifications work, and belfryctl reads the inbox and signs in";
