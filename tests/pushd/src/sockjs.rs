//! SockJS at `/sockjs`, as Spring's clients use it: the greeting, `/info`, and the WebSocket
//! transport.
//!
//! `/sockjs/websocket` carries STOMP unframed, like `/ws`. `/sockjs/{server}/{session}/websocket`
//! wraps it: `o` opens, `a["…"]` carries a piece of text, `h` keeps the connection alive,
//! `c[3000,"Go away!"]` comes before the close; the client sends `["…"]`. Deliberately absent: the
//! XHR, event-source and JSONP transports. A SockJS frame is text: bytes of a body that are not
//! UTF-8 arrive replaced, as they do from Spring.

use std::sync::Arc;

use axum::extract::ws::{Utf8Bytes, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::json;

use crate::answer::ApiError;
use crate::hub::Hub;
use crate::session::{self, Framing};

pub(crate) const OPEN: Utf8Bytes = Utf8Bytes::from_static("o");
pub(crate) const HEART_BEAT: Utf8Bytes = Utf8Bytes::from_static("h");
pub(crate) const CLOSE: Utf8Bytes = Utf8Bytes::from_static("c[3000,\"Go away!\"]");

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

/// One `a` frame.
pub(crate) fn frame(bytes: &[u8]) -> String {
    format!("a{}", json!([String::from_utf8_lossy(bytes)]))
}

/// What the client broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SockJS frame is a JSON array of strings, or one JSON string")]
pub(crate) struct BrokenFrame;

/// The texts in a client's message; an empty one holds none.
pub(crate) fn unframe(bytes: &Bytes) -> Result<Vec<String>, BrokenFrame> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let one = |text: String| vec![text];
    serde_json::from_slice(bytes).or_else(|_| serde_json::from_slice(bytes).map(one)).map_err(|_| BrokenFrame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_json_and_come_back_as_they_were() {
        let stomp = "MESSAGE\na:\"\\b\n\n审批\0";
        let framed = frame(stomp.as_bytes());
        assert!(framed.starts_with("a[\"MESSAGE\\n"), "{framed}");
        assert!(framed.contains("\\u0000"), "{framed}");
        assert_eq!(unframe(&Bytes::from(framed[1..].to_owned())).unwrap(), [stomp]);
        assert_eq!(frame(b"\xff"), "a[\"\u{fffd}\"]");
    }

    #[test]
    fn a_client_sends_strings_alone_or_in_an_array() {
        let of = |text: &'static str| unframe(&Bytes::from_static(text.as_bytes()));
        assert_eq!(of("[\"a\",\"b\"]").unwrap(), ["a", "b"]);
        assert_eq!(of("\"a\"").unwrap(), ["a"]);
        assert_eq!((of("").unwrap(), of("[]").unwrap()), (vec![], vec![]));
        for broken in ["CONNECT\n\n\0", "[1]", "{}", "[\"a\""] {
            assert_eq!(of(broken), Err(BrokenFrame), "{broken}");
        }
    }
}
