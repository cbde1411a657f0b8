//! Why an engine does not start.

use std::{io, path::PathBuf};

use crate::store::StoreError;

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings name no server.
    #[error("server.endpoints is empty: set the address of the push server")]
    NoServer,
    /// Another engine runs on this data folder.
    #[error("{}: another Belfry is running with this data folder: use that one, or give another --data-dir", .0.display())]
    InUse(PathBuf),
    /// The data folder cannot be used.
    #[error("{}: the data folder cannot be used ({source}): allow Belfry to write there, or give another --data-dir", path.display())]
    DataDir {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The inbox cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system cannot start a thread.
    #[error("no thread could be started: {0}")]
    Thread(io::Error),
}
