//! Starting at login: one entry of our own in the place the system has for it, with the program's path quoted.
//!
//! An entry for the whole machine belongs to the package that made it: it is never doubled, and a person who does not want
//! it only switches it off for themselves, where the system can. Deliberately absent: programs that are not installed; a
//! build in a developer's folder never registers itself ([`installed`]). Invariant: our own entry is the only thing written.

#[cfg(target_os = "linux")]
#[path = "autostart/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "autostart/macos.rs"]
mod system;
#[cfg(target_os = "windows")]
#[path = "autostart/windows.rs"]
mod system;
// Text for every system, so that it can be tested on any.
mod text;

use std::io;
use std::path::{Path, PathBuf};

/// Given at login: wait in the tray.
const HIDDEN: &str = "--hidden";

/// The running program's path, if it stands where installers put programs; `None` for a build, or a copy somewhere else.
pub fn installed() -> Option<PathBuf> {
    system::installed(&std::env::current_exe().ok()?)
}

/// Makes `program` start at login, or not, as `wanted`. Nothing is written when it already is so.
///
/// # Errors
/// What the system said.
pub fn apply(program: &Path, wanted: bool) -> io::Result<()> {
    system::apply(program, wanted)
}

/// The path as text; entries are text everywhere.
fn name(program: &Path) -> io::Result<&str> {
    let fits = |name: &&str| !name.chars().any(char::is_control);
    program.to_str().filter(fits).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the program's path has characters that no start-up entry can hold")
    })
}
