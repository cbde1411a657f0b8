//! Heart-beats: what the two sides negotiate, when to send one, and when the peer counts as dead
//! (STOMP 1.2, "Heart-beating").
//!
//! Deliberately absent: a clock. Time is an argument, and [`HeartBeatTimers::poll_timeout`] tells
//! the caller when to call again.

use std::{
    fmt,
    time::{Duration, Instant},
};

/// The peer counts as dead after this many intervals of silence. The specification says one, but
/// RabbitMQ rounds intervals down to whole seconds and Spring's heart-beats can be two intervals
/// apart. Both servers allow their clients three.
const SILENT_INTERVALS: u32 = 3;

/// Two intervals, zero for none: what one side offers (the `heart-beat` header), or what both sides
/// negotiated. On the wire they are whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeartBeat {
    /// The longest time between two sends of this side.
    pub send: Duration,
    /// The longest time between two sends of the peer.
    pub expect: Duration,
}

impl HeartBeat {
    /// Parses a `heart-beat` header (`cx,cy` in milliseconds); `None` if it is malformed. A missing
    /// header means `0,0`, the default.
    pub fn parse(header: &str) -> Option<HeartBeat> {
        let (send, expect) = header.split_once(',')?;
        let interval = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| text.parse().ok().map(Duration::from_millis)).flatten()
        };
        Some(HeartBeat { send: interval(send)?, expect: interval(expect)? })
    }

    /// The result of this side's offer and the peer's: in each direction the longer interval, and
    /// none if either side asks for none.
    pub fn negotiate(self, peer: HeartBeat) -> HeartBeat {
        let longer = |a: Duration, b: Duration| if a.is_zero() || b.is_zero() { Duration::ZERO } else { a.max(b) };
        HeartBeat { send: longer(self.send, peer.expect), expect: longer(self.expect, peer.send) }
    }
}

impl fmt::Display for HeartBeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.send.as_millis(), self.expect.as_millis())
    }
}

/// What [`HeartBeatTimers::handle_timeout`] reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartBeatEvent {
    /// Send a heart-beat now.
    SendDue,
    /// Nothing was received for three intervals: drop the connection without DISCONNECT.
    PeerSilent,
}

/// The two timers of an open session.
#[derive(Debug, Clone)]
pub struct HeartBeatTimers {
    negotiated: HeartBeat,
    /// `None`: never.
    send_at: Option<Instant>,
    silent_at: Option<Instant>,
}

impl HeartBeatTimers {
    /// Starts both timers with the negotiated intervals.
    pub fn new(negotiated: HeartBeat, now: Instant) -> HeartBeatTimers {
        let mut timers = HeartBeatTimers { negotiated, send_at: None, silent_at: None };
        timers.send_at = timers.next_send(now);
        timers.handle_received(now);
        timers
    }

    /// Restarts the silence timer: any octet received shows that the peer is alive.
    pub fn handle_received(&mut self, now: Instant) {
        self.silent_at = after(now, self.negotiated.expect.saturating_mul(SILENT_INTERVALS));
    }

    /// When to call [`handle_timeout`](HeartBeatTimers::handle_timeout) next; `None`: never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.send_at.into_iter().chain(self.silent_at).min()
    }

    /// What is due at `now`, if anything. A heart-beat is due at every interval, even if something
    /// else was sent in between: one octet costs less than keeping track.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<HeartBeatEvent> {
        if self.silent_at.is_some_and(|at| at <= now) {
            return Some(HeartBeatEvent::PeerSilent);
        }
        if self.send_at.is_some_and(|at| at <= now) {
            self.send_at = self.next_send(now);
            return Some(HeartBeatEvent::SendDue);
        }
        None
    }

    /// A tenth before the interval ends: the header promises data "at least every n milliseconds",
    /// and timers fire late.
    fn next_send(&self, now: Instant) -> Option<Instant> {
        after(now, self.negotiated.send - self.negotiated.send / 10)
    }
}

/// `None` for no interval, and for one that exceeds the range of [`Instant`].
fn after(now: Instant, interval: Duration) -> Option<Instant> {
    if interval.is_zero() { None } else { now.checked_add(interval) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> HeartBeat {
        HeartBeat::parse(header).unwrap()
    }

    #[test]
    fn the_header_is_two_plain_numbers() {
        for text in ["0,0", "10000,5000"] {
            assert_eq!(parse(text).to_string(), text);
        }
        for text in ["", "1", "1,", ",1", "1,2,3", " 1,2", "1,-2", "+1,2", "1,99999999999999999999"] {
            assert_eq!(HeartBeat::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_longer_interval_wins_and_zero_means_none() {
        for (ours, theirs, negotiated) in [
            ("10000,10000", "10000,10000", "10000,10000"),
            ("1000,2000", "5000,3000", "3000,5000"),
            ("1500,900", "1000,1000", "1500,1000"),
            ("10000,10000", "0,0", "0,0"),
            ("0,10000", "20000,5000", "0,20000"),
            ("10000,0", "20000,5000", "10000,0"),
        ] {
            assert_eq!(parse(ours).negotiate(parse(theirs)), parse(negotiated), "{ours} and {theirs}");
        }
    }

    #[test]
    fn a_heart_beat_is_due_within_each_interval() {
        let start = Instant::now();
        let mut timers = HeartBeatTimers::new(parse("1000,0"), start);
        let mut now = start;
        for _ in 0..3 {
            let due = timers.poll_timeout().unwrap();
            assert!(due > now && due <= now + Duration::from_millis(1000));
            assert_eq!(timers.handle_timeout(due - Duration::from_nanos(1)), None);
            assert_eq!(timers.handle_timeout(due), Some(HeartBeatEvent::SendDue));
            assert_eq!(timers.handle_timeout(due), None);
            now = due;
        }
    }

    #[test]
    fn three_silent_intervals_mean_a_dead_peer_and_any_octet_a_live_one() {
        let start = Instant::now();
        let mut timers = HeartBeatTimers::new(parse("0,1000"), start);
        assert_eq!(timers.handle_timeout(start + Duration::from_millis(2999)), None);
        timers.handle_received(start + Duration::from_millis(2999));
        let due = start + Duration::from_millis(5999);
        assert_eq!(timers.poll_timeout(), Some(due));
        assert_eq!(timers.handle_timeout(due), Some(HeartBeatEvent::PeerSilent));
    }

    #[test]
    fn no_interval_and_one_beyond_the_clock_are_never_due() {
        for negotiated in ["0,0", "18446744073709551615,18446744073709551615"] {
            let now = Instant::now();
            let mut timers = HeartBeatTimers::new(parse(negotiated), now);
            assert_eq!(timers.handle_timeout(now + Duration::from_secs(1 << 30)), None, "{negotiated}");
        }
    }
}
