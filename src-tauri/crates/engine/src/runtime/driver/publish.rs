//! What the driver makes known: the state people see, as an event, to those who watch, and in a
//! file for `belfryctl status`.
//!
//! Deliberately absent: what the state is ([`belfry_core::pipeline`]). Invariant: an event only
//! when the state has changed.

use std::sync::Arc;

use tokio::time::Instant;

use super::Driver;
use crate::{
    clock,
    net::address::host_of,
    runtime::{Snapshot, data_dir::write_private},
};
use belfry_core::{
    event::Event,
    pipeline::{delivery::Ticket, group_commit::Job},
    settings::endpoint,
    status::{Connectivity, Status, StatusEvent, StatusSnapshot},
    storage::Write,
};

impl Driver {
    /// Publishes the state when it has changed: as an event, to the watchers, and to `belfryctl
    /// status`.
    pub(super) fn publish(&mut self) {
        let now = clock::now();
        let status = self.pipeline.status(now);
        let until = self.pipeline.next_attempt().map(Instant::from_std);
        let is_same = self.published.as_ref().is_some_and(|(published, published_until)| {
            Status { retry_in: None, ..published.clone() } == Status { retry_in: None, ..status.clone() }
                && *published_until == until
        });
        if status.state == Connectivity::Live && self.last_live.is_none_or(|last| last < now.wall) {
            self.last_live = Some(now.wall);
        }
        if !is_same {
            // Without the words of the server, which may repeat what was sent to it.
            let cause = status.cause.as_ref().map(|why| why.kind);
            tracing::info!(state = ?status.state, ?cause, endpoint = status.endpoint, "the connection has changed");
            let event = StatusEvent {
                state: status.state,
                endpoint: self.endpoint_text(status.endpoint),
                reason: status.reason(),
                remedy: status.remedy().to_owned(),
                retry_in_ms: status.retry_in.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
                since: status.since,
            };
            let status_snapshot = StatusSnapshot { status: event, kind: status.cause.as_ref().map(|why| why.kind) };
            self.write_status_file(&status_snapshot);
            (self.on_event)(Event::Status(status_snapshot.status));
            self.published = Some((status.clone(), until));
            self.record_live();
        }
        let refused = *self.server.refused.borrow();
        let paused_until = self.pipeline.paused_until();
        let (counts, complete_through, last_live) = (self.counts, self.pipeline.complete_through(), self.last_live);
        self.snapshot.send_if_modified(|snapshot| {
            let next = Snapshot {
                status: status.clone(),
                retry_at: until.map(|until| now.wall + until.saturating_duration_since(Instant::from_std(now.mono))),
                counts,
                complete_through,
                last_live,
                revision: snapshot.revision,
                paused_until,
                refused,
            };
            let is_new = !is_same
                || snapshot.counts != next.counts
                || snapshot.complete_through != next.complete_through
                || snapshot.paused_until != next.paused_until
                || snapshot.refused != next.refused;
            *snapshot = next;
            is_new
        });
    }

    /// Host, port and path of an endpoint; a token is in the path only as `{token}`.
    fn endpoint_text(&self, endpoint: usize) -> String {
        let url = self.identity.settings.server.endpoints.get(endpoint);
        url.map(|url| format!("{}://{}{}", url.scheme(), host_of(url), endpoint::readable_path(url)))
            .unwrap_or_default()
    }

    fn write_status_file(&self, status_snapshot: &StatusSnapshot) {
        let result = serde_json::to_vec(status_snapshot).map_err(std::io::Error::other).and_then(|text| {
            let beside = self.status_file.with_extension("new");
            write_private(&beside, &text)?;
            std::fs::rename(beside, &self.status_file)
        });
        if let Err(error) = result {
            tracing::warn!(%error, "the status file for belfryctl status could not be written");
        }
    }

    /// Records in the store when the session was last live.
    pub(super) fn record_live(&self) {
        if let Some(last_live) = self.last_live {
            self.store_thread.apply(Job { ticket: Ticket(0), writes: Arc::new(vec![Write::LastLive(last_live)]) });
        }
    }
}
