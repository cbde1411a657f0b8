//! What a server sees when all clients of a company come back at once: the engine's own link, fifty
//! thousand times, on a simulated clock.
//!
//! The server accepts every attempt while it is up; how many a real one can take is measured in
//! [`crate::sessions`]. Clients reach it by one address, as behind a load balancer. Deliberately
//! absent: messages and catch-up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::time::{Duration, Instant};

use belfry_core::clock::Now;
use belfry_core::error::{Failure, Fault};
use belfry_core::pipeline::link::{Generation, Link, LinkAction, LinkInput};
use jiff::Timestamp;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::plot::{Curve, Plot, Scale, draw};
use crate::report::{Figure, Report};

const SECTION: &str = "fleet";
const FLEET: usize = 50_000;
const OFFICE: usize = 500;
const NODES: usize = 3;
const SPREADS: [u64; 3] = [2, 30, 120];
/// How long the server is down.
const OUTAGE: Duration = Duration::from_secs(60);
/// One node after another is restarted this often, and is down for half of it.
const RESTART_EVERY: Duration = Duration::from_secs(300);
/// Sessions are this old, so that they count as stable.
const STABLE: Duration = Duration::from_secs(3_600);
/// A refused connection.
const REFUSED: Duration = Duration::from_millis(5);
/// TCP, TLS and the WebSocket.
const OPENED: Duration = Duration::from_millis(60);
/// CONNECT and SUBSCRIBE.
const ESTABLISHED: Duration = Duration::from_millis(40);

/// Simulates each outage with each spread.
pub(crate) fn measure(report: &mut Report, folder: &Path) {
    let mut curves: Vec<Curve> = Vec::new();
    for spread in SPREADS {
        let spread_of = format!("reconnect_spread = \"{spread}s\"");
        let outage = simulate(FLEET, Duration::from_secs(spread), &Disturbance::Outage);
        let share = outage.peak_after(OUTAGE) as f64 / FLEET as f64 * 100.0;
        let rest = spread.saturating_sub(OUTAGE.as_secs());
        let all_back = outage.last_live().saturating_sub(OUTAGE).as_secs_f64();
        let what = |text: &str| format!("{FLEET} clients, outage of 60 s, {spread_of}: {text}");
        report.add(
            Figure::new(SECTION, what("most attempts in a second after it"), share, "% of the fleet").at_most(10.0),
        );
        report.add(
            Figure::new(SECTION, what("all live"), all_back, "s after it").at_most(25.0_f64.max(rest as f64 + 5.0)),
        );
        curves.push((spread_of.clone(), outage.curve()));

        let rolling = simulate(FLEET, Duration::from_secs(spread), &Disturbance::RollingRestart);
        let what = |text: &str| format!("{FLEET} clients, {NODES} nodes restarted in turn, {spread_of}: {text}");
        report.add(Figure::new(SECTION, what("most attempts in a second"), rolling.peak() as f64, ""));
        report.add(Figure::new(SECTION, what("all live"), rolling.longest_gap.as_secs_f64(), "s after a node went"));

        let office = simulate(OFFICE, Duration::from_secs(spread), &Disturbance::WakeUp);
        let what = |text: &str| format!("{OFFICE} clients waking at once, {spread_of}: {text}");
        report.add(Figure::new(SECTION, what("most attempts in a second"), office.peak() as f64, ""));
        report.add(Figure::new(SECTION, what("all live"), office.last_live().as_secs_f64(), "s after"));
    }
    let title = format!("Attempts to connect per second, {FLEET} clients, the server is down from 0 to 60 s");
    let plot = Plot { title: &title, x: "seconds", y: "attempts a second", scale: Scale::Linear, curves: &curves };
    draw(&folder.join("fleet.svg"), &plot);
}

enum Disturbance {
    /// The server goes, and comes back after [`OUTAGE`].
    Outage,
    /// One node after another goes and comes back; its clients reach those that are up.
    RollingRestart,
    /// The server has closed the sessions of computers that slept, and they wake.
    WakeUp,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Lose(Option<Generation>),
    Wake,
    Refused(Generation),
    Opened(Generation),
    Established(Generation),
    Tick,
}

struct Client {
    link: Link,
    rng: SmallRng,
    node: usize,
    lost_at: Option<Duration>,
}

/// What the server saw, from the beginning of the disturbance.
struct Seen {
    /// When clients tried to connect, in order.
    attempts: Vec<Duration>,
    /// When clients became live again, in order.
    live: Vec<Duration>,
    /// The longest time that a client was without a session.
    longest_gap: Duration,
}

impl Seen {
    /// The most attempts within one second.
    fn peak(&self) -> usize {
        self.peak_after(Duration::ZERO)
    }

    fn peak_after(&self, begin: Duration) -> usize {
        let attempts = &self.attempts[self.attempts.partition_point(|at| *at < begin)..];
        let until = |at: Duration| attempts.partition_point(|other| *other < at + Duration::from_secs(1));
        attempts.iter().enumerate().map(|(index, at)| until(*at) - index).max().unwrap_or_default()
    }

    fn last_live(&self) -> Duration {
        self.live.last().copied().unwrap_or_default()
    }

    fn curve(&self) -> Vec<(f64, f64)> {
        let seconds = self.attempts.last().map_or(0, Duration::as_secs);
        let mut counts = vec![0_u32; seconds as usize + 2];
        self.attempts.iter().for_each(|at| counts[at.as_secs() as usize] += 1);
        counts.into_iter().enumerate().map(|(second, count)| (second as f64, f64::from(count))).collect()
    }
}

/// Runs `clients` live clients through the disturbance until all of them are live again.
fn simulate(clients: usize, spread: Duration, disturbance: &Disturbance) -> Seen {
    let epoch = Instant::now();
    let now = |at: Duration| Now { mono: epoch + STABLE + at, wall: Timestamp::UNIX_EPOCH + at };
    let begin = Now { mono: epoch, wall: Timestamp::UNIX_EPOCH };
    let mut fleet: Vec<Client> = (0..clients).map(|number| live_client(number, spread, begin)).collect();
    let mut events = BinaryHeap::new();
    match disturbance {
        Disturbance::Outage => {
            (0..clients).for_each(|it| events.push(Reverse((Duration::ZERO, it, Event::Lose(None)))))
        }
        Disturbance::WakeUp => (0..clients).for_each(|it| events.push(Reverse((Duration::ZERO, it, Event::Wake)))),
        // Who is on the node is known when it goes.
        Disturbance::RollingRestart => {
            for node in 0..NODES {
                let at = RESTART_EVERY * u32::try_from(node).expect("three nodes");
                (0..clients).for_each(|it| events.push(Reverse((at, it, Event::Lose(None)))));
            }
        }
    }
    let mut seen = Seen { attempts: Vec::new(), live: Vec::new(), longest_gap: Duration::ZERO };
    while let Some(Reverse((at, number, event))) = events.pop() {
        let client = &mut fleet[number];
        let input = match event {
            Event::Lose(generation) => {
                let generation = generation.unwrap_or_else(|| client.link.generation());
                if matches!(disturbance, Disturbance::RollingRestart) && Some(client.node) != node_down(at) {
                    continue;
                }
                client.lost_at.get_or_insert(at);
                LinkInput::Lost(generation, Failure::new(Fault::Broken, "the server went away"))
            }
            Event::Wake => {
                client.lost_at = Some(at);
                LinkInput::Woke
            }
            Event::Refused(generation) => {
                LinkInput::Lost(generation, Failure::new(Fault::Unreachable, "connection refused"))
            }
            Event::Opened(generation) => {
                events.push(Reverse((at + ESTABLISHED, number, Event::Established(generation))));
                LinkInput::Opened(generation)
            }
            Event::Established(generation) => {
                seen.live.push(at);
                let gap = at.saturating_sub(client.lost_at.take().unwrap_or(at));
                seen.longest_gap = seen.longest_gap.max(gap);
                LinkInput::Established(generation)
            }
            Event::Tick => LinkInput::Tick,
        };
        let is_established = matches!(input, LinkInput::Established(_));
        let mut actions = client.link.step(input, now(at), &mut client.rng);
        if is_established {
            actions.extend(client.link.step(LinkInput::CaughtUp(client.link.generation()), now(at), &mut client.rng));
        }
        for action in actions {
            match action {
                LinkAction::Open { generation, .. } => {
                    seen.attempts.push(at);
                    let is_down = matches!(disturbance, Disturbance::Outage) && at < OUTAGE;
                    client.node = other_node(node_down(at), &mut client.rng);
                    let outcome = if is_down {
                        (REFUSED, Event::Refused(generation))
                    } else {
                        (OPENED, Event::Opened(generation))
                    };
                    events.push(Reverse((at + outcome.0, number, outcome.1)));
                }
                // The server closed the session while the computer slept, and says so now.
                LinkAction::Probe(generation) => {
                    events.push(Reverse((at + REFUSED, number, Event::Lose(Some(generation)))));
                }
                LinkAction::Close { .. } | LinkAction::Refresh | LinkAction::Renew => {}
            }
        }
        if let Some(due) = client.link.poll_timeout() {
            let due = due.saturating_duration_since(epoch + STABLE);
            // An earlier tick that is still queued does nothing.
            events.push(Reverse((due.max(at), number, Event::Tick)));
        }
    }
    seen
}

/// A client with a session of [`STABLE`] age, on one of the nodes.
fn live_client(number: usize, spread: Duration, begin: Now) -> Client {
    let mut rng = SmallRng::seed_from_u64(number as u64);
    let mut link = Link::new(1, spread, begin);
    let inputs: [fn(Generation) -> LinkInput; 4] =
        [|_| LinkInput::Connect, LinkInput::Opened, LinkInput::Established, LinkInput::CaughtUp];
    for input in inputs {
        let _ = link.step(input(link.generation()), begin, &mut rng);
    }
    Client { link, rng, node: number % NODES, lost_at: None }
}

/// The node that is down in a rolling restart.
fn node_down(at: Duration) -> Option<usize> {
    let (node, since) = (at.as_secs() / RESTART_EVERY.as_secs(), at.as_secs() % RESTART_EVERY.as_secs());
    (node < NODES as u64 && since < RESTART_EVERY.as_secs() / 2).then_some(node as usize)
}

/// Where a load balancer sends a new client.
fn other_node(down: Option<usize>, rng: &mut SmallRng) -> usize {
    loop {
        let node = rng.random_range(0..NODES);
        if Some(node) != down {
            return node;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_is_live_again_after_an_outage_and_no_attempt_was_missed() {
        let seen = simulate(300, Duration::from_secs(2), &Disturbance::Outage);
        assert_eq!(seen.live.len(), 300);
        assert!(seen.live.iter().all(|at| *at >= OUTAGE), "{:?}", seen.live.first());
        let first = seen.attempts.iter().filter(|at| **at <= Duration::from_secs(2)).count();
        assert!(first >= 300, "each makes its quick first attempt: {first}");
    }

    #[test]
    fn a_rolling_restart_disturbs_only_those_on_the_node() {
        let seen = simulate(300, Duration::from_secs(2), &Disturbance::RollingRestart);
        assert!((300..600).contains(&seen.live.len()), "100, then about 150 twice: {}", seen.live.len());
        assert!(seen.longest_gap <= Duration::from_millis(2_200), "{:?}", seen.longest_gap);
    }

    #[test]
    fn an_office_that_wakes_spreads_its_first_attempts() {
        let seen = simulate(300, Duration::from_secs(30), &Disturbance::WakeUp);
        assert_eq!(seen.attempts.len(), 300);
        assert!(seen.peak() < 40, "{}", seen.peak());
        assert!(seen.last_live() > Duration::from_secs(25), "{:?}", seen.last_live());
    }
}
