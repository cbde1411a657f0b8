//! Faults of a connection or an API call, and the one table of how to recover from them.
//!
//! Losing a connection is an input of the [`crate::pipeline::link`], not an `Err`.
//! [`Failure::recovery`] is the only place that decides between trying again and asking a person;
//! the text for people is in [`Kind`]. Deliberately absent: errors of this program's own files.
//! Details never hold a secret or a URL with one, and no sentences of Belfry: only host names,
//! numbers, names of settings, and the words of the server or the system.

use std::time::Duration;

use crate::{
    foreign_text::one_line,
    status::{Cause, Kind},
};

/// Longest [`Failure::detail`], in characters.
const MAX_DETAIL_CHARS: usize = 1_000;

/// The kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// DNS, TCP, a broken proxy: the network.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// TLS failed.
    Tls(TlsFault),
    /// The proxy wants a sign-in of its own.
    ProxyAuth,
    /// The system names proxies, and none that can be used.
    UnusableProxy,
    /// The endpoint answered the WebSocket upgrade with this HTTP status.
    Status(u16),
    /// A page or a redirect came instead of what was asked for: a network that wants a sign-in in
    /// the browser first, or another address.
    Page(u16),
    /// The server refused the token or the password.
    Refused,
    /// The server refused login and password at `auth.login_url`.
    Password,
    /// The server accepted the sign-in, but for another account.
    WrongAccount,
    /// The server refused the session for a reason other than the sign-in (virtual host, version,
    /// destination).
    Denied,
    /// The server closed the session right after the subscriptions: RabbitMQ 3.10 does so for a
    /// missing exchange or queue, a refused access and changed queue arguments, without an ERROR
    /// ("STOMP died").
    Died,
    /// The server closed a raw WebSocket right after it was opened: some check the token only then.
    TurnedAway,
    /// The server broke the protocol.
    Protocol,
    /// The server closed the connection.
    Closed,
    /// The server closed the connection with a code that says that it restarts or is overloaded.
    Restarting,
    /// The connection broke without a close: reset, cut, timed out.
    Broken,
    /// The server sent nothing for three heart-beat intervals, or did not answer a probe.
    Silent,
    /// Refused by Belfry before a secret was sent: `ws://` or `http://` to a host for which it is
    /// not allowed.
    Insecure,
    /// A file that the settings name cannot be used.
    Settings,
    /// No secret is stored for this account on this computer.
    NoCredential,
    /// The settings name hosts that the stored secret was not given for.
    NotAgreed,
    /// The secret has expired, and no other can be had without a person.
    Expired,
    /// The secret is in a keychain that is locked.
    Locked,
    /// The keychain cannot be used, so it is unknown whether there is a secret.
    Keychain,
    /// The answer of the API cannot be read.
    BadAnswer,
    /// The API accepted the call and reported that it failed.
    Declined,
    /// The server does not permit this account to make this one request; the rest works.
    NotPermitted,
}

/// Why TLS failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsFault {
    /// No authority that is trusted has issued the server's certificate, or something else is wrong
    /// with it.
    Untrusted,
    /// The server's certificate has expired, or is not valid yet.
    Expired,
    /// The server's certificate is for another name.
    Name,
    /// The server wants a certificate of the client, or refuses the one it got.
    ClientCertificate,
    /// What answers speaks no TLS, or no version that is good enough.
    Version,
}

/// A fault with its details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of fault.
    pub fault: Fault,
    /// Details for people: lower case, without secrets.
    pub detail: String,
    /// `Retry-After` of the answer.
    pub retry_after: Option<Duration>,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Try again, after the back-off.
    Retry,
    /// Try again after this long: the server asked for that.
    RetryAfter(Duration),
    /// Look for a newer token, or get one with the password, once; then ask a person.
    RefreshToken,
    /// Ask a person to sign in.
    SignIn,
    /// The server or the settings have to be corrected; try again only once a minute.
    Halt,
}

impl Failure {
    /// A failure without `Retry-After`. The details may hold words of the server: they become one
    /// line without control characters and characters that change the direction of text.
    pub fn new(fault: Fault, detail: impl AsRef<str>) -> Self {
        Self { fault, detail: one_line(detail.as_ref(), MAX_DETAIL_CHARS), retry_after: None }
    }

    /// The only decision table. `repeated` counts how often this same fault came in a row, this one
    /// included: some faults look like configuration only when they persist (a 404 while a server
    /// is being deployed, a session that ends right after SUBSCRIBE).
    pub fn recovery(&self, repeated: u32) -> Recovery {
        let retry = self.retry_after.map_or(Recovery::Retry, Recovery::RetryAfter);
        let unless_persistent = if repeated < PERSISTENT_AFTER { retry } else { Recovery::Halt };
        match self.fault {
            Fault::Unreachable | Fault::TimedOut | Fault::Broken | Fault::Silent => retry,
            Fault::Closed | Fault::Restarting => retry,
            Fault::TurnedAway if repeated < PERSISTENT_AFTER => retry,
            Fault::TurnedAway => Recovery::RefreshToken,
            Fault::BadAnswer | Fault::Declined => retry,
            Fault::Refused | Fault::Status(401) => Recovery::RefreshToken,
            Fault::Status(403)
            | Fault::NoCredential
            | Fault::NotAgreed
            | Fault::Expired
            | Fault::WrongAccount
            | Fault::Password => Recovery::SignIn,
            // Another attempt would make the system ask the person again, who may be away or have
            // declined.
            Fault::Locked => Recovery::SignIn,
            Fault::Status(408 | 425 | 429) => retry,
            Fault::Status(status) if status >= 500 => retry,
            Fault::Status(_) | Fault::Page(_) | Fault::Died | Fault::Protocol | Fault::Denied | Fault::Tls(_) => {
                unless_persistent
            }
            Fault::ProxyAuth
            | Fault::UnusableProxy
            | Fault::Insecure
            | Fault::Settings
            | Fault::Keychain
            | Fault::NotPermitted => Recovery::Halt,
        }
    }

    /// The kind, as people see it.
    pub fn kind(&self) -> Kind {
        match self.fault {
            Fault::Unreachable => Kind::Unreachable,
            Fault::TimedOut => Kind::TimedOut,
            Fault::Tls(TlsFault::Untrusted) => Kind::Tls,
            Fault::Tls(TlsFault::Expired) => Kind::CertificateExpired,
            Fault::Tls(TlsFault::Name) => Kind::CertificateName,
            Fault::Tls(TlsFault::ClientCertificate) => Kind::ClientCertificate,
            Fault::Tls(TlsFault::Version) => Kind::TlsVersion,
            Fault::ProxyAuth => Kind::ProxyAuth,
            Fault::UnusableProxy => Kind::UnusableProxy,
            Fault::Refused | Fault::Status(401) => Kind::Refused,
            Fault::Status(403) => Kind::Forbidden,
            Fault::Status(408 | 425 | 429) => Kind::Busy,
            Fault::Status(status) if status >= 500 => Kind::Busy,
            Fault::Status(_) => Kind::Status,
            Fault::Page(_) => Kind::Page,
            Fault::Password => Kind::Password,
            Fault::WrongAccount => Kind::WrongAccount,
            Fault::Denied => Kind::Denied,
            Fault::Died => Kind::Died,
            Fault::Protocol => Kind::Protocol,
            Fault::Closed | Fault::Restarting | Fault::TurnedAway => Kind::Closed,
            Fault::Broken => Kind::Broken,
            Fault::Silent => Kind::Silent,
            Fault::Insecure => Kind::Insecure,
            Fault::Settings => Kind::Settings,
            Fault::NoCredential => Kind::NoCredential,
            Fault::NotAgreed => Kind::NotAgreed,
            Fault::Expired => Kind::Expired,
            Fault::Locked => Kind::Locked,
            Fault::Keychain => Kind::Keychain,
            Fault::BadAnswer => Kind::BadAnswer,
            Fault::Declined => Kind::Declined,
            Fault::NotPermitted => Kind::NotPermitted,
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

/// After so many times in a row a fault counts as lasting.
pub const PERSISTENT_AFTER: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_server_in_a_failure_cannot_control_a_terminal() {
        let failure = Failure::new(Fault::WrongAccount, "mallory\u{1b}[2J\r\n\u{9b}\u{202e}x ≠ alice");
        assert_eq!(failure.detail, "mallory[2J x ≠ alice");
        assert!(Failure::new(Fault::Closed, "x".repeat(5_000)).detail.chars().count() <= MAX_DETAIL_CHARS);
    }
}
