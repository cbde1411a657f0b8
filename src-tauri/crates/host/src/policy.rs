//! What administrators have set on this machine, read from where the system keeps it for them.
//!
//! Each system has a thin reader; which value holds is decided in
//! [`belfry_core::settings::policy`]. Invariant: a place that somebody other than an administrator
//! may write to does not count, and is reported.

#[cfg(target_os = "linux")]
#[path = "policy/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "policy/macos.rs"]
mod system;
#[cfg(target_os = "windows")]
#[path = "policy/windows.rs"]
mod system;

// Property lists can be read on any system, so the reader is tested here too.
#[cfg(all(test, target_os = "linux"))]
mod macos;
#[cfg(unix)]
mod trusted;

use belfry_core::settings::policy::Managed;

/// The folders of Linux below another root, whose files this user (by number) has to own; for
/// tests.
#[cfg(target_os = "linux")]
pub use system::read_below;

/// Everything that is set on this machine for the person who runs this program.
pub fn read() -> Managed {
    system::read()
}
