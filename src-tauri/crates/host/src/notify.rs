//! The desktop's notification service as the engine's [`Notifier`].
//!
//! This file only picks the system; [`text`] cleans what people will read. Deliberately absent: which notice deserves a
//! popup, and how loud (the engine decides). Invariant: nothing a message says is ever taken as markup, an image path, a
//! sound file or a control sequence.

pub mod text;

#[cfg(target_os = "linux")]
#[path = "notify/linux.rs"]
mod desktop;
#[cfg(target_os = "macos")]
#[path = "notify/macos.rs"]
mod desktop;
#[cfg(target_os = "windows")]
#[path = "notify/windows.rs"]
mod desktop;

pub use desktop::Desktop;

/// Longest title handed to a service, in characters.
pub const MAX_TITLE: usize = 120;
/// Longest body handed to a service, in characters: more than any desktop shows, less than any of them minds.
pub const MAX_BODY: usize = 400;

/// Who speaks, as a desktop shows it.
#[derive(Debug, Clone)]
pub struct Application {
    /// Shown by some desktops beside the popup.
    pub app_name: String,
    /// By which a desktop finds the icon and the person's own settings for the app: the installed `.desktop` file without
    /// its ending (Linux), the AppUserModelID that the Start-menu shortcut carries (Windows), the bundle id (macOS).
    pub desktop_entry: String,
    /// What opening the notice is called, where a desktop shows it.
    pub open_label: String,
}
