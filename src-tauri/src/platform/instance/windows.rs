//! Windows: a named pipe, named after the data folder. Pipes of other users are refused by the
//! system's default access list; pipes from other machines by [`ServerOptions`].

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};

/// The listening end: the pipe that waits for the next caller.
pub(super) struct Endpoint {
    name: OsString,
    waiting: NamedPipeServer,
}

impl Endpoint {
    /// The pipe must be new, so that no other program listens at our name.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn open(data_dir: &Path) -> io::Result<Self> {
        let name = name(data_dir);
        let waiting = ServerOptions::new().first_pipe_instance(true).create(&name)?;
        Ok(Self { name, waiting })
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

/// The caller's end.
///
/// # Errors
/// No app listens.
pub(super) async fn connect(data_dir: &Path) -> io::Result<NamedPipeClient> {
    ClientOptions::new().open(name(data_dir))
}

fn name(data_dir: &Path) -> OsString {
    let mut hash = DefaultHasher::new();
    data_dir.canonicalize().unwrap_or_else(|_| data_dir.to_owned()).hash(&mut hash);
    format!(r"\\.\pipe\app.belfry.desktop.{:016x}", hash.finish()).into()
}
