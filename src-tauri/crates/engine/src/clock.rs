//! The only place that reads the clocks.

use belfry_core::clock::Now;
use jiff::Timestamp;

/// Reads both clocks; the monotonic one through tokio, so that a test can pause it.
pub(crate) fn now() -> Now {
    Now { mono: tokio::time::Instant::now().into_std(), wall: Timestamp::now() }
}
