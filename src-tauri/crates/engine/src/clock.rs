//! Time as the engine sees it: one reading of both clocks, passed as an argument.
//!
//! Nothing else in the engine reads a clock, so a simulation can move time as it likes. The monotonic clock measures
//! waits and stops during sleep on Linux and macOS; the wall clock dates notices and jumps. The gap between the two is
//! a hint that the machine slept, never a proof.

use std::time::Instant;

use jiff::Timestamp;

/// One reading of the monotonic and the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For waits and time-outs.
    pub mono: Instant,
    /// For what people and servers see.
    pub wall: Timestamp,
}

impl Now {
    /// Reads both clocks.
    pub fn read() -> Self {
        Self { mono: Instant::now(), wall: Timestamp::now() }
    }
}
