//! Reads frames from bytes, however the bytes are split (STOMP 1.2, "STOMP Frames" and "Augmented
//! BNF").
//!
//! A frame that was pushed in one piece is not copied ([`complete`]). Of any other each octet is
//! copied once, into the buffer of its frame; a body in a thousand pieces costs as much as in one.
//! Lines may end in LF or CRLF. Deliberately absent: what a frame means, and any trimming.
//! Invariants: memory is bounded by [`Limits`] for any input, and what is decoded does not depend
//! on how the input is cut. A frame beyond the limits is read to its end, counted and reported as
//! [`Oversize`], and the session goes on.

mod complete;

use std::{fmt, mem};

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use crate::{Command, DecodeError, Frame, Version, escape, frame::Span};

/// Octets of the longest command, `UNSUBSCRIBE`, and of CRLF.
const MAX_COMMAND_LINE: usize = 13;

/// A longer header line is dropped from an oversize frame, even one of [`NEEDED_HEADERS`].
const MAX_NEEDED_LINE: usize = 4 * 1024;

/// How many octets of an oversize frame are kept as received.
const MAX_PREFIX: usize = 64 * 1024;

/// Headers that are kept even when a frame's head is beyond the limits: without them the message
/// could be neither attributed nor acknowledged, and the server would redeliver it forever.
const NEEDED_HEADERS: [&str; 8] = [
    "subscription",
    "message-id",
    "ack",
    "destination",
    "content-length",
    "content-type",
    "redelivered",
    "amqp-message-id",
];

/// The largest frame that is kept. A larger one is skipped and reported; it is not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a body.
    pub max_body: usize,
    /// Header lines, repeated ones included.
    pub max_headers: usize,
    /// Octets of command and header lines together, line ends included.
    pub max_header_bytes: u32,
}

impl Default for Limits {
    /// A body of 4 MiB, and 512 headers in 64 KiB.
    fn default() -> Limits {
        Limits { max_body: 4 * 1024 * 1024, max_headers: 512, max_header_bytes: 64 * 1024 }
    }
}

/// What [`Decoder::next`] has found.
#[derive(Debug, Clone)]
pub enum Decoded {
    /// A complete frame.
    Frame(Frame),
    /// A line end between frames: a heart-beat, or the line end that RabbitMQ adds to every frame.
    HeartBeat,
    /// A frame beyond the limits, read to its end and dropped.
    Oversize(Oversize),
}

/// What is left of a frame beyond the [`Limits`].
#[derive(Clone)]
pub struct Oversize {
    /// Command and headers, without a body. If there were too many headers, these are the first
    /// ones and, of the others, those needed to attribute and acknowledge the message:
    /// `subscription`, `message-id`, `ack`, `destination`, `content-length`, `content-type`,
    /// `redelivered`, `amqp-message-id` (each up to 4 KiB).
    pub head: Frame,
    /// The first 64 KiB of the frame as received.
    pub prefix: Bytes,
    /// Octets of the whole frame, its NUL included.
    pub len: u64,
}

impl fmt::Debug for Oversize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oversize").field("head", &self.head).field("len", &self.len).finish_non_exhaustive()
    }
}

/// A decoder for either direction. Push received bytes, then call [`next`](Decoder::next) until it
/// returns `None`.
pub struct Decoder {
    limits: Limits,
    version: Version,
    /// Pushed, not yet examined.
    input: Bytes,
    phase: Phase,
    /// The frame being read, as received; while it is skipped, only what is kept of its head.
    raw: BytesMut,
    headers: Vec<Span>,
    /// Header lines seen so far.
    lines: usize,
    /// Where in `raw` the line being read begins.
    line_start: usize,
    content_length: Option<u64>,
    /// Where in `raw` the body begins.
    body_start: usize,
    skip: Option<Skip>,
}

#[derive(Clone, Copy)]
enum Phase {
    /// After a CR only LF may follow.
    BetweenFrames {
        after_cr: bool,
    },
    CommandLine,
    Head(Command),
    /// The body has a content-length; this many octets are missing.
    BodyOfLength(Command, u64),
    /// The body has no content-length.
    BodyUntilNul(Command),
    /// The body is complete.
    ExpectNul(Command),
    Failed(DecodeError),
}

/// A frame beyond the limits: its octets are counted and its beginning is kept.
struct Skip {
    prefix: BytesMut,
    len: u64,
    line_len: usize,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    pub fn new(limits: Limits, version: Version) -> Decoder {
        Decoder {
            limits,
            version,
            input: Bytes::new(),
            phase: Phase::BetweenFrames { after_cr: false },
            raw: BytesMut::new(),
            headers: Vec::new(),
            lines: 0,
            line_start: 0,
            content_length: None,
            body_start: 0,
            skip: None,
        }
    }

    /// Sets the negotiated version, which decides what escapes are defined in the following frames.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Adds received bytes. Call [`next`](Decoder::next) until `None` before the next push:
    /// [`Limits`] do not bound bytes that were pushed and not decoded.
    pub fn push(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        if self.input.is_empty() {
            self.input = bytes;
        } else {
            let mut joined = BytesMut::from(mem::take(&mut self.input));
            joined.extend_from_slice(&bytes);
            self.input = joined.freeze();
        }
    }

    /// Decodes the next item; `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`DecodeError`] if the peer broke the protocol; every later call returns the same one.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator ends at its first `None`; a decoder continues after a push"
    )]
    pub fn next(&mut self) -> Result<Option<Decoded>, DecodeError> {
        while let Some(&byte) = self.input.first() {
            match self.step(byte) {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(error) => self.phase = Phase::Failed(error),
            }
        }
        if let Phase::Failed(error) = self.phase { Err(error) } else { Ok(None) }
    }

    /// Consumes one part of the input, whose first octet is `byte`.
    fn step(&mut self, byte: u8) -> Result<Option<Decoded>, DecodeError> {
        match self.phase {
            Phase::BetweenFrames { after_cr } => match byte {
                b'\n' => {
                    self.input.advance(1);
                    self.phase = Phase::BetweenFrames { after_cr: false };
                    return Ok(Some(Decoded::HeartBeat));
                }
                b'\r' if !after_cr => {
                    self.input.advance(1);
                    self.phase = Phase::BetweenFrames { after_cr: true };
                }
                _ if after_cr => return Err(DecodeError::UnknownCommand),
                _ => match complete::split_frame(&mut self.input, self.limits, self.version) {
                    Some(frame) => return Ok(Some(Decoded::Frame(frame))),
                    None => self.phase = Phase::CommandLine,
                },
            },
            Phase::CommandLine => self.command_line()?,
            Phase::Head(command) => self.header_line(command)?,
            Phase::BodyOfLength(command, 0) => self.phase = Phase::ExpectNul(command),
            Phase::BodyOfLength(command, left) => {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.input.len());
                self.take_body(here);
                self.phase = Phase::BodyOfLength(command, left - here as u64);
            }
            Phase::BodyUntilNul(command) => {
                let end = memchr(0, &self.input);
                let here = end.unwrap_or(self.input.len());
                if self.skip.is_none() && self.raw.len() - self.body_start + here > self.limits.max_body {
                    self.start_skip();
                }
                self.take_body(here);
                if end.is_some() {
                    self.phase = Phase::ExpectNul(command);
                }
            }
            Phase::ExpectNul(command) if byte == 0 => {
                self.phase = Phase::BetweenFrames { after_cr: false };
                return Ok(Some(self.finish(command)));
            }
            Phase::ExpectNul(command) => return Err(DecodeError::MissingNul { command }),
            Phase::Failed(_) => self.input.clear(),
        }
        Ok(None)
    }

    fn command_line(&mut self) -> Result<(), DecodeError> {
        let (here, is_whole) = self.line_in_input();
        if self.raw.len() + here > MAX_COMMAND_LINE {
            return Err(DecodeError::UnknownCommand);
        }
        self.raw.extend_from_slice(&self.input.split_to(here));
        if is_whole {
            let command = Command::parse(without_eol(&self.raw)).ok_or(DecodeError::UnknownCommand)?;
            self.line_start = self.raw.len();
            self.phase = Phase::Head(command);
        }
        Ok(())
    }

    fn header_line(&mut self, command: Command) -> Result<(), DecodeError> {
        let (here, is_whole) = self.line_in_input();
        if self.skip.is_none() && self.raw.len() + here > self.limits.max_header_bytes as usize {
            self.start_skip();
        }
        let piece = self.input.split_to(here);
        match &mut self.skip {
            None => self.raw.extend_from_slice(&piece),
            Some(skip) => {
                skip.count(&piece);
                skip.line_len += here;
                let room = (self.line_start + MAX_NEEDED_LINE).saturating_sub(self.raw.len());
                self.raw.extend_from_slice(piece.get(..room).unwrap_or(&piece));
            }
        }
        if is_whole {
            self.lines += 1;
            self.end_of_header_line(command)?;
            if let Some(skip) = &mut self.skip {
                skip.line_len = 0;
            }
        }
        Ok(())
    }

    fn end_of_header_line(&mut self, command: Command) -> Result<(), DecodeError> {
        let line_no = self.lines + 1;
        let start = self.line_start;
        let line = without_eol(self.raw.get(start..).unwrap_or_default());
        let end = start + line.len();
        if self.skip.as_ref().is_some_and(|skip| skip.line_len > MAX_NEEDED_LINE) {
            if line.starts_with(b"content-length:") {
                return Err(DecodeError::ContentLength { command, line: line_no });
            }
            self.raw.truncate(start);
            return Ok(());
        }
        if line.is_empty() {
            self.end_of_head(command);
            return Ok(());
        }
        let colon = memchr(b':', line).ok_or(DecodeError::HeaderWithoutColon { command, line: line_no })?;
        let is_escaped = command.is_escaped()
            && escape::check(line, self.version).ok_or(DecodeError::UndefinedEscape { command, line: line_no })?;
        let span = Span::new(start, start + colon, end, is_escaped);
        let name = line.get(..colon).unwrap_or_default();
        if name == b"content-length" && self.content_length.is_none() {
            let digits = line.get(colon + 1..).unwrap_or_default();
            let length = parse_length(digits).ok_or(DecodeError::ContentLength { command, line: line_no })?;
            self.content_length = Some(length);
        }
        let is_short = line.len() <= MAX_NEEDED_LINE;
        if self.skip.is_none() && self.headers.len() >= self.limits.max_headers {
            self.start_skip();
        }
        if self.skip.is_none() || (is_short && self.is_needed(span)) {
            self.headers.push(span);
            self.line_start = self.raw.len();
        } else {
            self.raw.truncate(start);
        }
        Ok(())
    }

    fn is_needed(&self, span: Span) -> bool {
        let name = self.raw.get(span.name()).unwrap_or_default();
        NEEDED_HEADERS.iter().any(|kept| kept.as_bytes() == name)
            && !self.headers.iter().any(|seen| self.raw.get(seen.name()) == Some(name))
    }

    fn end_of_head(&mut self, command: Command) {
        self.body_start = self.raw.len();
        self.phase = match self.content_length {
            None => Phase::BodyUntilNul(command),
            Some(length) => {
                match usize::try_from(length) {
                    Ok(length) if length <= self.limits.max_body => self.raw.reserve(length),
                    _ => self.start_skip(),
                }
                Phase::BodyOfLength(command, length)
            }
        };
    }

    fn finish(&mut self, command: Command) -> Decoded {
        let end = self.input.split_to(1);
        let head_end = self.line_start;
        let body = if self.skip.is_some() { head_end..head_end } else { self.body_start..self.raw.len() };
        let frame =
            Frame::new(mem::take(&mut self.raw).freeze(), command, mem::take(&mut self.headers), head_end, body);
        self.lines = 0;
        self.line_start = 0;
        self.content_length = None;
        match self.skip.take() {
            None => Decoded::Frame(frame),
            Some(mut skip) => {
                skip.count(&end);
                Decoded::Oversize(Oversize { head: frame, prefix: skip.prefix.freeze(), len: skip.len })
            }
        }
    }

    /// Memory held for the frame being read, for the test that it is bounded.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        let prefix = self.skip.as_ref().map_or(0, |skip| skip.prefix.capacity());
        self.input.len() + self.raw.capacity() + prefix + self.headers.capacity() * size_of::<Span>()
    }

    /// How many octets of the line being read are in the input, LF included, and whether the line
    /// is complete.
    fn line_in_input(&self) -> (usize, bool) {
        memchr(b'\n', &self.input).map_or((self.input.len(), false), |at| (at + 1, true))
    }

    fn take_body(&mut self, here: usize) {
        let piece = self.input.split_to(here);
        match &mut self.skip {
            None => self.raw.extend_from_slice(&piece),
            Some(skip) => skip.count(&piece),
        }
    }

    /// From now on the octets of the frame are only counted. All octets so far are in `raw`.
    fn start_skip(&mut self) {
        if self.skip.is_some() {
            return;
        }
        let prefix = self.raw.get(..MAX_PREFIX).unwrap_or(&self.raw).into();
        let line_len = self.raw.len() - self.line_start;
        self.skip = Some(Skip { prefix, len: self.raw.len() as u64, line_len });
        // The line being read may be a needed one. It is copied, so that the large buffer is freed.
        self.raw = self.raw.get(..self.line_start + line_len.min(MAX_NEEDED_LINE)).unwrap_or_default().into();
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("limits", &self.limits).field("version", &self.version).finish_non_exhaustive()
    }
}

impl Skip {
    fn count(&mut self, piece: &[u8]) {
        self.len += piece.len() as u64;
        let room = MAX_PREFIX.saturating_sub(self.prefix.len());
        self.prefix.extend_from_slice(piece.get(..room).unwrap_or(piece));
    }
}

/// The line without LF or CRLF.
fn without_eol(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Decimal digits and nothing else.
fn parse_length(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { max_body: 16, max_headers: 4, max_header_bytes: 200 };

    /// Everything that `bytes` decode to, in a comparable form.
    fn decode(limits: Limits, version: Version, bytes: &[u8]) -> Result<Vec<String>, DecodeError> {
        let mut decoder = Decoder::new(limits, version);
        decoder.push(bytes.to_vec());
        let mut found = Vec::new();
        while let Some(decoded) = decoder.next()? {
            found.push(match decoded {
                Decoded::Frame(frame) => describe(&frame),
                Decoded::HeartBeat => "heart-beat".into(),
                Decoded::Oversize(big) => format!("oversize {} of {}", describe(&big.head), big.len),
            });
        }
        Ok(found)
    }

    fn describe(frame: &Frame) -> String {
        let headers: Vec<_> = frame.headers().map(|(name, value)| format!("{name:?}={value:?}")).collect();
        format!("{} {} {:?}", frame.command(), headers.join(" "), String::from_utf8_lossy(frame.body()))
    }

    #[test]
    fn frames_are_read_as_the_specification_says() {
        for (bytes, expected) in [
            (&b"MESSAGE\na:b\n\nhi\0"[..], &[r#"MESSAGE "a"="b" "hi""#][..]),
            // CRLF, mixed with LF
            (b"MESSAGE\r\na:b\r\nc:d\n\r\nhi\r\n\0", &["MESSAGE \"a\"=\"b\" \"c\"=\"d\" \"hi\\r\\n\""]),
            // any line ends between frames
            (b"\n\r\nRECEIPT\n\n\0\n", &["heart-beat", "heart-beat", r#"RECEIPT  """#, "heart-beat"]),
            // the first colon splits; nothing is trimmed; the first of repeated headers comes first
            (b"ERROR\n a : b:c \n a :2\nx:\n\n\0", &[r#"ERROR " a "=" b:c " " a "="2" "x"="" """#]),
            // escapes in names and values
            (b"MESSAGE\na\\cb:\\n\\r\\c\\\\n\n\n\0", &[r#"MESSAGE "a:b"="\n\r:\\n" """#]),
            // CONNECT, STOMP and CONNECTED are not escaped
            (b"CONNECT\npasscode:a\\tb\\\n\n\0", &[r#"CONNECT "passcode"="a\\tb\\" """#]),
            (b"CONNECTED\nuser-name:a:\\c\n\n\0", &[r#"CONNECTED "user-name"="a:\\c" """#]),
            // content-length is exact; without it the first NUL ends the body
            (b"SEND\ncontent-length:3\n\na\0b\0", &["SEND \"content-length\"=\"3\" \"a\\0b\""]),
            (b"SEND\ncontent-length:0\n\n\0", &[r#"SEND "content-length"="0" """#]),
            (
                b"SEND\ncontent-length:1\ncontent-length:9\n\nx\0",
                &[r#"SEND "content-length"="1" "content-length"="9" "x""#],
            ),
            (b"SEND\n\na\0SEND\n\nb\0", &[r#"SEND  "a""#, r#"SEND  "b""#]),
            // what a publisher may put into a header must not end the session
            (b"MESSAGE\n:v\nk:\xff\n\n\0", &["MESSAGE \"\"=\"v\" \"k\"=\"\u{fffd}\" \"\""]),
            // not complete yet
            (b"MESSAGE\na:b\n\nhi", &[]),
        ] {
            let expected = expected.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(decode(SMALL, Version::V1_2, bytes), Ok(expected), "{:?}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_protocol_error_of_the_peer_is_a_typed_error() {
        use Command::{Message, Send};
        for (bytes, expected) in [
            (&b"message\n"[..], DecodeError::UnknownCommand),
            (b"MESSAGE \n", DecodeError::UnknownCommand),
            (b"HTTP/1.1 400 B", DecodeError::UnknownCommand),
            (b"\0", DecodeError::UnknownCommand),
            (b"\rMESSAGE\n", DecodeError::UnknownCommand),
            (b"MESSAGE\na:b\nc\n", DecodeError::HeaderWithoutColon { command: Message, line: 3 }),
            (b"MESSAGE\na:\\t\n", DecodeError::UndefinedEscape { command: Message, line: 2 }),
            (b"MESSAGE\na:\\\n", DecodeError::UndefinedEscape { command: Message, line: 2 }),
            (b"SEND\ncontent-length: 3\n", DecodeError::ContentLength { command: Send, line: 2 }),
            (b"SEND\ncontent-length:\n", DecodeError::ContentLength { command: Send, line: 2 }),
            (b"SEND\ncontent-length:+3\n", DecodeError::ContentLength { command: Send, line: 2 }),
            (
                // beyond the limits and too long to keep: the end of the frame is unknown
                &[b"SEND\ncontent-length:", &[b'0'; 5000][..], b"1\n"].concat(),
                DecodeError::ContentLength { command: Send, line: 2 },
            ),
            (b"SEND\ncontent-length:1\n\nab\0", DecodeError::MissingNul { command: Send }),
        ] {
            let padded = [bytes, b"                "].concat();
            assert_eq!(decode(SMALL, Version::V1_2, &padded), Err(expected), "{:?}", bytes.escape_ascii());
        }
    }

    #[test]
    fn an_error_is_final() {
        let mut decoder = Decoder::new(SMALL, Version::V1_2);
        decoder.push(&b"nonsense\n"[..]);
        assert_eq!(decoder.next().unwrap_err(), DecodeError::UnknownCommand);
        decoder.push(&b"MESSAGE\n\n\0"[..]);
        assert_eq!(decoder.next().unwrap_err(), DecodeError::UnknownCommand);
    }

    #[test]
    fn the_carriage_return_escape_is_undefined_in_1_1() {
        let bytes = b"MESSAGE\na:\\r\n\n\0";
        let undefined = DecodeError::UndefinedEscape { command: Command::Message, line: 2 };
        assert_eq!(decode(SMALL, Version::V1_1, bytes), Err(undefined));
        assert_eq!(decode(SMALL, Version::V1_2, bytes).map(|found| found.len()), Ok(1));
    }

    #[test]
    fn a_frame_at_the_limits_is_accepted() {
        let head = format!("SEND\na:{}\n\n\0", "x".repeat(200 - 9));
        for bytes in [
            "SEND\n\n0123456789abcdef\0",
            "SEND\ncontent-length:16\n\n0123456789abcdef\0",
            "SEND\na:1\nb:2\nc:3\nd:4\n\n\0",
            &head,
        ] {
            let found = decode(SMALL, Version::V1_2, bytes.as_bytes()).unwrap();
            assert!(found.len() == 1 && found[0].starts_with("SEND "), "{found:?}");
        }
    }

    #[test]
    fn a_frame_beyond_the_limits_is_skipped_and_the_next_one_read() {
        let next = b"RECEIPT\nreceipt-id:1\n\n\0";
        let long = "x".repeat(300);
        for (bytes, expected) in [
            // body with and without content-length
            (
                "MESSAGE\nack:1\ncontent-length:17\n\n0123456789abcdef\0\0".into(),
                r#"MESSAGE "ack"="1" "content-length"="17" """#,
            ),
            ("MESSAGE\nack:1\n\n0123456789abcdef!\0".into(), r#"MESSAGE "ack"="1" """#),
            // too many headers: the needed ones are kept, each once
            (
                "MESSAGE\na:1\nb:2\nc:3\nd:4\ne:5\nack:6\nack:7\nsubscription:8\n\nbody\0".into(),
                r#"MESSAGE "a"="1" "b"="2" "c"="3" "d"="4" "ack"="6" "subscription"="8" """#,
            ),
            // too many header octets, and a body as long as its content-length says
            (
                format!("MESSAGE\na:1\nb:{long}\ncontent-length:3\nack:6\n\n\0\0\0\0"),
                r#"MESSAGE "a"="1" "content-length"="3" "ack"="6" """#,
            ),
            // the line that crosses the limit may itself be a needed one
            (format!("MESSAGE\nb:1\nack:{long}\n\n\0"), &format!(r#"MESSAGE "b"="1" "ack"="{long}" """#)),
            // but not if it is too long to keep
            (format!("MESSAGE\nb:1\nack:{}\nc:2\n\n\0", "y".repeat(5000)), r#"MESSAGE "b"="1" """#),
        ] {
            let mut stream: Vec<u8> = bytes.clone().into();
            stream.extend_from_slice(next);
            let expected =
                vec![format!("oversize {expected} of {}", bytes.len()), r#"RECEIPT "receipt-id"="1" """#.to_owned()];
            assert_eq!(decode(SMALL, Version::V1_2, &stream), Ok(expected));
        }
    }

    #[test]
    fn a_needed_header_longer_than_the_kept_line_is_dropped_at_the_header_count_too() {
        let limits = Limits { max_headers: 1, ..Limits::default() };
        let bytes = format!("MESSAGE\na:1\nack:{}\nsubscription:s\n\n\0", "y".repeat(5000));
        let expected = format!("oversize MESSAGE \"a\"=\"1\" \"subscription\"=\"s\" \"\" of {}", bytes.len());
        assert_eq!(decode(limits, Version::V1_2, bytes.as_bytes()), Ok(vec![expected]));
    }

    #[test]
    fn the_prefix_of_an_oversize_frame_is_its_first_64_kib() {
        let mut bytes = b"MESSAGE\nack:1\n\n".to_vec();
        bytes.extend((0..200_000_u32).map(|n| b'a' + (n % 26) as u8));
        bytes.push(0);
        let mut decoder = Decoder::new(SMALL, Version::V1_2);
        decoder.push(bytes.clone());
        let Ok(Some(Decoded::Oversize(big))) = decoder.next() else { panic!("not oversize") };
        assert_eq!((big.len, &big.prefix[..]), (bytes.len() as u64, &bytes[..MAX_PREFIX]));
        assert_eq!(big.head.raw_head(), b"MESSAGE\nack:1\n");
    }
}
