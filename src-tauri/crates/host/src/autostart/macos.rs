//! macOS: a LaunchAgent. An entry for the whole machine is in `/Library/LaunchAgents`. A file
//! cannot turn it off for one user, so it stays on.

#[path = "file.rs"]
mod file;

use std::io;
use std::path::{Path, PathBuf};

use super::{path_text, text};

const ENTRY: &str = "Library/LaunchAgents/app.belfry.desktop.plist";

/// Programs in an application folder, of the machine or of the user.
pub(super) fn installed(program: &Path) -> Option<PathBuf> {
    let user_folder = directories::BaseDirs::new().map(|folders| folders.home_dir().join("Applications"));
    let is_installed =
        program.starts_with("/Applications") || user_folder.is_some_and(|folder| program.starts_with(folder));
    is_installed.then(|| program.to_owned())
}

/// # Errors
/// No home directory, or the error of the system.
pub(super) fn apply(program: &Path, is_enabled: bool) -> io::Result<()> {
    let folders = directories::BaseDirs::new().ok_or_else(|| io::Error::other("no home directory is known"))?;
    let has_machine_entry = Path::new("/").join(ENTRY).exists();
    let agent = (is_enabled && !has_machine_entry).then(|| path_text(program).map(text::launch_agent)).transpose()?;
    file::set(&folders.home_dir().join(ENTRY), agent.as_deref())
}
