//! A received frame: one [`Bytes`] and the positions of its headers in it. Strings are made only on
//! request.
//!
//! A `Frame` exists only if its framing and its escapes are valid, so reading it cannot fail.
//! Deliberately absent: building frames, which [`Encoder`](crate::Encoder) does. Invariant: `Debug`
//! shows only the command, the header names and the length of the body, since values and bodies are
//! private and CONNECT contains a password.

use std::{borrow::Cow, fmt, ops::Range};

use bytes::Bytes;

use crate::escape;

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A STOMP command, of either side.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Command { $($(#[$doc])* $name,)* }

        impl Command {
            /// The command on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Command::$name => $text,)* }
            }

            /// Parses a command line without its end of line; `None` for anything else.
            pub fn parse(line: &[u8]) -> Option<Command> {
                $(if line == $text.as_bytes() { return Some(Command::$name); })*
                None
            }
        }
    };
}

commands! {
    /// Client: opens the session.
    Connect = "CONNECT",
    /// Client: the same as CONNECT, but its first octets differ from every HTTP method.
    Stomp = "STOMP",
    /// Client: a message for a destination.
    Send = "SEND",
    /// Client: begins a subscription.
    Subscribe = "SUBSCRIBE",
    /// Client: ends a subscription.
    Unsubscribe = "UNSUBSCRIBE",
    /// Client: a message was consumed.
    Ack = "ACK",
    /// Client: a message was not consumed.
    Nack = "NACK",
    /// Client: starts a transaction.
    Begin = "BEGIN",
    /// Client: commits a transaction.
    Commit = "COMMIT",
    /// Client: rolls a transaction back.
    Abort = "ABORT",
    /// Client: ends the session.
    Disconnect = "DISCONNECT",
    /// Server: the session is open.
    Connected = "CONNECTED",
    /// Server: a message of a subscription.
    Message = "MESSAGE",
    /// Server: a client frame was processed.
    Receipt = "RECEIPT",
    /// Server: something went wrong; the connection ends.
    Error = "ERROR",
}

impl Command {
    /// Only SEND, MESSAGE and ERROR may have a body (STOMP 1.2, "Body").
    pub fn may_have_body(self) -> bool {
        matches!(self, Command::Send | Command::Message | Command::Error)
    }

    /// Every frame is escaped except CONNECT, STOMP and CONNECTED, for compatibility with 1.0
    /// (STOMP 1.2, "Value Encoding").
    pub fn is_escaped(self) -> bool {
        !matches!(self, Command::Connect | Command::Stomp | Command::Connected)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The position of a header line in the frame. It is small, since one is made for each header that
/// is received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// Where the line begins.
    start: u32,
    /// The line's first colon, at which the name ends.
    colon: u32,
    /// The end of the line, without its line end.
    end: u32,
    /// Name or value contains escapes.
    pub(crate) is_escaped: bool,
}

impl Span {
    /// The positions of a head fit, since `Limits::max_header_bytes` is a `u32`.
    pub(crate) fn new(start: usize, colon: usize, end: usize, is_escaped: bool) -> Span {
        let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { start: position(start), colon: position(colon), end: position(end), is_escaped }
    }

    pub(crate) fn line(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn name(self) -> Range<usize> {
        self.start as usize..self.colon as usize
    }

    pub(crate) fn value(self) -> Range<usize> {
        self.colon as usize + 1..self.end as usize
    }
}

/// A frame as received. Cheap to clone: the bytes are shared. A frame that arrived in one piece is
/// part of that piece, so it keeps all of the pushed bytes in memory: copy what is to stay.
#[derive(Clone)]
pub struct Frame {
    raw: Bytes,
    command: Command,
    headers: Vec<Span>,
    /// The end of the last header line, its end of line included.
    head_end: usize,
    body: Range<usize>,
}

impl Frame {
    pub(crate) fn new(raw: Bytes, command: Command, headers: Vec<Span>, head_end: usize, body: Range<usize>) -> Frame {
        Frame { raw, command, headers, head_end, body }
    }

    /// The command.
    pub fn command(&self) -> Command {
        self.command
    }

    /// The value of the first header of this name (the first of repeated ones wins: STOMP 1.2,
    /// "Repeated Header Entries"), unescaped, never trimmed.
    ///
    /// Octets that are not UTF-8 become U+FFFD: RabbitMQ forwards any octets that a publisher put
    /// into an AMQP header, and an error here would end the session at every redelivery of such a
    /// message. [`raw_head`](Frame::raw_head) has the original octets.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let span = self.headers.iter().find(|span| match span.is_escaped {
            false => self.slice(span.name()) == name.as_bytes(),
            true => self.text(span.name(), true) == name,
        })?;
        Some(self.text(span.value(), span.is_escaped))
    }

    /// All headers with their names, in their order on the wire, repeated ones included.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.headers
            .iter()
            .map(|span| (self.text(span.name(), span.is_escaped), self.text(span.value(), span.is_escaped)))
    }

    /// The body; empty if there is none.
    pub fn body(&self) -> &[u8] {
        self.slice(self.body.clone())
    }

    /// The body without a copy; it keeps in memory what the frame keeps.
    pub fn body_bytes(&self) -> Bytes {
        self.raw.slice(self.body.clone())
    }

    /// Command and header lines as received, to store with a message that cannot be used.
    pub fn raw_head(&self) -> &[u8] {
        self.slice(0..self.head_end)
    }

    fn slice(&self, range: Range<usize>) -> &[u8] {
        self.raw.get(range).unwrap_or_default()
    }

    fn text(&self, range: Range<usize>, is_escaped: bool) -> Cow<'_, str> {
        let octets = self.slice(range);
        // Almost always it is UTF-8, and this finds that out sooner than the replacement does.
        let text = str::from_utf8(octets).map_or_else(|_| String::from_utf8_lossy(octets), Cow::Borrowed);
        if is_escaped { escape::unescape(text) } else { text }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("Frame")
            .field("command", &self.command)
            .field("headers", &names)
            .field("body_len", &self.body.len())
            .finish()
    }
}
