//! Work that waits, beside the controller: how a task answers a request, and what it reports back.
//!
//! Invariant: what belongs to a session or an attempt carries its number, so the controller can
//! drop a late outcome.

use std::path::PathBuf;

use belfry_core::account::Account;
use belfry_core::notice::NoticeKey;
use belfry_core::ports::{NotifyError, PopupId};
use belfry_core::settings::Settings;
use belfry_core::settings::origins::AgreedOrigins;
use belfry_core::storage::ActionResult;
use engine::Engine;
use engine::inbox::Detail;
use engine::net::device_queues::DeviceQueues;
use engine::net::discovery::DiscoveredServer;
use engine::net::oidc::browser::BrowserIdentity;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::mpsc;
use url::Url;

use crate::ipc::{CommandError, CommandErrorCode, Exported, Older, Setting, SignedIn, Update};
use crate::request::{Reply, WindowToken};
use crate::tray::LatestNotice;

/// How tasks report back.
pub(crate) type Reporter = mpsc::UnboundedSender<Outcome>;

/// A notice that the window is to show.
pub(crate) struct NoticeToShow {
    pub(crate) seq: i64,
    /// The button that it asks to confirm.
    pub(crate) ask: Option<String>,
}

/// What a task reports.
pub(crate) enum Outcome {
    InboxChanged,
    NoticeFound {
        found: Result<Option<NoticeToShow>, CommandError>,
        window: Option<WindowToken>,
    },
    OpenUrl {
        link: String,
        reply: Reply<()>,
    },
    Discovered {
        number: u64,
        address: String,
        found: Box<DiscoveredServer>,
    },
    OpenSignIn {
        attempt: u64,
        url: Url,
    },
    Browsed {
        attempt: u64,
        identity: Result<Box<BrowserIdentity>, CommandError>,
    },
    Checked {
        attempt: u64,
        checked: Result<Box<Checked>, CommandError>,
    },
    Applied {
        settings: Result<Box<Settings>, CommandError>,
        after: After,
    },
    Restarted {
        engine: Result<Box<Engine>, CommandError>,
        after: After,
    },
    OlderRead(OlderRead),
    Exported {
        written: Result<(PathBuf, u64), CommandError>,
        reply: Reply<Exported>,
    },
    Test(TestProgress),
    /// The notice of a popup's button was read.
    Pressed {
        found: Result<Option<Box<Detail>>, CommandError>,
        key: String,
        token: Option<String>,
    },
    Asked {
        name: String,
        shown: Result<PopupId, NotifyError>,
        token: Option<String>,
    },
    /// The notice of a question has changed; `says` is how it is called now if it still offers
    /// the button.
    NoLongerOffered {
        question: String,
        says: Option<NoticeName>,
    },
    /// A button that was confirmed in a popup.
    CarriedOut {
        notice: NoticeName,
        label: String,
        carried: Result<CarriedOut, CommandError>,
    },
    /// A button of the window.
    ButtonDone {
        seq: i64,
    },
    Said {
        seq: i64,
        shown: Result<PopupId, NotifyError>,
    },
    LatestRead {
        generation: u64,
        latest: Result<Vec<LatestNotice>, CommandError>,
    },
    /// The wait after an engine that has ended by itself is over.
    EngineDue,
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
    SignedIn {
        signed_in: SignedIn,
        reply: Reply<SignedIn>,
    },
    SignedOut {
        queues: Option<DeviceQueues>,
        reply: Reply<()>,
    },
    Saved {
        reply: Reply<Vec<Setting>>,
    },
    Reloaded {
        is_server_locked: bool,
    },
    /// It replaces an engine that has ended by itself.
    Recovered,
}

/// A notice, as the popups about its buttons name it.
#[derive(Debug, Clone)]
pub(crate) struct NoticeName {
    pub(crate) seq: i64,
    pub(crate) key: NoticeKey,
    pub(crate) title: String,
}

impl NoticeName {
    pub(crate) fn of(detail: &Detail) -> Self {
        Self { seq: detail.row.seq.0, key: detail.key(), title: detail.row.title.clone() }
    }
}

/// A button whose request was sent, or at least tried.
#[derive(Debug)]
pub(crate) struct CarriedOut {
    /// What came of it.
    pub(crate) result: ActionResult,
    /// Why it was not carried out, or why that could not be kept.
    pub(crate) error: Option<CommandError>,
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
