//! The raw WebSocket of a message service: each text frame is one message, and nothing is said
//! back.
//!
//! Pure: pieces of a frame go in, whole messages come out. What a message means is decided by
//! [`crate::notice::parse`], what an early close means by [`crate::pipeline::link`]. Invariant:
//! memory is bounded by the largest message taken, whatever arrives.

use std::collections::VecDeque;

use crate::storage::MAX_REJECTED_BYTES;

/// A session over one connection. It begins with the connection.
#[derive(Debug)]
pub struct RawSession {
    max_message: usize,
    message: Vec<u8>,
    is_too_large: bool,
    received: VecDeque<RawMessage>,
}

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawMessage {
    /// The whole of it.
    Whole(Vec<u8>),
    /// The beginning of one that is too large.
    TooLarge(Vec<u8>),
}

impl RawSession {
    /// A session that takes messages of up to so many bytes.
    pub fn new(max_message: usize) -> Self {
        Self { max_message, message: Vec::new(), is_too_large: false, received: VecDeque::new() }
    }

    /// Takes the next piece of a message.
    pub fn handle_piece(&mut self, piece: &[u8]) {
        if self.is_too_large {
            return;
        }
        self.message.extend_from_slice(piece);
        if self.message.len() > self.max_message {
            self.is_too_large = true;
            self.message.truncate(MAX_REJECTED_BYTES);
            self.message.shrink_to_fit();
        }
    }

    /// The message has ended.
    pub fn handle_message_end(&mut self) {
        let message = std::mem::take(&mut self.message);
        let is_too_large = std::mem::take(&mut self.is_too_large);
        self.received.push_back(if is_too_large { RawMessage::TooLarge(message) } else { RawMessage::Whole(message) });
    }

    /// The next message.
    pub fn poll_message(&mut self) -> Option<RawMessage> {
        self.received.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_whole_messages_and_an_empty_one_is_a_message_too() {
        let mut session = RawSession::new(100);
        session.handle_piece(b"{\"id\"");
        assert_eq!(session.poll_message(), None);
        session.handle_piece(b":1}");
        session.handle_message_end();
        session.handle_message_end();
        assert_eq!(session.poll_message(), Some(RawMessage::Whole(b"{\"id\":1}".to_vec())));
        assert_eq!(session.poll_message(), Some(RawMessage::Whole(Vec::new())));
        assert_eq!(session.poll_message(), None);
    }

    #[test]
    fn a_message_that_is_too_large_keeps_its_beginning_and_the_next_one_is_whole() {
        let mut session = RawSession::new(MAX_REJECTED_BYTES + 10);
        for _ in 0..1_000 {
            session.handle_piece(&[b'x'; 1_000]);
            assert!(session.message.len() <= MAX_REJECTED_BYTES + 1_010);
        }
        session.handle_message_end();
        session.handle_piece(b"y");
        session.handle_message_end();
        assert_eq!(session.poll_message(), Some(RawMessage::TooLarge(vec![b'x'; MAX_REJECTED_BYTES])));
        assert_eq!(session.poll_message(), Some(RawMessage::Whole(b"y".to_vec())));
    }
}
