//! The allocators of Windows and macOS are left as they are.

/// Does nothing here.
pub fn return_freed_memory() {}

/// Does nothing here.
pub fn trim() {}
