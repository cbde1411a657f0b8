//! Rows, details and statistics of the inbox, as scripts get them (`docs/reference/commands.md`).
//!
//! Deliberately absent: reading the database. Times are RFC 3339, absent ones `null`.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use belfry_core::{
    alerts::buttons::Offer,
    notice::{Action, NoticeKey, Priority, Source, State},
    storage::{ActionResult, Alert, Seq, ServerDeletion, Stored},
};

/// One row of the inbox. Serialises as the fields that `belfryctl inbox list --json` documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InboxRow {
    /// Its place: for the next page, marks and deletes. Not for scripts.
    #[serde(skip)]
    pub seq: Seq,
    /// The server's id. If two systems use the same id, the scope in [`Detail`] distinguishes them.
    pub id: String,
    /// First line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// The server's `type`.
    pub kind: String,
    /// Who sent it; may be empty.
    pub sender: String,
    /// When, as the server says.
    pub sent_at: Option<Timestamp>,
    /// When it came here first.
    pub received_at: Timestamp,
    /// Whether a person has read it.
    pub read: bool,
    /// Open, decided, withdrawn or expired.
    pub state: State,
    /// Its priority.
    pub priority: Priority,
    /// A link to more about it; untrusted, may be empty.
    pub link: String,
    /// How it came first.
    pub source: Source,
    /// The name that the settings give its kind, if they give one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind_name: Option<String>,
}

/// Everything about one notice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// Its row in the list.
    #[serde(flatten)]
    pub row: InboxRow,
    /// Which of several systems with clashing ids; usually empty.
    pub scope: String,
    /// The server's version of it.
    pub version: Option<i64>,
    /// STOMP destination, or the API path it came by.
    pub destination: String,
    /// Whether the server had delivered it before; `None` if the server does not say.
    pub undelivered: Option<bool>,
    /// What a person may do; nothing once it is settled.
    pub actions: Vec<Action>,
    /// How often the matter was opened, counted from 1.
    pub opening: u32,
    /// What came of the last button that was pressed in this opening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_result: Option<ActionResult>,
    /// A deletion on the server that a person has asked for; only in [`Inbox::show`](super::Inbox::show).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_deletion: Option<ServerDeletion>,
    /// What no pointer mapped.
    pub extra: Map<String, Value>,
    /// Whether and why it notified.
    pub alert: Alert,
}

/// Statistics of the inbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Notices.
    pub total: u64,
    /// Of these, not read, whatever their state.
    pub unread: u64,
    /// Of these, not read and open: what the badge shows.
    pub badge: u64,
    /// Of these, open: a person still has to act, or the server has sent no state.
    pub open: u64,
    /// Of these, decided.
    pub decided: u64,
    /// Of these, withdrawn by the sender.
    pub withdrawn: u64,
    /// Of these, expired.
    pub expired: u64,
    /// Of these, it is not known whether their popup was shown.
    pub uncertain: u64,
    /// Messages that could not be used, ever.
    pub rejected: u64,
    /// When the session was live for the last time.
    pub last_live: Option<Timestamp>,
    /// Nothing sent before this is missing.
    pub complete_through: Option<Timestamp>,
}

impl Detail {
    /// Which notice it is.
    pub fn key(&self) -> NoticeKey {
        NoticeKey { scope: self.scope.clone(), id: self.row.id.clone() }
    }

    /// What it says, and the buttons that it offers with that.
    pub fn offer(&self) -> Offer<'_> {
        Offer { title: &self.row.title, body: &self.row.body, actions: &self.actions }
    }
}

impl From<Stored> for InboxRow {
    fn from(stored: Stored) -> Self {
        Detail::from(stored).row
    }
}

impl From<Stored> for Detail {
    fn from(stored: Stored) -> Self {
        let Stored { seq, source, received_at, read, alert, opening, action_result, notice } = stored;
        let is_open = notice.state == State::Open;
        Self {
            row: InboxRow {
                seq,
                id: notice.key.id,
                title: notice.title,
                body: notice.body,
                kind: notice.kind,
                sender: notice.sender,
                sent_at: notice.sent_at,
                received_at,
                read,
                state: notice.state,
                priority: notice.priority,
                link: notice.link,
                source,
                kind_name: None,
            },
            scope: notice.key.scope,
            version: notice.version,
            destination: notice.destination,
            undelivered: notice.undelivered,
            actions: if is_open { notice.actions } else { Vec::new() },
            opening,
            action_result,
            server_deletion: None,
            extra: notice.extra,
            alert,
        }
    }
}
