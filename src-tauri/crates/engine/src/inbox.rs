//! The inbox as windows and `belfryctl inbox` use it: offline, and beside a running engine.
//!
//! It has a connection of its own and needs no lock. It writes read marks, deletes and the search
//! index, in short transactions that wait for the engine's. Deliberately absent: receiving, alerts
//! and anything on the server. Invariant: nothing is cached, every answer is read from the
//! database.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use crate::store::{
    BUSY_TIMEOUT, Store, StoreError, account, codes, in_transaction, marks, older, rows, schema, search, select,
    server_deletions, tombstones, trash,
};
use belfry_core::{
    notice::{Notice, NoticeKey},
    settings::KindNames,
    storage::{ActionResult, Stored},
    texts::Language,
};

mod export;
mod highlight;
#[cfg(test)]
mod tests;
mod view;

pub use crate::store::{Filter, MatchCount, Place, Removal};
pub use belfry_core::storage::Seq;
pub use export::{ExportError, Format};
pub use highlight::{HighlightRange, Highlighter};
pub use view::{Detail, InboxRow, Stats};

use export::Sink;

/// How many notices a search indexes in one transaction: a few hundredths of a second.
const INDEX_SLICE: usize = 500;

/// How long a search waits for the write lock before it continues with the index as it is.
const INDEX_TIMEOUT: Duration = Duration::from_millis(250);

/// No limit; the largest number that SQLite takes.
pub const ALL: usize = i64::MAX as usize;

/// How long the window offers to undo a delete.
pub const UNDO_OFFERED: Duration = Duration::from_secs(8);

/// How many notices are marked or deleted in one transaction, so that a message that arrives
/// meanwhile waits for less than a second.
const MARK_SLICE: usize = 5_000;

/// How many characters of a body the rows of [`Inbox::previews`] have.
pub const PREVIEW_CHARS: usize = 1_000;

/// A page of the inbox.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InboxPage<T = Detail> {
    /// Newest first.
    pub rows: Vec<T>,
    /// Whether something newer matches too.
    pub has_newer: bool,
    /// What to ask the page below with ([`Place::Before`]); `None` at the end.
    pub next: Option<Seq>,
}

/// One account's inbox. Other programs may have it open at the same time.
#[derive(Debug)]
pub struct Inbox {
    connection: Connection,
    path: PathBuf,
    /// Gives a kind its name.
    kinds: (KindNames, Language),
}

impl Inbox {
    fn of(connection: Connection, path: PathBuf) -> Self {
        Self { connection, path, kinds: (KindNames::default(), Language::English) }
    }

    /// Gives kinds these names, in this language (`message.kinds`).
    #[must_use]
    pub fn naming_kinds(self, names: KindNames, language: Language) -> Self {
        Self { kinds: (names, language), ..self }
    }

    fn named(&self, stored: Stored) -> Detail {
        let mut detail = Detail::from(stored);
        let (names, language) = &self.kinds;
        detail.row.kind_name = names.name(&detail.row.kind, *language).map(str::to_owned);
        detail
    }

    /// Opens the inbox in an account's folder; `None` when there is none yet.
    ///
    /// # Errors
    /// [`StoreError`] when the file is newer than the program, damaged or out of reach; it is left
    /// as it is.
    pub fn open(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(schema::FILE);
        match path.try_exists() {
            Ok(true) => Ok(schema::open_existing(&path)?.map(|connection| Self::of(connection, path))),
            Ok(false) => Ok(None),
            Err(error) => Err(StoreError::NotWritable { path, detail: error.to_string() }),
        }
    }

    /// The inbox of an account that has none yet: empty, in memory.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite has no memory left.
    pub fn empty() -> Result<Self, StoreError> {
        let (connection, path) = schema::in_memory()?;
        Ok(Self::of(connection, path))
    }

    /// The inbox of a [`Store::open_in_memory`], as a person would use it beside the engine: for
    /// simulations and tests.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite has no memory left.
    pub fn open_beside(store: &Store) -> Result<Self, StoreError> {
        let (connection, path) = store.connect_beside()?;
        Ok(Self::of(connection, path))
    }

    /// A page of the notices that match, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`]. It is not an error when the search index cannot be updated, because the disk
    /// is full or the file is locked or read-only: the missing notices are then searched without
    /// it, which takes longer.
    pub fn page(&mut self, filter: &Filter<'_>, place: Place, limit: usize) -> Result<InboxPage, StoreError> {
        let page = self.page_of(filter, place, limit, rows::find)?;
        let rows = page.rows.into_iter().map(|stored| self.named(stored)).collect();
        Ok(InboxPage { rows, has_newer: page.has_newer, next: page.next })
    }

    /// A page of a list, as [`page`](Self::page); each row is made by `row`, one after the other,
    /// so that no more than one notice is in memory. Without a search text a notice has the first
    /// [`PREVIEW_CHARS`] of its body and none of its own fields; with one it is whole, since what
    /// was found may be anywhere in it.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub fn previews<T>(
        &mut self,
        filter: &Filter<'_>,
        place: Place,
        limit: usize,
        mut row: impl FnMut(Detail) -> T,
    ) -> Result<InboxPage<T>, StoreError> {
        let is_search = filter.text.is_some();
        self.page_of(filter, place, limit, |connection, seq| {
            let found = if is_search {
                rows::find(connection, seq)?
            } else {
                rows::find_preview(connection, seq, PREVIEW_CHARS)?
            };
            Ok(found.map(|stored| row(stored.into())))
        })
    }

    fn page_of<T>(
        &mut self,
        filter: &Filter<'_>,
        place: Place,
        limit: usize,
        mut read: impl FnMut(&Connection, Seq) -> rusqlite::Result<Option<T>>,
    ) -> Result<InboxPage<T>, StoreError> {
        self.consistent(filter, |connection| {
            let mut seqs = select::seqs(connection, filter, place, limit.saturating_add(1))?;
            let is_cut = seqs.len() > limit;
            match place {
                Place::After(_) => drop(seqs.drain(..usize::from(is_cut))),
                Place::Newest | Place::Before(_) => seqs.truncate(limit),
            }
            let is_any = |place| Ok::<_, rusqlite::Error>(!select::seqs(connection, filter, place, 1)?.is_empty());
            let (has_newer, next) = match (place, seqs.first(), seqs.last()) {
                (Place::Newest, ..) => (false, seqs.last().copied().filter(|_| is_cut)),
                (Place::Before(_), Some(first), Some(last)) => (is_any(Place::After(*first))?, is_cut.then_some(*last)),
                (Place::Before(below), ..) => (is_any(Place::After(Seq(below.0.saturating_sub(1))))?, None),
                (Place::After(_), Some(_), Some(last)) => (is_cut, is_any(Place::Before(*last))?.then_some(*last)),
                (Place::After(above), ..) => {
                    let next = Seq(above.0.saturating_add(1));
                    (false, is_any(Place::Before(next))?.then_some(next))
                }
            };
            let rows = seqs.iter().filter_map(|seq| read(connection, *seq).transpose());
            Ok(InboxPage { rows: rows.collect::<rusqlite::Result<_>>()?, has_newer, next })
        })
    }

    /// The places of the notices that match, newest first, at most `limit`.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub fn seqs(&mut self, filter: &Filter<'_>, limit: usize) -> Result<Vec<Seq>, StoreError> {
        self.consistent(filter, |connection| select::seqs(connection, filter, Place::Newest, limit))
    }

    /// How many notices match.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub fn count(&mut self, filter: &Filter<'_>) -> Result<MatchCount, StoreError> {
        self.consistent(filter, |connection| select::count(connection, filter))
    }

    /// The kinds there are with how many notices each, the most frequent first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn kinds(&self, limit: usize) -> Result<Vec<(String, u64)>, StoreError> {
        self.read(|connection| select::kinds(connection, limit))
    }

    /// Reads in one transaction, after updating the index for a search.
    fn consistent<T>(
        &mut self,
        filter: &Filter<'_>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        if filter.text.is_some() {
            self.update_index()?;
        }
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let answer = work(&snapshot)?;
            snapshot.commit()?;
            Ok(answer)
        })
    }

    fn update_index(&mut self) -> Result<(), StoreError> {
        if !self.read(search::is_behind)? {
            return Ok(());
        }
        self.read(|connection| connection.busy_timeout(INDEX_TIMEOUT))?;
        let indexed = loop {
            match self.write(|tx| search::index_while(tx, INDEX_SLICE, &mut || true)) {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(StoreError::Busy { .. } | StoreError::Full { .. } | StoreError::NotWritable { .. }) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.read(|connection| connection.busy_timeout(BUSY_TIMEOUT))?;
        indexed
    }

    /// The notices with this id, newest first: more than one only where scopes keep clashing ids
    /// apart. To show, mark or delete by id means all of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(&self, id: &str) -> Result<Vec<Seq>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT seq FROM notices WHERE id = ?1 ORDER BY seq DESC")?
                .query_map(params![id], codes::seq)?
                .collect()
        })
    }

    /// Everything about one notice; `None` when it was deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn show(&self, seq: Seq) -> Result<Option<Detail>, StoreError> {
        self.read(|connection| {
            let Some(stored) = rows::find(connection, seq)? else { return Ok(None) };
            let server_deletion = server_deletions::of(connection, &stored.notice.key)?;
            Ok(Some(Detail { server_deletion, ..self.named(stored) }))
        })
    }

    /// Marks notices as read or unread, and returns how many that changed; those that do not exist
    /// are ignored.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was marked.
    pub fn mark(&mut self, seqs: &[Seq], read: bool) -> Result<usize, StoreError> {
        self.write(|tx| marks::mark(tx, seqs, read))
    }

    /// Keeps what came of a button on a notice, until the matter is opened again.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was kept.
    pub fn keep_action_result(&mut self, seq: Seq, result: &ActionResult) -> Result<(), StoreError> {
        self.write(|tx| rows::keep_action_result(tx, seq, result))
    }

    /// Records that the secret was changed: an engine that runs for this account reads it again
    /// within a second.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was recorded.
    pub fn note_sign_in(&mut self) -> Result<(), StoreError> {
        self.write(account::note_sign_in)
    }

    /// Marks every matching notice up to `through` as read, and returns how many that changed: what
    /// arrived after that place stays unread.
    ///
    /// # Errors
    /// [`StoreError`]; then some may be marked.
    pub fn mark_all_read(&mut self, filter: &Filter<'_>, through: Seq) -> Result<usize, StoreError> {
        let unread = Filter { unread: true, ..*filter };
        let place = Place::Before(Seq(through.0.saturating_add(1)));
        let seqs = self.consistent(&unread, |connection| select::seqs(connection, &unread, place, ALL))?;
        let mut marked = 0;
        for slice in seqs.chunks(MARK_SLICE) {
            marked += self.mark(slice, true)?;
        }
        Ok(marked)
    }

    /// Deletes notices for good, and returns how many there were; their tombstones stay, so that a
    /// copy sent again neither returns nor notifies.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was deleted.
    pub fn delete(&mut self, seqs: &[Seq]) -> Result<usize, StoreError> {
        self.write(|tx| tombstones::delete(tx, seqs))
    }

    /// Keeps that a person wants the server to delete its records of these, and returns how many
    /// notices there are. A running engine sends that within a second when it is connected; each
    /// notice stays until the server has answered.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was kept.
    pub fn delete_on_server(&mut self, seqs: &[Seq], now: Timestamp) -> Result<usize, StoreError> {
        self.write(|tx| server_deletions::ask(tx, seqs, now))
    }

    /// Takes back [`delete_on_server`](Self::delete_on_server) where the server has not answered yet,
    /// and returns how many that were.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was taken back.
    pub fn keep_on_server(&mut self, seqs: &[Seq]) -> Result<usize, StoreError> {
        self.write(|tx| server_deletions::take_back(tx, seqs))
    }

    /// The server has deleted its record of this notice, or had none: it is deleted here too, and
    /// nothing waits for the server any more.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was deleted.
    pub fn deleted_on_server(&mut self, key: &NoticeKey) -> Result<(), StoreError> {
        self.write(|tx| server_deletions::done(tx, key))
    }

    /// Deletes notices as [`delete`](Self::delete) does, but keeps them in the trash for a while
    /// (longer than [`UNDO_OFFERED`]). Returns how many there were, and the id by which
    /// [`restore`](Self::restore) brings them back.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was deleted.
    pub fn remove(&mut self, seqs: &[Seq], now: Timestamp) -> Result<(usize, Removal), StoreError> {
        self.write(|tx| trash::remove(tx, seqs, now))
    }

    /// Restores what was removed, with its old marks and place, and returns how many notices that
    /// are; 0 when it is too late. None of them notifies.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was brought back.
    pub fn restore(&mut self, removal: Removal) -> Result<usize, StoreError> {
        self.write(|tx| trash::restore(tx, removal))
    }

    /// Adds notices of the server's history below all others, newest first, and returns how many
    /// were new. None of them notifies.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was added.
    pub fn add_older(&mut self, notices: &[Notice], now: Timestamp) -> Result<usize, StoreError> {
        self.write(|tx| older::add(tx, notices, now))
    }

    /// Writes every notice, newest first, and returns how many.
    ///
    /// # Errors
    /// [`ExportError`]; then `out` holds a part.
    pub fn export(&self, format: Format, out: impl io::Write) -> Result<u64, ExportError> {
        let failed = |error| StoreError::new(&self.path, &error);
        let mut sink = Sink::begin(format, out)?;
        let select = format!("SELECT {} FROM notices ORDER BY seq DESC", rows::COLUMNS);
        let mut select = self.connection.prepare(&select).map_err(failed)?;
        let mut count = 0;
        for stored in select.query_map([], rows::stored).map_err(failed)? {
            sink.put(self.named(stored.map_err(failed)?).row)?;
            count += 1;
        }
        sink.end()?;
        Ok(count)
    }

    /// Writes these notices in this order, and returns how many exist.
    ///
    /// # Errors
    /// [`ExportError`]; then `out` holds a part.
    pub fn export_some(&self, format: Format, seqs: &[Seq], out: impl io::Write) -> Result<u64, ExportError> {
        let mut sink = Sink::begin(format, out)?;
        let mut count = 0;
        for seq in seqs {
            if let Some(stored) = self.read(|connection| rows::find(connection, *seq))? {
                sink.put(self.named(stored).row)?;
                count += 1;
            }
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
        work(&self.connection).map_err(|error| StoreError::new(&self.path, &error))
    }

    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        in_transaction(&mut self.connection, work).map_err(|error| StoreError::new(&self.path, &error))
    }
}
