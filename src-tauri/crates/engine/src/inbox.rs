//! The inbox as windows and `belfryctl inbox` use it: offline, and beside a running engine.
//!
//! It has a connection of its own and needs no lock; what it writes (read marks, deletes) is one short transaction that
//! waits for the engine's. Deliberately absent: receiving, alerts and anything on the server. Invariant: the inbox
//! holds no truth of its own, every answer is read from the database.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, params};

use crate::store::{Seq, StoreError, burial, in_transaction, marks, schema};

/// One account's inbox, opened beside whoever else uses it.
#[derive(Debug)]
pub struct Inbox {
    connection: Connection,
    place: PathBuf,
}

impl Inbox {
    /// Opens the inbox in an account's folder; `None` when there is none yet.
    ///
    /// # Errors
    /// [`StoreError`] when the file is newer than the program, damaged or out of reach; it is left as it is.
    pub fn open(dir: &Path) -> Result<Option<Self>, StoreError> {
        let place = dir.join(schema::FILE);
        if !place.exists() {
            return Ok(None);
        }
        Ok(schema::open_existing(&place)?.map(|connection| Self { connection, place }))
    }

    /// The notices with this id, newest first: more than one only where scopes keep clashing ids apart.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(&self, id: &str) -> Result<Vec<Seq>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT seq FROM notices WHERE id = ?1 ORDER BY seq DESC")?
                .query_map(params![id], |row| row.get(0))?
                .collect()
        })
    }

    /// Marks notices as read or unread, and says how many that changed; those not there are passed over.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was marked.
    pub fn mark(&mut self, seqs: &[Seq], read: bool) -> Result<usize, StoreError> {
        self.write(|tx| marks::mark(tx, seqs, read))
    }

    /// Deletes notices for good, and says how many there were; their identities stay behind, so that a copy sent again
    /// neither returns nor rings.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was deleted.
    pub fn delete(&mut self, seqs: &[Seq]) -> Result<usize, StoreError> {
        self.write(|tx| burial::bury(tx, seqs))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        work(&self.connection).map_err(|error| StoreError::new(&self.place, &error))
    }

    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        in_transaction(&mut self.connection, work).map_err(|error| StoreError::new(&self.place, &error))
    }
}
