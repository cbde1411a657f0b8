//! How long to wait before the next attempt (`docs/reference/servers.md`, "Reconnecting").
//!
//! The first retry comes after `0…spread`; then a uniform 0.5–4 s while the outage is under 30 s,
//! 5–20 s after. A stable minute resets it; a shorter session ends its outage, but the next retry
//! is not the quick first one. Each wait is drawn once. Pure: randomness and time are arguments.

use std::time::{Duration, Instant};

use rand::{Rng, RngExt};

/// A session of at least this duration is stable: the next outage starts with a quick retry.
pub const STABLE_SESSION: Duration = Duration::from_secs(60);
/// While an outage is shorter than this, retries are frequent.
pub const SHORT_OUTAGE: Duration = Duration::from_secs(30);

/// The schedule of one link.
#[derive(Debug, Clone)]
pub struct Backoff {
    spread: Duration,
    first: bool,
    outage: Option<Instant>,
}

impl Backoff {
    /// A schedule whose first retry falls within `spread` (`server.reconnect_spread`).
    pub fn new(spread: Duration) -> Self {
        Self { spread, first: true, outage: None }
    }

    /// A session of this duration has ended, and the next outage begins. True if the session was
    /// stable.
    pub fn handle_session(&mut self, lived: Duration) -> bool {
        self.outage = None;
        self.first |= lived >= STABLE_SESSION;
        lived >= STABLE_SESSION
    }

    /// Back to the initial state.
    pub fn reset(&mut self) {
        *self = Self::new(self.spread);
    }

    /// The wait before the next attempt; the first call since a reset begins the outage.
    pub fn next_delay(&mut self, now: Instant, rng: &mut dyn Rng) -> Duration {
        let age = now.saturating_duration_since(*self.outage.get_or_insert(now));
        let range = if std::mem::take(&mut self.first) {
            0.0..=self.spread.as_secs_f64()
        } else if age < SHORT_OUTAGE {
            0.5..=4.0
        } else {
            5.0..=20.0
        };
        Duration::from_secs_f64(rng.random_range(range))
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    #[test]
    fn the_first_retry_is_spread_then_quick_then_slow_until_a_reset() {
        for seed in 0..200 {
            let mut rng = SmallRng::seed_from_u64(seed);
            let start = Instant::now();
            let mut backoff = Backoff::new(Duration::from_secs(2));
            assert!(backoff.next_delay(start, &mut rng) <= Duration::from_secs(2));
            for second in [1, 10, 29] {
                let delay = backoff.next_delay(start + Duration::from_secs(second), &mut rng);
                assert!((500..=4_000).contains(&delay.as_millis()), "{delay:?}");
            }
            for second in [30, 3_600] {
                let delay = backoff.next_delay(start + Duration::from_secs(second), &mut rng);
                assert!((5_000..=20_000).contains(&delay.as_millis()), "{delay:?}");
            }
            assert!(!backoff.handle_session(Duration::from_secs(59)));
            let delay = backoff.next_delay(start + Duration::from_secs(7_000), &mut rng);
            assert!((500..=4_000).contains(&delay.as_millis()), "{delay:?}");
            assert!(backoff.handle_session(STABLE_SESSION));
            assert!(backoff.next_delay(start + Duration::from_secs(7_200), &mut rng) <= Duration::from_secs(2));
        }
    }

    #[test]
    fn a_spread_of_zero_retries_at_once() {
        let mut rng = SmallRng::seed_from_u64(1);
        assert_eq!(Backoff::new(Duration::ZERO).next_delay(Instant::now(), &mut rng), Duration::ZERO);
    }
}
