//! macOS: a LaunchAgent. The machine's own stands in `/Library/LaunchAgents`; launchd offers no switch for one person that
//! a file could be, so it then stays on.

#[path = "file.rs"]
mod file;

use std::io;
use std::path::{Path, PathBuf};

use super::{name, text};

const ENTRY: &str = "Library/LaunchAgents/app.belfry.desktop.plist";

/// In an application folder, the machine's or the person's.
pub(super) fn installed(program: &Path) -> Option<PathBuf> {
    let own = directories::BaseDirs::new().map(|folders| folders.home_dir().join("Applications"));
    let is_installed = program.starts_with("/Applications") || own.is_some_and(|own| program.starts_with(own));
    is_installed.then(|| program.to_owned())
}

/// # Errors
/// No home directory, or what the system said.
pub(super) fn apply(program: &Path, wanted: bool) -> io::Result<()> {
    let folders = directories::BaseDirs::new().ok_or_else(|| io::Error::other("no home directory is known"))?;
    let of_machine = Path::new("/").join(ENTRY).exists();
    let agent = (wanted && !of_machine).then(|| name(program).map(text::launch_agent)).transpose()?;
    file::set(&folders.home_dir().join(ENTRY), agent.as_deref())
}
