//! What all connections share: the records, the broker, who is online, and the way a message takes through them.
//!
//! One lock, taken for a moment and never held over an `await`: what happens under it is a few rows of SQLite or a walk
//! over a handful of queues. A server for more people than one machine holds would put a real broker here.
//!
//! A message is recorded first, then published, under the same lock: so live order is log order, and a client that was
//! not reached finds the record. Where it is published: see [`Broker::publish_record`] and [`BROADCAST`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::broker::{Broker, Delivery, Message, SessionId};
use crate::destination::Destination;
use crate::records::{Draft, Position, Put, PutError};
use crate::store::{Store, StoreError};
use crate::tokens::{Purpose, digest};

/// Where a message without receivers is published. Who is subscribed to this and to a personal queue, as discovery
/// proposes, gets every message once: the personal ones there, the others here.
pub(crate) const BROADCAST: &str = "/topic/broadcast";

/// How long a refresh token is good, once.
const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A row of `getWebSocketClients`. The user id is the login name.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Online {
    pub(crate) login_name: String,
    pub(crate) user_id: String,
    pub(crate) device: String,
    pub(crate) login_time: Timestamp,
    pub(crate) status: &'static str,
}

/// An answer to a login.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tokens {
    pub(crate) token: String,
    /// Seconds.
    pub(crate) expires_in: u64,
    pub(crate) refresh_token: String,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Put(#[from] PutError),
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) broker: Broker,
    online: BTreeMap<SessionId, Online>,
    last_session: SessionId,
}

/// See the module.
pub(crate) struct Hub {
    state: Mutex<State>,
    /// Digests of the passwords by login.
    accounts: BTreeMap<String, [u8; 32]>,
    broadcast: (String, Destination),
    /// Where we listen.
    pub(crate) address: SocketAddr,
    pub(crate) destructive_collect: bool,
    /// How long an access token is good.
    pub(crate) token_lifetime: Duration,
    /// Changes when the log has grown: long polls and raw sockets look again.
    pub(crate) grown: watch::Sender<()>,
    /// Turns true once, when the server is to end.
    stopping: watch::Sender<bool>,
}

impl Hub {
    pub(crate) fn new(
        store: Store,
        accounts: BTreeMap<String, [u8; 32]>,
        address: SocketAddr,
        destructive_collect: bool,
        token_lifetime: Duration,
    ) -> Self {
        let broadcast = Destination::Exchange { name: "amq.topic".to_owned(), key: Some("broadcast".to_owned()) };
        Self {
            state: Mutex::new(State { store, broker: Broker::default(), online: BTreeMap::new(), last_session: 0 }),
            accounts,
            broadcast: (BROADCAST.to_owned(), broadcast),
            address,
            destructive_collect,
            token_lifetime,
            grown: watch::Sender::new(()),
            stopping: watch::Sender::new(false),
        }
    }

    /// The shared state. A panic under the lock leaves data that is still whole, so the others go on.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a message and publishes it; returns its id.
    ///
    /// Without `receivers` it is for everybody online now, and is recorded for them only.
    pub(crate) fn send(&self, sender: &str, draft: Draft, receivers: Option<Vec<String>>) -> Result<String, SendError> {
        self.check(&draft, receivers.as_deref())?;
        let id = draft.id.clone();
        let broadcast = receivers.is_none().then_some(&self.broadcast);
        let mut state = self.lock();
        let online: BTreeSet<&String> = state.online.values().map(|one| &one.login_name).collect();
        let online = online.into_iter().cloned().collect();
        let served = match state.store.put(sender, draft, receivers, online, Timestamp::now())? {
            Put::Stored(served) => served,
            Put::Repeated => return Ok(id.unwrap_or_default()),
        };
        let body = Bytes::from(serde_json::to_vec(&served).map_err(|error| PutError::Store(error.into()))?);
        state.broker.publish_record(&served.record.receiver, broadcast, |destination| Message {
            destination: destination.to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.clone(),
            record: Some(served.position),
        });
        drop(state);
        self.grown.send_replace(());
        Ok(served.record.id)
    }

    fn check(&self, draft: &Draft, receivers: Option<&[String]>) -> Result<(), SendError> {
        let invalid = |why: &str| Err(SendError::Invalid(why.to_owned()));
        if draft.title.trim().is_empty() {
            return invalid("title is empty");
        }
        if draft.id.as_ref().is_some_and(String::is_empty) {
            return invalid("id is empty: leave it out to have one made");
        }
        if !(draft.kind.is_string() || draft.kind.is_number()) {
            return invalid("type has to be a string or a number");
        }
        if draft.priority.as_ref().is_some_and(|priority| !(priority.is_string() || priority.is_number())) {
            return invalid("priority has to be 1 to 5, or low, normal, high or urgent");
        }
        match receivers {
            Some([]) => invalid("receiver is empty: name somebody, or leave it out to reach everybody online"),
            Some(named) => match named.iter().find(|user| !self.accounts.contains_key(*user)) {
                Some(unknown) => Err(SendError::Invalid(format!("receiver {unknown:?} is not known here"))),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Whether login and password belong together.
    pub(crate) fn is_password(&self, login: &str, password: &str) -> bool {
        self.accounts.get(login).is_some_and(|kept| *kept == digest(password))
    }

    /// Whose access token this is, if it is good now and its owner still has an account.
    pub(crate) fn token_login(&self, token: &str) -> Result<Option<String>, StoreError> {
        Ok(self.owner(token, Purpose::Access)?.map(|(login, _)| login))
    }

    /// As [`Self::token_login`], and how long it still is.
    pub(crate) fn token_owner(&self, token: &str) -> Result<Option<(String, Duration)>, StoreError> {
        let owner = self.owner(token, Purpose::Access)?;
        let left = |ends: Timestamp| Duration::try_from(ends.duration_since(Timestamp::now())).unwrap_or_default();
        Ok(owner.map(|(login, ends)| (login, left(ends))))
    }

    /// Exchanges a refresh token, once.
    pub(crate) fn refresh(&self, token: &str) -> Result<Option<Tokens>, StoreError> {
        let Some((login, _)) = self.owner(token, Purpose::Refresh)? else { return Ok(None) };
        self.lock().store.revoke_token(token)?;
        self.sign_in(&login).map(Some)
    }

    /// Makes a pair of tokens.
    pub(crate) fn sign_in(&self, login: &str) -> Result<Tokens, StoreError> {
        let mut state = self.lock();
        let now = Timestamp::now();
        Ok(Tokens {
            token: state.store.issue_token(login, Purpose::Access, now, self.token_lifetime)?,
            expires_in: self.token_lifetime.as_secs(),
            refresh_token: state.store.issue_token(login, Purpose::Refresh, now, REFRESH_LIFETIME)?,
        })
    }

    fn owner(&self, token: &str, purpose: Purpose) -> Result<Option<(String, Timestamp)>, StoreError> {
        let owner = self.lock().store.token_owner(token, purpose, Timestamp::now())?;
        Ok(owner.filter(|(login, _)| self.accounts.contains_key(login)))
    }

    /// What every connection and held request listens to until it has ended.
    pub(crate) fn stop_signal(&self) -> StopSignal {
        StopSignal(self.stopping.subscribe())
    }

    /// Tells everybody to end, and waits until they have.
    pub(crate) async fn stop(&self) {
        self.stopping.send_replace(true);
        self.stopping.closed().await;
    }

    /// Enters a client among those online, and in the broker if it takes deliveries, until the guard is dropped.
    pub(crate) fn enter(
        self: &Arc<Self>,
        login: &str,
        device: &str,
        outbox: Option<UnboundedSender<Delivery>>,
    ) -> Presence {
        let mut state = self.lock();
        state.last_session += 1;
        let session = state.last_session;
        let online = Online {
            login_name: login.to_owned(),
            user_id: login.to_owned(),
            device: device.to_owned(),
            login_time: Timestamp::now(),
            status: "online",
        };
        state.online.insert(session, online);
        if let Some(outbox) = outbox {
            state.broker.join(session, login, outbox);
        }
        Presence { hub: Arc::clone(self), session }
    }

    /// Everybody online, in the order they came.
    pub(crate) fn online(&self) -> Vec<Online> {
        self.lock().online.values().cloned().collect()
    }

    /// The device has these. A failure is logged: the client then gets them again, which it must bear anyway.
    pub(crate) fn mark_delivered(&self, login: &str, device: &str, positions: &[Position]) {
        if positions.is_empty() {
            return;
        }
        if let Err(error) = self.lock().store.mark_delivered(login, device, positions) {
            tracing::warn!(%error, "a delivery could not be marked, and will be repeated");
        }
    }
}

/// See [`Hub::stop_signal`].
pub(crate) struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    /// Waits until the server is to end.
    pub(crate) async fn received(&mut self) {
        // An error means that the hub is gone, and with it every reason to go on.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

/// A client that is online; dropping it takes it off the list and gives back what it had in flight.
pub(crate) struct Presence {
    hub: Arc<Hub>,
    pub(crate) session: SessionId,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        state.online.remove(&self.session);
        state.broker.leave(self.session);
    }
}
