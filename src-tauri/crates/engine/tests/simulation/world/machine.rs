//! The simulated machine: what the driver, the writer and the notification thread do on a real one.
//!
//! It decides nothing: it executes the pipeline's actions in the order and with the group commits
//! of the real ones, late or not at all, and reports everything to the [`crate::oracle`].
//! Invariant: it does nothing that the driver and the store thread could not do too.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    time::{Duration, Instant},
};

use belfry_core::{
    clock::{Now, SleepWatch},
    error::{Failure, Fault},
    pipeline::{
        Message, Pipeline, PipelineAction, PipelineInput,
        catchup::{PageRequest, PassId},
        delivery::{AckId, DeliveryAction},
        group_commit::{GroupCommit, Job},
        link::{Generation, Link, LinkAction, LinkInput, LinkState, PROBE_LIMIT, StopReason},
        popup_queue::PopupQueue,
    },
    status::Connectivity,
    storage::{RejectReason, Write},
};

use crate::{
    oracle::Verdict,
    plan::Moment,
    server::{Body, Copy, Sent},
    world::{ConnectionEvent, ConnectionReport, Event, Local, World},
};

mod http_api;
mod notifier_thread;
mod screen;
mod store_thread;
mod tokens;
mod trace;

pub(crate) use screen::Screen;
use trace::{brief, brief_action};

/// With so many uncommitted writes, connections are not read: the driver's limit, made small.
const MAX_BACKLOG: usize = 12;
/// How many pages, claims and marks may be added to that.
const BACKLOG_SLACK: usize = 40;
/// The time-out of a request.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How many seconds a server holds a long poll.
pub(crate) const LONG_POLL_SECONDS: u64 = 5;

/// A connection, and the server's session that belongs to it.
#[derive(Debug)]
pub(crate) struct Conn {
    pub generation: Generation,
    pub session: usize,
}

/// What the program has in memory between two crashes.
#[derive(Debug)]
pub(crate) struct Machine {
    pub pipeline: Pipeline,
    pub conns: Vec<Conn>,
    /// The current connection, and one that replaces it or that it has replaced.
    running: Vec<Generation>,
    /// When the token in memory expires, in true time, if there is one that does.
    token: Option<u64>,
    held: VecDeque<ConnectionReport>,
    unacknowledged: HashMap<AckId, Vec<Copy>>,
    jobs: VecDeque<Job>,
    group_commit: GroupCommit,
    is_writing: bool,
    /// When the last report of the store thread arrives: reports keep their order.
    reported: u64,
    popups: PopupQueue,
    /// When the last event of the desktop arrives: events keep their order.
    pub desktop_said: u64,
    is_showing: bool,
    fetch: u64,
    /// Requests without an answer yet, by the pass that has asked.
    waiting: HashMap<u64, PassId>,
    /// Answers that wait until the rows of the page before are written, as in the driver.
    answered: VecDeque<PipelineInput>,
    /// No request before this time (`Retry-After`).
    asked_to_wait: Option<Instant>,
    answers: HashMap<PassId, usize>,
    may_open: bool,
    sleep_watch: SleepWatch,
}

impl Machine {
    /// The connection that a session belongs to.
    pub(crate) fn generation_of(&self, session: usize) -> Option<Generation> {
        self.conns.iter().find(|conn| conn.session == session).map(|conn| conn.generation)
    }

    fn session_of(&self, generation: Generation) -> Option<usize> {
        self.conns.iter().find(|conn| conn.generation == generation).map(|conn| conn.session)
    }

    /// Whether a person has to sign in.
    pub(crate) fn needs_person(&self, now: Now) -> bool {
        let is_halted = matches!(self.pipeline.link().state(), LinkState::Stopped(StopReason::Halted { .. }));
        self.pipeline.status(now).state == Connectivity::ActionNeeded && !is_halted
    }
}

impl World<'_> {
    /// Starts the program, as `Engine::start` and `Engine::connect` do.
    pub(crate) fn start(&mut self) -> Verdict {
        if self.machine.is_some() {
            return Ok(());
        }
        let recovered = self.store.recover().unwrap();
        self.note(|| format!("start: {} due, {} unannounced", recovered.due.len(), recovered.unannounced.len()));
        if self.process > 0 {
            self.oracle.handle_restart(recovered.uncertain)?;
        }
        // A database connection that was just opened has seen no changes yet.
        self.store.changed_elsewhere().unwrap();
        let now = self.clocks();
        let (cursor, through) = (self.store.cursor().unwrap(), self.store.complete_through().unwrap());
        self.machine = Some(Machine {
            pipeline: Pipeline::new(self.config(), cursor, through, self.rng.number(), now),
            conns: Vec::new(),
            running: Vec::new(),
            token: None,
            held: VecDeque::new(),
            unacknowledged: HashMap::new(),
            jobs: VecDeque::new(),
            group_commit: GroupCommit::default(),
            is_writing: false,
            reported: 0,
            popups: PopupQueue::default(),
            desktop_said: 0,
            is_showing: false,
            fetch: 0,
            waiting: HashMap::new(),
            answered: VecDeque::new(),
            asked_to_wait: None,
            answers: HashMap::new(),
            may_open: true,
            sleep_watch: SleepWatch::new(now),
        });
        self.step(PipelineInput::Recovered(Box::new(recovered)))?;
        self.push_local(5_000_000, Local::Clocks);
        self.step(PipelineInput::Link(LinkInput::Connect))
    }

    /// The program is killed: what was not committed is lost.
    pub(crate) fn crash(&mut self, down: u64) -> Verdict {
        if self.machine.take().is_none() {
            return Ok(());
        }
        self.note(|| "the program is killed".to_owned());
        self.oracle.count("a crash");
        self.process += 1;
        for session in 0..self.paths.len() {
            self.cut(session, false, false);
        }
        self.push(self.now + down * 1_000, Event::Start);
        self.oracle.check_store(&self.store, &mut self.inbox)
    }

    /// Kills the program now, if the plan says so for this moment.
    fn crash_if_due(&mut self, moment: Moment) -> Verdict {
        match self.faults.crash_at {
            Some((due, down)) if due == moment => {
                self.faults.crash_at = None;
                self.crash(down)
            }
            _ => Ok(()),
        }
    }

    /// One step of the pipeline, and all its actions.
    pub(crate) fn step(&mut self, input: PipelineInput) -> Verdict {
        let now = self.clocks();
        if !matches!(input, PipelineInput::Tick) {
            self.note(|| format!("→ {}", brief(&input)));
        }
        let Some(machine) = &mut self.machine else { return Ok(()) };
        let link = machine.pipeline.link();
        let before = is_stale(&input, link).then(|| (link.state().clone(), link.generation()));
        let is_person = matches!(input, PipelineInput::Link(LinkInput::SignedIn | LinkInput::TryNow));
        let is_stopped = matches!(link.state(), LinkState::Stopped(StopReason::SignIn(_)));
        machine.may_open = is_person || !is_stopped;
        if is_person {
            machine.asked_to_wait = None;
        }
        machine.pipeline.step(input, now);
        let link = machine.pipeline.link();
        if before.is_some_and(|before| before != (link.state().clone(), link.generation())) {
            return Err("(8) a stale report has moved the link".to_owned());
        }
        self.execute()?;
        let Some(machine) = &self.machine else { return Ok(()) };
        if machine.pipeline.backlog() > MAX_BACKLOG + BACKLOG_SLACK {
            return Err(format!("(9) {} writes are waiting", machine.pipeline.backlog()));
        }
        Ok(())
    }

    fn execute(&mut self) -> Verdict {
        while let Some(action) = self.machine.as_mut().and_then(|machine| machine.pipeline.poll_action()) {
            if let Some((left, down)) = self.faults.crash {
                if left == 0 {
                    self.faults.crash = None;
                    return self.crash(down);
                }
                self.faults.crash = Some((left - 1, down));
            }
            self.note(|| format!("    {}", brief_action(&action)));
            self.perform(action)?;
        }
        Ok(())
    }

    fn perform(&mut self, action: PipelineAction) -> Verdict {
        let now = self.clocks().mono;
        let Some(machine) = &mut self.machine else { return Ok(()) };
        match action {
            PipelineAction::Link(LinkAction::Open { generation, endpoint }) => {
                if !machine.may_open {
                    return Err("(9) a refused sign-in is tried again by itself".to_owned());
                }
                if machine.pipeline.link().has_session() {
                    self.oracle.count("a session handed over");
                }
                machine.running.push(generation);
                Self::count(&mut self.attempts, self.now, "attempts to connect")?;
                self.connect(generation, endpoint);
            }
            PipelineAction::Link(LinkAction::Close { generation, .. }) => {
                if let Some(index) = machine.running.iter().position(|running| *running == generation) {
                    machine.running.swap_remove(index);
                    if let Some(session) = machine.session_of(generation) {
                        self.close(session);
                    }
                }
            }
            PipelineAction::Link(LinkAction::Probe(generation)) => {
                let session = machine.session_of(generation).filter(|_| machine.running.contains(&generation));
                if session.is_some_and(|session| !self.paths[session].is_open) {
                    self.oracle.count("a probe without an answer");
                    let failure = Failure::new(Fault::Silent, "no answer to a probe");
                    let report = ConnectionReport { session: None, generation, event: ConnectionEvent::Lost(failure) };
                    self.push_local(micros(PROBE_LIMIT), Local::ConnectionReport(report));
                }
            }
            PipelineAction::Link(LinkAction::Refresh) => {
                let refreshed = self.refresh();
                let after = self.latency();
                self.push_local(after, Local::Step(PipelineInput::Link(LinkInput::Refreshed(refreshed))));
            }
            PipelineAction::Link(LinkAction::Renew) => {
                let renewed = self.renew();
                let after = self.latency();
                self.push_local(after, Local::Step(PipelineInput::Link(LinkInput::Renewed(renewed))));
            }
            PipelineAction::Fetch { pass, request } => {
                if self.plan.api.is_none() {
                    return Err("(9) a page is asked for where there is no API".to_owned());
                }
                if machine.asked_to_wait.is_some_and(|until| until > now) {
                    return Err("(9) a page is asked for before the time that the API has named".to_owned());
                }
                if let Entry::Vacant(new) = machine.answers.entry(pass) {
                    new.insert(0);
                    Self::count(&mut self.passes, self.now, "passes")?;
                }
                if machine.waiting.values().any(|waiting| *waiting == pass) {
                    return Err("(9) a page is asked for before the last one has come".to_owned());
                }
                if machine.pipeline.is_writing_rows() && matches!(request, PageRequest::History { .. }) {
                    self.oracle.count("a page asked for while the last one is written");
                }
                machine.fetch += 1;
                let fetch = machine.fetch;
                machine.waiting.insert(fetch, pass);
                if !machine.pipeline.link().has_session() {
                    self.oracle.count("a poll outside a session");
                }
                let is_stray = self.rng.happens(self.noise().stray_requests);
                let after = if is_stray { self.rng.millis(1_000..14_000) } else { self.latency() };
                self.push(self.now + after, Event::Request { process: self.process, fetch, pass, request });
                if after >= micros(ANSWER_LIMIT) {
                    self.refuse(self.process, fetch, pass, Fault::Unreachable, None, micros(ANSWER_LIMIT));
                }
            }
            PipelineAction::DeleteOnServer(key) => {
                if self.plan.api.is_none() {
                    return Err("(9) a record is to be deleted where there is no API".to_owned());
                }
                self.oracle.handle_deletion_sent(&key.id)?;
                let after = self.latency();
                self.push(self.now + after, Event::Deletion { process: self.process, key });
            }
            PipelineAction::Delivery(action) => return self.deliver(action),
        }
        Ok(())
    }

    fn deliver(&mut self, action: DeliveryAction) -> Verdict {
        let Some(machine) = &mut self.machine else { return Ok(()) };
        match action {
            DeliveryAction::Apply { ticket, writes } => {
                machine.jobs.push_back(Job { ticket, writes });
                self.write_soon();
            }
            DeliveryAction::Ack(ack) => {
                let message = machine.unacknowledged.remove(&ack).unwrap_or_default();
                self.oracle.handle_ack(ack, &message)?;
                let session = machine.session_of(ack.generation).filter(|_| machine.running.contains(&ack.generation));
                if let Some(session) = session.filter(|session| self.paths[*session].is_open) {
                    let after = self.latency();
                    self.push(self.now + after, Event::Acknowledged { session, number: ack.number });
                }
                self.crash_if_due(Moment::Acknowledged)?;
            }
            DeliveryAction::Show { show, popup } => {
                self.oracle.handle_order(&popup)?;
                machine.popups.show(show, popup);
                self.show_soon();
            }
            DeliveryAction::Retract(popup) => {
                self.oracle.handle_gone(&popup);
                self.oracle.count("a popup retracted");
                machine.popups.retract(popup);
                self.show_soon();
            }
            DeliveryAction::Emit(event) => self.oracle.handle_event(&event)?,
        }
        Ok(())
    }

    /// An event on the machine is due.
    pub(crate) fn handle_local(&mut self, local: Local) -> Verdict {
        match local {
            Local::Step(input) => self.step(input)?,
            Local::Closed(popup) => {
                self.oracle.handle_dismissed(&popup);
                if let Some(machine) = &mut self.machine {
                    machine.popups.handle_dismissed(popup.clone());
                    machine.popups.handle_known(popup.clone());
                }
                self.show_soon();
                self.step(PipelineInput::PopupClosed(popup))?;
            }
            Local::ConnectionReport(report) => {
                let is_lost = report.session.is_some_and(|session| self.paths[session].is_severed);
                if let (false, Some(machine)) = (is_lost, &mut self.machine) {
                    machine.held.push_back(report);
                }
            }
            Local::Commit => self.commit()?,
            Local::Applied(reports) => {
                let process = self.process;
                for (ticket, result) in reports {
                    if self.process == process {
                        self.step(PipelineInput::Applied { ticket, result })?;
                    }
                }
            }
            Local::Answered(fetch, input) => {
                self.crash_if_due(Moment::Answered)?;
                // There is only one answer for each request.
                if let Some(machine) = &mut self.machine
                    && machine.waiting.remove(&fetch).is_some()
                {
                    machine.answered.push_back(input);
                }
            }
            Local::Popup => self.next_popup()?,
            Local::Look => {
                if self.store.changed_elsewhere().unwrap() {
                    let stale = self.store.stale_popups().unwrap();
                    let deletions = self.store.server_deletions().unwrap();
                    self.step(PipelineInput::Withdraw(stale))?;
                    self.step(PipelineInput::ServerDeletions(deletions))?;
                }
            }
            Local::Clocks => {
                self.push_local(5_000_000, Local::Clocks);
                let now = self.clocks();
                if self.machine.as_mut().is_some_and(|machine| machine.sleep_watch.has_slept(now)) {
                    self.reset_limits();
                    self.step(PipelineInput::Link(LinkInput::Woke))?;
                }
            }
        }
        while let Some(machine) = &mut self.machine
            && !machine.pipeline.is_writing_rows()
            && let Some(input) = machine.answered.pop_front()
        {
            self.count_answer(&input)?;
            self.step(input)?;
        }
        self.listen()
    }

    /// Reads the reports of connections, while the backlog is not too large.
    fn listen(&mut self) -> Verdict {
        while let Some(machine) = &mut self.machine
            && machine.pipeline.backlog() < MAX_BACKLOG
            && let Some(ConnectionReport { generation, event, .. }) = machine.held.pop_front()
        {
            let input = match event {
                ConnectionEvent::Opened => PipelineInput::Link(LinkInput::Opened(generation)),
                ConnectionEvent::Established => PipelineInput::Link(LinkInput::Established(generation)),
                ConnectionEvent::Lost(failure) => {
                    machine.running.retain(|running| *running != generation);
                    PipelineInput::Link(LinkInput::Lost(generation, failure))
                }
                ConnectionEvent::Message(sent) => self.message(generation, sent),
                ConnectionEvent::Forged(copy) => {
                    let notices = vec![self.server.notice(copy)];
                    PipelineInput::Message(Box::new(Message { notices, ..Message::default() }))
                }
            };
            self.step(input)?;
        }
        Ok(())
    }

    fn message(&mut self, generation: Generation, sent: Sent) -> PipelineInput {
        let Sent { number, body, offset, .. } = sent;
        if self.machine.as_ref().is_some_and(|machine| !machine.running.contains(&generation)) {
            self.oracle.count("a late message of a closed connection");
        }
        let is_acked = !matches!(self.plan.delivery, crate::plan::Delivery::Topic { acked: false });
        let ack = is_acked.then_some(AckId { generation, number });
        let mut message =
            Message { ack, offset: offset.map(|offset| ("stream".to_owned(), offset)), ..Message::default() };
        match body {
            Body::Notices(copies) => {
                message.notices = copies.iter().map(|copy| self.server.notice(*copy)).collect();
                if let (Some(ack), Some(machine)) = (ack, &mut self.machine) {
                    machine.unacknowledged.insert(ack, copies);
                }
            }
            Body::Junk => message.rejected.push(Write::Rejected {
                reason: RejectReason::NotUsable,
                destination: "/queue/world".to_owned(),
                head: b"MESSAGE".to_vec(),
                body: b"junk".to_vec(),
                received_at: self.clocks().wall,
            }),
        }
        PipelineInput::Message(Box::new(message))
    }

    /// The client ends a connection. Messages that arrived but were not read yet may still be
    /// handled.
    fn close(&mut self, session: usize) {
        let is_open = std::mem::take(&mut self.paths[session].is_open);
        self.paths[session].is_severed = self.rng.happens(70);
        if is_open {
            let notices = if self.has_network() { self.latency() } else { self.rng.millis(5_000..40_000) };
            self.push(self.now + notices, Event::Ended { session });
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap()
}

fn is_stale(input: &PipelineInput, link: &Link) -> bool {
    match input {
        PipelineInput::Link(
            LinkInput::Opened(generation)
            | LinkInput::Established(generation)
            | LinkInput::CaughtUp(generation)
            | LinkInput::Lost(generation, _),
        ) => !link.is_known(*generation),
        _ => false,
    }
}
