//! What can go wrong with a server, and the one table of what to do about it.
//!
//! Losing a connection is an input of the [`crate::pipeline::link`], not an `Err`. [`Failure::recovery`] is the only place that decides
//! between trying again and asking a person; what is said of a fault is its [`Kind`]'s matter. Details never hold a
//! secret or a URL with one, and no prose of ours: host names, numbers, names of settings, and what others said.

use std::time::Duration;

use crate::status::{Cause, Kind};

/// What kind of fault it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// DNS, TCP, a broken proxy: the network.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// The certificate is not trusted, or TLS failed.
    Tls,
    /// The proxy wants a sign-in of its own.
    ProxyAuth,
    /// The endpoint answered the WebSocket upgrade with this HTTP status.
    Status(u16),
    /// The server refused the token or the password.
    Refused,
    /// The server said no to login and password, where a token was asked for.
    Password,
    /// The server took the sign-in, but for somebody else.
    WrongAccount,
    /// The server said no to the session for a reason other than the sign-in (virtual host, version, destination).
    Denied,
    /// The server closed the session right after the subscriptions: RabbitMQ 3.10 does so for a missing exchange or
    /// queue, a refused access and changed queue arguments, without an ERROR ("STOMP died").
    Died,
    /// The server broke the protocol.
    Protocol,
    /// The server closed the connection.
    Closed,
    /// The connection broke without a close: reset, cut, timed out.
    Broken,
    /// Nothing was heard for three heart-beats, or a probe was not answered.
    Silent,
    /// Refused by us before a secret was sent: `ws://` or `http://` to a host that is not allowed it.
    Insecure,
    /// A file the settings name cannot be used.
    Settings,
    /// Nobody has signed in on this computer.
    NoCredential,
    /// The secret is in a keychain that is locked.
    Locked,
    /// Nobody knows whether there is a secret: the keychain cannot be used.
    Keychain,
    /// The answer of the API cannot be read.
    BadAnswer,
    /// The API took the call and said that it failed.
    Declined,
}

/// A fault, with what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which kind.
    pub fault: Fault,
    /// What was seen, for people: lower case, without secrets.
    pub detail: String,
    /// `Retry-After` of the answer.
    pub retry_after: Option<Duration>,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Try again, after the back-off.
    Retry,
    /// Try again after this long: the server asked for it.
    RetryAfter(Duration),
    /// Look for a newer token, or buy one, once; then ask a person.
    RefreshToken,
    /// Ask a person to sign in.
    SignIn,
    /// Something has to be mended by somebody; try again only slowly.
    Halt,
}

impl Failure {
    /// A failure without `Retry-After`.
    pub fn new(fault: Fault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into(), retry_after: None }
    }

    /// The only decision table. `repeated` counts how often this same fault came in a row, this one included: some
    /// faults look like configuration only when they persist (a 404 while a server is being deployed, a session that
    /// dies right after SUBSCRIBE).
    pub fn recovery(&self, repeated: u32) -> Recovery {
        let retry = self.retry_after.map_or(Recovery::Retry, Recovery::RetryAfter);
        let unless_persistent = if repeated < PERSISTENT_AFTER { retry } else { Recovery::Halt };
        match self.fault {
            Fault::Unreachable | Fault::TimedOut | Fault::Closed | Fault::Broken | Fault::Silent => retry,
            Fault::BadAnswer | Fault::Declined => retry,
            Fault::Refused | Fault::Status(401) => Recovery::RefreshToken,
            Fault::Status(403) | Fault::NoCredential | Fault::WrongAccount | Fault::Password => Recovery::SignIn,
            // Asking again makes the system ask the person again, who may be away or have said no.
            Fault::Locked => Recovery::SignIn,
            Fault::Status(408 | 425 | 429) => retry,
            Fault::Status(status) if status >= 500 => retry,
            Fault::Status(_) | Fault::Died | Fault::Protocol | Fault::Denied | Fault::Tls => unless_persistent,
            Fault::ProxyAuth | Fault::Insecure | Fault::Settings | Fault::Keychain => Recovery::Halt,
        }
    }

    /// What is said of it.
    pub fn kind(&self) -> Kind {
        match self.fault {
            Fault::Unreachable => Kind::Unreachable,
            Fault::TimedOut => Kind::TimedOut,
            Fault::Tls => Kind::Tls,
            Fault::ProxyAuth => Kind::ProxyAuth,
            Fault::Refused | Fault::Status(401) => Kind::Refused,
            Fault::Status(403) => Kind::Forbidden,
            Fault::Status(408 | 425 | 429) => Kind::Busy,
            Fault::Status(status) if status >= 500 => Kind::Busy,
            Fault::Status(_) => Kind::Status,
            Fault::Password => Kind::Password,
            Fault::WrongAccount => Kind::WrongAccount,
            Fault::Denied => Kind::Denied,
            Fault::Died => Kind::Died,
            Fault::Protocol => Kind::Protocol,
            Fault::Closed => Kind::Closed,
            Fault::Broken => Kind::Broken,
            Fault::Silent => Kind::Silent,
            Fault::Insecure => Kind::Insecure,
            Fault::Settings => Kind::Settings,
            Fault::NoCredential => Kind::NoCredential,
            Fault::Locked => Kind::Locked,
            Fault::Keychain => Kind::Keychain,
            Fault::BadAnswer => Kind::BadAnswer,
            Fault::Declined => Kind::Declined,
        }
    }

    /// What happened, in one line.
    pub fn reason(&self) -> String {
        self.kind().reason_with(&self.detail)
    }

    /// What to do about it; empty when waiting is enough.
    pub fn remedy(&self) -> &'static str {
        self.kind().remedy()
    }
}

impl From<&Failure> for Cause {
    fn from(failure: &Failure) -> Self {
        Self { kind: failure.kind(), detail: failure.detail.clone(), is_catch_up: false }
    }
}

/// So many times in a row, and a fault is no longer taken for a passing one.
pub const PERSISTENT_AFTER: u32 = 3;
