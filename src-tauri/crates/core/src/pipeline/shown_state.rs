//! The state that people see, made of those of link, API and store.
//!
//! Deliberately absent: words ([`crate::status`]).

use std::time::Instant;

use super::Pipeline;
use crate::{
    clock::Now,
    pipeline::link::{LinkState, StopReason},
    status::{Cause, Connectivity, Kind, Status},
};

impl Pipeline {
    /// When the next attempt to connect is planned.
    pub fn next_attempt(&self) -> Option<Instant> {
        match self.link.state() {
            LinkState::Waiting { until, .. } | LinkState::Polling { until, .. } => Some(*until),
            LinkState::Stopped(StopReason::Halted { retry, .. }) => Some(*retry),
            LinkState::Off
            | LinkState::Connecting { .. }
            | LinkState::Handshake { .. }
            | LinkState::CatchingUp
            | LinkState::Live => None,
            LinkState::Stopped(StopReason::SignIn(_)) => self.link.refused_retry(),
        }
    }

    /// The state people see.
    pub fn status(&self, now: Now) -> Status {
        let (mut state, mut failure) = match self.link.state() {
            LinkState::Off => (Connectivity::Offline, None),
            LinkState::Connecting { .. } | LinkState::Handshake { .. } => (Connectivity::Connecting, None),
            LinkState::CatchingUp => (Connectivity::CatchingUp, None),
            LinkState::Live => (Connectivity::Live, self.api.failure.as_ref()),
            LinkState::Waiting { failure, .. } => (Connectivity::Offline, Some(failure)),
            LinkState::Polling { failure, .. } => (Connectivity::Polling, Some(failure)),
            LinkState::Stopped(StopReason::SignIn(failure) | StopReason::Halted { failure, .. }) => {
                (Connectivity::ActionNeeded, Some(failure))
            }
        };
        if let Some(refused) = self.link.refused() {
            (state, failure) = (Connectivity::ActionNeeded, Some(refused));
        }
        if self.link.is_polling() {
            state = Connectivity::Polling;
        }
        if self.api.needs_person && state != Connectivity::Offline {
            (state, failure) = (Connectivity::ActionNeeded, self.api.failure.as_ref());
        }
        let mut cause = failure.map(Cause::from);
        if let Some(failing) = self.delivery.failing() {
            state = Connectivity::ActionNeeded;
            cause = Some(Cause { detail: failing.to_owned(), ..Cause::of(Kind::Store) });
        } else if state == Connectivity::Live {
            cause = match cause {
                Some(Cause { kind, detail, .. }) => {
                    let kind = if kind == Kind::Status { Kind::ApiMissing } else { kind };
                    Some(Cause { kind, detail, is_catch_up: true })
                }
                None if !self.config.collect => Some(Cause::of(Kind::NoApi)),
                None if self.history.is_off => Some(Cause::of(Kind::NoHistory)),
                None => None,
            };
        }
        Status {
            state,
            since: self.link.since(),
            endpoint: self.link.endpoint(),
            cause,
            retry_in: self.next_attempt().map(|until| until.saturating_duration_since(now.mono)),
        }
    }
}
