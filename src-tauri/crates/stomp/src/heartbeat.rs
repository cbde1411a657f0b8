//! Heart-beats: what the two sides agree on, when to send one, and when the peer counts as dead (STOMP 1.2,
//! "Heart-beating"). Time is an argument; the one who holds the clock asks [`Pulse::poll_timeout`] when to come back.

use std::{
    fmt,
    time::{Duration, Instant},
};

/// A peer is dead after this many intervals of silence. One would be the letter of the specification, but RabbitMQ rounds
/// intervals down to whole seconds and Spring's beats may come two intervals apart; both servers allow three themselves.
const SILENT_INTERVALS: u32 = 3;

/// Two intervals, zero for none: as one side's wish (the `heart-beat` header) or as what both agreed on.
/// On the wire they are whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeartBeat {
    /// How often this side sends at the latest.
    pub send: Duration,
    /// How often this side is sent something at the latest.
    pub expect: Duration,
}

impl HeartBeat {
    /// Reads a `heart-beat` header (`cx,cy` in milliseconds); `None` if it is not one. A missing header is `0,0`, the default.
    pub fn parse(header: &str) -> Option<HeartBeat> {
        let (send, expect) = header.split_once(',')?;
        let interval = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| text.parse().ok().map(Duration::from_millis)).flatten()
        };
        Some(HeartBeat { send: interval(send)?, expect: interval(expect)? })
    }

    /// What results from this side's wish and the peer's: in each direction the longer interval, and none if one of the
    /// two wants none.
    pub fn agree(self, peer: HeartBeat) -> HeartBeat {
        let longer = |a: Duration, b: Duration| if a.is_zero() || b.is_zero() { Duration::ZERO } else { a.max(b) };
        HeartBeat { send: longer(self.send, peer.expect), expect: longer(self.expect, peer.send) }
    }
}

impl fmt::Display for HeartBeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.send.as_millis(), self.expect.as_millis())
    }
}

/// What is due, from [`Pulse::handle_timeout`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Send a heart-beat now.
    Send,
    /// Nothing came for three intervals: drop the connection, without a polite close.
    PeerSilent,
}

/// The two timers of an open session.
#[derive(Debug, Clone)]
pub struct Pulse {
    agreed: HeartBeat,
    /// `None`: never.
    beat_at: Option<Instant>,
    silent_at: Option<Instant>,
}

impl Pulse {
    /// Starts both timers.
    pub fn new(agreed: HeartBeat, now: Instant) -> Pulse {
        let mut pulse = Pulse { agreed, beat_at: None, silent_at: None };
        pulse.beat_at = pulse.next_beat(now);
        pulse.handle_received(now);
        pulse
    }

    /// Any octet received shows that the peer lives.
    pub fn handle_received(&mut self, now: Instant) {
        self.silent_at = after(now, self.agreed.expect.saturating_mul(SILENT_INTERVALS));
    }

    /// When [`handle_timeout`](Pulse::handle_timeout) has something to say next; `None`: never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.beat_at.into_iter().chain(self.silent_at).min()
    }

    /// What is due at `now`, if anything. A beat is due at every interval, whether or not something else was sent
    /// meanwhile: one octet is cheaper than the bookkeeping.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Beat> {
        if self.silent_at.is_some_and(|at| at <= now) {
            return Some(Beat::PeerSilent);
        }
        if self.beat_at.is_some_and(|at| at <= now) {
            self.beat_at = self.next_beat(now);
            return Some(Beat::Send);
        }
        None
    }

    /// "At least every n milliseconds", and timers only ever fire late: a tenth is kept in hand.
    fn next_beat(&self, now: Instant) -> Option<Instant> {
        after(now, self.agreed.send - self.agreed.send / 10)
    }
}

/// `None` for no interval, and for one that outlasts the clock.
fn after(now: Instant, interval: Duration) -> Option<Instant> {
    if interval.is_zero() { None } else { now.checked_add(interval) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(header: &str) -> HeartBeat {
        HeartBeat::parse(header).unwrap()
    }

    #[test]
    fn the_header_is_two_plain_numbers() {
        for text in ["0,0", "10000,5000"] {
            assert_eq!(beats(text).to_string(), text);
        }
        for text in ["", "1", "1,", ",1", "1,2,3", " 1,2", "1,-2", "+1,2", "1,99999999999999999999"] {
            assert_eq!(HeartBeat::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_longer_interval_wins_and_zero_means_none() {
        for (ours, theirs, agreed) in [
            ("10000,10000", "10000,10000", "10000,10000"),
            ("1000,2000", "5000,3000", "3000,5000"),
            ("1500,900", "1000,1000", "1500,1000"),
            ("10000,10000", "0,0", "0,0"),
            ("0,10000", "20000,5000", "0,20000"),
            ("10000,0", "20000,5000", "10000,0"),
        ] {
            assert_eq!(beats(ours).agree(beats(theirs)), beats(agreed), "{ours} and {theirs}");
        }
    }

    #[test]
    fn a_beat_is_due_within_each_interval() {
        let start = Instant::now();
        let mut pulse = Pulse::new(beats("1000,0"), start);
        let mut now = start;
        for _ in 0..3 {
            let due = pulse.poll_timeout().unwrap();
            assert!(due > now && due <= now + Duration::from_millis(1000));
            assert_eq!(pulse.handle_timeout(due - Duration::from_nanos(1)), None);
            assert_eq!(pulse.handle_timeout(due), Some(Beat::Send));
            assert_eq!(pulse.handle_timeout(due), None);
            now = due;
        }
    }

    #[test]
    fn silence_for_three_intervals_is_death_and_any_octet_is_life() {
        let start = Instant::now();
        let mut pulse = Pulse::new(beats("0,1000"), start);
        assert_eq!(pulse.handle_timeout(start + Duration::from_millis(2999)), None);
        pulse.handle_received(start + Duration::from_millis(2999));
        let due = start + Duration::from_millis(5999);
        assert_eq!(pulse.poll_timeout(), Some(due));
        assert_eq!(pulse.handle_timeout(due), Some(Beat::PeerSilent));
    }

    #[test]
    fn no_interval_and_an_endless_one_never_fall_due() {
        for agreed in ["0,0", "18446744073709551615,18446744073709551615"] {
            let now = Instant::now();
            let mut pulse = Pulse::new(beats(agreed), now);
            assert_eq!(pulse.handle_timeout(now + Duration::from_secs(1 << 30)), None, "{agreed}");
        }
    }
}
