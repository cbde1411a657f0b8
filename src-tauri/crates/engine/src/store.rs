//! The store of one account: notices, cursor and alert marks in one SQLite database.
//!
//! [`Store`] is the engine's only writer; it takes a batch and makes it one transaction with one
//! fsync (WAL, `synchronous=FULL`). Invariants: a key is stored once; identity outlives the row;
//! the cursor moves in the transaction of the rows it covers. Deliberately absent: servers,
//! sessions and notifications.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use belfry_core::{
    notice::NoticeKey,
    ports::PopupId,
    storage::{Applied, Counts, Recovered, Seq, Stored, Write},
};

pub(crate) mod account;
mod apply;
pub(crate) mod codes;
mod error;
mod filter;
pub(crate) mod marks;
mod new_notices;
pub(crate) mod older;
mod recovery;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod select;
pub(crate) mod server_deletions;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod text;
pub(crate) mod tombstones;
pub(crate) mod trash;

pub use error::StoreError;
pub use filter::{Filter, MatchCount, Place};
pub use trash::Removal;

/// How long a connection waits for another one's write.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The database of one account, opened for writing. It may be used again after an error: nothing of
/// what failed is in it.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    data_version: i64,
    sign_ins: i64,
}

impl Store {
    /// Opens the inbox of `account` in its folder, making both if they are not there (on Unix
    /// readable by their owner only), and brings the format up to date.
    ///
    /// # Errors
    /// [`StoreError`] when the file is newer than the program, damaged, out of reach, or another
    /// account's; it is left as it is.
    pub fn open(dir: &Path, account: &str) -> Result<Self, StoreError> {
        Self::new(schema::create(dir)?, account)
    }

    /// An inbox in memory, for simulations and tests; it is gone with the last connection to it.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite has no memory left.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        Self::new(schema::in_memory()?, "memory")
    }

    /// Another connection to a [`Self::open_in_memory`].
    pub(crate) fn connect_beside(&self) -> Result<(Connection, PathBuf), StoreError> {
        Ok((schema::connect_in_memory(&self.path)?, self.path.clone()))
    }

    fn new((connection, path): (Connection, PathBuf), account: &str) -> Result<Self, StoreError> {
        let mut store = Self { connection, path, data_version: 0, sign_ins: 0 };
        let found: String = store.write(|tx| {
            tx.execute("UPDATE account SET name = ?1 WHERE name IS NULL", params![account])?;
            tx.query_row("SELECT name FROM account", [], |row| row.get(0))
        })?;
        if found != account {
            return Err(StoreError::OtherAccount { path: store.path, found, asked: account.to_owned() });
        }
        store.data_version = store.read(data_version)?;
        store.sign_ins = store.read(account::sign_ins)?;
        Ok(store)
    }

    /// Applies a batch in order, as one transaction: all of it or nothing. Once it returns, it
    /// survives a power cut.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of the batch was kept.
    pub fn apply(&mut self, batch: &[Write]) -> Result<Applied, StoreError> {
        self.write(|tx| apply::apply(tx, batch))
    }

    /// Takes over from an earlier run: marks alerts that were claimed without an outcome as
    /// uncertain, and returns what is still to be done. To be called once, before the first
    /// [`apply`](Self::apply).
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was changed.
    pub fn recover(&mut self) -> Result<Recovered, StoreError> {
        self.write(recovery::recover)
    }

    /// Removes notices received before `before`, at most `limit`, the oldest first, and returns how
    /// many; their tombstones stay. To be called until it returns 0, with other work in between.
    /// The age counts from the arrival here: a server's time may be wrong, and a notice would be
    /// removed before a person could see it.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was removed.
    pub fn expire(&mut self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.write(|tx| tombstones::expire(tx, before, limit))
    }

    /// Makes final what a person deleted before `before`, and returns how many notices that were.
    ///
    /// # Errors
    /// [`StoreError`]; then all of it can still be restored.
    pub fn empty_trash(&mut self, before: Timestamp) -> Result<usize, StoreError> {
        if !self.read(|connection| trash::is_due(connection, before))? {
            return Ok(0);
        }
        self.write(|tx| trash::empty(tx, before))
    }

    /// Indexes the next notices, at most `limit`, and returns how many those were: for idle times,
    /// until it returns 0. A search also does it, so that its index is up to date.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was indexed.
    pub fn index_some(&mut self, limit: usize) -> Result<usize, StoreError> {
        self.index_while(limit, || true)
    }

    /// As [`Self::index_some`], but ends early when `goes_on`, which is called after each notice, says
    /// so.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was indexed.
    pub(crate) fn index_while(&mut self, limit: usize, mut goes_on: impl FnMut() -> bool) -> Result<usize, StoreError> {
        self.write(|tx| search::index_while(tx, limit, &mut goes_on))
    }

    /// The cursor of `api.collect`; `None` before the first page.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cursor(&self) -> Result<Option<String>, StoreError> {
        self.read(account::cursor)
    }

    /// Nothing sent before this is missing; `None` before the first complete pass.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn complete_through(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(account::complete_through)
    }

    /// Until when a person has paused notifications.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn paused_until(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(account::paused_until)
    }

    /// When the session was live for the last time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_live(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(account::last_live)
    }

    /// The last offset stored of each stream.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stream_offsets(&self) -> Result<HashMap<String, u64>, StoreError> {
        self.read(account::stream_offsets)
    }

    /// Whether another program has changed the account's secret
    /// ([`crate::inbox::Inbox::note_sign_in`]) since the last call, or since the store was opened.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sign_ins_changed(&mut self) -> Result<bool, StoreError> {
        let now = self.read(account::sign_ins)?;
        Ok(std::mem::replace(&mut self.sign_ins, now) != now)
    }

    /// How many notices and rejected messages there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn counts(&self) -> Result<Counts, StoreError> {
        self.read(account::counts)
    }

    /// One notice; `None` when it was deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn notice(&self, seq: Seq) -> Result<Option<Stored>, StoreError> {
        self.read(|connection| rows::find(connection, seq))
    }

    /// The notices that a popup stands for, oldest first; none when the popup is not known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keys_of(&self, popup: &PopupId) -> Result<Vec<NoticeKey>, StoreError> {
        self.read(|connection| rows::keys_of(connection, popup))
    }

    /// Popups on the screen that no longer stand for any unread and open notice: retract them, then
    /// [`Write::PopupClosed`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stale_popups(&self) -> Result<Vec<PopupId>, StoreError> {
        self.read(apply::stale_popups)
    }

    /// What a person has asked the server to delete, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn server_deletions(&self) -> Result<Vec<(NoticeKey, Timestamp)>, StoreError> {
        self.read(server_deletions::all)
    }

    /// Whether another connection (a window, `belfryctl inbox`) has changed anything since the last
    /// call, or since the store was opened.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        let now = self.read(data_version)?;
        Ok(std::mem::replace(&mut self.data_version, now) != now)
    }

    /// Frees the pages of the file that are kept in memory; they are read again when they are needed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn shrink_memory(&self) -> Result<(), StoreError> {
        self.read(|connection| connection.execute_batch("PRAGMA shrink_memory"))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        work(&self.connection).map_err(|error| StoreError::new(&self.path, &error))
    }

    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        in_transaction(&mut self.connection, work).map_err(|error| StoreError::new(&self.path, &error))
    }
}

/// Runs `work` with the write lock held from the start, so that two writers wait for each other
/// instead of failing halfway. If `work` fails, everything it did is undone.
pub(crate) fn in_transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = work(&tx)?;
    tx.commit()?;
    Ok(result)
}

/// Changes whenever another connection commits.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA data_version", [], |row| row.get(0))
}
