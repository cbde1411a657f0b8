//! The life of the token that a session was opened with: a new one is requested before it expires,
//! and the session is handed over to a connection with the new one.
//!
//! With a transient subscription the two connections overlap, since what is published between them
//! would be lost; otherwise the old one ends first, since its queue holds what comes between. If no
//! new token can be had, the session is opened again once when the old token expires: the server
//! then decides, and a person is asked at most once. Deliberately absent: where tokens come from.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::Rng;

use super::{ATTEMPT_LIMIT, Generation, Link, LinkAction, LinkInput, LinkState, Refreshed};
use crate::{
    clock::Now,
    error::{Failure, Fault, Recovery},
    token_life::TokenLife,
};

/// How long the old connection stays after the new one has subscribed: a server may apply SUBSCRIBE
/// late.
pub const OLD_SESSION_GRACE: Duration = Duration::from_secs(1);
/// How soon a renewal that could not be made is tried again.
pub const RENEWAL_RETRY: Duration = Duration::from_secs(5);

/// A time on both clocks: the monotonic one stops while the machine sleeps, the wall clock jumps.
#[derive(Debug, Clone, Copy)]
struct Due {
    mono: Instant,
    wall: Timestamp,
}

impl Due {
    fn at(wall: Timestamp, now: Now) -> Self {
        let after = Duration::try_from(wall.duration_since(now.wall)).unwrap_or_default();
        Self { mono: now.mono + after, wall }
    }

    fn after(delay: Duration, now: Now) -> Self {
        Self { mono: now.mono + delay, wall: now.wall.checked_add(delay).unwrap_or(Timestamp::MAX) }
    }

    fn is_past(self, now: Now) -> bool {
        self.mono <= now.mono || self.wall <= now.wall
    }
}

/// The token of a connection.
#[derive(Debug, Clone, Copy)]
struct HeldToken {
    renew: Option<Due>,
    expires: Due,
}

/// A connection with a newer token that is being opened beside a session.
#[derive(Debug)]
struct Successor {
    generation: Generation,
    deadline: Instant,
    is_open: bool,
    token: Option<HeldToken>,
}

/// What the link knows about tokens.
#[derive(Debug)]
pub(super) struct HandOver {
    /// Whether the old connection stays until the new one has subscribed.
    overlap: bool,
    token: Option<HeldToken>,
    is_renewing: bool,
    successor: Option<Successor>,
    /// The replaced connection, and when it is closed.
    retiring: Option<(Generation, Instant)>,
}

impl HandOver {
    pub(super) fn new(overlap: bool) -> Self {
        Self { overlap, token: None, is_renewing: false, successor: None, retiring: None }
    }

    /// Whether this connection is being opened beside the session.
    pub(super) fn is_successor(&self, generation: Generation) -> bool {
        self.successor.as_ref().is_some_and(|successor| successor.generation == generation)
    }

    /// A connection is opened in place of every other: its token is not known yet.
    pub(super) fn forget_token(&mut self) {
        self.token = None;
    }

    /// When something is due; the token counts only for a session.
    pub(super) fn poll_timeout(&self, has_session: bool) -> Option<Instant> {
        let token = self.token.filter(|_| has_session && self.successor.is_none());
        let renew = token.and_then(|token| token.renew).filter(|_| !self.is_renewing);
        [
            renew.map(|due| due.mono),
            token.map(|token| token.expires.mono),
            self.successor.as_ref().map(|successor| successor.deadline),
            self.retiring.map(|(_, until)| until),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Closes what is beside the current connection.
    pub(super) fn close(&mut self) -> Vec<LinkAction> {
        let successor = self.successor.take().map(|successor| (successor.generation, false));
        let retiring = self.retiring.take().map(|(generation, _)| (generation, true));
        let closing = successor.into_iter().chain(retiring);
        closing.map(|(generation, polite)| LinkAction::Close { generation, polite }).collect()
    }

    /// Renews at this time, if the token is still good then.
    fn renew_after(&mut self, delay: Duration, now: Now) {
        if let Some(token) = &mut self.token {
            token.renew = Some(Due::after(delay, now));
        }
    }
}

impl Link {
    /// Whether this is the current connection, or one with a newer token that is to replace it.
    pub fn is_known(&self, generation: Generation) -> bool {
        self.is_current(generation) || self.hand_over.is_successor(generation)
    }

    pub(super) fn next_generation(&mut self) -> Generation {
        self.newest += 1;
        Generation(self.newest)
    }

    /// Takes what a connection says that is being opened beside the session; anything else is given
    /// back.
    pub(super) fn step_successor(&mut self, input: LinkInput, now: Now) -> Option<LinkInput> {
        if let LinkInput::Opened(generation) = &input
            && self.hand_over.is_successor(*generation)
        {
            self.handle_successor_opened(now);
        } else if let LinkInput::Established(generation) = &input
            && self.hand_over.is_successor(*generation)
        {
            self.handle_successor_established(now);
        } else if let LinkInput::Lost(generation, failure) = &input
            && self.hand_over.is_successor(*generation)
        {
            self.handle_successor_lost(failure, now);
        } else {
            return Some(input);
        }
        None
    }

    /// The machine woke up, or its network changed: the session is probed, unless its token has
    /// expired meanwhile.
    pub(super) fn check_session(&mut self, now: Now) -> Vec<LinkAction> {
        let mut actions = self.tick_token(now);
        if self.has_session() {
            actions.push(LinkAction::Probe(self.generation));
        }
        actions
    }

    /// The token that this connection is opened with has this life; `None`: unknown or endless.
    pub(super) fn handle_token(&mut self, generation: Generation, life: Option<TokenLife>, now: Now) {
        let token = life.map(|life| HeldToken {
            renew: life.renew.map(|renew| Due::at(renew, now)),
            expires: Due::at(life.expires, now),
        });
        // A token that has expired already is tried all the same: the clock may be wrong.
        let token = token.filter(|token| !token.expires.is_past(now));
        if let Some(successor) = self.hand_over.successor.as_mut().filter(|it| it.generation == generation) {
            successor.token = token;
        } else if generation == self.generation {
            self.hand_over.token = token;
        }
    }

    /// A connection beside the session is open.
    fn handle_successor_opened(&mut self, now: Now) {
        if let Some(successor) = &mut self.hand_over.successor {
            successor.is_open = true;
            successor.deadline = now.mono + ATTEMPT_LIMIT;
        }
    }

    /// A connection beside the session has subscribed: it is the session from now on.
    fn handle_successor_established(&mut self, now: Now) {
        let Some(successor) = self.hand_over.successor.take() else { return };
        self.hand_over.retiring = Some((self.generation, now.mono + OLD_SESSION_GRACE));
        self.hand_over.token = successor.token;
        self.generation = successor.generation;
        self.established = Some(now.mono);
        self.is_accepted = true;
    }

    /// A connection beside the session has failed: the session goes on as long as its token does.
    fn handle_successor_lost(&mut self, failure: &Failure, now: Now) {
        self.hand_over.successor = None;
        if matches!(failure.recovery(1), Recovery::Retry | Recovery::RetryAfter(_)) {
            self.hand_over.renew_after(failure.retry_after.unwrap_or_default().max(RENEWAL_RETRY), now);
        }
    }

    /// The session is lost while its successor is being opened, which takes its place.
    pub(super) fn promote_successor(&mut self, now: Now) -> bool {
        let Some(successor) = self.hand_over.successor.take() else { return false };
        self.generation = successor.generation;
        self.hand_over.token = successor.token;
        self.established = None;
        let deadline = successor.deadline;
        let state =
            if successor.is_open { LinkState::Handshake { deadline } } else { LinkState::Connecting { deadline } };
        self.enter(state, now);
        true
    }

    /// A newer token was obtained, or was not.
    pub(super) fn handle_renewed(&mut self, renewed: Refreshed, now: Now, rng: &mut dyn Rng) -> Vec<LinkAction> {
        self.hand_over.is_renewing = false;
        if !self.has_session() || self.hand_over.successor.is_some() {
            return Vec::new();
        }
        match renewed {
            Refreshed::Newer if self.hand_over.overlap => {
                let generation = self.next_generation();
                let deadline = now.mono + ATTEMPT_LIMIT;
                self.hand_over.successor = Some(Successor { generation, deadline, is_open: false, token: None });
                vec![LinkAction::Open { generation, endpoint: self.endpoints.current() }]
            }
            Refreshed::Newer => self.replace(now),
            Refreshed::Same => Vec::new(),
            Refreshed::Failed(failure) => match failure.recovery(1) {
                Recovery::Retry | Recovery::RetryAfter(_) => {
                    self.hand_over.renew_after(failure.retry_after.unwrap_or_default().max(RENEWAL_RETRY), now);
                    Vec::new()
                }
                // Another attempt at a locked keychain would make the system ask the person again.
                Recovery::SignIn if failure.fault == Fault::Locked => Vec::new(),
                Recovery::Halt => Vec::new(),
                // The sign-in is not valid any more; asked once, and not again when the token expires.
                Recovery::RefreshToken | Recovery::SignIn => {
                    let is_refused = matches!(failure.fault, Fault::Refused | Fault::Status(401));
                    // What was refused is not looked for once more.
                    let fault = if is_refused { Fault::Expired } else { failure.fault };
                    let failure = Failure { fault, ..failure };
                    let mut actions = self.close(true);
                    actions.extend(self.handle_lost(failure, now, rng));
                    actions
                }
            },
        }
    }

    /// What is due because of a token, by either clock.
    pub(super) fn tick_token(&mut self, now: Now) -> Vec<LinkAction> {
        let mut actions = Vec::new();
        if let Some((generation, _)) = self.hand_over.retiring.take_if(|(_, until)| *until <= now.mono) {
            actions.push(LinkAction::Close { generation, polite: true });
        }
        if let Some(late) = self.hand_over.successor.take_if(|successor| successor.deadline <= now.mono) {
            actions.push(LinkAction::Close { generation: late.generation, polite: false });
            self.hand_over.renew_after(RENEWAL_RETRY, now);
        }
        if !self.has_session() || self.hand_over.successor.is_some() {
            return actions;
        }
        let Some(token) = &mut self.hand_over.token else { return actions };
        if token.expires.is_past(now) {
            actions.extend(self.replace(now));
        } else if !self.hand_over.is_renewing && token.renew.take_if(|renew| renew.is_past(now)).is_some() {
            self.hand_over.is_renewing = true;
            actions.push(LinkAction::Renew);
        }
        actions
    }

    /// Ends the session and opens another one at the same endpoint.
    fn replace(&mut self, now: Now) -> Vec<LinkAction> {
        let mut actions = self.close(true);
        actions.extend(self.open(self.endpoints.current(), now));
        actions
    }
}
