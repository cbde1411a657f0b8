//! Clients for the tests: HTTP with a token, STOMP, and the raw WebSocket. Every wait ends after
//! ten seconds.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use stomp::{Command, Decoded, Decoder, Encoder, Frame, Limits, Version};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::Server;

const TIMEOUT: Duration = Duration::from_secs(10);

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(TIMEOUT, future).await.unwrap_or_else(|_| panic!("{what} did not come in {TIMEOUT:?}"))
}

/// A person who is signed in over HTTP.
pub(super) struct Api {
    http: reqwest::Client,
    base: String,
    pub(super) token: String,
}

impl Api {
    pub(super) async fn sign_in(server: &Server, login: &str, password: &str) -> Self {
        let mut api = Self::stranger(server);
        let (status, answer) = api.call("/login", &json!({"login": login, "password": password})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        api.token = answer["token"].as_str().unwrap().to_owned();
        api
    }

    pub(super) fn stranger(server: &Server) -> Self {
        Self::stranger_at(&format!("http://{}", server.address()), None)
    }

    /// At any address, trusting the certificates of a PEM file.
    pub(super) fn stranger_at(base: &str, bundle: Option<&Path>) -> Self {
        // The client needs one also where nothing is encrypted; it may be installed already.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder().no_proxy();
        if let Some(bundle) = bundle {
            http = http.tls_certs_only([reqwest::Certificate::from_pem(&std::fs::read(bundle).unwrap()).unwrap()]);
        }
        Self { http: http.build().unwrap(), base: base.to_owned(), token: String::new() }
    }

    pub(super) async fn call(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.call_with(path, body, &[]).await
    }

    /// A call with further headers.
    pub(super) async fn call_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        self.answer(path, self.post(path).json(body), headers).await
    }

    /// A call whose body is not said to be JSON unless `headers` say so.
    pub(super) async fn call_raw(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        self.answer(path, self.post(path).body(body.to_owned()), headers).await
    }

    fn post(&self, path: &str) -> RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    async fn answer(&self, path: &str, mut request: RequestBuilder, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = in_time(path, request.send()).await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// A call of the message API that succeeds; its `data`.
    pub(super) async fn message(&self, call: &str, body: Value) -> Value {
        let (status, mut answer) = self.call(&format!("/ecgapi/api/message/{call}"), &body).await;
        assert_eq!((status, &answer["code"]), (StatusCode::OK, &json!(0)), "{answer}");
        answer["data"].take()
    }

    pub(super) async fn collect(&self, device: &str, after: Option<&str>) -> Value {
        self.message("collectMessage", json!({"after": after, "limit": 100, "device": device})).await
    }

    /// Waits until exactly these devices are online.
    pub(super) async fn online(&self, devices: &[&str]) {
        let all = async {
            loop {
                let clients = self.message("getWebSocketClients", json!({})).await;
                let online: Vec<_> =
                    clients.as_array().unwrap().iter().map(|row| row["device"].as_str().unwrap()).collect();
                if online == devices {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        in_time(&format!("{devices:?} online"), all).await;
    }

    pub(super) async fn get(&self, path: &str) -> reqwest::Response {
        in_time(path, self.http.get(format!("{}{path}", self.base)).send()).await.unwrap()
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A STOMP client that decides nothing by itself.
pub(super) struct Stomp {
    socket: Socket,
    decoder: Decoder,
    encoder: Encoder,
}

/// A frame that was received, in plain strings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Received {
    pub(super) command: Command,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl From<Frame> for Received {
    fn from(frame: Frame) -> Self {
        Self {
            command: frame.command(),
            headers: frame.headers().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
            body: String::from_utf8(frame.body().to_vec()).unwrap(),
        }
    }
}

impl Stomp {
    /// Opens the socket, without CONNECT.
    pub(super) async fn open(server: &Server) -> Self {
        Self::open_at(server, "/ws").await
    }

    pub(super) async fn open_at(server: &Server, path: &str) -> Self {
        let (socket, _) = connect_async(format!("ws://{}{path}", server.address())).await.unwrap();
        let decoder = Decoder::new(Limits::default(), Version::V1_2);
        Self { socket, decoder, encoder: Encoder::new(Version::V1_2) }
    }

    /// A connected session of a person whose password is their name.
    pub(super) async fn connect(server: &Server, login: &str, device: &str) -> Self {
        let mut client = Self::open(server).await;
        client.sign_in(login, &[("device", device)]).await;
        client
    }

    /// CONNECT of a person whose password is their name, with further headers.
    pub(super) async fn sign_in(&mut self, login: &str, more: &[(&str, &str)]) {
        let mut headers = vec![("accept-version", "1.2,1.1"), ("login", login), ("passcode", login)];
        headers.extend(more);
        self.send(Command::Connect, &headers, "").await;
        let connected = self.next().await;
        assert_eq!((connected.command, connected.header("user-name")), (Command::Connected, login), "{connected:?}");
    }

    pub(super) async fn send(&mut self, command: Command, headers: &[(&str, &str)], body: &str) {
        let bytes = self.encoder.encode(command, headers.iter().copied(), body.as_bytes()).unwrap();
        self.socket.send(Message::Binary(bytes)).await.unwrap();
    }

    /// A SEND whose body may be anything.
    pub(super) async fn send_bytes(&mut self, headers: &[(&str, &str)], body: &[u8]) {
        let bytes = self.encoder.encode(Command::Send, headers.iter().copied(), body).unwrap();
        self.socket.send(Message::Binary(bytes)).await.unwrap();
    }

    /// Subscribes and waits until it holds.
    pub(super) async fn subscribe(&mut self, id: &str, destination: &str, ack: &str, more: &[(&str, &str)]) {
        let mut headers = vec![("id", id), ("destination", destination), ("ack", ack), ("receipt", "subscribed")];
        headers.extend(more);
        self.send(Command::Subscribe, &headers, "").await;
        self.receipt("subscribed").await;
    }

    pub(super) async fn ack(&mut self, message: &Received) {
        self.send(Command::Ack, &[("id", message.header("ack")), ("receipt", "acked")], "").await;
        self.receipt("acked").await;
    }

    pub(super) async fn receipt(&mut self, id: &str) {
        let receipt = self.next().await;
        assert_eq!((receipt.command, receipt.header("receipt-id")), (Command::Receipt, id), "{receipt:?}");
    }

    pub(super) async fn publish(&mut self, destination: &str, body: &str) {
        self.send(Command::Send, &[("destination", destination), ("receipt", "sent")], body).await;
        self.receipt("sent").await;
    }

    /// The next frame in plain strings; heart-beats are passed over.
    pub(super) async fn next(&mut self) -> Received {
        self.frame().await.into()
    }

    pub(super) async fn frame(&mut self) -> Frame {
        in_time("a frame", async {
            loop {
                match self.decoder.next().unwrap() {
                    Some(Decoded::Frame(frame)) => return frame,
                    Some(Decoded::HeartBeat) => {}
                    Some(other) => panic!("{other:?}"),
                    None => {
                        let bytes = self.received().await.expect("the server has closed");
                        self.decoder.push(bytes);
                    }
                }
            }
        })
        .await
    }

    pub(super) async fn message(&mut self) -> Received {
        let frame = self.next().await;
        assert_eq!(frame.command, Command::Message, "{frame:?}");
        frame
    }

    /// An ERROR, then the close; its message.
    pub(super) async fn error(&mut self) -> String {
        let error = self.next().await;
        assert_eq!(error.command, Command::Error, "{error:?}");
        self.closed().await;
        error.header("message").to_owned()
    }

    /// A heart-beat and nothing else.
    pub(super) async fn heart_beat(&mut self) {
        let bytes = in_time("a heart-beat", self.received()).await.expect("the server has closed");
        assert_eq!(bytes, stomp::HEART_BEAT);
    }

    /// Waits for the server's close.
    pub(super) async fn closed(&mut self) {
        assert_eq!(in_time("the close", self.received()).await, None);
    }

    /// Closes the socket without DISCONNECT, and waits for the server's answer.
    pub(super) async fn close(mut self) {
        self.socket.close(None).await.unwrap();
        let answer = in_time("the answer to the close", self.socket.next()).await;
        assert!(matches!(answer, Some(Ok(Message::Close(_)))), "{answer:?}");
    }

    /// Closes the connection without DISCONNECT and without a closing handshake.
    pub(super) fn disconnect_abruptly(self) {
        drop(self);
    }

    async fn received(&mut self) -> Option<Bytes> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Some(text.into()),
                Some(Ok(Message::Binary(bytes))) => return Some(bytes),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }
}

/// A raw WebSocket client.
pub(super) struct Raw(Socket);

impl Raw {
    pub(super) async fn connect(server: &Server, token: &str, device: &str) -> Self {
        Self::try_connect(server, token, device).await.unwrap()
    }

    /// The HTTP status instead, if the handshake is refused.
    pub(super) async fn try_connect(server: &Server, token: &str, device: &str) -> Result<Self, u16> {
        Self::open(server, &format!("/websocket/{token}?device={device}"), &[]).await
    }

    /// Any WebSocket of the server, with further headers in the handshake.
    pub(super) async fn open(server: &Server, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{}{path}", server.address()).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    pub(super) async fn next(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    pub(super) async fn text(&mut self) -> String {
        match in_time("a text", self.0.next()).await {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// Waits for the server's close; its code.
    pub(super) async fn close_code(&mut self) -> u16 {
        match in_time("the close", self.0.next()).await {
            Some(Ok(Message::Close(Some(frame)))) => frame.code.into(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn closed(&mut self) {
        match in_time("the close", self.0.next()).await {
            Some(Ok(Message::Close(_)) | Err(_)) | None => {}
            other => panic!("{other:?}"),
        }
    }

    /// Closes, and waits for the server's answer.
    pub(super) async fn close(mut self) {
        self.0.close(None).await.unwrap();
        let answer = in_time("the answer to the close", self.0.next()).await;
        assert!(matches!(answer, Some(Ok(Message::Close(_)))), "{answer:?}");
    }
}
