//! When passes of catch-up run, and how a page or a failed request is handled.
//!
//! A pass follows the subscriptions of each connection, a second one 5 s later, then quiet ones at
//! intervals. While no session can be established, passes are polls. A failing API never delays the
//! live session: after the first failure the session is live without the pass. Deliberately absent:
//! HTTP, and what a pass does with its pages ([`super::catchup`]).

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Pipeline, PipelineAction};
use crate::{
    clock::Now,
    error::{Failure, Fault, PERSISTENT_AFTER, Recovery},
    event::Event,
    notice::Notice,
    pipeline::{
        catchup::{Page, PageRequest, Pass, PassId, PassStart, PassSummary},
        delivery::{DeliveryAction, PageCommitted, Received},
        link::{Generation, HALTED_RETRY, LinkAction, LinkInput, REFUSED_RETRY, Refreshed},
    },
    storage::Write,
};

/// A second pass follows the first this much later: a server may apply SUBSCRIBE late
/// (`docs/reference/messages.md`, "Catch-up").
pub const SECOND_PASS_DELAY: Duration = Duration::from_secs(5);
/// How long after its time-out a request may still be served, plus `api.wait`: a proxy or the
/// server may have queued it.
pub const STRAY_REQUEST_LIFETIME: Duration = Duration::from_secs(15);

/// Why a pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PassPurpose {
    /// Right after the subscriptions of this connection.
    Connect(Generation),
    /// [`SECOND_PASS_DELAY`] later, and every `reconcile_every`.
    Quiet,
    /// While no session can be established.
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
    /// A record was deleted on the server meanwhile: rows may have moved to a page that was read
    /// already, so nothing is complete.
    pub(super) is_disturbed: bool,
}

/// The state of the API: its last failure, and when it may be asked again.
#[derive(Debug, Default)]
pub(super) struct ApiState {
    pub(super) failure: Option<Failure>,
    pub(super) repeated: u32,
    pub(super) retry: Option<Instant>,
    /// No request before this time (`Retry-After`), also after a new connection.
    not_before: Option<Instant>,
    /// The token was refused, and the link is looking for another one; this is done once.
    pub(super) refreshing: bool,
    pub(super) refreshed: bool,
    pub(super) needs_person: bool,
}

impl ApiState {
    fn handle_retry_after(&mut self, failure: &Failure, now: Now) {
        self.not_before = self.not_before.max(failure.retry_after.map(|delay| now.mono + delay));
    }
}

/// When `api.history` has to be read. Each pass of a session reads it. Polls come every few
/// seconds, so they read it only when it is due, and once every `reconcile_every`. A pass without
/// it does not move `complete_through`. So a message that the server marked as delivered although
/// no client received it is found by the next pass that reads the history, back to the previous
/// `complete_through`. (A session needs no more than its two passes: later messages are sent to its
/// subscriptions.)
#[derive(Debug, Default)]
pub(super) struct HistoryState {
    /// The server refused it, so passes skip it.
    pub(super) is_off: bool,
    /// Until then the server may mark something as delivered that no client receives: the history
    /// is due until a pass that began at this time or later has read it.
    due_until: Option<Instant>,
    /// When the last pass that read it began.
    read: Option<Instant>,
}

impl HistoryState {
    /// Not read by this run yet, and due until a pass that began at `until` or later has read it.
    pub(super) fn due_until(until: Instant) -> Self {
        Self { due_until: Some(until), ..Self::default() }
    }

    /// Makes it due until a pass that began at `until` or later has read it.
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

    /// Whether rows of a page are being fetched or committed.
    pub(super) fn awaits_rows(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.busy)
    }

    /// Stops a pass where it is. The page that it has requested is still stored when it arrives:
    /// the server may have marked it as delivered.
    pub(super) fn abandon_pass(&mut self) {
        self.abandoned.extend(self.running.take().filter(|running| running.busy).map(|running| running.pass));
    }

    /// The server may still serve the request, now or soon, and mark its rows as delivered although
    /// they never arrive here. Only the history has them then.
    fn handle_given_up(&mut self, now: Now) {
        self.history.require(now.mono + STRAY_REQUEST_LIFETIME + self.config.wait);
    }

    /// A person wants another attempt: earlier failures do not count.
    pub(super) fn reset_api(&mut self, now: Now) {
        self.api = ApiState::default();
        self.server_deletions.handle_connected();
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
                newest_sent: self.newest_sent,
                retention,
                history: self.wants_history(purpose, now),
                wait: purpose == PassPurpose::Poll && !self.config.wait.is_zero() && self.link.is_polling(),
                started: now.wall,
            },
        );
        self.running =
            Some(RunningPass { pass, purpose, began: now.mono, busy: false, cursor: None, is_disturbed: false });
        self.continue_pass(now);
    }

    /// A person wants to collect now. A running pass continues, and a planned one stays planned:
    /// the pass of a connect must end as such, and the second pass has its delay for a reason.
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
            return self.ask(request, false);
        }
        let (Some(mut finished), purpose, began) = (running.pass.finished(), running.purpose, running.began) else {
            return;
        };
        if running.is_disturbed && running.pass.reads_history() {
            finished.complete_through = None;
        }
        let (first, read_history) = (matches!(purpose, PassPurpose::Connect(_)), running.pass.reads_history());
        self.running = None;
        self.api = ApiState { not_before: self.api.not_before, ..ApiState::default() };
        if let Some(through) = finished.complete_through.filter(|_| read_history || !self.has_history()) {
            self.complete_through = Some(through);
            self.delivery
                .handle_received(Received { writes: vec![Write::CompleteThrough(through)], ..Received::default() });
        }
        if read_history && finished.complete_through.is_some() {
            self.newest_sent = finished.newest_sent;
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
        // What is left of an incomplete pass belongs to the same absence.
        self.delivery.end_catch_up(finished.complete_through.is_some(), now);
        let next = self.schedule_after(purpose, &finished, now.mono - began, now);
        self.next_pass = self.next_pass.into_iter().chain(next).min_by_key(|(due, _)| *due);
        if let PassPurpose::Connect(generation) = purpose {
            self.step_link(LinkInput::CaughtUp(generation), now);
        }
        if purpose == PassPurpose::Poll {
            self.step_link(LinkInput::Polled { ok: true }, now);
        }
    }

    fn ask(&mut self, request: PageRequest, is_ahead: bool) {
        let Some(running) = &mut self.running else { return };
        running.busy = true;
        running.is_disturbed |= self.server_deletions.is_running();
        running.pass.handle_requested(self.messages, is_ahead);
        // First, so that the answer is on its way while the events of the last page are emitted.
        self.actions.push_front(PipelineAction::Fetch { pass: running.pass.id(), request });
    }

    fn schedule_after(
        &self,
        purpose: PassPurpose,
        finished: &PassSummary,
        took: Duration,
        now: Now,
    ) -> Option<(Instant, PassPurpose)> {
        if self.link.has_session() {
            let is_connect = matches!(purpose, PassPurpose::Connect(_));
            let wants_second = is_connect || finished.complete_through.is_none();
            let delay = if wants_second { SECOND_PASS_DELAY } else { self.config.reconcile_every };
            (!delay.is_zero()).then(|| (now.mono + delay, PassPurpose::Quiet))
        } else if self.link.wants_polling() && self.may_poll() {
            // A long poll has already waited at the server, unless the server answered at once.
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

    /// Declares the session live although its catch-up has not ended: catch-up must not delay it.
    pub(super) fn end_connect_pass_early(&mut self, now: Now) {
        self.step_link(LinkInput::CaughtUp(self.link.generation()), now);
        self.delivery.end_catch_up(false, now);
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
        self.delivery.handle_received(Received { writes, pass: Some(id), ..Received::default() });
        let may_ask = self.api.not_before.is_none_or(|until| until <= now.mono);
        let ahead = self.running.as_ref().and_then(|running| running.pass.request_ahead());
        if let Some(request) = ahead.filter(|_| may_ask) {
            self.ask(request, true);
        }
    }

    /// Rows of a page, of which others follow; also of the page of an abandoned pass.
    pub(super) fn handle_rows(&mut self, id: PassId, notices: Vec<Notice>, rejected: Vec<Write>, now: Now) {
        let running = self.running.as_ref().map(|running| &running.pass);
        let Some(pass) = running.into_iter().chain(&self.abandoned).find(|pass| pass.id() == id) else { return };
        let step = pass.handle_rows(notices);
        let mut writes = self.writes(step.notices, step.source, Some(pass), now);
        writes.extend(rejected);
        if !writes.is_empty() {
            self.delivery.handle_received(Received { writes, pass: Some(id), is_piece: true, ..Received::default() });
        }
    }

    /// A page of an abandoned pass: its rows are valid, but its cursor is no longer followed.
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

    /// The rows of a page are committed, so its cursor is valid.
    pub(super) fn handle_page_committed(&mut self, committed: PageCommitted, now: Now) {
        let PageCommitted { pass, new, is_piece } = committed;
        let Some(running) = self.running.as_mut().filter(|running| running.pass.id() == pass) else {
            // Of a page in pieces the last one is still to come, and so is a page asked for ahead.
            self.abandoned.retain(|abandoned| is_piece || abandoned.id() != pass || abandoned.is_ahead());
            return;
        };
        let was_ahead = running.pass.is_ahead();
        running.pass.handle_committed(new, is_piece);
        if is_piece {
            return;
        }
        // Only now that its rows are committed: a pass that started earlier requests them again.
        self.cursor = running.cursor.take().or(self.cursor.take());
        if !was_ahead {
            self.continue_pass(now);
        }
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

    /// The API had refused the token; this is the result of looking for another one.
    pub(super) fn handle_refreshed(&mut self, refreshed: Refreshed, now: Now) {
        self.api.refreshing = false;
        match refreshed {
            Refreshed::Newer => self.api.retry = Some(now.mono),
            Refreshed::Same => self.ask_person_for_api(now),
            Refreshed::Failed(failure) => {
                self.recover_api(failure, now);
                // No newer token was refused, so another refresh is allowed.
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
            Recovery::RefreshToken => self.ask_person_for_api(now),
            Recovery::SignIn if matches!(failure.fault, Fault::Status(_)) => self.ask_person_for_api(now),
            Recovery::SignIn => self.api.needs_person = true,
            Recovery::Halt => self.api.retry = Some(now.mono + HALTED_RETRY),
            Recovery::RetryAfter(delay) => self.api.retry = Some(now.mono + delay),
            Recovery::Retry => {
                let delay = Duration::from_secs(1 << self.api.repeated.min(PERSISTENT_AFTER + 3).saturating_sub(1));
                self.api.retry = Some(now.mono + delay);
            }
        }
        self.api.failure = Some(failure);
    }

    /// The API refuses a secret. If the session was accepted with it, the pass goes on later.
    fn ask_person_for_api(&mut self, now: Now) {
        self.api.needs_person = true;
        self.api.retry = self.link.is_accepted().then(|| now.mono + REFUSED_RETRY);
    }

    /// A pass has to wait. That delays neither the session nor the alerts for what it has found so
    /// far.
    fn handle_pass_delayed(&mut self, purpose: PassPurpose, now: Now) {
        match purpose {
            PassPurpose::Connect(_) => self.end_connect_pass_early(now),
            PassPurpose::Poll => self.step_link(LinkInput::Polled { ok: false }, now),
            PassPurpose::Quiet => self.delivery.end_catch_up(false, now),
        }
    }

    pub(super) fn tick_passes(&mut self, now: Now) {
        if self.api.retry.is_some_and(|retry| retry <= now.mono) {
            self.api.retry = None;
            if self.api.needs_person {
                self.api.refreshed = false;
            }
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
