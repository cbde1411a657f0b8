//! Escaping of header names and values (STOMP 1.2, "Value Encoding"; 1.1 lacks `\r`).
//!
//! A received line is checked once, when it arrives ([`check`]); after that [`unescape`] cannot
//! fail.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use memchr::memchr;

use crate::Version;

/// Whether the line contains escapes; `None` if one of them is undefined in this version.
pub(crate) fn check(line: &[u8], version: Version) -> Option<bool> {
    let mut rest = line;
    while let Some(at) = memchr(b'\\', rest) {
        match (rest.get(at + 1)?, version) {
            (b'n' | b'c' | b'\\', _) | (b'r', Version::V1_2) => rest = rest.get(at + 2..)?,
            _ => return None,
        }
    }
    Some(rest.len() < line.len())
}

/// Unescapes text that [`check`] has accepted.
pub(crate) fn unescape(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('c') => ':',
                _ => '\\',
            },
            c => c,
        });
    }
    out.into()
}

/// Writes `text` escaped; `false` if it contains an octet that this version cannot encode.
pub(crate) fn escape_into(out: &mut BytesMut, text: &str, version: Version) -> bool {
    for byte in text.bytes() {
        match (byte, version) {
            (b'\n', _) => out.put_slice(b"\\n"),
            (b':', _) => out.put_slice(b"\\c"),
            (b'\\', _) => out.put_slice(b"\\\\"),
            (b'\r', Version::V1_2) => out.put_slice(b"\\r"),
            (b'\r', Version::V1_1) | (0, _) => return false,
            (byte, _) => out.put_u8(byte),
        }
    }
    true
}
