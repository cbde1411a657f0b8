//! The inbox as windows and `belfryctl inbox` use it: offline, and beside a running engine.
//!
//! It has a connection of its own and needs no lock; what it writes (read marks, deletes, the search index) are short
//! transactions that wait for the engine's. Deliberately absent: receiving, alerts and anything on the server.
//! Invariant: the inbox holds no truth of its own, every answer is read from the database.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, Transaction, params};

use crate::store::{Seq, Store, StoreError, account, burial, in_transaction, marks, rows, schema, search};

mod export;
#[cfg(test)]
mod tests;
mod view;

pub use export::{ExportError, Format};
pub use view::{Detail, Row, Stats};

use export::Sink;

/// How many notices a search indexes in one transaction: a few hundredths of a second.
const INDEX_SLICE: usize = 500;

/// How long a search waits for the write lock before it goes without the index.
const INDEX_PATIENCE: Duration = Duration::from_millis(250);

/// Which notices to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those not read.
    pub unread: bool,
}

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
        match place.try_exists() {
            Ok(true) => Ok(schema::open_existing(&place)?.map(|connection| Self { connection, place })),
            Ok(false) => Ok(None),
            Err(error) => Err(StoreError::NotWritable { place, detail: error.to_string() }),
        }
    }

    /// The inbox of an account that has none yet: it lives in memory, and nothing is in it.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite has no memory left.
    pub fn empty() -> Result<Self, StoreError> {
        let (connection, place) = schema::in_memory()?;
        Ok(Self { connection, place })
    }

    /// The inbox of a [`Store::open_in_memory`], as a person would use it beside the engine: for simulations and tests.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite has no memory left.
    pub fn open_beside(store: &Store) -> Result<Self, StoreError> {
        let (connection, place) = store.connect_beside()?;
        Ok(Self { connection, place })
    }

    /// A page of the inbox, newest arrival first: at most `limit` notices that came before `before`, which is the
    /// [`Row::seq`] of the last row of the page above.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn page(&self, filter: Filter, before: Option<Seq>, limit: usize) -> Result<Vec<Row>, StoreError> {
        let which = if filter.unread { "INDEXED BY notices_unread WHERE read = 0 AND" } else { "WHERE" };
        self.read(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {} FROM notices {which} seq < ?1 ORDER BY seq DESC LIMIT ?2",
                    rows::COLUMNS
                ))?
                .query_map(params![start(before), limit], rows::stored)?
                .map(|stored| stored.map(Row::from))
                .collect()
        })
    }

    /// A page of the notices that hold every word of `text` in title, body, sender or unmapped fields, in the order of
    /// [`page`](Self::page). The last word may be unfinished; where words are written without spaces any part of one
    /// is found. Nothing is found by punctuation alone.
    ///
    /// # Errors
    /// [`StoreError`]. An index that cannot be brought up to date, because the disk is full or the file is locked or
    /// read-only, is none: the rest is then looked through, which takes longer.
    pub fn search(
        &mut self,
        text: &str,
        filter: Filter,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.follow_index()?;
        let stored = self.read(|connection| search::find(connection, text, filter.unread, start(before), limit))?;
        Ok(stored.into_iter().map(Row::from).collect())
    }

    fn follow_index(&mut self) -> Result<(), StoreError> {
        if !self.read(search::is_behind)? {
            return Ok(());
        }
        self.read(|connection| connection.busy_timeout(INDEX_PATIENCE))?;
        let indexed = loop {
            match self.write(|tx| search::index_some(tx, INDEX_SLICE)) {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(StoreError::Busy { .. } | StoreError::Full { .. } | StoreError::NotWritable { .. }) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.read(|connection| connection.busy_timeout(schema::BUSY_TIMEOUT))?;
        indexed
    }

    /// The notices with this id, newest first: more than one only where scopes keep clashing ids apart. Whoever shows,
    /// marks or deletes by id means all of them.
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

    /// Everything about one notice; `None` when it was deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn show(&self, seq: Seq) -> Result<Option<Detail>, StoreError> {
        Ok(self.read(|connection| rows::find(connection, seq))?.map(Detail::from))
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

    /// Writes every notice, newest first, as they are at this moment, and says how many.
    ///
    /// # Errors
    /// [`ExportError`]; then `out` holds a part.
    pub fn export(&self, format: Format, out: impl io::Write) -> Result<u64, ExportError> {
        let failed = |error| StoreError::new(&self.place, &error);
        let mut sink = Sink::begin(format, out)?;
        let select = format!("SELECT {} FROM notices ORDER BY seq DESC", rows::COLUMNS);
        let mut select = self.connection.prepare(&select).map_err(failed)?;
        let mut count = 0;
        for stored in select.query_map([], rows::stored).map_err(failed)? {
            sink.put(stored.map_err(failed)?.into())?;
            count += 1;
        }
        sink.end()?;
        Ok(count)
    }

    /// The inbox in numbers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stats(&self) -> Result<Stats, StoreError> {
        self.read(|connection| {
            let counts = account::counts(connection)?;
            let (decided, withdrawn, expired, uncertain): (u64, u64, u64, u64) = connection.query_row(
                "SELECT (SELECT count(*) FROM notices WHERE state = 'decided' AND state <> 'open'), \
                        (SELECT count(*) FROM notices WHERE state = 'withdrawn' AND state <> 'open'), \
                        (SELECT count(*) FROM notices WHERE state = 'expired' AND state <> 'open'), \
                        (SELECT count(*) FROM notices WHERE alert = 'uncertain')",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )?;
            Ok(Stats {
                total: counts.notices,
                unread: counts.unread,
                badge: counts.badge,
                open: counts.notices.saturating_sub(decided + withdrawn + expired),
                decided,
                withdrawn,
                expired,
                uncertain,
                rejected: counts.rejected,
                last_live: account::last_live(connection)?,
                complete_through: account::complete_through(connection)?,
            })
        })
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        work(&self.connection).map_err(|error| StoreError::new(&self.place, &error))
    }

    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        in_transaction(&mut self.connection, work).map_err(|error| StoreError::new(&self.place, &error))
    }
}

/// Above the newest notice, unless a page was there before.
fn start(before: Option<Seq>) -> Seq {
    before.unwrap_or(Seq(i64::MAX))
}
