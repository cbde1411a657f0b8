//! The record of every message: for whom it is, and which of their devices have had it.
//!
//! Records form a log. A cursor is a place in it, and a page is what the log holds for one person
//! after a cursor. An edit (the same id, a higher version: decided, withdrawn, ...) takes the
//! record out of its place and puts it at the end. So it is behind every cursor already handed out
//! and undelivered to every device, and a client that collected the first version collects the
//! second like any new record; the older one is gone. An id stays its first sender's, also when the
//! record was deleted.
//! Deliberately absent: retention, and telling clients about a deletion.
//! Invariant: serving a record marks nothing; `delivered` follows from a later cursor or an
//! explicit mark.

mod delivery;
mod history;
#[cfg(test)]
mod tests;

pub(crate) use self::delivery::Collect;
pub(crate) use self::history::{HistoryPage, HistoryQuery};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::random_token;
use crate::store::{Store, StoreError, user_id};

/// A place in the log; only compared, never computed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(i64);

impl Position {
    pub(crate) fn of_row(row: i64) -> Self {
        Self(row)
    }

    pub(crate) fn row(self) -> i64 {
        self.0
    }
}

/// What has become of the thing a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Open,
    Decided,
    Withdrawn,
    Expired,
}

/// A button of the notification: an HTTP call the recipient's client makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Action {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// A question to ask before the call is made, or `true`; kept as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confirm: Option<Value>,
}

/// What a sender gives; `sendMessage` without its receivers.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Draft {
    /// Absent: a new id is made. Known: an edit.
    pub(crate) id: Option<String>,
    pub(crate) title: String,
    pub(crate) content: String,
    /// A string or a number, kept as given.
    #[serde(rename = "type")]
    pub(crate) kind: Value,
    pub(crate) url: Option<String>,
    /// `1..5` or `low|normal|high|urgent`, kept as given.
    pub(crate) priority: Option<Value>,
    pub(crate) state: Option<State>,
    /// Absent: 1, or one more than the version it replaces.
    pub(crate) version: Option<u64>,
    pub(crate) actions: Option<Vec<Action>>,
}

/// Whom a message is for, by login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Receivers {
    /// The sender named them.
    Named(Vec<String>),
    /// The sender named no receiver: an edited message stays with those that have it, a new one is
    /// a broadcast to these.
    Everybody(Vec<String>),
}

/// A record as clients see it, but for its `status`, which depends on who asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) content: String,
    #[serde(rename = "type")]
    pub(crate) kind: Value,
    /// The sender's login.
    pub(crate) sender: String,
    /// User ids.
    pub(crate) receiver: Vec<u64>,
    /// When this version was sent, UTC, in milliseconds; so the order of the log is an order in
    /// time.
    pub(crate) send_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<State>,
    pub(crate) version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actions: Option<Vec<Action>>,
}

/// Whether a device has had a record; see [`HistoryQuery`] for what it means in history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Undelivered,
    Delivered,
}

/// A record on its way to a client.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Served {
    #[serde(flatten)]
    pub(crate) record: Record,
    pub(crate) status: Status,
    #[serde(skip)]
    pub(crate) position: Position,
}

/// A record that is to be published.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) served: Served,
    /// Logins.
    pub(crate) receivers: Vec<String>,
    /// It was sent to everybody who was online.
    pub(crate) is_broadcast: bool,
}

/// What came of [`Store::put`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Put {
    /// New, or a newer version: to be published.
    Stored(Box<Stored>),
    /// This version of this id is there already: the sender asked twice.
    Repeated,
}

/// Why a record was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PutError {
    /// Only the first sender of an id may send it again.
    #[error("message {0:?} was first sent by another person: only its sender may change it")]
    NotSender(String),
    /// A higher version is there.
    #[error("message {id:?} is at version {stored}: version {given} comes too late")]
    Stale {
        /// Whose version.
        id: String,
        /// The version that is kept.
        stored: u64,
        /// The version that was given.
        given: u64,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for PutError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What came of [`Store::delete`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    Yes,
    Unknown,
    NotYours,
}

/// The most records on one page, whatever is asked for.
pub(crate) const PAGE_LIMIT: u32 = 1000;
/// Records on a page when nothing is asked for.
pub(crate) const PAGE_DEFAULT: u32 = 200;

/// What the log knows of an id that was used before.
struct Known {
    sender: String,
    version: u64,
    /// Logins, and whether it was a broadcast; `None` if the record was deleted.
    audience: Option<(Vec<String>, bool)>,
}

impl Store {
    /// Stores a new message, or a newer version of a known one.
    pub(crate) fn put(
        &mut self,
        sender: &str,
        draft: Draft,
        receivers: Receivers,
        now: Timestamp,
    ) -> Result<Put, PutError> {
        let transaction = self.db.transaction()?;
        let id = draft.id.unwrap_or_else(|| random_token(12));
        let known = known(&transaction, &id)?;
        let version = match &known {
            None => draft.version.unwrap_or(1),
            Some(known) if known.sender != sender => return Err(PutError::NotSender(id)),
            Some(known) => {
                let version = draft.version.unwrap_or(known.version.saturating_add(1));
                if version == known.version && known.audience.is_some() {
                    return Ok(Put::Repeated);
                }
                if version < known.version {
                    return Err(PutError::Stale { id, stored: known.version, given: version });
                }
                version
            }
        };
        let (receivers, is_broadcast) = match (receivers, known.and_then(|known| known.audience)) {
            (Receivers::Named(named), _) => (named, false),
            (Receivers::Everybody(_), Some(audience)) => audience,
            (Receivers::Everybody(online), None) => (online, true),
        };
        transaction.execute("DELETE FROM record WHERE id = ?1", [&id])?;
        transaction.execute(
            "INSERT INTO message_id (id, sender, version) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET version = excluded.version",
            params![id, sender, version],
        )?;
        let receiver = receivers.iter().map(|login| user_id(&transaction, login)).collect::<Result<_, _>>()?;
        let record = Record {
            id,
            title: draft.title,
            content: draft.content,
            kind: draft.kind,
            sender: sender.to_owned(),
            receiver,
            send_time: Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now),
            url: draft.url,
            priority: draft.priority,
            state: draft.state,
            version,
            actions: draft.actions,
        };
        let json = serde_json::to_string(&record).map_err(StoreError::Json)?;
        transaction.execute(
            "INSERT INTO record (id, sender, sent_ms, is_broadcast, json) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![record.id, record.sender, record.send_time.as_millisecond(), is_broadcast, json],
        )?;
        let position = Position(transaction.last_insert_rowid());
        for login in &receivers {
            transaction.execute(
                "INSERT OR IGNORE INTO recipient (user, position) VALUES (?1, ?2)",
                params![login, position.0],
            )?;
        }
        transaction.commit()?;
        let served = Served { record, status: Status::Undelivered, position };
        Ok(Put::Stored(Box::new(Stored { served, receivers, is_broadcast })))
    }

    /// Removes a record for everybody, when its sender or a receiver asks.
    pub(crate) fn delete(&mut self, user: &str, id: &str) -> Result<Deleted, StoreError> {
        let transaction = self.db.transaction()?;
        let allowed: Option<bool> = transaction
            .query_row(
                "SELECT sender = ?1 OR EXISTS (
                     SELECT 1 FROM recipient p WHERE p.user = ?1 AND p.position = record.position)
                 FROM record WHERE id = ?2",
                [user, id],
                |row| row.get(0),
            )
            .optional()?;
        match allowed {
            None => Ok(Deleted::Unknown),
            Some(false) => Ok(Deleted::NotYours),
            Some(true) => {
                transaction.execute("DELETE FROM record WHERE id = ?1", [id])?;
                transaction.commit()?;
                Ok(Deleted::Yes)
            }
        }
    }

    /// The cursor that stands for a place, as clients see it.
    pub(crate) fn cursor(&self, position: Position) -> String {
        format!("{}-{}", self.log, position.0)
    }

    /// Reads a cursor. One that this log never gave out (it belongs to an earlier, empty start) is
    /// no cursor: the client then gets all it has not had, which may be more than it needs and
    /// never less.
    pub(crate) fn position(&self, cursor: &str) -> Option<Position> {
        let (log, position) = cursor.rsplit_once('-')?;
        (log == self.log).then(|| position.parse().ok().map(Position)).flatten()
    }
}

fn known(transaction: &Transaction<'_>, id: &str) -> Result<Option<Known>, rusqlite::Error> {
    let known = transaction
        .query_row(
            "SELECT m.sender, m.version, r.position, r.is_broadcast
             FROM message_id m LEFT JOIN record r ON r.id = m.id WHERE m.id = ?1",
            [id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<i64>>(2)?, row.get::<_, Option<bool>>(3)?)),
        )
        .optional()?;
    let Some((sender, version, position, is_broadcast)) = known else { return Ok(None) };
    let audience = match position {
        None => None,
        Some(position) => {
            let mut statement = transaction.prepare_cached("SELECT user FROM recipient WHERE position = ?1")?;
            let logins = statement.query_map([position], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Some((logins, is_broadcast.unwrap_or(false)))
        }
    };
    Ok(Some(Known { sender, version, audience }))
}

/// Reads a row of position, JSON and whether it is delivered.
fn served(row: &Row<'_>) -> Result<Served, StoreError> {
    Ok(Served {
        position: Position(row.get(0)?),
        record: serde_json::from_str(&row.get::<_, String>(1)?)?,
        status: if row.get(2)? { Status::Delivered } else { Status::Undelivered },
    })
}
