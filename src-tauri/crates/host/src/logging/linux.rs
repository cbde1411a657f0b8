//! Linux: `~/.local/state/belfry`, unless systemd's journal takes stderr.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::paths::NoHome;

/// The person's state directory.
///
/// # Errors
/// [`NoHome`].
pub(super) fn folder() -> Result<PathBuf, NoHome> {
    let project = ProjectDirs::from("app", "", "belfry").ok_or(NoHome)?;
    Ok(project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_path_buf())
}

/// Whether stderr is the journal. The variable alone does not tell: programs that are started by
/// one which is connected to it inherit the variable, but may have another stderr.
pub(super) fn is_stderr_kept() -> bool {
    std::env::var("JOURNAL_STREAM").is_ok_and(|stream| is_stream(&stream, Path::new("/proc/self/fd/2")))
}

/// Whether this file is the one that is named as `DEVICE:INODE`.
fn is_stream(stream: &str, file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|file| stream == format!("{}:{}", file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_known_by_device_and_inode() {
        let folder = tempfile::tempdir().unwrap();
        let file = std::fs::metadata(folder.path()).unwrap();
        assert!(is_stream(&format!("{}:{}", file.dev(), file.ino()), folder.path()));
        assert!(!is_stream(&format!("{}:{}", file.dev(), file.ino() + 1), folder.path()));
        assert!(!is_stream("", folder.path()));
    }
}
