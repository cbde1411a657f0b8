//! The made-up world: true time, what is due when, the network, and what the plan lets happen.
//!
//! One queue of events, ordered by time; the line's own timer is one more of them. Whatever happens on the machine waits
//! while it sleeps, and is gone after a crash. What the machine does with the line is in [`crate::machine`].

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap},
    time::{Duration, Instant},
};

use engine::{
    catchup::{PassId, Request},
    clock::Now,
    delivery::Ticket,
    error::{Failure, Fault},
    inbox::{Inbox, Removal},
    line::{Config, Input},
    link::{self, Generation},
    store::{Applied, Store},
    texts::Language,
};
use jiff::{SignedDuration, tz::TimeZone};

use crate::{
    machine::{Conn, Machine, Screen},
    oracle::{Oracle, Verdict},
    plan::{Act, ApiFault, Dice, Moment, Noise, Plan, Refusal},
    server::{At, Body, Copy, Sent, Server, true_time},
};

/// How long everything may take to come right once the mishaps have ended.
pub(crate) const CALM: At = 180_000_000;
/// More steps than this are a circle.
const MAX_STEPS: u64 = 40_000;
/// Attempts to connect, and failing requests, within a minute that nobody asked for.
const MAX_ATTEMPTS: usize = 40;

/// What is due on the machine.
#[derive(Debug)]
pub(crate) enum Local {
    /// To the line.
    Step(Input),
    /// From a connection, in order.
    Report(Report),
    /// The writer takes what is queued.
    Commit,
    /// The writer reports.
    Applied(Vec<(Ticket, Result<Applied, String>)>),
    /// The answer to a request, if it is still wanted.
    Answered(u64, Input),
    /// The notification thread takes its next job.
    Popup,
    /// The idle writer looks whether somebody has changed the inbox.
    Look,
    /// The clocks are compared.
    Clocks,
}

/// What a connection reports.
#[derive(Debug)]
pub(crate) struct Report {
    pub session: Option<usize>,
    pub generation: Generation,
    pub said: Said,
}

#[derive(Debug)]
pub(crate) enum Said {
    Opened,
    Established,
    Message(Sent),
    Lost(Failure),
}

#[derive(Debug)]
pub(crate) enum Event {
    Act(Act),
    Local {
        life: u32,
        local: Local,
    },
    Start,
    /// A person who had disconnected connects again.
    Reconnect,
    /// A person takes back a deletion.
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
    Acknowledged {
        session: usize,
        number: u64,
    },
    /// A message is on its way to whoever listens.
    Send(Body),
    /// A request has reached the server.
    Request {
        life: u32,
        fetch: u64,
        pass: PassId,
        request: Request,
    },
    /// The mishaps end.
    Calm,
    /// Somebody looks at the tray icon.
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
    /// Bytes pass.
    pub is_open: bool,
    /// What was under way is lost.
    pub is_severed: bool,
    /// The last thing to arrive.
    pub last: At,
}

/// How a run ended.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// What went wrong, if anything did.
    pub complaint: Option<String>,
    /// What happened, and how often.
    pub tally: BTreeMap<&'static str, u64>,
    /// What happened, line by line, if asked for.
    pub trace: Vec<String>,
}

pub(crate) struct World<'a> {
    pub plan: &'a Plan,
    pub dice: Dice,
    pub now: At,
    queue: BinaryHeap<Reverse<Due>>,
    ties: u64,
    base: Instant,
    /// How long the monotonic clock has stood still.
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
    pub life: u32,
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

/// Until when something does not work.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub network: (At, bool),
    pub refusal: Option<(At, Refusal, bool)>,
    pub api: Option<(At, ApiFault)>,
    pub store: At,
    pub slow_store: At,
    pub slow_daemon: At,
    pub token_expired: bool,
    pub newer_token: bool,
    /// Actions until the program dies, and for how long it is down then.
    pub crash: Option<(u32, u64)>,
    /// When the program dies, and for how long it is down then.
    pub crash_at: Option<(Moment, u64)>,
}

impl<'a> World<'a> {
    /// Lives a plan through.
    pub(crate) fn run(plan: &'a Plan, is_traced: bool) -> Run {
        let store = Store::open_in_memory().unwrap();
        let inbox = Inbox::open_beside(&store).unwrap();
        let mut world = Self {
            plan,
            dice: Dice::new(plan.seed),
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
            life: 0,
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
        let complaint = world.live().err();
        if let Some(complaint) = &complaint {
            world.note(|| complaint.clone());
        }
        Run { complaint, tally: world.oracle.tally, trace: world.trace.unwrap_or_default() }
    }

    /// A line of the trace.
    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>11.6}  {}", self.now as f64 / 1e6, text()));
        }
    }

    fn live(&mut self) -> Verdict {
        for _ in 0..MAX_STEPS {
            let (end, last) = (self.end, self.last);
            let timer = self.timer();
            let next = self.queue.peek().map(|Reverse(due)| due.at);
            match (timer, next) {
                (Some(timer), next) if timer <= end && next.is_none_or(|next| timer < next) => {
                    self.now = self.now.max(timer);
                    self.step(Input::Tick)?;
                }
                (_, Some(next)) if next <= end => {
                    let Some(Reverse(due)) = self.queue.pop() else { break };
                    self.now = self.now.max(due.at);
                    self.handle(due.event)?;
                }
                // Whatever is being written just then is waited for.
                _ if self.is_writing() && end < last => self.end += 1_000_000,
                _ => {
                    self.now = end;
                    return self.check_end();
                }
            }
        }
        Err("(9) the world turns in circles".to_owned())
    }

    // Time.

    /// Both clocks of the machine.
    pub(crate) fn clocks(&self) -> Now {
        let mono = self.base + Duration::from_micros(self.now - self.slept);
        Now { mono, wall: true_time(self.now) + SignedDuration::from_micros(self.skew) }
    }

    /// When the line's timer is due, by true time.
    fn timer(&self) -> Option<At> {
        let due = self.machine.as_ref()?.line.poll_timeout()?;
        // A timer never rings early.
        let mono = due.saturating_duration_since(self.base).as_nanos().div_ceil(1_000);
        Some((At::try_from(mono).unwrap() + self.slept).max(self.awake_at).max(self.now))
    }

    // What is due.

    pub(crate) fn push(&mut self, at: At, event: Event) {
        self.ties += 1;
        let tie = (self.dice.number() >> 32 << 32) | self.ties;
        self.queue.push(Reverse(Due { at, tie, event }));
    }

    /// Something on the machine, `after` so many microseconds; not before it is awake.
    pub(crate) fn push_local(&mut self, after: At, local: Local) {
        let at = (self.now + after).max(self.awake_at);
        self.push(at, Event::Local { life: self.life, local });
    }

    /// How long bytes take, either way.
    pub(crate) fn latency(&mut self) -> At {
        if self.dice.happens(self.noise().slow) { self.dice.millis(100..3_000) } else { self.dice.millis(1..40) }
    }

    /// How imperfect this moment is.
    pub(crate) fn noise(&self) -> Noise {
        if self.is_calm { Noise::default() } else { self.plan.noise }
    }

    /// Whether there is a network.
    pub(crate) fn has_network(&self) -> bool {
        self.faults.network.0 <= self.now
    }

    fn handle(&mut self, event: Event) -> Verdict {
        match event {
            // Nobody does anything on a machine that sleeps; the plan ends after what it has put off.
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
            Event::Local { life, local } if life == self.life && self.machine.is_some() => self.handle_local(local),
            Event::Local { .. } => Ok(()),
            Event::Start => self.start(),
            Event::Reconnect => self.step(Input::Link(link::Input::Connect)),
            Event::Restore { item, removal } => {
                if self.inbox.restore(removal).unwrap() == 1 {
                    self.oracle.handle_restored(item);
                    self.look_soon();
                }
                Ok(())
            }
            Event::Subscribed { session, offset } => {
                self.server.subscribe(session, offset);
                self.transmit();
                Ok(())
            }
            Event::Ended { session } => {
                self.server.end(session);
                self.transmit();
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
            Event::Request { life, fetch, pass, request } => {
                self.serve(life, fetch, pass, &request);
                Ok(())
            }
            Event::Calm => self.calm(),
            Event::Person => self.mend(),
        }
    }

    // The network.

    /// The server sends what it can; what arrives does so in order.
    fn transmit(&mut self) {
        for sent in self.server.poll_sent() {
            let session = sent.session;
            let generation = self.machine.as_ref().and_then(|machine| machine.generation_of(session));
            let path = self.paths[session];
            if let (true, Some(generation)) = (path.is_open, generation) {
                self.report(session, generation, Said::Message(sent));
            }
        }
    }

    /// Something reaches the machine on a session's path.
    pub(crate) fn report(&mut self, session: usize, generation: Generation, said: Said) {
        let arrival = (self.now + self.latency()).max(self.paths[session].last + 1).max(self.awake_at);
        self.paths[session].last = arrival;
        let local = Local::Report(Report { session: Some(session), generation, said });
        self.push(arrival, Event::Local { life: self.life, local });
    }

    /// A session breaks. The machine is told, unless it `is_silent`; the server notices now or later.
    pub(crate) fn cut(&mut self, session: usize, drain: bool, is_silent: bool) {
        if !std::mem::take(&mut self.paths[session].is_open) {
            return;
        }
        self.paths[session].is_severed = !drain;
        let notices = if is_silent || self.dice.happens(30) { self.dice.millis(10..40_000) } else { self.latency() };
        self.push(self.now + notices, Event::Ended { session });
        let Some(generation) = self.machine.as_ref().and_then(|machine| machine.generation_of(session)) else { return };
        if is_silent {
            let failure = Failure::new(Fault::Silent, "no heart-beat");
            let report = Report { session: None, generation, said: Said::Lost(failure) };
            self.push_local(30_000_000, Local::Report(report));
        } else {
            let failure = Failure::new(Fault::Closed, "reset");
            if drain {
                self.report(session, generation, Said::Lost(failure));
            } else {
                let after = self.latency();
                let report = Report { session: None, generation, said: Said::Lost(failure) };
                self.push_local(after, Local::Report(report));
            }
        }
    }

    fn cut_all(&mut self, is_silent: bool) {
        for session in 0..self.paths.len() {
            self.cut(session, false, is_silent);
        }
    }

    /// A new connection gets through: its session, if the server takes it.
    pub(crate) fn connect(&mut self, generation: Generation, endpoint: usize) {
        let latency = self.latency();
        let fail = |world: &mut Self, fault, retry_after| {
            let failure = Failure { fault, detail: "made up".to_owned(), retry_after };
            if matches!(fault, Fault::Refused | Fault::Status(401 | 403)) {
                world.oracle.count("a sign-in refused");
            }
            let report = Report { session: None, generation, said: Said::Lost(failure) };
            world.push_local(latency, Local::Report(report));
        };
        if !self.has_network() {
            if !self.faults.network.1 {
                fail(self, Fault::Unreachable, None);
            }
            return;
        }
        if self.faults.token_expired {
            let fault = if self.dice.happens(50) { Fault::Refused } else { Fault::Status(401) };
            return fail(self, fault, None);
        }
        let refusal = self
            .faults
            .refusal
            .filter(|(until, _, only_first)| *until > self.now && (!only_first || endpoint == 0))
            .map(|(_, how, _)| how);
        match refusal {
            Some(Refusal::Unavailable) => return fail(self, Fault::Status(503), None),
            Some(Refusal::RetryAfter) => return fail(self, Fault::Status(503), Some(Duration::from_secs(7))),
            Some(Refusal::NotFound) => return fail(self, Fault::Status(404), None),
            Some(Refusal::Denied) => return fail(self, Fault::Denied, None),
            Some(Refusal::Forbidden) => return fail(self, Fault::Status(403), None),
            Some(Refusal::Hangs | Refusal::Dies) | None => {}
        }
        let session = self.server.begin();
        self.paths.push(Path { is_open: true, ..Path::default() });
        if let Some(machine) = &mut self.machine {
            machine.conns.push(Conn { generation, session });
        }
        self.report(session, generation, Said::Opened);
        if refusal == Some(Refusal::Hangs) {
            return;
        }
        self.report(session, generation, Said::Established);
        let established = self.paths[session].last;
        if refusal == Some(Refusal::Dies) {
            self.cut(session, true, false);
            return;
        }
        // SUBSCRIBE is sent when the session is established, and may take effect late.
        let late = if self.dice.happens(self.plan.noise.late_subscribe) {
            self.dice.millis(100..3_900)
        } else {
            self.dice.millis(1..30)
        };
        if self.dice.happens(self.noise().early_messages) {
            let early = self.dice.millis(0..4_000);
            self.push(established + early, Event::Act(Act::Publish { count: 1, array: false }));
        }
        let offset = self.store.stream_offset("stream").unwrap().map_or(0, |offset| offset + 1);
        self.push(established + late, Event::Subscribed { session, offset });
    }

    // What the plan lets happen.

    fn act(&mut self, act: Act) -> Verdict {
        let now = self.now;
        let until = |lasts: u64| now + lasts * 1_000;
        match act {
            Act::Publish { count, array } => {
                let copies: Vec<Copy> = (0..count).map(|_| self.server.publish(self.now)).collect();
                if array {
                    self.send(copies);
                } else {
                    copies.into_iter().for_each(|copy| self.send(vec![copy]));
                }
            }
            Act::Update { which, to } => {
                if let Some(copy) = self.server.update(which, to, self.now) {
                    self.send(vec![copy]);
                }
            }
            Act::OldCopy { which } | Act::Copy { which } => {
                if let Some(copy) = self.server.copy_of(which, matches!(act, Act::Copy { .. })) {
                    self.send(vec![copy]);
                }
            }
            Act::Junk => {
                self.server.send(Body::Junk, 0);
                self.transmit();
            }
            Act::Cut { drain } => {
                if let Some(session) = self.paths.iter().rposition(|path| path.is_open) {
                    self.cut(session, drain, false);
                }
            }
            Act::Silence => self.cut_all(true),
            Act::NetworkDown { lasts, silent } => {
                self.faults.network = (until(lasts), silent);
                self.cut_all(silent);
            }
            Act::Refuse { lasts, how, only_first } => self.faults.refusal = Some((until(lasts), how, only_first)),
            Act::TokenExpires { newer } => (self.faults.token_expired, self.faults.newer_token) = (true, newer),
            Act::ApiFails { lasts, how } => self.faults.api = Some((until(lasts), how)),
            Act::StoreFails { lasts } => self.faults.store = until(lasts),
            Act::StoreSlow { lasts } => self.faults.slow_store = until(lasts),
            Act::DaemonSlow { lasts } => self.faults.slow_daemon = until(lasts),
            Act::Crash { actions: 0, down } => self.crash(down)?,
            Act::Crash { actions, down } => self.faults.crash = Some((actions, down)),
            Act::CrashAt { moment, down } => self.faults.crash_at = Some((moment, down)),
            Act::Sleep { lasts } => self.sleep(lasts * 1_000),
            Act::SetClock { by } => self.skew += by * 1_000_000,
            Act::NetworkChanged => {
                self.forgive();
                self.step(Input::Link(link::Input::NetworkChanged))?;
            }
            Act::SignIn => self.sign_in()?,
            Act::TryNow => {
                self.forgive();
                self.step(Input::Link(link::Input::TryNow))?;
            }
            Act::Disconnect { lasts } => {
                self.step(Input::Link(link::Input::Disconnect))?;
                self.push(until(lasts), Event::Reconnect);
            }
            Act::Read { which, read } => {
                if let Some(item) = self.present(which) {
                    self.inbox.mark(&[self.oracle.seq_of(item).unwrap()], read).unwrap();
                    self.oracle.handle_marked(item, read);
                    self.look_soon();
                }
            }
            Act::Delete { which } => {
                if let Some(item) = self.present(which) {
                    self.inbox.delete(&[self.oracle.seq_of(item).unwrap()]).unwrap();
                    self.oracle.handle_deleted(item);
                    self.look_soon();
                }
            }
            Act::Undo { which, after } => {
                if let Some(item) = self.present(which) {
                    let seq = self.oracle.seq_of(item).unwrap();
                    let (_, removal) = self.inbox.remove(&[seq], self.clocks().wall).unwrap();
                    self.oracle.handle_removed(item);
                    self.look_soon();
                    self.push(until(after), Event::Restore { item, removal });
                }
            }
            Act::Dismiss { which } => self.dismiss(which),
            Act::DaemonRestarts => self.screen.restart(),
            Act::StaleReport { which } => self.stale_report(which)?,
        }
        Ok(())
    }

    /// The notice a person means.
    fn present(&self, which: usize) -> Option<usize> {
        let present = self.oracle.present();
        present.get(which.checked_rem(present.len())?).copied()
    }

    fn look_soon(&mut self) {
        let after = self.dice.millis(0..500);
        self.push_local(after, Local::Look);
    }

    /// A message leaves for the broker, once or twice, at once or later.
    fn send(&mut self, copies: Vec<Copy>) {
        let body = Body::Notices(copies);
        let times = if self.dice.happens(self.plan.noise.duplicates) { 2 } else { 1 };
        for _ in 0..times {
            if self.dice.happens(self.plan.noise.reorder) {
                let after = self.dice.millis(1..3_000);
                self.push(self.now + after, Event::Send(body.clone()));
            } else {
                let ahead = if self.dice.happens(self.plan.noise.reorder) { self.dice.one_of(3) } else { 0 };
                self.server.send(body.clone(), ahead);
            }
        }
        self.transmit();
    }

    fn sleep(&mut self, lasts: At) {
        // Sleeping further while asleep.
        let until = self.awake_at.max(self.now) + lasts;
        self.slept += until - self.awake_at.max(self.now);
        self.awake_at = until;
        for path in &mut self.paths {
            path.last += lasts;
        }
        let waiting: Vec<Reverse<Due>> = self.queue.drain().collect();
        for Reverse(mut due) in waiting {
            if matches!(due.event, Event::Local { .. }) {
                due.at += lasts;
            }
            self.queue.push(Reverse(due));
        }
        if lasts > 20_000_000 {
            // The server has missed three heart-beats.
            self.cut_all(true);
        }
    }

    fn sign_in(&mut self) -> Verdict {
        self.faults.token_expired = false;
        self.forgive();
        self.step(Input::Link(link::Input::SignedIn))
    }

    fn dismiss(&mut self, which: usize) {
        if let Some(popup) = self.screen.take(which) {
            self.oracle.count("a popup dismissed");
            let after = self.dice.millis(1..200);
            self.push_local(after, Local::Step(Input::PopupClosed(popup)));
        }
    }

    fn stale_report(&mut self, which: usize) -> Verdict {
        let Some(current) = self.machine.as_ref().map(|machine| machine.line.link().generation()) else {
            return Ok(());
        };
        let Some(age) = which.checked_rem(current.0 as usize) else { return Ok(()) };
        let old = Generation(current.0 - 1 - age as u64);
        let failure = Failure::new(Fault::Closed, "stale");
        for input in [
            link::Input::Opened(old),
            link::Input::Established(old),
            link::Input::CaughtUp(old),
            link::Input::Lost(old, failure),
        ] {
            self.step(Input::Link(input))?;
        }
        Ok(())
    }

    /// The mishaps end.
    fn calm(&mut self) -> Verdict {
        self.note(|| "· calm".to_owned());
        self.faults = Faults::default();
        self.is_calm = true;
        if self.machine.is_none() {
            self.start()?;
        }
        self.end = self.now + CALM;
        self.last = self.end + 20_000_000;
        for after in [0, 20_000_000, 60_000_000] {
            self.push(self.now + after, Event::Person);
        }
        self.step(Input::Link(link::Input::Connect))
    }

    /// Somebody signs in, if that is what is missing.
    fn mend(&mut self) -> Verdict {
        if self.machine.as_ref().is_some_and(|machine| machine.needs_person(self.clocks())) {
            self.note(|| "· somebody signs in".to_owned());
            return self.sign_in();
        }
        Ok(())
    }

    fn check_end(&mut self) -> Verdict {
        let now = self.clocks();
        let Some(machine) = &self.machine else { return Err("the program was not started again".to_owned()) };
        let status = machine.line.status(now);
        if status.state != engine::status::Connectivity::Live {
            return Err(format!("(9) all is quiet, and still not live: {status:?}"));
        }
        if machine.line.backlog() > 0 {
            return Err(format!("(9) all is quiet, and {} writes are not committed", machine.line.backlog()));
        }
        self.oracle.check_store(&self.store, &mut self.inbox)?;
        self.oracle.check_end(&self.server, &self.inbox, &self.screen.popups())
    }

    fn is_writing(&self) -> bool {
        self.machine.as_ref().is_some_and(|machine| machine.line.backlog() > 0)
    }

    /// Somebody wants it tried: what is tried now does not count.
    pub(crate) fn forgive(&mut self) {
        self.attempts.clear();
        self.passes.clear();
    }

    /// Counts something that nobody asked for; too often within a minute is hammering.
    pub(crate) fn count(times: &mut Vec<At>, now: At, what: &str) -> Verdict {
        times.retain(|at| at + 60_000_000 > now);
        times.push(now);
        if times.len() > MAX_ATTEMPTS {
            return Err(format!("(9) {} {what} within a minute", times.len()));
        }
        Ok(())
    }

    /// The line's settings.
    pub(crate) fn config(&self) -> Config {
        let mut settings = engine::settings::Settings::default();
        settings.notifications.burst = self.plan.settings.burst;
        let mut config = Config::new(&settings, Language::English, TimeZone::UTC);
        config.endpoints = self.plan.settings.endpoints;
        config.reconnect_spread = Duration::from_secs(self.plan.settings.reconnect_spread);
        config.poll_every = Duration::from_secs(self.plan.settings.poll_every);
        config.collect = self.plan.api.is_some();
        config.history = self.plan.api.is_some_and(|api| api.history != crate::plan::History::Missing);
        config.long_poll = self.plan.settings.long_poll;
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
