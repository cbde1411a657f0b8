//! SockJS at `/sockjs`, as Spring's clients use it: the greeting, `/info`, and the WebSocket
//! transport.
//!
//! `/sockjs/websocket` carries STOMP unframed, like `/ws`. `/sockjs/{server}/{session}/websocket`
//! wraps it: `o` opens, `a["…"]` carries a piece of text, `h` keeps the connection alive,
//! `c[3000,"Go away!"]` comes before the close; the client sends `["…"]`. Deliberately absent: the
//! XHR, event-source and JSONP transports. A SockJS frame is text: bytes of a body that are not
//! UTF-8 arrive replaced, as they do from Spring.

pub(crate) mod framing;

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::answer::ApiError;
use crate::hub::Hub;
use crate::session::{self, Framing};

pub(crate) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/sockjs", get(async || "Welcome to SockJS!\n"))
        .route("/sockjs/info", get(info))
        .route("/sockjs/websocket", get(session::upgrade))
        .route("/sockjs/{server}/{session}/websocket", get(framed))
}

async fn info() -> Response {
    let info = json!({
        "websocket": true,
        "cookie_needed": false,
        "origins": ["*:*"],
        // A random number of 32 bits, for clients without a source of their own.
        "entropy": rand::random::<u32>(),
    });
    ([(header::CACHE_CONTROL, "no-store, no-cache, must-revalidate, max-age=0")], Json(info)).into_response()
}

/// `{server}` and `{session}` are the client's choice and mean nothing here; a dot in them is
/// refused as SockJS demands.
async fn framed(
    State(hub): State<Arc<Hub>>,
    Path((server, session)): Path<(String, String)>,
    socket: WebSocketUpgrade,
) -> Response {
    if server.contains('.') || session.contains('.') {
        return ApiError::new(StatusCode::NOT_FOUND, "a SockJS server or session id has no dot").into_response();
    }
    session::start(hub, socket, Framing::SockJs)
}
