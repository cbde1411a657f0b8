//! Linux and macOS: a socket in the data folder, which only its owner can enter.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

const NAME: &str = "app.sock";

/// The listening end.
pub(super) struct Endpoint {
    listener: UnixListener,
    path: PathBuf,
}

impl Endpoint {
    /// Replaces what an earlier one left.
    ///
    /// # Errors
    /// What the system said; paths beyond about 100 bytes cannot be had (`sun_path`).
    pub(super) fn open(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// The next caller.
    ///
    /// # Errors
    /// What the system said.
    pub(super) async fn next(&mut self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // The next app that is first removes it too.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The caller's end.
///
/// # Errors
/// No app listens.
pub(super) async fn connect(data_dir: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(data_dir.join(NAME)).await
}
