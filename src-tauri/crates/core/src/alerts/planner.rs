//! When due alerts pop up, and which of them together.
//!
//! A live notice pops up at once, until `burst` popups were shown within a second: the rest of that
//! second becomes one batch. Notices that catch-up finds become one batch, at the end of the pass
//! or 2 s after the first. Both kinds of popup count towards the burst. Invariant: every notice is
//! in exactly one batch. Pure: time is an argument; deliberately absent: the text of a popup.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::storage::Opening;

/// The period in which live popups count as one burst.
pub const BURST_WINDOW: Duration = Duration::from_secs(1);
/// The longest time that a notice found by catch-up waits for its batch.
pub const CATCH_UP_WINDOW: Duration = Duration::from_secs(2);

/// Alerts to be claimed and shown together: one summary if there are more than `burst`, else one
/// popup each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The notices, oldest first; never empty.
    pub openings: Vec<Opening>,
    /// One popup for all.
    pub is_summary: bool,
}

/// Decides when an alert pops up, and with which others.
#[derive(Debug)]
pub struct Planner {
    burst: usize,
    recent: VecDeque<Instant>,
    live: Vec<Opening>,
    live_until: Option<Instant>,
    catch_up: Vec<Opening>,
    catch_up_until: Option<Instant>,
}

impl Planner {
    /// A planner that shows at most `burst` (`notifications.burst`) single popups at a time.
    pub fn new(burst: u32) -> Self {
        Self {
            burst: burst as usize,
            recent: VecDeque::new(),
            live: Vec::new(),
            live_until: None,
            catch_up: Vec::new(),
            catch_up_until: None,
        }
    }

    /// An alert is due. `catching_up` holds it for the batch of the pass.
    pub fn add(&mut self, opening: Opening, catching_up: bool, now: Instant) {
        if catching_up {
            self.catch_up.push(opening);
            self.catch_up_until.get_or_insert(now + CATCH_UP_WINDOW);
        } else {
            self.live.push(opening);
        }
    }

    /// The pass has ended: its alerts are due now.
    pub fn end_catch_up(&mut self, now: Instant) {
        if self.catch_up_until.is_some() {
            self.catch_up_until = Some(now);
        }
    }

    /// The batches that are due.
    #[must_use]
    pub fn poll_batches(&mut self, now: Instant) -> Vec<Batch> {
        let mut batches = Vec::new();
        while self.recent.front().is_some_and(|shown| now.saturating_duration_since(*shown) >= BURST_WINDOW) {
            self.recent.pop_front();
        }
        if self.catch_up_until.is_some_and(|until| until <= now) {
            self.catch_up_until = None;
            let openings = std::mem::take(&mut self.catch_up);
            // Popups of the last second count, and these popups count for the next second.
            let is_summary = openings.len() > 1 && self.recent.len() + openings.len() > self.burst;
            self.recent.extend(std::iter::repeat_n(now, if is_summary { 1 } else { openings.len() }));
            batches.push(Batch { openings, is_summary });
        }
        if self.live_until.is_some_and(|until| until <= now) {
            // The second of the burst is over: the held alerts become one popup, unless there is
            // only one.
            self.live_until = None;
            let openings = std::mem::take(&mut self.live);
            self.recent.push_back(now);
            batches.push(Batch { is_summary: openings.len() > 1, openings });
        } else if self.live_until.is_none() && !self.live.is_empty() {
            let free = self.burst.saturating_sub(self.recent.len()).min(self.live.len());
            let singles: Vec<Opening> = self.live.drain(..free).collect();
            if !singles.is_empty() {
                self.recent.extend(std::iter::repeat_n(now, singles.len()));
                batches.push(Batch { openings: singles, is_summary: false });
            }
            if !self.live.is_empty() {
                self.live_until = Some(self.recent.front().copied().unwrap_or(now) + BURST_WINDOW);
            }
        }
        batches
    }

    /// When [`Self::poll_batches`] has the next batch.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.live_until.into_iter().chain(self.catch_up_until).min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::storage::Seq;

    const SECOND: Duration = Duration::from_secs(1);

    fn opening(seq: i64) -> Opening {
        Opening { seq: Seq(seq), number: 1 }
    }

    fn numbers(batch: &Batch) -> Vec<i64> {
        batch.openings.iter().map(|opening| opening.seq.0).collect()
    }

    fn seqs(batches: &[Batch]) -> Vec<(Vec<i64>, bool)> {
        batches.iter().map(|batch| (numbers(batch), batch.is_summary)).collect()
    }

    fn add(planner: &mut Planner, range: std::ops::RangeInclusive<i64>, catching_up: bool, now: Instant) {
        for seq in range {
            planner.add(opening(seq), catching_up, now);
        }
    }

    #[test]
    fn live_notices_ring_at_once_until_the_burst_and_the_rest_of_the_second_is_one_summary() {
        let (mut planner, start) = (Planner::new(2), Instant::now());
        add(&mut planner, 1..=1, false, start);
        assert_eq!(seqs(&planner.poll_batches(start)), [(vec![1], false)]);
        let soon = start + SECOND / 2;
        add(&mut planner, 2..=4, false, soon);
        assert_eq!(seqs(&planner.poll_batches(soon)), [(vec![2], false)]);
        add(&mut planner, 5..=5, false, soon);
        assert_eq!(seqs(&planner.poll_batches(soon)), []);
        assert_eq!(planner.poll_timeout(), Some(start + SECOND));
        assert_eq!(seqs(&planner.poll_batches(start + SECOND)), [(vec![3, 4, 5], true)]);
        assert_eq!(planner.poll_timeout(), None);
        add(&mut planner, 6..=6, false, start + 2 * SECOND);
        assert_eq!(seqs(&planner.poll_batches(start + 2 * SECOND)), [(vec![6], false)]);
    }

    #[test]
    fn what_catch_up_finds_is_one_batch_after_two_seconds_or_at_its_end() {
        let (mut planner, start) = (Planner::new(2), Instant::now());
        add(&mut planner, 1..=3, true, start);
        add(&mut planner, 4..=4, true, start + SECOND);
        assert_eq!(seqs(&planner.poll_batches(start + SECOND)), []);
        assert_eq!(planner.poll_timeout(), Some(start + 2 * SECOND));
        assert_eq!(seqs(&planner.poll_batches(start + 2 * SECOND)), [(vec![1, 2, 3, 4], true)]);
        add(&mut planner, 5..=6, true, start + 3 * SECOND);
        planner.end_catch_up(start + 3 * SECOND);
        assert_eq!(seqs(&planner.poll_batches(start + 3 * SECOND)), [(vec![5, 6], false)]);
        planner.end_catch_up(start + 3 * SECOND);
        assert_eq!(planner.poll_timeout(), None);
    }

    #[test]
    fn what_catch_up_has_rung_counts_for_the_live_burst_and_the_other_way_round() {
        let (mut planner, start) = (Planner::new(3), Instant::now());
        add(&mut planner, 1..=2, true, start);
        planner.end_catch_up(start);
        add(&mut planner, 3..=5, false, start);
        assert_eq!(seqs(&planner.poll_batches(start)), [(vec![1, 2], false), (vec![3], false)]);
        assert_eq!(seqs(&planner.poll_batches(start + SECOND)), [(vec![4, 5], true)]);
        let later = start + 3 * SECOND;
        add(&mut planner, 6..=7, false, later);
        assert_eq!(seqs(&planner.poll_batches(later)), [(vec![6, 7], false)]);
        add(&mut planner, 8..=9, true, later);
        planner.end_catch_up(later);
        assert_eq!(seqs(&planner.poll_batches(later)), [(vec![8, 9], true)]);
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
            let mut shown: Vec<(Instant, Batch)> = Vec::new();
            for event in events {
                let until = match event {
                    Event::Add { catching_up } => {
                        planner.add(opening(added.len() as i64), catching_up, now);
                        added.push(now);
                        now
                    }
                    Event::EndCatchUp => {
                        planner.end_catch_up(now);
                        now
                    }
                    Event::Wait(ms) => now + Duration::from_millis(ms),
                };
                shown.extend(planner.poll_batches(now).into_iter().map(|batch| (now, batch)));
                while let Some(due) = planner.poll_timeout().filter(|due| *due <= until) {
                    now = now.max(due);
                    shown.extend(planner.poll_batches(now).into_iter().map(|batch| (now, batch)));
                }
                now = until;
            }
            while let Some(due) = planner.poll_timeout() {
                now = now.max(due);
                shown.extend(planner.poll_batches(now).into_iter().map(|batch| (now, batch)));
            }
            let mut all: Vec<i64> = shown.iter().flat_map(|(_, batch)| numbers(batch)).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..added.len() as i64).collect::<Vec<_>>());
            for (index, (at, batch)) in shown.iter().enumerate() {
                prop_assert!(!batch.openings.is_empty() && (batch.is_summary || batch.openings.len() <= burst as usize));
                prop_assert!(!batch.is_summary || batch.openings.len() > 1);
                // Several single ones are never more than a burst, counting all
                // popups of the second before.
                let recent = shown.iter().take(index + 1).filter(|(other, _)| *at - *other < BURST_WINDOW);
                let popups: usize = recent.map(|(_, batch)| if batch.is_summary { 1 } else { batch.openings.len() }).sum();
                prop_assert!(batch.is_summary || batch.openings.len() == 1 || popups <= burst as usize, "{popups}");
                for number in numbers(batch) {
                    prop_assert!(*at - added[number as usize] <= CATCH_UP_WINDOW);
                }
            }
        }
    }
}
