//! Hints that the machine woke up or that its network changed, so that the connection is checked at
//! once.
//!
//! On Linux they come from logind and NetworkManager, on the system bus; on Windows from the power
//! manager and the IP helper; on macOS from the workspace and the dynamic store. Where a service is
//! missing, the engine notices a sleep within seconds by comparing clocks, and a lost network by
//! missing heart-beats. Deliberately absent: what to do about a hint. Invariant: a hint never ends a
//! connection by itself; the engine probes it.

#[cfg(target_os = "linux")]
#[path = "power/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "power/macos.rs"]
mod system;
#[cfg(target_os = "windows")]
#[path = "power/windows.rs"]
mod system;

#[cfg(not(target_os = "linux"))]
use std::sync::mpsc::{Sender, channel};
#[cfg(not(target_os = "linux"))]
use std::thread;

pub use system::watch;
#[cfg(target_os = "linux")]
pub use system::watch_at;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// The machine was asleep.
    Woke,
    /// There is a network now, perhaps another one.
    NetworkChanged,
}

/// Calls `on_hint` on a separate thread for every hint that is sent: the systems call back on
/// threads of their own, where nothing may take time or panic.
#[cfg(not(target_os = "linux"))]
fn forward(on_hint: impl Fn(Hint) + Send + 'static) -> Sender<Hint> {
    let (sender, hints) = channel();
    let work = move || {
        for hint in hints {
            tracing::debug!(?hint, "hint from the system");
            on_hint(hint);
        }
    };
    if let Err(error) = thread::Builder::new().name("power".to_owned()).spawn(work) {
        tracing::debug!(%error, "sleep and network changes cannot be watched");
    }
    sender
}
