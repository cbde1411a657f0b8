//! The raw protocol: `/websocket/{token}`, one record as JSON in each text frame.
//!
//! The socket follows the record log of its owner: what this device has not had is sent, marked when its write is done,
//! and so on for ever. So a reconnect re-sends by itself, and nothing waits in memory for a slow client.
//! What the client sends is ignored, but for closing; a WebSocket ping every 20 s tells the living from the dead.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::answer::ApiError;
use crate::hub::Hub;
use crate::records::{Collect, PAGE_DEFAULT, Position};

const PING_EVERY: Duration = Duration::from_secs(20);
/// Nothing that comes in is of interest, so nothing large is taken in; bytes.
const MAX_INCOMING: usize = 64 * 1024;
/// Pings without any sign of life that end the connection.
const UNANSWERED_PINGS: u32 = 2;
/// Who takes nothing for so long is gone.
const WRITE_WITHIN: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
pub(crate) struct Device {
    device: Option<String>,
}

/// `GET /websocket/{token}`; the device is `?device=` or `X-Device`.
pub(crate) async fn upgrade(
    State(hub): State<Arc<Hub>>,
    Path(token): Path<String>,
    Query(query): Query<Device>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let login =
        hub.token_login(&token)?.ok_or_else(|| ApiError::unauthorized("the token is not valid: sign in again"))?;
    let header = || headers.get("x-device").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let device = query.device.or_else(header).unwrap_or_default();
    let socket = socket.max_message_size(MAX_INCOMING).max_frame_size(MAX_INCOMING);
    Ok(socket.on_upgrade(move |socket| async move { serve(&hub, &login, &device, socket).await }))
}

async fn serve(hub: &Arc<Hub>, login: &str, device: &str, mut socket: WebSocket) {
    let presence = hub.enter(login, device, None);
    tracing::info!(session = presence.session, login, device, "raw connection begins");
    follow(hub, login, device, &mut socket).await;
    tracing::info!(session = presence.session, "raw connection ends");
}

/// Sends what is new until the connection or the server ends.
async fn follow(hub: &Hub, login: &str, device: &str, socket: &mut WebSocket) {
    let mut grown = hub.grown.subscribe();
    let mut stopping = hub.stop_signal();
    let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unanswered = 0;
    let mut sent: Option<Position> = None;
    loop {
        grown.mark_unchanged();
        let query = Collect { user: login, device, after: sent, limit: PAGE_DEFAULT, only_undelivered: true };
        let page = match hub.lock().store.collect(query) {
            Ok(page) => page,
            Err(error) => return tracing::error!(%error, "a raw connection ends"),
        };
        for record in &page {
            let Ok(text) = serde_json::to_string(record) else { return };
            if !write(socket, Message::text(text)).await {
                return;
            }
            hub.mark_delivered(login, device, &[record.position]);
            sent = Some(record.position);
        }
        if !page.is_empty() {
            continue;
        }
        tokio::select! {
            _ = grown.changed() => {}
            received = socket.recv() => match received {
                // After a close comes the end, and asking for it sends our answer to the close.
                Some(Ok(_)) => unanswered = 0,
                Some(Err(_)) | None => return,
            },
            _ = ping.tick() => {
                if unanswered == UNANSWERED_PINGS || !write(socket, Message::Ping(Bytes::new())).await {
                    return;
                }
                unanswered += 1;
            }
            () = stopping.received() => {
                let reason = Utf8Bytes::from_static("the server stops");
                write(socket, Message::Close(Some(CloseFrame { code: close_code::AWAY, reason }))).await;
                return;
            }
        }
    }
}

async fn write(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(WRITE_WITHIN, socket.send(message)).await, Ok(Ok(())))
}
