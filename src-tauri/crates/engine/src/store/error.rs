//! Why the store cannot be used, in words a person can act on.
//!
//! Every text names the file, what happened and what to do. Invariant: code that returns one of
//! these has neither deleted nor overwritten anything.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A newer version of the program has written it.
    #[error(
        "{}: this inbox was written by a newer version of the program (format {found}, this one knows up to {known}): \
         install that version again; nothing was changed", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: usize,
        /// The newest format this program knows.
        known: usize,
    },
    /// It is not a database, or it is damaged.
    #[error(
        "{}: the inbox is damaged ({detail}): quit the program, move this file and its -wal and -shm neighbours to \
         another folder, keep them for support, and start again with an empty inbox; nothing was deleted",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite or the reader said.
        detail: String,
    },
    /// The file or its folder cannot be opened or written.
    #[error(
        "{}: the inbox cannot be opened for writing ({detail}): give the person who runs the program write access to \
         this file and its folder; nothing was changed", path.display()
    )]
    NotWritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// No space is left.
    #[error("{}: the disk is full: free some space; nothing of the last batch was kept", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another program has held the write lock for longer than
    /// [`BUSY_TIMEOUT`](super::BUSY_TIMEOUT).
    #[error(
        "{}: another program has held the inbox locked for {} s: close it and try again; nothing of the last batch \
         was kept", path.display(), super::BUSY_TIMEOUT.as_secs()
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The inbox of another account.
    #[error(
        "{}: this inbox belongs to the account {found}, not to {asked}: use another data folder for each account; \
         nothing was changed", path.display()
    )]
    OtherAccount {
        /// The file.
        path: PathBuf,
        /// The account it belongs to.
        found: String,
        /// The account that was to use it.
        asked: String,
    },
    /// Anything else SQLite reports.
    #[error("{}: the inbox cannot be used ({detail}): check the disk, then report this; nothing of the last batch was kept", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
}

impl StoreError {
    /// Sorts an error of SQLite by what a person can do about it.
    pub(crate) fn new(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        let detail = error.to_string();
        let is_wrong_value = matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
        );
        if is_wrong_value {
            return Self::Damaged { path, detail };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, detail },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::NotWritable { path, detail }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Unusable { path, detail },
        }
    }
}
