//! The states of the link, what goes into it and what comes out of it.
//!
//! Values only; deliberately absent: the transitions, which are in [`super::Link`] and nowhere
//! else.

use std::time::Instant;

use crate::{error::Failure, token_life::TokenLife};

/// Numbers the connections of one run. Reports of a replaced connection are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Generation(pub u64);

/// Why there is no session and none will be tried soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// A person has to sign in; nothing is tried until then, except a secret that the server has
    /// accepted before.
    SignIn(Failure),
    /// The server or the settings have to be corrected; the connection is tried again at `retry`.
    Halted {
        /// What is wrong.
        failure: Failure,
        /// When it is tried again.
        retry: Instant,
    },
}

/// The state of the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Not wanted: signed out, disconnected by a person, or not yet started.
    Off,
    /// The socket is being opened.
    Connecting {
        /// The attempt fails then.
        deadline: Instant,
    },
    /// The socket is open, the session is being established.
    Handshake {
        /// The attempt fails then.
        deadline: Instant,
    },
    /// Subscribed; missed messages are being collected.
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
    /// Between two attempts, while polling the API works.
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
    /// The first pass of catch-up has ended, or the session is live without it.
    CaughtUp(Generation),
    /// The connection of this generation is lost, or could not be established.
    Lost(Generation, Failure),
    /// Answer to [`LinkAction::Refresh`].
    Refreshed(Refreshed),
    /// The connection of this generation is opened with a token of this life, if that is known.
    Token(Generation, Option<TokenLife>),
    /// Answer to [`LinkAction::Renew`].
    Renewed(Refreshed),
    /// A person has signed in.
    SignedIn,
    /// A network came up or changed.
    NetworkChanged,
    /// The machine woke up, or the clocks show that it slept.
    Woke,
    /// A person wants an attempt now.
    TryNow,
    /// A poll of the API outside a session has worked or failed.
    Polled {
        /// Whether it worked.
        ok: bool,
    },
    /// Time has passed.
    Tick,
}

/// The result of looking for another token than the refused one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// There is another one.
    Newer,
    /// There is none.
    Same,
    /// That cannot be determined now, or a person has to act; the refused token is discarded.
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
        /// Send DISCONNECT with a receipt first; otherwise drop the socket.
        polite: bool,
    },
    /// Check within [`PROBE_LIMIT`](super::PROBE_LIMIT) that the server answers;
    /// [`LinkInput::Lost`] with [`Fault::Silent`](crate::error::Fault::Silent) if not.
    Probe(Generation),
    /// Look for a newer token, then [`LinkInput::Refreshed`].
    Refresh,
    /// Request a token for the time when the session's expires, then [`LinkInput::Renewed`].
    Renew,
}

/// What people distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Disconnected by choice.
    Off,
    /// No session, but one is wanted.
    NoSession,
    /// A session.
    Session,
    /// A missing sign-in.
    SignIn,
}

pub(super) fn phase(state: &LinkState) -> Phase {
    match state {
        LinkState::Off => Phase::Off,
        LinkState::Connecting { .. }
        | LinkState::Handshake { .. }
        | LinkState::Waiting { .. }
        | LinkState::Polling { .. }
        | LinkState::Stopped(StopReason::Halted { .. }) => Phase::NoSession,
        LinkState::CatchingUp | LinkState::Live => Phase::Session,
        LinkState::Stopped(StopReason::SignIn(_)) => Phase::SignIn,
    }
}
