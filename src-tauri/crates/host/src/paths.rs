//! Where settings and data live on this system.
//!
//! Settings are in the configuration directory, everything else in the local data directory.
//! Deliberately absent: creating anything. Invariant: nothing is in a roaming profile, since two
//! machines that share a database corrupt it.

use std::path::PathBuf;

use directories::{ProjectDirs, UserDirs};

/// Name of the settings file.
pub const SETTINGS_FILE: &str = "settings.toml";

/// The home directory is unknown.
#[derive(Debug, thiserror::Error)]
#[error("the home directory is unknown: set HOME, or give --config and --data-dir")]
pub struct NoHome;

/// `settings.toml` in the configuration directory.
///
/// # Errors
/// [`NoHome`].
pub fn settings_file() -> Result<PathBuf, NoHome> {
    Ok(project()?.config_local_dir().join(SETTINGS_FILE))
}

/// The local data directory.
///
/// # Errors
/// [`NoHome`].
pub fn data_dir() -> Result<PathBuf, NoHome> {
    Ok(project()?.data_local_dir().to_path_buf())
}

/// The user's folder for documents, otherwise the home directory.
///
/// # Errors
/// [`NoHome`].
pub fn documents_dir() -> Result<PathBuf, NoHome> {
    let user = UserDirs::new().ok_or(NoHome)?;
    let documents = user.document_dir().filter(|folder| folder.is_dir());
    Ok(documents.unwrap_or_else(|| user.home_dir()).to_path_buf())
}

fn project() -> Result<ProjectDirs, NoHome> {
    ProjectDirs::from("app", "", "belfry").ok_or(NoHome)
}
