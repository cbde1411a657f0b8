//! STOMP 1.1 and 1.2 without I/O: bytes and time go in, bytes and events come out.
//!
//! It opens no socket, reads no clock, spawns nothing and logs nothing. [`Decoder`], [`Encoder`],
//! [`Frame`] and [`HeartBeatTimers`] work in both directions, so a server can be built on them as
//! well as a client. [`Session`] is the client. Errors say which side made the mistake:
//! [`DecodeError`] and [`Violation`] the peer, [`EncodeError`] and [`SessionError`] the caller.
//! "Not enough bytes yet" is `None`.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use stomp::{AckMode, Connect, HeartBeat, Limits, Session, SessionEvent};
//!
//! let every_10_s = HeartBeat { send: Duration::from_secs(10), expect: Duration::from_secs(10) };
//! let connect = Connect { host: "/".into(), heart_beat: every_10_s, ..Connect::default() };
//! let mut session = Session::new(&connect, Limits::default())?;
//! let now = Instant::now();
//!
//! let frame = session.poll_transmit().expect("CONNECT comes first");
//! assert_eq!(&frame[..], b"CONNECT\naccept-version:1.2,1.1\nhost:/\nheart-beat:10000,10000\n\n\0");
//!
//! session.handle_bytes(&b"CONNECTED\nversion:1.2\nheart-beat:10000,10000\n\n\0"[..], now);
//! assert!(matches!(session.poll_event(), Some(SessionEvent::Connected { .. })));
//! session.subscribe("news".into(), "/topic/news", AckMode::ClientIndividual, &[])?;
//!
//! let message = b"MESSAGE\nsubscription:news\nmessage-id:1\nack:a1\ndestination:/topic/news\n\nhello\0";
//! session.handle_bytes(&message[..], now);
//! let Some(SessionEvent::Message { ack: Some(token), frame, .. }) = session.poll_event() else { panic!() };
//! assert_eq!(frame.body(), b"hello");
//! session.ack(&token)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decoder;
mod encoder;
mod error;
mod escape;
mod frame;
mod heart_beat;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod recorded;
mod session;
mod version;

pub use decoder::{Decoded, Decoder, Limits, Oversize};
pub use encoder::{Encoder, HEART_BEAT};
pub use error::{DecodeError, EncodeError};
pub use frame::{Command, Frame};
pub use heart_beat::{HeartBeat, HeartBeatEvent, HeartBeatTimers};
pub use session::{
    AckMode, AckToken, Connect, DISCONNECT_TIMEOUT, ReceiptId, Session, SessionError, SessionEvent, SubscriptionId,
    Violation,
};
pub use version::Version;
