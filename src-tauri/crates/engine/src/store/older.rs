//! Notices of the server's history that a person asks for: they are put below all others and never
//! notify.
//!
//! Deliberately absent: the request to the server. Invariant: a place is never used twice, so they
//! are counted downwards from the lowest ever given.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::{apply, search};
use belfry_core::notice::{Notice, Source, copies::Arrival};
use belfry_core::storage::{AlertMark, Outcome, Seq, Suppressed};

/// Stores notices in this order, newest first; how many were new.
pub(crate) fn add(tx: &Transaction<'_>, notices: &[Notice], received_at: Timestamp) -> rusqlite::Result<usize> {
    let mut oldest: i64 = tx.query_row("SELECT oldest FROM account", [], |row| row.get(0))?;
    let mut added = 0;
    for notice in notices {
        let below = Seq(oldest - 1);
        let alert = AlertMark::Suppressed(Suppressed::OldNews);
        // When the page was requested is not known here: it restores nothing that was settled in this run.
        let arrival = Arrival { source: Source::History, number: 0 };
        let outcome = apply::receive(tx, Some(below), notice, arrival, received_at, [alert, alert])?;
        if let Outcome::New { .. } = outcome {
            oldest = below.0;
            added += 1;
            search::update(tx, below, notice)?;
        }
    }
    tx.execute("UPDATE account SET oldest = ?1", params![oldest])?;
    Ok(added)
}
