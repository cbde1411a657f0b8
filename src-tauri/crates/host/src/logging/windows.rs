//! Windows: `%LOCALAPPDATA%\belfry\logs`.

use std::path::PathBuf;

use directories::ProjectDirs;

use crate::paths::NoHome;

/// Beside the folders of settings and data.
///
/// # Errors
/// [`NoHome`].
pub(super) fn folder() -> Result<PathBuf, NoHome> {
    let project = ProjectDirs::from("app", "", "belfry").ok_or(NoHome)?;
    let data = project.data_local_dir();
    Ok(data.parent().unwrap_or(data).join("logs"))
}

/// A program with windows has no stderr at all.
pub(super) fn is_stderr_kept() -> bool {
    false
}
