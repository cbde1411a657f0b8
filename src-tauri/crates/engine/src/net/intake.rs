//! Maps frames and rows to notices, and what cannot be used to rejected messages.
//!
//! Maps by `[message]` with the scope of the subscription or the API. Deliberately absent: writing.
//! Invariant: nothing is dropped silently; what is not a notice becomes a [`Write::Rejected`],
//! which is counted, shown and then acknowledged.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::value::RawValue;
use stomp::{Frame, Oversize};

use belfry_core::{
    notice::parse::{Incoming, Parsed, Via, parse},
    pipeline::Message,
    settings::{MessageSettings, Settings},
    storage::{MAX_REJECTED_BYTES, RejectReason, Write},
};

/// Reads this account's messages.
#[derive(Debug, Clone)]
pub struct Intake {
    mapping: MessageSettings,
    scopes: Vec<String>,
    api_scope: String,
    system_zone: TimeZone,
}

impl Intake {
    /// Maps by these settings, in this time zone.
    pub fn new(settings: &Settings, system_zone: TimeZone) -> Self {
        Self {
            mapping: settings.message.clone(),
            scopes: settings.server.subscriptions.iter().map(|subscription| subscription.scope.clone()).collect(),
            api_scope: settings.api.scope.clone(),
            system_zone,
        }
    }

    /// Reads a MESSAGE of the subscription with this index.
    pub fn message(&self, subscription: Option<usize>, frame: &Frame, now: Timestamp) -> Message {
        let destination = frame.header("destination").unwrap_or_default();
        let scope = subscription.and_then(|index| self.scopes.get(index)).map(String::as_str).unwrap_or_default();
        let amqp_message_id = frame.header("amqp-message-id");
        let incoming = Incoming {
            body: frame.body(),
            destination: &destination,
            scope,
            amqp_message_id: amqp_message_id.as_deref(),
            redelivered: frame.header("redelivered").map(|value| value == "true"),
            via: Via::Stomp,
        };
        match parse(&incoming, &self.mapping, &self.system_zone) {
            Parsed::Notices(notices) => Message { notices, ..Message::default() },
            Parsed::Ignored => Message::default(),
            Parsed::Rejected(reason) => rejected(reason, destination.into_owned(), frame.raw_head(), frame.body(), now),
        }
    }

    /// A rejected message of what was read of one beyond the limits.
    pub fn oversize(&self, oversize: &Oversize, now: Timestamp) -> Message {
        let destination = oversize.head.header("destination").unwrap_or_default().into_owned();
        rejected(RejectReason::TooLarge, destination, oversize.head.raw_head(), &oversize.prefix, now)
    }

    /// Reads a row of a page that came from `path`.
    pub fn row(&self, row: &RawValue, path: &str, now: Timestamp) -> Message {
        self.record(row.get().as_bytes(), path, Via::Page, now)
    }

    /// Reads a frame of the raw WebSocket at `path`. It comes from the service that the API belongs
    /// to, so its scope is the API's.
    pub fn text(&self, text: &[u8], path: &str, now: Timestamp) -> Message {
        self.record(text, path, Via::Raw, now)
    }

    /// A rejected message of the beginning of a frame that is too large.
    pub fn too_large(&self, beginning: &[u8], path: &str, now: Timestamp) -> Message {
        rejected(RejectReason::TooLarge, path.to_owned(), b"", beginning, now)
    }

    /// Reads a record of the message service.
    fn record(&self, body: &[u8], path: &str, via: Via, now: Timestamp) -> Message {
        let incoming =
            Incoming { body, destination: path, scope: &self.api_scope, amqp_message_id: None, redelivered: None, via };
        match parse(&incoming, &self.mapping, &self.system_zone) {
            Parsed::Notices(notices) => Message { notices, ..Message::default() },
            Parsed::Ignored => Message::default(),
            Parsed::Rejected(reason) => rejected(reason, path.to_owned(), b"", body, now),
        }
    }
}

fn rejected(reason: RejectReason, destination: String, head: &[u8], body: &[u8], now: Timestamp) -> Message {
    let first = |bytes: &[u8]| bytes.get(..bytes.len().min(MAX_REJECTED_BYTES)).unwrap_or_default().to_vec();
    let write = Write::Rejected { reason, destination, head: first(head), body: first(body), received_at: now };
    Message { rejected: vec![write], ..Message::default() }
}
