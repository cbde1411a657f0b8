//! Windows: a named pipe with a name that only its user can learn before it exists
//! ([`pipe_name`]). Later, other users are refused by the system's default access list, which also
//! keeps them from adding an instance of their own; other machines by [`ServerOptions`].

use std::io;
use std::path::{Path, PathBuf};

use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};

use super::pipe_name;

/// The listening end: the pipe that waits for the next caller.
pub(super) struct Endpoint {
    name: String,
    data_dir: PathBuf,
    waiting: NamedPipeServer,
}

impl Endpoint {
    /// The pipe must be new, so that no other program listens at our name.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn open(data_dir: &Path) -> io::Result<Self> {
        pipe_name::remove(data_dir)?;
        let name = pipe_name::unused();
        let waiting = ServerOptions::new().first_pipe_instance(true).create(&name)?;
        pipe_name::publish(data_dir, &name)?;
        Ok(Self { name, data_dir: data_dir.to_owned(), waiting })
    }

    /// The next caller.
    ///
    /// # Errors
    /// What the system said.
    pub(super) async fn next(&mut self) -> io::Result<NamedPipeServer> {
        self.waiting.connect().await?;
        let next = ServerOptions::new().create(&self.name)?;
        Ok(std::mem::replace(&mut self.waiting, next))
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // The next app that is first removes it too.
        let _ = pipe_name::remove(&self.data_dir);
    }
}

/// The caller's end. The other end learns who calls, and cannot act as the caller: that is the
/// default of [`ClientOptions`].
///
/// # Errors
/// No app listens.
#[expect(clippy::unused_async, reason = "the socket of the other systems is connected asynchronously")]
pub(super) async fn connect(data_dir: &Path) -> io::Result<NamedPipeClient> {
    ClientOptions::new().open(pipe_name::published(data_dir)?)
}
