//! Windows: the value `Belfry` of the `Run` key. The machine's own stands below `HKLM`; a person switches it off in the
//! Task Manager, whose mark Windows keeps and we leave alone.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use windows_registry::{CURRENT_USER, LOCAL_MACHINE};

use super::{name, text};

const RUN: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
const VALUE: &str = "Belfry";

/// Below the program folders, the machine's or the person's.
pub(super) fn installed(program: &Path) -> Option<PathBuf> {
    let places = ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"].into_iter().filter_map(env::var_os);
    let is_installed = places.map(PathBuf::from).any(|place| program.starts_with(place));
    is_installed.then(|| program.to_owned())
}

/// # Errors
/// What the system said.
pub(super) fn apply(program: &Path, wanted: bool) -> io::Result<()> {
    let of_machine = LOCAL_MACHINE.open(RUN).is_ok_and(|key| key.get_string(VALUE).is_ok());
    let value = (wanted && !of_machine).then(|| name(program).map(text::run_value)).transpose()?;
    let key = CURRENT_USER.create(RUN).map_err(io::Error::from)?;
    let there = key.get_string(VALUE).ok();
    match value {
        value if value == there => Ok(()),
        Some(value) => key.set_string(VALUE, value).map_err(io::Error::from),
        None => key.remove_value(VALUE).map_err(io::Error::from),
    }
}
