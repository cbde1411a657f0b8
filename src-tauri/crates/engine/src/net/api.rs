//! The HTTP API of the message service: collect, history, delete, clients, send
//! (`docs/reference/messages.md`, "Catch-up").
//!
//! Each call returns one answer or a [`Failure`]. An answer is read up to a limit and used only if
//! it is whole. Deliberately absent: when to call and to try again, and what a page means
//! ([`belfry_core::pipeline::catchup`]).

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{Client, StatusCode, header};
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use crate::clock;
use crate::net::{auth, connection::Identity, http, intake::Intake};
use belfry_core::{
    envelope::{self, PageError},
    error::{Failure, Fault},
    foreign_text,
    pipeline::catchup::{Page, PageRequest},
    settings::ApiMethod,
    storage::{ActionOutcome, Write},
};

/// How long an answer may take, beyond what the server was asked to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer taken, in bytes.
const MAX_ANSWER: usize = 64 << 20;
/// Largest answer read after a button, in bytes.
const MAX_ACTION_ANSWER: usize = 64 << 10;
/// So much of what the server says about a button is kept, in characters.
const MAX_ACTION_WORDS: usize = 300;

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

impl Api {
    /// The API that these settings name.
    pub fn new(client: Client, identity: Arc<Identity>, intake: Arc<Intake>) -> Self {
        Self { client, identity, intake }
    }

    /// Asks for a page.
    ///
    /// # Errors
    /// [`Failure`]: the network, the HTTP status, or an answer that cannot be read.
    pub async fn page(&self, token: &SecretString, request: &PageRequest) -> Result<(Page, Vec<Write>), Failure> {
        let api = &self.identity.settings.api;
        let mut wait = Duration::ZERO;
        let (path, arguments) = match request {
            PageRequest::Collect { after, wait: long } => {
                let mut arguments = Map::new();
                arguments.insert("after".to_owned(), after.clone().map_or(Value::Null, Value::String));
                arguments.insert("limit".to_owned(), api.page.into());
                arguments.insert("device".to_owned(), self.identity.device.as_str().into());
                if *long {
                    wait = api.wait;
                    arguments.insert("wait".to_owned(), wait.as_secs().into());
                }
                (&api.collect, arguments)
            }
            PageRequest::History { page } => {
                let mut arguments = Map::new();
                arguments.insert("pageNum".to_owned(), (*page).into());
                arguments.insert("pageSize".to_owned(), api.page.into());
                (&api.history, arguments)
            }
        };
        let answer = self.call(token, path, arguments, wait).await?;
        let page = envelope::read(&answer.body, &api.items, &api.cursor).map_err(unreadable)?;
        let (notices, unusable) = self.intake.rows(&page, path, clock::now().wall);
        Ok((Page { rows: page.items.len(), notices, next: page.next, server_time: answer.server_time }, unusable))
    }

    /// Sends a message; returns its id if the answer has one.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn send(&self, token: &SecretString, message: &Outgoing) -> Result<Option<String>, Failure> {
        let mut arguments = Map::new();
        arguments.insert("title".to_owned(), message.title.as_str().into());
        arguments.insert("content".to_owned(), message.content.as_str().into());
        arguments.insert("type".to_owned(), message.kind.as_str().into());
        if !message.receivers.is_empty() {
            arguments.insert("receiver".to_owned(), message.receivers.clone().into());
        }
        let answer = self.call(token, &self.identity.settings.api.send, arguments, Duration::ZERO).await?;
        envelope::check(&answer.body).map_err(unreadable)?;
        let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let id = document.pointer("/data/id").or_else(|| document.pointer("/id"));
        Ok(id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)))
    }

    /// Deletes a message on the server, for every receiver.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn delete(&self, token: &SecretString, id: &str) -> Result<(), Failure> {
        let arguments = Map::from_iter([("id".to_owned(), Value::from(id))]);
        let answer = self.call(token, &self.identity.settings.api.delete, arguments, Duration::ZERO).await?;
        envelope::check(&answer.body).map_err(unreadable)
    }

    /// Who is signed in: the server's array of objects, as it is.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn clients(&self, token: &SecretString) -> Result<Vec<Value>, Failure> {
        let answer = self.call(token, &self.identity.settings.api.clients, Map::new(), Duration::ZERO).await?;
        rows(&answer.body, &self.identity.settings.api.items)
    }

    /// The server's record of messages, newest first: page `page`, counted from 1.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn messages(&self, token: &SecretString, page: u32) -> Result<Vec<Value>, Failure> {
        let api = &self.identity.settings.api;
        let arguments = Map::from_iter([("pageNum".to_owned(), page.into()), ("pageSize".to_owned(), api.page.into())]);
        let answer = self.call(token, &api.history, arguments, Duration::ZERO).await?;
        rows(&answer.body, &api.items)
    }

    /// Sends the request of a button: a POST with the sign-in to a URL that
    /// [`belfry_core::action_url::decide`] has allowed. Redirects are not followed.
    ///
    /// # Errors
    /// [`Failure`]: 401, or there is no answer. After [`Fault::TimedOut`] and [`Fault::Broken`] it
    /// is not known whether the server has carried it out; after any other, nothing was done.
    pub async fn act(&self, token: &SecretString, call: &ActionCall) -> Result<ActionAnswer, Failure> {
        let Identity { settings, device, .. } = &*self.identity;
        let url = &call.url;
        settings.network.is_allowed(url).map_err(|refusal| Failure::new(Fault::Insecure, refusal.place()))?;
        let headers = auth::http_headers(settings, token, device)?;
        let sent = self
            .client
            .post(url.clone())
            .json(&serde_json::json!({ "id": call.id, "action": call.action }))
            .headers(headers)
            .header(header::ACCEPT, "application/json")
            .header("Idempotency-Key", &call.idempotency_key)
            .timeout(ANSWER_TIMEOUT)
            .send()
            .await;
        let response = sent.map_err(|error| {
            let is_sent = !error.is_connect();
            let failure = http::failure(error, url);
            match failure.fault {
                // The connection was there, so the request may have arrived.
                Fault::Unreachable if is_sent => Failure::new(Fault::Broken, failure.detail),
                Fault::TimedOut if !is_sent => Failure::new(Fault::Unreachable, failure.detail),
                _ => failure,
            }
        })?;
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(http::status_failure(status, response.headers(), url));
        }
        // The status says what came of it, also where the rest of the answer is lost.
        let body = http::read_body(response, MAX_ACTION_ANSWER, url).await.ok().flatten().unwrap_or_default();
        Ok(ActionAnswer::of(status.as_u16(), &body))
    }

    async fn call(
        &self,
        token: &SecretString,
        path: &str,
        arguments: Map<String, Value>,
        wait: Duration,
    ) -> Result<Answer, Failure> {
        let Identity { settings, account, device } = &*self.identity;
        let url = settings
            .api
            .url_of(path, account.login(), device.as_str())
            .map_err(|error| Failure::new(Fault::Settings, format!("[api]: {error}")))?
            .ok_or_else(|| Failure::new(Fault::Settings, "this server has no such call: it is not set in [api]"))?;
        self.request(token, url, settings.api.method, arguments, wait).await
    }

    async fn request(
        &self,
        token: &SecretString,
        url: Url,
        method: ApiMethod,
        arguments: Map<String, Value>,
        wait: Duration,
    ) -> Result<Answer, Failure> {
        let Identity { settings, device, .. } = &*self.identity;
        settings.network.is_allowed(&url).map_err(|refusal| Failure::new(Fault::Insecure, refusal.place()))?;
        let headers = auth::http_headers(settings, token, device)?;
        let request = match method {
            ApiMethod::Post => self.client.post(url.clone()).json(&arguments),
            ApiMethod::Get => {
                let mut with_query = url.clone();
                for (name, value) in &arguments {
                    let text = match value {
                        Value::Null => continue,
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    with_query.query_pairs_mut().append_pair(name, &text);
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
            return Err(http::status_failure(response.status(), response.headers(), &url));
        }
        let server_time = http::server_time(response.headers());
        let body = http::read_body(response, MAX_ANSWER, &url).await?;
        let body = body.ok_or_else(|| Failure::new(Fault::BadAnswer, "the answer is too large: lower api.page"))?;
        Ok(Answer { body, server_time })
    }
}

/// The request of a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionCall {
    /// Where to.
    pub url: Url,
    /// The id of the notice.
    pub id: String,
    /// The id of the action.
    pub action: String,
    /// The same for each repetition.
    pub idempotency_key: String,
}

/// What the server answered to a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionAnswer {
    /// What came of it.
    pub outcome: ActionOutcome,
    /// The status and the server's words, such as `409: already decided by bob`; for what was done
    /// only the words, which may be empty. Untrusted.
    pub detail: String,
}

impl ActionAnswer {
    fn of(status: u16, body: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        let said = ["/msg", "/message", "/error", "/detail", "/error/message"]
            .into_iter()
            .filter_map(|place| document.pointer(place)?.as_str())
            .find(|text| !text.is_empty())
            .map_or_else(
                || if document.is_null() { String::from_utf8_lossy(body).into_owned() } else { String::new() },
                str::to_owned,
            );
        let said = foreign_text::one_line(&said, MAX_ACTION_WORDS);
        // An answer that is not a JSON object has no envelope: its HTTP status decides.
        let envelope = if document.is_object() { envelope::check(body) } else { Ok(()) };
        let (outcome, code) = match (status, envelope) {
            (200..=299, Ok(())) => (ActionOutcome::Done, None),
            (200..=299, Err(_)) => (ActionOutcome::Refused, code_of(&document)),
            // The server failed somewhere, perhaps after it had carried it out.
            (500..=599, _) => (ActionOutcome::Unknown, Some(status.to_string())),
            _ => (ActionOutcome::Refused, Some(status.to_string())),
        };
        let detail = match code {
            Some(code) if said.is_empty() => code,
            Some(code) => format!("{code}: {said}"),
            None => said,
        };
        Self { outcome, detail }
    }
}

/// The `code` of an envelope, as its server writes it.
fn code_of(document: &Value) -> Option<String> {
    let code = document.get("code")?;
    let text = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
    Some(foreign_text::one_line(&text, MAX_ACTION_WORDS)).filter(|text| !text.is_empty())
}

struct Answer {
    body: Vec<u8>,
    server_time: Option<Timestamp>,
}

fn rows(body: &[u8], items: &belfry_core::settings::Pointer) -> Result<Vec<Value>, Failure> {
    let page = envelope::read(body, items, &belfry_core::settings::Pointer::default()).map_err(unreadable)?;
    page.items
        .iter()
        .map(|item| serde_json::from_str(item.get()).map_err(|error| Failure::new(Fault::BadAnswer, error.to_string())))
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
    use super::*;

    #[test]
    fn an_answer_says_what_came_of_a_button() {
        use ActionOutcome::{Done, Refused, Unknown};
        for (status, body, outcome, detail) in [
            (200, "", Done, ""),
            (204, "", Done, ""),
            (200, r#"{"code":200,"msg":"approved"}"#, Done, "approved"),
            (200, "thanks\u{202e}", Done, "thanks"),
            (200, r#"{"code":409,"msg":"already decided by bob"}"#, Refused, "409: already decided by bob"),
            (200, r#"{"success":false,"message":"no"}"#, Refused, "no"),
            (302, "", Refused, "302"),
            (403, r#"{"error":"not yours"}"#, Refused, "403: not yours"),
            (409, r#"{"message":"already decided by bob"}"#, Refused, "409: already decided by bob"),
            (500, "oops", Unknown, "500: oops"),
        ] {
            let answer = ActionAnswer::of(status, body.as_bytes());
            assert_eq!((answer.outcome, answer.detail.as_str()), (outcome, detail), "{status} {body}");
        }
    }
}
