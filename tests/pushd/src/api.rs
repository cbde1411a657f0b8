//! The message service's HTTP API under `/ecgapi/api/message`.
//!
//! All calls are POST with a JSON body and speak for the token's owner. Cursor and delivery rules
//! are the records'; here is only the waiting of a long poll.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::answer::{Answer, ApiError};
use crate::auth::Call;
use crate::hub::{Hub, Online, Person};
use crate::records::{Collect, Deleted, Draft, HistoryPage, HistoryQuery, PAGE_DEFAULT, PAGE_LIMIT, Served, Status};
use crate::store::StoreError;

/// The longest a long poll is held, in seconds, whatever is asked for.
const MAX_WAIT: f64 = 300.0;

pub(crate) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/sendMessage", post(send_message))
        .route("/collectMessage", post(collect_message))
        .route("/getMessagePage", post(message_page))
        .route("/deleteMessageById", post(delete_message))
        .route("/getWebSocketClients", post(web_socket_clients))
}

#[derive(Deserialize)]
struct SendMessage {
    receiver: Option<Vec<Person>>,
    #[serde(flatten)]
    draft: Draft,
}

async fn send_message(
    State(hub): State<Arc<Hub>>,
    Call { caller, body, .. }: Call<SendMessage>,
) -> Result<Answer<Value>, ApiError> {
    let receivers = body.receiver.map(|people| logins(&hub, &people)).transpose()?;
    let id = hub.send(&caller, body.draft, receivers)?;
    Ok(Answer(json!({ "id": id })))
}

/// The logins of these people, each once.
fn logins(hub: &Hub, people: &[Person]) -> Result<Vec<String>, ApiError> {
    let wrong = |why: String| ApiError::new(StatusCode::BAD_REQUEST, why);
    if people.is_empty() {
        return Err(wrong("receiver is empty: name a person, or leave it out to reach everybody online".to_owned()));
    }
    let mut logins: Vec<String> = Vec::new();
    for person in people {
        let unknown = || match person {
            Person::Id(id) => wrong(format!("receiver {id} is not known here")),
            Person::Text(text) => wrong(format!("receiver {text:?} is not known here")),
        };
        let login = hub.login_of(person).ok_or_else(unknown)?;
        if !logins.iter().any(|known| known == login) {
            logins.push(login.to_owned());
        }
    }
    Ok(logins)
}

#[derive(Deserialize)]
struct CollectMessage {
    after: Option<String>,
    limit: Option<u32>,
    /// Seconds to hold the request while there is nothing.
    #[serde(default)]
    wait: f64,
}

async fn collect_message(
    State(hub): State<Arc<Hub>>,
    Call { caller, device, body: request }: Call<CollectMessage>,
) -> Result<Answer<Value>, ApiError> {
    let mut grown = hub.grown.subscribe();
    let mut stopping = hub.stop_signal();
    let wait = Duration::from_secs_f64(request.wait.clamp(0.0, MAX_WAIT));
    let held = async {
        loop {
            grown.mark_unchanged();
            let page = page(&hub, &caller, &device.id, &request)?;
            if !page.is_empty() {
                return Ok::<_, StoreError>(page);
            }
            tokio::select! {
                _ = grown.changed() => {}
                () = stopping.received() => return Ok(page),
            }
        }
    };
    // The first look comes before the first wait, so that no wait is one look.
    let records = timeout(wait, held).await.unwrap_or_else(|_| Ok(Vec::new()))?;
    let next = records.last().map(|last| hub.lock().store.cursor(last.position));
    Ok(Answer(json!({ "records": records, "next": next })))
}

fn page(hub: &Hub, caller: &str, device: &str, request: &CollectMessage) -> Result<Vec<Served>, StoreError> {
    let mut state = hub.lock();
    let after = request.after.as_deref().and_then(|cursor| state.store.position(cursor));
    if let Some(through) = after {
        state.store.mark_collected(caller, device, through)?;
    }
    let page = state.store.collect(Collect {
        user: caller,
        device,
        after,
        limit: request.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_LIMIT),
        only_undelivered: hub.rules.destructive_collect,
    })?;
    if hub.rules.destructive_collect {
        let served: Vec<_> = page.iter().map(|served| served.position).collect();
        state.store.mark_delivered(caller, device, &served)?;
    }
    Ok(page)
}

/// Filters of `getMessagePage`. An unknown sender or receiver fits nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessagePage {
    page_num: Option<u32>,
    page_size: Option<u32>,
    status: Option<Status>,
    sender: Option<Person>,
    receiver: Option<Person>,
    /// A string or a number.
    #[serde(rename = "type")]
    kind: Option<Value>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

async fn message_page(
    State(hub): State<Arc<Hub>>,
    Call { caller, device, body }: Call<MessagePage>,
) -> Result<Answer<HistoryPage>, ApiError> {
    let login = |person: Person| match (hub.login_of(&person), person) {
        (Some(login), _) => login.to_owned(),
        // It may be the login of a person whose account is gone.
        (None, Person::Text(text)) => text,
        (None, Person::Id(_)) => String::new(),
    };
    let kind = match body.kind {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(_) => return Err(ApiError::new(StatusCode::BAD_REQUEST, "type has to be a string or a number")),
    };
    let query = HistoryQuery {
        page_num: body.page_num,
        page_size: body.page_size,
        status: body.status,
        sender: body.sender.map(login),
        receiver: body.receiver.map(login),
        kind,
        from: body.from,
        to: body.to,
    };
    Ok(Answer(hub.lock().store.history(&caller, &device.id, &query)?))
}

#[derive(Deserialize)]
struct DeleteMessage {
    id: String,
}

async fn delete_message(
    State(hub): State<Arc<Hub>>,
    Call { caller, body, .. }: Call<DeleteMessage>,
) -> Result<Answer<()>, ApiError> {
    match hub.lock().store.delete(&caller, &body.id)? {
        Deleted::Yes => Ok(Answer(())),
        Deleted::Unknown => Err(ApiError::new(StatusCode::NOT_FOUND, "there is no message with this id")),
        Deleted::NotYours => {
            Err(ApiError::new(StatusCode::FORBIDDEN, "only the sender or a receiver of a message may delete it"))
        }
    }
}

async fn web_socket_clients(State(hub): State<Arc<Hub>>, _: Call<Value>) -> Answer<Vec<Online>> {
    Answer(hub.online())
}
