//! The only place that reads the clocks.

use belfry_core::clock::Now;
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

/// Reads both clocks; the monotonic one through tokio, so that a test can pause it.
pub(crate) fn now() -> Now {
    Now { mono: Instant::now().into_std(), wall: Timestamp::now() }
}

/// Resolves at `deadline`; never without one.
pub(crate) async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
