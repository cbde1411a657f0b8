//! The running app without its desktop library: one task owns all state and answers requests.
//!
//! [`Controller`] owns the engine, the session, the inbox reader and the listening window. The
//! desktop library sends it [`Request`]s through an [`App`], and the controller acts on the desktop
//! through [`Gui`]. Work that waits (HTTP, the keychain, an export, ending an engine) runs in tasks
//! that report back. Deliberately absent: Tauri. This crate does not depend on it, so its tests run
//! without WebKit and without a display.

mod account;
mod change;
mod controller;
mod diagnosis;
mod export;
mod gui;
mod history;
mod inbox_changes;
mod inbox_reader;
pub mod ipc;
mod machine;
mod notices;
mod request;
mod server_requests;
pub mod session_credentials;
mod settings;
mod task;
mod test_notice;
pub mod tray;
pub mod url_policy;

#[cfg(test)]
mod tests;

use engine::Snapshot;
use tokio::sync::{mpsc, oneshot, watch};

use crate::controller::no_snapshot;
pub use crate::controller::{Controller, Started};
pub use crate::gui::{Gui, WindowGone, WindowListener};
pub use crate::ipc::CommandError;
use crate::ipc::CommandErrorCode;
pub use crate::machine::{Check, DocumentsDir, Machine};
pub use crate::request::{NoticeToOpen, Reply, Request, WindowToken};

/// Sends requests to the controller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    requests: mpsc::UnboundedSender<Request>,
    snapshot: watch::Receiver<Snapshot>,
}

/// The controller's end of an [`App`].
#[derive(Debug)]
pub struct Requests {
    requests: mpsc::UnboundedReceiver<Request>,
    snapshot: watch::Sender<Snapshot>,
}

/// An [`App`] and the end that a [`Controller`] serves. Requests wait until the controller runs.
pub fn channel() -> (App, Requests) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (publisher, snapshot) = watch::channel(no_snapshot());
    (App { requests: sender, snapshot }, Requests { requests: receiver, snapshot: publisher })
}

impl App {
    /// Sends a request that has no answer.
    pub fn send(&self, request: Request) {
        if self.requests.send(request).is_err() {
            tracing::debug!("a request came after the end of the program");
        }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// What the request says, and [`CommandErrorCode::Offline`] when the program is ending.
    pub async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.send(request(reply));
        answer.await.unwrap_or_else(|_| Err(is_ending()))
    }

    /// The state of the engine that runs, now and whenever it changes.
    pub fn snapshot(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.clone()
    }
}

fn is_ending() -> CommandError {
    CommandError::new(CommandErrorCode::Offline, "Belfry is ending")
}
