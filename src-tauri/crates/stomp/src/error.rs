//! What can go wrong, by which side made the mistake.
//!
//! [`DecodeError`]: the peer broke the protocol. [`EncodeError`]: the caller asked for a frame that
//! cannot be written. "Not enough bytes yet" is neither: it is `None`. Invariant: no error contains
//! received or sent data, so every error can be shown and logged.

/// The peer sent bytes that are not STOMP. Where the next frame begins is unknown, so the
/// connection cannot be used any more.
///
/// `line` counts the lines of the frame: 1 is the command, 2 the first header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A frame does not begin with a STOMP command (commands are case sensitive).
    #[error("the peer sent something that is not a stomp command")]
    UnknownCommand,
    /// A header line without a colon.
    #[error("line {line} of the peer's {command} frame has no colon")]
    HeaderWithoutColon {
        /// The frame's command.
        command: crate::Command,
        /// The line of the frame.
        line: usize,
    },
    /// An escape the version does not define; "MUST be treated as fatal" (STOMP 1.2, "Value
    /// Encoding").
    #[error("line {line} of the peer's {command} frame holds an undefined escape sequence")]
    UndefinedEscape {
        /// The frame's command.
        command: crate::Command,
        /// The line of the frame.
        line: usize,
    },
    /// `content-length` is not a plain decimal number.
    #[error("line {line} of the peer's {command} frame: content-length is not a number")]
    ContentLength {
        /// The frame's command.
        command: crate::Command,
        /// The line of the frame.
        line: usize,
    },
    /// The octet after a body of `content-length` octets is not NUL.
    #[error("the peer's {command} frame does not end where its content-length says")]
    MissingNul {
        /// The frame's command.
        command: crate::Command,
    },
}

/// The caller asked for a frame that cannot be written. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A header name or value with an octet that cannot be encoded: NUL in any frame; CR and LF in
    /// the frames that are not escaped (CONNECT, STOMP, CONNECTED), and a colon in their header
    /// names; CR in STOMP 1.1.
    ///
    /// Written unescaped, a line break in a password would start another header.
    #[error(
        "header {index} of {command} holds a character that cannot be sent there (line break, nul, or colon in a name)"
    )]
    Unencodable {
        /// The frame's command.
        command: crate::Command,
        /// Position of the header in the caller's list, from 1.
        index: usize,
    },
    /// An empty header name.
    #[error("header {index} of {command} has no name")]
    EmptyName {
        /// The frame's command.
        command: crate::Command,
        /// Position of the header in the caller's list, from 1.
        index: usize,
    },
    /// `content-length` was given; the encoder writes it itself.
    #[error("the encoder writes the content-length of {command}: remove it from the headers")]
    ContentLength {
        /// The frame's command.
        command: crate::Command,
    },
    /// A body for a frame that must not have one: only SEND, MESSAGE and ERROR may have a body.
    #[error("a {command} frame cannot have a body")]
    BodyNotAllowed {
        /// The frame's command.
        command: crate::Command,
    },
}
