//! Hints that the machine woke up or that its network changed, so that the connection is checked at
//! once.
//!
//! On Linux they come from logind and NetworkManager, on the system bus; without these services the
//! change is only noticed later. Deliberately absent: Windows and macOS, where the engine notices a
//! sleep within seconds by comparing clocks, and a lost network by missing heart-beats. Invariant:
//! a hint never ends a connection by itself; the engine probes it.

#[cfg(target_os = "linux")]
#[path = "power/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "power/none.rs"]
mod system;

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
