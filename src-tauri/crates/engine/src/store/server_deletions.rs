//! What a person has asked the server to delete, until the server has answered.
//!
//! Deliberately absent: asking the server ([`belfry_core::pipeline`]). Invariants: a deletion outlives
//! the row of its notice; what the server has deleted leaves the inbox in the transaction that ends
//! the deletion.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{
    codes::{self, Json, Micros},
    tombstones, trash,
};
use belfry_core::{
    notice::NoticeKey,
    storage::{DeletionRefusal, Seq, ServerDeletion},
};

/// Keeps that a person asks for these; returns how many notices there are. What the server refused
/// before is asked again.
pub(crate) fn ask(tx: &Transaction<'_>, seqs: &[Seq], now: Timestamp) -> rusqlite::Result<usize> {
    let mut ask = tx.prepare_cached(
        "INSERT INTO server_deletions (scope, id, asked_at) SELECT scope, id, ?2 FROM notices WHERE seq = ?1 \
         ON CONFLICT (scope, id) DO UPDATE SET asked_at = excluded.asked_at, refused = NULL",
    )?;
    seqs.iter().map(|seq| ask.execute(params![seq.0, Micros(now)])).sum()
}

/// Takes back what was asked for and is not answered yet; returns how many that were.
pub(crate) fn take_back(tx: &Transaction<'_>, seqs: &[Seq]) -> rusqlite::Result<usize> {
    let mut take_back = tx.prepare_cached(
        "DELETE FROM server_deletions WHERE (scope, id) IN (SELECT scope, id FROM notices WHERE seq = ?1)",
    )?;
    seqs.iter().map(|seq| take_back.execute(params![seq.0])).sum()
}

/// All of them, and when each was asked for, oldest first.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<(NoticeKey, Timestamp)>> {
    connection
        .prepare_cached("SELECT scope, id, asked_at FROM server_deletions ORDER BY asked_at, scope, id")?
        .query_map([], |row| {
            let Micros(asked_at) = row.get(2)?;
            Ok((NoticeKey { scope: row.get(0)?, id: row.get(1)? }, asked_at))
        })?
        .collect()
}

/// What is asked for this notice.
pub(crate) fn of(connection: &Connection, key: &NoticeKey) -> rusqlite::Result<Option<ServerDeletion>> {
    connection
        .prepare_cached("SELECT asked_at, refused FROM server_deletions WHERE scope = ?1 AND id = ?2")?
        .query_row(params![key.scope, key.id], |row| {
            let Micros(asked_at) = row.get(0)?;
            let refused: Option<Json<DeletionRefusal>> = row.get(1)?;
            Ok(ServerDeletion { asked_at, refused: refused.map(|Json(refused)| refused) })
        })
        .optional()
}

/// The server has no record of it any more.
pub(crate) fn done(tx: &Transaction<'_>, key: &NoticeKey) -> rusqlite::Result<()> {
    let NoticeKey { scope, id } = key;
    tx.prepare_cached("DELETE FROM server_deletions WHERE scope = ?1 AND id = ?2")?.execute(params![scope, id])?;
    let seqs: Vec<Seq> = tx
        .prepare_cached("SELECT seq FROM notices WHERE scope = ?1 AND id = ?2")?
        .query_map(params![scope, id], codes::seq)?
        .collect::<rusqlite::Result<_>>()?;
    tombstones::delete(tx, &seqs)?;
    // What a person has deleted here meanwhile cannot be restored any more.
    trash::forget(tx, key)
}

/// The server refuses to delete this one, or any.
pub(super) fn refuse(tx: &Transaction<'_>, key: Option<&NoticeKey>, why: &DeletionRefusal) -> rusqlite::Result<()> {
    match key {
        Some(NoticeKey { scope, id }) => tx
            .prepare_cached("UPDATE server_deletions SET refused = ?3 WHERE scope = ?1 AND id = ?2")?
            .execute(params![scope, id, Json(why)])?,
        None => tx.prepare_cached("UPDATE server_deletions SET refused = ?1")?.execute(params![Json(why)])?,
    };
    Ok(())
}
