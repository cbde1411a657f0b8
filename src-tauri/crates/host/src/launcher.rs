//! The number on the program's icon in a dock or a task bar.
//!
//! This file only selects the system. On Windows and macOS the number belongs to the window library,
//! so nothing is done here. Deliberately absent: what is counted.

#[cfg(target_os = "linux")]
#[path = "launcher/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "launcher/none.rs"]
mod system;

pub use system::Launcher;
