//! What the store takes and returns: writes, outcomes and marks.
//!
//! Values only; deliberately absent: SQL. Every name that reaches a person or a script serialises
//! as `docs/reference` spells it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    notice::{Notice, NoticeKey, Source, copies::Arrival},
    ports::PopupId,
    status::Kind,
    words::words,
};

/// Arrival number of a notice: the order of the inbox. Never used twice, not even after a delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seq(pub i64);

/// One opening of the matter that a notice is about. Each notifies at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Opening {
    /// The notice.
    pub seq: Seq,
    /// Which of its openings, counted from 1.
    pub number: u32,
}

/// The alert of a notice, if the store finds it to be new or opened once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertMark {
    /// A popup has to be shown.
    Due,
    /// No popup, and why: the answer to "why was I not notified?".
    Suppressed(Suppressed),
}

/// Why no popup is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suppressed {
    /// `notifications.enabled = false`.
    Disabled,
    /// A rule says `mute`.
    Muted,
    /// Quiet hours. It is part of the summary when they end.
    QuietHours,
    /// A person had paused notifications. It is part of the summary when the pause ends.
    Paused,
    /// The desktop had no notification service. It is shown when one has started.
    NoService,
    /// It arrived decided, withdrawn or expired, or became so before its popup.
    NotOpen,
    /// It was read from the history, or the server had delivered it before.
    OldNews,
    /// It was read before its popup.
    Read,
}

/// The state of a stored notice's alert: the answer to "why was I (not) notified?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "mark", content = "why")]
pub enum Alert {
    /// A popup has to be shown.
    Due,
    /// No popup is shown.
    Suppressed(Suppressed),
    /// One is about to be shown.
    Claimed,
    /// One was shown.
    Shown,
    /// The OS has it, but does not disturb the person now.
    Silenced,
    /// The OS refused to show it; its words.
    Refused(String),
    /// The program ended between claim and outcome: it may have been shown, and is never shown
    /// again.
    Uncertain,
}

/// How much of a message that cannot be used is kept, of its header and of its body each, in bytes.
pub const MAX_REJECTED_BYTES: usize = 64 * 1024;

/// Why a message cannot be used; the message is kept for diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectReason {
    /// Larger than `server.max_message`, or with too many headers.
    TooLarge,
    /// The body is not UTF-8.
    NotUtf8,
    /// It has nothing to show.
    NotUsable,
}

words!(RejectReason { TooLarge = "too-large", NotUtf8 = "not-utf8", NotUsable = "not-usable" });
words!(Suppressed {
    Disabled = "disabled",
    Muted = "muted",
    QuietHours = "quiet-hours",
    Paused = "paused",
    NoService = "no-service",
    NotOpen = "not-open",
    OldNews = "old-news",
    Read = "read",
});

/// One thing to write. A batch of these is one transaction.
#[derive(Debug, Clone)]
pub enum Write {
    /// A notice from a server.
    Notice {
        /// What arrived.
        notice: Box<Notice>,
        /// How it arrived.
        arrival: Arrival,
        /// When.
        received_at: Timestamp,
        /// Its alert, if it is new.
        alert: AlertMark,
        /// Its alert, if it is known and this is a new opening.
        alert_if_opened: AlertMark,
    },
    /// A message that cannot be used.
    Rejected {
        /// Why.
        reason: RejectReason,
        /// STOMP destination or API path.
        destination: String,
        /// The header lines as received; whether they hold a secret is up to the server; at most
        /// [`MAX_REJECTED_BYTES`] are kept.
        head: Vec<u8>,
        /// The first [`MAX_REJECTED_BYTES`] of the body; the rest is not kept.
        body: Vec<u8>,
        /// When.
        received_at: Timestamp,
    },
    /// The cursor of `api.collect`, in the transaction of the rows it covers.
    Cursor(String),
    /// A pass has ended: no message that was sent before this time is missing.
    CompleteThrough(Timestamp),
    /// The session was live at this time.
    LastLive(Timestamp),
    /// The position in a stream, in the transaction of the row it covers. The last one written
    /// counts, even if it is lower: a stream that was deleted and created again starts at the
    /// beginning.
    StreamOffset {
        /// The queue or destination that is a stream.
        stream: String,
        /// `x-stream-offset` of the row.
        offset: u64,
    },
    /// Popups are about to be shown for these: in a commit of its own, before the OS call.
    Claim(Vec<Opening>),
    /// The OS has the popup.
    Shown {
        /// The notices of the popup.
        openings: Vec<Opening>,
        /// The OS's name for it.
        popup: PopupId,
        /// Whether the OS is told not to disturb, so that the person does not see it now.
        is_silenced: bool,
    },
    /// The OS refused to show it.
    Refused {
        /// The notices of the popup.
        openings: Vec<Opening>,
        /// The words of the OS.
        why: String,
    },
    /// There was no notification service to show them.
    NoService(Vec<Opening>),
    /// A popup was updated, and the OS gave it another name.
    PopupReplaced {
        /// The name before, which is no longer on the screen.
        old: PopupId,
        /// The name now.
        new: PopupId,
    },
    /// A popup left the screen.
    PopupClosed(PopupId),
    /// `notice` events up to this one were emitted.
    Announced(Seq),
    /// From this notice on, this run emits no `notice` event.
    FirstUnannounced(Seq),
    /// A person pauses notifications until this time, or ends the pause.
    PauseUntil(Option<Timestamp>),
    /// Nothing holds notifications back any more: the alerts that were, and whose notices are unread
    /// and open, are due.
    Release,
    /// The server has deleted its record, or has none: the notice here is deleted too.
    ServerDeleted(NoticeKey),
    /// The server refuses to delete a record.
    ServerDeletionsRefused {
        /// Which; `None`: all that a person has asked for.
        key: Option<NoticeKey>,
        /// Why.
        why: DeletionRefusal,
    },
}

impl Write {
    /// About how much memory it takes, in bytes.
    pub fn size(&self) -> usize {
        let own = match self {
            Self::Notice { notice, .. } => notice.size(),
            Self::Rejected { destination, head, body, .. } => destination.len() + head.len() + body.len(),
            Self::Cursor(text) | Self::PopupClosed(PopupId(text)) => text.len(),
            Self::StreamOffset { stream, .. } => stream.len(),
            Self::ServerDeleted(key) => key.scope.len() + key.id.len(),
            Self::ServerDeletionsRefused { why, .. } => why.detail.len(),
            Self::PopupReplaced { old, new } => old.0.len() + new.0.len(),
            Self::Claim(openings)
            | Self::Shown { openings, .. }
            | Self::Refused { openings, .. }
            | Self::NoService(openings) => size_of_val(openings.as_slice()),
            Self::CompleteThrough(_)
            | Self::LastLive(_)
            | Self::Announced(_)
            | Self::FirstUnannounced(_)
            | Self::PauseUntil(_)
            | Self::Release => 0,
        };
        size_of::<Self>() + own
    }
}

/// The result of one [`Write`].
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The key is new.
    New {
        /// Its place in the inbox.
        seq: Seq,
        /// Its key as stored (`#2` may have been appended).
        key: NoticeKey,
    },
    /// A newer version or another state of a stored notice, a fuller message after a partial one, or
    /// the return of one that was deleted after it was settled. Its read mark and its alert mark
    /// stay as they are, unless this is a new opening: that is unread, and may pop up once.
    Changed {
        /// The notice, in its present opening.
        opening: Opening,
        /// The alert of the opening, if that is new or was held back and is due now.
        alert: Option<AlertMark>,
        /// Its content now.
        notice: Box<Notice>,
        /// Names of the fields that changed, as in `belfryctl inbox list|show --json`; never empty.
        fields: Vec<&'static str>,
        /// The popup on the screen that shows only this notice, to be updated in place; `None` once
        /// it is read or no longer open, since the popup is withdrawn then.
        popup: Option<PopupId>,
    },
    /// Known and unchanged.
    Known {
        /// Its place in the inbox.
        seq: Seq,
    },
    /// Deleted by a person or by the retention period: it is not stored again.
    Deleted,
    /// A [`Write::Rejected`] without headers that was rejected before: a page brings its rows again.
    KnownRejected,
    /// The alerts of a [`Write::Claim`] that are still due: only these may be shown.
    Claimed(Vec<Opening>),
    /// The notices of a [`Write::Release`], oldest first.
    Released(Vec<Stored>),
    /// What a notice says of a deletion on the server has changed, or the notice is gone.
    ServerDeletion,
    /// Done.
    Done,
}

/// The result of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// One per write.
    pub outcomes: Vec<Outcome>,
    /// Popups on the screen without any unread and open notice: retract them, then
    /// [`Write::PopupClosed`]. They are listed after every batch until then.
    pub withdraw: Vec<PopupId>,
}

/// What came of a button that was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionOutcome {
    /// The server has carried it out.
    Done,
    /// The server has refused it, or nothing was sent.
    Refused,
    /// It was sent, and whether it was carried out is not known.
    Unknown,
}

/// What came of the last button that was pressed on a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionResult {
    /// The server's name for the action.
    pub action: String,
    /// What the button said.
    pub label: String,
    /// When it was pressed.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: ActionOutcome,
    /// What failed, where no answer says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Kind>,
    /// The server's status and words, or where it failed; may be empty. Untrusted.
    pub detail: String,
}

/// A deletion on the server that a person has asked for, and that the server has not carried out
/// yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerDeletion {
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Why the server has refused it; it is asked again after the next connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<DeletionRefusal>,
}

/// Why the server has refused a deletion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionRefusal {
    /// The kind.
    pub kind: Kind,
    /// Host, number, or the words of the server. Untrusted.
    pub detail: String,
}

/// A stored notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its place in the inbox.
    pub seq: Seq,
    /// How it arrived first.
    pub source: Source,
    /// When it came first.
    pub received_at: Timestamp,
    /// Whether a person has read it.
    pub read: bool,
    /// The state of its alert.
    pub alert: Alert,
    /// How often the matter was opened, counted from 1.
    pub opening: u32,
    /// What came of the last button that was pressed in this opening.
    pub action_result: Option<ActionResult>,
    /// Its newest version. Its identity is always [`Assigned`](crate::notice::Identity::Assigned):
    /// the stored id is final.
    pub notice: Notice,
}

/// What the store found at start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovered {
    /// Notices whose popup was claimed and has no outcome: marked uncertain just now, still unread.
    pub uncertain: u64,
    /// Notices whose alert is still due, oldest first: decided again, as one batch.
    pub due: Vec<Stored>,
    /// Notices after the [`Write::Announced`] mark, oldest first: to be announced, perhaps again.
    pub unannounced: Vec<Stored>,
    /// From this notice on they were certainly not announced: the last run had reached its limit.
    pub first_unannounced: Option<Seq>,
    /// Popups that may still be on the screen, with their notices.
    pub popups: Vec<(PopupId, Vec<NoticeKey>)>,
    /// Of these, those without any unread and open notice: they were read, decided or deleted while
    /// no engine ran, or just before the last one ended.
    pub withdraw: Vec<PopupId>,
    /// Whether alerts are held back that a [`Write::Release`] would make due.
    pub has_held: bool,
    /// Until when a person has paused notifications.
    pub paused_until: Option<Timestamp>,
    /// The last committed offset of each stream ([`Write::StreamOffset`]).
    pub stream_offsets: HashMap<String, u64>,
    /// What a person has asked the server to delete, and when, oldest first.
    pub server_deletions: Vec<(NoticeKey, Timestamp)>,
}

/// Totals. The database updates them with every change, so reading them is cheap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Notices in the inbox.
    pub notices: u64,
    /// Of these, not read, whatever their state.
    pub unread: u64,
    /// Of these, not read and open: what the badge shows.
    pub badge: u64,
    /// All messages that could not be used.
    pub rejected: u64,
}
