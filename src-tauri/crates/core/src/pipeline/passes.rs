//! When passes of catch-up run, and what becomes of a page or of its failure.
//!
//! A pass follows the subscriptions of each connection, a second one 5 s later, then quiet ones; while no session can be
//! had they are polls. A failing API never holds up the live session: the first failure gives way to it.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Pipeline, PipelineAction};
use crate::{
    clock::Now,
    error::{Failure, Fault, PERSISTENT_AFTER, Recovery},
    event::Event,
    pipeline::{
        catchup::{Page, PageRequest, Pass, PassId, PassStart, PassSummary},
        delivery::{DeliveryAction, PageCommitted, Received},
        link::{Generation, HALTED_RETRY, LinkAction, LinkInput, Refreshed},
    },
    storage::Write,
};

/// A second pass follows the first this much later: a server may apply SUBSCRIBE late
/// (`docs/reference/messages.md`, "Catch-up").
pub const SECOND_PASS_DELAY: Duration = Duration::from_secs(5);
/// For so long after it was given up a request may still be served (and `api.wait` on top): it may lie in a proxy or in
/// the server's own queue.
pub const STRAY_REQUEST_LIFETIME: Duration = Duration::from_secs(15);

/// Why a pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PassPurpose {
    /// Right after the subscriptions of this connection.
    Connect(Generation),
    /// [`SECOND_PASS_DELAY`] later, and every `reconcile_every`.
    Quiet,
    /// While no session can be had.
    Poll,
}

#[derive(Debug)]
pub(super) struct RunningPass {
    pub(super) pass: Pass,
    pub(super) purpose: PassPurpose,
    began: Instant,
    /// A page is being fetched or committed; otherwise the next request waits for `api.retry`.
    pub(super) busy: bool,
    /// The cursor that is being committed with the last page's rows.
    pub(super) cursor: Option<String>,
}

/// How the API fares.
#[derive(Debug, Default)]
pub(super) struct ApiState {
    pub(super) failure: Option<Failure>,
    pub(super) repeated: u32,
    pub(super) retry: Option<Instant>,
    /// It has asked to be left alone until then (`Retry-After`), whoever connects meanwhile.
    not_before: Option<Instant>,
    /// The token was refused: the link's refresh was asked for, once.
    pub(super) refreshing: bool,
    pub(super) refreshed: bool,
    pub(super) needs_person: bool,
}

impl ApiState {
    fn handle_retry_after(&mut self, failure: &Failure, now: Now) {
        self.not_before = self.not_before.max(failure.retry_after.map(|delay| now.mono + delay));
    }
}

/// When `api.history` has to be read. Each pass of a session reads it; of the polls, which come every few seconds, only
/// those that have a reason to, and one every `reconcile_every`. A pass without it does not move `complete_through`: so
/// whatever a server has given out to nobody is found by the next pass with it, which reads back past the last one. (A
/// session needs no more than its two passes: what they are too early for is sent to its subscriptions.)
#[derive(Debug, Default)]
pub(super) struct HistoryState {
    /// It was refused, so the passes do without.
    pub(super) is_off: bool,
    /// The server may give something out to nobody until then: due until a pass that began no earlier has read it.
    due_until: Option<Instant>,
    /// When the last pass began that has read it.
    read: Option<Instant>,
}

impl HistoryState {
    /// Not read by this run, and due until then.
    pub(super) fn due_until(until: Instant) -> Self {
        Self { due_until: Some(until), ..Self::default() }
    }

    /// It is due until a pass has read it that began at `until` or later.
    pub(super) fn require(&mut self, until: Instant) {
        self.due_until = self.due_until.max(Some(until));
    }

    fn handle_read(&mut self, began: Instant) {
        self.read = Some(began);
        self.due_until = self.due_until.filter(|until| *until > began);
    }
}

impl Pipeline {
    pub(super) fn may_poll(&self) -> bool {
        self.config.collect && !self.config.poll_every.is_zero() && !self.api.needs_person
    }

    /// Leaves a pass where it is. The page it has asked for is still welcome: the server may have marked it as delivered.
    pub(super) fn abandon_pass(&mut self) {
        self.abandoned.extend(self.running.take().filter(|running| running.busy).map(|running| running.pass));
    }

    /// What was asked for may be served, now or soon, and so be marked as delivered, and never arrive: only the history
    /// still has it then.
    fn handle_given_up(&mut self, now: Now) {
        self.history.require(now.mono + STRAY_REQUEST_LIFETIME + self.config.wait);
    }

    /// A person wants it tried, whatever has failed before.
    pub(super) fn reset_api(&mut self, now: Now) {
        self.api = ApiState::default();
        self.history.is_off = false;
        self.history.require(now.mono);
    }

    pub(super) fn start_pass(&mut self, purpose: PassPurpose, now: Now) {
        self.abandon_pass();
        self.passes += 1;
        self.next_pass = None;
        self.api.retry = None;
        let retention = now.wall.checked_sub(self.config.retention).unwrap_or(Timestamp::MIN);
        let pass = Pass::new(
            PassId(self.passes),
            PassStart {
                cursor: self.cursor.clone(),
                complete_through: self.complete_through,
                retention,
                history: self.wants_history(purpose, now),
                wait: purpose == PassPurpose::Poll && !self.config.wait.is_zero() && self.link.is_polling(),
                started: now.wall,
            },
        );
        self.running = Some(RunningPass { pass, purpose, began: now.mono, busy: false, cursor: None });
        self.continue_pass(now);
    }

    /// A person wants it collected now. A pass that is under way goes on, and one that is planned stays planned: the pass
    /// of a connect must end as one, and the second one has its time for a reason.
    pub(super) fn try_pass(&mut self, now: Now) {
        match &self.running {
            Some(running) if running.busy => {}
            Some(_) => self.continue_pass(now),
            None => {
                let planned = self.next_pass;
                self.start_pass(PassPurpose::Quiet, now);
                self.next_pass = planned;
            }
        }
    }

    fn has_history(&self) -> bool {
        self.config.history && !self.history.is_off
    }

    fn wants_history(&self, purpose: PassPurpose, now: Now) -> bool {
        let every = self.config.reconcile_every;
        let is_old = |read: Instant| !every.is_zero() && now.mono.saturating_duration_since(read) >= every;
        let is_due = self.history.due_until.is_some() || self.history.read.is_none_or(is_old);
        self.has_history() && (purpose != PassPurpose::Poll || is_due)
    }

    pub(super) fn continue_pass(&mut self, now: Now) {
        let Some(running) = &mut self.running else { return };
        if let Some(request) = running.pass.request() {
            if let Some(until) = self.api.not_before.filter(|until| *until > now.mono) {
                (running.busy, self.api.retry) = (false, Some(until));
                let purpose = running.purpose;
                return self.handle_pass_delayed(purpose, now);
            }
            running.busy = true;
            self.actions.push_back(PipelineAction::Fetch { pass: running.pass.id(), request });
            return;
        }
        let (Some(finished), purpose, began) = (running.pass.finished(), running.purpose, running.began) else {
            return;
        };
        let (first, read_history) = (matches!(purpose, PassPurpose::Connect(_)), running.pass.reads_history());
        self.running = None;
        self.api = ApiState { not_before: self.api.not_before, ..ApiState::default() };
        if let Some(through) = finished.complete_through.filter(|_| read_history || !self.has_history()) {
            self.complete_through = Some(through);
            self.delivery
                .handle_received(Received { writes: vec![Write::CompleteThrough(through)], ..Received::default() });
        }
        if read_history && finished.complete_through.is_some() {
            self.history.handle_read(began);
        }
        if first || finished.new > 0 {
            self.actions.push_back(PipelineAction::Delivery(DeliveryAction::Emit(Event::CaughtUp {
                fetched: finished.fetched,
                new: finished.new,
                complete_through: self.complete_through,
                incomplete: finished.complete_through.is_none(),
            })));
        }
        self.delivery.end_catch_up(now);
        let next = self.schedule_after(purpose, &finished, now.mono - began, now);
        self.next_pass = self.next_pass.into_iter().chain(next).min_by_key(|(due, _)| *due);
        if let PassPurpose::Connect(generation) = purpose {
            self.step_link(LinkInput::CaughtUp(generation), now);
        }
        if purpose == PassPurpose::Poll {
            self.step_link(LinkInput::Polled { ok: true }, now);
        }
    }

    fn schedule_after(
        &self,
        purpose: PassPurpose,
        finished: &PassSummary,
        took: Duration,
        now: Now,
    ) -> Option<(Instant, PassPurpose)> {
        if self.link.has_session() {
            let delay = match purpose {
                PassPurpose::Connect(_) => SECOND_PASS_DELAY,
                _ if finished.complete_through.is_none() => SECOND_PASS_DELAY,
                _ => self.config.reconcile_every,
            };
            (!delay.is_zero()).then(|| (now.mono + delay, PassPurpose::Quiet))
        } else if self.link.wants_polling() && self.may_poll() {
            // A long poll has waited on the server already, unless the server answers it with what is known.
            let waited = match self.config.wait.is_zero() {
                false if finished.new > 0 => self.config.poll_every,
                false => took,
                true => Duration::ZERO,
            };
            let delay = self.config.poll_every.saturating_sub(waited);
            Some((now.mono + delay, PassPurpose::Poll))
        } else {
            None
        }
    }

    /// Catch-up does not hold up the live session.
    pub(super) fn end_connect_pass_early(&mut self, now: Now) {
        self.step_link(LinkInput::CaughtUp(self.link.generation()), now);
        self.delivery.end_catch_up(now);
    }

    pub(super) fn handle_page(&mut self, id: PassId, result: Result<Box<(Page, Vec<Write>)>, Failure>, now: Now) {
        let Some(running) = self.running.as_mut().filter(|running| running.pass.id() == id) else {
            return self.handle_late_page(id, result, now);
        };
        let (page, rejected) = match result {
            Ok(page) => *page,
            Err(failure) => return self.handle_api_failure(failure, now),
        };
        let step = running.pass.handle_page(page);
        running.cursor.clone_from(&step.cursor);
        let pass = self.running.as_ref().map(|running| &running.pass);
        let mut writes = self.writes(step.notices, step.source, pass, now);
        writes.extend(rejected);
        writes.extend(step.cursor.map(Write::Cursor));
        self.delivery.handle_received(Received { writes, ack: None, pass: Some(id) });
    }

    /// The page of a pass that was left: its rows are as true as ever, but its cursor leads nowhere any more.
    fn handle_late_page(&mut self, id: PassId, result: Result<Box<(Page, Vec<Write>)>, Failure>, now: Now) {
        let Some(index) = self.abandoned.iter().position(|pass| pass.id() == id) else { return };
        let mut pass = self.abandoned.swap_remove(index);
        match result {
            Ok(page) => {
                let (page, rejected) = *page;
                let step = pass.handle_page(page);
                let mut writes = self.writes(step.notices, step.source, Some(&pass), now);
                writes.extend(rejected);
                if !writes.is_empty() {
                    self.delivery.handle_received(Received { writes, ..Received::default() });
                }
            }
            Err(failure) => {
                self.handle_given_up(now);
                self.api.handle_retry_after(&failure, now);
            }
        }
    }

    /// The rows of a page are committed: what it said of the next one holds.
    pub(super) fn handle_page_committed(&mut self, PageCommitted { pass, new }: PageCommitted, now: Now) {
        let Some(running) = self.running.as_mut().filter(|running| running.pass.id() == pass) else {
            self.abandoned.retain(|abandoned| abandoned.id() != pass);
            return;
        };
        running.pass.handle_committed(new);
        // Not before its rows are committed: a pass that starts meanwhile asks for them again.
        self.cursor = running.cursor.take().or(self.cursor.take());
        self.continue_pass(now);
    }

    fn handle_api_failure(&mut self, failure: Failure, now: Now) {
        let Some(running) = &mut self.running else { return };
        running.busy = false;
        let purpose = running.purpose;
        let in_history = matches!(running.pass.request(), Some(PageRequest::History { .. }));
        if in_history && matches!(failure.fault, Fault::Status(403 | 404 | 405 | 501)) {
            running.pass.skip_history();
            self.history.is_off = true;
            return self.continue_pass(now);
        }
        if self.config.history && !self.history.is_off {
            running.pass.require_history();
        }
        self.handle_given_up(now);
        self.api.handle_retry_after(&failure, now);
        self.recover_api(failure, now);
        self.handle_pass_delayed(purpose, now);
    }

    /// The API refused the token, and this has become of looking for another one.
    pub(super) fn handle_refreshed(&mut self, refreshed: Refreshed, now: Now) {
        self.api.refreshing = false;
        match refreshed {
            Refreshed::Newer => self.api.retry = Some(now.mono),
            Refreshed::Same => self.api.needs_person = true,
            Refreshed::Failed(failure) => {
                self.recover_api(failure, now);
                // Nobody has seen a newer token be refused.
                self.api.refreshed = self.api.needs_person;
            }
        }
    }

    fn recover_api(&mut self, failure: Failure, now: Now) {
        self.api.repeated += 1;
        match failure.recovery(self.api.repeated) {
            Recovery::RefreshToken if !self.api.refreshed => {
                self.api.refreshed = true;
                self.api.refreshing = true;
                self.actions.push_back(PipelineAction::Link(LinkAction::Refresh));
            }
            Recovery::RefreshToken | Recovery::SignIn => self.api.needs_person = true,
            Recovery::Halt => self.api.retry = Some(now.mono + HALTED_RETRY),
            Recovery::RetryAfter(delay) => self.api.retry = Some(now.mono + delay),
            Recovery::Retry => {
                let delay = Duration::from_secs(1 << self.api.repeated.min(PERSISTENT_AFTER + 3).saturating_sub(1));
                self.api.retry = Some(now.mono + delay);
            }
        }
        self.api.failure = Some(failure);
    }

    /// A pass that has to wait holds up neither the session nor what it has found so far.
    fn handle_pass_delayed(&mut self, purpose: PassPurpose, now: Now) {
        match purpose {
            PassPurpose::Connect(_) => self.end_connect_pass_early(now),
            PassPurpose::Poll => self.step_link(LinkInput::Polled { ok: false }, now),
            PassPurpose::Quiet => self.delivery.end_catch_up(now),
        }
    }

    pub(super) fn tick_passes(&mut self, now: Now) {
        if self.api.retry.is_some_and(|retry| retry <= now.mono) {
            self.api.retry = None;
            if self.running.as_ref().is_some_and(|running| !running.busy) {
                self.continue_pass(now);
            }
        }
        if let Some((_, purpose)) = self.next_pass.take_if(|(due, _)| *due <= now.mono) {
            let wanted = if purpose == PassPurpose::Poll { self.link.wants_polling() } else { self.link.has_session() };
            if wanted && !self.api.needs_person {
                self.start_pass(purpose, now);
            }
        }
    }
}
