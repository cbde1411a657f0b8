//! macOS: `~/Library/Logs/app.belfry`, which the Console application shows.

use std::path::PathBuf;

use directories::UserDirs;

use crate::paths::NoHome;

/// The person's folder for logs.
///
/// # Errors
/// [`NoHome`].
pub(super) fn folder() -> Result<PathBuf, NoHome> {
    Ok(UserDirs::new().ok_or(NoHome)?.home_dir().join("Library/Logs/app.belfry"))
}

/// launchd discards stderr.
pub(super) fn is_stderr_kept() -> bool {
    false
}
