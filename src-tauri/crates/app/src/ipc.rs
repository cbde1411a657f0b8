//! What crosses to the window: plain values, made from the engine's. The commands themselves are in
//! the shell's `ipc`.
//!
//! TypeScript reads the same shapes from `ui/src/backend/bindings.ts`, which a test here compares
//! with these types. Invariants: one-line texts carry no control or bidirectional characters;
//! nothing here holds a secret.

use belfry_core::alerts::hold;
use belfry_core::error::Failure;
use belfry_core::foreign_text;
use belfry_core::notice;
use belfry_core::settings::{self, endpoint};
use belfry_core::status;
use engine::Snapshot;
use engine::store::StoreError;
use host::texts;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;
use url::Url;

/// Longest text of what was seen, in characters.
const MAX_LINE_CHARS: usize = 500;

/// An enum of the engine's, as the window knows it: a value that is new there does not compile
/// here.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident of $source:path { $($(#[$tag:meta])* $variant:ident = $from:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[allow(missing_docs, reason = "the variants are those of the engine's type, described there")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[cfg_attr(test, derive(TS))]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$tag])* $variant),+ }

        impl From<$source> for $name {
            fn from(value: $source) -> Self {
                use $source as Source;
                match value { $(Source::$from => Self::$variant),+ }
            }
        }
    };
}

mod actions;
mod notices;
mod setup;

pub use self::actions::{Action, ActionCall, ActionOutcome, ActionResult};
pub use self::notices::{
    Alert, Detail, DetailMarks, Field, Filter, Kind, Kinds, Page, PageQuery, Removed, RemovedOnServer, Row, RowMarks,
    ServerDeletion, Suppressed,
};
pub use self::setup::{
    About, Chosen, Client, DoctorStep, DoctorStepName, ExportFormat, Exported, ForeignHost, Level, Offers, Older,
    Purpose, Server, Setting, Setup, SetupStep, SignInMode, SignedIn, TestStep, Verdict,
};

mirror! {
    /// Where the matter stands.
    State of notice::State { Open = Open, Decided = Decided, Withdrawn = Withdrawn, Expired = Expired }
}
mirror! {
    /// How loud.
    Priority of notice::Priority { Low = Low, Normal = Normal, High = High, Urgent = Urgent }
}
mirror! {
    /// How it arrived.
    Source of notice::Source { Live = Live, Collected = Collected, History = History }
}
mirror! {
    /// The six values people tell apart.
    Connectivity of status::Connectivity {
        Offline = Offline,
        Connecting = Connecting,
        CatchingUp = CatchingUp,
        Live = Live,
        Polling = Polling,
        ActionNeeded = ActionNeeded,
    }
}
mirror! {
    /// What the window speaks.
    Language of texts::Language {
        #[serde(rename = "en")]
        English = English,
        #[serde(rename = "zh-CN")]
        Chinese = Chinese,
    }
}
mirror! {
    /// How the window looks.
    Theme of settings::Theme { System = System, Light = Light, Dark = Dark }
}

/// The connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// One of six.
    pub state: Connectivity,
    /// Since when; RFC 3339.
    pub since: String,
    /// Host, port and path of the endpoint.
    pub endpoint: String,
    /// What happened, or what is off.
    #[cfg_attr(test, ts(optional = nullable))]
    pub fault: Option<Fault>,
    /// Milliseconds until the next attempt, from now; null when none is planned.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub retry_in_ms: Option<i64>,
    /// Nothing sent before this is missing; RFC 3339, null when nothing was collected yet.
    #[cfg_attr(test, ts(optional = nullable))]
    pub complete_through: Option<String>,
    /// Until when notifications are paused; RFC 3339, null when they are not.
    #[cfg_attr(test, ts(optional = nullable))]
    pub paused_until: Option<String>,
    /// For `action-needed`: which button resolves it.
    #[cfg_attr(test, ts(optional = nullable))]
    pub fix: Option<Fix>,
    /// What can be asked of the server now; absent before there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub offers: Option<Offers>,
}

mirror! {
    /// What can be said about the connection; the words are `fault.*` and `remedy.*` of the texts.
    FaultKind of status::Kind {
        Unreachable = Unreachable,
        TimedOut = TimedOut,
        Tls = Tls,
        CertificateExpired = CertificateExpired,
        CertificateName = CertificateName,
        ClientCertificate = ClientCertificate,
        TlsVersion = TlsVersion,
        ProxyAuth = ProxyAuth,
        UnusableProxy = UnusableProxy,
        Busy = Busy,
        Status = Status,
        Page = Page,
        Refused = Refused,
        Forbidden = Forbidden,
        Password = Password,
        WrongAccount = WrongAccount,
        Denied = Denied,
        Died = Died,
        Protocol = Protocol,
        Closed = Closed,
        Broken = Broken,
        Silent = Silent,
        Insecure = Insecure,
        Settings = Settings,
        NoCredential = NoCredential,
        NotAgreed = NotAgreed,
        Expired = Expired,
        Locked = Locked,
        Keychain = Keychain,
        BadAnswer = BadAnswer,
        Declined = Declined,
        NotPermitted = NotPermitted,
        Store = Store,
        ApiMissing = ApiMissing,
        NoApi = NoApi,
        NoHistory = NoHistory,
    }
}
mirror! {
    /// Which button resolves it.
    Fix of status::Fix { SignIn = SignIn, Unlock = Unlock, Settings = Settings, Diagnose = Diagnose }
}

/// What happened, or what is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Which kind of thing.
    pub kind: FaultKind,
    /// What was seen: host, number, setting, or what others said, in whatever language; may be
    /// empty.
    pub detail: String,
    /// It is catch-up that fails; the session goes on.
    pub is_catch_up: bool,
}

impl From<&status::Cause> for Fault {
    fn from(why: &status::Cause) -> Self {
        Self {
            kind: why.kind.into(),
            detail: foreign_text::one_line(&why.detail, MAX_LINE_CHARS),
            is_catch_up: why.is_catch_up,
        }
    }
}

impl From<&Failure> for Fault {
    fn from(failure: &Failure) -> Self {
        Self::from(&status::Cause::from(failure))
    }
}

/// How long a person wants no notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "kebab-case")]
pub enum Pause {
    /// For 30 minutes.
    HalfHour,
    /// For an hour.
    Hour,
    /// Until 8:00 tomorrow.
    UntilTomorrow,
}

impl From<Pause> for hold::Pause {
    fn from(pause: Pause) -> Self {
        match pause {
            Pause::HalfHour => Self::HalfHour,
            Pause::Hour => Self::Hour,
            Pause::UntilTomorrow => Self::UntilTomorrow,
        }
    }
}

/// What the window needs before its first frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Start {
    /// To speak.
    pub language: Language,
    /// To look like.
    pub theme: Theme,
    /// Whose inbox.
    pub account: String,
    /// The connection now.
    pub status: Status,
    /// The notice to show, when a click on a notification opened the window.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub open: Option<i64>,
    /// Which of its buttons to confirm, when one was pressed in a notification.
    #[cfg_attr(test, ts(optional = nullable))]
    pub ask: Option<String>,
    /// The window was opened for its settings.
    pub settings: bool,
    /// What is missing before anything can be received; null when nothing is.
    #[cfg_attr(test, ts(optional = nullable))]
    pub setup: Option<Setup>,
}

/// What the window is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Update {
    /// The connection has changed.
    Status {
        /// As it is now.
        status: Status,
    },
    /// The inbox has changed: read again what is shown.
    Inbox,
    /// A notification was clicked, or a link followed: show this notice.
    Open {
        /// Its place.
        #[cfg_attr(test, ts(type = "number"))]
        seq: i64,
        /// Which of its buttons to confirm, when one was pressed in the notification.
        ask: Option<String>,
    },
    /// Show the settings.
    Settings,
    /// Language or theme are others now.
    Look {
        /// To speak.
        language: Language,
        /// To look like.
        theme: Theme,
    },
    /// Something is missing, or nothing any more.
    Setup {
        /// What.
        setup: Option<Setup>,
    },
    /// A test notice has come so far, or no further.
    Test {
        /// Which step.
        step: TestStep,
        /// Why it failed.
        failure: Option<TestFailure>,
    },
}

/// Why a test notice came no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum TestFailure {
    /// The server did not send it.
    NotSent {
        /// Why.
        error: CommandError,
    },
    /// Nothing arrived.
    NothingCame {
        /// Within so many seconds.
        #[cfg_attr(test, ts(type = "number"))]
        seconds: u64,
    },
    /// Nothing was shown.
    NothingShown {
        /// Within so many seconds.
        #[cfg_attr(test, ts(type = "number"))]
        seconds: u64,
    },
    /// The person's own settings hold notifications back now.
    HeldBack {
        /// Which.
        why: Suppressed,
    },
    /// The system would not show it.
    NotTaken {
        /// Its words.
        why: String,
    },
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "kebab-case")]
pub enum CommandErrorCode {
    /// The inbox cannot be read or written.
    Store,
    /// The notice is no longer there.
    Gone,
    /// The notice says something else, or offers something else, than what was confirmed.
    Changed,
    /// A button of this notice is being carried out.
    Busy,
    /// The link may not be opened.
    LinkRefused,
    /// The system has no browser to open it with.
    NoBrowser,
    /// The system has nothing to show a folder with.
    NoFolder,
    /// No server answers at this address.
    Unreachable,
    /// It answers, but names no settings.
    NotDiscovered,
    /// The settings name hosts that the person has not agreed to; nothing was sent.
    NotAgreed,
    /// It would not be encrypted.
    Insecure,
    /// No address at all.
    BadAddress,
    /// The server refused the sign-in.
    Refused,
    /// The certificate is not trusted.
    Tls,
    /// The server said no, or has no such call.
    Server,
    /// There is no connection.
    Offline,
    /// A wrong value; `key` says where.
    Setting,
    /// A file cannot be written.
    File,
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct CommandError {
    /// For the window.
    pub code: CommandErrorCode,
    /// What was seen: names, numbers, what others said; a sentence only where the code says too
    /// little.
    pub message: String,
    /// Of the server: which fault it was, where the code alone says too little.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub fault: Option<Fault>,
    /// Of a setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub key: Option<String>,
}

impl CommandError {
    /// An error of this kind.
    pub fn new(code: CommandErrorCode, message: impl ToString) -> Self {
        Self { code, message: message.to_string(), fault: None, key: None }
    }
}

impl CommandError {
    /// What an engine's failure is to the window: the words of the code, or, where that says no
    /// more than that the server did not, those of the fault.
    pub fn of(code: CommandErrorCode, failure: &Failure) -> Self {
        let fault = Fault::from(failure);
        Self { fault: (code == CommandErrorCode::Server).then(|| fault.clone()), ..Self::new(code, fault.detail) }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::new(CommandErrorCode::Store, error)
    }
}

impl Status {
    /// The connection as the engine sees it; `endpoints` are those of the settings, `offers` what
    /// they say of the server.
    pub fn of(snapshot: &Snapshot, endpoints: &[Url], offers: Option<Offers>, now: Timestamp) -> Self {
        use belfry_core::status::Connectivity as State;
        let status = &snapshot.status;
        Self {
            state: status.state.into(),
            since: status.since.to_string(),
            endpoint: endpoints.get(status.endpoint).map(address).unwrap_or_default(),
            fault: status.cause.as_ref().map(Fault::from),
            retry_in_ms: snapshot
                .retry_at
                .map(|at| at.duration_since(now).as_millis().clamp(0, i64::MAX.into()) as i64),
            complete_through: snapshot.complete_through.map(|through| through.to_string()),
            paused_until: snapshot.paused_until.map(|until| until.to_string()),
            fix: (status.state == State::ActionNeeded)
                .then(|| status.cause.as_ref().map_or(Fix::Diagnose, |why| why.kind.fix().into())),
            offers: match status.state {
                State::Live | State::CatchingUp | State::Polling => offers,
                // A deletion is kept until the server can be asked.
                State::Offline | State::Connecting | State::ActionNeeded => {
                    offers.map(|Offers { delete, .. }| Offers { delete, ..Offers::default() })
                }
            },
        }
    }
}

/// Host, port and path: what people recognise, without a query that might hold a token.
pub fn address(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}{}", endpoint::readable_path(url)),
        None => format!("{host}{}", endpoint::readable_path(url)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../ui/src/backend/bindings.ts");

    fn generated() -> String {
        let config = ts_rs::Config::default();
        let declarations = [
            State::decl(&config),
            Priority::decl(&config),
            Source::decl(&config),
            Connectivity::decl(&config),
            Language::decl(&config),
            Theme::decl(&config),
            FaultKind::decl(&config),
            Fault::decl(&config),
            TestFailure::decl(&config),
            Status::decl(&config),
            Pause::decl(&config),
            Start::decl(&config),
            Update::decl(&config),
            CommandErrorCode::decl(&config),
            CommandError::decl(&config),
        ];
        let declarations = declarations.into_iter().chain([Fix::decl(&config)]);
        let declarations = declarations.chain(notices::declarations(&config)).chain(setup::declarations(&config));
        let types: String = declarations.map(|declaration| format!("export {declaration}\n")).collect();
        format!(
            "// Generated from src-tauri/crates/app/src/ipc.rs by its test. To update: BELFRY_BLESS=1 cargo test -p belfry-app bindings\n\n{types}"
        )
    }

    #[test]
    fn the_windows_bindings_are_those_of_these_types() {
        if std::env::var_os("BELFRY_BLESS").is_some() {
            std::fs::write(BINDINGS, generated()).unwrap();
        }
        let written = std::fs::read_to_string(BINDINGS).unwrap().replace("\r\n", "\n");
        assert_eq!(written, generated(), "run: BELFRY_BLESS=1 cargo test -p belfry-app bindings");
    }

    #[test]
    fn every_fault_has_its_words_in_every_language() {
        for kind in status::Kind::ALL {
            let name = serde_json::to_value(FaultKind::from(*kind)).unwrap();
            assert_eq!(name, serde_json::to_value(kind).unwrap(), "the window's name is the engine's");
            for language in [texts::Language::English, texts::Language::Chinese] {
                for table in ["fault", "remedy"] {
                    let key: &'static str = format!("{table}.{}", name.as_str().unwrap()).leak();
                    assert_ne!(language.text(key), key);
                }
            }
        }
    }

    #[test]
    fn what_needs_a_person_has_the_button_that_resolves_it() {
        use belfry_core::error::Fault as Met;
        let fix = |fault| Fix::from(Failure::new(fault, "").kind().fix());
        assert_eq!(fix(Met::NoCredential), Fix::SignIn);
        assert_eq!(fix(Met::Status(403)), Fix::SignIn);
        assert_eq!(fix(Met::Insecure), Fix::Settings);
        assert_eq!(fix(Met::Settings), Fix::Diagnose);
    }

    #[test]
    fn an_endpoint_is_named_without_its_query() {
        assert_eq!(address(&Url::parse("wss://push.example.com/ws?token=x").unwrap()), "push.example.com/ws");
        assert_eq!(address(&Url::parse("ws://127.0.0.1:15674/ws").unwrap()), "127.0.0.1:15674/ws");
    }
}
