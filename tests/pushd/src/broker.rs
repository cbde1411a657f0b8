//! The embedded broker: queues, what they are bound to, who takes from them, and what is not
//! acknowledged yet.
//!
//! Pure: no I/O and no clock. A session is handed its deliveries over a channel and says when one
//! is done: an ACK, or for `ack:auto` the finished write. Everything that is subscribed to is a
//! queue, as in RabbitMQ: `/queue/X` is shared and stays; any other subscription has a queue of its
//! own that ends with it, unless it is `durable`. Deliberately absent: storage (a record is what
//! survives), transactions, queue limits, dead letters. Invariant: a message is in its queue or in
//! flight at exactly one subscription until it is done; what a lost subscription had in flight goes
//! back to the front of its queue in order, marked redelivered, or ends with the queue.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

use crate::destination::Destination;
use crate::records::Position;

/// A connected session; also the client's number among those online.
pub(crate) type SessionId = u64;

/// A delivery within a session; grows, so that cumulative acknowledgement is a comparison.
pub(crate) type Tag = u64;

/// `ack:auto` has no acknowledgement to wait for; this many may be on their way to the socket.
const AUTO_IN_FLIGHT: usize = 256;

/// What is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The `destination` header.
    pub(crate) destination: String,
    /// Further headers, the sender's own among them.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// The record it carries, to be marked when it is done.
    pub(crate) record: Option<Position>,
}

/// A message on its way to one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) tag: Tag,
    pub(crate) subscription: String,
    pub(crate) mode: AckMode,
    pub(crate) redelivered: bool,
    pub(crate) message: Arc<Message>,
}

/// The `ack` header of SUBSCRIBE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckMode {
    Auto,
    Client,
    ClientIndividual,
}

/// A SUBSCRIBE.
#[derive(Debug, Clone)]
pub(crate) struct Subscribe {
    /// The client's own name for it, unique in the session.
    pub(crate) id: String,
    pub(crate) destination: Destination,
    /// The destination as the client wrote it.
    pub(crate) text: String,
    pub(crate) mode: AckMode,
    /// Most messages in flight unless the mode is auto; `None`: no limit.
    pub(crate) prefetch: Option<usize>,
    /// The queue that stays when the client goes. Ignored for `/queue`, which stays anyway, and for
    /// `/user/queue`, where the records keep what was missed.
    pub(crate) durable: Option<String>,
}

/// The client asked for what cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BrokerError {
    #[error("subscription {0:?} exists already in this session")]
    DuplicateSubscription(String),
    #[error("there is no subscription {0:?} in this session")]
    UnknownSubscription(String),
    #[error("queue {0:?} belongs to another person")]
    NotYourQueue(String),
    #[error("nothing to acknowledge under this id: it was never delivered in this session, or is done")]
    UnknownDelivery,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum QueueName {
    /// `/queue/X`
    Shared(String),
    /// `durable:true`, by its owner's or the default name.
    Durable(String),
    /// Ends with its subscription.
    Own(SessionId, String),
}

#[derive(Debug)]
struct Queue {
    /// The login that may take from it; `None`: every login.
    owner: Option<String>,
    bindings: BTreeSet<Destination>,
    waiting: VecDeque<(Arc<Message>, bool)>,
    /// The next to be served is at the front.
    consumers: VecDeque<(SessionId, String)>,
}

#[derive(Debug)]
struct Subscription {
    subscribe: Subscribe,
    queue: QueueName,
    in_flight: BTreeMap<Tag, Arc<Message>>,
}

impl Subscription {
    fn has_room(&self) -> bool {
        let limit = match self.subscribe.mode {
            AckMode::Auto => Some(AUTO_IN_FLIGHT),
            AckMode::Client | AckMode::ClientIndividual => self.subscribe.prefetch,
        };
        limit.is_none_or(|limit| self.in_flight.len() < limit)
    }
}

#[derive(Debug)]
struct Session {
    login: String,
    outbox: UnboundedSender<Delivery>,
    /// In the order they were made.
    subscriptions: Vec<Subscription>,
    last_tag: Tag,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Broker {
    sessions: BTreeMap<SessionId, Session>,
    queues: BTreeMap<QueueName, Queue>,
}

impl Broker {
    /// A session begins; its deliveries go to `outbox`.
    pub(crate) fn join(&mut self, session: SessionId, login: &str, outbox: UnboundedSender<Delivery>) {
        let login = login.to_owned();
        self.sessions.insert(session, Session { login, outbox, subscriptions: Vec::new(), last_tag: 0 });
    }

    /// A session has ended, with or without DISCONNECT.
    pub(crate) fn leave(&mut self, session: SessionId) {
        let Some(gone) = self.sessions.remove(&session) else { return };
        for subscription in gone.subscriptions {
            self.release(session, subscription, false);
        }
    }

    /// Begins a subscription and hands out what waits for it.
    pub(crate) fn subscribe(&mut self, session: SessionId, subscribe: Subscribe) -> Result<(), BrokerError> {
        let Some(joined) = self.sessions.get_mut(&session) else { return Ok(()) };
        if joined.subscriptions.iter().any(|known| known.subscribe.id == subscribe.id) {
            return Err(BrokerError::DuplicateSubscription(subscribe.id));
        }
        let (name, owner) = match (&subscribe.destination, &subscribe.durable) {
            (Destination::Queue(name), _) => (QueueName::Shared(name.clone()), None),
            (Destination::Exchange { .. }, Some(name)) => {
                (QueueName::Durable(name.clone()), Some(joined.login.clone()))
            }
            _ => (QueueName::Own(session, subscribe.id.clone()), Some(joined.login.clone())),
        };
        let queue = self.queues.entry(name.clone()).or_insert_with(|| Queue::new(owner.clone()));
        if queue.owner != owner {
            return Err(BrokerError::NotYourQueue(subscribe.durable.unwrap_or_default()));
        }
        queue.bindings.insert(subscribe.destination.clone());
        queue.consumers.push_back((session, subscribe.id.clone()));
        joined.subscriptions.push(Subscription { subscribe, queue: name.clone(), in_flight: BTreeMap::new() });
        self.dispatch(&name);
        Ok(())
    }

    /// Ends a subscription. `forget` also deletes a durable queue with all that is in it.
    pub(crate) fn unsubscribe(&mut self, session: SessionId, id: &str, forget: bool) -> Result<(), BrokerError> {
        let subscription = self.sessions.get_mut(&session).and_then(|joined| {
            let index = joined.subscriptions.iter().position(|known| known.subscribe.id == id)?;
            Some(joined.subscriptions.remove(index))
        });
        let subscription = subscription.ok_or_else(|| BrokerError::UnknownSubscription(id.to_owned()))?;
        self.release(session, subscription, forget);
        Ok(())
    }

    /// A SEND: a copy for every queue that is bound to it.
    pub(crate) fn publish(&mut self, destination: &Destination, message: Message) {
        if let Destination::Queue(name) = destination {
            let queue = self.queues.entry(QueueName::Shared(name.clone())).or_insert_with(|| Queue::new(None));
            queue.bindings.insert(destination.clone());
        }
        let message = Arc::new(message);
        let takers: Vec<QueueName> = self
            .queues
            .iter()
            .filter(|(_, queue)| queue.bindings.iter().any(|binding| binding.takes(destination)))
            .map(|(name, _)| name.clone())
            .collect();
        for name in takers {
            self.push(&name, Arc::clone(&message));
        }
    }

    /// Delivers a record to each session of its receivers, once: a broadcast on the first
    /// subscription that takes `broadcast`, anything else, and a broadcast without such a
    /// subscription, on the first personal one. A session with neither has it from the record.
    /// `message` makes the message for a destination.
    pub(crate) fn publish_record(
        &mut self,
        receivers: &[String],
        broadcast: Option<&(String, Destination)>,
        message: impl Fn(&str) -> Message,
    ) {
        // A set, since two sessions may share a durable queue.
        let mut takers: BTreeMap<QueueName, String> = BTreeMap::new();
        for session in self.sessions.values().filter(|session| receivers.contains(&session.login)) {
            let public = broadcast.and_then(|(text, destination)| {
                let taker = session.subscriptions.iter().find(|one| one.subscribe.destination.takes(destination))?;
                Some((taker.queue.clone(), text.clone()))
            });
            let personal = || {
                let is_personal = |one: &&Subscription| matches!(one.subscribe.destination, Destination::Personal(_));
                let taker = session.subscriptions.iter().find(is_personal)?;
                Some((taker.queue.clone(), taker.subscribe.text.clone()))
            };
            takers.extend(public.or_else(personal));
        }
        for (name, destination) in takers {
            self.push(&name, Arc::new(message(&destination)));
        }
    }

    /// Whether a delivery still is to be written: its subscription may have ended while it was on
    /// its way.
    pub(crate) fn is_in_flight(&self, session: SessionId, tag: Tag) -> bool {
        self.sessions
            .get(&session)
            .is_some_and(|joined| joined.subscriptions.iter().any(|one| one.in_flight.contains_key(&tag)))
    }

    /// A delivery is done: an ACK (cumulative within the subscription for `ack:client`), or the
    /// write of an `ack:auto`. Returns the records it carried.
    pub(crate) fn done(&mut self, session: SessionId, tag: Tag) -> Result<Vec<Position>, BrokerError> {
        let subscription = self.holder(session, tag)?;
        let done = if subscription.subscribe.mode == AckMode::Client {
            let later = subscription.in_flight.split_off(&tag.saturating_add(1));
            std::mem::replace(&mut subscription.in_flight, later)
        } else {
            subscription.in_flight.remove_entry(&tag).into_iter().collect()
        };
        let queue = subscription.queue.clone();
        self.dispatch(&queue);
        Ok(done.into_values().filter_map(|message| message.record).collect())
    }

    /// A NACK: back to the front of its queue, for the next consumer.
    pub(crate) fn refuse(&mut self, session: SessionId, tag: Tag) -> Result<(), BrokerError> {
        let subscription = self.holder(session, tag)?;
        let message = subscription.in_flight.remove(&tag).ok_or(BrokerError::UnknownDelivery)?;
        let name = subscription.queue.clone();
        if let Some(queue) = self.queues.get_mut(&name) {
            queue.waiting.push_front((message, true));
        }
        self.dispatch(&name);
        Ok(())
    }

    fn holder(&mut self, session: SessionId, tag: Tag) -> Result<&mut Subscription, BrokerError> {
        self.sessions
            .get_mut(&session)
            .and_then(|joined| joined.subscriptions.iter_mut().find(|one| one.in_flight.contains_key(&tag)))
            .ok_or(BrokerError::UnknownDelivery)
    }

    fn push(&mut self, name: &QueueName, message: Arc<Message>) {
        if let Some(queue) = self.queues.get_mut(name) {
            queue.waiting.push_back((message, false));
        }
        self.dispatch(name);
    }

    /// Hands out what waits, in turn to the consumers that have room.
    fn dispatch(&mut self, name: &QueueName) {
        let Some(queue) = self.queues.get_mut(name) else { return };
        while !queue.waiting.is_empty() {
            let free = queue.consumers.iter().position(|(session, id)| {
                subscription(&mut self.sessions, *session, id).is_some_and(|(_, one)| one.has_room())
            });
            let Some((session, id)) = free.and_then(|index| queue.consumers.remove(index)) else { return };
            let taker = subscription(&mut self.sessions, session, &id);
            if let (Some((joined, taker)), Some((message, redelivered))) = (taker, queue.waiting.pop_front()) {
                *joined.last_tag += 1;
                let tag = *joined.last_tag;
                taker.in_flight.insert(tag, Arc::clone(&message));
                let mode = taker.subscribe.mode;
                // A closed channel is a session about to leave: then the message goes back.
                let _ = joined.outbox.send(Delivery { tag, subscription: id.clone(), mode, redelivered, message });
            }
            queue.consumers.push_back((session, id));
        }
    }

    /// Takes back what a subscription had in flight, and ends its queue where that does not outlive
    /// it.
    fn release(&mut self, session: SessionId, subscription: Subscription, forget: bool) {
        let name = subscription.queue;
        let ends = match &name {
            QueueName::Own(..) => true,
            QueueName::Durable(_) => forget,
            QueueName::Shared(_) => false,
        };
        if ends {
            self.queues.remove(&name);
            return;
        }
        let Some(queue) = self.queues.get_mut(&name) else { return };
        queue.consumers.retain(|(of, id)| (*of, id.as_str()) != (session, subscription.subscribe.id.as_str()));
        for message in subscription.in_flight.into_values().rev() {
            queue.waiting.push_front((message, true));
        }
        self.dispatch(&name);
    }
}

impl Queue {
    fn new(owner: Option<String>) -> Self {
        Self { owner, bindings: BTreeSet::new(), waiting: VecDeque::new(), consumers: VecDeque::new() }
    }
}

/// The parts of a session that are needed beside one of its subscriptions.
struct Joined<'a> {
    last_tag: &'a mut Tag,
    outbox: &'a UnboundedSender<Delivery>,
}

fn subscription<'a>(
    sessions: &'a mut BTreeMap<SessionId, Session>,
    session: SessionId,
    id: &str,
) -> Option<(Joined<'a>, &'a mut Subscription)> {
    let session = sessions.get_mut(&session)?;
    let subscription = session.subscriptions.iter_mut().find(|one| one.subscribe.id == id)?;
    Some((Joined { last_tag: &mut session.last_tag, outbox: &session.outbox }, subscription))
}
