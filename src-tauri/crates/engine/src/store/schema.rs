//! Opening the database: the file, its pragmas and its format.
//!
//! Deliberately absent: repair. A file that is newer, damaged or out of reach is left exactly as it
//! is. Invariant: no connection leaves here without `synchronous=FULL`, so a commit that returned
//! survives a power cut. (WAL makes that one fsync; where a file system cannot do it, SQLite keeps
//! its rollback journal, which is slower and as safe.)

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::{BUSY_TIMEOUT, error::StoreError};

/// The database inside an account's folder.
pub(crate) const FILE: &str = "inbox.sqlite3";

/// The format, step by step. A step that has been released is never edited.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/001-inbox.sql")),
    M::up(include_str!("migrations/002-window.sql")),
    M::up(include_str!("migrations/003-edges.sql")),
    M::up(include_str!("migrations/004-first-unannounced.sql")),
    M::up(include_str!("migrations/005-actions.sql")),
    M::up(include_str!("migrations/006-openings.sql")),
    M::up(include_str!("migrations/007-holding.sql")),
    M::up(include_str!("migrations/008-server-deletions.sql")),
    M::up(include_str!("migrations/009-no-service.sql")),
];

/// Opens the file for writing, and makes it (and the folder) if it is not there; on Unix only the
/// owner can read them.
pub(super) fn create(dir: &Path) -> Result<(Connection, PathBuf), StoreError> {
    let path = dir.join(FILE);
    make_private(dir, &path)
        .map_err(|error| StoreError::NotWritable { path: path.clone(), detail: error.to_string() })?;
    let mut connection = connect(&path)?;
    migrate(&mut connection, &path)?;
    Ok((connection, path))
}

/// Opens an existing file for writing; `None` when it has no format yet (another program is making
/// it).
pub(crate) fn open_existing(path: &Path) -> Result<Option<Connection>, StoreError> {
    let mut connection = connect(path)?;
    if format(&connection, path)? == 0 {
        return Ok(None);
    }
    migrate(&mut connection, path)?;
    Ok(Some(connection))
}

/// A database in memory, under a name that is unique in this process; it is gone with the last
/// connection to it.
pub(crate) fn in_memory() -> Result<(Connection, PathBuf), StoreError> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let path = PathBuf::from(format!("file:/belfry-{}?vfs=memdb", MADE.fetch_add(1, Ordering::Relaxed)));
    let mut connection = connect_in_memory(&path)?;
    migrate(&mut connection, &path)?;
    Ok((connection, path))
}

/// Another connection to what [`in_memory`] made.
pub(crate) fn connect_in_memory(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error| StoreError::new(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    configure(&connection).map_err(failed)?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error| StoreError::new(path, &error);
    // Not SQLITE_OPEN_CREATE: `make_private` makes the file, with the right mode from the start.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    // Before anything that might write: a file of a newer format must not be changed.
    let found = format(&connection, path)?;
    if found > STEPS.len() {
        return Err(StoreError::Newer { path: path.to_path_buf(), found, known: STEPS.len() });
    }
    configure(&connection).map_err(failed)?;
    Ok(connection)
}

fn format(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|error| StoreError::new(path, &error))
}

/// Sets what must hold on every connection.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS a plain fsync stops at the drive's cache; elsewhere this does nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What a person deletes is overwritten, not just unlinked.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    Migrations::from_slice(STEPS).to_latest(connection).map_err(|error| {
        if let rusqlite_migration::Error::RusqliteError { err, .. } = &error {
            return StoreError::new(path, err);
        }
        StoreError::Unusable { path: path.to_path_buf(), detail: error.to_string() }
    })
}

#[cfg(unix)]
fn make_private(dir: &Path, path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    // SQLite gives -wal and -shm the mode of the database.
    fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

#[cfg(not(unix))]
fn make_private(dir: &Path, path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    fs::OpenOptions::new().append(true).create(true).open(path).map(drop)
}
