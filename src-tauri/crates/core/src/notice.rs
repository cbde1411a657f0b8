//! A notice: one item of the inbox, from any kind of server.
//!
//! Its fields; [`parse`] makes notices out of messages, and [`copies`] has the rules between two
//! copies of one. Deliberately absent: I/O, the clock, and whether a notice is new. Invariant: an id
//! is text and is never changed on the way from the server to the inbox.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::words::words;

pub mod copies;
mod fields;
mod keys;
pub mod parse;

pub use copies::Origin;
pub use keys::{KeyPlace, NoticeKeyRef, NoticeKeys};

/// What identifies a notice inside an account: the server's id within a scope
/// (`docs/reference/messages.md`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NoticeKey {
    /// `scope` of the subscription or of the API; empty unless two systems have clashing ids.
    pub scope: String,
    /// The mapped id; else the `amqp-message-id`; else `sha256:` of the content, with `#2`, `#3` …
    /// for equal content.
    pub id: String,
}

/// Whether an id is the server's own or a hash of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The server or the publisher assigned it: the same id is the same notice.
    Assigned,
    /// Hash of the content, from a source that repeats itself (collect, history, raw WebSocket, a
    /// redelivery): equal content is the same notice.
    Content,
    /// Hash of the content, delivered over STOMP without `redelivered:true`: a new notice even when
    /// the content is known; the store appends `#2`, `#3` … to the id.
    FreshContent,
}

/// Where a notice came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Over the session.
    Live,
    /// From `api.collect`.
    Collected,
    /// From `api.history`.
    History,
}

/// The state of the matter that a notice is about. The order is the one that breaks ties between
/// equal versions: a later state beats an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A person still has to act, or the server says nothing about it.
    #[default]
    Open,
    /// It has expired.
    Expired,
    /// The sender withdrew it.
    Withdrawn,
    /// A decision was made.
    Decided,
}

/// How urgent a notice is: 1 (lowest) to 5 (highest), as servers number it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// 1 or 2.
    Low,
    /// 3, and when the server says nothing.
    Normal,
    /// 4.
    High,
    /// 5.
    Urgent,
}

words!(Source { Live = "live", Collected = "collected", History = "history" });
words!(State { Open = "open", Expired = "expired", Withdrawn = "withdrawn", Decided = "decided" });
words!(Priority { Low = "low", Normal = "normal", High = "high", Urgent = "urgent" });

/// Something a person may do from the notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The server's name for it.
    pub id: String,
    /// What the button says.
    pub label: String,
    /// The URL that it opens or calls.
    pub url: String,
    /// HTTP method; empty opens the URL in the browser.
    #[serde(default)]
    pub method: String,
    /// What to ask before doing it.
    #[serde(default)]
    pub confirm: Confirm,
}

/// What a button asks before it does something. A request with the sign-in is confirmed in any
/// case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Confirm {
    /// Whether to ask, in words of our own.
    Asked(bool),
    /// The message's own question.
    Question(String),
}

impl Default for Confirm {
    fn default() -> Self {
        Self::Asked(false)
    }
}

impl Confirm {
    /// Whether to ask.
    pub fn is_wanted(&self) -> bool {
        *self != Self::Asked(false)
    }

    /// The message's own question.
    pub fn question(&self) -> Option<&str> {
        match self {
            Self::Asked(_) => None,
            Self::Question(question) => Some(question),
        }
    }
}

/// A message, mapped (`docs/reference/messages.md`).
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Its identity within the account.
    pub key: NoticeKey,
    /// The kind of that identity.
    pub identity: Identity,
    /// Never empty: falls back to the body's first line, then the destination.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// The server's `type`, as text; may be empty.
    pub kind: String,
    /// May be empty.
    pub sender: String,
    /// When the server says it was sent.
    pub sent_at: Option<Timestamp>,
    /// A link to more information; may be empty. Untrusted.
    pub link: String,
    /// How urgent.
    pub priority: Priority,
    /// The state of the matter.
    pub state: State,
    /// Whether the message said so: one without a state counts as open where it is new, and never
    /// reopens what is settled.
    pub has_state: bool,
    /// The server's version of this notice; the higher wins.
    pub version: Option<i64>,
    /// What a person may do.
    pub actions: Vec<Action>,
    /// The server's delivery status of a collected or history row (`/status`): true for
    /// `undelivered`, false for `delivered`, `None` when it says nothing.
    pub undelivered: Option<bool>,
    /// The message had neither title nor text: it is about a notice ("5 is decided") rather than
    /// being one.
    pub is_partial: bool,
    /// Fields that no pointer maps, kept for the detail view.
    pub extra: Map<String, Value>,
    /// STOMP destination, or the path of the API.
    pub destination: String,
    /// Who could have sent it.
    pub origin: Origin,
}

fn size_of_members(members: &Map<String, Value>) -> usize {
    members.iter().map(|(name, value)| size_of::<String>() + name.len() + size_of_value(value)).sum()
}

fn size_of_value(value: &Value) -> usize {
    let own = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(size_of_value).sum(),
        Value::Object(members) => size_of_members(members),
    };
    size_of::<Value>() + own
}

impl Notice {
    /// About how much memory it takes, in bytes.
    pub fn size(&self) -> usize {
        let texts = [
            &self.key.scope,
            &self.key.id,
            &self.title,
            &self.body,
            &self.kind,
            &self.sender,
            &self.link,
            &self.destination,
        ];
        let of_action = |action: &Action| {
            size_of::<Action>() + action.id.len() + action.label.len() + action.url.len() + action.method.len()
        };
        size_of::<Self>()
            + texts.map(String::len).iter().sum::<usize>()
            + self.actions.iter().map(of_action).sum::<usize>()
            + size_of_members(&self.extra)
    }
}
