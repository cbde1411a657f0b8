//! The store of one account: notices, cursor and alert marks in one SQLite database.
//!
//! [`Store`] is the engine's only writer; it takes a batch and makes it one transaction with one fsync (WAL,
//! `synchronous=FULL`). Invariants: a key is stored once; identity outlives the row; the cursor moves in the
//! transaction of the rows it covers. Nothing here knows of servers, sessions or notifications.

use jiff::Timestamp;

use crate::{
    notice::{Notice, NoticeKey, Source, State},
    ports::PopupId,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suppressed {
    /// `notifications.enabled = false`.
    Disabled,
    /// A rule says `mute`.
    Muted,
    /// Quiet hours.
    QuietHours,
    /// It arrived decided, withdrawn or expired.
    NotOpen,
    /// It was rebuilt from history, or the server had delivered it before.
    OldNews,
}

/// A message that cannot be used, kept for diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// Larger than `server.max_message`, or with too many headers.
    TooLarge,
    /// The body is not UTF-8.
    NotUtf8,
    /// Nothing to show in it.
    NotUsable,
}

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
        /// The header lines as received, secrets being the server's own affair; at most 64 KiB.
        head: Vec<u8>,
        /// The first 64 KiB of the body.
        body: Vec<u8>,
        /// When.
        received_at: Timestamp,
    },
    /// The cursor of `api.collect`, in the transaction of the rows it covers.
    Cursor(String),
    /// A pass has run to its end: nothing sent before this is missing.
    CompleteThrough(Timestamp),
    /// The position in a stream, in the transaction of the row it covers.
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
    PopupGone(PopupId),
    /// `notice` events up to here were handed out.
    Announced(Seq),
}

/// What became of one [`Write`], in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// First time this key is seen.
    New {
        /// Its place in the inbox.
        seq: Seq,
        /// Its key as stored (`#2` may have been appended).
        key: NoticeKey,
    },
    /// A newer version, or another state, of a notice that is there.
    Changed {
        /// Its place in the inbox.
        seq: Seq,
        /// Its key.
        key: NoticeKey,
        /// Its state now.
        state: State,
        /// Names of the fields that changed, as in `belfryctl inbox list --json`.
        fields: Vec<&'static str>,
        /// The popup on the screen that speaks for it alone, for an update in place.
        popup: Option<PopupId>,
    },
    /// Known, nothing new.
    Known {
        /// Its place in the inbox.
        seq: Seq,
    },
    /// Deleted or expired before: it stays away.
    Buried,
    /// Those of a [`Write::Claim`] that were due and still are: only they may be shown.
    Claimed(Vec<Seq>),
    /// Done.
    Done,
}

/// The result of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// One per write.
    pub outcomes: Vec<Outcome>,
    /// Popups on the screen that no longer speak for anything unread and open: retract them, then
    /// [`Write::PopupGone`].
    pub withdraw: Vec<PopupId>,
}
