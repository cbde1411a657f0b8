//! The raw protocol: `/websocket/{token}`, one record as JSON in each text frame.
//!
//! The socket follows the record log of its owner: what this device has not had is sent, marked
//! when its write is done, and so on until the connection ends. So a reconnect re-sends by itself,
//! and nothing waits in memory for a slow client. What the client sends is ignored, but for
//! closing; WebSocket pings every 20 s show whether it is still there. The connection ends with the
//! token it was opened with.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use crate::answer::ApiError;
use crate::device::Device;
use crate::hub::Hub;
use crate::records::{Collect, PAGE_DEFAULT, Position};

const PING_EVERY: Duration = Duration::from_secs(20);
/// Nothing that comes in is of interest, so nothing large is taken in; bytes.
const MAX_INCOMING: usize = 64 * 1024;
/// Pings without any sign of life that end the connection.
const UNANSWERED_PINGS: u32 = 2;
/// A client that takes nothing for so long is gone.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// How long a client may take to answer our close.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// Longer than any token is good; a longer timer is not possible.
const FAR_AWAY: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// `GET /websocket/{token}`; the token is checked before anything else is. The device is `?device=&deviceName=`, or `X-Device` and
/// `X-Device-Name`.
pub(crate) async fn upgrade(
    State(hub): State<Arc<Hub>>,
    Path(token): Path<String>,
    Query(Device { id, name }): Query<Device>,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let owner = hub.token_owner(&token)?;
    let (login, left) = owner.ok_or_else(|| ApiError::unauthorized("the token is not valid: sign in again"))?;
    let socket = match socket {
        Ok(socket) => socket,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let device = Device::new(id, name).or(Device::of_headers(&headers));
    let socket = socket.max_message_size(MAX_INCOMING).max_frame_size(MAX_INCOMING);
    Ok(socket.on_upgrade(move |socket| async move { serve(&hub, &login, &device, left, socket).await }))
}

async fn serve(hub: &Arc<Hub>, login: &str, device: &Device, left: Duration, mut socket: WebSocket) {
    let presence = hub.enter(login, device, None);
    tracing::info!(session = presence.session, login, device = device.id, "raw connection begins");
    follow(hub, login, &device.id, left, &mut socket).await;
    tracing::info!(session = presence.session, "raw connection ends");
}

/// Sends what is new until the connection, the token or the server ends.
async fn follow(hub: &Hub, login: &str, device: &str, left: Duration, socket: &mut WebSocket) {
    let expired = sleep(left.min(FAR_AWAY));
    tokio::pin!(expired);
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
            () = stopping.received() => return close(socket, close_code::AWAY, "the server stops").await,
            () = &mut expired => {
                return close(socket, close_code::POLICY, "the token has expired: sign in again").await;
            }
        }
    }
}

/// Closes, and waits a moment for the client's close, so that the last frame is not cut off.
async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    // If this cannot be sent, the client is gone.
    let _ = timeout(CLOSE_WITHIN, async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    })
    .await;
}

async fn write(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(WRITE_WITHIN, socket.send(message)).await, Ok(Ok(())))
}
