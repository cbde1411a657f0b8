//! STOMP over a WebSocket, from either side and frame by frame: frames, raw bytes, close codes.
//!
//! It knows the protocol's encoding (the `stomp` crate's) and none of its rules, so a script can
//! break them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use stomp::{Command, Decoded, Decoder, Encoder, Frame, Limits, Version};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame};
use tokio_tungstenite::tungstenite::{self, Message};

/// How long [`Wire::expect`] waits.
const TIMEOUT: Duration = Duration::from_secs(30);
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

/// One end of a STOMP connection over a WebSocket. Dropping it closes the socket without a closing
/// handshake.
#[derive(Debug)]
pub struct Wire {
    socket: WebSocketStream<TcpStream>,
    decoder: Decoder,
    encoder: Encoder,
}

impl Wire {
    /// Connects to a `ws://HOST:PORT/PATH` address, as a client.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn connect(url: &str) -> Self {
        let mut request = url.into_client_request().expect("a WebSocket address");
        request.headers_mut().insert(PROTOCOL, HeaderValue::from_static("v12.stomp"));
        let address = request.uri().authority().expect("a host and a port").to_string();
        let stream = TcpStream::connect(address).await.expect("a connection");
        let connected = tokio_tungstenite::client_async_with_config(request, stream, Some(limitless())).await;
        Self::new(connected.expect("a WebSocket").0)
    }

    /// Answers a client's upgrade; the first sub-protocol it offers is taken.
    ///
    /// # Errors
    /// If the client sends something else.
    #[allow(clippy::result_large_err)] // the callback's type is tungstenite's
    pub async fn accept(stream: TcpStream) -> tungstenite::Result<Self> {
        let answer = |request: &Request, mut response: Response| {
            if let Some(offered) = request.headers().get(PROTOCOL).and_then(|offered| offered.to_str().ok()) {
                let first = offered.split(',').next().unwrap_or_default().trim();
                response.headers_mut().insert(PROTOCOL, HeaderValue::from_str(first).expect("was a header"));
            }
            Ok(response)
        };
        let accepted = tokio_tungstenite::accept_hdr_async_with_config(stream, answer, Some(limitless())).await;
        Ok(Self::new(accepted?))
    }

    fn new(socket: WebSocketStream<TcpStream>) -> Self {
        let decoder = Decoder::new(Limits::default(), Version::V1_2);
        Self { socket, decoder, encoder: Encoder::new(Version::V1_2) }
    }

    /// CONNECT with login, passcode and host, and no heart-beats; waits for CONNECTED.
    ///
    /// # Panics
    /// If something else comes.
    pub async fn sign_in(&mut self, login: &str, passcode: &str, host: &str) -> Frame {
        let headers = [("accept-version", "1.2"), ("host", host), ("login", login), ("passcode", passcode)];
        self.send(Command::Connect, &headers, b"").await;
        self.expect(Command::Connected).await
    }

    /// The other side of [`Self::sign_in`]: waits for CONNECT, answers CONNECTED without
    /// heart-beats, and returns the CONNECT.
    ///
    /// # Panics
    /// If something else comes.
    pub async fn welcome(&mut self) -> Frame {
        let connect = self.expect(Command::Connect).await;
        // What a real server would refuse.
        let versions = connect.header("accept-version").unwrap_or_default();
        assert!(versions.split(',').any(|version| version.trim() == "1.2"), "accept-version is {versions:?}");
        assert!(connect.header("host").is_some(), "STOMP 1.1 and 1.2 require a host header");
        self.send(Command::Connected, &[("version", "1.2"), ("heart-beat", "0,0")], b"").await;
        connect
    }

    /// Reads on until the peer is gone, answering each frame that asks for a receipt. Returns what
    /// came.
    ///
    /// # Panics
    /// If the peer sends what is not STOMP.
    pub async fn serve(&mut self) -> Vec<Frame> {
        let mut came = Vec::new();
        while let Some(frame) = self.receive().await {
            self.answer(&frame).await;
            came.push(frame);
        }
        came
    }

    /// Reads on until a frame with this command came, answering each frame that asks for a receipt.
    ///
    /// # Panics
    /// If the connection ends before, or nothing comes for 30 s.
    pub async fn serve_until(&mut self, command: Command) -> Frame {
        loop {
            let frame = tokio::time::timeout(TIMEOUT, self.receive()).await;
            let frame = frame.unwrap_or_else(|_| panic!("no {command:?} for {TIMEOUT:?}"));
            let frame = frame.unwrap_or_else(|| panic!("the connection ended before a {command:?}"));
            self.answer(&frame).await;
            if frame.command() == command {
                return frame;
            }
        }
    }

    async fn answer(&mut self, frame: &Frame) {
        if let Some(receipt) = frame.header("receipt") {
            self.send(Command::Receipt, &[("receipt-id", &receipt)], b"").await;
        }
    }

    /// Sends a MESSAGE for a subscription.
    ///
    /// # Panics
    /// If the peer is gone.
    pub async fn message(&mut self, subscription: &str, id: &str, body: impl AsRef<[u8]>) {
        let headers = [("subscription", subscription), ("message-id", id), ("ack", id), ("destination", "/queue/test")];
        self.send(Command::Message, &headers, body.as_ref()).await;
    }

    /// Sends one frame in a TEXT message, as all STOMP servers do, whatever the body holds.
    ///
    /// # Panics
    /// If the peer is gone, or a header cannot be encoded.
    pub async fn send(&mut self, command: Command, headers: &[(&str, &str)], body: &[u8]) {
        let bytes = self.encoder.encode(command, headers.iter().copied(), body).expect("a frame that can be encoded");
        self.send_raw(bytes).await;
    }

    /// Sends bytes as they are in one TEXT message, valid UTF-8 or not.
    ///
    /// # Panics
    /// If the peer is gone.
    pub async fn send_raw(&mut self, bytes: impl Into<Bytes>) {
        let text = frame::Frame::message(bytes.into(), OpCode::Data(Data::Text), true);
        self.socket.send(Message::Frame(text)).await.expect("the peer listens");
    }

    /// The next frame; `None` when the connection is over. Heart-beats are skipped.
    ///
    /// # Panics
    /// If the peer sends what is not STOMP.
    pub async fn receive(&mut self) -> Option<Frame> {
        loop {
            match self.decoder.next().expect("STOMP") {
                Some(Decoded::Frame(frame)) => return Some(frame),
                Some(Decoded::Oversize(oversize)) => panic!("a frame beyond the decoder's limits: {oversize:?}"),
                Some(_) => {}
                None => match self.socket.next().await? {
                    Ok(Message::Close(_)) | Err(_) => return None,
                    Ok(message) => self.decoder.push(message.into_data()),
                },
            }
        }
    }

    /// The next frame, which must be this one.
    ///
    /// # Panics
    /// If another one comes, the connection ends, or nothing comes for 30 s.
    pub async fn expect(&mut self, command: Command) -> Frame {
        let frame = tokio::time::timeout(TIMEOUT, self.receive()).await;
        let frame = frame.unwrap_or_else(|_| panic!("no {command:?} for {TIMEOUT:?}"));
        let frame = frame.unwrap_or_else(|| panic!("the connection ended before a {command:?}"));
        assert_eq!(frame.command(), command, "{:?}", String::from_utf8_lossy(frame.body()));
        frame
    }

    /// Closes with a WebSocket close code and waits for the end.
    pub async fn close(&mut self, code: u16, reason: &'static str) {
        let close = CloseFrame { code: code.into(), reason: reason.into() };
        // The peer may be gone already, or go on sending for a while.
        let _gone = self.socket.close(Some(close)).await;
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

/// No limits: a script may send messages of any size.
fn limitless() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(None).max_frame_size(None)
}
