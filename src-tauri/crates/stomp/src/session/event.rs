//! The events and errors of a session, and the types they contain.

use std::{borrow::Borrow, fmt, sync::Arc};

use crate::{Command, DecodeError, EncodeError, Frame, HeartBeat, Oversize, Version};

/// What happened, in the order it happened.
#[derive(Debug, Clone)]
pub enum SessionEvent {
    /// The server has accepted CONNECT; subscriptions may begin.
    Connected {
        /// The negotiated version.
        version: Version,
        /// The `server` header: name and version.
        server: Option<String>,
        /// The `session` header.
        session: Option<String>,
        /// The `user-name` header (Spring): the user that the server has authenticated.
        user_name: Option<String>,
        /// The negotiated intervals, from the client's point of view.
        heart_beat: HeartBeat,
    },
    /// A message.
    Message {
        /// The subscription that the message names. If it names none that was made, the one to its
        /// destination, if there is one; servers rewrite destinations, so this comes second.
        subscription: Option<SubscriptionId>,
        /// What acknowledges it; `None` if no acknowledgement is expected (mode `auto`, or a server
        /// without ACK).
        ack: Option<AckToken>,
        /// The MESSAGE frame.
        frame: Frame,
    },
    /// A message beyond the limits: its body was dropped; its headers are here, and it can be
    /// acknowledged.
    Oversize {
        /// As in [`SessionEvent::Message`].
        subscription: Option<SubscriptionId>,
        /// As in [`SessionEvent::Message`].
        ack: Option<AckToken>,
        /// What is left of it.
        oversize: Oversize,
    },
    /// The server has processed the frame that this id was returned for, and all frames before it.
    /// Some servers never send receipts (Spring's simple broker).
    Receipt(ReceiptId),
    /// The server sent ERROR. The session is over; close the connection, since not every server
    /// closes it (RabbitMQ 3.10).
    Error {
        /// The `message` header; empty if it is missing.
        message: String,
        /// The receipt id of the frame that caused it, if the server names one.
        receipt: Option<ReceiptId>,
        /// The ERROR frame; its body often has details.
        frame: Frame,
    },
    /// The server broke the protocol. The session is over; close the connection.
    Violation(Violation),
    /// Nothing was received for three heart-beat intervals. The session is over; drop the
    /// connection.
    PeerSilent,
    /// The end after [`Session::disconnect`](super::Session::disconnect); close the connection.
    Disconnected {
        /// Whether the server confirmed it; otherwise the wait for the receipt timed out.
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
    /// A frame that is not allowed in this state: a client's frame, anything before CONNECTED, or a
    /// second CONNECTED.
    #[error("the server sent a {0} frame where the protocol does not allow it")]
    UnexpectedFrame(Command),
    /// CONNECTED with a version that was not offered, or with none (STOMP 1.0).
    #[error("the server chose a stomp version that was not offered (offered: 1.2, 1.1)")]
    Version,
    /// CONNECTED with a `heart-beat` that is not two numbers.
    #[error("the server's heart-beat header is not two numbers of milliseconds")]
    HeartBeat,
    /// A frame without a required header.
    #[error("the server's {command} frame has no {header} header")]
    MissingHeader {
        /// The frame's command.
        command: Command,
        /// The missing header.
        header: &'static str,
    },
    /// A frame other than MESSAGE or ERROR beyond the limits.
    #[error("the server's {0} frame is too large")]
    Oversize(Command),
}

/// The caller asked for something that the session cannot do now. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Before CONNECTED, after DISCONNECT, or after the end.
    #[error("the stomp session is not open")]
    NotOpen,
    /// Subscription ids are unique within a session.
    #[error("subscription {0} exists already")]
    DuplicateSubscription(SubscriptionId),
    /// There is no such subscription, or it was ended.
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
    /// The value of the `id` and `subscription` headers.
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

/// Acknowledges one message, only in the session that delivered it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AckToken {
    /// `None`: the message named no subscription that was made.
    pub(super) subscription: Option<SubscriptionId>,
    /// The MESSAGE's `ack` header in 1.2, its `message-id` in 1.1.
    pub(super) id: Box<str>,
}

/// How the messages of a subscription are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AckMode {
    /// Not at all: the server regards a sent message as delivered, even if it is lost on the way.
    #[default]
    Auto,
    /// One ACK covers the message and all messages before it.
    Client,
    /// Each message separately.
    ClientIndividual,
}

impl AckMode {
    /// The value of the `ack` header of SUBSCRIBE.
    pub fn as_str(self) -> &'static str {
        match self {
            AckMode::Auto => "auto",
            AckMode::Client => "client",
            AckMode::ClientIndividual => "client-individual",
        }
    }

    /// Parses the `ack` header of SUBSCRIBE; `None` for an unknown mode. A missing header means
    /// [`AckMode::Auto`].
    pub fn parse(text: &str) -> Option<AckMode> {
        [AckMode::Auto, AckMode::Client, AckMode::ClientIndividual].into_iter().find(|mode| mode.as_str() == text)
    }
}
