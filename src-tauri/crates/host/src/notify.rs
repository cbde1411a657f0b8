//! The desktop's notification service as the engine's [`Notifier`].
//!
//! This file only picks the system; [`crate::plain`] cleans what people will read. Deliberately absent: which notice deserves a
//! popup, and how loud (the engine decides). Invariant: nothing a message says is ever taken as markup, an image path, a
//! sound file or a control sequence.

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
