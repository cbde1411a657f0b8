//! What is still to be given to the external broker: the log, from where the publisher has come to.
//!
//! The place is kept in the database, so that a record that was taken is published also when the
//! server or the broker was down in between. Invariant: the place moves after the broker has
//! confirmed; so a record may be published twice, and is never left out.

use rusqlite::params;

use crate::records::{Position, Record, Served, Status, Stored};
use crate::store::{Store, StoreError};

impl Store {
    /// Begins an outbox at the end of the log, unless there is one.
    pub(crate) fn open_outbox(&mut self) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT OR IGNORE INTO outbox (only_row, through)
             SELECT 1, coalesce(max(position), 0) FROM record",
            [],
        )?;
        Ok(())
    }

    /// The next records to publish, oldest first.
    pub(crate) fn unpublished(&self, limit: u32) -> Result<Vec<Stored>, StoreError> {
        let mut records = self.db.prepare_cached(
            "SELECT position, json, is_broadcast FROM record
             WHERE position > (SELECT through FROM outbox) ORDER BY position LIMIT ?1",
        )?;
        let rows = records.query_map([limit], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
        let mut receivers = self.db.prepare_cached("SELECT user FROM recipient WHERE position = ?1")?;
        rows.map(|row| {
            let (position, json, is_broadcast): (i64, _, _) = row?;
            let record: Record = serde_json::from_str(&json)?;
            let receivers = receivers.query_map([position], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let served = Served { record, status: Status::Undelivered, position: Position::of_row(position) };
            Ok(Stored { served, receivers, is_broadcast })
        })
        .collect()
    }

    /// The broker has everything up to here.
    pub(crate) fn mark_published(&mut self, through: Position) -> Result<(), StoreError> {
        self.db.execute("UPDATE outbox SET through = ?1 WHERE through < ?1", params![through.row()])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::records::{Draft, Put, Receivers};

    fn put(store: &mut Store, id: &str, receivers: Receivers) -> Position {
        let draft = Draft { id: Some(id.to_owned()), title: "t".to_owned(), kind: 1.into(), ..Draft::default() };
        match store.put("sender", draft, receivers, Timestamp::now()).unwrap() {
            Put::Stored(stored) => stored.served.position,
            Put::Repeated => panic!("{id} was there already"),
        }
    }

    #[test]
    fn an_outbox_begins_at_the_end_of_the_log_and_moves_with_what_was_published() {
        let mut store = Store::open(None).unwrap();
        put(&mut store, "before", Receivers::Everybody(vec!["alice".to_owned()]));
        store.open_outbox().unwrap();
        let first = put(&mut store, "1", Receivers::Named(vec!["alice".to_owned(), "bob".to_owned()]));
        put(&mut store, "2", Receivers::Everybody(vec!["alice".to_owned()]));
        store.open_outbox().unwrap();
        let of = |store: &Store| -> Vec<(String, usize, bool)> {
            let unpublished = store.unpublished(10).unwrap().into_iter();
            unpublished.map(|one| (one.served.record.id, one.receivers.len(), one.is_broadcast)).collect()
        };
        assert_eq!(of(&store), [("1".to_owned(), 2, false), ("2".to_owned(), 1, true)]);
        store.mark_published(first).unwrap();
        assert_eq!(of(&store), [("2".to_owned(), 1, true)]);
    }
}
