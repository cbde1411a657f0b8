//! "Forget this device": deletes the queues that RabbitMQ keeps for this account on this device, with
//! the messages in them.
//!
//! RabbitMQ deletes a queue at an UNSUBSCRIBE with `durable:true`, and only if its subscription is to
//! `/topic/…`; it then takes the queue's name from `x-queue-name`. So each queue is subscribed to under
//! such a destination, with its own headers, and that subscription is ended. Deliberately absent: a
//! queue whose name the settings do not tie to this device, since others may use it. Invariant: the
//! engine of this account does not run meanwhile, since it would subscribe again.

use std::{collections::HashMap, sync::Arc};

use secrecy::SecretString;
use stomp::{ReceiptId, SessionEvent};
use tokio::time::timeout;

use crate::net::{
    connection::{Connection, SubscribeRequest},
    http::Client,
    identity::Identity,
    one_shot::{self, RECEIPT_TIMEOUT},
};
use belfry_core::{
    error::{Failure, Fault},
    settings::{Protocol, Subscription},
};

/// The placeholder that ties a name to this device.
const DEVICE: &str = "{device}";
/// Header that names a queue (RabbitMQ).
const QUEUE_NAME: &str = "x-queue-name";
/// The topic under which a queue of another kind of destination is subscribed to. Nothing publishes
/// to it.
const TOPIC: &str = "/topic/belfry.forget-device";

/// The queues of one account on this device, and what it takes to delete them.
#[derive(Debug, Clone)]
pub struct DeviceQueues {
    client: Client,
    identity: Arc<Identity>,
    token: SecretString,
}

impl DeviceQueues {
    /// To be deleted with this token, which may have been removed from the keychain meanwhile.
    pub fn new(client: Client, identity: Arc<Identity>, token: SecretString) -> Self {
        Self { client, identity, token }
    }

    /// Deletes them in a session of its own; how many there were in the settings. A queue that the
    /// server does not have is made and deleted.
    ///
    /// # Errors
    /// [`Failure`]: the server cannot be reached, or refuses.
    pub async fn delete(self) -> Result<usize, Failure> {
        let requests = requests(&self.identity)?;
        if requests.is_empty() {
            return Ok(0);
        }
        let mut connection = one_shot::connect(&self.client, &self.identity, &self.token).await?;
        for request in &requests {
            let subscribed = connection.subscribe(request)?;
            confirmed(&mut connection, subscribed).await?;
            let ended = connection.session().unsubscribe(&request.id, &request.headers);
            let ended = ended.map_err(|error| Failure::new(Fault::Settings, error.to_string()))?;
            confirmed(&mut connection, ended).await?;
        }
        connection.close().await;
        Ok(requests.len())
    }
}

/// A subscription for each queue of this device.
fn requests(identity: &Identity) -> Result<Vec<SubscribeRequest>, Failure> {
    let mut requests = Vec::new();
    if identity.settings.server.protocol == Protocol::Websocket {
        return Ok(requests);
    }
    for (index, subscription) in identity.settings.server.subscriptions.iter().enumerate() {
        let Some(mut request) = SubscribeRequest::new(identity, index, &HashMap::new())? else { continue };
        match queue_of(subscription) {
            Some(Queue::OfTopic) => {}
            Some(Queue::Named) => request.destination = TOPIC.to_owned(),
            Some(Queue::OfDestination) => {
                let name = request.destination.trim_start_matches("/queue/").to_owned();
                request.set(QUEUE_NAME, name);
                request.set("auto-delete", "false".to_owned());
                request.destination = TOPIC.to_owned();
            }
            None => continue,
        }
        request.set("durable", "true".to_owned());
        requests.push(request);
    }
    Ok(requests)
}

/// How a queue of this device is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Queue {
    /// By a durable subscription to a topic: after its id, or by `x-queue-name`.
    OfTopic,
    /// By `x-queue-name`, of another destination.
    Named,
    /// By the destination `/queue/…`.
    OfDestination,
}

/// The queue of this device that the subscription has, if it has one.
fn queue_of(subscription: &Subscription) -> Option<Queue> {
    let Subscription { destination, headers, .. } = subscription;
    let is = |name: &str| headers.get(name).is_some_and(|value| value == "true");
    let is_durable = is("durable") || is("persistent");
    match headers.get(QUEUE_NAME) {
        Some(name) if !is_durable || !name.contains(DEVICE) => None,
        Some(_) if destination.starts_with("/topic/") => Some(Queue::OfTopic),
        Some(_) => destination.starts_with("/exchange/").then_some(Queue::Named),
        None if destination.starts_with("/topic/") => is_durable.then_some(Queue::OfTopic),
        None => (destination.starts_with("/queue/") && destination.contains(DEVICE)).then_some(Queue::OfDestination),
    }
}

/// Waits for the receipt. Messages that come meanwhile are not acknowledged.
async fn confirmed(connection: &mut Connection, receipt: ReceiptId) -> Result<(), Failure> {
    let wait = async {
        loop {
            let event = connection.next_event().await?;
            if matches!(&event, SessionEvent::Receipt(id) if *id == receipt) {
                return Ok(());
            }
            connection.session_end(&event, true).map_or(Ok(()), Err)?;
        }
    };
    timeout(RECEIPT_TIMEOUT, wait).await.unwrap_or_else(|_| Err(Failure::new(Fault::TimedOut, "UNSUBSCRIBE")))
}

#[cfg(test)]
mod tests {
    use belfry_core::settings::Settings;

    use super::*;

    #[test]
    fn a_queue_is_deleted_only_if_the_settings_tie_it_to_this_device() {
        let queue = |subscription: &str| {
            let text =
                format!("server.endpoints = [\"ws://127.0.0.1:1/ws\"]\n[[server.subscriptions]]\n{subscription}");
            queue_of(&Settings::parse(&text, "s").unwrap().0.server.subscriptions[0])
        };
        let named = "x-queue-name = \"belfry.{login}.{device}\"";
        for (destination, headers, expected) in [
            ("/topic/a", "durable = true", Some(Queue::OfTopic)),
            ("/topic/a", "persistent = true", Some(Queue::OfTopic)),
            ("/topic/a", &format!("durable = true, {named}"), Some(Queue::OfTopic)),
            ("/exchange/news/all", &format!("durable = true, {named}"), Some(Queue::Named)),
            ("/queue/belfry.{login}.{device}", "", Some(Queue::OfDestination)),
            ("/topic/a", "", None),
            ("/topic/a", "durable = false", None),
            ("/topic/a", named, None),
            ("/topic/a", "durable = true, x-queue-name = \"team\"", None),
            ("/exchange/news/all", "durable = true", None),
            ("/exchange/news/all", "durable = true, x-queue-name = \"belfry.{login}\"", None),
            ("/queue/approvals", "durable = true", None),
            ("/amq/queue/belfry.{login}.{device}", "", None),
            ("/user/queue/approvals", "", None),
        ] {
            let subscription = format!("destination = \"{destination}\"\nheaders = {{ {headers} }}");
            assert_eq!(queue(&subscription), expected, "{subscription}");
        }
    }
}
