//! What an earlier run left to be done.
//!
//! Deliberately absent: doing it. Invariant: an alert that was claimed and has no outcome never
//! pops up again.

use rusqlite::{Transaction, params};

use super::{
    account, apply,
    rows::{self, COLUMNS},
    server_deletions,
};
use belfry_core::storage::{Recovered, Seq, Stored};
use belfry_core::{notice::NoticeKey, ports::PopupId};

/// Marks claimed alerts as uncertain and collects what is left to be done.
pub(super) fn recover(tx: &Transaction<'_>) -> rusqlite::Result<Recovered> {
    let first_unannounced: Option<i64> = tx.query_row("SELECT first_unannounced FROM account", [], |row| row.get(0))?;
    tx.execute("UPDATE account SET first_unannounced = NULL", [])?;
    // Whatever this run requests is requested later.
    for table in ["notices", "seen", "trash"] {
        tx.execute(&format!("UPDATE {table} SET settled_by = 0 WHERE settled_by > 0"), [])?;
    }
    let uncertain = tx.execute("UPDATE notices SET alert = 'uncertain' WHERE alert = 'claimed'", [])?;
    Ok(Recovered {
        uncertain: uncertain as u64,
        due: collect(tx, "alert = 'due'")?,
        unannounced: collect(tx, "seq > (SELECT announced FROM account)")?,
        first_unannounced: first_unannounced.map(Seq),
        popups: popups(tx)?,
        withdraw: apply::stale_popups(tx)?,
        has_held: apply::has_held(tx)?,
        paused_until: account::paused_until(tx)?,
        stream_offsets: account::stream_offsets(tx)?,
        server_deletions: server_deletions::all(tx)?,
    })
}

fn popups(tx: &Transaction<'_>) -> rusqlite::Result<Vec<(PopupId, Vec<NoticeKey>)>> {
    let names: Vec<PopupId> = tx
        .prepare("SELECT name FROM popups ORDER BY id")?
        .query_map([], |row| row.get(0).map(PopupId))?
        .collect::<rusqlite::Result<_>>()?;
    names.into_iter().map(|name| rows::keys_of(tx, &name).map(|keys| (name, keys))).collect()
}

fn collect(tx: &Transaction<'_>, which: &str) -> rusqlite::Result<Vec<Stored>> {
    tx.prepare(&format!("SELECT {COLUMNS} FROM notices WHERE {which} ORDER BY seq"))?
        .query_map(params![], rows::stored)?
        .collect()
}
