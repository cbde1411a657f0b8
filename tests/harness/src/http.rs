//! As much HTTP as scripted servers and their callers need: one request a connection, bytes written
//! as the script wants.
//!
//! By hand, because a real HTTP library takes care not to send what these tests must send: half an
//! answer, or none. Only to loopback, only without TLS.

use std::io;

use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A request that came.
#[derive(Debug, Clone)]
pub struct Request {
    /// `POST`.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// What follows `?`, or "".
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, `null` if it is not JSON.
    pub body: Value,
}

impl Request {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the body is said to be JSON.
    pub(crate) fn is_json(&self) -> bool {
        let media_type = self.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default();
        media_type.trim().eq_ignore_ascii_case("application/json")
    }

    pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let first = line(&mut reader).await?;
        let mut words = first.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request =
            Self { method, path: path.to_owned(), query: query.to_owned(), headers: Vec::new(), body: Value::Null };
        loop {
            let line = line(&mut reader).await?;
            let Some((name, value)) = line.split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).await?;
        request.body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(request)
    }
}

async fn line(reader: &mut BufReader<&mut TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}

/// An answer: a status, further headers, a body.
#[derive(Debug, Clone)]
pub struct Response {
    /// As in `200`.
    pub status: u16,
    /// Beyond `content-type`, `content-length` and `connection`.
    pub headers: Vec<(&'static str, String)>,
    /// Sent as it is.
    pub body: Bytes,
}

impl Response {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string().into() }
    }

    /// Writes it all, or only `body_bytes` of its body, and closes the connection.
    pub(crate) async fn write(&self, mut stream: TcpStream, body_bytes: usize) -> io::Result<()> {
        let length = self.body.len();
        let mut head = format!(
            "HTTP/1.1 {} Scripted\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n",
            self.status
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&self.body[..body_bytes.min(length)]).await?;
        stream.shutdown().await
    }
}

/// Posts JSON to a `http://HOST:PORT/PATH` address. Returns the status and the body.
///
/// # Errors
/// If no answer comes, or one that is not JSON or not complete.
pub async fn post(url: &str, token: Option<&str>, body: &Value) -> io::Result<(u16, Value)> {
    call("POST", url, token, body).await
}

/// Makes a request with this method, with JSON if it is POST. Returns the status and the body.
///
/// # Errors
/// If no answer comes, or one that is not JSON or not complete.
pub async fn call(method: &str, url: &str, token: Option<&str>, body: &Value) -> io::Result<(u16, Value)> {
    let whole = url.strip_prefix("http://").ok_or(io::ErrorKind::InvalidInput)?;
    let (address, path) = whole.split_once('/').unwrap_or((whole, ""));
    let body = if method == "POST" { body.to_string() } else { String::new() };
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    // HTTP/1.0: the server closes when it has answered.
    let request = format!(
        "{method} /{path} HTTP/1.0\r\nhost: {address}\r\n{authorization}content-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, serde_json::from_str(body)?))
}
