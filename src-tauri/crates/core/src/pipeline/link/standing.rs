//! When the server last accepted all subscriptions: what tells an outage behind it from settings
//! that are wrong.
//!
//! RabbitMQ ends a session in the same way, right after its subscriptions and without a reason, if
//! a queue does not exist, and if the node that holds it is down or has only begun to start.
//! Deliberately absent: what follows from it, which is in [`super::Link`].

use std::time::{Duration, Instant};

use super::SUSPICIOUSLY_SHORT;
use crate::error::{Failure, Fault};

/// For so long after a session whose subscriptions were accepted, a close right after them is an
/// outage; from then on it is taken for wrong settings.
pub const OUTAGE_BEHIND_SERVER: Duration = Duration::from_secs(5 * 60);

/// The subscriptions of one link.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The server has confirmed all of the current session.
    pub(super) is_confirmed: bool,
    /// When they were last known to be accepted.
    accepted: Option<Instant>,
}

impl Standing {
    /// A connection is lost, whose session lived so long if it had one. True if the server has only
    /// not got back yet what it had accepted before.
    pub(super) fn handle_lost(&mut self, lived: Option<Duration>, failure: &Failure, now: Instant) -> bool {
        let is_confirmed = std::mem::take(&mut self.is_confirmed);
        let Some(lived) = lived else { return false };
        if is_confirmed || lived >= SUSPICIOUSLY_SHORT {
            self.accepted = Some(now);
            return false;
        }
        failure.fault == Fault::Closed
            && self.accepted.is_some_and(|accepted| now.saturating_duration_since(accepted) < OUTAGE_BEHIND_SERVER)
    }
}
