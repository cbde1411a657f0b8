//! `--broker rabbitmq`: every record is also published to the topic exchange `belfry`.
//!
//! The routing key is the receiver's login, or `all` for a message to everybody. A client takes a
//! queue `belfry.{login}.{device}` of its own on RabbitMQ's Web STOMP, bound to both keys, so more
//! people are served than one machine holds, and RabbitMQ keeps what a computer missed. This server
//! still records, signs in and answers the API. Deliberately absent: RabbitMQ's accounts and
//! permissions, which are its administrator's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind};
use tokio::time::sleep;

use crate::hub::Hub;
use crate::records::Stored;
use crate::store::StoreError;

const EXCHANGE: &str = "belfry";
/// The routing key of messages to everybody; also no login.
pub(crate) const EVERYBODY: &str = "all";
/// The longest routing key; bytes (AMQP 0-9-1, short string).
const MAX_ROUTING_KEY: usize = 255;
/// AMQP's "persistent".
const PERSISTENT: u8 = 2;
/// Records that are published before the first confirmation is waited for.
const BATCH: u32 = 100;
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// `amqp://…`; it holds a password.
#[derive(Clone)]
pub struct AmqpUrl(String);

impl From<String> for AmqpUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Debug for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AmqpUrl(***)")
    }
}

/// Why the broker did not take a record.
#[derive(Debug, thiserror::Error)]
pub enum AmqpError {
    /// It cannot be reached, or refused something.
    #[error("RabbitMQ: {0}")]
    Broker(#[from] lapin::Error),
    /// It could not store a message.
    #[error("RabbitMQ did not confirm a message")]
    NotConfirmed,
    /// The records cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a login can be a routing key that reaches its owner only.
pub(crate) fn is_routable(login: &str) -> bool {
    login != EVERYBODY && login.len() <= MAX_ROUTING_KEY && !login.contains(['*', '#'])
}

/// Publishes what the log holds and what comes, until the server stops. A lost connection is made
/// again.
pub(crate) struct Publisher {
    url: AmqpUrl,
    // Closed when dropped.
    connection: Connection,
    channel: Channel,
}

impl Publisher {
    /// Connects to an `amqp://` address and declares the exchange.
    pub(crate) async fn connect(url: AmqpUrl) -> Result<Self, AmqpError> {
        let (connection, channel) = open(&url).await?;
        Ok(Self { url, connection, channel })
    }

    pub(crate) async fn run(mut self, hub: Arc<Hub>) {
        let mut stopping = hub.stop_signal();
        loop {
            let error = tokio::select! {
                ended = follow(&hub, &self.channel) => match ended {
                    Ok(never) => match never {},
                    Err(error) => error,
                },
                () = stopping.received() => {
                    // What the API has taken in its last moment; what fails now is published after
                    // the next start.
                    if let Err(error) = publish_batch(&hub, &self.channel).await {
                        tracing::warn!(%error, "the last records were not published");
                    }
                    return;
                }
            };
            tracing::warn!(%error, "records are not published: trying again");
            loop {
                tokio::select! {
                    () = sleep(RETRY_AFTER) => {}
                    () = stopping.received() => return,
                }
                match open(&self.url).await {
                    Ok((connection, channel)) => {
                        (self.connection, self.channel) = (connection, channel);
                        tracing::info!("records are published again");
                        break;
                    }
                    Err(error) => tracing::warn!(%error, "RabbitMQ cannot be reached"),
                }
            }
        }
    }
}

async fn open(AmqpUrl(url): &AmqpUrl) -> Result<(Connection, Channel), AmqpError> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, durable, FieldTable::default()).await?;
    Ok((connection, channel))
}

/// Publishes whenever the log has grown.
async fn follow(hub: &Hub, channel: &Channel) -> Result<std::convert::Infallible, AmqpError> {
    let mut grown = hub.grown.subscribe();
    loop {
        grown.mark_unchanged();
        if publish_batch(hub, channel).await? {
            continue;
        }
        // The sender is the hub's, which outlives this.
        let _ = grown.changed().await;
    }
}

/// Publishes the next records and waits until all are confirmed; whether there were any.
async fn publish_batch(hub: &Hub, channel: &Channel) -> Result<bool, AmqpError> {
    let batch = hub.lock().store.unpublished(BATCH)?;
    let Some(last) = batch.last().map(|stored| stored.served.position) else { return Ok(false) };
    let mut confirmations = Vec::new();
    for Stored { served, receivers, is_broadcast } in &batch {
        let body = serde_json::to_vec(served).map_err(StoreError::Json)?;
        let keys = if *is_broadcast { vec![EVERYBODY] } else { receivers.iter().map(String::as_str).collect() };
        for key in keys {
            let properties = BasicProperties::default()
                .with_delivery_mode(PERSISTENT)
                .with_content_type("application/json".into())
                .with_message_id(served.record.id.as_str().into());
            let options = BasicPublishOptions::default();
            let publish = channel.basic_publish(EXCHANGE.into(), key.into(), options, &body, properties);
            confirmations.push(publish.await?);
        }
    }
    for confirmation in confirmations {
        if !matches!(confirmation.await?, Confirmation::Ack(_)) {
            return Err(AmqpError::NotConfirmed);
        }
    }
    hub.lock().store.mark_published(last)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_would_reach_others_is_no_routing_key() {
        for good in ["alice", "alice@example.com", "员工", "a.b"] {
            assert!(is_routable(good), "{good}");
        }
        for bad in ["all", "*", "#", "a.#", &"x".repeat(256)] {
            assert!(!is_routable(bad), "{bad}");
        }
    }
}
