//! The life of the link to the server, expressed once: when to connect, to whom, when to wait and when to ask a person.
//!
//! Pure: [`Link::step`] takes what happened and the time and says what to do; the driver and the simulation do it. Every
//! asynchronous action carries its [`Generation`]; an answer from an earlier one is dropped here and nowhere else.
//! Absent: sockets, frames, catch-up (the [`crate::pipeline`] tells when it is done).

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::Rng;

use crate::{
    clock::Now,
    error::{Failure, Fault, Recovery},
    pipeline::backoff::Backoff,
};

/// How long an attempt may take to open the socket, and again to establish the session.
pub const ATTEMPT_LIMIT: Duration = Duration::from_secs(15);
/// How soon a probe must be answered.
pub const PROBE_LIMIT: Duration = Duration::from_secs(5);
/// How often a server is asked again whose fault somebody has to mend.
pub const HALTED_RETRY: Duration = Duration::from_secs(60);
/// A session that ends this soon after its subscriptions, without a word, was probably refused one of them.
pub const SUSPICIOUSLY_SHORT: Duration = Duration::from_secs(5);
/// After so many failed attempts in a row the API is polled, if there is one.
const POLL_AFTER: u32 = 2;

/// Numbers the connections of one run; what a replaced one still says is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Generation(pub u64);

/// Why there is no session and none will be tried soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// A person has to sign in; nothing is tried until then.
    SignIn(Failure),
    /// Something has to be mended; tried again at `retry`.
    Halted {
        /// What is wrong.
        failure: Failure,
        /// When it is tried again.
        retry: Instant,
    },
}

/// Where the link stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Not wanted: signed out, disconnected by a person, or not yet started.
    Off,
    /// The socket is being opened.
    Connecting {
        /// Give up then.
        deadline: Instant,
    },
    /// The socket is open, the session is being established.
    Handshake {
        /// Give up then.
        deadline: Instant,
    },
    /// Subscribed; what was missed is being collected.
    CatchingUp,
    /// Subscribed and complete.
    Live,
    /// Between two attempts.
    Waiting {
        /// The next attempt.
        until: Instant,
        /// How many failed in a row.
        attempt: u32,
        /// The last failure.
        failure: Failure,
    },
    /// Between two attempts while the API is being polled with success.
    Polling {
        /// The next attempt.
        until: Instant,
        /// How many failed in a row.
        attempt: u32,
        /// The last failure.
        failure: Failure,
    },
    /// A person is needed.
    Stopped(StopReason),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkInput {
    /// The session is wanted.
    Connect,
    /// The session is no longer wanted.
    Disconnect,
    /// The socket of this generation is open.
    Opened(Generation),
    /// The session of this generation is established and its SUBSCRIBEs are sent.
    Established(Generation),
    /// The first pass of catch-up has ended or has given way.
    CaughtUp(Generation),
    /// The connection of this generation is gone, or could not be had.
    Lost(Generation, Failure),
    /// Answer to [`LinkAction::Refresh`].
    Refreshed(Refreshed),
    /// Somebody has signed in.
    SignedIn,
    /// A network came up or changed.
    NetworkChanged,
    /// The machine woke up, or the clocks say that it slept.
    Woke,
    /// A person wants it tried now.
    TryNow,
    /// A poll of the API outside a session has worked or failed.
    Polled {
        /// Whether it worked.
        ok: bool,
    },
    /// Time has passed.
    Tick,
}

/// What has become of looking for another token than the refused one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// There is another one.
    Newer,
    /// There is none.
    Same,
    /// That cannot be known now, or only a person can help; the refused one is forgotten.
    Failed(Failure),
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkAction {
    /// Open a connection.
    Open {
        /// Its generation.
        generation: Generation,
        /// Index into `server.endpoints`.
        endpoint: usize,
    },
    /// End a connection.
    Close {
        /// Its generation.
        generation: Generation,
        /// DISCONNECT with a receipt first; otherwise drop the socket.
        polite: bool,
    },
    /// Prove within [`PROBE_LIMIT`] that the peer is there; [`LinkInput::Lost`] with [`Fault::Silent`] if not.
    Probe(Generation),
    /// Look for a newer token, then [`LinkInput::Refreshed`].
    Refresh,
}

/// The link to one list of endpoints.
#[derive(Debug)]
pub struct Link {
    state: LinkState,
    since: Timestamp,
    generation: Generation,
    endpoint: usize,
    next: usize,
    endpoints: usize,
    known_good: Vec<bool>,
    backoff: Backoff,
    attempt: u32,
    repeated: (Option<Fault>, u32),
    established: Option<Instant>,
    refreshed: bool,
    awaiting_token: Option<Failure>,
    polling: bool,
}

impl Link {
    /// A link that is off. `endpoints` is how many there are, at least one; `spread` is `server.reconnect_spread`.
    pub fn new(endpoints: usize, spread: Duration, now: Now) -> Self {
        let endpoints = endpoints.max(1);
        Self {
            state: LinkState::Off,
            since: now.wall,
            generation: Generation::default(),
            endpoint: 0,
            next: 0,
            endpoints,
            known_good: vec![false; endpoints],
            backoff: Backoff::new(spread),
            attempt: 0,
            repeated: (None, 0),
            established: None,
            refreshed: false,
            awaiting_token: None,
            polling: false,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> &LinkState {
        &self.state
    }

    /// Since when people have seen no session (or have seen this one).
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The connection that counts.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Index of the endpoint in use.
    pub fn endpoint(&self) -> usize {
        self.endpoint
    }

    /// Whether a session is established.
    pub fn has_session(&self) -> bool {
        matches!(self.state, LinkState::CatchingUp | LinkState::Live)
    }

    /// Whether the API should be polled: no session can be had, and it is not for a person to mend.
    pub fn wants_polling(&self) -> bool {
        self.attempt >= POLL_AFTER
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

    /// Whether polling stands in for the session with success.
    pub fn is_polling(&self) -> bool {
        self.polling && self.wants_polling()
    }

    /// When [`LinkInput::Tick`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            LinkState::Connecting { deadline } | LinkState::Handshake { deadline } => Some(*deadline),
            LinkState::Waiting { until, .. } | LinkState::Polling { until, .. } => Some(*until),
            LinkState::Stopped(StopReason::Halted { retry, .. }) => Some(*retry),
            LinkState::Off | LinkState::CatchingUp | LinkState::Live | LinkState::Stopped(StopReason::SignIn(_)) => {
                None
            }
        }
    }

    /// Takes what happened, says what to do.
    pub fn step(&mut self, input: LinkInput, now: Now, rng: &mut dyn Rng) -> Vec<LinkAction> {
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
                    if let Some(good) = self.known_good.get_mut(self.endpoint) {
                        *good = true;
                    }
                    self.enter(LinkState::CatchingUp, now);
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
                if self.is_current(generation) && self.has_connection() {
                    self.handle_lost(failure, now, rng)
                } else {
                    Vec::new()
                }
            }
            LinkInput::Refreshed(refreshed) => match (self.awaiting_token.take(), refreshed) {
                (Some(_), Refreshed::Newer) => self.open(self.endpoint, now),
                (Some(refused), Refreshed::Same) => {
                    self.enter(LinkState::Stopped(StopReason::SignIn(refused)), now);
                    Vec::new()
                }
                (Some(_), Refreshed::Failed(failure)) => self.handle_lost(failure, now, rng),
                (None, _) => Vec::new(),
            },
            LinkInput::SignedIn => {
                let mut actions = self.close(true);
                self.forget_failures();
                actions.extend(self.open(0, now));
                actions
            }
            LinkInput::NetworkChanged | LinkInput::Woke => match self.state {
                LinkState::CatchingUp | LinkState::Live => vec![LinkAction::Probe(self.generation)],
                LinkState::Waiting { .. }
                | LinkState::Polling { .. }
                | LinkState::Stopped(StopReason::Halted { .. }) => self.open(self.next, now),
                // An attempt that the sleep or the old network has swallowed would only time out.
                LinkState::Connecting { .. } | LinkState::Handshake { .. } => {
                    let mut actions = self.close(false);
                    actions.extend(self.open(self.endpoint, now));
                    actions
                }
                LinkState::Off | LinkState::Stopped(StopReason::SignIn(_)) => Vec::new(),
            },
            LinkInput::TryNow => match self.state {
                LinkState::Waiting { .. } | LinkState::Polling { .. } | LinkState::Stopped(_) => {
                    self.awaiting_token = None;
                    self.refreshed = false;
                    self.open(self.next, now)
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
                    unchanged => unchanged,
                };
                Vec::new()
            }
            LinkInput::Tick => self.tick(now, rng),
        }
    }

    fn tick(&mut self, now: Now, rng: &mut dyn Rng) -> Vec<LinkAction> {
        match &self.state {
            LinkState::Connecting { deadline } if *deadline <= now.mono => self.handle_attempt_timeout(now, rng),
            LinkState::Handshake { deadline } if *deadline <= now.mono => self.handle_attempt_timeout(now, rng),
            LinkState::Waiting { until, .. } | LinkState::Polling { until, .. } if *until <= now.mono => {
                self.open(self.next, now)
            }
            LinkState::Stopped(StopReason::Halted { retry, .. }) if *retry <= now.mono => self.open(self.next, now),
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

    /// Enters a state; `since` moves only where people see something new: the attempts of one outage do not.
    fn enter(&mut self, state: LinkState, now: Now) {
        if phase(&state) != phase(&self.state) {
            self.since = now.wall;
        }
        self.state = state;
    }

    fn open(&mut self, endpoint: usize, now: Now) -> Vec<LinkAction> {
        self.generation.0 += 1;
        self.endpoint = endpoint;
        self.established = None;
        self.enter(LinkState::Connecting { deadline: now.mono + ATTEMPT_LIMIT }, now);
        vec![LinkAction::Open { generation: self.generation, endpoint }]
    }

    fn close(&mut self, polite: bool) -> Vec<LinkAction> {
        if self.has_connection() {
            vec![LinkAction::Close { generation: self.generation, polite: polite && self.has_session() }]
        } else {
            Vec::new()
        }
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
        self.polling = false;
        self.backoff.reset();
    }

    fn handle_lost(&mut self, mut failure: Failure, now: Now, rng: &mut dyn Rng) -> Vec<LinkAction> {
        let lived = self.established.take().map(|start| now.mono.saturating_duration_since(start));
        // Whatever that connection still says is stale now, and what was found for it comes too late.
        self.generation.0 += 1;
        self.awaiting_token = None;
        // A session that worked earns another look; one that is refused as soon as it stands would be looked for for ever.
        self.refreshed &= lived.is_none_or(|lived| lived < SUSPICIOUSLY_SHORT);
        // The first endpoint is preferred when an outage begins; during it they are tried in turn.
        self.next = if lived.is_some() { 0 } else { (self.endpoint + 1) % self.endpoints };
        if failure.fault == Fault::Closed && lived.is_some_and(|lived| lived < SUSPICIOUSLY_SHORT) {
            failure.fault = Fault::Died;
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
        match failure.recovery(self.repeated.1) {
            Recovery::RefreshToken if self.refreshed => {
                self.enter(LinkState::Stopped(StopReason::SignIn(failure)), now);
                Vec::new()
            }
            Recovery::RefreshToken => {
                self.refreshed = true;
                self.awaiting_token = Some(failure);
                self.enter(LinkState::Connecting { deadline: now.mono + ATTEMPT_LIMIT }, now);
                vec![LinkAction::Refresh]
            }
            Recovery::SignIn => {
                self.enter(LinkState::Stopped(StopReason::SignIn(failure)), now);
                Vec::new()
            }
            Recovery::Halt => {
                let retry = now.mono + HALTED_RETRY;
                self.enter(LinkState::Stopped(StopReason::Halted { failure, retry }), now);
                Vec::new()
            }
            Recovery::Retry => {
                // Two that both drop a session as soon as it stands would be tried in a circle.
                if self.attempt == 1
                    && lived.is_none_or(|lived| lived >= SUSPICIOUSLY_SHORT)
                    && let Some(other) = self.other_known_good()
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

    fn other_known_good(&self) -> Option<usize> {
        (0..self.endpoints).find(|&other| other != self.endpoint && self.known_good.get(other) == Some(&true))
    }
}

/// What people tell apart: nothing wanted, no session, a session, a sign-in missing.
fn phase(state: &LinkState) -> u8 {
    match state {
        LinkState::Off => 0,
        LinkState::Connecting { .. }
        | LinkState::Handshake { .. }
        | LinkState::Waiting { .. }
        | LinkState::Polling { .. }
        | LinkState::Stopped(StopReason::Halted { .. }) => 1,
        LinkState::CatchingUp | LinkState::Live => 2,
        LinkState::Stopped(StopReason::SignIn(_)) => 3,
    }
}

#[cfg(test)]
mod tests;
