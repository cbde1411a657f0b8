//! Which device has had which record: pages to collect, and the marks.

use rusqlite::{named_params, params};

use super::{Position, Served, served};
use crate::store::{Store, StoreError};

/// What to collect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Collect<'a> {
    pub(crate) user: &'a str,
    pub(crate) device: &'a str,
    pub(crate) after: Option<Position>,
    /// Greatest number of records on the page.
    pub(crate) limit: u32,
    /// Leave out what this device has had even after the cursor.
    pub(crate) only_undelivered: bool,
}

impl Store {
    /// The records of a person after a cursor, oldest first. Without a cursor: those this device
    /// has not had.
    pub(crate) fn collect(&self, query: Collect<'_>) -> Result<Vec<Served>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "WITH had AS (
                 SELECT coalesce(max(through), 0) AS through FROM collected WHERE user = :user AND device = :device)
             SELECT position, json, status FROM (
                 SELECT r.position, r.json,
                        r.position <= (SELECT through FROM had) OR EXISTS (
                            SELECT 1 FROM delivered d
                            WHERE d.user = :user AND d.device = :device AND d.position = r.position) AS status
                 FROM recipient p JOIN record r ON r.position = p.position
                 WHERE p.user = :user AND p.position > :after)
             WHERE NOT (:undelivered AND status)
             ORDER BY position LIMIT :limit",
        )?;
        let rows = statement.query_and_then(
            named_params! {
                ":user": query.user,
                ":device": query.device,
                ":after": query.after.map_or(0, |position| position.0),
                ":undelivered": query.only_undelivered || query.after.is_none(),
                ":limit": query.limit,
            },
            served,
        )?;
        rows.collect()
    }

    /// The device has everything up to `through`: it asked for what comes after.
    pub(crate) fn mark_collected(&mut self, user: &str, device: &str, through: Position) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        // A cursor beyond the end was not handed out by this log: it must not swallow what is yet
        // to come.
        let changed = transaction.execute(
            "INSERT INTO collected (user, device, through)
             SELECT ?1, ?2, min(?3, coalesce(max(seq), 0)) FROM sqlite_sequence WHERE name = 'record'
             ON CONFLICT (user, device) DO UPDATE SET through = excluded.through WHERE excluded.through > through",
            params![user, device, through.0],
        )?;
        if changed > 0 {
            transaction.execute(
                "DELETE FROM delivered WHERE user = ?1 AND device = ?2
                 AND position <= (SELECT through FROM collected WHERE user = ?1 AND device = ?2)",
                params![user, device],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// The device has these records. A place that an edit or a deletion emptied is passed over.
    pub(crate) fn mark_delivered(
        &mut self,
        user: &str,
        device: &str,
        positions: &[Position],
    ) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        {
            let mut mark = transaction.prepare_cached(
                "INSERT OR IGNORE INTO delivered (user, device, position)
                 SELECT ?1, ?2, position FROM record WHERE position = ?3",
            )?;
            for position in positions {
                mark.execute(params![user, device, position.0])?;
            }
        }
        Ok(transaction.commit()?)
    }
}
