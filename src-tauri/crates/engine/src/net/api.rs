//! The HTTP API of the message service: collect, history, delete, clients, send
//! (`docs/reference/messages.md`, "Catch-up").
//!
//! Each call returns one answer or a [`Failure`]. An answer is read up to a limit and used only if
//! it is whole; the rows of a page are then read piece by piece, so that a page costs little more
//! memory than its answer. Deliberately absent: when to call and to try again, and what a page means
//! ([`belfry_core::pipeline::catchup`]).

mod action;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use reqwest::{Response, StatusCode, header};
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

pub use self::action::{ActionAnswer, ActionCall};
use crate::clock;
use crate::net::{
    auth,
    http::{self, Client},
    identity::Identity,
    intake::Intake,
    redaction::Redaction,
};
use belfry_core::{
    envelope::{self, NextCursor, PageError},
    error::{Failure, Fault},
    notice::Notice,
    pipeline::catchup::{Page, PageRequest},
    settings::{ApiMethod, Pointer},
    storage::Write,
};

/// How long an answer may take, beyond what the server was asked to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer taken, in bytes.
const MAX_ANSWER: usize = 64 << 20;
/// Most rows of a piece of a page.
const MAX_PIECE_ROWS: usize = 500;
/// Bytes of rows after which a piece of a page ends.
const MAX_PIECE_BYTES: usize = 64 << 10;

/// The answer to a request for a page, whose rows are read with [`Self::next_piece`].
#[derive(Debug)]
pub struct PageAnswer {
    body: String,
    /// What was not read yet.
    rest: Range<usize>,
    next: NextCursor,
    path: String,
    server_time: Option<Timestamp>,
    intake: Arc<Intake>,
    rows: usize,
    /// A hash of the rows of the earlier pieces.
    earlier: u64,
    /// The last notice of the earlier pieces.
    last: Option<Notice>,
}

/// Rows of a page.
#[derive(Debug)]
pub enum PagePiece {
    /// Others follow: notices, and what cannot be used.
    Rows(Vec<Notice>, Vec<Write>),
    /// The last ones.
    Last(Page, Vec<Write>),
}

impl PageAnswer {
    /// The next rows, until [`PagePiece::Last`].
    pub fn next_piece(&mut self) -> PagePiece {
        let (mut notices, mut unusable) = (Vec::new(), Vec::new());
        let (now, start, mut count) = (clock::now().wall, self.rest.start, 0);
        while count < MAX_PIECE_ROWS
            && self.rest.start - start < MAX_PIECE_BYTES
            && let Some(row) = envelope::next_row(&self.body, &mut self.rest)
        {
            let message = self.intake.row(row, &self.path, now);
            notices.extend(message.notices);
            unusable.extend(message.rejected);
            count += 1;
        }
        self.rows += count;
        if !envelope::is_at_end(&self.body, &self.rest) {
            let mut hasher = DefaultHasher::new();
            (self.earlier, self.body.get(start..self.rest.start)).hash(&mut hasher);
            self.earlier = hasher.finish();
            self.last = notices.last().cloned().or(self.last.take());
            return PagePiece::Rows(notices, unusable);
        }
        if notices.is_empty() {
            // The last notice of a page tells how to go on; what is known is not stored again.
            notices.extend(self.last.take());
        }
        let next = std::mem::replace(&mut self.next, NextCursor::Null);
        let page = Page { rows: self.rows, notices, next, server_time: self.server_time, earlier: self.earlier };
        PagePiece::Last(page, unusable)
    }
}

/// Largest answer to a refused call that is read for the server's words, in bytes.
const MAX_REFUSAL: usize = 64 * 1024;
/// Largest answer read after a button, in bytes.
const MAX_ACTION_ANSWER: usize = 64 << 10;

/// The API of one account.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    identity: Arc<Identity>,
    intake: Arc<Intake>,
}

/// A message to send through the API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Its title.
    pub title: String,
    /// Its text.
    pub content: String,
    /// The server's type.
    pub kind: String,
    /// User ids; empty for everybody online now.
    pub receivers: Vec<String>,
}

/// Which messages of the server's record; every filter that is set has to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageQuery {
    /// The server's word for delivered or not.
    pub status: Option<String>,
    /// A user id, or the own login.
    pub sender: Option<String>,
    /// A user id, or the own login.
    pub receiver: Option<String>,
    /// The server's type.
    pub kind: Option<String>,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Inclusive.
    pub to: Option<Timestamp>,
    /// Counted from 1.
    pub page: u32,
}

impl Api {
    /// The API that these settings name.
    pub fn new(client: Client, identity: Arc<Identity>, intake: Arc<Intake>) -> Self {
        Self { client, identity, intake }
    }

    /// Asks for a page.
    ///
    /// # Errors
    /// [`Failure`]: the network, the HTTP status, or an answer that cannot be read.
    pub async fn page(&self, token: &SecretString, request: &PageRequest) -> Result<PageAnswer, Failure> {
        let api = &self.identity.settings.api;
        let mut wait = Duration::ZERO;
        let (key, path, arguments) = match request {
            PageRequest::Collect { after, wait: long } => {
                let mut arguments = Map::new();
                arguments.insert("after".to_owned(), after.clone().map_or(Value::Null, Value::String));
                arguments.insert("limit".to_owned(), api.page.into());
                if *long {
                    wait = api.wait;
                    arguments.insert("wait".to_owned(), wait.as_secs().into());
                }
                ("api.collect", &api.collect, arguments)
            }
            PageRequest::History { page } => {
                let mut arguments = Map::new();
                arguments.insert("pageNum".to_owned(), (*page).into());
                arguments.insert("pageSize".to_owned(), api.page.into());
                ("api.history", &api.history, arguments)
            }
        };
        let answer = self.call(token, (key, path), arguments, wait).await?;
        let page = envelope::read(&answer.body, &api.items, &api.cursor).map_err(|error| answer.unreadable(error))?;
        let body = String::from_utf8(answer.body)
            .map_err(|error| unreadable(PageError::NotJson(error.utf8_error().to_string())))?;
        Ok(PageAnswer {
            body,
            rest: page.rows,
            next: page.next,
            path: path.clone(),
            server_time: answer.server_time,
            intake: Arc::clone(&self.intake),
            rows: 0,
            earlier: 0,
            last: None,
        })
    }

    /// Sends a message; returns its id if the answer has one.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn send(&self, token: &SecretString, message: &Outgoing) -> Result<Option<String>, Failure> {
        let mut arguments = Map::new();
        arguments.insert("title".to_owned(), message.title.as_str().into());
        arguments.insert("content".to_owned(), message.content.as_str().into());
        arguments.insert("type".to_owned(), kind_value(&message.kind));
        if !message.receivers.is_empty() {
            arguments.insert("receiver".to_owned(), self.receivers(token, &message.receivers).await);
        }
        let answer =
            self.call(token, ("api.send", &self.identity.settings.api.send), arguments, Duration::ZERO).await?;
        answer.check()?;
        let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let id = document.pointer("/data/id").or_else(|| document.pointer("/id"));
        Ok(id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)))
    }

    /// Receivers as the server knows them: this account by its user id, which is looked for among
    /// those who are signed in if it is not known yet. Others as the caller names them.
    async fn receivers(&self, token: &SecretString, receivers: &[String]) -> Value {
        let own = self.identity.account.login();
        let is_own = |receiver: &String| !own.is_empty() && receiver == own;
        let may_ask = !self.identity.settings.api.clients.is_empty();
        if receivers.iter().any(is_own) && self.identity.user_id().is_none() && may_ask {
            // A server without this call knows people by their logins.
            if let Err(failure) = self.clients(token).await {
                tracing::debug!(reason = failure.reason(), "the own user id is not known");
            }
        }
        let id = self.identity.user_id();
        let address = |receiver: &String| match &id {
            Some(id) if is_own(receiver) => id.clone(),
            _ => Value::from(receiver.as_str()),
        };
        receivers.iter().map(address).collect()
    }

    /// Deletes a message on the server, for every receiver.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn delete(&self, token: &SecretString, id: &str) -> Result<(), Failure> {
        let arguments = Map::from_iter([("id".to_owned(), Value::from(id))]);
        let answer =
            self.call(token, ("api.delete", &self.identity.settings.api.delete), arguments, Duration::ZERO).await?;
        answer.check()
    }

    /// Who is signed in: the server's array of objects, as it is.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn clients(&self, token: &SecretString) -> Result<Vec<Value>, Failure> {
        let answer =
            self.call(token, ("api.clients", &self.identity.settings.api.clients), Map::new(), Duration::ZERO).await?;
        let rows = rows(&answer, &self.identity.settings.api.items)?;
        self.identity.handle_clients(&rows);
        Ok(rows)
    }

    /// A page of the server's record of messages, newest first.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn messages(&self, token: &SecretString, query: &MessageQuery) -> Result<Vec<Value>, Failure> {
        let api = &self.identity.settings.api;
        let people = [("sender", &query.sender), ("receiver", &query.receiver)];
        let mut arguments = Map::new();
        for (name, person) in people.into_iter().filter_map(|(name, person)| Some((name, person.as_ref()?))) {
            let addressed = self.receivers(token, std::slice::from_ref(person)).await;
            arguments.extend(addressed.as_array().and_then(|one| Some((name.to_owned(), one.first()?.clone()))));
        }
        let time = |at: Option<Timestamp>| at.map(|at| Value::from(at.to_string()));
        let filters = [
            ("pageNum", Some(query.page.into())),
            ("pageSize", Some(api.page.into())),
            ("status", query.status.as_deref().map(Value::from)),
            ("type", query.kind.as_deref().map(kind_value)),
            ("from", time(query.from)),
            ("to", time(query.to)),
        ];
        arguments.extend(filters.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        let answer = self.call(token, ("api.history", &api.history), arguments, Duration::ZERO).await?;
        rows(&answer, &api.items)
    }

    /// Sends the request of a button: a POST with the sign-in to a URL that
    /// [`belfry_core::settings::action_url::decide`] has allowed. Redirects are not followed.
    ///
    /// # Errors
    /// [`Failure`]: 401, or there is no answer. After [`Fault::TimedOut`] and [`Fault::Broken`] it
    /// is not known whether the server has carried it out; after any other, nothing was done.
    pub async fn act(&self, token: &SecretString, call: &ActionCall) -> Result<ActionAnswer, Failure> {
        let url = &call.url;
        self.identity
            .settings
            .network
            .is_allowed(url)
            .map_err(|refusal| Failure::new(Fault::Insecure, refusal.place()))?;
        let headers = auth::http_headers(&self.identity, token)?;
        let sent = self
            .client
            .post(url.clone())
            .json(&serde_json::json!({ "id": call.id, "action": call.action }))
            .headers(headers)
            .header(header::ACCEPT, "application/json")
            .header("Idempotency-Key", call.idempotency_key.as_str())
            .timeout(ANSWER_TIMEOUT)
            .send()
            .await;
        let response = sent.map_err(|error| {
            let is_sent = !error.is_connect();
            let failure = http::failure(error, url);
            if failure.fault == Fault::Unreachable && is_sent {
                // The connection was there, so the request may have arrived.
                Failure::new(Fault::Broken, failure.detail)
            } else if failure.fault == Fault::TimedOut && !is_sent {
                Failure::new(Fault::Unreachable, failure.detail)
            } else {
                failure
            }
        })?;
        let status = response.status();
        let failure = http::status_failure(status, response.headers(), url);
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(failure);
        }
        // The status says what came of it, also where the rest of the answer is lost.
        let body = http::read_body(response, MAX_ACTION_ANSWER, url).await.ok().flatten().unwrap_or_default();
        let answer = ActionAnswer::of(status.as_u16(), &body);
        if status == StatusCode::UNAUTHORIZED { Err(Failure { detail: answer.detail, ..failure }) } else { Ok(answer) }
    }

    async fn call(
        &self,
        token: &SecretString,
        (key, path): (&str, &str),
        mut arguments: Map<String, Value>,
        wait: Duration,
    ) -> Result<Answer, Failure> {
        let Identity { settings, account, device, .. } = &*self.identity;
        self.name_device(&mut arguments);
        let url = settings
            .api
            .url_of(path, account.login(), device.as_str())
            .map_err(|error| Failure::new(Fault::Settings, format!("[api]: {error}")))?
            .ok_or_else(|| {
                let missing = if settings.api.base.is_none() { "api.base" } else { key };
                Failure::new(Fault::Settings, format!("{missing} is not set"))
            })?;
        self.request(token, (key, url), settings.api.method, arguments, wait).await
    }

    /// Adds what every call says of the client.
    fn name_device(&self, arguments: &mut Map<String, Value>) {
        arguments.insert("device".to_owned(), self.identity.device.as_str().into());
        if !self.identity.device_name.is_empty() {
            arguments.insert("deviceName".to_owned(), self.identity.device_name.as_str().into());
        }
    }

    async fn request(
        &self,
        token: &SecretString,
        (key, url): (&str, Url),
        method: ApiMethod,
        arguments: Map<String, Value>,
        wait: Duration,
    ) -> Result<Answer, Failure> {
        let settings = &self.identity.settings;
        settings.network.is_allowed(&url).map_err(|refusal| Failure::new(Fault::Insecure, refusal.place()))?;
        let headers = auth::http_headers(&self.identity, token)?;
        let redaction = Redaction::new(token);
        let request = match method {
            ApiMethod::Post => self.client.post(url.clone()).json(&arguments),
            ApiMethod::Get => {
                let mut with_query = url.clone();
                for (name, value) in &arguments {
                    if !value.is_null() {
                        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                        with_query.query_pairs_mut().append_pair(name, &text);
                    }
                }
                self.client.get(with_query)
            }
        };
        let response = request
            .headers(headers)
            .header(header::ACCEPT, "application/json")
            .timeout(wait + ANSWER_TIMEOUT)
            .send()
            .await
            .map_err(|error| http::failure(error, &url))?;
        if !response.status().is_success() {
            return Err(redaction.failure(refused_call(response, key, &url).await));
        }
        let server_time = http::server_time(response.headers());
        let body = http::read_body(response, MAX_ANSWER, &url).await?;
        let body = body.ok_or_else(|| Failure::new(Fault::BadAnswer, "the answer is too large: lower api.page"))?;
        Ok(Answer { body, server_time, redaction })
    }
}

/// The type of a message: a number where it is one.
fn kind_value(kind: &str) -> Value {
    kind.parse::<i64>().ok().filter(|number| number.to_string() == kind).map_or_else(|| kind.into(), Value::from)
}

struct Answer {
    body: Vec<u8>,
    server_time: Option<Timestamp>,
    redaction: Redaction,
}

impl Answer {
    /// The failure for an answer that cannot be used; it may hold the API's own words.
    fn unreadable(&self, error: PageError) -> Failure {
        self.redaction.failure(unreadable(error))
    }

    /// Whether the call succeeded.
    fn check(&self) -> Result<(), Failure> {
        envelope::check(&self.body).map_err(|error| self.unreadable(error))
    }
}

/// The failure for a status other than success, with the API's own words and the setting that
/// names the call.
async fn refused_call(response: Response, key: &str, url: &Url) -> Failure {
    let mut failure = http::status_failure(response.status(), response.headers(), url);
    // What a server could not use in this one call says nothing about the address.
    if matches!(failure.fault, Fault::Status(400 | 409 | 413 | 415 | 422)) {
        failure.fault = Fault::Declined;
    }
    // The status is enough if the words do not arrive.
    let body = http::read_body(response, MAX_REFUSAL, url).await.ok().flatten().unwrap_or_default();
    if let Some(said) = envelope::said(&body) {
        failure.detail = format!("{}: {said}", failure.detail);
    }
    if !key.is_empty() {
        failure.detail = format!("{} ({key})", failure.detail);
    }
    failure
}

fn rows(answer: &Answer, items: &Pointer) -> Result<Vec<Value>, Failure> {
    let body = &answer.body;
    let page = envelope::read(body, items, &Pointer::default()).map_err(|error| answer.unreadable(error))?;
    let unfit = |error: &dyn std::fmt::Display| Failure::new(Fault::BadAnswer, error.to_string());
    let text = std::str::from_utf8(body).map_err(|error| unfit(&error))?;
    let mut rest = page.rows;
    std::iter::from_fn(|| envelope::next_row(text, &mut rest))
        .map(|row| serde_json::from_str(row.get()).map_err(|error| unfit(&error)))
        .collect()
}

fn unreadable(error: PageError) -> Failure {
    match error {
        PageError::Status(status) => Failure::new(Fault::Status(status), format!("code {status}")),
        PageError::Failed(why) | PageError::Unavailable(why) => Failure::new(Fault::Declined, why),
        PageError::NotJson(why) => Failure::new(Fault::BadAnswer, why),
        PageError::NoItems => Failure::new(Fault::BadAnswer, "api.items"),
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::settings::Settings;
    use jiff::tz::TimeZone;

    use super::*;

    /// The ids of the notices of each piece, how many cannot be used, and the page as its last piece
    /// says it.
    fn pieces(body: &str) -> (Vec<Vec<String>>, usize, Page) {
        let page = envelope::read(body.as_bytes(), &Pointer::default(), &Pointer::default()).unwrap();
        let mut answer = PageAnswer {
            body: body.to_owned(),
            rest: page.rows,
            next: page.next,
            path: "/collect".to_owned(),
            server_time: None,
            intake: Arc::new(Intake::new(&Settings::default(), TimeZone::UTC)),
            rows: 0,
            earlier: 0,
            last: None,
        };
        let ids = |notices: &[Notice]| notices.iter().map(|notice| notice.key.id.clone()).collect();
        let (mut pieces, mut unusable) = (Vec::new(), 0);
        loop {
            match answer.next_piece() {
                PagePiece::Rows(notices, rejected) => {
                    pieces.push(ids(&notices));
                    unusable += rejected.len();
                }
                PagePiece::Last(page, rejected) => {
                    pieces.push(ids(&page.notices));
                    return (pieces, unusable + rejected.len(), page);
                }
            }
        }
    }

    fn body(rows: impl Iterator<Item = String>) -> String {
        format!(r#"{{"code":0,"data":[{}],"next":"n"}}"#, rows.collect::<Vec<_>>().join(" ,"))
    }

    #[test]
    fn a_page_is_read_in_pieces_of_bounded_size_and_none_of_its_rows_is_lost() {
        let row = |number: usize| format!(r#"{{"id":"{number}","title":"t"}}"#);
        let (found, unusable, page) = pieces(&body((0..1_000).map(row)));
        assert!(found.iter().all(|piece| piece.len() <= MAX_PIECE_ROWS) && found.len() == 2, "{}", found.len());
        assert_eq!(found.concat(), (0..1_000).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!((unusable, page.rows, page.next), (0, 1_000, NextCursor::Cursor("n".to_owned())));
        let long = |number: usize| format!(r#"{{"id":"{number}","title":"{}"}}"#, "t".repeat(MAX_PIECE_BYTES / 2));
        let (found, _, page) = pieces(&body((0..5).map(long)));
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(page.rows, 5);
        let (found, _, page) = pieces("[]");
        assert_eq!((found, page.rows, page.earlier), (vec![Vec::<String>::new()], 0, 0));
    }

    #[test]
    fn the_last_piece_has_a_notice_if_the_page_has_one_and_says_whether_the_page_is_the_same() {
        let mixed = |first: &str| {
            let row =
                |number: usize| if number < 300 { format!(r#"{{"id":"{first}{number}"}}"#) } else { "{}".to_owned() };
            pieces(&body((0..1_000).map(row))).2
        };
        let (page, other) = (mixed("a"), mixed("b"));
        assert_eq!(page.notices.len(), 1, "{page:?}");
        assert_eq!(page.notices[0].key.id, "a299");
        assert!(page == mixed("a") && page.earlier != other.earlier);
    }
}
