//! What a SUBSCRIBE says: a subscription of the settings, filled in for this account and device.
//!
//! Pure. Invariants: a queue of Belfry's expires, and its name is unique to account and device; a
//! stream continues after its last committed offset. Deliberately absent: when to subscribe, and
//! what the messages mean.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use stomp::SubscriptionId;

use super::Identity;
use belfry_core::{
    error::{Failure, Fault},
    settings::{AckMode, expand},
};

/// Unacknowledged messages that a server may have sent, unless a subscription's headers say
/// otherwise.
const PREFETCH_COUNT: &str = "200";
/// The header for that (RabbitMQ).
pub(crate) const PREFETCH: &str = "prefetch-count";
/// A queue named after a device that never connects again must not fill up forever: 30 days, in
/// milliseconds.
const QUEUE_EXPIRES: &str = "2592000000";
/// Where a stream is read from, and on a MESSAGE its place there.
pub(crate) const STREAM_OFFSET: &str = "x-stream-offset";

/// What a SUBSCRIBE frame is made of: a subscription of the settings, filled in for this account
/// and device.
#[derive(Debug, Clone)]
pub(crate) struct SubscribeRequest {
    pub(crate) id: SubscriptionId,
    pub(crate) destination: String,
    pub(crate) ack: stomp::AckMode,
    pub(crate) headers: Vec<(String, String)>,
}

impl SubscribeRequest {
    /// The subscription with this index, a stream after its last committed offset; `None` if there
    /// is none.
    ///
    /// # Errors
    /// [`Fault::Settings`] when a destination or header cannot be sent.
    pub(crate) fn new(
        identity: &Identity,
        index: usize,
        offsets: &HashMap<String, u64>,
    ) -> Result<Option<Self>, Failure> {
        let Some(subscription) = identity.settings.server.subscriptions.get(index) else { return Ok(None) };
        let (login, device) = (identity.account.login(), identity.device.as_str());
        let fill = |template: &str| {
            expand(template, login, device)
                .map_err(|error| Failure::new(Fault::Settings, format!("server.subscriptions: {error}")))
        };
        let mut headers = Vec::new();
        for (name, value) in &subscription.headers {
            headers.push((name.clone(), fill(value)?));
        }
        let has = |name: &str| subscription.headers.contains_key(name);
        if subscription.ack != AckMode::Auto && !has(PREFETCH) {
            headers.push((PREFETCH.to_owned(), PREFETCH_COUNT.to_owned()));
        }
        let names_device = subscription.headers.get("x-queue-name").is_some_and(|name| name.contains("{device}"));
        // A stream has no such argument: RabbitMQ 3.10 closes the session for it.
        let is_stream = subscription.headers.get("x-queue-type").is_some_and(|kind| kind == "stream");
        if names_device && !is_stream && !has("x-expires") {
            headers.push(("x-expires".to_owned(), QUEUE_EXPIRES.to_owned()));
        }
        let destination = fill(&subscription.destination)?;
        let ack = match subscription.ack {
            AckMode::Auto => stomp::AckMode::Auto,
            AckMode::Client => stomp::AckMode::Client,
            AckMode::ClientIndividual => stomp::AckMode::ClientIndividual,
        };
        let id = subscription_id(identity, &destination, index);
        let mut request = Self { id, destination, ack, headers };
        if let Some(offset) = stream_name(identity, index).and_then(|stream| offsets.get(&stream)) {
            request.set(STREAM_OFFSET, format!("offset={}", offset + 1));
        } else if names_device && is_stream && !has(STREAM_OFFSET) {
            // Its first subscription made it, so all that is in it is for this device. RabbitMQ's
            // own default, only what comes from now on, would lose what came while Belfry was away.
            request.set(STREAM_OFFSET, "first".to_owned());
        }
        Ok(Some(request))
    }

    /// Sets a header, whatever the settings say.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value));
    }
}

/// The name a stream's offset is kept under; `None` if the subscription is not to a stream
/// (RabbitMQ, "Stream queues").
pub fn stream_name(identity: &Identity, index: usize) -> Option<String> {
    let subscription = identity.settings.server.subscriptions.get(index)?;
    let is_stream = subscription.headers.get("x-queue-type").is_some_and(|kind| kind == "stream")
        || subscription.headers.contains_key(STREAM_OFFSET);
    let queue = subscription.headers.get("x-queue-name").map(String::as_str).unwrap_or_default();
    is_stream.then(|| format!("{} {queue}", subscription.destination))
}

/// The same id for the same account, device and destination on every connection, and a different
/// one for any other: RabbitMQ names a durable queue after id and destination, so two users with
/// one id would share a queue.
fn subscription_id(identity: &Identity, destination: &str, index: usize) -> SubscriptionId {
    let mut hash = Sha256::new();
    let index = index.to_string();
    for part in [&identity.account.name(), identity.device.as_str(), destination, &index] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest = data_encoding::BASE32_NOPAD.encode(&hash.finalize()).to_ascii_lowercase();
    SubscriptionId::from(format!("belfry-{}", digest.get(..16).unwrap_or(&digest)).as_str())
}
