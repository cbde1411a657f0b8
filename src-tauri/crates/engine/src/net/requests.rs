//! Requests that a person makes of the server beside the session: delete there, read older history,
//! see who is signed in, perform an action.
//!
//! Each is one request with one answer. It is repeated only with a newer token, when the first one
//! had expired; for anything else the waiting person decides. Deliberately absent: the inbox, which
//! the caller changes with the answer. Invariants: notices read here never notify, so those that the
//! session may still deliver are left out; what the server has answered with 403 is not offered
//! again before the next connect.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::watch;

use crate::net::{
    api::{ActionAnswer, ActionCall, Api, Outgoing, PagePiece},
    device_queues::DeviceQueues,
    http::Client,
    identity::{Identity, LOGIN_NAMES, text},
    intake::Intake,
    token::Token,
};
use belfry_core::{
    error::{Failure, Fault, Recovery},
    notice::{Notice, NoticeKey},
    pipeline::{
        catchup::{HISTORY_OVERLAP, PageRequest},
        link::Refreshed,
    },
    settings::action_url,
};

/// Makes a request, and repeats it with a newer token if the first was refused.
macro_rules! with_newer_token {
    ($server:ident, |$api:ident, $token:ident| $request:expr) => {{
        let $api = $server.api()?;
        let $token = &$server.token.get().await?;
        match $request.await {
            Err(failure) => match $server.newer($token, failure).await {
                Ok($token) => {
                    let $token = &$token;
                    $request.await
                }
                Err(failure) => Err(failure),
            },
            answer => answer,
        }
    }};
}

/// Requests to the server of a running engine.
#[derive(Clone)]
pub struct ServerRequests {
    pub(crate) client: Result<Client, Failure>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) token: Arc<Token>,
    /// Emptied by the driver with each session.
    pub(crate) refused: watch::Sender<RefusedRequests>,
}

/// What the server has answered with 403 since the last connect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefusedRequests {
    /// Reading older history.
    pub history: bool,
    /// Deleting its record of a message.
    pub delete: bool,
    /// Listing who is signed in.
    pub clients: bool,
}

/// What the settings say the server can do, without what it has refused since the last connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offers {
    /// Read older history.
    pub history: bool,
    /// Delete its record of a message.
    pub delete: bool,
    /// List who is signed in.
    pub clients: bool,
    /// Send a message.
    pub send: bool,
}

/// A client that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInClient {
    /// Its login.
    pub login: String,
    /// Its device, as the server names it.
    pub device: String,
    /// Since when, in the server's words; may be empty.
    pub since: String,
    /// Whether it is this account on this device.
    pub is_this: bool,
}

/// A page of the server's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPage {
    /// What may be added to the inbox, newest first.
    pub notices: Vec<Notice>,
    /// Nothing comes after it that may be added.
    pub is_last: bool,
}

impl ServerRequests {
    /// Which requests the settings allow and the server has not refused.
    pub fn offers(&self) -> Offers {
        let api = &self.identity.settings.api;
        let has = |path: &str| api.base.is_some() && !path.is_empty();
        let refused = *self.refused.borrow();
        Offers {
            history: has(&api.history) && !refused.history,
            delete: has(&api.delete) && !refused.delete,
            clients: has(&api.clients) && !refused.clients,
            send: has(&api.send),
        }
    }

    /// Deletes the server's record of a message, for every receiver; false if it had none.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn delete(&self, id: &str) -> Result<bool, Failure> {
        match with_newer_token!(self, |api, token| api.delete(token, id)) {
            Ok(()) => Ok(true),
            Err(failure) if failure.fault == Fault::Status(404) => Ok(false),
            Err(failure) => Err(self.note_refusal(failure, |refused| &mut refused.delete)),
        }
    }

    /// The queues of this account on this device, to be deleted once the session has ended.
    ///
    /// # Errors
    /// [`Failure`] of the sign-in.
    pub async fn device_queues(&self) -> Result<DeviceQueues, Failure> {
        let token = self.token.get().await?;
        Ok(DeviceQueues::new(self.client.clone()?, Arc::clone(&self.identity), token))
    }

    /// Who is signed in, this account's devices first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn clients(&self) -> Result<Vec<SignedInClient>, Failure> {
        let own = self.identity.account.login();
        let mut signed_in: Vec<SignedInClient> = with_newer_token!(self, |api, token| api.clients(token))
            .map_err(|failure| self.note_refusal(failure, |refused| &mut refused.clients))?
            .iter()
            .map(|row| SignedInClient {
                login: text(row, LOGIN_NAMES),
                device: text(row, &["deviceName", "device", "deviceId"]),
                since: text(row, &["loginTime", "since", "connectedAt"]),
                is_this: self.identity.is_this_device(row),
            })
            .collect();
        signed_in.sort_by_key(|client| (!client.is_this, client.login != own));
        Ok(signed_in)
    }

    /// A page of the server's history, newest first, counted from 1. Notices sent after
    /// `complete_through`, or at an unknown time, are left to the session and to catch-up, which
    /// notify; those sent before `oldest` are not kept.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn history(
        &self,
        page: u32,
        complete_through: Timestamp,
        oldest: Timestamp,
    ) -> Result<HistoryPage, Failure> {
        let request = PageRequest::History { page };
        let mut answer = with_newer_token!(self, |api, token| api.page(token, &request))
            .map_err(|failure| self.note_refusal(failure, |refused| &mut refused.history))?;
        let mut notices = Vec::new();
        let found = loop {
            match answer.next_piece() {
                PagePiece::Rows(earlier, _) => notices.extend(earlier),
                PagePiece::Last(page, _) => break page,
            }
        };
        let settled = complete_through.checked_sub(HISTORY_OVERLAP).unwrap_or(Timestamp::MIN);
        let has_reached_the_end = found.notices.last().and_then(|last| last.sent_at).is_some_and(|at| at < oldest);
        notices.extend(found.notices);
        notices.retain(|notice| notice.sent_at.is_some_and(|at| at >= oldest && at < settled));
        Ok(HistoryPage { notices, is_last: found.rows == 0 || has_reached_the_end })
    }

    /// Sends the request of a button, and the same once more with a newer token if the first was
    /// refused: a refused sign-in has no effect.
    ///
    /// # Errors
    /// As [`Api::act`].
    pub async fn act(&self, call: &ActionCall) -> Result<ActionAnswer, Failure> {
        with_newer_token!(self, |api, token| api.act(token, call))
    }

    /// The key that makes each repetition of an action on this opening of a notice the same.
    pub fn idempotency_key(&self, notice: &NoticeKey, opening: u32, action: &str) -> String {
        action_url::idempotency_key(&self.identity.account.name(), notice, opening, action)
    }

    /// Has the server send a message to this account; returns its id if the answer has one.
    ///
    /// # Errors
    /// [`Failure`]; [`Fault::Settings`] when the settings do not say who this is: it would go to
    /// everybody.
    pub async fn send_to_self(&self, title: &str, content: &str) -> Result<Option<String>, Failure> {
        let login = self.identity.account.login();
        if login.is_empty() {
            return Err(Failure::new(Fault::Settings, "auth.login is empty, so the message would go to everybody"));
        }
        let message = Outgoing {
            title: title.to_owned(),
            content: content.to_owned(),
            kind: String::new(),
            receivers: vec![login.to_owned()],
        };
        with_newer_token!(self, |api, token| api.send(token, &message))
    }

    /// Takes note of a 403: this request is not offered again before the next connect.
    fn note_refusal(&self, failure: Failure, which: fn(&mut RefusedRequests) -> &mut bool) -> Failure {
        if failure.fault != Fault::Status(403) {
            return failure;
        }
        self.refused.send_if_modified(|refused| !std::mem::replace(which(refused), true));
        Failure { fault: Fault::NotPermitted, ..failure }
    }

    fn api(&self) -> Result<Api, Failure> {
        Ok(Api::new(self.client.clone()?, Arc::clone(&self.identity), Arc::clone(&self.intake)))
    }

    /// Another token than the one that was just refused.
    ///
    /// # Errors
    /// `failure` when it was not about the token, or there is no other one.
    async fn newer(&self, refused: &SecretString, failure: Failure) -> Result<SecretString, Failure> {
        if failure.recovery(1) != Recovery::RefreshToken {
            return Err(failure);
        }
        match self.token.refresh_after(refused).await {
            Refreshed::Newer => self.token.get().await,
            Refreshed::Same => Err(failure),
            Refreshed::Failed(failure) => Err(failure),
        }
    }
}

impl fmt::Debug for ServerRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerRequests").field("account", &self.identity.account.name()).finish_non_exhaustive()
    }
}
