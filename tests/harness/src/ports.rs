//! Ports for servers that cannot be asked to take any free one.
//!
//! They come from below the range the system takes for outgoing connections, so that a port stays
//! free for a server that is stopped and started again.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

/// A loopback port without a listener; never the same one twice in a process.
///
/// # Panics
/// If no port is free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes that run side by side begin at different places.
    let offset = std::process::id().wrapping_mul(7_919);
    (0..COUNT)
        .map(|_| u32::from(NEXT.fetch_add(1, Ordering::Relaxed)).wrapping_add(offset) % u32::from(COUNT))
        .map(|port| FIRST + u16::try_from(port).expect("below COUNT"))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}
