//! The states of the link to the server: when to connect and to which endpoint, when to wait, and
//! when to ask a person.
//!
//! Pure: [`Link::step`] takes what happened and the time and says what to do; the driver and the
//! simulation do it. Every asynchronous action carries its [`Generation`]; an answer from an
//! earlier one is dropped here and nowhere else. Deliberately absent: sockets, frames, and catch-up
//! ([`crate::pipeline`] reports when it has ended).

mod endpoints;
mod hand_over;
mod state;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::Rng;

use self::endpoints::Endpoints;
use self::hand_over::HandOver;
pub use self::hand_over::{OLD_SESSION_GRACE, RENEWAL_RETRY};
pub use self::state::{Generation, LinkAction, LinkInput, LinkState, Refreshed, StopReason};
use self::state::{Phase, phase};
use crate::{
    clock::Now,
    error::{Failure, Fault, Recovery},
    pipeline::backoff::Backoff,
    settings::Protocol,
};

/// How long an attempt may take to open the socket, and again to establish the session.
pub const ATTEMPT_LIMIT: Duration = Duration::from_secs(15);
/// How soon a probe must be answered.
pub const PROBE_LIMIT: Duration = Duration::from_secs(5);
/// How often the connection is tried while a fault needs a change on the server or in the settings.
pub const HALTED_RETRY: Duration = Duration::from_secs(60);
/// How often a secret that the server has accepted before is tried again while a person is asked
/// to sign in: a directory behind the server may have been down.
pub const REFUSED_RETRY: Duration = Duration::from_secs(15 * 60);
/// If the server closes a session this soon after its subscriptions and gives no reason, it
/// probably refused one of them; on the raw WebSocket, which has none, the token.
pub const SUSPICIOUSLY_SHORT: Duration = Duration::from_secs(5);
/// After so many failed attempts in a row the API is polled, if there is one.
const POLL_AFTER: u32 = 2;

/// The link to one list of endpoints.
#[derive(Debug)]
pub struct Link {
    state: LinkState,
    since: Timestamp,
    generation: Generation,
    /// The newest generation that was given to a connection or passed over.
    newest: u64,
    endpoints: Endpoints,
    backoff: Backoff,
    attempt: u32,
    repeated: (Option<Fault>, u32),
    established: Option<Instant>,
    refreshed: bool,
    awaiting_token: Option<Failure>,
    /// On the raw WebSocket nothing answers to the token: a session that is closed at once was
    /// refused, and one that stays was accepted.
    is_raw: bool,
    /// The server has accepted the secret.
    is_accepted: bool,
    /// When it is tried again although it was refused.
    refused_retry: Option<Instant>,
    /// Why a person is asked to sign in, while the secret is tried again.
    refused: Option<Failure>,
    polling: bool,
    hand_over: HandOver,
}

impl Link {
    /// A link that is off. `endpoints` is how many there are, at least one; `spread` is
    /// `server.reconnect_spread`.
    pub fn new(endpoints: usize, spread: Duration, now: Now) -> Self {
        Self {
            state: LinkState::Off,
            since: now.wall,
            generation: Generation::default(),
            newest: 0,
            endpoints: Endpoints::new(endpoints),
            backoff: Backoff::new(spread),
            attempt: 0,
            repeated: (None, 0),
            established: None,
            refreshed: false,
            awaiting_token: None,
            is_raw: false,
            is_accepted: false,
            refused_retry: None,
            refused: None,
            polling: false,
            hand_over: HandOver::new(false),
        }
    }

    /// The same link, for `server.protocol`; with `overlap`, a session that gets a new token stays
    /// until the next one has subscribed.
    #[must_use]
    pub fn speaking(self, protocol: Protocol, overlap: bool) -> Self {
        Self { is_raw: protocol == Protocol::Websocket, hand_over: HandOver::new(overlap), ..self }
    }

    /// Whether the server has accepted the secret since the last sign-in.
    pub fn is_accepted(&self) -> bool {
        self.is_accepted
    }

    /// Why a person is asked to sign in, while a secret that was accepted before is tried again:
    /// what people see does not change with such an attempt.
    pub fn refused(&self) -> Option<&Failure> {
        self.refused.as_ref()
    }

    /// When a refused secret is tried again, if it is.
    pub fn refused_retry(&self) -> Option<Instant> {
        self.refused_retry
    }

    /// The current state.
    pub fn state(&self) -> &LinkState {
        &self.state
    }

    /// Since when the state that people see has held.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The current connection.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Index of the endpoint in use.
    pub fn endpoint(&self) -> usize {
        self.endpoints.current()
    }

    /// Whether a session is established.
    pub fn has_session(&self) -> bool {
        matches!(self.state, LinkState::CatchingUp | LinkState::Live)
    }

    /// Whether the API should be polled: no session can be established, and a sign-in would not
    /// change that.
    pub fn wants_polling(&self) -> bool {
        self.attempt >= POLL_AFTER
            && self.refused.is_none()
            && match &self.state {
                LinkState::Off
                | LinkState::CatchingUp
                | LinkState::Live
                | LinkState::Stopped(StopReason::SignIn(_)) => false,
                LinkState::Stopped(StopReason::Halted { .. })
                | LinkState::Connecting { .. }
                | LinkState::Handshake { .. }
                | LinkState::Waiting { .. }
                | LinkState::Polling { .. } => true,
            }
    }

    /// Whether polling the API works in place of the session.
    pub fn is_polling(&self) -> bool {
        self.polling && self.wants_polling()
    }

    /// When [`LinkInput::Tick`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let token = self.hand_over.poll_timeout(self.has_session());
        self.state_timeout().into_iter().chain(token).min()
    }

    fn state_timeout(&self) -> Option<Instant> {
        match &self.state {
            LinkState::Connecting { deadline } | LinkState::Handshake { deadline } => Some(*deadline),
            LinkState::Waiting { until, .. } | LinkState::Polling { until, .. } => Some(*until),
            LinkState::Stopped(StopReason::Halted { retry, .. }) => Some(*retry),
            LinkState::Stopped(StopReason::SignIn(_)) => self.refused_retry,
            LinkState::Off | LinkState::CatchingUp | LinkState::Live => None,
        }
    }

    /// Takes what happened, says what to do.
    #[must_use]
    pub fn step(&mut self, input: LinkInput, now: Now, rng: &mut dyn Rng) -> Vec<LinkAction> {
        let Some(input) = self.step_successor(input, now) else { return Vec::new() };
        match input {
            LinkInput::Connect => match self.state {
                LinkState::Off => self.open(0, now),
                LinkState::Connecting { .. }
                | LinkState::Handshake { .. }
                | LinkState::CatchingUp
                | LinkState::Live
                | LinkState::Waiting { .. }
                | LinkState::Polling { .. }
                | LinkState::Stopped(_) => Vec::new(),
            },
            LinkInput::Disconnect => {
                let actions = self.close(true);
                self.forget_failures();
                self.enter(LinkState::Off, now);
                actions
            }
            LinkInput::Token(generation, life) => {
                self.handle_token(generation, life, now);
                Vec::new()
            }
            LinkInput::Renewed(renewed) => self.handle_renewed(renewed, now, rng),
            LinkInput::Opened(generation) => {
                if self.is_current(generation) && matches!(self.state, LinkState::Connecting { .. }) {
                    self.state = LinkState::Handshake { deadline: now.mono + ATTEMPT_LIMIT };
                }
                Vec::new()
            }
            LinkInput::Established(generation) => {
                if self.is_current(generation) && matches!(self.state, LinkState::Handshake { .. }) {
                    self.established = Some(now.mono);
                    self.polling = false;
                    self.is_accepted |= !self.is_raw;
                    self.endpoints.handle_established();
                    self.enter(LinkState::CatchingUp, now);
                    self.refused = None;
                }
                Vec::new()
            }
            LinkInput::CaughtUp(generation) => {
                if self.is_current(generation) && self.state == LinkState::CatchingUp {
                    self.state = LinkState::Live;
                }
                Vec::new()
            }
            LinkInput::Lost(generation, failure) => {
                if !self.is_current(generation) || !self.has_connection() || self.promote_successor(now) {
                    Vec::new()
                } else {
                    self.handle_lost(failure, now, rng)
                }
            }
            LinkInput::Refreshed(refreshed) => match (self.awaiting_token.take(), refreshed) {
                (Some(_), Refreshed::Newer) => self.open(self.endpoints.current(), now),
                (Some(refused), Refreshed::Same) => self.ask_person(refused, now),
                (Some(_), Refreshed::Failed(failure)) => self.handle_lost(failure, now, rng),
                (None, _) => Vec::new(),
            },
            LinkInput::SignedIn => {
                let mut actions = self.close(true);
                self.forget_failures();
                self.is_accepted = false;
                actions.extend(self.open(0, now));
                actions
            }
            LinkInput::NetworkChanged | LinkInput::Woke => match self.state {
                LinkState::CatchingUp | LinkState::Live => self.check_session(now),
                LinkState::Waiting { .. }
                | LinkState::Polling { .. }
                | LinkState::Stopped(StopReason::Halted { .. }) => self.open(self.endpoints.next(), now),
                // An attempt that was interrupted by the sleep, or uses the old network, would only
                // time out.
                LinkState::Connecting { .. } | LinkState::Handshake { .. } => {
                    let mut actions = self.close(false);
                    actions.extend(self.open(self.endpoints.current(), now));
                    actions
                }
                LinkState::Off | LinkState::Stopped(StopReason::SignIn(_)) => Vec::new(),
            },
            LinkInput::TryNow => match self.state {
                LinkState::Waiting { .. } | LinkState::Polling { .. } | LinkState::Stopped(_) => {
                    self.awaiting_token = None;
                    self.refreshed = false;
                    self.refused = None;
                    self.open(self.endpoints.next(), now)
                }
                LinkState::Off
                | LinkState::Connecting { .. }
                | LinkState::Handshake { .. }
                | LinkState::CatchingUp
                | LinkState::Live => Vec::new(),
            },
            LinkInput::Polled { ok } => {
                self.polling = ok;
                self.state = match std::mem::replace(&mut self.state, LinkState::Off) {
                    LinkState::Waiting { until, attempt, failure } if ok => {
                        LinkState::Polling { until, attempt, failure }
                    }
                    LinkState::Polling { until, attempt, failure } if !ok => {
                        LinkState::Waiting { until, attempt, failure }
                    }
                    unchanged @ (LinkState::Off
                    | LinkState::Connecting { .. }
                    | LinkState::Handshake { .. }
                    | LinkState::CatchingUp
                    | LinkState::Live
                    | LinkState::Waiting { .. }
                    | LinkState::Polling { .. }
                    | LinkState::Stopped(_)) => unchanged,
                };
                Vec::new()
            }
            LinkInput::Tick => {
                let mut actions = self.tick_token(now);
                actions.extend(self.tick(now, rng));
                actions
            }
        }
    }

    fn tick(&mut self, now: Now, rng: &mut dyn Rng) -> Vec<LinkAction> {
        match &self.state {
            LinkState::Connecting { deadline } if *deadline <= now.mono => self.handle_attempt_timeout(now, rng),
            LinkState::Handshake { deadline } if *deadline <= now.mono => self.handle_attempt_timeout(now, rng),
            LinkState::Waiting { until, .. } | LinkState::Polling { until, .. } if *until <= now.mono => {
                self.open(self.endpoints.next(), now)
            }
            LinkState::Stopped(StopReason::Halted { retry, .. }) if *retry <= now.mono => {
                self.open(self.endpoints.next(), now)
            }
            LinkState::Stopped(StopReason::SignIn(failure))
                if self.refused_retry.is_some_and(|retry| retry <= now.mono) =>
            {
                self.refused = Some(failure.clone());
                self.refreshed = false;
                self.open(self.endpoints.next(), now)
            }
            LinkState::Off
            | LinkState::Connecting { .. }
            | LinkState::Handshake { .. }
            | LinkState::CatchingUp
            | LinkState::Live
            | LinkState::Waiting { .. }
            | LinkState::Polling { .. }
            | LinkState::Stopped(_) => Vec::new(),
        }
    }

    fn is_current(&self, generation: Generation) -> bool {
        generation == self.generation
    }

    fn has_connection(&self) -> bool {
        self.has_session() || matches!(self.state, LinkState::Connecting { .. } | LinkState::Handshake { .. })
    }

    /// Enters a state. `since` changes only with what people see: not between the attempts of one
    /// outage.
    fn enter(&mut self, state: LinkState, now: Now) {
        if self.shown_phase(&state) != self.shown_phase(&self.state) {
            self.since = now.wall;
        }
        self.state = state;
    }

    /// The phase of a state; an attempt with a refused secret belongs to the missing sign-in.
    fn shown_phase(&self, state: &LinkState) -> Phase {
        let phase = phase(state);
        if phase == Phase::NoSession && self.refused.is_some() { Phase::SignIn } else { phase }
    }

    fn ask_person(&mut self, failure: Failure, now: Now) -> Vec<LinkAction> {
        let may_pass = matches!(failure.fault, Fault::Refused | Fault::Status(401 | 403));
        self.refused_retry = (self.is_accepted && may_pass).then(|| now.mono + REFUSED_RETRY);
        self.enter(LinkState::Stopped(StopReason::SignIn(failure)), now);
        self.refused = None;
        Vec::new()
    }

    fn open(&mut self, endpoint: usize, now: Now) -> Vec<LinkAction> {
        self.generation = self.next_generation();
        self.endpoints.handle_attempt(endpoint);
        self.hand_over.forget_token();
        self.established = None;
        self.refused_retry = None;
        self.enter(LinkState::Connecting { deadline: now.mono + ATTEMPT_LIMIT }, now);
        vec![LinkAction::Open { generation: self.generation, endpoint }]
    }

    fn close(&mut self, polite: bool) -> Vec<LinkAction> {
        let mut actions = self.hand_over.close();
        if self.has_connection() {
            actions.push(LinkAction::Close { generation: self.generation, polite: polite && self.has_session() });
        }
        actions
    }

    fn handle_attempt_timeout(&mut self, now: Now, rng: &mut dyn Rng) -> Vec<LinkAction> {
        let mut actions = self.close(false);
        actions.extend(self.handle_lost(Failure::new(Fault::TimedOut, ""), now, rng));
        actions
    }

    fn forget_failures(&mut self) {
        self.attempt = 0;
        self.repeated = (None, 0);
        self.refreshed = false;
        self.awaiting_token = None;
        self.refused_retry = None;
        self.refused = None;
        self.polling = false;
        self.backoff.reset();
    }

    fn handle_lost(&mut self, mut failure: Failure, now: Now, rng: &mut dyn Rng) -> Vec<LinkAction> {
        let lived = self.established.take().map(|start| now.mono.saturating_duration_since(start));
        // Later reports of that connection, and a token that was found for it, are stale now.
        self.generation = self.next_generation();
        self.awaiting_token = None;
        // After a session that worked, a token may be looked for once more. After one that was
        // refused at once it may not: that would never end.
        self.refreshed &= lived.is_none_or(|lived| lived < SUSPICIOUSLY_SHORT);
        if lived.is_some() {
            self.endpoints.handle_session_lost();
        } else {
            self.endpoints.handle_attempt_failed();
        }
        self.is_accepted |= lived.is_some_and(|lived| lived >= SUSPICIOUSLY_SHORT);
        if failure.fault == Fault::Closed && lived.is_some_and(|lived| lived < SUSPICIOUSLY_SHORT) {
            failure.fault = if self.is_raw { Fault::TurnedAway } else { Fault::Died };
        }
        if lived.is_some_and(|lived| self.backoff.handle_session(lived)) {
            self.repeated = (None, 0);
        }
        if lived.is_some() {
            self.attempt = 0;
        }
        self.attempt += 1;
        self.repeated = match self.repeated {
            (Some(fault), count) if fault == failure.fault => (Some(fault), count + 1),
            _ => (Some(failure.fault), 1),
        };
        let recovery = failure.recovery(self.repeated.1);
        if failure.fault == Fault::TurnedAway && recovery == Recovery::RefreshToken {
            // From here on it is what people see: a refused sign-in.
            failure.fault = Fault::Refused;
        }
        match recovery {
            Recovery::RefreshToken if self.refreshed => self.ask_person(failure, now),
            Recovery::RefreshToken => {
                self.refreshed = true;
                self.awaiting_token = Some(failure);
                self.enter(LinkState::Connecting { deadline: now.mono + ATTEMPT_LIMIT }, now);
                vec![LinkAction::Refresh]
            }
            Recovery::SignIn => self.ask_person(failure, now),
            // The secret could not be tried: a person is still asked to sign in, and it is tried
            // again as late as before.
            Recovery::Halt | Recovery::Retry | Recovery::RetryAfter(_) if self.refused.is_some() => {
                let refused = self.refused.clone().unwrap_or(failure);
                self.ask_person(refused, now)
            }
            Recovery::Halt => {
                let retry = now.mono + HALTED_RETRY;
                self.enter(LinkState::Stopped(StopReason::Halted { failure, retry }), now);
                Vec::new()
            }
            Recovery::Retry => {
                // Two endpoints that both close a session at once would be tried in turn without a
                // wait.
                if self.attempt == 1
                    && lived.is_none_or(|lived| lived >= SUSPICIOUSLY_SHORT)
                    && let Some(other) = self.endpoints.other_good()
                {
                    return self.open(other, now);
                }
                let delay = self.backoff.next_delay(now.mono, rng);
                self.wait(delay, failure, now)
            }
            Recovery::RetryAfter(delay) => self.wait(delay, failure, now),
        }
    }

    fn wait(&mut self, delay: Duration, failure: Failure, now: Now) -> Vec<LinkAction> {
        let (until, attempt) = (now.mono + delay, self.attempt);
        let state = if self.polling {
            LinkState::Polling { until, attempt, failure }
        } else {
            LinkState::Waiting { until, attempt, failure }
        };
        self.enter(state, now);
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
