//! Where settings and data live on this system.
//!
//! Settings in the configuration directory, everything else in the local data directory: never in a roaming profile,
//! since a database that two machines share is a database that breaks. Deliberately absent: creating anything.

use std::path::PathBuf;

use directories::{ProjectDirs, UserDirs};

/// Name of the settings file.
pub const SETTINGS_FILE: &str = "settings.toml";

/// There is no home directory to put anything in.
#[derive(Debug, thiserror::Error)]
#[error("no home directory is known; set HOME, or give --config and --data-dir")]
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

/// The person's own folder for documents, else the home directory.
///
/// # Errors
/// [`NoHome`].
pub fn documents_dir() -> Result<PathBuf, NoHome> {
    let person = UserDirs::new().ok_or(NoHome)?;
    let documents = person.document_dir().filter(|folder| folder.is_dir());
    Ok(documents.unwrap_or_else(|| person.home_dir()).to_path_buf())
}

fn project() -> Result<ProjectDirs, NoHome> {
    ProjectDirs::from("app", "", "belfry").ok_or(NoHome)
}
