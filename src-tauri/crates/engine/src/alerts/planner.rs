//! When due alerts pop up, and which of them together.
//!
//! A live notice rings at once, until `burst` have rung within a second: the rest of that second becomes one batch. What
//! is found while catching up is decided as one batch, at the end of the pass or 2 s after the first. Every notice is in
//! exactly one batch. Pure: time is an argument; what a batch says is the delivery's matter.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::store::Seq;

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
    pub fn poll(&mut self, now: Instant) -> Vec<Batch> {
        let mut batches = Vec::new();
        if self.caught_until.is_some_and(|until| until <= now) {
            self.caught_until = None;
            let seqs = std::mem::take(&mut self.caught);
            let summary = seqs.len() > self.burst;
            batches.push(Batch { seqs, summary });
        }
        while self.rang.front().is_some_and(|rang| now.saturating_duration_since(*rang) >= BURST_WINDOW) {
            self.rang.pop_front();
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
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.held_until.into_iter().chain(self.caught_until).min()
    }
}
