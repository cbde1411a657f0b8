//! The made-up machine: what the driver, the writer and the notification thread do on a real one.
//!
//! It decides nothing: it does what the line says, in the order and with the groupings of the real ones, late or not at
//! all, and shows everything to the [`crate::oracle`]. Who reads it beside `driver.rs` and `writer.rs` should find nothing
//! in it that those could not do too.

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use belfry_core::{
    clock::{Now, SleepWatch},
    error::{Failure, Fault},
    pipeline::{
        Action, Input, Line, Message,
        catchup::{PassId, Request},
        delivery::{self, AckId, ShowId},
        group_commit::{Grouping, Job},
        link::{self, Generation, PROBE_LIMIT, Refreshed, StopReason},
        popup_queue::{PopupQueue, PopupStep},
    },
    ports::{NotifyError, Popup, PopupId},
    status::Connectivity,
    storage::{RejectReason, Write},
};

use crate::{
    oracle::Verdict,
    plan::{ApiFault, Moment},
    server::{Body, Copy, Sent},
    world::{Event, Local, Report, Said, World},
};

mod screen;
mod trace;

pub(crate) use screen::Screen;
use trace::{brief, brief_action, brief_result};

/// So many uncommitted writes, and connections are no longer listened to: the driver's bound, made small.
const MAX_BACKLOG: usize = 12;
/// What may come on top of it: pages, claims, marks.
const BACKLOG_SLACK: usize = 40;
/// An answer that does not come is given up.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// For how many seconds a server holds a long poll.
pub(crate) const HOLD: u64 = 5;

/// A connection, and the server's session at its other end.
#[derive(Debug)]
pub(crate) struct Conn {
    pub generation: Generation,
    pub session: usize,
}

/// What one life of the program holds in memory.
#[derive(Debug)]
pub(crate) struct Machine {
    pub line: Line,
    pub conns: Vec<Conn>,
    running: Option<Generation>,
    held: VecDeque<Report>,
    unacknowledged: HashMap<AckId, Vec<Copy>>,
    jobs: VecDeque<Job>,
    grouping: Grouping,
    is_writing: bool,
    /// When the writer's last report arrives: they keep their order.
    reported: u64,
    popups: PopupQueue,
    /// When the desktop's last word arrives: they keep their order.
    pub desktop_said: u64,
    is_showing: bool,
    fetch: u64,
    /// Requests that wait for their answer.
    waiting: HashSet<u64>,
    /// The API has asked to be left alone until then.
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

    /// Whether nothing goes on without somebody signing in.
    pub(crate) fn needs_person(&self, now: Now) -> bool {
        let is_halted = matches!(self.line.link().state(), link::State::Stopped(StopReason::Halted { .. }));
        self.line.status(now).state == Connectivity::ActionNeeded && !is_halted
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
        if self.life > 0 {
            self.oracle.handle_restart(recovered.uncertain)?;
        }
        // A connection that is just being opened has seen nothing yet.
        self.store.changed_elsewhere().unwrap();
        let now = self.clocks();
        let (cursor, through) = (self.store.cursor().unwrap(), self.store.complete_through().unwrap());
        self.machine = Some(Machine {
            line: Line::new(self.config(), cursor, through, self.dice.number(), now),
            conns: Vec::new(),
            running: None,
            held: VecDeque::new(),
            unacknowledged: HashMap::new(),
            jobs: VecDeque::new(),
            grouping: Grouping::default(),
            is_writing: false,
            reported: 0,
            popups: PopupQueue::default(),
            desktop_said: 0,
            is_showing: false,
            fetch: 0,
            waiting: HashSet::new(),
            asked_to_wait: None,
            answers: HashMap::new(),
            may_open: true,
            sleep_watch: SleepWatch::new(now),
        });
        self.step(Input::Recovered(Box::new(recovered)))?;
        self.push_local(5_000_000, Local::Clocks);
        self.step(Input::Link(link::Input::Connect))
    }

    /// The program dies: what was not committed never was.
    pub(crate) fn crash(&mut self, down: u64) -> Verdict {
        if self.machine.take().is_none() {
            return Ok(());
        }
        self.note(|| "the program dies".to_owned());
        self.oracle.count("a crash");
        self.life += 1;
        for session in 0..self.paths.len() {
            self.cut(session, false, false);
        }
        self.push(self.now + down * 1_000, Event::Start);
        self.oracle.check_store(&self.store, &mut self.inbox)
    }

    /// The program dies now, if this is the moment.
    fn strike(&mut self, moment: Moment) -> Verdict {
        match self.faults.crash_at {
            Some((struck, down)) if struck == moment => {
                self.faults.crash_at = None;
                self.crash(down)
            }
            _ => Ok(()),
        }
    }

    /// One step of the line, and everything it orders.
    pub(crate) fn step(&mut self, input: Input) -> Verdict {
        let now = self.clocks();
        if !matches!(input, Input::Tick) {
            self.note(|| format!("→ {}", brief(&input)));
        }
        let Some(machine) = &mut self.machine else { return Ok(()) };
        let link = machine.line.link();
        let before = is_stale(&input, link.generation()).then(|| (link.state().clone(), link.generation()));
        let is_person = matches!(input, Input::Link(link::Input::SignedIn | link::Input::TryNow));
        let is_stopped = matches!(link.state(), link::State::Stopped(StopReason::SignIn(_)));
        machine.may_open = is_person || !is_stopped;
        if is_person {
            machine.asked_to_wait = None;
        }
        machine.line.step(input, now);
        let link = machine.line.link();
        if before.is_some_and(|before| before != (link.state().clone(), link.generation())) {
            return Err("(8) a stale report has moved the link".to_owned());
        }
        self.execute()?;
        let Some(machine) = &self.machine else { return Ok(()) };
        if machine.line.backlog() > MAX_BACKLOG + BACKLOG_SLACK {
            return Err(format!("(9) {} writes are waiting", machine.line.backlog()));
        }
        Ok(())
    }

    fn execute(&mut self) -> Verdict {
        while let Some(action) = self.machine.as_mut().and_then(|machine| machine.line.poll_action()) {
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

    fn perform(&mut self, action: Action) -> Verdict {
        let now = self.clocks().mono;
        let Some(machine) = &mut self.machine else { return Ok(()) };
        match action {
            Action::Link(link::Action::Open { generation, endpoint }) => {
                if !machine.may_open {
                    return Err("(9) a refused sign-in is tried again by itself".to_owned());
                }
                machine.running = Some(generation);
                Self::count(&mut self.attempts, self.now, "attempts to connect")?;
                self.connect(generation, endpoint);
            }
            Action::Link(link::Action::Close { generation, .. }) => {
                if machine.running == Some(generation) {
                    machine.running = None;
                    if let Some(session) = machine.session_of(generation) {
                        self.close(session);
                    }
                }
            }
            Action::Link(link::Action::Probe(generation)) => {
                let session = machine.session_of(generation).filter(|_| machine.running == Some(generation));
                if session.is_some_and(|session| !self.paths[session].is_open) {
                    self.oracle.count("a probe without an answer");
                    let failure = Failure::new(Fault::Silent, "no answer to a sign of life");
                    let report = Report { session: None, generation, said: Said::Lost(failure) };
                    self.push_local(micros(PROBE_LIMIT), Local::Report(report));
                }
            }
            Action::Link(link::Action::Refresh) => {
                let refreshed = self.refresh();
                let after = self.latency();
                self.push_local(after, Local::Step(Input::Link(link::Input::Refreshed(refreshed))));
            }
            Action::Fetch { pass, request } => {
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
                machine.fetch += 1;
                let fetch = machine.fetch;
                machine.waiting.insert(fetch);
                if !machine.line.link().has_session() {
                    self.oracle.count("a poll outside a session");
                }
                let is_stray = self.dice.happens(self.noise().stray_requests);
                let after = if is_stray { self.dice.millis(1_000..14_000) } else { self.latency() };
                self.push(self.now + after, Event::Request { life: self.life, fetch, pass, request });
                if after >= micros(ANSWER_LIMIT) {
                    self.refuse(self.life, fetch, pass, Fault::Unreachable, None, micros(ANSWER_LIMIT));
                }
            }
            Action::Delivery(action) => return self.deliver(action),
        }
        Ok(())
    }

    fn deliver(&mut self, action: delivery::Action) -> Verdict {
        let Some(machine) = &mut self.machine else { return Ok(()) };
        match action {
            delivery::Action::Apply { ticket, writes } => {
                machine.jobs.push_back(Job { ticket, writes });
                self.write_soon();
            }
            delivery::Action::Ack(ack) => {
                let message = machine.unacknowledged.remove(&ack).unwrap_or_default();
                self.oracle.handle_ack(ack, &message)?;
                let session = machine.session_of(ack.generation).filter(|_| machine.running == Some(ack.generation));
                if let Some(session) = session.filter(|session| self.paths[*session].is_open) {
                    let after = self.latency();
                    self.push(self.now + after, Event::Acknowledged { session, number: ack.number });
                }
                self.strike(Moment::Acknowledged)?;
            }
            delivery::Action::Show { show, popup } => {
                self.oracle.handle_order(&popup)?;
                machine.popups.show(show, popup);
                self.show_soon();
            }
            delivery::Action::Retract(popup) => {
                self.oracle.handle_gone(&popup);
                self.oracle.count("a popup retracted");
                machine.popups.retract(popup);
                self.show_soon();
            }
            delivery::Action::Emit(event) => self.oracle.handle_event(&event)?,
        }
        Ok(())
    }

    /// Something is due on the machine.
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
                self.step(Input::PopupClosed(popup))?;
            }
            Local::Report(report) => {
                let is_lost = report.session.is_some_and(|session| self.paths[session].is_severed);
                if let (false, Some(machine)) = (is_lost, &mut self.machine) {
                    machine.held.push_back(report);
                }
            }
            Local::Commit => self.commit()?,
            Local::Applied(reports) => {
                let life = self.life;
                for (ticket, result) in reports {
                    if self.life == life {
                        self.step(Input::Applied { ticket, result })?;
                    }
                }
            }
            Local::Answered(fetch, input) => {
                self.strike(Moment::Answered)?;
                // One answer, and nobody waits for another.
                if self.machine.as_mut().is_some_and(|machine| machine.waiting.remove(&fetch)) {
                    self.count_answer(&input)?;
                    self.step(input)?;
                }
            }
            Local::Popup => self.next_popup()?,
            Local::Look => {
                if self.store.changed_elsewhere().unwrap() {
                    let stale = self.store.stale_popups().unwrap();
                    self.step(Input::Withdraw(stale))?;
                }
            }
            Local::Clocks => {
                self.push_local(5_000_000, Local::Clocks);
                let now = self.clocks();
                if self.machine.as_mut().is_some_and(|machine| machine.sleep_watch.has_slept(now)) {
                    self.forgive();
                    self.step(Input::Link(link::Input::Woke))?;
                }
            }
        }
        self.listen()
    }

    /// Hears what connections say, while not too much is waiting for its commit.
    fn listen(&mut self) -> Verdict {
        while let Some(machine) = &mut self.machine
            && machine.line.backlog() < MAX_BACKLOG
            && let Some(Report { generation, said, .. }) = machine.held.pop_front()
        {
            let input = match said {
                Said::Opened => Input::Link(link::Input::Opened(generation)),
                Said::Established => Input::Link(link::Input::Established(generation)),
                Said::Lost(failure) => Input::Link(link::Input::Lost(generation, failure)),
                Said::Message(sent) => self.message(generation, sent),
            };
            self.step(input)?;
        }
        Ok(())
    }

    fn message(&mut self, generation: Generation, sent: Sent) -> Input {
        let Sent { number, body, offset, .. } = sent;
        if self.machine.as_ref().is_some_and(|machine| machine.running != Some(generation)) {
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
                head: Vec::new(),
                body: b"junk".to_vec(),
                received_at: self.clocks().wall,
            }),
        }
        Input::Message(Box::new(message))
    }

    /// We end a connection. What has been heard but not yet been read may still come.
    fn close(&mut self, session: usize) {
        let is_open = std::mem::take(&mut self.paths[session].is_open);
        self.paths[session].is_severed = self.dice.happens(70);
        if is_open {
            let notices = if self.has_network() { self.latency() } else { self.dice.millis(5_000..40_000) };
            self.push(self.now + notices, Event::Ended { session });
        }
    }

    /// What becomes of looking for another token: where a password buys it, that takes a server which may be out of reach.
    fn refresh(&mut self) -> Refreshed {
        if !self.has_network() || self.dice.happens(self.noise().lost_answers) {
            self.oracle.count("a token that cannot be had now");
            return Refreshed::Failed(Failure::new(Fault::Unreachable, "made up"));
        }
        let is_newer = if self.faults.token_expired { self.faults.newer_token } else { self.dice.happens(50) };
        if !is_newer {
            let is_wrong = self.dice.happens(50);
            return if is_wrong {
                Refreshed::Failed(Failure::new(Fault::Password, "made up"))
            } else {
                Refreshed::Same
            };
        }
        self.faults.token_expired = false;
        Refreshed::Newer
    }

    // The API.

    /// A request reaches the server, or does not: one that was given up under way may still be served.
    pub(crate) fn serve(&mut self, life: u32, fetch: u64, pass: PassId, request: &Request) {
        let is_given_up =
            life != self.life || self.machine.as_ref().is_none_or(|machine| !machine.waiting.contains(&fetch));
        if is_given_up {
            if self.dice.happens(50) {
                return;
            }
            self.oracle.count("a stray request served");
        }
        let after = self.latency();
        if !self.has_network() {
            let after = if self.faults.network.1 { micros(ANSWER_LIMIT) } else { after };
            return self.refuse(life, fetch, pass, Fault::Unreachable, None, after);
        }
        let lost = self.dice.happens(self.noise().lost_answers).then_some(ApiFault::Lost);
        let fault = self.faults.api.filter(|(until, _)| *until > self.now).map(|(_, how)| how).or(lost);
        let status = match fault {
            _ if self.faults.token_expired => Some((401, None)),
            Some(ApiFault::Unauthorized) => Some((401, None)),
            Some(ApiFault::Forbidden) => Some((403, None)),
            Some(ApiFault::TooMany) => Some((429, Some(Duration::from_secs(3)))),
            Some(ApiFault::Broken) => Some((500, None)),
            Some(ApiFault::NoHistory) if matches!(request, Request::History { .. }) => Some((404, None)),
            Some(ApiFault::Truncated | ApiFault::Lost | ApiFault::NoHistory) | None => None,
        };
        if let Some((status, retry_after)) = status {
            if matches!(request, Request::History { .. }) && matches!(status, 403 | 404) {
                self.server.refuse_history();
            }
            return self.refuse(life, fetch, pass, Fault::Status(status), retry_after, after);
        }
        let page = self.server.answer(request, self.now);
        match (fault, request) {
            (Some(ApiFault::Truncated), _) => self.refuse(life, fetch, pass, Fault::BadAnswer, None, after),
            (Some(ApiFault::Lost), _) => {
                self.oracle.count("a lost answer");
                self.refuse(life, fetch, pass, Fault::Unreachable, None, micros(ANSWER_LIMIT));
            }
            (_, Request::Collect { after: cursor, wait: true }) if page.rows == 0 => {
                let request = Request::Collect { after: cursor.clone(), wait: false };
                self.push(self.now + HOLD * 1_000_000, Event::Request { life, fetch, pass, request });
            }
            _ => self.answer(life, fetch, after, Input::Page { pass, result: Ok(Box::new((page, Vec::new()))) }),
        }
    }

    fn refuse(&mut self, life: u32, fetch: u64, pass: PassId, fault: Fault, retry: Option<Duration>, after: u64) {
        let failure = Failure { fault, detail: "made up".to_owned(), retry_after: retry };
        self.answer(life, fetch, after, Input::Page { pass, result: Err(failure) });
    }

    fn answer(&mut self, life: u32, fetch: u64, after: u64, input: Input) {
        if life == self.life {
            self.push_local(after, Local::Answered(fetch, input));
        }
    }

    /// A pass ends, and does not hammer.
    fn count_answer(&mut self, input: &Input) -> Verdict {
        let Input::Page { pass, result } = input else { return Ok(()) };
        if let Err(failure) = result {
            let until = failure.retry_after.map(|delay| self.clocks().mono + delay);
            if let Some(machine) = &mut self.machine {
                machine.asked_to_wait = machine.asked_to_wait.max(until);
            }
            return Self::count(&mut self.failed_requests, self.now, "failing requests");
        }
        let Some(machine) = &mut self.machine else { return Ok(()) };
        let answers = machine.answers.entry(*pass).or_default();
        *answers += 1;
        if *answers > self.server.pages() {
            return Err(format!("(9) {pass:?} has asked for {answers} pages"));
        }
        Ok(())
    }

    // The writer.

    fn write_soon(&mut self) {
        let is_slow = self.faults.slow_store > self.now;
        let after = if is_slow { self.dice.millis(5..3_000) } else { self.dice.millis(0..4) };
        if let Some(machine) = &mut self.machine
            && !machine.is_writing
            && !machine.jobs.is_empty()
        {
            machine.is_writing = true;
            self.push_local(after, Local::Commit);
        }
    }

    /// What is queued becomes one transaction; if that fails, each batch gets its own.
    fn commit(&mut self) -> Verdict {
        let (fails, noise) = (self.faults.store > self.now, self.noise().failed_commits);
        let Some(machine) = &mut self.machine else { return Ok(()) };
        machine.is_writing = false;
        let jobs: Vec<Job> = machine.jobs.drain(..).collect();
        let written: Vec<Arc<Vec<Write>>> = jobs.iter().map(|job| Arc::clone(&job.writes)).collect();
        let Self { store, dice, .. } = self;
        let apply = |writes: &[Write]| {
            if fails || dice.happens(noise) {
                return Err("disk full".to_owned());
            }
            store.apply(writes).map_err(|error| error.to_string())
        };
        let results = machine.grouping.commit(jobs, apply);
        for ((ticket, result), writes) in results.iter().zip(written) {
            self.note(|| format!("  committed {ticket:?}: {}", brief_result(result)));
            if result.is_err() {
                self.oracle.count("a commit that failed");
            }
            if let Ok(applied) = result {
                self.oracle.handle_commit(&writes, applied, &self.server)?;
            }
        }
        if results.iter().any(|(_, result)| result.is_ok()) {
            self.strike(Moment::Committed)?;
            if results.iter().any(|(_, result)| result.is_err()) {
                self.strike(Moment::PartlyCommitted)?;
            }
        }
        let after = self.dice.millis(0..3);
        let Some(machine) = &mut self.machine else { return Ok(()) };
        machine.reported = machine.reported.max(self.now + after) + 1;
        let after = machine.reported - self.now;
        self.push_local(after, Local::Applied(results));
        self.write_soon();
        Ok(())
    }

    // The notification thread.

    fn show_soon(&mut self) {
        let is_slow = self.faults.slow_daemon > self.now;
        let after = if is_slow { self.dice.millis(5..3_000) } else { self.dice.millis(0..20) };
        if let Some(machine) = &mut self.machine
            && !machine.is_showing
            && !machine.popups.is_empty()
        {
            machine.is_showing = true;
            self.push_local(after, Local::Popup);
        }
    }

    /// The desktop says something.
    pub(crate) fn hear_of_desktop(&mut self, millis: Range<u64>, said: Local) {
        let arrival = self.now + self.dice.millis(millis);
        let Some(machine) = &mut self.machine else { return };
        machine.desktop_said = machine.desktop_said.max(arrival) + 1;
        let after = machine.desktop_said - self.now;
        self.push_local(after, said);
    }

    /// The desktop takes a popup, or not.
    fn hand_over(&mut self, popup: &Popup) -> Result<Result<PopupId, NotifyError>, String> {
        self.oracle.handle_handed(popup)?;
        let is_refused = self.dice.happens(self.noise().refused_popups);
        let named = if is_refused { None } else { self.screen.show(popup) };
        match &named {
            Some(name) => self.oracle.handle_shown(name),
            None => self.oracle.count("a popup refused"),
        }
        Ok(named.ok_or_else(|| NotifyError::Refused("made up".to_owned())))
    }

    fn handle_handed_over(&mut self, show: ShowId, result: Result<PopupId, NotifyError>) -> Verdict {
        self.note(|| format!("  handed to the OS {show:?}: {result:?}"));
        self.strike(Moment::Handed)?;
        self.hear_of_desktop(0..30, Local::Step(Input::Shown { show, result }));
        Ok(())
    }

    fn next_popup(&mut self) -> Verdict {
        let Some(machine) = &mut self.machine else { return Ok(()) };
        machine.is_showing = false;
        match machine.popups.poll() {
            Some(PopupStep::Show(show, popup)) => {
                let result = self.hand_over(&popup)?;
                self.handle_handed_over(show, result)?;
            }
            Some(PopupStep::Refused(show, why)) => self.handle_handed_over(show, Err(why))?,
            Some(PopupStep::Retract(popup)) => self.screen.retract(&popup),
            Some(PopupStep::Forgotten) | None => {}
        }
        self.show_soon();
        Ok(())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap()
}

fn is_stale(input: &Input, current: Generation) -> bool {
    match input {
        Input::Link(
            link::Input::Opened(generation)
            | link::Input::Established(generation)
            | link::Input::CaughtUp(generation)
            | link::Input::Lost(generation, _),
        ) => *generation != current,
        _ => false,
    }
}
