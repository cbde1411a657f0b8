//! Writes frames: a well-formed frame, or an error for a value that cannot be encoded.
//!
//! `content-length` is written whenever there is a body, so a body may contain any octet.
//! Deliberately absent: which headers a command needs ([`Session`](crate::Session) decides it), and
//! a choice of line end (always LF).

use bytes::{BufMut, Bytes, BytesMut};

use crate::{Command, EncodeError, Version, escape};

/// A heart-beat on the wire.
pub const HEART_BEAT: &[u8] = b"\n";

/// Writes frames of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoder {
    /// The negotiated version; before the negotiation, the highest one offered.
    pub version: Version,
    /// Write `\` as `\\` in CONNECT and STOMP. By the specification CONNECT is not escaped, and
    /// Spring follows it. RabbitMQ (3.10 to 4.x) unescapes CONNECT nevertheless: with a bare `\` in
    /// a passcode it closes the WebSocket with code 1007. So: true for RabbitMQ, false for others.
    pub escape_connect: bool,
}

impl Encoder {
    /// An encoder that follows the specification.
    pub fn new(version: Version) -> Encoder {
        Encoder { version, escape_connect: false }
    }

    /// One whole frame, NUL included. Headers are written in the order given, repeated ones too (a
    /// receiver takes the first); `content-length` is added if there is a body.
    ///
    /// # Errors
    /// [`EncodeError`], which names the header by its position.
    pub fn encode<N: AsRef<str>, V: AsRef<str>>(
        &self,
        command: Command,
        headers: impl IntoIterator<Item = (N, V)>,
        body: &[u8],
    ) -> Result<Bytes, EncodeError> {
        if !body.is_empty() && !command.may_have_body() {
            return Err(EncodeError::BodyNotAllowed { command });
        }
        let mut out = BytesMut::with_capacity(256 + body.len());
        out.put_slice(command.as_str().as_bytes());
        out.put_u8(b'\n');
        for (index, (name, value)) in (1..).zip(headers) {
            let (name, value) = (name.as_ref(), value.as_ref());
            match name {
                "" => return Err(EncodeError::EmptyName { command, index }),
                "content-length" => return Err(EncodeError::ContentLength { command }),
                _ => {}
            }
            let is_written = self.write_text(&mut out, command, name, true) && {
                out.put_u8(b':');
                self.write_text(&mut out, command, value, false)
            };
            if !is_written {
                return Err(EncodeError::Unencodable { command, index });
            }
            out.put_u8(b'\n');
        }
        if !body.is_empty() {
            out.put_slice(format!("content-length:{}\n", body.len()).as_bytes());
        }
        out.put_u8(b'\n');
        out.put_slice(body);
        out.put_u8(0);
        Ok(out.freeze())
    }

    /// `false` if the text cannot be encoded in this frame.
    fn write_text(&self, out: &mut BytesMut, command: Command, text: &str, is_name: bool) -> bool {
        if command.is_escaped() {
            return escape::escape_into(out, text, self.version);
        }
        if text.contains(['\r', '\n', '\0']) || (is_name && text.contains(':')) {
            return false;
        }
        let escapes_backslash = self.escape_connect && command != Command::Connected;
        for byte in text.bytes() {
            if byte == b'\\' && escapes_backslash {
                out.put_u8(b'\\');
            }
            out.put_u8(byte);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1_2: Encoder = Encoder { version: Version::V1_2, escape_connect: false };
    const V1_1: Encoder = Encoder { version: Version::V1_1, escape_connect: false };
    const RABBIT: Encoder = Encoder { version: Version::V1_2, escape_connect: true };

    #[test]
    fn frames_are_written_as_the_specification_says() {
        use Command::{Connect, Connected, Disconnect, Send};
        for (encoder, command, header, body, expected) in [
            (V1_2, Send, ("a", "b"), &b"x\0y"[..], &b"SEND\na:b\ncontent-length:3\n\nx\0y\0"[..]),
            (V1_2, Disconnect, ("receipt", "1"), b"", b"DISCONNECT\nreceipt:1\n\n\0"),
            (V1_2, Send, ("a:\\", "\r\n"), b"", b"SEND\na\\c\\\\:\\r\\n\n\n\0"),
            (V1_1, Send, ("a:\\", "\n"), b"", b"SEND\na\\c\\\\:\\n\n\n\0"),
            // CONNECT is not escaped, except for RabbitMQ; CONNECTED is never escaped
            (V1_2, Connect, ("passcode", "a:\\b"), b"", b"CONNECT\npasscode:a:\\b\n\n\0"),
            (RABBIT, Connect, ("passcode", "a:\\b"), b"", b"CONNECT\npasscode:a:\\\\b\n\n\0"),
            (RABBIT, Connected, ("server", "\\"), b"", b"CONNECTED\nserver:\\\n\n\0"),
        ] {
            assert_eq!(
                encoder.encode(command, [header], body).unwrap().escape_ascii().to_string(),
                expected.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn what_cannot_be_encoded_is_refused() {
        use Command::{Connect, Send};
        let unencodable = |command, index| EncodeError::Unencodable { command, index };
        for (encoder, command, headers, body, expected) in [
            (V1_2, Connect, vec![("login", "a"), ("passcode", "x\nadmin:1")], "", unencodable(Connect, 2)),
            (V1_2, Connect, vec![("passcode", "x\r")], "", unencodable(Connect, 1)),
            (V1_2, Connect, vec![("passcode", "x\0")], "", unencodable(Connect, 1)),
            (V1_2, Connect, vec![("a:b", "c")], "", unencodable(Connect, 1)),
            (RABBIT, Connect, vec![("passcode", "x\n")], "", unencodable(Connect, 1)),
            (V1_1, Send, vec![("a", "\r")], "", unencodable(Send, 1)),
            (V1_2, Send, vec![("a", "\0")], "", unencodable(Send, 1)),
            (V1_2, Send, vec![("", "a")], "", EncodeError::EmptyName { command: Send, index: 1 }),
            (V1_2, Send, vec![("content-length", "1")], "x", EncodeError::ContentLength { command: Send }),
            (V1_2, Connect, vec![], "x", EncodeError::BodyNotAllowed { command: Connect }),
        ] {
            assert_eq!(encoder.encode(command, headers, body.as_bytes()), Err(expected));
        }
    }
}
