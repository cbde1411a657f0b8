//! Which message of a connection may be acknowledged, and with what.
//!
//! Where an ACK covers all messages before it (`ack = "client"`), one that is committed waits for
//! those before it: the ACK of a later message must not acknowledge one whose write is still being
//! retried. Deliberately absent: the ACK frame and the socket.

use std::collections::{BTreeMap, VecDeque};

use stomp::AckToken;

/// Messages that wait for their commit, and the acknowledgements that are ready to be sent.
#[derive(Debug, Default)]
pub struct Acks {
    delivered: u64,
    waiting: BTreeMap<u64, Waiting>,
    ready: VecDeque<AckToken>,
}

#[derive(Debug)]
struct Waiting {
    token: AckToken,
    /// Its subscription, if an ACK there covers all messages before it.
    cumulative: Option<usize>,
    is_committed: bool,
}

impl Acks {
    /// Numbers a received message.
    pub fn handle_delivered(&mut self, token: AckToken, cumulative: Option<usize>) -> u64 {
        self.delivered += 1;
        self.waiting.insert(self.delivered, Waiting { token, cumulative, is_committed: false });
        self.delivered
    }

    /// A message is committed. Where an ACK covers all before it, it waits for the ones before it.
    pub fn handle_committed(&mut self, number: u64) {
        let Some(waiting) = self.waiting.get_mut(&number) else { return };
        waiting.is_committed = true;
        let Some(subscription) = waiting.cumulative else {
            self.ready.extend(self.waiting.remove(&number).map(|waiting| waiting.token));
            return;
        };
        let committed: Vec<u64> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.cumulative == Some(subscription))
            .take_while(|(_, waiting)| waiting.is_committed)
            .map(|(number, _)| *number)
            .collect();
        let last = committed.into_iter().filter_map(|number| self.waiting.remove(&number)).last();
        self.ready.extend(last.map(|waiting| waiting.token));
    }

    /// The next acknowledgement to send.
    #[must_use]
    pub fn poll_ack(&mut self) -> Option<AckToken> {
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use stomp::{AckMode, Connect, Encoder, Limits, Session, SessionEvent, SubscriptionId, Version};

    use super::*;

    /// The tokens of three messages, as a server would deliver them.
    fn tokens() -> Vec<AckToken> {
        let now = Instant::now();
        let mut session = Session::new(&Connect::default(), Limits::default()).unwrap();
        let frame = |command, headers: &[(&str, &str)]| {
            Encoder::new(Version::V1_2).encode(command, headers.iter().copied(), b"").unwrap()
        };
        session.handle_bytes(frame(stomp::Command::Connected, &[("version", "1.2")]), now);
        session.subscribe(SubscriptionId::from("s"), "/queue/q", AckMode::Client, &[]).unwrap();
        for ack in ["1", "2", "3"] {
            let headers = [("subscription", "s"), ("message-id", ack), ("ack", ack), ("destination", "/queue/q")];
            session.handle_bytes(frame(stomp::Command::Message, &headers), now);
        }
        std::iter::from_fn(|| session.poll_event())
            .filter_map(|event| match event {
                SessionEvent::Message { ack, .. } => ack,
                _ => None,
            })
            .collect()
    }

    fn ready(acks: &mut Acks) -> Vec<AckToken> {
        std::iter::from_fn(|| acks.poll_ack()).collect()
    }

    #[test]
    fn each_message_is_acknowledged_by_itself_once_it_is_committed() {
        let (tokens, mut acks) = (tokens(), Acks::default());
        let numbers: Vec<u64> = tokens.iter().map(|token| acks.handle_delivered(token.clone(), None)).collect();
        acks.handle_committed(numbers[2]);
        acks.handle_committed(numbers[0]);
        assert_eq!(ready(&mut acks), [tokens[2].clone(), tokens[0].clone()]);
        acks.handle_committed(numbers[0]);
        assert_eq!(ready(&mut acks), [], "once");
    }

    #[test]
    fn an_ack_that_covers_all_before_it_waits_for_them() {
        let (tokens, mut acks) = (tokens(), Acks::default());
        let numbers: Vec<u64> = tokens.iter().map(|token| acks.handle_delivered(token.clone(), Some(0))).collect();
        acks.handle_committed(numbers[1]);
        acks.handle_committed(numbers[2]);
        assert_eq!(ready(&mut acks), []);
        acks.handle_committed(numbers[0]);
        assert_eq!(ready(&mut acks), [tokens[2].clone()], "one for all three");
    }
}
