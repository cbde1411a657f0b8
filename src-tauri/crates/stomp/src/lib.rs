//! STOMP 1.1 and 1.2 without I/O: bytes and time go in, bytes and events come out.
//!
//! It opens no socket, reads no clock, spawns nothing and logs nothing. [`Decoder`], [`Encoder`] and [`Frame`] serve both
//! directions, so a server can be built on them as well as a client. Errors keep apart who is to blame: [`DecodeError`]
//! is the peer's, [`EncodeError`] the caller's, and "not enough bytes yet" is `None`.

mod decoder;
mod encoder;
mod error;
mod escape;
mod frame;
mod version;

pub use decoder::{Decoded, Decoder, Limits, Oversize};
pub use encoder::{Encoder, HEART_BEAT};
pub use error::{DecodeError, EncodeError};
pub use frame::{Command, Frame};
pub use version::Version;
