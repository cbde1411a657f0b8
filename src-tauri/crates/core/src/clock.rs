//! Time as the pipeline sees it: one reading of both clocks, passed as an argument.
//!
//! Deliberately absent: reading a clock. The engine does that; the simulation sets the time itself.
//! The monotonic clock measures waits and stops during sleep on Linux and macOS; the wall clock
//! dates notices and jumps. The gap between the two is a hint that the machine slept, never a
//! proof.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// One reading of the monotonic and the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For waits and time-outs.
    pub mono: Instant,
    /// For what people and servers see.
    pub wall: Timestamp,
}

#[cfg(test)]
impl Now {
    /// A time to start a test from.
    pub(crate) fn any() -> Self {
        Self { mono: Instant::now(), wall: Timestamp::now() }
    }
}

/// A gap between the clocks that is no ordinary scheduling delay.
const SLEEP_GAP: Duration = Duration::from_secs(10);

/// Compares the clocks every few seconds: where the monotonic one stops in sleep, the wall clock
/// runs ahead; where it does not, both jump further than the time between two comparisons. Either
/// is only a reason to probe.
#[derive(Debug)]
pub struct SleepWatch {
    last: Now,
}

impl SleepWatch {
    /// Starts at this reading.
    pub fn new(now: Now) -> Self {
        Self { last: now }
    }

    /// Whether the machine seems to have slept since the last call. Call it every few seconds.
    pub fn has_slept(&mut self, now: Now) -> bool {
        let mono = now.mono.saturating_duration_since(self.last.mono);
        let wall = now.wall.duration_since(self.last.wall).unsigned_abs();
        self.last = now;
        wall.abs_diff(mono) > SLEEP_GAP || mono > 3 * SLEEP_GAP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_between_the_clocks_or_a_late_look_is_a_sleep() {
        let start = Now::any();
        let after = |mono: u64, wall: i64| Now {
            mono: start.mono + Duration::from_secs(mono),
            wall: start.wall + jiff::SignedDuration::from_secs(wall),
        };
        assert!(!SleepWatch::new(start).has_slept(after(5, 5)));
        assert!(SleepWatch::new(start).has_slept(after(5, 605)), "the monotonic clock stood still");
        assert!(SleepWatch::new(start).has_slept(after(600, 600)), "no comparison for ten minutes");
        assert!(SleepWatch::new(start).has_slept(after(5, -3_600)), "the wall clock was set back");
    }
}
