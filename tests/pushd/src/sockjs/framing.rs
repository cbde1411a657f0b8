//! The frames of SockJS around pieces of STOMP. Pure.

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use serde_json::json;

pub(crate) const OPEN: Utf8Bytes = Utf8Bytes::from_static("o");
pub(crate) const HEART_BEAT: Utf8Bytes = Utf8Bytes::from_static("h");
pub(crate) const CLOSE: Utf8Bytes = Utf8Bytes::from_static("c[3000,\"Go away!\"]");

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
