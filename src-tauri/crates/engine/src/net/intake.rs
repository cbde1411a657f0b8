//! Maps frames and rows to notices, and what cannot be used to rejected messages.
//!
//! Maps by `[message]` with the scope of the subscription or the API. Deliberately absent: writing.
//! Invariant: nothing is dropped silently; what is not a notice becomes a [`Write::Rejected`],
//! which is counted, shown and then acknowledged.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::value::RawValue;
use stomp::{Frame, Oversize};

use belfry_core::{
    notice::{
        Origin,
        parse::{Incoming, Parsed, Via, parse},
    },
    pipeline::Message,
    settings::{MessageSettings, Settings},
    storage::{MAX_REJECTED_BYTES, RejectReason, Write},
};

/// Reads this account's messages.
#[derive(Debug, Clone)]
pub struct Intake {
    mapping: MessageSettings,
    subscriptions: Vec<(String, Origin)>,
    api_scope: String,
    max_message: u64,
    system_zone: TimeZone,
}

impl Intake {
    /// Maps by these settings, in this time zone.
    pub fn new(settings: &Settings, system_zone: TimeZone) -> Self {
        Self {
            mapping: settings.message.clone(),
            subscriptions: settings
                .server
                .subscriptions
                .iter()
                .map(|subscription| (subscription.scope.clone(), subscription.origin()))
                .collect(),
            api_scope: settings.api.scope.clone(),
            max_message: settings.server.max_message,
            system_zone,
        }
    }

    /// Reads a MESSAGE of the subscription with this index.
    pub fn message(&self, subscription: Option<usize>, frame: &Frame, now: Timestamp) -> Message {
        let destination = frame.header("destination").unwrap_or_default();
        // Whether others can publish to a destination that no subscription names is not known.
        let unknown = Origin::Shared(destination.clone().into_owned());
        let known = subscription.and_then(|index| self.subscriptions.get(index));
        let (scope, origin) = known.map_or(("", &unknown), |(scope, origin)| (scope.as_str(), origin));
        let amqp_message_id = frame.header("amqp-message-id");
        let incoming = Incoming {
            body: frame.body(),
            destination: &destination,
            scope,
            amqp_message_id: amqp_message_id.as_deref(),
            redelivered: frame.header("redelivered").map(|value| value == "true"),
            via: Via::Stomp,
            origin,
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

    /// Reads a row of a page that came from `path`. As on a socket, one beyond `server.max_message` is
    /// too large: a page may be larger, but no message.
    pub fn row(&self, row: &RawValue, path: &str, now: Timestamp) -> Message {
        let row = row.get().as_bytes();
        if u64::try_from(row.len()).is_ok_and(|bytes| bytes > self.max_message) {
            return self.too_large(row, path, now);
        }
        self.record(row, path, Via::Page, now)
    }

    /// Reads a frame of the raw WebSocket at `path`. It comes from the service that the API belongs
    /// to, so its scope is the API's.
    pub fn text(&self, text: &[u8], path: &str, now: Timestamp) -> Message {
        self.record(text, path, Via::Raw, now)
    }

    /// A rejected message of the beginning of a frame or row that is too large.
    pub fn too_large(&self, beginning: &[u8], path: &str, now: Timestamp) -> Message {
        rejected(RejectReason::TooLarge, path.to_owned(), b"", beginning, now)
    }

    /// Reads a record of the message service.
    fn record(&self, body: &[u8], path: &str, via: Via, now: Timestamp) -> Message {
        let incoming = Incoming {
            body,
            destination: path,
            scope: &self.api_scope,
            amqp_message_id: None,
            redelivered: None,
            via,
            origin: &Origin::Personal,
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_beyond_the_size_of_a_message_is_rejected_with_its_beginning() {
        let mut settings = Settings::default();
        settings.server.max_message = 100;
        let intake = Intake::new(&settings, TimeZone::UTC);
        let row_of = |bytes: usize| {
            let row = format!(r#"{{"id":1,"title":"{}"}}"#, "t".repeat(bytes - 19));
            assert_eq!(row.len(), bytes);
            intake.row(&RawValue::from_string(row).unwrap(), "/collect", Timestamp::UNIX_EPOCH)
        };
        assert_eq!(row_of(100).notices.len(), 1);
        let message = row_of(101);
        assert!(message.notices.is_empty());
        assert!(matches!(&message.rejected[..], [Write::Rejected { reason: RejectReason::TooLarge, .. }]));
    }

    use belfry_core::settings::Subscription;

    #[test]
    fn only_the_api_and_destinations_that_name_the_person_are_personal_sources() {
        let destinations = ["/user/queue/approvals", "/queue/{login}.tasks", "/topic/user/all", "/topic/all"];
        let mut settings = Settings::default();
        settings.server.subscriptions = destinations
            .map(|destination| Subscription { destination: destination.to_owned(), ..Subscription::default() })
            .to_vec();
        let intake = Intake::new(&settings, TimeZone::UTC);
        let mut decoder = stomp::Decoder::new(stomp::Limits::default(), stomp::Version::V1_2);
        let frame = "MESSAGE\ndestination:/queue/other\nmessage-id:1\nsubscription:s\n\n{\"id\":1,\"title\":\"t\"}\0";
        decoder.push(frame.as_bytes().to_vec());
        let Ok(Some(stomp::Decoded::Frame(frame))) = decoder.next() else { panic!("one frame") };
        let origin = |index| intake.message(index, &frame, Timestamp::UNIX_EPOCH).notices[0].origin.clone();
        assert_eq!(origin(Some(0)), Origin::Personal);
        assert_eq!(origin(Some(1)), Origin::Personal);
        assert_eq!(origin(Some(2)), Origin::Shared("/topic/user/all".to_owned()));
        assert_eq!(origin(Some(3)), Origin::Shared("/topic/all".to_owned()));
        assert_eq!(origin(None), Origin::Shared("/queue/other".to_owned()));
        let row = RawValue::from_string(r#"{"id":1,"title":"t"}"#.to_owned()).unwrap();
        assert_eq!(intake.row(&row, "/collect", Timestamp::UNIX_EPOCH).notices[0].origin, Origin::Personal);
    }
}
