//! Writes new notices, many of them with one statement.
//!
//! SQLite can undo each statement that changes more than one row, as every insert with its triggers
//! does, so it copies what the statement is about to change: for each notice alone that costs as much
//! as the notice. Deliberately absent: whether a notice is new ([`super::apply`]). Invariant: the
//! arrival numbers are in the order of the notices.

use std::{collections::HashSet, sync::LazyLock};

use jiff::Timestamp;
use rusqlite::{Statement, ToSql, Transaction};

use super::codes::{AsOrigin, AsWord, Json, Micros};
use belfry_core::{
    notice::{Notice, NoticeKey, Source, State},
    storage::{AlertMark, Outcome, Seq, Suppressed},
};

/// How many notices a statement writes.
const ROWS: usize = 25;
const COLUMNS: [&str; 23] = [
    "scope",
    "id",
    "received_at",
    "sent_at",
    "state",
    "priority",
    "source",
    "version",
    "undelivered",
    "alert",
    "alert_why",
    "kind",
    "sender",
    "title",
    "link",
    "destination",
    "actions",
    "body",
    "extra",
    "seq",
    "partial",
    "origin",
    "opening",
];
static INSERT_ONE: LazyLock<String> = LazyLock::new(|| insert_of(1));
static INSERT_MANY: LazyLock<String> = LazyLock::new(|| insert_of(ROWS));

fn insert_of(rows: usize) -> String {
    let row = format!("({})", ["?"; COLUMNS.len()].join(", "));
    format!("INSERT INTO notices ({}) VALUES {}", COLUMNS.join(", "), vec![row; rows].join(", "))
}

/// A notice to write.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewNotice<'a> {
    /// Its arrival number; `None`: the next one.
    pub(super) place: Option<Seq>,
    pub(super) notice: &'a Notice,
    /// Its key as stored.
    pub(super) key: &'a NoticeKey,
    pub(super) source: Source,
    pub(super) received_at: Timestamp,
    pub(super) alert: AlertMark,
    pub(super) opening: u32,
}

impl NewNotice<'_> {
    /// Writes it; returns its arrival number.
    pub(super) fn insert(&self, tx: &Transaction<'_>) -> rusqlite::Result<Seq> {
        let mut insert = tx.prepare_cached(&INSERT_ONE)?;
        self.bind(&mut insert, 0)?;
        insert.raw_execute()?;
        Ok(Seq(tx.last_insert_rowid()))
    }

    fn bind(&self, insert: &mut Statement<'_>, row: usize) -> rusqlite::Result<()> {
        let Self { place, notice, key, source, received_at, alert, opening } = *self;
        let (mark, why) = match alert {
            AlertMark::Due if notice.state != State::Open => mark_of(AlertMark::Suppressed(Suppressed::NotOpen)),
            alert @ (AlertMark::Due | AlertMark::Suppressed(_)) => mark_of(alert),
        };
        let values: [&dyn ToSql; COLUMNS.len()] = [
            &key.scope,
            &key.id,
            &Micros(received_at),
            &notice.sent_at.map(Micros),
            &AsWord(notice.state),
            &AsWord(notice.priority),
            &AsWord(source),
            &notice.version,
            &notice.undelivered,
            &mark,
            &why,
            &notice.kind,
            &notice.sender,
            &notice.title,
            &notice.link,
            &notice.destination,
            &Json(&notice.actions),
            &notice.body,
            &Json(&notice.extra),
            &place.map(|place| place.0),
            &notice.is_partial,
            &AsOrigin(&notice.origin),
            &opening,
        ];
        let first = row * COLUMNS.len() + 1;
        (first..).zip(values).try_for_each(|(parameter, value)| insert.raw_bind_parameter(parameter, value))
    }
}

/// How an alert mark is stored.
pub(super) fn mark_of(alert: AlertMark) -> (&'static str, Option<AsWord<Suppressed>>) {
    match alert {
        AlertMark::Suppressed(why) => ("suppressed", Some(AsWord(why))),
        AlertMark::Due => ("due", None),
    }
}

/// New notices of a batch that are not written yet.
#[derive(Debug, Default)]
pub(super) struct NewNotices<'a> {
    /// Each with the place of its outcome.
    waiting: Vec<(usize, NewNotice<'a>)>,
    keys: HashSet<&'a NoticeKey>,
}

impl<'a> NewNotices<'a> {
    /// Whether this one is among them.
    pub(super) fn contains(&self, key: &NoticeKey) -> bool {
        self.keys.contains(key)
    }

    /// Adds a notice without a place; its outcome is the next of `outcomes`, and is there once it is
    /// written.
    pub(super) fn push(&mut self, new: NewNotice<'a>, outcomes: &mut Vec<Outcome>) {
        self.keys.insert(new.key);
        self.waiting.push((outcomes.len(), new));
        outcomes.push(Outcome::Done);
    }

    /// Writes them, in their order.
    pub(super) fn write(&mut self, tx: &Transaction<'_>, outcomes: &mut [Outcome]) -> rusqlite::Result<()> {
        self.keys.clear();
        let mut arrived = |place: usize, seq: i64, new: &NewNotice<'_>| {
            if let Some(outcome) = outcomes.get_mut(place) {
                *outcome = Outcome::New { seq: Seq(seq), key: new.key.clone() };
            }
        };
        let waiting = std::mem::take(&mut self.waiting);
        let mut many = waiting.chunks_exact(ROWS);
        for rows in many.by_ref() {
            let mut insert = tx.prepare_cached(&INSERT_MANY)?;
            for (row, (_, new)) in rows.iter().enumerate() {
                new.bind(&mut insert, row)?;
            }
            insert.raw_execute()?;
            // Numbers are given one after the other (AUTOINCREMENT), and no other connection writes meanwhile.
            let first = tx.last_insert_rowid() - (ROWS as i64 - 1);
            (first..).zip(rows).for_each(|(seq, (place, new))| arrived(*place, seq, new));
        }
        for (place, new) in many.remainder() {
            arrived(*place, new.insert(tx)?.0, new);
        }
        Ok(())
    }
}
