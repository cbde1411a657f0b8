//! Random choices that are made while a plan runs.

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::SmallRng};

/// The random number generator of a run.
#[derive(Debug)]
pub(crate) struct SimRng(SmallRng);

impl SimRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed ^ 0x5eed))
    }

    /// Whether something that happens in `percent` of the cases happens now.
    pub(crate) fn happens(&mut self, percent: u32) -> bool {
        percent > 0 && self.0.random_range(0..100) < percent
    }

    /// Microseconds, between two numbers of milliseconds.
    pub(crate) fn millis(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.0.random_range(range.start * 1_000..range.end * 1_000)
    }

    /// One of `count`.
    pub(crate) fn one_of(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }
}
