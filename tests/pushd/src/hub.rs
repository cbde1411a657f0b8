//! What all connections share: the records, the broker, who is online, and how a message gets to
//! them.
//!
//! One lock, taken for a moment and never held over an `await`: what happens under it is a few rows
//! of SQLite or a walk over a handful of queues. A server for more people than one machine holds
//! uses `--broker rabbitmq`.
//!
//! A message is recorded first, then published, under the same lock: so live order is log order,
//! and a client that was not reached finds the record. Where it is published: see
//! [`Broker::publish_record`] and [`BROADCAST`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::addresses::Addresses;
use crate::broker::{Broker, Delivery, Message, SessionId};
use crate::destination::{BROADCAST, Destination};
use crate::device::Device;
use crate::records::{Draft, Position, Put, PutError, Receivers};
use crate::store::{Store, StoreError};
use crate::tokens::{Purpose, digest};

/// How long a refresh token is good, once.
const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Names of devices that are remembered beyond their connections, at most.
const REMEMBERED_NAMES: usize = 10_000;

/// A row of `getWebSocketClients`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Online {
    login_name: String,
    user_id: u64,
    /// The name that people see.
    device: String,
    device_id: String,
    login_time: Timestamp,
    status: &'static str,
}

/// An answer to a login.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tokens {
    token: String,
    /// Seconds.
    expires_in: u64,
    refresh_token: String,
    user_id: u64,
}

/// A person as a caller names them: by user id, as a number or its digits, or by login.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a user id or a login")]
pub(crate) enum Person {
    Id(u64),
    Text(String),
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Put(#[from] PutError),
}

/// A person who can sign in.
#[derive(Debug)]
pub(crate) struct Member {
    /// Of the password.
    pub(crate) digest: [u8; 32],
    pub(crate) user_id: u64,
}

/// How the hub is to behave.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) addresses: Addresses,
    pub(crate) destructive_collect: bool,
    /// How long an access token is good.
    pub(crate) token_lifetime: Duration,
    /// Between two frames that keep a SockJS connection alive.
    pub(crate) sockjs_heart_beat: Duration,
    /// Records go to an external broker as well. It alone knows who is online, so a message to
    /// everybody is for all.
    pub(crate) has_external_broker: bool,
    pub(crate) is_demo: bool,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) broker: Broker,
    online: BTreeMap<SessionId, Online>,
    last_session: SessionId,
    /// By login and device id: a client may name its device in one call and connect with another.
    device_names: BTreeMap<(String, String), String>,
}

/// See the module.
pub(crate) struct Hub {
    state: Mutex<State>,
    /// By login.
    members: BTreeMap<String, Member>,
    broadcast: (String, Destination),
    pub(crate) rules: Rules,
    /// Changes when the log has grown: long polls, raw sockets and the publisher look again.
    pub(crate) grown: watch::Sender<()>,
    /// Turns true once, when the server is to end.
    stopping: watch::Sender<bool>,
}

impl Hub {
    pub(crate) fn new(store: Store, members: BTreeMap<String, Member>, rules: Rules) -> Self {
        let state = State {
            store,
            broker: Broker::default(),
            online: BTreeMap::new(),
            last_session: 0,
            device_names: BTreeMap::new(),
        };
        Self {
            state: Mutex::new(state),
            members,
            broadcast: (BROADCAST.to_owned(), Destination::broadcast()),
            rules,
            grown: watch::Sender::new(()),
            stopping: watch::Sender::new(false),
        }
    }

    /// The shared state. A panic under the lock leaves data that is still whole, so the others go
    /// on.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a message and publishes it; returns its id.
    ///
    /// Without `receivers` (logins) it is for everybody online now, and is recorded for them only.
    pub(crate) fn send(&self, sender: &str, draft: Draft, receivers: Option<Vec<String>>) -> Result<String, SendError> {
        check(&draft)?;
        let id = draft.id.clone();
        let mut state = self.lock();
        let receivers = receivers.map_or_else(|| Receivers::Everybody(self.everybody(&state)), Receivers::Named);
        let stored = match state.store.put(sender, draft, receivers, Timestamp::now())? {
            Put::Stored(stored) => stored,
            Put::Repeated => return Ok(id.unwrap_or_default()),
        };
        let body = Bytes::from(serde_json::to_vec(&stored.served).map_err(|error| PutError::Store(error.into()))?);
        let broadcast = stored.is_broadcast.then_some(&self.broadcast);
        state.broker.publish_record(&stored.receivers, broadcast, |destination| Message {
            destination: destination.to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.clone(),
            record: Some(stored.served.position),
        });
        drop(state);
        self.grown.send_replace(());
        Ok(stored.served.record.id)
    }

    fn everybody(&self, state: &State) -> Vec<String> {
        if self.rules.has_external_broker {
            return self.members.keys().cloned().collect();
        }
        let online: BTreeSet<&String> = state.online.values().map(|one| &one.login_name).collect();
        online.into_iter().cloned().collect()
    }

    /// The login of a person, if they have an account. A login of digits counts before a user id.
    pub(crate) fn login_of(&self, person: &Person) -> Option<&str> {
        let by_id = |id: u64| self.members.iter().find(|(_, member)| member.user_id == id).map(|(login, _)| login);
        let login = match person {
            Person::Id(id) => by_id(*id),
            Person::Text(text) => match self.members.get_key_value(text) {
                Some((login, _)) => Some(login),
                None => text.parse().ok().and_then(by_id),
            },
        };
        login.map(String::as_str)
    }

    fn user_id(&self, login: &str) -> u64 {
        self.members.get(login).map_or(0, |member| member.user_id)
    }

    /// Whether login and password belong together.
    pub(crate) fn is_password(&self, login: &str, password: &str) -> bool {
        self.members.get(login).is_some_and(|member| member.digest == digest(password))
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

    /// Ends an access token. Connections that were made with it stay.
    pub(crate) fn sign_out(&self, token: &str) -> Result<(), StoreError> {
        self.lock().store.revoke_token(token)
    }

    /// Makes a pair of tokens.
    pub(crate) fn sign_in(&self, login: &str) -> Result<Tokens, StoreError> {
        let mut state = self.lock();
        let now = Timestamp::now();
        Ok(Tokens {
            token: state.store.issue_token(login, Purpose::Access, now, self.rules.token_lifetime)?,
            expires_in: self.rules.token_lifetime.as_secs(),
            refresh_token: state.store.issue_token(login, Purpose::Refresh, now, REFRESH_LIFETIME)?,
            user_id: self.user_id(login),
        })
    }

    fn owner(&self, token: &str, purpose: Purpose) -> Result<Option<(String, Timestamp)>, StoreError> {
        let owner = self.lock().store.token_owner(token, purpose, Timestamp::now())?;
        Ok(owner.filter(|(login, _)| self.members.contains_key(login)))
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

    /// Enters a client among those online, and in the broker if it takes deliveries, until the
    /// guard is dropped.
    pub(crate) fn enter(
        self: &Arc<Self>,
        login: &str,
        device: &Device,
        outbox: Option<UnboundedSender<Delivery>>,
    ) -> Presence {
        self.note_device(login, device);
        let mut state = self.lock();
        state.last_session += 1;
        let session = state.last_session;
        let online = Online {
            login_name: login.to_owned(),
            user_id: self.user_id(login),
            device: device.name.clone(),
            device_id: device.id.clone(),
            login_time: Timestamp::now(),
            status: "online",
        };
        state.online.insert(session, online);
        if let Some(outbox) = outbox {
            state.broker.join(session, login, outbox);
        }
        Presence { hub: Arc::clone(self), session }
    }

    /// Remembers what a device is called.
    pub(crate) fn note_device(&self, login: &str, device: &Device) {
        if device.id.is_empty() || device.name.is_empty() {
            return;
        }
        let mut state = self.lock();
        let key = (login.to_owned(), device.id.clone());
        if state.device_names.len() < REMEMBERED_NAMES || state.device_names.contains_key(&key) {
            state.device_names.insert(key, device.name.clone());
        }
    }

    /// Everybody online, in the order they came. A device without a name is shown by its id.
    pub(crate) fn online(&self) -> Vec<Online> {
        let state = self.lock();
        let named = |one: &Online| {
            let mut one = one.clone();
            if one.device.is_empty() {
                let key = (one.login_name.clone(), one.device_id.clone());
                one.device = state.device_names.get(&key).unwrap_or(&one.device_id).clone();
            }
            one
        };
        state.online.values().map(named).collect()
    }

    /// The device has these. A failure is logged: the client then gets them again, which it has to
    /// expect anyway.
    pub(crate) fn mark_delivered(&self, login: &str, device: &str, positions: &[Position]) {
        if positions.is_empty() {
            return;
        }
        if let Err(error) = self.lock().store.mark_delivered(login, device, positions) {
            tracing::warn!(%error, "a delivery could not be marked, and will be repeated");
        }
    }
}

fn check(draft: &Draft) -> Result<(), SendError> {
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
    let is_confirm = |confirm: &serde_json::Value| confirm.is_string() || confirm.is_boolean();
    let mut confirms = draft.actions.iter().flatten().filter_map(|action| action.confirm.as_ref());
    if !confirms.all(is_confirm) {
        return invalid("confirm of an action has to be a question, or true");
    }
    Ok(())
}

/// See [`Hub::stop_signal`].
pub(crate) struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    /// Waits until the server is to end.
    pub(crate) async fn received(&mut self) {
        // An error means that the hub was dropped: that is the end as well.
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
