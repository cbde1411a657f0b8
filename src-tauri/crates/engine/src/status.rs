//! The state of the connection as people see it: six values, a reason, a remedy.
//!
//! Pure: made from the link, the API and the store by [`crate::line`]; tray, window and `belfryctl` show it. Latest value
//! wins, so it travels through a watch channel. It is honest: what is off or failing is said even while live.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What people tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connectivity {
    /// No session; the next attempt is planned, or none is wanted.
    Offline,
    /// An attempt is under way.
    Connecting,
    /// Connected; what was missed is being collected.
    CatchingUp,
    /// Connected and complete.
    Live,
    /// No WebSocket can be had; the API is polled instead.
    Polling,
    /// A person has to do something.
    ActionNeeded,
}

/// The state people see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// One of six.
    pub state: Connectivity,
    /// Since when.
    pub since: Timestamp,
    /// Index of the endpoint in use or tried last.
    pub endpoint: usize,
    /// What happened, or what is off; may be empty.
    pub reason: String,
    /// What to do about it; may be empty.
    pub remedy: String,
    /// How long until the next attempt, at the time of asking.
    pub retry_in: Option<Duration>,
}

/// A `status` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusEvent {
    /// One of six.
    pub state: Connectivity,
    /// Host and path of the endpoint, without anything secret.
    pub endpoint: String,
    /// What happened, or what is off.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
    /// Until the next attempt; absent when none is planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_in_ms: Option<u64>,
    /// Since when.
    pub since: Timestamp,
}
