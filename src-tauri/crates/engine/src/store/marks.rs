//! Read and unread: the marks a person sets.
//!
//! Deliberately absent: popups on the screen. Invariant: a notice that is read before its popup
//! gets none any more, in the same transaction, even if it is marked unread again.

use rusqlite::{Transaction, params};

use super::codes::AsWord;
use belfry_core::storage::{Seq, Suppressed};

/// Marks notices; returns how many that changed. Those that do not exist are ignored.
pub(crate) fn mark(tx: &Transaction<'_>, seqs: &[Seq], read: bool) -> rusqlite::Result<usize> {
    let mut mark = tx.prepare_cached("UPDATE notices SET read = ?2 WHERE seq = ?1 AND read <> ?2")?;
    let mut changed = 0;
    for seq in seqs {
        changed += mark.execute(params![seq.0, read])?;
        if read {
            suppress_if_due(tx, *seq, Suppressed::Read)?;
        }
    }
    Ok(changed)
}

/// Suppresses an alert that is still due, or held back for a later summary.
pub(super) fn suppress_if_due(tx: &Transaction<'_>, seq: Seq, why: Suppressed) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE notices SET alert = 'suppressed', alert_why = ?2 \
         WHERE seq = ?1 AND (alert = 'due' OR \
             (alert = 'suppressed' AND alert_why IN ('quiet-hours', 'paused', 'no-service')))",
    )?
    .execute(params![seq.0, AsWord(why)])?;
    Ok(())
}
