//! What can go wrong with a server, and the one table of what to do about it.
//!
//! Losing a connection is an input of the [`crate::link`], not an `Err`. [`Failure::recovery`] is the only place that decides
//! between trying again and asking a person; the texts for people (`reason`, `remedy`) stand beside it. Details
//! never hold a secret or a URL with one: they are made where the fault is met, from host names and status codes.

use std::time::Duration;

/// What kind of fault it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// DNS, TCP, a time-out, a broken proxy: the network.
    Unreachable,
    /// The certificate is not trusted, or TLS failed.
    Tls,
    /// The proxy wants a sign-in of its own.
    ProxyAuth,
    /// The endpoint answered the WebSocket upgrade with this HTTP status.
    Status(u16),
    /// The server refused the token or the password.
    Refused,
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
    /// The answer of the API cannot be read.
    BadAnswer,
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
    /// Look for a newer token once, then ask a person.
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
        let unless_persistent = if repeated < PERSISTENT { retry } else { Recovery::Halt };
        match self.fault {
            Fault::Unreachable | Fault::Closed | Fault::Broken | Fault::Silent | Fault::BadAnswer => retry,
            Fault::Refused | Fault::Status(401) => Recovery::RefreshToken,
            Fault::Status(403) | Fault::NoCredential | Fault::WrongAccount => Recovery::SignIn,
            Fault::Status(408 | 425 | 429) => retry,
            Fault::Status(status) if status >= 500 => retry,
            Fault::Status(_) | Fault::Died | Fault::Protocol | Fault::Denied | Fault::Tls => unless_persistent,
            Fault::ProxyAuth | Fault::Insecure | Fault::Settings => Recovery::Halt,
        }
    }

    /// What happened, in one line.
    pub fn reason(&self) -> String {
        let what = match self.fault {
            Fault::Unreachable => "the server cannot be reached",
            Fault::Tls => "the server's certificate is not trusted",
            Fault::ProxyAuth => "the proxy asks for a sign-in",
            Fault::Status(_) => "the server did not accept the connection",
            Fault::Refused => "the server refused the sign-in",
            Fault::WrongAccount => "the server signed in somebody else",
            Fault::Denied => "the server refused the session",
            Fault::Died => "the server ended the session right after the subscriptions",
            Fault::Protocol => "the server broke the protocol",
            Fault::Closed => "the connection was closed",
            Fault::Broken => "the connection broke",
            Fault::Silent => "the server fell silent",
            Fault::Insecure => "the connection would not be encrypted",
            Fault::Settings => "a file named in the settings cannot be used",
            Fault::NoCredential => "nobody has signed in",
            Fault::BadAnswer => "the server's answer cannot be read",
        };
        if self.detail.is_empty() { what.to_owned() } else { format!("{what}: {}", self.detail) }
    }

    /// What to do about it; empty when waiting is enough.
    pub fn remedy(&self) -> &'static str {
        match self.fault {
            Fault::Unreachable | Fault::Closed | Fault::Broken | Fault::Silent | Fault::BadAnswer => "",
            Fault::Status(408 | 425 | 429) => "",
            Fault::Status(status) if status >= 500 => "",
            Fault::Tls => "ask IT whether network.ca_bundle must name your company's certificate authority",
            Fault::ProxyAuth => "ask IT for a proxy that needs no sign-in; set it as network.proxy",
            Fault::Refused | Fault::NoCredential | Fault::Status(401 | 403) => SIGN_IN,
            Fault::WrongAccount => "check auth.login, then sign in with this account's token",
            Fault::Denied => "check server.host and server.subscriptions, and the account's rights on the server",
            Fault::Died => "check that the destinations in server.subscriptions exist and the account may read them",
            Fault::Protocol => "check server.protocol and server.endpoints: this may not be a STOMP endpoint",
            Fault::Status(_) => "check the address in server.endpoints: the path may be wrong",
            Fault::Insecure => "use wss:// or https://, or list the host in network.insecure_hosts",
            Fault::Settings => "correct the file's path or content; nothing was sent",
        }
    }
}

/// The remedy that only a sign-in is.
pub const SIGN_IN: &str = "sign in again with a valid token";

/// So many times in a row, and a fault is no longer taken for a passing one.
pub const PERSISTENT: u32 = 3;
