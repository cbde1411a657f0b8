//! The events of the engine, in the words of `belfryctl run --json` (`docs/reference/commands.md`).
//!
//! Serialised, each variant is one line of that output. Nothing here holds a secret.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    notice::{NoticeKey, NoticeKeys, Source, State},
    ports::{PopupId, PopupKind},
    status::StatusEvent,
    storage::RejectReason,
};

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The state people see has changed.
    Status(StatusEvent),
    /// A notice is in the inbox: after its commit, once per id and data directory.
    Notice {
        /// Its id.
        id: String,
        /// Its title.
        title: String,
        /// The server's type.
        kind: String,
        /// How it arrived.
        source: Source,
        /// When the server says it was sent.
        sent_at: Option<Timestamp>,
        /// Emitted again after a crash, since the first time may have been lost.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        replayed: bool,
    },
    /// A notice that is in the inbox has changed.
    Changed {
        /// Its id.
        id: String,
        /// Its state now.
        state: State,
        /// Which fields.
        fields: Vec<&'static str>,
    },
    /// A pass of catch-up has ended.
    CaughtUp {
        /// Rows the server sent.
        fetched: u64,
        /// Notices that were new.
        new: u64,
        /// No message that was sent before this time is missing.
        complete_through: Option<Timestamp>,
        /// The pass was ended at its limit of pages; the next one continues.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        incomplete: bool,
    },
    /// What was handed to the OS (without a desktop: what would have been).
    Notification {
        /// Single, summary, update, or retract.
        r#type: NotificationType,
        /// Its notices, printed as their ids.
        #[serde(serialize_with = "ids")]
        notices: NoticeKeys,
        /// Its first line; empty for a retraction.
        summary: String,
    },
    /// A message that could not be used.
    Rejected {
        /// Why.
        reason: RejectReason,
        /// Where it came from.
        destination: String,
    },
    /// A person clicked a notification. Only where there is a desktop.
    Activated {
        /// The notices of that notification.
        notices: Vec<NoticeKey>,
        /// `default`, or the key of the button.
        action: String,
        /// The OS's name for the notification.
        #[serde(skip)]
        popup: PopupId,
        /// Lets a window take the focus (XDG).
        #[serde(skip)]
        activation_token: Option<String>,
    },
}

/// Without a copy of each: a summary may stand for a hundred thousand notices.
fn ids<S: Serializer>(notices: &NoticeKeys, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(notices.iter().map(|key| key.id))
}

/// What happened to a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationType {
    /// One notice popped up.
    Single,
    /// Several notices popped up as one.
    Summary,
    /// A notification on the screen has new text.
    Update,
    /// A notification was taken off the screen.
    Retract,
}

impl From<PopupKind> for NotificationType {
    fn from(kind: PopupKind) -> Self {
        match kind {
            PopupKind::Single | PopupKind::Question | PopupKind::Result => Self::Single,
            PopupKind::Summary => Self::Summary,
            PopupKind::Update => Self::Update,
        }
    }
}
