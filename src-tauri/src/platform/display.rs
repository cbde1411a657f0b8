//! Whether there is a screen to show anything on.
//!
//! This file only picks the system. Asked before anything is connected: the window library itself
//! panics without one.

#[cfg(target_os = "linux")]
#[path = "display/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "display/always.rs"]
mod system;

pub(crate) use system::open;

/// There is no screen.
#[derive(Debug, thiserror::Error)]
#[error("no display can be opened: start Belfry in a desktop session, or use belfryctl run")]
pub(crate) struct NoDisplay;
