//! One STOMP session over a WebSocket: `/ws`, and through SockJS `/sockjs/…` (see `sockjs`).
//!
//! One task owns the socket and does everything in turn: client frames, deliveries, heart-beats
//! both ways, the end. A violation is answered with ERROR and the end of the session, as the
//! specification demands. Invariant: a message counts as done when the client acknowledged it or,
//! for `ack:auto`, when its write is finished; however the session ends, the rest goes back to the
//! broker.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message as WsMessage, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use bytes::Bytes;
use stomp::{Command, Decoded, Decoder, Encoder, Frame, HEART_BEAT, Limits, Version};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, sleep_until, timeout};

use crate::MAX_MESSAGE;
use crate::broker::{AckMode, BrokerError, Delivery, SessionId};
use crate::hub::Hub;
use crate::request::{Connect, HEART_BEAT_MS, Request, message_id};
use crate::sockjs::framing;

/// How long a client may take to send CONNECT.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A client that takes nothing for so long is gone; until then messages wait in memory.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// How long a client may take to answer our close.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// Missed heart-beats that end the session.
const SILENT_BEATS: u32 = 3;

/// Why a session ended.
enum End {
    /// The socket is closed or broken: nothing more can be sent.
    Gone,
    /// DISCONNECT, with its receipt.
    Asked(Option<String>),
    /// The server stops.
    Stopping,
    /// The client broke a rule or failed to sign in; `receipt` of the frame in question.
    Refused { why: String, receipt: Option<String> },
}

impl End {
    fn refused(why: impl ToString) -> Self {
        Self::Refused { why: why.to_string(), receipt: None }
    }
}

/// How WebSocket messages carry the stream of STOMP bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As they are.
    Plain,
    /// In SockJS frames.
    SockJs,
}

/// `GET /ws`, and `GET /sockjs/websocket`, which is the same.
pub(crate) async fn upgrade(State(hub): State<Arc<Hub>>, socket: WebSocketUpgrade) -> Response {
    start(hub, socket, Framing::Plain)
}

/// Answers the handshake and runs a session on the socket.
pub(crate) fn start(hub: Arc<Hub>, socket: WebSocketUpgrade, framing: Framing) -> Response {
    socket.protocols(["v12.stomp", "v11.stomp"]).max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE).on_upgrade(
        move |socket| async move {
            let limits = Limits { max_body: MAX_MESSAGE, ..Limits::default() };
            let mut wire = Wire {
                socket,
                framing,
                decoder: Decoder::new(limits, Version::V1_2),
                encoder: Encoder::new(Version::V1_2),
                last_sent: Instant::now(),
                last_received: Instant::now(),
            };
            let end = serve(&hub, &mut wire).await;
            wire.finish(end).await;
        },
    )
}

/// Runs the session. When this returns, the client is off the list and what it had in flight is
/// given back.
async fn serve(hub: &Arc<Hub>, wire: &mut Wire) -> End {
    let mut stopping = hub.stop_signal();
    if wire.framing == Framing::SockJs
        && let Err(end) = wire.write_message(WsMessage::Text(framing::OPEN)).await
    {
        return end;
    }
    let connected = tokio::select! {
        connected = timeout(CONNECT_WITHIN, connect(hub, wire)) => connected,
        () = stopping.received() => return End::Stopping,
    };
    let (SignedIn { login, expires }, connect) = match connected {
        Err(_) => return End::refused("no CONNECT in time"),
        Ok(Err(end)) => return end,
        Ok(Ok(connected)) => connected,
    };
    let (outbox, mut deliveries) = unbounded_channel();
    let presence = hub.enter(&login, &connect.device, Some(outbox));
    let session = Session { hub, login, device: connect.device.id, id: presence.session, version: connect.version };
    let connected = [
        ("version", connect.version.as_str().to_owned()),
        ("session", session.id.to_string()),
        ("server", concat!("belfry-pushd/", env!("CARGO_PKG_VERSION")).to_owned()),
        ("user-name", session.login.clone()),
        ("heart-beat", format!("{HEART_BEAT_MS},{HEART_BEAT_MS}")),
    ];
    if let Err(end) = wire.send(Command::Connected, &connected, b"").await {
        return end;
    }
    tracing::info!(session = session.id, login = session.login, device = session.device, "stomp session begins");
    loop {
        let beat_due = connect.send_every.map(|every| wire.last_sent + every);
        let silent_at = connect.expect_every.map(|every| wire.last_received + every * SILENT_BEATS);
        let sockjs_beat_due = (wire.framing == Framing::SockJs).then(|| wire.last_sent + hub.rules.sockjs_heart_beat);
        let done = tokio::select! {
            biased;
            () = stopping.received() => Err(End::Stopping),
            // Before the silence: after a slow write, the client's beats are waiting to be read.
            received = wire.receive() => match received {
                Ok(()) => session.handle_received(wire).await,
                Err(end) => Err(end),
            },
            () = at(silent_at) => Err(End::refused("the heart-beats have stopped")),
            () = at(expires) => Err(End::refused("the token has expired: sign in again")),
            Some(delivery) = deliveries.recv() => session.deliver(wire, delivery).await,
            () = at(beat_due) => wire.write(Bytes::from_static(HEART_BEAT)).await,
            () = at(sockjs_beat_due) => wire.write_message(WsMessage::Text(framing::HEART_BEAT)).await,
        };
        if let Err(end) = done {
            tracing::info!(session = session.id, "stomp session ends");
            return end;
        }
    }
}

/// Waits for `due`; without one it never returns.
async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Who has signed in, and when the token expires that was used for it.
struct SignedIn {
    login: String,
    expires: Option<Instant>,
}

/// Waits for CONNECT and checks it.
async fn connect(hub: &Hub, wire: &mut Wire) -> Result<(SignedIn, Connect), End> {
    let frame = loop {
        match wire.next_frame()? {
            Some(frame) => break frame,
            None => wire.receive().await?,
        }
    };
    let connect = Connect::read(&frame).map_err(End::refused)?;
    wire.decoder.set_version(connect.version);
    wire.encoder.version = connect.version;
    let refused = || End::refused("login, password or token is wrong");
    let failed = |_| End::refused("the server could not check the sign-in: try again");
    let owner = hub.token_owner(&connect.secret).map_err(failed)?;
    let with_token = |login, left| SignedIn { login, expires: Instant::now().checked_add(left) };
    let signed_in = match (&connect.login, owner) {
        (None, Some((owner, left))) => with_token(owner, left),
        (Some(login), Some((owner, left))) if *login == owner => with_token(owner, left),
        (Some(login), None) if hub.is_password(login, &connect.secret) => {
            SignedIn { login: login.clone(), expires: None }
        }
        _ => return Err(refused()),
    };
    Ok((signed_in, connect))
}

struct Session<'a> {
    hub: &'a Hub,
    login: String,
    /// Its id.
    device: String,
    id: SessionId,
    version: Version,
}

impl Session<'_> {
    /// Handles every whole frame that has arrived.
    async fn handle_received(&self, wire: &mut Wire) -> Result<(), End> {
        while let Some(frame) = wire.next_frame()? {
            let receipt = frame.header("receipt").map(String::from);
            let refused = |why: String| End::Refused { why, receipt: receipt.clone() };
            let request = Request::read(&frame, self.version, &self.login, self.id).map_err(refused)?;
            if matches!(request, Request::Disconnect) {
                return Err(End::Asked(receipt));
            }
            self.handle(request).map_err(|error| refused(error.to_string()))?;
            if let Some(receipt) = receipt {
                wire.send(Command::Receipt, &[("receipt-id", receipt)], b"").await?;
            }
        }
        Ok(())
    }

    fn handle(&self, request: Request) -> Result<(), BrokerError> {
        let mut state = self.hub.lock();
        let done = match request {
            Request::Send(destination, message) => {
                state.broker.publish(&destination, message);
                Vec::new()
            }
            Request::Subscribe(subscribe) => state.broker.subscribe(self.id, subscribe).map(|()| Vec::new())?,
            Request::Unsubscribe { id, forget } => {
                state.broker.unsubscribe(self.id, &id, forget).map(|()| Vec::new())?
            }
            Request::Ack(tag) => state.broker.done(self.id, tag)?,
            Request::Nack(tag) => state.broker.refuse(self.id, tag).map(|()| Vec::new())?,
            Request::Disconnect => Vec::new(),
        };
        drop(state);
        self.hub.mark_delivered(&self.login, &self.device, &done);
        Ok(())
    }

    async fn deliver(&self, wire: &mut Wire, delivery: Delivery) -> Result<(), End> {
        if !self.hub.lock().broker.is_in_flight(self.id, delivery.tag) {
            return Ok(());
        }
        let id = message_id(self.id, delivery.tag);
        let mut headers = vec![
            ("message-id", id.clone()),
            ("subscription", delivery.subscription),
            ("destination", delivery.message.destination.clone()),
            ("redelivered", delivery.redelivered.to_string()),
        ];
        if delivery.mode != AckMode::Auto {
            headers.push(("ack", id));
        }
        headers.extend(delivery.message.headers.iter().map(|(name, value)| (name.as_str(), value.clone())));
        wire.send(Command::Message, &headers, &delivery.message.body).await?;
        if delivery.mode == AckMode::Auto {
            // It may have been given back in the meantime: only by ourselves, and we were writing.
            let done = self.hub.lock().broker.done(self.id, delivery.tag).unwrap_or_default();
            self.hub.mark_delivered(&self.login, &self.device, &done);
        }
        Ok(())
    }
}

/// The socket with its codec and the times heart-beats are measured by.
struct Wire {
    socket: WebSocket,
    framing: Framing,
    decoder: Decoder,
    encoder: Encoder,
    last_sent: Instant,
    last_received: Instant,
}

impl Wire {
    /// Waits for the next piece of the stream. WebSocket pings are not heart-beats, as at RabbitMQ
    /// and Spring.
    async fn receive(&mut self) -> Result<(), End> {
        loop {
            let bytes = match self.socket.recv().await {
                Some(Ok(WsMessage::Text(text))) => Bytes::from(text),
                Some(Ok(WsMessage::Binary(bytes))) => bytes,
                // After a close comes the end, and asking for it sends our answer to the close.
                Some(Ok(WsMessage::Ping(_) | WsMessage::Pong(_) | WsMessage::Close(_))) => continue,
                Some(Err(_)) | None => return Err(End::Gone),
            };
            self.last_received = Instant::now();
            match self.framing {
                Framing::Plain => self.decoder.push(bytes),
                Framing::SockJs => match framing::unframe(&bytes) {
                    Ok(pieces) => pieces.into_iter().for_each(|piece| self.decoder.push(piece)),
                    Err(error) => return Err(End::refused(error)),
                },
            }
            return Ok(());
        }
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, End> {
        loop {
            match self.decoder.next().map_err(End::refused)? {
                None => return Ok(None),
                Some(Decoded::HeartBeat) => {}
                Some(Decoded::Frame(frame)) => return Ok(Some(frame)),
                Some(Decoded::Oversize(frame)) => {
                    return Err(End::refused(format!("a frame of {} bytes is more than is taken here", frame.len)));
                }
            }
        }
    }

    async fn send(&mut self, command: Command, headers: &[(&str, String)], body: &[u8]) -> Result<(), End> {
        let encoded = self.encoder.encode(command, headers.iter().map(|(name, value)| (name, value)), body);
        match encoded {
            Ok(bytes) => self.write(bytes).await,
            // Not expected: what cannot be encoded was refused when it came in.
            Err(error) => Err(End::refused(error)),
        }
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), End> {
        let message = match (self.framing, Utf8Bytes::try_from(bytes.clone())) {
            (Framing::SockJs, _) => WsMessage::Text(framing::frame(&bytes).into()),
            (Framing::Plain, Ok(text)) => WsMessage::Text(text),
            (Framing::Plain, Err(_)) => WsMessage::Binary(bytes),
        };
        self.write_message(message).await
    }

    async fn write_message(&mut self, message: WsMessage) -> Result<(), End> {
        match timeout(WRITE_WITHIN, self.socket.send(message)).await {
            Ok(Ok(())) => {
                self.last_sent = Instant::now();
                Ok(())
            }
            _ => Err(End::Gone),
        }
    }

    /// Says why, closes, and waits a moment for the client's close, so that the last frame is not
    /// cut off.
    async fn finish(mut self, end: End) {
        let (code, reason) = match &end {
            End::Gone => return,
            End::Asked(_) => (close_code::NORMAL, "the client disconnected"),
            End::Stopping => (close_code::AWAY, "the server stops"),
            End::Refused { .. } => (close_code::PROTOCOL, "see the ERROR frame"),
        };
        // If these cannot be sent, the client is gone by now.
        let _ = match end {
            End::Asked(Some(receipt)) => self.send(Command::Receipt, &[("receipt-id", receipt)], b"").await,
            End::Refused { why, receipt } => {
                tracing::info!(why, "stomp session refused");
                let mut headers = vec![("message", why), ("version", Version::OFFERED.to_owned())];
                headers.extend(receipt.map(|receipt| ("receipt-id", receipt)));
                self.send(Command::Error, &headers, b"").await
            }
            End::Asked(None) | End::Stopping | End::Gone => Ok(()),
        };
        if self.framing == Framing::SockJs {
            let _ = self.write_message(WsMessage::Text(framing::CLOSE)).await;
        }
        let close = WsMessage::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
        let _ = timeout(CLOSE_WITHIN, async {
            if self.socket.send(close).await.is_ok() {
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        })
        .await;
    }
}
