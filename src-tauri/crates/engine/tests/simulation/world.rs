//! The simulated world: true time, and the queue of events.
//!
//! One queue of events, ordered by time; the pipeline's timer is one more of them. Events on the
//! machine wait while it sleeps, and are dropped after a crash. How the machine drives the pipeline
//! is in [`crate::machine`].

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap},
    time::{Duration, Instant},
};

use belfry_core::{
    clock::Now,
    error::Failure,
    notice::NoticeKey,
    pipeline::{
        PipelineConfig, PipelineInput,
        catchup::{PageRequest, PassId},
        delivery::Ticket,
        link::{Generation, LinkInput, LinkState},
    },
    ports::PopupId,
    settings::Protocol,
    storage::Applied,
    texts::Language,
};
use engine::{
    inbox::{Inbox, Removal},
    store::Store,
};
use jiff::{SignedDuration, tz::TimeZone};

use crate::{
    oracle::{Oracle, Verdict},
    plan::{Act, ApiFault, Moment, Noise, Plan, Refusal},
    rng::SimRng,
    server::{At, Body, Copy, Sent, Server, true_time},
};

mod acts;
pub(crate) mod machine;
mod network;

use machine::{LONG_POLL_SECONDS, Machine, Screen};

/// How long the recovery may take after the faults have ended.
pub(crate) const CALM_MICROS: At = 180_000_000;
/// More steps than this mean an endless loop.
const MAX_STEPS: u64 = 40_000;
/// Attempts to connect, and failing requests, within a minute, without a command of a person.
const MAX_ATTEMPTS: usize = 40;

/// An event on the machine.
#[derive(Debug)]
pub(crate) enum Local {
    /// To the pipeline.
    Step(PipelineInput),
    /// The notification daemon reports that a person has dismissed a popup.
    Closed(PopupId),
    /// From a connection, in order.
    ConnectionReport(ConnectionReport),
    /// The store thread commits what is queued.
    Commit,
    /// The store thread reports results.
    Applied(Vec<(Ticket, Result<Applied, String>)>),
    /// The answer to a request, if it did not time out.
    Answered(u64, PipelineInput),
    /// The notification thread handles its next job.
    Popup,
    /// The idle store thread checks whether another process has changed the inbox.
    Look,
    /// The clocks are compared.
    Clocks,
}

/// A report of a connection.
#[derive(Debug)]
pub(crate) struct ConnectionReport {
    pub session: Option<usize>,
    pub generation: Generation,
    pub event: ConnectionEvent,
}

#[derive(Debug)]
pub(crate) enum ConnectionEvent {
    Opened,
    Established,
    Message(Sent),
    Forged(Copy),
    Lost(Failure),
}

#[derive(Debug)]
pub(crate) enum Event {
    Act(Act),
    Local {
        process: u32,
        local: Local,
    },
    Start,
    /// A person who had disconnected connects again.
    Reconnect,
    /// A person undoes a deletion.
    Restore {
        item: usize,
        removal: Removal,
    },
    /// A SUBSCRIBE takes effect.
    Subscribed {
        session: usize,
        offset: u64,
    },
    /// The server ends a session, or notices that it is gone.
    Ended {
        session: usize,
    },
    /// The token that a session was opened with expires: the server ends the session.
    TokenExpired {
        session: usize,
    },
    Acknowledged {
        session: usize,
        number: u64,
    },
    /// A message is sent to the subscribers.
    Send(Body),
    /// A request has reached the server.
    Request {
        process: u32,
        fetch: u64,
        pass: PassId,
        request: PageRequest,
    },
    /// A request to delete a record has reached the server.
    Deletion {
        process: u32,
        key: NoticeKey,
    },
    /// The faults end.
    Calm,
    /// A person looks at the tray icon.
    Person,
}

struct Due {
    at: At,
    tie: u64,
    event: Event,
}

/// The network's view of a session.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Path {
    /// The connection works.
    pub is_open: bool,
    /// Data in transit is lost.
    pub is_severed: bool,
    /// When the last data arrives.
    pub last: At,
}

/// How a run ended.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// The violation, if there was one.
    pub violation: Option<String>,
    /// How often each kind of event happened.
    pub event_counts: BTreeMap<&'static str, u64>,
    /// The trace, if it was requested.
    pub trace: Vec<String>,
}

pub(crate) struct World<'a> {
    pub plan: &'a Plan,
    pub rng: SimRng,
    pub now: At,
    queue: BinaryHeap<Reverse<Due>>,
    ties: u64,
    base: Instant,
    /// How long the monotonic clock has been stopped by sleep.
    slept: At,
    awake_at: At,
    /// How far the machine's clock is off, in microseconds.
    skew: i64,
    pub server: Server,
    pub paths: Vec<Path>,
    pub store: Store,
    pub inbox: Inbox,
    pub oracle: Oracle,
    pub screen: Screen,
    pub machine: Option<Machine>,
    /// Number of the running process: one more after each crash.
    pub process: u32,
    pub faults: Faults,
    is_calm: bool,
    end: At,
    last: At,
    /// Unsolicited attempts and failed requests of the last minute.
    pub attempts: Vec<At>,
    pub failed_requests: Vec<At>,
    pub passes: Vec<At>,
    trace: Option<Vec<String>>,
}

/// The active faults, and when each ends.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub network: (At, bool),
    pub refusal: Option<(At, Refusal, bool)>,
    pub api: Option<(At, ApiFault)>,
    pub store: At,
    pub slow_store: At,
    pub slow_daemon: At,
    pub no_daemon: At,
    pub token_expired: bool,
    pub newer_token: bool,
    /// Actions until the program is killed, and how long it stays down.
    pub crash: Option<(u32, u64)>,
    /// The moment at which the program is killed, and how long it stays down.
    pub crash_at: Option<(Moment, u64)>,
}

impl<'a> World<'a> {
    /// Runs a plan.
    pub(crate) fn run(plan: &'a Plan, is_traced: bool) -> Run {
        let store = Store::open_in_memory().unwrap();
        let inbox = Inbox::open_beside(&store).unwrap();
        let mut world = Self {
            plan,
            rng: SimRng::new(plan.seed),
            now: 0,
            queue: BinaryHeap::new(),
            ties: 0,
            base: Instant::now(),
            slept: 0,
            awake_at: 0,
            skew: 0,
            server: Server::new(plan),
            paths: Vec::new(),
            store,
            inbox,
            oracle: Oracle::default(),
            screen: Screen::default(),
            machine: None,
            process: 0,
            faults: Faults::default(),
            is_calm: false,
            end: At::MAX,
            last: At::MAX,
            attempts: Vec::new(),
            failed_requests: Vec::new(),
            passes: Vec::new(),
            trace: is_traced.then(Vec::new),
        };
        world.push(0, Event::Start);
        for (at, act) in &plan.acts {
            world.push(at * 1_000, Event::Act(*act));
        }
        world.push(plan.horizon * 1_000, Event::Calm);
        let violation = world.run_events().err();
        if let Some(violation) = &violation {
            world.note(|| violation.clone());
        }
        Run { violation, event_counts: world.oracle.event_counts, trace: world.trace.unwrap_or_default() }
    }

    /// A line of the trace.
    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>11.6}  {}", self.now as f64 / 1e6, text()));
        }
    }

    fn run_events(&mut self) -> Verdict {
        for _ in 0..MAX_STEPS {
            let (end, last) = (self.end, self.last);
            let timer = self.timer();
            let next = self.queue.peek().map(|Reverse(due)| due.at);
            match (timer, next) {
                (Some(timer), next) if timer <= end && next.is_none_or(|next| timer < next) => {
                    self.now = self.now.max(timer);
                    self.step(PipelineInput::Tick)?;
                }
                (_, Some(next)) if next <= end => {
                    let Some(Reverse(due)) = self.queue.pop() else { break };
                    self.now = self.now.max(due.at);
                    self.handle(due.event)?;
                }
                // Waits for writes that are not committed yet, and for a session that gets a new token.
                _ if (self.is_writing() || self.is_handing_over()) && end < last => self.end += 1_000_000,
                _ => {
                    self.now = end;
                    return self.check_end();
                }
            }
        }
        Err("(9) the run does not end".to_owned())
    }

    // Time.

    /// Both clocks of the machine.
    pub(crate) fn clocks(&self) -> Now {
        let mono = self.base + Duration::from_micros(self.now - self.slept);
        Now { mono, wall: true_time(self.now) + SignedDuration::from_micros(self.skew) }
    }

    /// When the pipeline's timer is due, in true time.
    fn timer(&self) -> Option<At> {
        let due = self.machine.as_ref()?.pipeline.poll_timeout()?;
        // A timer never fires early.
        let mono = due.saturating_duration_since(self.base).as_nanos().div_ceil(1_000);
        Some((At::try_from(mono).unwrap() + self.slept).max(self.awake_at).max(self.now))
    }

    // The queue of events.

    pub(crate) fn push(&mut self, at: At, event: Event) {
        self.ties += 1;
        let tie = (self.rng.number() >> 32 << 32) | self.ties;
        self.queue.push(Reverse(Due { at, tie, event }));
    }

    /// Queues an event on the machine in `after` microseconds; not before it is awake.
    pub(crate) fn push_local(&mut self, after: At, local: Local) {
        let at = (self.now + after).max(self.awake_at);
        self.push(at, Event::Local { process: self.process, local });
    }

    /// How long data takes, in either direction.
    pub(crate) fn latency(&mut self) -> At {
        if self.rng.happens(self.noise().slow) { self.rng.millis(100..3_000) } else { self.rng.millis(1..40) }
    }

    /// How often things go wrong now.
    pub(crate) fn noise(&self) -> Noise {
        if self.is_calm { Noise::default() } else { self.plan.noise }
    }

    /// Whether there is a network.
    pub(crate) fn has_network(&self) -> bool {
        self.faults.network.0 <= self.now
    }

    fn handle(&mut self, event: Event) -> Verdict {
        match event {
            // Nothing happens on a sleeping machine; the plan ends after the events that had to
            // wait.
            Event::Act(act) if self.now < self.awake_at && act.is_local() => {
                self.push(self.awake_at, Event::Act(act));
                Ok(())
            }
            Event::Start | Event::Reconnect | Event::Restore { .. } if self.now < self.awake_at => {
                self.push(self.awake_at, event);
                Ok(())
            }
            Event::Calm if self.now <= self.awake_at => {
                self.push(self.awake_at + 1, event);
                Ok(())
            }
            Event::Act(act) => {
                self.note(|| format!("· {act:?}"));
                self.act(act)
            }
            Event::Local { process, local } if process == self.process && self.machine.is_some() => {
                self.handle_local(local)
            }
            Event::Local { .. } => Ok(()),
            Event::Start => self.start(),
            Event::Reconnect => self.step(PipelineInput::Link(LinkInput::Connect)),
            Event::Restore { item, removal } => {
                if self.inbox.restore(removal).unwrap() == 1 {
                    self.oracle.handle_restored(item, &self.inbox)?;
                    self.look_soon();
                }
                Ok(())
            }
            Event::Subscribed { session, offset } => {
                let resent = self.server.resent;
                self.server.subscribe(session, offset);
                if self.server.resent > resent {
                    self.oracle.count("a raw message sent again");
                }
                self.transmit();
                Ok(())
            }
            Event::Ended { session } => {
                self.server.end(session);
                self.transmit();
                Ok(())
            }
            Event::TokenExpired { session } => {
                if self.paths[session].is_open {
                    self.oracle.count("a session whose token expired");
                }
                self.cut(session, true, false);
                Ok(())
            }
            Event::Acknowledged { session, number } => {
                if self.paths[session].is_open {
                    self.server.acknowledge(session, number);
                    self.transmit();
                }
                Ok(())
            }
            Event::Send(body) => {
                self.server.send(body, 0);
                self.transmit();
                Ok(())
            }
            Event::Request { process, fetch, pass, request } => {
                self.serve(process, fetch, pass, &request);
                Ok(())
            }
            Event::Deletion { process, key } => self.serve_deletion(process, key),
            Event::Calm => self.calm(),
            Event::Person => self.sign_in_if_needed(),
        }
    }

    fn check_end(&mut self) -> Verdict {
        let now = self.clocks();
        let Some(machine) = &self.machine else { return Err("the program was not started again".to_owned()) };
        let status = machine.pipeline.status(now);
        if status.state != belfry_core::status::Connectivity::Live {
            return Err(format!("(9) not live at the end of the run: {status:?}"));
        }
        if machine.pipeline.backlog() > 0 {
            return Err(format!("(9) {} writes are not committed at the end of the run", machine.pipeline.backlog()));
        }
        self.oracle.check_store(&self.store, &mut self.inbox)?;
        self.oracle.check_deletions(&self.server, &self.store)?;
        self.oracle.check_end(&self.server, &self.inbox, &self.screen.popups())
    }

    fn is_handing_over(&self) -> bool {
        let is_live = |machine: &Machine| *machine.pipeline.link().state() == LinkState::Live;
        self.plan.token_life.is_some() && self.machine.as_ref().is_some_and(|machine| !is_live(machine))
    }

    fn is_writing(&self) -> bool {
        self.machine.as_ref().is_some_and(|machine| machine.pipeline.backlog() > 0)
    }

    /// A person wants an attempt: attempts so far do not count towards the limits.
    pub(crate) fn reset_limits(&mut self) {
        self.attempts.clear();
        self.passes.clear();
    }

    /// Counts an attempt without a command of a person; too many within a minute are a violation.
    pub(crate) fn count(times: &mut Vec<At>, now: At, what: &str) -> Verdict {
        times.retain(|at| at + 60_000_000 > now);
        times.push(now);
        if times.len() > MAX_ATTEMPTS {
            return Err(format!("(9) {} {what} within a minute", times.len()));
        }
        Ok(())
    }

    /// The configuration of the pipeline.
    pub(crate) fn config(&self) -> PipelineConfig {
        let mut settings = belfry_core::settings::Settings::default();
        settings.notifications.burst = self.plan.settings.burst;
        if self.plan.is_raw {
            settings.server.protocol = Protocol::Websocket;
        }
        let mut config = PipelineConfig::new(&settings, Language::English, TimeZone::UTC);
        config.overlap = matches!(self.plan.delivery, crate::plan::Delivery::Topic { .. }) && !self.plan.is_raw;
        config.endpoints = self.plan.settings.endpoints;
        config.reconnect_spread = Duration::from_secs(self.plan.settings.reconnect_spread);
        config.poll_every = Duration::from_secs(self.plan.settings.poll_every);
        (config.collect, config.server_deletions) = (self.plan.api.is_some(), self.plan.api.is_some());
        config.history = self.plan.api.is_some_and(|api| api.history != crate::plan::History::Missing);
        config.wait = Duration::from_secs(if self.plan.settings.long_poll { LONG_POLL_SECONDS } else { 0 });
        config.reconcile_every = Duration::from_secs(self.plan.settings.reconcile_every);
        config
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.tie).cmp(&(other.at, other.tie))
    }
}
