//! What a connection needs of the protocol that runs over it, so that sending, silence and pings are
//! the same for STOMP and for the raw WebSocket.
//!
//! Deliberately absent: what the events mean.

use std::time::Instant;

use belfry_core::raw_session::{RawMessage, RawSession};
use bytes::Bytes;
use stomp::{Session, SessionEvent};

/// A protocol without I/O.
pub trait WireSession {
    /// What happens in it.
    type Event;

    /// A piece of a message has arrived.
    fn handle_piece(&mut self, piece: Bytes, now: Instant);

    /// A message has ended.
    fn handle_message_end(&mut self);

    /// The peer's silence counts from here.
    fn handle_unread(&mut self, now: Instant);

    /// The time of [`Self::poll_timeout`] has come.
    fn handle_timeout(&mut self, now: Instant);

    /// The next event.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// The next bytes to send.
    fn poll_transmit(&mut self) -> Option<Bytes>;

    /// When [`Self::handle_timeout`] is due.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Whether this event says that the peer sends no heart-beats: only pings show whether it is
    /// there.
    fn needs_pings(event: &Self::Event) -> bool;
}

impl WireSession for Session {
    type Event = SessionEvent;

    fn handle_piece(&mut self, piece: Bytes, now: Instant) {
        self.handle_bytes(piece, now);
    }

    /// STOMP is a stream.
    fn handle_message_end(&mut self) {}

    fn handle_unread(&mut self, now: Instant) {
        self.handle_unread(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn poll_event(&mut self) -> Option<SessionEvent> {
        self.poll_event()
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn needs_pings(event: &SessionEvent) -> bool {
        matches!(event, SessionEvent::Connected { heart_beat, .. } if heart_beat.expect.is_zero())
    }
}

/// It says nothing and has no time; its pings begin with the connection.
impl WireSession for RawSession {
    type Event = RawMessage;

    fn handle_piece(&mut self, piece: Bytes, _now: Instant) {
        self.handle_piece(&piece);
    }

    fn handle_message_end(&mut self) {
        self.handle_message_end();
    }

    fn handle_unread(&mut self, _now: Instant) {}

    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_event(&mut self) -> Option<RawMessage> {
        self.poll_message()
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn needs_pings(_event: &RawMessage) -> bool {
        false
    }
}
