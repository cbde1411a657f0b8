//! The one SQLite database behind the server: accounts' numbers, records, which device has had
//! them, and tokens.
//!
//! In memory without `--data`, the same code otherwise. Only this module, `records`, `outbox` and
//! `tokens` speak SQL. Deliberately absent: the broker's queues, which live in memory; what must
//! survive a restart is a record. Invariant: a call that returned has been written (WAL,
//! `synchronous = FULL`).

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::random_token;

/// The layout below; another number in `user_version` is another layout.
const LAYOUT: i64 = 2;

/// `record.position` only grows and is never used twice: it is what a cursor stands for.
const SCHEMA: &str = "
CREATE TABLE log (identity TEXT NOT NULL);
CREATE TABLE account (
    user_id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL UNIQUE
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('account', 1000);
-- Every id that was ever sent; it stays when its record is deleted.
CREATE TABLE message_id (
    id TEXT PRIMARY KEY,
    sender TEXT NOT NULL,
    version INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE record (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    sender TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    is_broadcast INTEGER NOT NULL,
    json TEXT NOT NULL
);
CREATE TABLE recipient (
    user TEXT NOT NULL,
    position INTEGER NOT NULL REFERENCES record ON DELETE CASCADE,
    PRIMARY KEY (user, position)
) WITHOUT ROWID;
CREATE INDEX recipient_position ON recipient (position);
-- Everything up to `through` was had by this device ...
CREATE TABLE collected (
    user TEXT NOT NULL,
    device TEXT NOT NULL,
    through INTEGER NOT NULL,
    PRIMARY KEY (user, device)
) WITHOUT ROWID;
-- ... and, beyond it, these.
CREATE TABLE delivered (
    user TEXT NOT NULL,
    device TEXT NOT NULL,
    position INTEGER NOT NULL REFERENCES record ON DELETE CASCADE,
    PRIMARY KEY (user, device, position)
) WITHOUT ROWID;
CREATE INDEX delivered_position ON delivered (position);
CREATE TABLE token (
    digest BLOB PRIMARY KEY,
    login TEXT NOT NULL,
    purpose TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
-- One row: up to where the log was given to the external broker, once there was one.
CREATE TABLE outbox (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    through INTEGER NOT NULL
);
";

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder given with `--data` can't be made.
    #[error("cannot create the data folder {path}: {source}")]
    Folder {
        /// The folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another version wrote the file.
    #[error("the data folder holds layout {found}, this version reads layout {LAYOUT}: use another --data folder")]
    Layout {
        /// The layout that was found.
        found: i64,
    },
    /// SQLite failed.
    #[error("the record store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A row that this program wrote can't be read back.
    #[error("the record store holds a record that cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// The open database.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) db: Connection,
    /// Names this log, so that a cursor from another one (of a server whose records are gone) is
    /// noticed.
    pub(crate) log: String,
}

impl Store {
    /// Opens `pushd.db` in `folder`, or a database in memory that ends with the process.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, StoreError> {
        let db = match folder {
            None => Connection::open_in_memory()?,
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|source| StoreError::Folder { path: folder.display().to_string(), source })?;
                Connection::open(folder.join("pushd.db"))?
            }
        };
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        match db.query_row("PRAGMA user_version", [], |row| row.get(0))? {
            LAYOUT => {}
            0 => {
                let fresh = db.unchecked_transaction()?;
                fresh.execute_batch(SCHEMA)?;
                fresh.execute("INSERT INTO log (identity) VALUES (?1)", [random_token(8)])?;
                fresh.pragma_update(None, "user_version", LAYOUT)?;
                fresh.commit()?;
            }
            found => return Err(StoreError::Layout { found }),
        }
        let log = db.query_row("SELECT identity FROM log", [], |row| row.get(0))?;
        Ok(Self { db, log })
    }

    /// The number of an account; it stays the same as long as the data folder does.
    pub(crate) fn user_id(&mut self, login: &str) -> Result<u64, StoreError> {
        Ok(user_id(&self.db, login)?)
    }
}

/// See [`Store::user_id`]; for use within a transaction.
pub(crate) fn user_id(db: &Connection, login: &str) -> Result<u64, rusqlite::Error> {
    let find = "SELECT user_id FROM account WHERE login = ?1";
    if let Some(known) = db.prepare_cached(find)?.query_row([login], |row| row.get(0)).optional()? {
        return Ok(known);
    }
    db.query_row("INSERT INTO account (login) VALUES (?1) RETURNING user_id", [login], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_log_and_a_fresh_one_is_another_log() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::open(Some(folder.path())).unwrap().log;
        assert_eq!(Store::open(Some(folder.path())).unwrap().log, first);
        assert_ne!(Store::open(None).unwrap().log, first);
    }

    #[test]
    fn a_user_id_is_a_number_that_stays_with_its_login() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(Some(folder.path())).unwrap();
        let (zoe, alice) = (store.user_id("zoe").unwrap(), store.user_id("alice").unwrap());
        assert_eq!((zoe, alice), (1001, 1002));
        drop(store);
        let mut store = Store::open(Some(folder.path())).unwrap();
        assert_eq!((store.user_id("alice").unwrap(), store.user_id("bob").unwrap()), (alice, 1003));
    }

    #[test]
    fn a_folder_of_another_layout_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Some(folder.path())).unwrap();
        store.db.pragma_update(None, "user_version", 7).unwrap();
        drop(store);
        let refused = Store::open(Some(folder.path())).unwrap_err();
        assert!(refused.to_string().contains("layout 7"), "{refused}");
    }
}
