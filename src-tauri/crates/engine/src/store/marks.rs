//! Read and unread: the marks a person sets.
//!
//! Invariant: whatever is read before its popup owes none any more, in the same transaction, also when it is marked
//! unread again.

use rusqlite::{Transaction, params};

use super::{
    types::{Seq, Suppressed},
    writer,
};

/// Marks notices; how many were marked otherwise before. Those not there are passed over.
pub(crate) fn mark(tx: &Transaction<'_>, seqs: &[Seq], read: bool) -> rusqlite::Result<usize> {
    let mut mark = tx.prepare_cached("UPDATE notices SET read = ?2 WHERE seq = ?1 AND read <> ?2")?;
    let mut changed = 0;
    for seq in seqs {
        changed += mark.execute(params![seq, read])?;
        if read {
            writer::suppress_if_due(tx, *seq, Suppressed::Read)?;
        }
    }
    Ok(changed)
}
