//! Windows: the value `Belfry` of the `Run` key. An entry for the whole machine is in `HKLM`. Users
//! turn it off in the Task Manager; Windows stores that choice elsewhere, and it is not touched
//! here.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use windows_registry::{CURRENT_USER, LOCAL_MACHINE};

use super::{path_text, text};

const RUN: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
const VALUE: &str = "Belfry";

/// Programs in a program folder, of the machine or of the user.
pub(super) fn installed(program: &Path) -> Option<PathBuf> {
    let folders = ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"].into_iter().filter_map(env::var_os);
    let is_installed = folders.map(PathBuf::from).any(|folder| program.starts_with(folder));
    is_installed.then(|| program.to_owned())
}

/// # Errors
/// The error of the system.
pub(super) fn apply(program: &Path, is_enabled: bool) -> io::Result<()> {
    let has_machine_entry = LOCAL_MACHINE.open(RUN).is_ok_and(|key| key.get_string(VALUE).is_ok());
    let value = (is_enabled && !has_machine_entry).then(|| path_text(program).map(text::run_value)).transpose()?;
    let key = CURRENT_USER.create(RUN).map_err(io::Error::from)?;
    let current = key.get_string(VALUE).ok();
    match value {
        value if value == current => Ok(()),
        Some(value) => key.set_string(VALUE, value).map_err(io::Error::from),
        None => key.remove_value(VALUE).map_err(io::Error::from),
    }
}
