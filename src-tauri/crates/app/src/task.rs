//! Work that waits, beside the controller: how a task answers a request, and what it reports back.
//!
//! Invariant: what belongs to a session or an attempt carries its number, so the controller can
//! drop a late outcome.

use std::path::PathBuf;

use belfry_core::account::Account;
use belfry_core::settings::Settings;
use belfry_core::settings::origins::AgreedOrigins;
use engine::Engine;
use engine::net::discovery::DiscoveredServer;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::ipc::{CommandError, CommandErrorCode, Exported, Older, Setting, SignedIn, Update};
use crate::request::{Reply, WindowToken};

/// How tasks report back.
pub(crate) type Reporter = mpsc::UnboundedSender<Outcome>;

/// What a task reports.
pub(crate) enum Outcome {
    InboxChanged,
    NoticeFound { found: Result<Option<i64>, CommandError>, window: Option<WindowToken> },
    OpenUrl { link: String, reply: Reply<()> },
    Discovered { number: u64, address: String, found: Box<DiscoveredServer> },
    Checked { attempt: u64, checked: Result<Box<Checked>, CommandError> },
    Applied { settings: Result<Box<Settings>, CommandError>, after: After },
    Restarted { engine: Result<Box<Engine>, CommandError>, after: After },
    OlderRead(OlderRead),
    Exported { written: Result<(PathBuf, u64), CommandError>, reply: Reply<Exported> },
    Test(TestProgress),
    EngineEnded,
}

/// Keys of the settings file, with their new values; `None` takes a key out.
pub(crate) type SettingChanges = Vec<(String, Option<Value>)>;

/// A sign-in that the server has accepted.
pub(crate) struct Checked {
    pub(crate) account: Account,
    pub(crate) secret: SecretString,
    pub(crate) agreed: AgreedOrigins,
    pub(crate) changes: SettingChanges,
}

/// What is left to do when the engine runs with the change.
pub(crate) enum After {
    SignedIn { signed_in: SignedIn, reply: Reply<SignedIn> },
    SignedOut { reply: Reply<()> },
    Saved { reply: Reply<Vec<Setting>> },
    Reloaded { is_server_locked: bool },
}

/// What a task has read.
pub(crate) struct OlderRead {
    pub(crate) generation: u64,
    pub(crate) next_page: u32,
    pub(crate) result: Result<Older, CommandError>,
    pub(crate) reply: Reply<Older>,
}

/// What a test reports.
pub(crate) struct TestProgress {
    pub(crate) number: u64,
    /// `None`: the test is over.
    pub(crate) update: Option<Update>,
}

/// Answers a request. The window that asked may have closed.
pub(crate) fn answer<T>(reply: Reply<T>, result: Result<T, CommandError>) {
    drop(reply.send(result));
}

/// Reports to the controller, which is gone once the program has ended.
pub(crate) fn report(reporter: &Reporter, outcome: Outcome) {
    drop(reporter.send(outcome));
}

/// Does what may wait for the disk or the keychain on a thread that may.
///
/// # Errors
/// Those of `work`.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(CommandError::new(CommandErrorCode::File, error)))
}
