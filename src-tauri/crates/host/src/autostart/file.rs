//! One small file in the user's folder, written only when its content changes.

use std::fs;
use std::io;
use std::path::Path;

/// Writes the file, or removes it for `None`.
///
/// # Errors
/// The error of the system.
pub(super) fn set(path: &Path, text: Option<&str>) -> io::Result<()> {
    let current = match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    match text {
        _ if current.as_deref() == text => Ok(()),
        None => fs::remove_file(path),
        Some(text) => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let temporary = path.with_extension("new");
            fs::write(&temporary, text)?;
            fs::rename(&temporary, path)
        }
    }
}
