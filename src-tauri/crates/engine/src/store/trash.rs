//! Deleting with undo: what a person deletes leaves the inbox at once and is kept in `trash` as it
//! was.
//!
//! Deliberately absent: for how long, which the store thread decides. Invariants: a notice in
//! `trash` is not in the inbox, and a copy sent again stays away; a restored notice has its old
//! marks and place, its newest version, and no alert due.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    codes::{self, AsWord, Micros},
    marks,
    rows::{self, COLUMNS},
    search, tombstones,
};
use belfry_core::notice::{Notice, NoticeKey, copies::Arrival};
use belfry_core::storage::{Seq, Suppressed};

/// Identifies what was deleted together, to restore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Removal(pub i64);

/// Moves notices from the inbox to the trash; returns how many there were, and their id.
pub(crate) fn remove(tx: &Transaction<'_>, seqs: &[Seq], now: Timestamp) -> rusqlite::Result<(usize, Removal)> {
    let last: Option<i64> = tx.query_row("SELECT max(removal) FROM trash", [], |row| row.get(0))?;
    let removal = last.map_or(now.as_microsecond(), |last| now.as_microsecond().max(last + 1));
    let mut keep = tx.prepare_cached(&format!(
        "INSERT INTO trash (removal, {COLUMNS}) SELECT ?2, {COLUMNS} FROM notices WHERE seq = ?1"
    ))?;
    for seq in seqs {
        keep.execute(params![seq.0, removal])?;
    }
    Ok((tombstones::delete(tx, seqs)?, Removal(removal)))
}

/// Restores what was deleted under this id; returns how many notices that are, 0 when it is too
/// late.
pub(crate) fn restore(tx: &Transaction<'_>, Removal(removal): Removal) -> rusqlite::Result<usize> {
    let seqs: Vec<Seq> = tx
        .prepare_cached("SELECT seq FROM trash WHERE removal = ?1 ORDER BY seq")?
        .query_map([removal], codes::seq)?
        .collect::<rusqlite::Result<_>>()?;
    let mut forget =
        tx.prepare_cached("DELETE FROM seen WHERE (scope, id) IN (SELECT scope, id FROM trash WHERE seq = ?1)")?;
    let mut back =
        tx.prepare_cached(&format!("INSERT INTO notices ({COLUMNS}) SELECT {COLUMNS} FROM trash WHERE seq = ?1"))?;
    let mut settle =
        tx.prepare_cached("UPDATE notices SET alert = 'uncertain' WHERE seq = ?1 AND alert = 'claimed'")?;
    for seq in &seqs {
        forget.execute(params![seq.0])?;
        back.execute(params![seq.0])?;
        // Its popup was on its way when it was deleted, and the outcome found no row to be recorded
        // in.
        settle.execute(params![seq.0])?;
        // The person who deleted it has seen it.
        marks::suppress_if_due(tx, *seq, Suppressed::Read)?;
        if let Some(stored) = rows::find(tx, *seq)? {
            search::update(tx, *seq, &stored.notice)?;
        }
    }
    tx.execute("DELETE FROM trash WHERE removal = ?1", [removal])?;
    Ok(seqs.len())
}

/// Whether something was deleted before `before` and is still here.
pub(super) fn is_due(connection: &rusqlite::Connection, before: Timestamp) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM trash WHERE removal < ?1")?.exists(params![Micros(before)])
}

/// Makes final what was deleted before `before`.
pub(super) fn empty(tx: &Transaction<'_>, before: Timestamp) -> rusqlite::Result<usize> {
    tx.execute("DELETE FROM trash WHERE removal < ?1", params![Micros(before)])
}

/// Updates a deleted notice that may still be restored.
pub(super) fn update(tx: &Transaction<'_>, notice: &Notice, arrival: Arrival) -> rusqlite::Result<()> {
    let NoticeKey { scope, id } = &notice.key;
    let kept = tx
        .prepare_cached(&format!("SELECT {COLUMNS} FROM trash WHERE id = ?1 AND scope = ?2"))?
        .query_row(params![id, scope], |row| Ok((rows::stored(row)?, rows::standing(row)?)))
        .optional()?;
    let Some((kept, standing)) = kept else { return Ok(()) };
    let change = standing.change(notice, arrival);
    if let Some(changed) = change.apply(&kept.notice, standing.settled_by, notice, arrival) {
        rows::update(tx, "trash", kept.seq, &changed)?;
        if changed.is_opening {
            // Who undoes the deletion sees it.
            tx.prepare_cached("UPDATE trash SET alert = 'suppressed', alert_why = ?2 WHERE seq = ?1")?
                .execute(params![kept.seq.0, AsWord(Suppressed::Read)])?;
        }
    }
    Ok(())
}

/// Drops a deleted notice that has returned: there is nothing to restore any more.
pub(super) fn forget(tx: &Transaction<'_>, key: &NoticeKey) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM trash WHERE id = ?1 AND scope = ?2")?.execute(params![key.id, key.scope])?;
    Ok(())
}
