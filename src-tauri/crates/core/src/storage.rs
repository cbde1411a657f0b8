//! What the store takes and what it answers: writes, outcomes and marks.
//!
//! Values only; what they do is in the writer. Every name that reaches a person or a script
//! serialises as `docs/reference` spells it.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    notice::{Notice, NoticeKey, Source},
    ports::PopupId,
    words::words,
};

/// Arrival number of a notice: the order of the inbox. Never used twice, not even after a delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seq(pub i64);

/// What is to happen to the alert of a notice that turns out to be new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertMark {
    /// A popup is owed.
    Due,
    /// None is owed, and why: the answer to "why was I not notified?".
    Suppressed(Suppressed),
}

/// Why no popup is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suppressed {
    /// `notifications.enabled = false`.
    Disabled,
    /// A rule says `mute`.
    Muted,
    /// Quiet hours.
    QuietHours,
    /// It arrived decided, withdrawn or expired, or became so before its popup.
    NotOpen,
    /// It was rebuilt from history, or the server had delivered it before.
    OldNews,
    /// It was read before its popup.
    Read,
}

/// Where the alert of a stored notice stands: the answer to "why was I (not) notified?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "mark", content = "why")]
pub enum Alert {
    /// A popup is owed.
    Due,
    /// None is owed.
    Suppressed(Suppressed),
    /// One is about to be shown.
    Claimed,
    /// One was shown.
    Shown,
    /// The OS would not show it; its words.
    Refused(String),
    /// The program ended between claim and outcome: it may have been shown, and is never shown again.
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
    /// Nothing to show in it.
    NotUsable,
}

words!(RejectReason { TooLarge = "too-large", NotUtf8 = "not-utf8", NotUsable = "not-usable" });
words!(Suppressed {
    Disabled = "disabled",
    Muted = "muted",
    QuietHours = "quiet-hours",
    NotOpen = "not-open",
    OldNews = "old-news",
    Read = "read",
});

/// One thing to write. A batch of these is one transaction.
#[derive(Debug, Clone)]
pub enum Write {
    /// A notice from a server; its alert mark holds if it is new.
    Notice {
        /// What arrived.
        notice: Box<Notice>,
        /// By which way.
        source: Source,
        /// When.
        received_at: Timestamp,
        /// What a new one owes.
        alert: AlertMark,
    },
    /// A message that cannot be used.
    Rejected {
        /// Why.
        reason: RejectReason,
        /// STOMP destination or API path.
        destination: String,
        /// The header lines as received, secrets being the server's own affair; at most [`MAX_REJECTED_BYTES`] are kept.
        head: Vec<u8>,
        /// The first [`MAX_REJECTED_BYTES`] of the body; the rest is not kept.
        body: Vec<u8>,
        /// When.
        received_at: Timestamp,
    },
    /// The cursor of `api.collect`, in the transaction of the rows it covers.
    Cursor(String),
    /// A pass has run to its end: nothing sent before this is missing.
    CompleteThrough(Timestamp),
    /// The session was live at this time.
    LastLive(Timestamp),
    /// The position in a stream, in the transaction of the row it covers. The last one written holds, even if lower: a
    /// stream that was deleted and made again counts from the beginning.
    StreamOffset {
        /// The queue or destination that is a stream.
        stream: String,
        /// `x-stream-offset` of the row.
        offset: u64,
    },
    /// Popups are about to be shown for these: in a commit of its own, before the OS call.
    Claim(Vec<Seq>),
    /// The OS has the popup.
    Shown {
        /// The notices it speaks for.
        seqs: Vec<Seq>,
        /// What the OS calls it.
        popup: PopupId,
    },
    /// The OS would not show it.
    Refused {
        /// The notices it would have spoken for.
        seqs: Vec<Seq>,
        /// What was said.
        why: String,
    },
    /// A popup left the screen.
    PopupClosed(PopupId),
    /// `notice` events up to here were handed out.
    Announced(Seq),
    /// No `notice` event from here on is handed out by this run.
    FirstUnannounced(Seq),
}

/// What became of one [`Write`], in the same order.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// First time this key is seen.
    New {
        /// Its place in the inbox.
        seq: Seq,
        /// Its key as stored (`#2` may have been appended).
        key: NoticeKey,
    },
    /// A newer version, or another state, of a notice that is there; or what the word about it that came first left open. Read stays read, and a mark that is set stays set:
    /// it never rings a second time.
    Changed {
        /// Its place in the inbox.
        seq: Seq,
        /// What it says now.
        notice: Box<Notice>,
        /// Names of the fields that changed, as in `belfryctl inbox list|show --json`; never empty.
        fields: Vec<&'static str>,
        /// The popup on the screen that speaks for it alone, for an update in place; none once it is read or no longer
        /// open, since that popup is to be withdrawn.
        popup: Option<PopupId>,
    },
    /// Known, nothing new.
    Known {
        /// Its place in the inbox.
        seq: Seq,
    },
    /// Deleted or expired before: it stays away.
    Deleted,
    /// Those of a [`Write::Claim`] that were due and still are: only they may be shown.
    Claimed(Vec<Seq>),
    /// Done.
    Done,
}

/// The result of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// One per write.
    pub outcomes: Vec<Outcome>,
    /// Popups on the screen that no longer speak for anything unread and open: retract them, then
    /// [`Write::PopupClosed`]. They are listed after every batch until then.
    pub withdraw: Vec<PopupId>,
}

/// A notice as it lies in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its place in the inbox.
    pub seq: Seq,
    /// By which way it came first.
    pub source: Source,
    /// When it came first.
    pub received_at: Timestamp,
    /// Whether a person has read it.
    pub read: bool,
    /// Where its alert stands.
    pub alert: Alert,
    /// Its newest version. The identity reads [`Assigned`](crate::notice::Identity::Assigned): stored, it is a name like any
    /// other.
    pub notice: Notice,
}

/// What was found at start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovered {
    /// Notices whose popup was claimed and has no outcome: marked uncertain just now, still unread.
    pub uncertain: u64,
    /// Notices that are still owed a popup, oldest first: to be decided again, as one batch.
    pub due: Vec<Stored>,
    /// Notices after the [`Write::Announced`] mark, oldest first: to be announced, perhaps again.
    pub unannounced: Vec<Stored>,
    /// From here on they were certainly not announced: the last run had said as much as it was to say.
    pub first_unannounced: Option<Seq>,
    /// Popups that may still be on the screen, and the notices each speaks for.
    pub popups: Vec<(PopupId, Vec<NoticeKey>)>,
    /// Of these, those that speak for nothing unread and open any more: it was read, decided or deleted while no engine
    /// ran, or just before the last one died.
    pub withdraw: Vec<PopupId>,
}

/// How many of everything. Kept by the database as it changes, so asking costs nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Notices in the inbox.
    pub notices: u64,
    /// Of these, not read, whatever their state.
    pub unread: u64,
    /// Of these, not read and open: what the badge shows.
    pub badge: u64,
    /// Messages that could not be used, ever.
    pub rejected: u64,
}
