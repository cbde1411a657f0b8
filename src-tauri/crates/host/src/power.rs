//! That the machine woke up, or its network changed: hints to look at the connection now.
//!
//! On Linux logind and NetworkManager say so on the system bus; where they are absent nothing is lost but speed. On Windows
//! and macOS the engine's own comparison of the clocks notices a sleep within seconds, and a lost heart-beat a lost network.
//! Invariant: a hint never ends a connection by itself; the engine probes it.

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
