//! The state of the connection as people see it: six values, and why.
//!
//! Pure: made from the link, the API and the store by [`crate::pipeline`]; tray, window and
//! `belfryctl` show it. Only the latest value counts, so it is sent through a watch channel. What
//! is off or failing is shown even while the session is live. [`Kind`] is the one list of messages:
//! `belfryctl`, events and logs use the English of its table, the window the person's language
//! (`fault.*`, `remedy.*` in texts/*.json). Invariant: code compares kinds, never sentences.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The states that people distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connectivity {
    /// No session; the next attempt is planned, or none is wanted.
    Offline,
    /// An attempt is running.
    Connecting,
    /// Connected; missed messages are being collected.
    CatchingUp,
    /// Connected and complete.
    Live,
    /// No WebSocket connection can be established; the API is polled instead.
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
    /// What happened, or what is off, in one line of English; may be empty.
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
    /// The kind.
    pub kind: Kind,
    /// Details: a host, a number, a setting, or the words of the server; may be empty.
    pub detail: String,
    /// Catch-up fails while the session works.
    pub is_catch_up: bool,
}

impl Cause {
    /// A cause without details.
    pub fn of(kind: Kind) -> Self {
        Self { kind, detail: String::new(), is_catch_up: false }
    }
}

/// How it is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fix {
    /// Waiting is enough, or the diagnosis shows more.
    Diagnose,
    /// A person signs in.
    SignIn,
    /// A person unlocks the keychain.
    Unlock,
    /// A person corrects a setting.
    Settings,
}

/// Defines [`Kind`] with its table.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident: $fix:ident, $reason:literal, $remedy:literal;)+) => {
        /// What can happen to the connection.
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
    /// The certificate is not trusted.
    Tls: Settings, "the server's certificate is not trusted",
        "ask your IT department whether network.ca_bundle must name a certificate authority of your organization";
    /// The certificate has expired, or is not valid yet.
    CertificateExpired: Diagnose, "the server's certificate has expired or is not valid yet",
        "check the date and time of this computer; if they are right, ask your IT department for a new certificate";
    /// The certificate is for another name.
    CertificateName: Settings, "the server's certificate is for another name",
        "check the host names in server.endpoints and api.base; if they are right, ask your IT department";
    /// The server wants a certificate of the client.
    ClientCertificate: Settings, "the server requires a client certificate that it trusts",
        "ask your IT department for a certificate with its key, and set the file in network.client_cert";
    /// What answers speaks no TLS, or no version that is good enough.
    TlsVersion: Settings, "the server does not speak TLS 1.2 or newer at this address",
        "check scheme and port in server.endpoints and api.base; if they are right, ask your IT department";
    /// The proxy wants a sign-in of its own.
    ProxyAuth: Settings, "the proxy requires a sign-in",
        "put the proxy's user name and password into HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT; NTLM and Negotiate are \
         not supported), or ask your IT department for a proxy that does not require a sign-in";
    /// The system names proxies, and none that can be used.
    UnusableProxy: Settings, "this computer names a proxy that cannot be used",
        "ask your IT department for an HTTP or SOCKS5 proxy, and set it in network.proxy";
    /// The server is overloaded or under maintenance.
    Busy: Diagnose, "the server is busy or temporarily unavailable", "";
    /// It is there, but not at this path.
    Status: Settings, "the server did not accept the connection",
        "check the path of the address in server.endpoints";
    /// A page or a redirect came instead of what was asked for.
    Page: Diagnose, "a page or a redirect came instead of the server's answer",
        "open a page in the browser, since this network may require a sign-in there; otherwise check the address in \
         server.endpoints";
    /// The token or the password is wrong or has expired.
    Refused: SignIn, "the server refused the sign-in", "sign in again";
    /// The account may sign in, but has no access.
    Forbidden: SignIn, "this account has no access to the server",
        "sign in with another account, or ask your IT department for access";
    /// The account name or the password is wrong.
    Password: SignIn, "the server refused the account name or the password", "check both, then sign in again";
    /// The server accepted the sign-in, but for another account.
    WrongAccount: SignIn, "the server signed in a different account",
        "check auth.login, then sign in with that account";
    /// The server refused the session, the message or the call.
    Denied: Settings, "the server refused the session",
        "check server.host, server.subscriptions and the account's permissions on the server";
    /// The session ended right after its subscriptions.
    Died: Settings, "the server ended the session right after the subscriptions",
        "check that the destinations in server.subscriptions exist and that the account may read them; belfryctl \
         doctor checks each";
    /// The server broke the protocol.
    Protocol: Settings, "the server violated the protocol",
        "check server.protocol and server.endpoints: the address may not be a STOMP endpoint";
    /// The server closed the connection.
    Closed: Diagnose, "the connection was closed", "";
    /// The connection broke without a close.
    Broken: Diagnose, "the connection was lost", "";
    /// The server stopped sending.
    Silent: Diagnose, "the server stopped responding", "";
    /// Refused by Belfry before a secret was sent.
    Insecure: Settings, "the connection would not be encrypted",
        "use wss:// or https://, or list the host in network.insecure_hosts";
    /// A setting, or a file that a setting names, cannot be used.
    Settings: Diagnose, "a setting, or a file that a setting names, cannot be used", "correct the setting";
    /// No secret is stored for this account.
    NoCredential: SignIn, "you are not signed in", "sign in";
    /// The settings name hosts that the stored secret was not given for.
    NotAgreed: SignIn, "the settings name another server than the one you signed in to",
        "check that these settings are right, then sign in again";
    /// The secret has expired, and no other can be had without a person.
    Expired: SignIn, "your sign-in has expired", "sign in again";
    /// The secret is in a keychain that is locked.
    Locked: Unlock, "the keychain is locked", "unlock the keychain, then try again";
    /// There is no keychain to read the secret from.
    Keychain: SignIn, "the keychain cannot be used", "start the system's keychain service, or sign in again";
    /// The answer of the API cannot be read.
    BadAnswer: Diagnose, "the server's answer cannot be read", "";
    /// The API said that the call failed.
    Declined: Diagnose, "the server reported an error", "";
    /// The server does not permit this account to make this one request.
    NotPermitted: Diagnose, "the server does not permit this account to do that",
        "ask the server's administrator; Belfry offers it again after the next connect";
    /// Received messages cannot be stored.
    Store: Diagnose, "the inbox cannot be saved",
        "free disk space, or give Belfry write access to its data folder; no message is lost until then";
    /// The server answers, but has no API there.
    ApiMissing: Settings, "the server has no HTTP API at this address",
        "check api.base and api.collect";
    /// No API is set, so nothing is collected.
    NoApi: Diagnose, "catch-up is off: api.base is not set", "";
    /// The API has no history, so messages that it marked as delivered cannot be read again.
    NoHistory: Diagnose, "the server has no message history: api.history is not used", "";
}

impl Kind {
    /// The reason, with its details.
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

/// What a running engine writes to a file for `belfryctl status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSnapshot {
    /// The event as it was emitted.
    #[serde(flatten)]
    pub status: StatusEvent,
    /// The kind, for programs.
    #[serde(default)]
    pub kind: Option<Kind>,
}
