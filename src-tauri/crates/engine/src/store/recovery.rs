//! What to do with what an earlier run left behind.
//!
//! Deliberately absent: showing anything. Invariant: an alert that was claimed and has no outcome never pops again.

use rusqlite::{Transaction, params};

use super::{
    apply,
    rows::{self, COLUMNS},
};
use belfry_core::storage::{Recovered, Seq, Stored};
use belfry_core::{notice::NoticeKey, ports::PopupId};

/// Marks the uncertain and collects the rest.
pub(super) fn recover(tx: &Transaction<'_>) -> rusqlite::Result<Recovered> {
    let unsaid =
        tx.query_row("SELECT unsaid FROM account", [], |row| row.get::<_, Option<i64>>(0).map(|seq| seq.map(Seq)))?;
    tx.execute("UPDATE account SET unsaid = NULL", [])?;
    let uncertain = tx.execute("UPDATE notices SET alert = 'uncertain' WHERE alert = 'claimed'", [])?;
    Ok(Recovered {
        uncertain: uncertain as u64,
        due: collect(tx, "alert = 'due'")?,
        unannounced: collect(tx, "seq > (SELECT announced FROM account)")?,
        first_unannounced: unsaid,
        popups: popups(tx)?,
        withdraw: apply::stale_popups(tx)?,
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
