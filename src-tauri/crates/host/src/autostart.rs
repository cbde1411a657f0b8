//! Starting at login: one entry for this user in the system's start-up list, with the program's
//! path quoted.
//!
//! An entry for the whole machine belongs to the package that installed it. It is never duplicated;
//! a user who does not want it turns it off only for their own account, where the system supports
//! that. Deliberately absent: programs that are not installed; a build in a developer's folder
//! never registers itself ([`installed`]). Invariant: nothing but the user's own entry is written.

#[cfg(target_os = "linux")]
#[path = "autostart/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "autostart/macos.rs"]
mod system;
#[cfg(target_os = "windows")]
#[path = "autostart/windows.rs"]
mod system;
// Compiled on every system, so that every entry is tested on every system.
mod text;

use std::io;
use std::path::{Path, PathBuf};

/// The argument at login: start in the tray.
const HIDDEN: &str = "--hidden";

/// The path of the running program, if it is in a folder that installers use; `None` for a
/// development build or a copy elsewhere.
pub fn installed() -> Option<PathBuf> {
    system::installed(&std::env::current_exe().ok()?)
}

/// Makes `program` start at login, or not. Nothing is written if the entry is already right.
///
/// # Errors
/// The error of the system.
pub fn apply(program: &Path, is_enabled: bool) -> io::Result<()> {
    system::apply(program, is_enabled)
}

/// The path as text, which every entry needs.
fn path_text(program: &Path) -> io::Result<&str> {
    let fits = |name: &&str| !name.chars().any(char::is_control);
    program.to_str().filter(fits).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the program's path contains characters that a start-up entry cannot contain: install it in another folder",
        )
    })
}
