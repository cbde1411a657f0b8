//! Deleting and expiring: the row goes, its identity stays in `seen`.
//!
//! Deliberately absent: deleting on the server. Invariant: a notice that leaves `notices` leaves a
//! tombstone, its key in `seen`, in the same transaction, so that a copy sent again neither returns
//! nor notifies.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::{
    codes::{self, Micros},
    search,
};
use belfry_core::storage::Seq;

/// Deletes notices and leaves their tombstones; returns how many there were. Those that do not
/// exist are ignored.
pub(crate) fn delete(tx: &Transaction<'_>, seqs: &[Seq]) -> rusqlite::Result<usize> {
    let mut remember = tx.prepare_cached(
        "INSERT INTO seen (scope, id, version, sent_at, state) \
         SELECT scope, id, version, sent_at, state FROM notices WHERE seq = ?1",
    )?;
    let mut remove = tx.prepare_cached("DELETE FROM notices WHERE seq = ?1")?;
    let mut deleted = 0;
    for seq in seqs {
        if remember.execute(params![seq.0])? == 1 {
            search::remove(tx, *seq)?;
            remove.execute(params![seq.0])?;
            deleted += 1;
        }
    }
    Ok(deleted)
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
