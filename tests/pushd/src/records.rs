//! The record of every message: for whom it is, and which of their devices have had it.
//!
//! Records form a log. A cursor is a place in it, and a page is what the log holds for one person after a cursor.
//! An edit (the same id, a higher version: decided, withdrawn, ...) takes the record out of its place and puts it at
//! the end. So it is behind every cursor already handed out and undelivered to every device, and a client that
//! collected the first version collects the second like any new record; nobody sees the older one any more.
//! Deliberately absent: retention, and telling clients about a deletion.
//! Invariant: serving a record marks nothing; `delivered` follows from a later cursor or an explicit mark.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, named_params, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::random_token;
use crate::store::{Store, StoreError};

/// A place in the log; only compared, never computed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(i64);

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
    pub(crate) method: String,
    /// A question to ask before the call is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confirm: Option<String>,
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

/// A record as clients see it, but for its `status`, which depends on who asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) content: String,
    #[serde(rename = "type")]
    pub(crate) kind: Value,
    pub(crate) sender: String,
    pub(crate) receiver: Vec<String>,
    /// When this version was sent, UTC, in milliseconds; so the order of the log is an order in time.
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

/// Whether a device (in `collect`) or a person (in `history`) has had a record.
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

/// What came of [`Store::put`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Put {
    /// New, or a newer version: to be published.
    Stored(Box<Served>),
    /// This version of this id is there already: the sender asked twice.
    Repeated,
}

/// Why a record was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PutError {
    /// Only who sent a message may change it.
    #[error("message {0:?} was sent by somebody else: only its sender may change it")]
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

/// What to collect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Collect<'a> {
    pub(crate) user: &'a str,
    pub(crate) device: &'a str,
    pub(crate) after: Option<Position>,
    /// Greatest number of records on the page.
    pub(crate) limit: u32,
    /// Leave out what this device has had even after the cursor.
    pub(crate) only_undelivered: bool,
}

/// `getMessagePage`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HistoryQuery {
    /// From 1.
    pub(crate) page_num: Option<u32>,
    pub(crate) page_size: Option<u32>,
    pub(crate) status: Option<Status>,
    pub(crate) sender: Option<String>,
    pub(crate) receiver: Option<String>,
    /// Inclusive.
    pub(crate) from: Option<Timestamp>,
    /// Inclusive.
    pub(crate) to: Option<Timestamp>,
}

/// A page of history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct HistoryPage {
    pub(crate) records: Vec<Served>,
    /// How many records fit the query on all pages.
    pub(crate) total: i64,
}

/// The most records on one page, whatever is asked for.
pub(crate) const PAGE_LIMIT: u32 = 1000;
/// Records on a page when nothing is asked for.
pub(crate) const PAGE_DEFAULT: u32 = 200;

impl Store {
    /// Stores a new message, or a newer version of a known one.
    ///
    /// Without `receivers` an edit keeps those it had, and a new message is for `online`.
    pub(crate) fn put(
        &mut self,
        sender: &str,
        draft: Draft,
        receivers: Option<Vec<String>>,
        online: Vec<String>,
        now: Timestamp,
    ) -> Result<Put, PutError> {
        let transaction = self.db.transaction()?;
        let id = draft.id.unwrap_or_else(|| random_token(12));
        let known: Option<String> =
            transaction.query_row("SELECT json FROM record WHERE id = ?1", [&id], |row| row.get(0)).optional()?;
        let known: Option<Record> = known.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::Json)?;
        let (version, receiver) = match known {
            None => (draft.version.unwrap_or(1), receivers.unwrap_or(online)),
            Some(known) if known.sender != sender => return Err(PutError::NotSender(id)),
            Some(known) => {
                let version = draft.version.unwrap_or(known.version.saturating_add(1));
                if version == known.version {
                    return Ok(Put::Repeated);
                }
                if version < known.version {
                    return Err(PutError::Stale { id, stored: known.version, given: version });
                }
                transaction.execute("DELETE FROM record WHERE id = ?1", [&id])?;
                (version, receivers.unwrap_or(known.receiver))
            }
        };
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
            "INSERT INTO record (id, sender, sent_ms, json) VALUES (?1, ?2, ?3, ?4)",
            params![record.id, record.sender, record.send_time.as_millisecond(), json],
        )?;
        let position = Position(transaction.last_insert_rowid());
        for user in &record.receiver {
            transaction.execute(
                "INSERT OR IGNORE INTO recipient (user, position) VALUES (?1, ?2)",
                params![user, position.0],
            )?;
        }
        transaction.commit()?;
        Ok(Put::Stored(Box::new(Served { record, status: Status::Undelivered, position })))
    }

    /// The records of a person after a cursor, oldest first. Without a cursor: those this device has not had.
    pub(crate) fn collect(&self, query: Collect<'_>) -> Result<Vec<Served>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "WITH had AS (SELECT coalesce(max(through), 0) AS through FROM collected WHERE user = :user AND device = :device)
             SELECT position, json, status FROM (
                 SELECT r.position, r.json,
                        r.position <= (SELECT through FROM had) OR EXISTS (
                            SELECT 1 FROM delivered d
                            WHERE d.user = :user AND d.device = :device AND d.position = r.position) AS status
                 FROM recipient p JOIN record r ON r.position = p.position
                 WHERE p.user = :user AND p.position > :after)
             WHERE NOT (:undelivered AND status)
             ORDER BY position LIMIT :limit",
        )?;
        let rows = statement.query_and_then(
            named_params! {
                ":user": query.user,
                ":device": query.device,
                ":after": query.after.map_or(0, |position| position.0),
                ":undelivered": query.only_undelivered || query.after.is_none(),
                ":limit": query.limit,
            },
            served,
        )?;
        rows.collect()
    }

    /// The device has everything up to `through`: it asked for what comes after.
    pub(crate) fn mark_collected(&mut self, user: &str, device: &str, through: Position) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        // A cursor beyond the end was not handed out by this log: it must not swallow what is yet to come.
        let changed = transaction.execute(
            "INSERT INTO collected (user, device, through)
             SELECT ?1, ?2, min(?3, coalesce(max(seq), 0)) FROM sqlite_sequence WHERE name = 'record'
             ON CONFLICT (user, device) DO UPDATE SET through = excluded.through WHERE excluded.through > through",
            params![user, device, through.0],
        )?;
        if changed > 0 {
            transaction.execute(
                "DELETE FROM delivered WHERE user = ?1 AND device = ?2
                 AND position <= (SELECT through FROM collected WHERE user = ?1 AND device = ?2)",
                params![user, device],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// The device has these records. A place that an edit or a deletion emptied is passed over.
    pub(crate) fn mark_delivered(
        &mut self,
        user: &str,
        device: &str,
        positions: &[Position],
    ) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        {
            let mut mark = transaction.prepare_cached(
                "INSERT OR IGNORE INTO delivered (user, device, position)
                 SELECT ?1, ?2, position FROM record WHERE position = ?3",
            )?;
            for position in positions {
                mark.execute(params![user, device, position.0])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// What a person received or sent, newest first.
    ///
    /// `status` is delivered for a receiver once one of their devices has it, for the sender once every receiver has it.
    pub(crate) fn history(&self, user: &str, query: &HistoryQuery) -> Result<HistoryPage, StoreError> {
        const MATCHING: &str = "
            WITH mine AS (
                SELECT r.position, r.json, NOT EXISTS (
                    SELECT 1 FROM recipient q
                    WHERE q.position = r.position AND (q.user = :user OR r.sender = :user)
                    AND NOT EXISTS (SELECT 1 FROM delivered d WHERE d.position = q.position AND d.user = q.user)
                    AND NOT EXISTS (SELECT 1 FROM collected c WHERE c.user = q.user AND c.through >= q.position)) AS status
                FROM record r
                WHERE (r.sender = :user
                       OR EXISTS (SELECT 1 FROM recipient p WHERE p.user = :user AND p.position = r.position))
                AND (:sender IS NULL OR r.sender = :sender)
                AND (:receiver IS NULL
                     OR EXISTS (SELECT 1 FROM recipient p WHERE p.user = :receiver AND p.position = r.position))
                AND (:from IS NULL OR r.sent_ms >= :from)
                AND (:to IS NULL OR r.sent_ms <= :to))
            ";
        let status = query.status.map(|status| status == Status::Delivered);
        let (from, to) = (query.from.map(Timestamp::as_millisecond), query.to.map(Timestamp::as_millisecond));
        let total = self.db.prepare_cached(&format!(
            "{MATCHING} SELECT count(*) FROM mine WHERE :status IS NULL OR status = :status"
        ))?.query_row(
            named_params! {
                ":user": user, ":sender": query.sender, ":receiver": query.receiver, ":from": from, ":to": to, ":status": status,
            },
            |row| row.get(0),
        )?;
        let size = query.page_size.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_LIMIT);
        let page = query.page_num.unwrap_or(1).max(1);
        let mut statement = self.db.prepare_cached(&format!(
            "{MATCHING} SELECT position, json, status FROM mine WHERE :status IS NULL OR status = :status
             ORDER BY position DESC LIMIT :limit OFFSET :offset"
        ))?;
        let rows = statement.query_and_then(
            named_params! {
                ":user": user, ":sender": query.sender, ":receiver": query.receiver, ":from": from, ":to": to, ":status": status,
                ":limit": size, ":offset": i64::from(size) * i64::from(page - 1),
            },
            served,
        )?;
        Ok(HistoryPage { records: rows.collect::<Result<_, _>>()?, total })
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

    /// Reads a cursor. One that this log never gave out (the server was started afresh since) is no cursor: the client
    /// then gets all it has not had, which may be more than it needs and never less.
    pub(crate) fn position(&self, cursor: &str) -> Option<Position> {
        let (log, position) = cursor.rsplit_once('-')?;
        (log == self.log).then(|| position.parse().ok().map(Position)).flatten()
    }
}

fn served(row: &Row<'_>) -> Result<Served, StoreError> {
    Ok(Served {
        position: Position(row.get(0)?),
        record: serde_json::from_str(&row.get::<_, String>(1)?)?,
        status: if row.get(2)? { Status::Delivered } else { Status::Undelivered },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(id: &str) -> Draft {
        Draft { id: Some(id.to_owned()), title: format!("title of {id}"), kind: "1".into(), ..Draft::default() }
    }

    fn put(store: &mut Store, id: &str, receivers: &[&str]) -> Position {
        let receivers = receivers.iter().map(|user| (*user).to_owned()).collect();
        match store.put("sender", draft(id), Some(receivers), Vec::new(), Timestamp::now()).unwrap() {
            Put::Stored(served) => served.position,
            Put::Repeated => panic!("{id} was there already"),
        }
    }

    fn after<'a>(user: &'a str, device: &'a str, after: Option<Position>) -> Collect<'a> {
        Collect { user, device, after, limit: 100, only_undelivered: false }
    }

    fn ids(served: &[Served]) -> Vec<&str> {
        served.iter().map(|served| served.record.id.as_str()).collect()
    }

    #[test]
    fn collecting_gives_a_person_their_own_records_in_order_page_by_page() {
        let mut store = Store::open(None).unwrap();
        for n in 0..5 {
            put(&mut store, &format!("a{n}"), &["alice", "bob"]);
            put(&mut store, &format!("b{n}"), &["bob"]);
        }
        let mut cursor = None;
        let mut seen = Vec::new();
        loop {
            let page = store.collect(Collect { limit: 2, ..after("alice", "pc", cursor) }).unwrap();
            let Some(last) = page.last() else { break };
            cursor = store.position(&store.cursor(last.position));
            seen.extend(ids(&page).into_iter().map(str::to_owned));
        }
        assert_eq!(seen, ["a0", "a1", "a2", "a3", "a4"]);
    }

    #[test]
    fn serving_marks_nothing_and_a_later_cursor_marks_what_it_is_past() {
        let mut store = Store::open(None).unwrap();
        let first = put(&mut store, "1", &["alice"]);
        put(&mut store, "2", &["alice"]);
        store.collect(after("alice", "pc", None)).unwrap();
        assert_eq!(ids(&store.collect(after("alice", "pc", None)).unwrap()), ["1", "2"]);

        store.mark_collected("alice", "pc", first).unwrap();
        assert_eq!(ids(&store.collect(after("alice", "pc", None)).unwrap()), ["2"]);
        assert_eq!(ids(&store.collect(after("alice", "phone", None)).unwrap()), ["1", "2"], "another device");
    }

    #[test]
    fn a_cursor_is_never_taken_back_by_an_older_one() {
        let mut store = Store::open(None).unwrap();
        let first = put(&mut store, "1", &["alice"]);
        let second = put(&mut store, "2", &["alice"]);
        store.mark_collected("alice", "pc", second).unwrap();
        store.mark_collected("alice", "pc", first).unwrap();
        assert!(store.collect(after("alice", "pc", None)).unwrap().is_empty());
        let again = store.collect(after("alice", "pc", Some(first))).unwrap();
        assert_eq!(ids(&again), ["2"], "after a cursor, all that follows it is served");
        assert_eq!(again[0].status, Status::Delivered);
    }

    #[test]
    fn a_mark_covers_single_records_on_one_device() {
        let mut store = Store::open(None).unwrap();
        put(&mut store, "1", &["alice"]);
        let second = put(&mut store, "2", &["alice"]);
        store.mark_delivered("alice", "pc", &[second]).unwrap();
        assert_eq!(ids(&store.collect(after("alice", "pc", None)).unwrap()), ["1"]);
        assert_eq!(ids(&store.collect(after("alice", "", None)).unwrap()), ["1", "2"]);
    }

    #[test]
    fn a_cursor_from_beyond_the_end_swallows_nothing_that_comes_later() {
        let mut store = Store::open(None).unwrap();
        let first = put(&mut store, "1", &["alice"]);
        store.mark_collected("alice", "pc", Position(first.0 + 1000)).unwrap();
        put(&mut store, "2", &["alice"]);
        assert_eq!(ids(&store.collect(after("alice", "pc", None)).unwrap()), ["2"]);
    }

    #[test]
    fn a_cursor_of_another_log_counts_as_none() {
        let store = Store::open(None).unwrap();
        let cursor = store.cursor(Position(7));
        assert_eq!(store.position(&cursor), Some(Position(7)));
        assert_eq!(Store::open(None).unwrap().position(&cursor), None);
        for nonsense in ["", "-", "x", "7", &format!("{}-x", store.log)] {
            assert_eq!(store.position(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn an_edit_reaches_a_client_that_collected_the_first_version() {
        let mut store = Store::open(None).unwrap();
        put(&mut store, "expense", &["alice"]);
        let last = put(&mut store, "other", &["alice"]);
        store.mark_collected("alice", "pc", last).unwrap();

        let edit = Draft { state: Some(State::Decided), ..draft("expense") };
        store.put("sender", edit, None, vec!["bob".to_owned()], Timestamp::now()).unwrap();

        let page = store.collect(after("alice", "pc", Some(last))).unwrap();
        assert_eq!(ids(&page), ["expense"]);
        assert_eq!((page[0].record.version, page[0].record.state), (2, Some(State::Decided)));
        assert_eq!(page[0].status, Status::Undelivered);
        assert_eq!(
            ids(&store.collect(after("alice", "new", None)).unwrap()),
            ["other", "expense"],
            "one version of each"
        );
    }

    #[test]
    fn a_repeated_request_changes_nothing_and_an_older_version_or_another_sender_is_refused() {
        let mut store = Store::open(None).unwrap();
        let version = |version| Draft { version: Some(version), ..draft("1") };
        store.put("sender", version(3), Some(vec!["alice".to_owned()]), Vec::new(), Timestamp::now()).unwrap();
        assert_eq!(store.put("sender", version(3), None, Vec::new(), Timestamp::now()).unwrap(), Put::Repeated);
        let stale = store.put("sender", version(2), None, Vec::new(), Timestamp::now()).unwrap_err();
        assert!(matches!(stale, PutError::Stale { stored: 3, given: 2, .. }), "{stale}");
        let stranger = store.put("alice", version(4), None, Vec::new(), Timestamp::now()).unwrap_err();
        assert!(matches!(stranger, PutError::NotSender(_)), "{stranger}");
        assert_eq!(store.collect(after("alice", "pc", None)).unwrap().len(), 1);
    }

    #[test]
    fn history_is_newest_first_and_holds_what_one_received_or_sent() {
        let mut store = Store::open(None).unwrap();
        for n in 1..=5 {
            put(&mut store, &n.to_string(), &["alice"]);
        }
        put(&mut store, "bobs", &["bob"]);
        let page = |page_num| HistoryQuery { page_num: Some(page_num), page_size: Some(2), ..HistoryQuery::default() };
        let first = store.history("alice", &page(1)).unwrap();
        assert_eq!((ids(&first.records), first.total), (vec!["5", "4"], 5));
        assert_eq!(ids(&store.history("alice", &page(3)).unwrap().records), ["1"]);
        assert_eq!(store.history("sender", &page(1)).unwrap().total, 6, "the sender sees what they sent");
        assert_eq!(store.history("carol", &page(1)).unwrap().total, 0);
    }

    #[test]
    fn history_is_filtered_by_status_people_and_time() {
        let mut store = Store::open(None).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        for (n, sender, to) in [(1, "x", "alice"), (2, "y", "alice"), (3, "alice", "bob")] {
            store.put(sender, draft(&n.to_string()), Some(vec![to.to_owned()]), Vec::new(), at(n)).unwrap();
        }
        let position = store.collect(after("alice", "pc", None)).unwrap()[0].position;
        store.mark_delivered("alice", "pc", &[position]).unwrap();
        let of = |query: HistoryQuery| {
            let page = store.history("alice", &query).unwrap();
            assert_eq!(page.total, page.records.len() as i64);
            ids(&page.records).join(",")
        };
        let any = HistoryQuery::default;
        assert_eq!(of(any()), "3,2,1");
        assert_eq!(of(HistoryQuery { status: Some(Status::Delivered), ..any() }), "1");
        assert_eq!(of(HistoryQuery { status: Some(Status::Undelivered), ..any() }), "3,2");
        assert_eq!(of(HistoryQuery { sender: Some("y".to_owned()), ..any() }), "2");
        assert_eq!(of(HistoryQuery { receiver: Some("bob".to_owned()), ..any() }), "3");
        assert_eq!(of(HistoryQuery { from: Some(at(2)), to: Some(at(2)), ..any() }), "2");
    }

    #[test]
    fn the_sender_sees_delivered_once_every_receiver_has_it() {
        let mut store = Store::open(None).unwrap();
        let position = put(&mut store, "1", &["alice", "bob"]);
        let status = |store: &Store| store.history("sender", &HistoryQuery::default()).unwrap().records[0].status;
        store.mark_collected("alice", "pc", position).unwrap();
        assert_eq!(status(&store), Status::Undelivered);
        store.mark_delivered("bob", "phone", &[position]).unwrap();
        assert_eq!(status(&store), Status::Delivered);
    }

    #[test]
    fn sender_or_receiver_delete_a_record_for_everybody_and_others_do_not() {
        let mut store = Store::open(None).unwrap();
        put(&mut store, "1", &["alice", "bob"]);
        assert_eq!(store.delete("carol", "1").unwrap(), Deleted::NotYours);
        assert_eq!(store.delete("alice", "2").unwrap(), Deleted::Unknown);
        assert_eq!(store.delete("alice", "1").unwrap(), Deleted::Yes);
        assert!(store.collect(after("bob", "pc", None)).unwrap().is_empty());
        assert_eq!(store.delete("alice", "1").unwrap(), Deleted::Unknown);
    }

    #[test]
    fn a_record_is_written_as_the_contract_names_it() {
        let mut store = Store::open(None).unwrap();
        let full = Draft {
            url: Some("https://x.test/1".to_owned()),
            priority: Some(4.into()),
            state: Some(State::Open),
            ..draft("1")
        };
        let at = "2026-11-20T07:00:00.5Z".parse().unwrap();
        store.put("bob", full, Some(vec!["alice".to_owned()]), Vec::new(), at).unwrap();
        let page = store.collect(after("alice", "pc", None)).unwrap();
        assert_eq!(
            serde_json::to_value(&page[0]).unwrap(),
            serde_json::json!({
                "id": "1", "title": "title of 1", "content": "", "type": "1", "sender": "bob", "receiver": ["alice"],
                "sendTime": "2026-11-20T07:00:00.5Z", "status": "undelivered", "url": "https://x.test/1",
                "priority": 4, "state": "open", "version": 1,
            })
        );
    }
}
