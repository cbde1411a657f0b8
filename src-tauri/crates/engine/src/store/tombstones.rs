//! Deleting and expiring: the row goes, its identity stays in `seen`.
//!
//! Deliberately absent: deleting on the server. Invariant: a notice that leaves `notices` leaves a
//! tombstone, its key in `seen`, in the same transaction, so that a copy sent again neither returns
//! nor notifies, unless it opens the matter once more.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    codes::{self, AsOrigin, AsWord, Micros},
    rows, search,
};
use belfry_core::{
    notice::{NoticeKey, copies::Standing},
    storage::Seq,
};

/// What is left of a deleted notice.
pub(super) struct Tombstone {
    /// What it was then, or is since.
    pub(super) standing: Standing,
    /// What it said, if a shared source brought it.
    pub(super) content_hash: Option<String>,
    /// How often it was opened.
    pub(super) opening: u32,
}

/// Deletes notices and leaves their tombstones; returns how many there were. Those that do not
/// exist are ignored.
pub(crate) fn delete(tx: &Transaction<'_>, seqs: &[Seq]) -> rusqlite::Result<usize> {
    let mut remember = tx.prepare_cached(
        "INSERT INTO seen (scope, id, version, sent_at, state, origin, settled_by, opening) \
         SELECT scope, id, version, sent_at, state, origin, settled_by, opening FROM notices WHERE seq = ?1",
    )?;
    let mut is_shared = tx.prepare_cached("SELECT 1 FROM notices WHERE seq = ?1 AND origin IS NOT NULL")?;
    let mut remove = tx.prepare_cached("DELETE FROM notices WHERE seq = ?1")?;
    let mut deleted = 0;
    for seq in seqs {
        if remember.execute(params![seq.0])? == 1 {
            if is_shared.exists(params![seq.0])? {
                remember_content(tx, *seq)?;
            }
            search::remove(tx, *seq)?;
            remove.execute(params![seq.0])?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

fn remember_content(tx: &Transaction<'_>, seq: Seq) -> rusqlite::Result<()> {
    let Some(stored) = rows::find(tx, seq)? else { return Ok(()) };
    let NoticeKey { scope, id } = &stored.notice.key;
    tx.prepare_cached("UPDATE seen SET content_hash = ?3 WHERE scope = ?1 AND id = ?2")?.execute(params![
        scope,
        id,
        stored.notice.content_hash()
    ])?;
    Ok(())
}

/// The tombstone of a notice, if it was deleted.
pub(super) fn find(tx: &Transaction<'_>, key: &NoticeKey) -> rusqlite::Result<Option<Tombstone>> {
    tx.prepare_cached("SELECT *, 0 AS partial FROM seen WHERE scope = ?1 AND id = ?2")?
        .query_row(params![key.scope, key.id], |row| {
            let (content_hash, opening) = (row.get("content_hash")?, row.get("opening")?);
            Ok(Tombstone { standing: rows::standing(row)?, content_hash, opening })
        })
        .optional()
}

/// Remembers a newer copy of a deleted notice.
pub(super) fn update(tx: &Transaction<'_>, key: &NoticeKey, standing: &Standing) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE seen SET version = ?3, sent_at = ?4, state = ?5, origin = ?6, settled_by = ?7 \
         WHERE scope = ?1 AND id = ?2",
    )?
    .execute(params![
        key.scope,
        key.id,
        standing.version,
        standing.sent_at.map(Micros),
        AsWord(standing.state),
        AsOrigin(&standing.origin),
        standing.settled_by.map(u64::cast_signed),
    ])?;
    Ok(())
}

/// Removes the tombstone of a notice that returns.
pub(super) fn remove(tx: &Transaction<'_>, key: &NoticeKey) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM seen WHERE scope = ?1 AND id = ?2")?.execute(params![key.scope, key.id])?;
    Ok(())
}

/// Deletes at most `limit` notices received before `before`, the oldest first; returns how many.
pub(super) fn expire(tx: &Transaction<'_>, before: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    let old: Vec<Seq> = tx
        .prepare_cached("SELECT seq FROM notices WHERE received_at < ?1 ORDER BY received_at LIMIT ?2")?
        .query_map(params![Micros(before), limit], codes::seq)?
        .collect::<rusqlite::Result<_>>()?;
    let deleted = delete(tx, &old)?;
    search::drop_empty_parts(tx)?;
    Ok(deleted)
}
