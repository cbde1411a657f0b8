//! When passes of catch-up run, and what becomes of a page or of its failure.
//!
//! A pass follows the subscriptions of each connection, a second one 5 s later, then quiet ones; while no session can be
//! had they are polls. A failing API never holds up the live session: the first failure gives way to it.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Action, Line};
use crate::{
    catchup::{Finished, Page, Pass, PassId, Request, Start},
    clock::Now,
    delivery::Received,
    error::{Failure, Fault, PERSISTENT, Recovery},
    event::Event,
    link::{self, Generation},
    store::Write,
};

/// A second pass follows the first this much later: a server may apply SUBSCRIBE late (contract, section 5).
pub const SECOND_PASS: Duration = Duration::from_secs(5);

/// Why a pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Right after the subscriptions of this connection.
    Connect(Generation),
    /// [`SECOND_PASS`] later, and every `reconcile_every`.
    Quiet,
    /// While no session can be had.
    Poll,
}

#[derive(Debug)]
pub(super) struct Running {
    pub(super) pass: Pass,
    pub(super) purpose: Purpose,
    began: Instant,
    /// A page is being fetched or committed; otherwise the next request waits for `api.retry`.
    pub(super) busy: bool,
    /// The cursor that is being committed with the last page's rows.
    pub(super) cursor: Option<String>,
}

/// How the API fares.
#[derive(Debug, Default)]
pub(super) struct Api {
    pub(super) problem: Option<Failure>,
    pub(super) repeated: u32,
    pub(super) retry: Option<Instant>,
    /// The token was refused: the link's refresh was asked for, once.
    pub(super) refreshing: bool,
    pub(super) refreshed: bool,
    pub(super) history_off: bool,
    /// A response was lost, or a session has just begun: the history must be read.
    pub(super) history_due: bool,
    pub(super) needs_person: bool,
}

impl Line {
    pub(super) fn may_poll(&self) -> bool {
        self.config.collect && !self.config.poll_every.is_zero() && !self.api.needs_person
    }

    /// Leaves a pass where it is. What it has asked for may be served, and so be marked as delivered, and never arrive or
    /// never be written: only the history still has it then.
    pub(super) fn abandon_pass(&mut self) {
        self.api.history_due |= self.running.take().is_some_and(|running| running.busy);
    }

    pub(super) fn start_pass(&mut self, purpose: Purpose, now: Now) {
        self.abandon_pass();
        self.passes += 1;
        self.next_pass = None;
        self.api.retry = None;
        let retention = now.wall.checked_sub(self.config.retention).unwrap_or(Timestamp::MIN);
        let pass = Pass::new(
            PassId(self.passes),
            Start {
                cursor: self.cursor.clone(),
                complete_through: self.complete_through,
                retention,
                history: self.wants_history(purpose),
                wait: purpose == Purpose::Poll && self.config.long_poll && self.link.is_polling(),
                started: now.wall,
            },
        );
        self.running = Some(Running { pass, purpose, began: now.mono, busy: false, cursor: None });
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
                self.start_pass(Purpose::Quiet, now);
                self.next_pass = planned;
            }
        }
    }

    /// Polls every few seconds need not read the history again and again; any lost response makes it due.
    fn wants_history(&self, purpose: Purpose) -> bool {
        self.config.history && !self.api.history_off && (purpose != Purpose::Poll || self.api.history_due)
    }

    pub(super) fn continue_pass(&mut self, now: Now) {
        let Some(running) = &mut self.running else { return };
        if let Some(request) = running.pass.request() {
            running.busy = true;
            self.actions.push_back(Action::Fetch { pass: running.pass.id(), request });
            return;
        }
        let (Some(finished), purpose, began) = (running.pass.finished(), running.purpose, running.began) else {
            return;
        };
        let (first, read_history) = (matches!(purpose, Purpose::Connect(_)), running.pass.reads_history());
        self.running = None;
        self.api = Api { history_off: self.api.history_off, history_due: self.api.history_due, ..Api::default() };
        if let Some(through) = finished.complete_through {
            self.complete_through = Some(through);
            self.delivery
                .handle_received(Received { writes: vec![Write::CompleteThrough(through)], ..Received::default() });
            self.api.history_due &= !read_history;
        }
        if first || finished.new > 0 {
            self.actions.push_back(Action::Emit(Event::CaughtUp {
                fetched: finished.fetched,
                new: finished.new,
                complete_through: self.complete_through,
                incomplete: finished.complete_through.is_none(),
            }));
        }
        self.delivery.end_catch_up(now);
        let next = self.schedule_after(purpose, &finished, now.mono - began, now);
        self.next_pass = self.next_pass.into_iter().chain(next).min_by_key(|(due, _)| *due);
        if let Purpose::Connect(generation) = purpose {
            self.step_link(link::Input::CaughtUp(generation), now);
        }
        if purpose == Purpose::Poll {
            self.step_link(link::Input::Polled { ok: true }, now);
        }
    }

    fn schedule_after(
        &self,
        purpose: Purpose,
        finished: &Finished,
        took: Duration,
        now: Now,
    ) -> Option<(Instant, Purpose)> {
        if self.link.has_session() {
            let delay = match purpose {
                Purpose::Connect(_) => SECOND_PASS,
                _ if finished.complete_through.is_none() => SECOND_PASS,
                _ => self.config.reconcile_every,
            };
            (!delay.is_zero()).then(|| (now.mono + delay, Purpose::Quiet))
        } else if self.link.wants_polling() && self.may_poll() {
            // A long poll has waited on the server already, unless the server answers it with what is known.
            let waited = match self.config.long_poll {
                true if finished.new > 0 => self.config.poll_every,
                true => took,
                false => Duration::ZERO,
            };
            let delay = self.config.poll_every.saturating_sub(waited);
            Some((now.mono + delay, Purpose::Poll))
        } else {
            None
        }
    }

    /// Catch-up does not hold up the live session.
    pub(super) fn give_way(&mut self, now: Now) {
        self.step_link(link::Input::CaughtUp(self.link.generation()), now);
        self.delivery.end_catch_up(now);
    }

    pub(super) fn handle_page(&mut self, id: PassId, result: Result<Box<(Page, Vec<Write>)>, Failure>, now: Now) {
        let Some(running) = self.running.as_mut().filter(|running| running.pass.id() == id) else { return };
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

    fn handle_api_failure(&mut self, failure: Failure, now: Now) {
        let Some(running) = &mut self.running else { return };
        running.busy = false;
        let purpose = running.purpose;
        let in_history = matches!(running.pass.request(), Some(Request::History { .. }));
        if in_history && matches!(failure.fault, Fault::Status(403 | 404 | 405 | 501)) {
            running.pass.skip_history();
            self.api.history_off = true;
            return self.continue_pass(now);
        }
        if self.config.history && !self.api.history_off {
            // The lost response may have marked its rows as delivered.
            running.pass.require_history();
        }
        self.api.history_due = true;
        self.api.repeated += 1;
        match failure.recovery(self.api.repeated) {
            Recovery::RefreshToken if !self.api.refreshed => {
                self.api.refreshed = true;
                self.api.refreshing = true;
                self.actions.push_back(Action::Link(link::Action::Refresh));
            }
            Recovery::RefreshToken | Recovery::SignIn => self.api.needs_person = true,
            Recovery::Halt => self.api.retry = Some(now.mono + link::HALTED_RETRY),
            Recovery::RetryAfter(delay) => self.api.retry = Some(now.mono + delay),
            Recovery::Retry => {
                let delay = Duration::from_secs(1 << self.api.repeated.min(PERSISTENT + 3).saturating_sub(1));
                self.api.retry = Some(now.mono + delay);
            }
        }
        self.api.problem = Some(failure);
        match purpose {
            Purpose::Connect(_) => self.give_way(now),
            Purpose::Poll => self.step_link(link::Input::Polled { ok: false }, now),
            Purpose::Quiet => self.delivery.end_catch_up(now),
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
            let wanted = if purpose == Purpose::Poll { self.link.wants_polling() } else { self.link.has_session() };
            if wanted && !self.api.needs_person {
                self.start_pass(purpose, now);
            }
        }
    }
}
