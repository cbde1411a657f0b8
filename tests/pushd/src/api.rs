//! The message service's HTTP API under `/ecgapi/api/message`.
//!
//! All calls are POST with a JSON body and speak for the token's owner. Cursor and delivery rules are the records';
//! here is only the waiting of a long poll.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::answer::{Answer, ApiError, Body};
use crate::auth::Caller;
use crate::hub::{Hub, Online};
use crate::records::{Collect, Deleted, Draft, HistoryPage, HistoryQuery, PAGE_DEFAULT, PAGE_LIMIT, Served};
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
    receiver: Option<Vec<String>>,
    #[serde(flatten)]
    draft: Draft,
}

async fn send_message(
    State(hub): State<Arc<Hub>>,
    Caller(caller): Caller,
    Body(request): Body<SendMessage>,
) -> Result<Answer<Value>, ApiError> {
    let id = hub.send(&caller, request.draft, request.receiver)?;
    Ok(Answer(json!({ "id": id })))
}

#[derive(Deserialize)]
struct CollectMessage {
    after: Option<String>,
    limit: Option<u32>,
    #[serde(default)]
    device: String,
    /// Seconds to hold the request while there is nothing.
    #[serde(default)]
    wait: f64,
}

async fn collect_message(
    State(hub): State<Arc<Hub>>,
    Caller(caller): Caller,
    Body(request): Body<CollectMessage>,
) -> Result<Answer<Value>, ApiError> {
    let mut grown = hub.grown.subscribe();
    let mut stopping = hub.stop_signal();
    let wait = Duration::from_secs_f64(request.wait.clamp(0.0, MAX_WAIT));
    let held = async {
        loop {
            grown.mark_unchanged();
            let page = page(&hub, &caller, &request)?;
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

fn page(hub: &Hub, caller: &str, request: &CollectMessage) -> Result<Vec<Served>, StoreError> {
    let mut state = hub.lock();
    let after = request.after.as_deref().and_then(|cursor| state.store.position(cursor));
    if let Some(through) = after {
        state.store.mark_collected(caller, &request.device, through)?;
    }
    let page = state.store.collect(Collect {
        user: caller,
        device: &request.device,
        after,
        limit: request.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_LIMIT),
        only_undelivered: hub.destructive_collect,
    })?;
    if hub.destructive_collect {
        let served: Vec<_> = page.iter().map(|served| served.position).collect();
        state.store.mark_delivered(caller, &request.device, &served)?;
    }
    Ok(page)
}

async fn message_page(
    State(hub): State<Arc<Hub>>,
    Caller(caller): Caller,
    Body(query): Body<HistoryQuery>,
) -> Result<Answer<HistoryPage>, ApiError> {
    Ok(Answer(hub.lock().store.history(&caller, &query)?))
}

#[derive(Deserialize)]
struct DeleteMessage {
    id: String,
}

async fn delete_message(
    State(hub): State<Arc<Hub>>,
    Caller(caller): Caller,
    Body(request): Body<DeleteMessage>,
) -> Result<Answer<()>, ApiError> {
    match hub.lock().store.delete(&caller, &request.id)? {
        Deleted::Yes => Ok(Answer(())),
        Deleted::Unknown => Err(ApiError::new(StatusCode::NOT_FOUND, "there is no message with this id")),
        Deleted::NotYours => {
            Err(ApiError::new(StatusCode::FORBIDDEN, "only the sender or a receiver of a message may delete it"))
        }
    }
}

async fn web_socket_clients(State(hub): State<Arc<Hub>>, Caller(_): Caller) -> Answer<Vec<Online>> {
    Answer(hub.online())
}
