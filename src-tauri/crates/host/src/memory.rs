//! How the C library's allocator, which Rust and SQLite share, treats what is freed.
//!
//! This file only selects the system. Deliberately absent: an allocator of our own.

#[cfg(target_os = "linux")]
#[path = "memory/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "memory/none.rs"]
mod system;

pub use system::{return_freed_memory, trim};
