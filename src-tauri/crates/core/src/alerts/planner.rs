//! When due alerts pop up, and which of them together.
//!
//! A live notice rings at once, until `burst` have rung within a second: the rest of that second becomes one batch. What
//! is found while catching up is decided as one batch, at the end of the pass or 2 s after the first; what rang counts
//! for both. Every notice is in exactly one batch. Pure: time is an argument; what a batch says is the delivery's matter.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::storage::Seq;

/// The window of a live burst.
pub const BURST_WINDOW: Duration = Duration::from_secs(1);
/// The longest that a notice found by catch-up waits for its batch.
pub const CATCH_UP_WINDOW: Duration = Duration::from_secs(2);

/// Alerts to be claimed and shown together: one summary if there are more than `burst`, else one popup each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The notices, oldest first; never empty.
    pub seqs: Vec<Seq>,
    /// One popup for all.
    pub summary: bool,
}

/// Decides when and with whom an alert pops up.
#[derive(Debug)]
pub struct Planner {
    burst: usize,
    rang: VecDeque<Instant>,
    held: Vec<Seq>,
    held_until: Option<Instant>,
    caught: Vec<Seq>,
    caught_until: Option<Instant>,
}

impl Planner {
    /// A planner that shows at most `burst` (`notifications.burst`) single popups at a time.
    pub fn new(burst: u32) -> Self {
        Self {
            burst: burst as usize,
            rang: VecDeque::new(),
            held: Vec::new(),
            held_until: None,
            caught: Vec::new(),
            caught_until: None,
        }
    }

    /// An alert is due. `catching_up` holds it for the batch of the pass.
    pub fn add(&mut self, seq: Seq, catching_up: bool, now: Instant) {
        if catching_up {
            self.caught.push(seq);
            self.caught_until.get_or_insert(now + CATCH_UP_WINDOW);
        } else {
            self.held.push(seq);
        }
    }

    /// The pass has ended: what it found is due now.
    pub fn end_catch_up(&mut self, now: Instant) {
        if self.caught_until.is_some() {
            self.caught_until = Some(now);
        }
    }

    /// The batches that are due.
    #[must_use]
    pub fn poll(&mut self, now: Instant) -> Vec<Batch> {
        let mut batches = Vec::new();
        while self.rang.front().is_some_and(|rang| now.saturating_duration_since(*rang) >= BURST_WINDOW) {
            self.rang.pop_front();
        }
        if self.caught_until.is_some_and(|until| until <= now) {
            self.caught_until = None;
            let seqs = std::mem::take(&mut self.caught);
            // What rang a moment ago counts, and what rings now counts for what comes in a moment.
            let summary = seqs.len() > 1 && self.rang.len() + seqs.len() > self.burst;
            self.rang.extend(std::iter::repeat_n(now, if summary { 1 } else { seqs.len() }));
            batches.push(Batch { seqs, summary });
        }
        if self.held_until.is_some_and(|until| until <= now) {
            // The burst's second is over; what it held back is one popup, unless it is a single notice.
            self.held_until = None;
            let seqs = std::mem::take(&mut self.held);
            self.rang.push_back(now);
            batches.push(Batch { summary: seqs.len() > 1, seqs });
        } else if self.held_until.is_none() && !self.held.is_empty() {
            let free = self.burst.saturating_sub(self.rang.len()).min(self.held.len());
            let singles: Vec<Seq> = self.held.drain(..free).collect();
            if !singles.is_empty() {
                self.rang.extend(std::iter::repeat_n(now, singles.len()));
                batches.push(Batch { seqs: singles, summary: false });
            }
            if !self.held.is_empty() {
                self.held_until = Some(self.rang.front().copied().unwrap_or(now) + BURST_WINDOW);
            }
        }
        batches
    }

    /// When [`Self::poll`] has something next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.held_until.into_iter().chain(self.caught_until).min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn seqs(batches: &[Batch]) -> Vec<(Vec<i64>, bool)> {
        batches.iter().map(|batch| (batch.seqs.iter().map(|seq| seq.0).collect(), batch.summary)).collect()
    }

    fn add(planner: &mut Planner, range: std::ops::RangeInclusive<i64>, catching_up: bool, now: Instant) {
        for seq in range {
            planner.add(Seq(seq), catching_up, now);
        }
    }

    #[test]
    fn live_notices_ring_at_once_until_the_burst_and_the_rest_of_the_second_is_one_summary() {
        let (mut planner, start) = (Planner::new(2), Instant::now());
        add(&mut planner, 1..=1, false, start);
        assert_eq!(seqs(&planner.poll(start)), [(vec![1], false)]);
        let soon = start + SECOND / 2;
        add(&mut planner, 2..=4, false, soon);
        assert_eq!(seqs(&planner.poll(soon)), [(vec![2], false)]);
        add(&mut planner, 5..=5, false, soon);
        assert_eq!(seqs(&planner.poll(soon)), []);
        assert_eq!(planner.poll_timeout(), Some(start + SECOND));
        assert_eq!(seqs(&planner.poll(start + SECOND)), [(vec![3, 4, 5], true)]);
        assert_eq!(planner.poll_timeout(), None);
        add(&mut planner, 6..=6, false, start + 2 * SECOND);
        assert_eq!(seqs(&planner.poll(start + 2 * SECOND)), [(vec![6], false)]);
    }

    #[test]
    fn what_catch_up_finds_is_one_batch_after_two_seconds_or_at_its_end() {
        let (mut planner, start) = (Planner::new(2), Instant::now());
        add(&mut planner, 1..=3, true, start);
        add(&mut planner, 4..=4, true, start + SECOND);
        assert_eq!(seqs(&planner.poll(start + SECOND)), []);
        assert_eq!(planner.poll_timeout(), Some(start + 2 * SECOND));
        assert_eq!(seqs(&planner.poll(start + 2 * SECOND)), [(vec![1, 2, 3, 4], true)]);
        add(&mut planner, 5..=6, true, start + 3 * SECOND);
        planner.end_catch_up(start + 3 * SECOND);
        assert_eq!(seqs(&planner.poll(start + 3 * SECOND)), [(vec![5, 6], false)]);
        planner.end_catch_up(start + 3 * SECOND);
        assert_eq!(planner.poll_timeout(), None);
    }

    #[test]
    fn what_catch_up_has_rung_counts_for_the_live_burst_and_the_other_way_round() {
        let (mut planner, start) = (Planner::new(3), Instant::now());
        add(&mut planner, 1..=2, true, start);
        planner.end_catch_up(start);
        add(&mut planner, 3..=5, false, start);
        assert_eq!(seqs(&planner.poll(start)), [(vec![1, 2], false), (vec![3], false)]);
        assert_eq!(seqs(&planner.poll(start + SECOND)), [(vec![4, 5], true)]);
        let later = start + 3 * SECOND;
        add(&mut planner, 6..=7, false, later);
        assert_eq!(seqs(&planner.poll(later)), [(vec![6, 7], false)]);
        add(&mut planner, 8..=9, true, later);
        planner.end_catch_up(later);
        assert_eq!(seqs(&planner.poll(later)), [(vec![8, 9], true)]);
    }

    #[derive(Debug, Clone)]
    enum Event {
        Add { catching_up: bool },
        EndCatchUp,
        Wait(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            6 => any::<bool>().prop_map(|catching_up| Event::Add { catching_up }),
            1 => Just(Event::EndCatchUp),
            3 => (0u64..1_500).prop_map(Event::Wait),
        ]
    }

    proptest! {
        #[test]
        fn every_notice_is_in_exactly_one_batch_in_time(burst in 1u32..5, events in proptest::collection::vec(event(), 0..60)) {
            let (mut planner, mut now) = (Planner::new(burst), Instant::now());
            let mut added: Vec<Instant> = Vec::new();
            let mut rang: Vec<(Instant, Batch)> = Vec::new();
            for event in events {
                let until = match event {
                    Event::Add { catching_up } => {
                        planner.add(Seq(added.len() as i64), catching_up, now);
                        added.push(now);
                        now
                    }
                    Event::EndCatchUp => {
                        planner.end_catch_up(now);
                        now
                    }
                    Event::Wait(ms) => now + Duration::from_millis(ms),
                };
                rang.extend(planner.poll(now).into_iter().map(|batch| (now, batch)));
                while let Some(due) = planner.poll_timeout().filter(|due| *due <= until) {
                    now = now.max(due);
                    rang.extend(planner.poll(now).into_iter().map(|batch| (now, batch)));
                }
                now = until;
            }
            while let Some(due) = planner.poll_timeout() {
                now = now.max(due);
                rang.extend(planner.poll(now).into_iter().map(|batch| (now, batch)));
            }
            let mut all: Vec<i64> = rang.iter().flat_map(|(_, batch)| batch.seqs.iter().map(|seq| seq.0)).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..added.len() as i64).collect::<Vec<_>>());
            for (index, (at, batch)) in rang.iter().enumerate() {
                prop_assert!(!batch.seqs.is_empty() && (batch.summary || batch.seqs.len() <= burst as usize));
                prop_assert!(!batch.summary || batch.seqs.len() > 1);
                // Several single ones are never more than a burst, with all that rang in the second before.
                let recent = rang.iter().take(index + 1).filter(|(other, _)| *at - *other < BURST_WINDOW);
                let popups: usize = recent.map(|(_, batch)| if batch.summary { 1 } else { batch.seqs.len() }).sum();
                prop_assert!(batch.summary || batch.seqs.len() == 1 || popups <= burst as usize, "{popups}");
                for seq in &batch.seqs {
                    prop_assert!(*at - added[seq.0 as usize] <= CATCH_UP_WINDOW);
                }
            }
        }
    }
}
