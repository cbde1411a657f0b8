//! One WebSocket connection: the upgrade, the bytes, and nothing of what they mean.
//!
//! The upgrade goes through the shared HTTP client, so that proxies, roots and client certificates
//! work for it as for the API. The upgraded stream is handed to tungstenite through [`rechunk`],
//! which keeps memory bounded and leaves it to the reader to reject a body that is not UTF-8.
//! Invariant: no other module names tungstenite.

mod rechunk;
mod sockjs;

use std::fmt;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{StatusCode, header};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};
use url::Url;

use self::rechunk::Rechunk;
use self::sockjs::{NotSockJs, SockJsDecoder, Unframed};
use crate::net::{
    address::host_of,
    http::{self, Client},
};
use belfry_core::{
    error::{Failure, Fault},
    foreign_text::one_line,
};

/// The WebSocket sub-protocols of STOMP 1.2 and 1.1; not every server picks one.
const SUB_PROTOCOLS: &str = "v12.stomp, v11.stomp";

/// Longest reason of a close frame that is shown, in characters.
const MAX_REASON_CHARS: usize = 200;

/// What a WebSocket runs over: an upgraded connection, or a pipe in a test.
trait Pipe: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Pipe for T {}

/// What runs over a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// STOMP, which has sub-protocols of its own.
    Stomp,
    /// STOMP in the frames of SockJS.
    SockJs,
    /// Messages without a protocol.
    Raw,
}

/// What has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    /// A piece of a message; never empty.
    Piece(Bytes),
    /// The message ends after the pieces so far.
    End,
    /// A ping or pong: the peer is there.
    Alive,
    /// A heart-beat of SockJS: the server speaks, though STOMP on it has nothing to say.
    Beat,
}

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Transport {
    socket: WebSocketStream<Rechunk<Box<dyn Pipe>>>,
    host: String,
    content: Content,
    /// Reads the frames of SockJS.
    sockjs: SockJsDecoder,
}

/// A WebSocket version that does not exist: a server that has checked everything else refuses it.
const NO_VERSION: &str = "0";

impl Transport {
    /// Opens a WebSocket at `url` (ws, wss, http or https) with these headers on the upgrade. No
    /// time limit of its own beyond the client's for connecting.
    ///
    /// # Errors
    /// [`Failure`]: unreachable, not trusted, or the HTTP status instead of 101.
    pub(crate) async fn open(
        client: &Client,
        url: &Url,
        mut headers: header::HeaderMap,
        content: Content,
    ) -> Result<Self, Failure> {
        let (key, endpoint) = (generate_key(), url);
        if content == Content::Stomp {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, header::HeaderValue::from_static(SUB_PROTOCOLS));
        }
        let response =
            upgrade(client, url, headers, "13", &key).send().await.map_err(|error| http::failure(error, endpoint))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(http::status_failure(response.status(), response.headers(), endpoint));
        }
        let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT).map(|value| value.as_bytes().to_vec());
        if accepted.as_deref() != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(Failure::new(Fault::Protocol, "the answer to the WebSocket upgrade has a wrong key"));
        }
        let stream = response.upgrade().await.map_err(|error| http::failure(error, endpoint))?;
        let mut transport = Self::over(Box::new(stream), host_of(endpoint), content).await;
        if content == Content::SockJs {
            transport.wait_for_open_frame().await?;
        }
        Ok(transport)
    }

    /// Nothing may be sent before the server has opened the session of SockJS.
    async fn wait_for_open_frame(&mut self) -> Result<(), Failure> {
        loop {
            self.receive_frame().await?;
            match self.sockjs.poll_unframed() {
                Some(Unframed::Open) => return Ok(()),
                Some(Unframed::Close { code, reason }) => return Err(self.closed(code, &reason)),
                Some(Unframed::Text(_) | Unframed::HeartBeat) => return Err(self.not_sockjs(NotSockJs)),
                None => {}
            }
        }
    }

    /// Asks whether a WebSocket can be opened at `url`, and opens none: it asks for a version that
    /// no server has, and what the server checks before that is known by its answer.
    ///
    /// # Errors
    /// [`Failure`]: unreachable, not trusted, or the HTTP status of a refusal.
    pub(crate) async fn ask(client: &Client, url: &Url, headers: header::HeaderMap) -> Result<(), Failure> {
        let asked = upgrade(client, url, headers, NO_VERSION, &generate_key()).timeout(http::CONNECT_TIMEOUT);
        match asked.send().await {
            Ok(response) => match response.status() {
                StatusCode::SWITCHING_PROTOCOLS | StatusCode::UPGRADE_REQUIRED | StatusCode::BAD_REQUEST => Ok(()),
                status => Err(http::status_failure(status, response.headers(), url)),
            },
            // It has taken the connection and ended it: that is how some refuse a version.
            Err(error) if !error.is_connect() && !error.is_timeout() => Ok(()),
            Err(error) => Err(http::failure(error, url)),
        }
    }

    /// A WebSocket over what has been upgraded.
    async fn over(stream: Box<dyn Pipe>, host: String, content: Content) -> Self {
        // No message is larger than a chunk; a larger one would be a bug in `rechunk`.
        let config = WebSocketConfig::default().max_message_size(Some(2 * rechunk::CHUNK));
        let socket = WebSocketStream::from_raw_socket(Rechunk::new(stream), Role::Client, Some(config)).await;
        Self { socket, host, content, sockjs: SockJsDecoder::default() }
    }

    /// The next part of what the server sends. Safe to drop and call again.
    ///
    /// # Errors
    /// [`Failure`] when the connection has ended, with the close code and reason if the server gave
    /// them.
    pub(crate) async fn receive(&mut self) -> Result<Received, Failure> {
        if self.content != Content::SockJs {
            return self.receive_frame().await;
        }
        loop {
            match self.sockjs.poll_unframed() {
                Some(Unframed::Text(text)) => return Ok(Received::Piece(text)),
                Some(Unframed::HeartBeat) => return Ok(Received::Beat),
                Some(Unframed::Close { code, reason }) => return Err(self.closed(code, &reason)),
                // A second one says nothing new.
                Some(Unframed::Open) => {}
                None => {
                    if self.receive_frame().await? == Received::Alive {
                        return Ok(Received::Alive);
                    }
                }
            }
        }
    }

    /// The next part of a message as it was sent; with SockJS its decoder takes it first.
    async fn receive_frame(&mut self) -> Result<Received, Failure> {
        let received = self.receive_message().await?;
        if self.content == Content::SockJs {
            let read = match &received {
                Received::Piece(piece) => self.sockjs.handle_piece(piece),
                Received::End => self.sockjs.handle_end(),
                Received::Alive | Received::Beat => Ok(()),
            };
            read.map_err(|error| self.not_sockjs(error))?;
        }
        Ok(received)
    }

    async fn receive_message(&mut self) -> Result<Received, Failure> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) if bytes.is_empty() => return Ok(Received::End),
                Some(Ok(Message::Binary(bytes))) => return Ok(Received::Piece(bytes)),
                // `rechunk` makes no such message.
                Some(Ok(Message::Text(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(Received::Alive),
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or_else(
                        || Failure::new(Fault::Closed, &self.host),
                        |frame| self.closed(u16::from(frame.code), &frame.reason),
                    ));
                }
                Some(Err(error)) => return Err(self.failed(&error)),
                None => return Err(Failure::new(Fault::Closed, &self.host)),
            }
        }
    }

    /// Takes a frame, as text where it is (some servers take nothing else), to be sent with
    /// [`Self::flush`]. Dropped before its end, it has taken nothing.
    ///
    /// # Errors
    /// [`Failure`] when the connection has ended.
    pub(crate) async fn feed(&mut self, bytes: Bytes) -> Result<(), Failure> {
        let message = match tungstenite::Utf8Bytes::try_from(bytes.clone()) {
            _ if self.content == Content::SockJs => Message::text(sockjs::frame(&bytes)),
            Ok(text) => Message::Text(text),
            Err(_) => Message::Binary(bytes),
        };
        self.socket.feed(message).await.map_err(|error| self.failed(&error))
    }

    /// As [`Self::feed`]: sends a ping, which the peer must answer.
    ///
    /// # Errors
    /// [`Failure`] when the connection has ended.
    pub(crate) async fn ping(&mut self) -> Result<(), Failure> {
        self.socket.feed(Message::Ping(Bytes::new())).await.map_err(|error| self.failed(&error))
    }

    /// Sends what was taken. Safe to drop and call again.
    ///
    /// # Errors
    /// [`Failure`] when the connection has ended.
    pub(crate) async fn flush(&mut self) -> Result<(), Failure> {
        self.socket.flush().await.map_err(|error| self.failed(&error))
    }

    /// Sends a close frame; does not wait for the answer.
    pub(crate) async fn close(mut self) {
        if let Err(error) = self.socket.close(None).await {
            tracing::debug!(host = self.host, error = %self.failed(&error).detail, "the close was not sent");
        }
    }

    fn not_sockjs(&self, NotSockJs: NotSockJs) -> Failure {
        Failure::new(Fault::Protocol, format!("{}: no SockJS", self.host))
    }

    fn closed(&self, code: u16, reason: &str) -> Failure {
        // RabbitMQ closes with 1007 for a framing error of ours and 1002 for others.
        let fault = match code {
            1002 | 1003 | 1007 if self.content != Content::Raw => Fault::Protocol,
            // Going away, internal error, service restart, try again later (RFC 6455 and its
            // registry of close codes).
            1001 | 1011 | 1012 | 1013 => Fault::Restarting,
            _ => Fault::Closed,
        };
        let reason = one_line(reason, MAX_REASON_CHARS);
        Failure::new(fault, format!("{}: {code} {reason}", self.host).trim_end())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the list of a library: what it adds is a close like any other")]
    fn failed(&self, error: &tungstenite::Error) -> Failure {
        let fault = match error {
            tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)
            | tungstenite::Error::Io(_) => Fault::Broken,
            tungstenite::Error::Protocol(_) | tungstenite::Error::Capacity(_) | tungstenite::Error::Utf8(_) => {
                Fault::Protocol
            }
            _ => Fault::Closed,
        };
        Failure::new(fault, format!("{}: {}", self.host, error.to_string().to_lowercase()))
    }
}

/// The request for a WebSocket of this version.
fn upgrade(client: &Client, url: &Url, headers: header::HeaderMap, version: &'static str, key: &str) -> http::Request {
    client
        .get(http::http_url(url))
        .headers(headers)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, version)
        .header(header::SEC_WEBSOCKET_KEY, key)
}

#[cfg(test)]
pub(crate) mod tests {
    //! A peer at the other end of a pipe, for tests of what runs over a transport.

    use tokio::io::DuplexStream;

    use super::*;

    /// The other end.
    pub(crate) struct Peer(WebSocketStream<DuplexStream>);

    /// A transport and its peer, with room for so many bytes on the way.
    pub(crate) async fn pair(room: usize, content: Content) -> (Transport, Peer) {
        let (near, far) = tokio::io::duplex(room);
        let transport = Transport::over(Box::new(near), "test".to_owned(), content).await;
        (transport, Peer(WebSocketStream::from_raw_socket(far, Role::Server, None).await))
    }

    impl Peer {
        /// Reads, and so answers pings, until the end.
        pub(crate) async fn read(&mut self) {
            while let Some(Ok(_)) = self.0.next().await {}
        }

        /// Reads one message.
        pub(crate) async fn read_one(&mut self) -> String {
            self.0.next().await.unwrap().unwrap().into_text().unwrap().to_string()
        }

        /// Closes with this code and reason.
        pub(crate) async fn close(&mut self, code: u16, reason: &str) {
            let frame = tungstenite::protocol::CloseFrame { code: code.into(), reason: reason.into() };
            self.0.close(Some(frame)).await.unwrap();
        }

        /// Sends text.
        pub(crate) async fn send(&mut self, text: &str) {
            self.0.send(Message::text(text)).await.unwrap();
        }
    }
}
