//! The name of the Windows pipe: random, made at every start, and written into the data folder, which
//! only its user can read.
//!
//! Every program can see the names of the pipes that exist, and can make one whose name is free. So a
//! name that follows from the user or the folder could be taken by another user's program before ours
//! starts, and a second start would talk to it. Invariant: the file names a pipe only while the app
//! that made that pipe has not yet made another, and only one of our form.

use std::fs;
use std::io;
use std::path::Path;

/// Name of the file in the data folder.
const FILE: &str = "app.pipe";
const PREFIX: &str = r"\\.\pipe\app.belfry.desktop.";
/// Hexadecimal digits after the prefix.
const DIGITS: usize = 32;

/// A name that no other program can know yet.
pub(super) fn unused() -> String {
    format!("{PREFIX}{:032x}", rand::random::<u128>())
}

/// Removes the name that an earlier app left: another program may have taken it since.
///
/// # Errors
/// What the system said.
pub(super) fn remove(data_dir: &Path) -> io::Result<()> {
    match fs::remove_file(data_dir.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Tells later starts the name of the pipe, which exists by now.
///
/// # Errors
/// What the system said.
pub(super) fn publish(data_dir: &Path, name: &str) -> io::Result<()> {
    let beside = data_dir.join(FILE).with_extension("new");
    fs::write(&beside, name)?;
    fs::rename(beside, data_dir.join(FILE))
}

/// The name that the running app has published.
///
/// # Errors
/// What the system said; [`io::ErrorKind::InvalidData`] for a name that is not one of ours, such as
/// that of a pipe on another machine.
pub(super) fn published(data_dir: &Path) -> io::Result<String> {
    let name = fs::read_to_string(data_dir.join(FILE))?;
    let is_ours = name
        .strip_prefix(PREFIX)
        .is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_ours { Ok(name) } else { Err(io::ErrorKind::InvalidData.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_has_another_name_at_every_start_and_in_every_data_folder() {
        let (alice, bob) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, second) = (unused(), unused());
        assert_ne!(first, second, "the next name cannot be known beforehand");
        publish(alice.path(), &first).unwrap();
        assert_eq!(published(alice.path()).unwrap(), first);
        assert!(published(bob.path()).is_err());
        publish(alice.path(), &second).unwrap();
        assert_eq!(published(alice.path()).unwrap(), second);
        remove(alice.path()).unwrap();
        assert!(published(alice.path()).is_err(), "a name that is left over is not used");
        remove(alice.path()).unwrap();
    }

    #[test]
    fn a_name_that_is_not_one_of_ours_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", r"\\evil\pipe\app.belfry.desktop.00000000000000000000000000000000", PREFIX, r"\\.\pipe\x"] {
            publish(folder.path(), name).unwrap();
            assert_eq!(published(folder.path()).unwrap_err().kind(), io::ErrorKind::InvalidData, "{name}");
        }
    }
}
