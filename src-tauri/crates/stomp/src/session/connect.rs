//! The contents of CONNECT. Invariant: `Debug` prints `***` in place of everything that may be a
//! secret.

use std::fmt;

use bytes::Bytes;

use crate::{Command, EncodeError, Encoder, HeartBeat, Version};

/// What goes into the CONNECT frame. The session adds `accept-version`: `1.2,1.1`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Connect {
    /// The `host` header: RabbitMQ's virtual host (`/`), elsewhere the server's name.
    pub host: String,
    /// The `login` header.
    pub login: Option<String>,
    /// The `passcode` header; RabbitMQ also accepts a JWT here.
    pub passcode: Option<String>,
    /// More headers, such as a token in `Authorization`. A header that repeats one of the above
    /// comes after it, so servers ignore it.
    pub headers: Vec<(String, String)>,
    /// What this side offers to send and asks to receive.
    pub heart_beat: HeartBeat,
    /// See [`Encoder::escape_connect`]: true for RabbitMQ, false for others.
    pub escape_connect: bool,
}

impl Connect {
    /// The frame.
    ///
    /// # Errors
    /// [`EncodeError::Unencodable`] for a line break or NUL in a value: it would end the header and
    /// start another.
    pub(crate) fn encode(&self) -> Result<Bytes, EncodeError> {
        let heart_beat = self.heart_beat.to_string();
        let always = [("accept-version", Version::OFFERED), ("host", &self.host), ("heart-beat", &heart_beat)];
        let credentials = [("login", &self.login), ("passcode", &self.passcode)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let more = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let encoder = Encoder { version: Version::V1_2, escape_connect: self.escape_connect };
        encoder.encode(Command::Connect, always.into_iter().chain(credentials).chain(more), b"")
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "***");
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| (name, "***")).collect();
        f.debug_struct("Connect")
            .field("host", &self.host)
            .field("login", &hidden(&self.login))
            .field("passcode", &hidden(&self.passcode))
            .field("headers", &headers)
            .field("heart_beat", &self.heart_beat)
            .field("escape_connect", &self.escape_connect)
            .finish()
    }
}
