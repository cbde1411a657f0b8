//! One small file in a folder of the person's own, written only when it changes.

use std::fs;
use std::io;
use std::path::Path;

/// Makes the file say this, or not be there.
///
/// # Errors
/// What the system said.
pub(super) fn set(path: &Path, text: Option<&str>) -> io::Result<()> {
    let there = match fs::read_to_string(path) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    match text {
        _ if there.as_deref() == text => Ok(()),
        None => fs::remove_file(path),
        Some(text) => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let beside = path.with_extension("new");
            fs::write(&beside, text)?;
            fs::rename(&beside, path)
        }
    }
}
