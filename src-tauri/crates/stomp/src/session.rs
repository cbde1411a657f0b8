//! A client's session: from CONNECT to the end, over one connection.
//!
//! Bytes and time go in through `handle_*`; `poll_*` returns what to send, what happened and when
//! to call again. A session begins with the socket, and CONNECT is the first frame to send. After
//! ERROR, a violation, silence or DISCONNECT the session is over and sends nothing more.
//! Deliberately absent: reconnecting, a time-out for CONNECTED, and any state across sessions:
//! message and acknowledgement ids are valid only within their session.

mod connect;
mod event;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    fmt,
    time::{Duration, Instant},
};

use bytes::Bytes;

pub use self::{
    connect::Connect,
    event::{AckMode, AckToken, ReceiptId, SessionError, SessionEvent, SubscriptionId, Violation},
};
use crate::{
    Command, Decoded, Decoder, EncodeError, Encoder, Frame, HEART_BEAT, HeartBeat, Limits, Oversize, Version,
    heart_beat::{HeartBeatEvent, HeartBeatTimers},
};

/// How long the session waits for the receipt of DISCONNECT, which may never come (STOMP 1.2,
/// "Connection Lingering").
pub const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A client's session.
pub struct Session {
    state: State,
    decoder: Decoder,
    encoder: Encoder,
    heart_beat: HeartBeat,
    /// Every subscription of this session, ended ones included.
    subscriptions: HashMap<SubscriptionId, Subscription>,
    last_receipt: ReceiptId,
    events: VecDeque<SessionEvent>,
    outgoing: VecDeque<Bytes>,
}

enum State {
    Connecting,
    Open(HeartBeatTimers),
    Disconnecting { receipt: ReceiptId, until: Option<Instant> },
    Over,
}

struct Subscription {
    destination: String,
    ack: AckMode,
    /// Ended by us. Messages that were already on their way are ignored, but are no violation.
    is_ended: bool,
}

impl Session {
    /// A session whose first [`poll_transmit`](Session::poll_transmit) is CONNECT.
    ///
    /// # Errors
    /// [`EncodeError`] if a credential or header cannot be sent in CONNECT.
    pub fn new(connect: &Connect, limits: Limits) -> Result<Session, EncodeError> {
        Ok(Session {
            state: State::Connecting,
            decoder: Decoder::new(limits, Version::V1_2),
            encoder: Encoder::new(Version::V1_2),
            heart_beat: connect.heart_beat,
            subscriptions: HashMap::new(),
            last_receipt: ReceiptId(0),
            events: VecDeque::new(),
            outgoing: VecDeque::from([connect.encode()?]),
        })
    }

    /// Handles what the socket has received, split anywhere. Each complete frame becomes an event.
    pub fn handle_bytes(&mut self, bytes: impl Into<Bytes>, now: Instant) {
        let bytes = bytes.into();
        if self.is_over() || bytes.is_empty() {
            return;
        }
        if let State::Open(timers) = &mut self.state {
            timers.handle_received(now);
        }
        self.decoder.push(bytes);
        while !self.is_over() {
            let handled = match self.decoder.next() {
                Ok(None) => return,
                Ok(Some(Decoded::HeartBeat)) => Ok(()),
                Ok(Some(Decoded::Frame(frame))) => self.handle_frame(frame, now),
                Ok(Some(Decoded::Oversize(oversize))) => self.handle_oversize(oversize),
                Err(error) => Err(error.into()),
            };
            if let Err(violation) = handled {
                self.end(SessionEvent::Violation(violation));
            }
        }
    }

    /// Nothing was read until now, whatever the peer has sent: its silence counts from here.
    pub fn handle_unread(&mut self, now: Instant) {
        if let State::Open(timers) = &mut self.state {
            timers.handle_received(now);
        }
    }

    /// Call it at the time that [`poll_timeout`](Session::poll_timeout) returned; an earlier call
    /// has no effect.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Open(timers) => match timers.handle_timeout(now) {
                Some(HeartBeatEvent::SendDue) => self.outgoing.push_back(Bytes::from_static(HEART_BEAT)),
                Some(HeartBeatEvent::PeerSilent) => self.end(SessionEvent::PeerSilent),
                None => {}
            },
            State::Disconnecting { until, .. } if until.is_some_and(|until| until <= now) => {
                self.end(SessionEvent::Disconnected { is_confirmed: false });
            }
            State::Connecting | State::Disconnecting { .. } | State::Over => {}
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// The next bytes to send: one complete frame (CONNECT contains secrets) or a heart-beat.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.outgoing.pop_front()
    }

    /// When to call [`handle_timeout`](Session::handle_timeout); `None`: never. Every `handle_*`
    /// call may change it.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Open(timers) => timers.poll_timeout(),
            State::Disconnecting { until, .. } => *until,
            State::Connecting | State::Over => None,
        }
    }

    /// Subscribes. The receipt confirms it, if the server sends receipts. Of repeated headers the
    /// session's own (`id`, `destination`, `ack`, `receipt`) win.
    ///
    /// # Errors
    /// [`SessionError`]; then nothing was sent.
    pub fn subscribe(
        &mut self,
        id: SubscriptionId,
        destination: &str,
        ack: AckMode,
        headers: &[(String, String)],
    ) -> Result<ReceiptId, SessionError> {
        if self.subscriptions.get(&id).is_some_and(|known| !known.is_ended) {
            return Err(SessionError::DuplicateSubscription(id));
        }
        let own = [("id", id.as_str()), ("destination", destination), ("ack", ack.as_str())];
        let receipt = self.transmit(Command::Subscribe, &own, headers, b"")?;
        let destination = destination.to_owned();
        self.subscriptions.insert(id, Subscription { destination, ack, is_ended: false });
        Ok(receipt)
    }

    /// Ends a subscription; messages that still arrive for it cause no event. On RabbitMQ the
    /// header `durable:true` deletes the queue with its messages.
    ///
    /// # Errors
    /// [`SessionError`]; then nothing was sent.
    pub fn unsubscribe(
        &mut self,
        id: &SubscriptionId,
        headers: &[(String, String)],
    ) -> Result<ReceiptId, SessionError> {
        if self.subscriptions.get(id).is_none_or(|known| known.is_ended) {
            return Err(SessionError::UnknownSubscription(id.clone()));
        }
        let receipt = self.transmit(Command::Unsubscribe, &[("id", id.as_str())], headers, b"")?;
        if let Some(known) = self.subscriptions.get_mut(id) {
            known.is_ended = true;
        }
        Ok(receipt)
    }

    /// Sends a message. Of repeated headers the session's own (`destination`, `receipt`) win.
    ///
    /// # Errors
    /// [`SessionError`]; then nothing was sent.
    pub fn send(
        &mut self,
        destination: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<ReceiptId, SessionError> {
        self.transmit(Command::Send, &[("destination", destination)], headers, body)
    }

    /// Acknowledges a message of this session: it is consumed.
    ///
    /// # Errors
    /// [`SessionError::NotOpen`] and, after UNSUBSCRIBE, [`SessionError::UnknownSubscription`]: the
    /// server will deliver the message again.
    pub fn ack(&mut self, token: &AckToken) -> Result<(), SessionError> {
        self.send_ack(Command::Ack, token)
    }

    /// Rejects a message of this session: it was not consumed. The server decides what happens to
    /// it.
    ///
    /// # Errors
    /// As [`ack`](Session::ack).
    pub fn nack(&mut self, token: &AckToken) -> Result<(), SessionError> {
        self.send_ack(Command::Nack, token)
    }

    /// Sends DISCONNECT, and nothing after it. Messages that are on their way still become events
    /// until [`SessionEvent::Disconnected`], which follows within [`DISCONNECT_TIMEOUT`].
    ///
    /// # Errors
    /// [`SessionError::NotOpen`]: there is no session to end; close the connection.
    pub fn disconnect(&mut self, now: Instant) -> Result<(), SessionError> {
        let receipt = self.transmit(Command::Disconnect, &[], &[], b"")?;
        self.state = State::Disconnecting { receipt, until: now.checked_add(DISCONNECT_TIMEOUT) };
        Ok(())
    }

    /// Whether the session has ended, for any reason.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Writes a frame that asks for a receipt.
    fn transmit(
        &mut self,
        command: Command,
        own: &[(&str, &str)],
        more: &[(String, String)],
        body: &[u8],
    ) -> Result<ReceiptId, SessionError> {
        if !matches!(self.state, State::Open(_)) {
            return Err(SessionError::NotOpen);
        }
        let receipt = ReceiptId(self.last_receipt.0 + 1);
        let text = receipt.to_string();
        let more = more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers = own.iter().copied().chain([("receipt", text.as_str())]).chain(more);
        self.outgoing.push_back(self.encoder.encode(command, headers, body)?);
        self.last_receipt = receipt;
        Ok(receipt)
    }

    fn send_ack(&mut self, command: Command, token: &AckToken) -> Result<(), SessionError> {
        if !matches!(self.state, State::Open(_)) {
            return Err(SessionError::NotOpen);
        }
        let frame = match (&token.subscription, self.encoder.version) {
            // RabbitMQ replies to it with ERROR, which would end the session.
            (Some(id), _) if self.subscriptions.get(id).is_none_or(|known| known.is_ended) => {
                return Err(SessionError::UnknownSubscription(id.clone()));
            }
            (Some(id), Version::V1_1) => {
                let both = [("message-id", &*token.id), ("subscription", id.as_str())];
                self.encoder.encode(command, both, b"")
            }
            (None, Version::V1_1) | (_, Version::V1_2) => self.encoder.encode(command, [("id", &*token.id)], b""),
        };
        self.outgoing.push_back(frame?);
        Ok(())
    }

    fn handle_frame(&mut self, frame: Frame, now: Instant) -> Result<(), Violation> {
        match (frame.command(), &self.state) {
            (Command::Connected, State::Connecting) => self.handle_connected(&frame, now),
            (Command::Message, State::Open(_) | State::Disconnecting { .. }) => {
                if let Some((subscription, ack)) = self.route(&frame) {
                    self.events.push_back(SessionEvent::Message { subscription, ack, frame });
                }
                Ok(())
            }
            (Command::Receipt, State::Open(_) | State::Disconnecting { .. }) => self.handle_receipt(&frame),
            (Command::Error, _) => {
                self.handle_error(frame);
                Ok(())
            }
            (command, _) => Err(Violation::UnexpectedFrame(command)),
        }
    }

    fn handle_oversize(&mut self, oversize: Oversize) -> Result<(), Violation> {
        match (oversize.head.command(), &self.state) {
            (Command::Message, State::Open(_) | State::Disconnecting { .. }) => {
                if let Some((subscription, ack)) = self.route(&oversize.head) {
                    self.events.push_back(SessionEvent::Oversize { subscription, ack, oversize });
                }
                Ok(())
            }
            (Command::Error, _) => {
                self.handle_error(oversize.head);
                Ok(())
            }
            (command, _) => Err(Violation::Oversize(command)),
        }
    }

    fn handle_connected(&mut self, frame: &Frame, now: Instant) -> Result<(), Violation> {
        let version = frame.header("version").and_then(|text| Version::parse(&text)).ok_or(Violation::Version)?;
        let server_offer = match frame.header("heart-beat") {
            Some(header) => HeartBeat::parse(&header).ok_or(Violation::HeartBeat)?,
            None => HeartBeat::default(),
        };
        let heart_beat = self.heart_beat.negotiate(server_offer);
        self.decoder.set_version(version);
        self.encoder.version = version;
        self.state = State::Open(HeartBeatTimers::new(heart_beat, now));
        let text = |name| frame.header(name).map(|value| value.into_owned());
        self.events.push_back(SessionEvent::Connected {
            version,
            server: text("server"),
            session: text("session"),
            user_name: text("user-name"),
            heart_beat,
        });
        Ok(())
    }

    /// The subscription of a message and what acknowledges it; `None` if that subscription was
    /// ended by us. Some servers name no subscription, or one that was never made: then the
    /// destination tells, and without a match an `ack` header is still answered.
    fn route(&self, frame: &Frame) -> Option<(Option<SubscriptionId>, Option<AckToken>)> {
        let named = frame.header("subscription").and_then(|id| self.subscriptions.get_key_value(&*id));
        let Some((id, known)) = named.or_else(|| self.subscription_to(&frame.header("destination")?)) else {
            let token = frame.header("ack").map(|ack| AckToken { subscription: None, id: ack.into() });
            return Some((None, token));
        };
        if known.is_ended {
            return None;
        }
        // Spring's simple broker does not support ACK and sends no `ack` header, whatever SUBSCRIBE
        // asked for.
        let ack = match (known.ack, self.encoder.version) {
            (AckMode::Auto, _) => None,
            (_, Version::V1_1) => frame.header("message-id"),
            (_, Version::V1_2) => frame.header("ack"),
        };
        let token = ack.map(|ack| AckToken { subscription: Some(id.clone()), id: ack.into() });
        Some((Some(id.clone()), token))
    }

    /// The subscription to this destination that has not ended.
    fn subscription_to(&self, destination: &str) -> Option<(&SubscriptionId, &Subscription)> {
        let mut matching = self.subscriptions.iter();
        matching.find(|(_, known)| !known.is_ended && known.destination == destination)
    }

    /// A receipt that was not requested confirms nothing and is ignored.
    fn handle_receipt(&mut self, frame: &Frame) -> Result<(), Violation> {
        let Some(id) = self.own_receipt(&required_header(frame, "receipt-id")?) else { return Ok(()) };
        if matches!(self.state, State::Disconnecting { receipt, .. } if receipt == id) {
            self.end(SessionEvent::Disconnected { is_confirmed: true });
        } else {
            self.events.push_back(SessionEvent::Receipt(id));
        }
        Ok(())
    }

    fn handle_error(&mut self, frame: Frame) {
        let message = frame.header("message").unwrap_or_default().into_owned();
        let receipt = frame.header("receipt-id").and_then(|text| self.own_receipt(&text));
        self.end(SessionEvent::Error { message, receipt, frame });
    }

    /// The receipt id in a header, if it is one of ours.
    fn own_receipt(&self, text: &str) -> Option<ReceiptId> {
        let id = ReceiptId(text.parse().ok()?);
        (id > ReceiptId(0) && id <= self.last_receipt).then_some(id)
    }

    fn end(&mut self, why: SessionEvent) {
        self.state = State::Over;
        self.outgoing.clear();
        self.events.push_back(why);
    }
}

fn required_header<'a>(frame: &'a Frame, header: &'static str) -> Result<Cow<'a, str>, Violation> {
    frame.header(header).ok_or(Violation::MissingHeader { command: frame.command(), header })
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Connecting => "connecting",
            State::Open(_) => "open",
            State::Disconnecting { .. } => "disconnecting",
            State::Over => "over",
        };
        let subscriptions: Vec<_> = self.subscriptions.keys().collect();
        f.debug_struct("Session").field("state", &state).field("subscriptions", &subscriptions).finish_non_exhaustive()
    }
}
