//! The allocators of Windows and macOS are left as they are.

/// Does nothing here.
pub fn keep_little() {}
