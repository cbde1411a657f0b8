//! When due alerts pop up, and which of them together.
//!
//! A live notice pops up at once, until `burst` popups were shown within a second: the rest of that
//! second becomes one summary, which is updated every second while the burst lasts. Notices that
//! catch-up finds become one batch, at the end of the pass or 2 s after the first; a catch-up that
//! takes longer updates its summary, so that one absence is one popup. Invariant: every notice is in
//! exactly one batch. Pure: time is an argument; deliberately absent: the text of a popup.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use crate::storage::Opening;

/// The period in which live popups count as one burst.
pub const BURST_WINDOW: Duration = Duration::from_secs(1);
/// The longest time that a notice found by catch-up waits for its batch.
pub const CATCH_UP_WINDOW: Duration = Duration::from_secs(2);

/// After this time without a batch, the next one of a catch-up is another absence.
pub const ABSENCE_WINDOW: Duration = Duration::from_secs(60);

/// What made alerts due together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchKind {
    /// They arrived over the session.
    Live,
    /// Catch-up found them, or they arrived during it.
    CatchUp,
    /// Quiet hours or a pause have held them back.
    Held,
}

/// Alerts to be claimed and shown together: in one summary, or with one popup each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The notices, oldest first; never empty.
    pub openings: Vec<Opening>,
    /// What they have in common.
    pub kind: BatchKind,
    /// One popup for all.
    pub is_summary: bool,
    /// That popup is the last summary of this kind, updated.
    pub continues: bool,
}

/// Decides when an alert pops up, and with which others.
#[derive(Debug)]
pub struct Planner {
    burst: usize,
    recent: VecDeque<Instant>,
    live: Vec<Opening>,
    live_until: Option<Instant>,
    /// Until then the burst of the last live summary counts as not over.
    live_burst_until: Option<Instant>,
    catch_up: Vec<Opening>,
    catch_up_until: Option<Instant>,
    /// What this catch-up has shown.
    shown: CatchUpShown,
    has_ended: bool,
    held: Vec<Opening>,
    /// Summaries that are being claimed or shown: what continues them has to wait.
    busy: HashSet<BatchKind>,
}

#[derive(Debug, Default)]
struct CatchUpShown {
    notices: usize,
    has_summary: bool,
    last: Option<Instant>,
}

impl Planner {
    /// A planner that shows at most `burst` (`notifications.burst`) single popups at a time.
    pub fn new(burst: u32) -> Self {
        Self {
            burst: burst as usize,
            recent: VecDeque::new(),
            live: Vec::new(),
            live_until: None,
            live_burst_until: None,
            catch_up: Vec::new(),
            catch_up_until: None,
            shown: CatchUpShown::default(),
            has_ended: false,
            held: Vec::new(),
            busy: HashSet::new(),
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

    /// These were held back, and are due now: as one popup, however few they are.
    pub fn add_held(&mut self, openings: impl IntoIterator<Item = Opening>) {
        self.held.extend(openings);
    }

    /// The pass has ended: its alerts are due now. With `is_over` the catch-up has ended too.
    pub fn end_catch_up(&mut self, is_over: bool, now: Instant) {
        self.has_ended |= is_over;
        if self.catch_up_until.is_some() {
            self.catch_up_until = Some(now);
        }
    }

    /// A summary of this kind is being claimed or shown, or is on the screen now.
    pub fn set_busy(&mut self, kind: BatchKind, is_busy: bool) {
        if is_busy {
            self.busy.insert(kind);
        } else {
            self.busy.remove(&kind);
        }
    }

    /// The batches that are due.
    #[must_use]
    pub fn poll_batches(&mut self, now: Instant) -> Vec<Batch> {
        while self.recent.front().is_some_and(|shown| now.saturating_duration_since(*shown) >= BURST_WINDOW) {
            self.recent.pop_front();
        }
        let held = std::mem::take(&mut self.held);
        let held = (!held.is_empty()).then(|| {
            self.recent.push_back(now);
            Batch { is_summary: held.len() > 1, openings: held, kind: BatchKind::Held, continues: false }
        });
        let catch_up = self.poll_catch_up(now);
        held.into_iter().chain(catch_up).chain(self.poll_live(now)).collect()
    }

    fn poll_catch_up(&mut self, now: Instant) -> Option<Batch> {
        let is_due = self.catch_up_until.is_some_and(|until| until <= now) && !self.busy.contains(&BatchKind::CatchUp);
        let batch = is_due.then(|| {
            self.catch_up_until = None;
            let openings = std::mem::take(&mut self.catch_up);
            if self.shown.last.is_none_or(|last| now.saturating_duration_since(last) > ABSENCE_WINDOW) {
                self.shown = CatchUpShown::default();
            }
            let continues = self.shown.has_summary;
            // Popups of the last second count, and these popups count for the next second.
            let before = self.recent.len().max(self.shown.notices);
            let is_summary = continues || (openings.len() > 1 && before + openings.len() > self.burst);
            let popups = if is_summary { usize::from(!continues) } else { openings.len() };
            self.recent.extend(std::iter::repeat_n(now, popups));
            let notices = self.shown.notices + openings.len();
            self.shown = CatchUpShown { notices, has_summary: is_summary, last: Some(now) };
            Batch { openings, kind: BatchKind::CatchUp, is_summary, continues }
        });
        if self.has_ended && self.catch_up.is_empty() {
            (self.has_ended, self.shown) = (false, CatchUpShown::default());
        }
        batch
    }

    fn poll_live(&mut self, now: Instant) -> Option<Batch> {
        let batch = |openings: Vec<Opening>, is_summary, continues| Batch {
            openings,
            kind: BatchKind::Live,
            is_summary,
            continues,
        };
        if let Some(until) = self.live_until {
            if until > now || self.busy.contains(&BatchKind::Live) {
                return None;
            }
            // The second of the burst is over: the held alerts become one popup, unless there is
            // only one.
            self.live_until = None;
            let openings = std::mem::take(&mut self.live);
            let continues = self.live_burst_until.is_some();
            let is_summary = continues || openings.len() > 1;
            self.recent.extend((!continues).then_some(now));
            self.live_burst_until = is_summary.then_some(now + BURST_WINDOW);
            return Some(batch(openings, is_summary, continues));
        }
        self.live_burst_until = self.live_burst_until.filter(|until| now < *until);
        if self.live.is_empty() {
            return None;
        }
        if self.live_burst_until.is_some() {
            self.live_until = self.live_burst_until;
            return None;
        }
        let free = self.burst.saturating_sub(self.recent.len()).min(self.live.len());
        let singles: Vec<Opening> = self.live.drain(..free).collect();
        self.recent.extend(std::iter::repeat_n(now, singles.len()));
        if !self.live.is_empty() {
            self.live_until = Some(self.recent.front().copied().unwrap_or(now) + BURST_WINDOW);
        }
        (!singles.is_empty()).then(|| batch(singles, false, false))
    }

    /// When [`Self::poll_batches`] has the next batch.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let waiting = |until: Option<Instant>, kind| until.filter(|_| !self.busy.contains(&kind));
        let live = waiting(self.live_until, BatchKind::Live);
        live.into_iter().chain(waiting(self.catch_up_until, BatchKind::CatchUp)).min()
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
        add(&mut planner, 5..=5, true, start + 3 * SECOND);
        planner.end_catch_up(true, start + 3 * SECOND);
        let rest = planner.poll_batches(start + 3 * SECOND);
        assert_eq!(seqs(&rest), [(vec![5], true)]);
        assert!(rest[0].continues, "the summary is updated");
        add(&mut planner, 6..=7, true, start + 6 * SECOND);
        planner.end_catch_up(true, start + 6 * SECOND);
        assert_eq!(seqs(&planner.poll_batches(start + 6 * SECOND)), [(vec![6, 7], false)], "another absence");
        planner.end_catch_up(true, start + 3 * SECOND);
        assert_eq!(planner.poll_timeout(), None);
    }

    #[test]
    fn what_catch_up_has_rung_counts_for_the_live_burst_and_the_other_way_round() {
        let (mut planner, start) = (Planner::new(3), Instant::now());
        add(&mut planner, 1..=2, true, start);
        planner.end_catch_up(true, start);
        add(&mut planner, 3..=5, false, start);
        assert_eq!(seqs(&planner.poll_batches(start)), [(vec![1, 2], false), (vec![3], false)]);
        assert_eq!(seqs(&planner.poll_batches(start + SECOND)), [(vec![4, 5], true)]);
        let later = start + 3 * SECOND;
        add(&mut planner, 6..=7, false, later);
        assert_eq!(seqs(&planner.poll_batches(later)), [(vec![6, 7], false)]);
        add(&mut planner, 8..=9, true, later);
        planner.end_catch_up(true, later);
        assert_eq!(seqs(&planner.poll_batches(later)), [(vec![8, 9], true)]);
    }

    #[test]
    fn a_burst_that_lasts_is_one_summary_that_is_updated_every_second_until_a_second_without_news() {
        let (mut planner, start) = (Planner::new(2), Instant::now());
        let at = |tenths: u32| start + SECOND * tenths / 10;
        let mut popups = Vec::new();
        for tenth in 0..35 {
            add(&mut planner, i64::from(tenth) * 10..=i64::from(tenth) * 10 + 9, false, at(tenth));
            popups.extend(planner.poll_batches(at(tenth)).iter().map(|batch| (batch.is_summary, batch.continues)));
        }
        popups.extend(planner.poll_batches(at(40)).iter().map(|batch| (batch.is_summary, batch.continues)));
        assert_eq!(popups, [(false, false), (true, false), (true, true), (true, true), (true, true)]);
        add(&mut planner, 500..=500, false, at(51));
        assert_eq!(seqs(&planner.poll_batches(at(51))), [(vec![500], false)]);
    }

    #[test]
    fn what_continues_a_summary_waits_until_that_is_on_the_screen() {
        let (mut planner, start) = (Planner::new(1), Instant::now());
        add(&mut planner, 1..=5, true, start);
        assert_eq!(planner.poll_batches(start + 2 * SECOND).len(), 1);
        planner.set_busy(BatchKind::CatchUp, true);
        add(&mut planner, 6..=9, true, start + 2 * SECOND);
        planner.end_catch_up(true, start + 3 * SECOND);
        assert_eq!((planner.poll_batches(start + 5 * SECOND), planner.poll_timeout()), (Vec::new(), None));
        planner.set_busy(BatchKind::CatchUp, false);
        let batches = planner.poll_batches(start + 5 * SECOND);
        assert_eq!((seqs(&batches), batches[0].continues), (vec![(vec![6, 7, 8, 9], true)], true));
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
                        planner.end_catch_up(true, now);
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
                prop_assert!(!batch.is_summary || batch.continues || batch.openings.len() > 1);
                // Several single ones are never more than a burst, counting all
                // popups of the second before.
                let recent = shown.iter().take(index + 1).filter(|(other, _)| *at - *other < BURST_WINDOW);
                let popups: usize = recent
                    .map(|(_, batch)| if batch.is_summary { usize::from(!batch.continues) } else { batch.openings.len() })
                    .sum();
                prop_assert!(batch.is_summary || batch.openings.len() == 1 || popups <= burst as usize, "{popups}");
                for number in numbers(batch) {
                    prop_assert!(*at - added[number as usize] <= CATCH_UP_WINDOW);
                }
            }
        }
    }
}
