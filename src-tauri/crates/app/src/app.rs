//! The two ends between the desktop library and the controller.
//!
//! [`App`] sends requests and reads the newest snapshot; [`Requests`] is what the controller serves.
//! Deliberately absent: what a request does. Invariant: a request after the end of the controller is
//! answered with an error, so no caller waits without end.

use belfry_core::status::{Connectivity, Status};
use belfry_core::storage::Counts;
use engine::Snapshot;
use engine::net::requests::RefusedRequests;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use crate::ipc::{CommandError, CommandErrorCode};
use crate::request::{Reply, Request};

/// Sends requests to the controller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    requests: mpsc::UnboundedSender<Request>,
    snapshot: watch::Receiver<Snapshot>,
}

/// The controller's end of an [`App`].
#[derive(Debug)]
pub struct Requests {
    pub(crate) requests: mpsc::UnboundedReceiver<Request>,
    pub(crate) snapshot: watch::Sender<Snapshot>,
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

/// The answer to a request that comes too late.
pub(crate) fn is_ending() -> CommandError {
    CommandError::new(CommandErrorCode::Offline, "Belfry is ending")
}

/// The state before there is an engine.
pub(crate) fn no_snapshot() -> Snapshot {
    let status =
        Status { state: Connectivity::Offline, since: Timestamp::now(), endpoint: 0, cause: None, retry_in: None };
    Snapshot {
        status,
        retry_at: None,
        counts: Counts::default(),
        complete_through: None,
        last_live: None,
        revision: 0,
        paused_until: None,
        refused: RefusedRequests::default(),
    }
}
