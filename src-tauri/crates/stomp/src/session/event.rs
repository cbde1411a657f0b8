//! What a session tells its owner, and the small types in it.

use std::{borrow::Borrow, fmt, sync::Arc};

use crate::{Command, DecodeError, EncodeError, Frame, HeartBeat, Oversize, Version};

/// What happened, in the order it happened.
#[derive(Debug, Clone)]
pub enum SessionEvent {
    /// The server has accepted CONNECT; subscriptions may begin.
    Connected {
        /// The version both speak from here on.
        version: Version,
        /// The `server` header: name and version.
        server: Option<String>,
        /// The `session` header.
        session: Option<String>,
        /// The `user-name` header (Spring): who the server thinks we are.
        user_name: Option<String>,
        /// What both sides agreed on, seen from this one.
        heart_beat: HeartBeat,
    },
    /// A message of one of our subscriptions.
    Message {
        /// Whose message it is. Never judge by `destination`: servers rewrite it.
        subscription: SubscriptionId,
        /// What to acknowledge it with; `None` if nothing is to be acknowledged (mode `auto`, or a server without ACK).
        ack: Option<AckToken>,
        /// The MESSAGE frame.
        frame: Frame,
    },
    /// A message beyond the limits: its body is lost, its headers are not, and it can be acknowledged.
    Oversize {
        /// Whose message it is.
        subscription: SubscriptionId,
        /// As in [`SessionEvent::Message`].
        ack: Option<AckToken>,
        /// What is left of it.
        oversize: Oversize,
    },
    /// The server has processed the frame that this id was returned for, and all before it.
    /// Some servers never send one (Spring's simple broker).
    Receipt(ReceiptId),
    /// The server sent ERROR. The session is over; close the connection, for not every server does (RabbitMQ 3.10).
    Error {
        /// The `message` header, or nothing.
        message: String,
        /// The frame it is about, where the server says so.
        receipt: Option<ReceiptId>,
        /// The ERROR frame; its body often says more.
        frame: Frame,
    },
    /// The server broke the protocol. The session is over; close the connection.
    Violation(Violation),
    /// Nothing was heard for three heart-beat intervals. The session is over; drop the connection.
    PeerSilent,
    /// The end after [`Session::disconnect`](super::Session::disconnect); close the connection.
    Disconnected {
        /// Whether the server confirmed it, or the wait ran out.
        is_confirmed: bool,
    },
}

/// How the server broke the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Its bytes are not STOMP.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A frame that has no business here: of a client, before CONNECTED, or CONNECTED twice.
    #[error("the server sent {0} where it must not")]
    UnexpectedFrame(Command),
    /// CONNECTED with a version that was not offered, or with none (STOMP 1.0).
    #[error("the server chose a stomp version that was not offered (offered: 1.2, 1.1)")]
    Version,
    /// CONNECTED with a `heart-beat` that is not two numbers.
    #[error("the server's heart-beat header is not two numbers of milliseconds")]
    HeartBeat,
    /// A frame without a header it must have.
    #[error("the server's {command} frame has no {header} header")]
    MissingHeader {
        /// The frame's command.
        command: Command,
        /// The header it lacks.
        header: &'static str,
    },
    /// A message for a subscription that was never made here: it may be somebody else's.
    #[error("the server sent a message for a subscription that was never made")]
    UnknownSubscription,
    /// A frame other than MESSAGE or ERROR beyond the limits.
    #[error("the server's {0} frame is too large")]
    Oversize(Command),
}

/// The session was asked for something it cannot do now. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Before CONNECTED, after DISCONNECT, or after the end.
    #[error("the stomp session is not open")]
    NotOpen,
    /// Subscription ids are unique within a session.
    #[error("subscription {0} exists already")]
    DuplicateSubscription(SubscriptionId),
    /// To end a subscription it must have begun.
    #[error("subscription {0} does not exist")]
    UnknownSubscription(SubscriptionId),
    /// The frame cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// The id of a subscription, chosen by the client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(Arc<str>);

impl SubscriptionId {
    /// As in the `id` and `subscription` headers.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SubscriptionId {
    fn from(id: &str) -> SubscriptionId {
        SubscriptionId(id.into())
    }
}

impl Borrow<str> for SubscriptionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a receipt, unique within a session; later frames have greater ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiptId(pub(super) u64);

impl fmt::Display for ReceiptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What acknowledges one message, and only on the session that delivered it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AckToken {
    pub(super) subscription: SubscriptionId,
    /// The MESSAGE's `ack` header in 1.2, its `message-id` in 1.1.
    pub(super) id: Box<str>,
}

/// How the messages of a subscription are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AckMode {
    /// Not at all: sent is delivered, and what is lost on the way is lost.
    #[default]
    Auto,
    /// One ACK covers the message and all before it.
    Client,
    /// Each message on its own.
    ClientIndividual,
}

impl AckMode {
    /// As in the `ack` header of SUBSCRIBE.
    pub fn as_str(self) -> &'static str {
        match self {
            AckMode::Auto => "auto",
            AckMode::Client => "client",
            AckMode::ClientIndividual => "client-individual",
        }
    }

    /// Reads the `ack` header of SUBSCRIBE; `None` if it is not one. A missing header means [`AckMode::Auto`].
    pub fn parse(text: &str) -> Option<AckMode> {
        [AckMode::Auto, AckMode::Client, AckMode::ClientIndividual].into_iter().find(|mode| mode.as_str() == text)
    }
}
