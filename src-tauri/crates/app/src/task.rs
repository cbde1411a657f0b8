//! Work that waits, beside the controller: how a task answers a request, and what it reports back.
//!
//! Invariant: what belongs to a session or an attempt carries its number, so the controller can
//! drop a late outcome.

use std::path::PathBuf;

use belfry_core::settings::Settings;
use engine::Engine;
use engine::net::discovery::DiscoveredServer;
use tokio::sync::mpsc;

use crate::account::Checked;
use crate::change::After;
use crate::history::OlderRead;
use crate::ipc::{CommandError, CommandErrorCode, Exported};
use crate::request::{Reply, WindowToken};
use crate::test_notice::TestProgress;

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
