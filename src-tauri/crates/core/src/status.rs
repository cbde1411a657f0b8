//! The state of the connection as people see it: six values, and why.
//!
//! Pure: made from the link, the API and the store by [`crate::pipeline`]; tray, window and `belfryctl` show it. Latest value
//! wins, so it travels through a watch channel. It is honest: what is off or failing is said even while live.
//! [`Kind`] is the one list of what can be said: `belfryctl`, events and logs say it in the English of its table here, the
//! window in the person's language (`fault.*`, `remedy.*` in texts/*.json). Invariant: nobody compares sentences.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What people tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connectivity {
    /// No session; the next attempt is planned, or none is wanted.
    Offline,
    /// An attempt is under way.
    Connecting,
    /// Connected; what was missed is being collected.
    CatchingUp,
    /// Connected and complete.
    Live,
    /// No WebSocket can be had; the API is polled instead.
    Polling,
    /// A person has to do something.
    ActionNeeded,
}

/// The state people see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// One of six.
    pub state: Connectivity,
    /// Since when.
    pub since: Timestamp,
    /// Index of the endpoint in use or tried last.
    pub endpoint: usize,
    /// What happened, or what is off.
    pub cause: Option<Cause>,
    /// How long until the next attempt, at the time of asking.
    pub retry_in: Option<Duration>,
}

impl Status {
    /// What happened, or what is off, in one English line; may be empty.
    pub fn reason(&self) -> String {
        let Some(Cause { kind, detail, is_catch_up }) = &self.cause else { return String::new() };
        let said = kind.reason_with(detail);
        if *is_catch_up { format!("catch-up is failing: {said}") } else { said }
    }

    /// What to do about it, in English; may be empty.
    pub fn remedy(&self) -> &'static str {
        self.cause.as_ref().map_or("", |cause| cause.kind.remedy())
    }
}

/// What happened, or what is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Which kind of thing.
    pub kind: Kind,
    /// What was seen: host, number, setting, or what others said; may be empty.
    pub detail: String,
    /// It is catch-up that fails; the session goes on.
    pub is_catch_up: bool,
}

impl Cause {
    /// What this kind says by itself.
    pub fn of(kind: Kind) -> Self {
        Self { kind, detail: String::new(), is_catch_up: false }
    }
}

/// What resolves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fix {
    /// Waiting is enough, or looking closer helps.
    Diagnose,
    /// A person signs in.
    SignIn,
    /// A person unlocks the keychain.
    Unlock,
    /// Somebody corrects a setting.
    Settings,
}

/// Makes [`Kind`] with its table.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident: $fix:ident, $reason:literal, $remedy:literal;)+) => {
        /// What can be said about the connection.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind { $($(#[$doc])* $kind),+ }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// What happened, in English, lower case.
            pub fn reason(self) -> &'static str {
                match self { $(Self::$kind => $reason),+ }
            }

            /// What to do about it, in English; empty when waiting is enough.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$kind => $remedy),+ }
            }

            /// Which of the window's buttons resolves it.
            pub fn fix(self) -> Fix {
                match self { $(Self::$kind => Fix::$fix),+ }
            }
        }
    };
}

kinds! {
    /// DNS, TCP, a broken proxy: the network.
    Unreachable: Diagnose, "the server cannot be reached", "";
    /// No answer in time.
    TimedOut: Diagnose, "the server did not answer in time", "";
    /// The certificate is not trusted, or TLS failed.
    Tls: Settings, "the server's certificate is not trusted",
        "ask IT whether network.ca_bundle must name your company's certificate authority";
    /// The proxy wants a sign-in of its own.
    ProxyAuth: Settings, "the proxy asks for a sign-in",
        "ask IT for a proxy that needs no sign-in; set it as network.proxy";
    /// The server has too much to do, or is being repaired.
    Busy: Diagnose, "the server is busy or out of order", "";
    /// It is there, but not at this path.
    Status: Settings, "the server did not accept the connection",
        "check the address in server.endpoints: the path may be wrong";
    /// The token or the password is not good, or no longer.
    Refused: SignIn, "the server refused the sign-in", "sign in again";
    /// The sign-in is good, but not good enough.
    Forbidden: SignIn, "the server does not let this account in", "sign in as somebody who may, or ask IT for the right";
    /// Login and password are not good together.
    Password: SignIn, "the server refused the account name or the password", "sign in again with the right password";
    /// The server took the sign-in, but for somebody else.
    WrongAccount: SignIn, "the server signed in somebody else",
        "check auth.login, then sign in as this account";
    /// The server said no to the session, the message or the call.
    Denied: Settings, "the server refused the session",
        "check server.host and server.subscriptions, and the account's rights on the server";
    /// The session ended right after its subscriptions.
    Died: Settings, "the server ended the session right after the subscriptions",
        "check that the destinations in server.subscriptions exist and the account may read them";
    /// The server broke the protocol.
    Protocol: Settings, "the server broke the protocol",
        "check server.protocol and server.endpoints: this may not be a STOMP endpoint";
    /// The server closed the connection.
    Closed: Diagnose, "the connection was closed", "";
    /// The connection broke without a close.
    Broken: Diagnose, "the connection broke", "";
    /// Nothing was heard any more.
    Silent: Diagnose, "the server fell silent", "";
    /// Refused by us before a secret was sent.
    Insecure: Settings, "the connection would not be encrypted",
        "use wss:// or https://, or list the host in network.insecure_hosts";
    /// A setting, or a file that one names, cannot be used.
    Settings: Diagnose, "a setting, or a file it names, cannot be used", "correct it; nothing was sent";
    /// Nobody has signed in.
    NoCredential: SignIn, "nobody has signed in", "sign in again";
    /// The secret is in a keychain that is locked.
    Locked: Unlock, "the keychain is locked", "unlock it, then try again";
    /// There is no keychain to read the secret from.
    Keychain: SignIn, "the keychain cannot be used", "start the system's keychain service, or sign in again";
    /// The answer of the API cannot be read.
    BadAnswer: Diagnose, "the server's answer cannot be read", "";
    /// The API said that the call failed.
    Declined: Diagnose, "the server could not do it", "";
    /// What is received cannot be kept.
    Store: Diagnose, "the inbox cannot be written",
        "make room on the disk or allow Belfry to write its data folder; nothing is lost meanwhile";
    /// There is a server, but not the API.
    ApiMissing: Settings, "the server has no HTTP API at this address",
        "check api.base and api.collect: the address or a path may be wrong";
    /// There is no API, so nothing is collected.
    NoApi: Diagnose, "catch-up is off: api.base is not set", "";
    /// The API has no history, so what it has marked as delivered cannot be read again.
    NoHistory: Diagnose, "the server offers no history: api.history is not used", "";
}

impl Kind {
    /// The reason, with what was seen.
    pub(crate) fn reason_with(self, detail: &str) -> String {
        let what = self.reason();
        if detail.is_empty() { what.to_owned() } else { format!("{what}: {detail}") }
    }
}

/// A `status` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusEvent {
    /// One of six.
    pub state: Connectivity,
    /// Host and path of the endpoint, without anything secret.
    pub endpoint: String,
    /// What happened, or what is off.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
    /// Until the next attempt; absent when none is planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_in_ms: Option<u64>,
    /// Since when.
    pub since: Timestamp,
}

/// What a running engine notes for `belfryctl status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSnapshot {
    /// As it was told.
    #[serde(flatten)]
    pub status: StatusEvent,
    /// Why, for programs.
    #[serde(default)]
    pub kind: Option<Kind>,
}
