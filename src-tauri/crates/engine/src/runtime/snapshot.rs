//! What a running engine shows of itself, and the commands its driver takes.

use crate::net::requests::RefusedRequests;
use belfry_core::{alerts::hold::Pause, pipeline::link, status::Status, storage::Counts};
use jiff::Timestamp;
use tokio::sync::oneshot;

/// What a running engine shows of itself. Only the latest value is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The state people see.
    pub status: Status,
    /// When the next attempt is due, as the wall clock showed it when it was planned.
    pub retry_at: Option<Timestamp>,
    /// How many notices of each kind.
    pub counts: Counts,
    /// Nothing sent before this is missing.
    pub complete_through: Option<Timestamp>,
    /// When the session was last live.
    pub last_live: Option<Timestamp>,
    /// Goes up with every commit that has changed a notice, whichever program made it.
    pub revision: u64,
    /// Until when a person has paused notifications; `None` if they are not paused.
    pub paused_until: Option<Timestamp>,
    /// What the server has answered with 403 since the last connect.
    pub refused: RefusedRequests,
}

/// A command to the driver.
pub(crate) enum Command {
    /// To the link.
    Link(link::LinkInput),
    /// Pause notifications, or end the pause.
    Pause(Option<Pause>),
    /// The window has changed the inbox.
    InboxChanged,
    /// End; answered when everything is committed and closed.
    End(oneshot::Sender<()>),
}
