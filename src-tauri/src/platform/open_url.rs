//! Open-URL events: links that the system hands to the running program instead of starting it
//! again, as macOS does.
//!
//! This file only picks the system; elsewhere links come by the command line.

#[cfg(target_os = "macos")]
#[path = "open_url/macos.rs"]
mod system;
#[cfg(not(target_os = "macos"))]
#[path = "open_url/none.rs"]
mod system;

pub(crate) use system::links;
