//! One request to the demo server on loopback: POST JSON, get JSON.
//!
//! Plain HTTP/1.0, since a client library would be the largest dependency of this program.
//! Deliberately absent: TLS, redirects, time-outs.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Posts `body`; any status except 200 is an error with the response.
pub(super) fn post(base: &str, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let address = base.strip_prefix("http://").context("the demo server speaks plain HTTP")?;
    let body = body.to_string();
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot reach {base}"))?;
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nhost: {address}\r\n{authorization}content-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response.split_once("\r\n\r\n").context("incomplete response")?;
    if head.split(' ').nth(1) != Some("200") {
        bail!("{path}: {} {body}", head.lines().next().unwrap_or_default());
    }
    serde_json::from_str(body).with_context(|| format!("{path}: not JSON"))
}
