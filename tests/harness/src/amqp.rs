//! What the sending systems do: publish over AMQP, each message confirmed by the broker before this
//! goes on.

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind};

use crate::RabbitMq;

/// An AMQP connection with one channel in confirm mode.
#[derive(Debug)]
pub struct Amqp {
    // Closed when dropped.
    _connection: Connection,
    channel: Channel,
}

impl Amqp {
    /// Connects as the administrator `guest` to the virtual host `/`.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn connect(broker: &RabbitMq) -> Self {
        Self::connect_to(&broker.amqp_url()).await
    }

    /// Connects to an `amqp://` address.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn connect_to(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("an AMQP connection");
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("publisher confirms");
        Self { _connection: connection, channel }
    }

    /// Declares a durable queue.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn declare_queue(&self, name: &str) {
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(short(name), options, FieldTable::default()).await.expect("a queue");
    }

    /// Declares a stream.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn declare_stream(&self, name: &str) {
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        arguments.insert(short("x-queue-type"), AMQPValue::LongString("stream".into()));
        self.channel.queue_declare(short(name), options, arguments).await.expect("a stream");
    }

    /// Declares a durable exchange.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn declare_exchange(&self, name: &str, kind: ExchangeKind) {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        self.channel.exchange_declare(short(name), kind, options, FieldTable::default()).await.expect("an exchange");
    }

    /// Binds a queue to an exchange.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn bind(&self, queue: &str, exchange: &str, key: &str) {
        let options = QueueBindOptions::default();
        self.channel
            .queue_bind(short(queue), short(exchange), short(key), options, FieldTable::default())
            .await
            .expect("a binding");
    }

    /// How many messages wait in a queue, by declaring it passively.
    ///
    /// # Panics
    /// If there is no such queue (which also closes the channel).
    pub async fn ready(&self, queue: &str) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(short(queue), options, FieldTable::default()).await.expect("the queue");
        queue.message_count()
    }

    /// Publishes one persistent message to an exchange ("" is the default one, whose keys are queue
    /// names).
    ///
    /// # Panics
    /// If the broker does not confirm it.
    pub async fn publish(&self, exchange: &str, key: &str, body: impl AsRef<[u8]>) {
        self.publish_all(exchange, key, [(body, None)]).await;
    }

    /// Publishes persistent messages, each with the AMQP property `message-id` if given, and waits
    /// for all to be confirmed.
    ///
    /// # Panics
    /// If the broker does not confirm one of them.
    pub async fn publish_all<B: AsRef<[u8]>>(
        &self,
        exchange: &str,
        key: &str,
        messages: impl IntoIterator<Item = (B, Option<String>)>,
    ) {
        let mut confirms = Vec::new();
        for (body, id) in messages {
            let mut properties =
                BasicProperties::default().with_delivery_mode(2).with_content_type(short("application/json"));
            if let Some(id) = id {
                properties = properties.with_message_id(short(&id));
            }
            let options = BasicPublishOptions::default();
            let publish = self.channel.basic_publish(short(exchange), short(key), options, body.as_ref(), properties);
            confirms.push(publish.await.expect("a message sent"));
        }
        for confirm in confirms {
            let confirmation = confirm.await.expect("an answer to a message");
            assert!(matches!(confirmation, Confirmation::Ack(_)), "not confirmed: {confirmation:?}");
        }
    }
}

fn short(text: &str) -> ShortString {
    ShortString::from(text)
}
