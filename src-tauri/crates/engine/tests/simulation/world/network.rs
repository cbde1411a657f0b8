//! The network between the machine and the server: what arrives, what is lost, and what breaks.

use std::time::Duration;

use belfry_core::{
    error::{Failure, Fault},
    pipeline::{
        PipelineInput,
        link::{Generation, LinkInput},
    },
};

use super::{ConnectionEvent, ConnectionReport, Event, Local, Path, World, machine::Conn};
use crate::plan::{Act, Refusal};

impl World<'_> {
    /// The server sends what it can; it arrives in order.
    pub(super) fn transmit(&mut self) {
        for sent in self.server.poll_sent() {
            let session = sent.session;
            let generation = self.machine.as_ref().and_then(|machine| machine.generation_of(session));
            let path = self.paths[session];
            if let (true, Some(generation)) = (path.is_open, generation) {
                self.report(session, generation, ConnectionEvent::Message(sent));
            }
        }
    }

    /// A report of a session reaches the machine.
    pub(crate) fn report(&mut self, session: usize, generation: Generation, event: ConnectionEvent) {
        let arrival = (self.now + self.latency()).max(self.paths[session].last + 1).max(self.awake_at);
        self.paths[session].last = arrival;
        let local = Local::ConnectionReport(ConnectionReport { session: Some(session), generation, event });
        self.push(arrival, Event::Local { process: self.process, local });
    }

    /// A session breaks. The machine is informed, unless it `is_silent`; the server detects it now
    /// or later.
    pub(crate) fn cut(&mut self, session: usize, drain: bool, is_silent: bool) {
        // What breaks is not closed; the raw WebSocket has to tell the two apart.
        let fault = if self.plan.is_raw { Fault::Broken } else { Fault::Closed };
        self.end_session(session, drain, is_silent, fault);
    }

    fn end_session(&mut self, session: usize, drain: bool, is_silent: bool, fault: Fault) {
        if !std::mem::take(&mut self.paths[session].is_open) {
            return;
        }
        self.paths[session].is_severed = !drain;
        let notices = if is_silent || self.rng.happens(30) { self.rng.millis(10..40_000) } else { self.latency() };
        self.push(self.now + notices, Event::Ended { session });
        let Some(generation) = self.machine.as_ref().and_then(|machine| machine.generation_of(session)) else { return };
        if is_silent {
            let failure = Failure::new(Fault::Silent, "no heart-beat");
            let report = ConnectionReport { session: None, generation, event: ConnectionEvent::Lost(failure) };
            self.push_local(30_000_000, Local::ConnectionReport(report));
        } else {
            let failure = Failure::new(fault, "reset");
            if drain {
                self.report(session, generation, ConnectionEvent::Lost(failure));
            } else {
                let after = self.latency();
                let report = ConnectionReport { session: None, generation, event: ConnectionEvent::Lost(failure) };
                self.push_local(after, Local::ConnectionReport(report));
            }
        }
    }

    pub(super) fn cut_all(&mut self, is_silent: bool) {
        for session in 0..self.paths.len() {
            self.cut(session, false, is_silent);
        }
    }

    /// A new connection reaches the server, which may refuse the session.
    pub(crate) fn connect(&mut self, generation: Generation, endpoint: usize) {
        let latency = self.latency();
        let fail = |world: &mut Self, fault, retry_after| {
            let failure = Failure { fault, detail: "simulated".to_owned(), retry_after };
            if matches!(fault, Fault::Refused | Fault::Status(401 | 403)) {
                world.oracle.count("a sign-in refused");
            }
            let report = ConnectionReport { session: None, generation, event: ConnectionEvent::Lost(failure) };
            world.push_local(latency, Local::ConnectionReport(report));
        };
        if !self.has_network() {
            if !self.faults.network.1 {
                fail(self, Fault::Unreachable, None);
            }
            return;
        }
        if self.faults.token_expired {
            let fault = if self.rng.happens(50) { Fault::Refused } else { Fault::Status(401) };
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
        if let Some((expires, life)) = self.token() {
            let token = LinkInput::Token(generation, Some(life));
            self.push_local(0, Local::Step(PipelineInput::Link(token)));
            self.push(expires.max(self.now), Event::TokenExpired { session });
        }
        self.report(session, generation, ConnectionEvent::Opened);
        if refusal == Some(Refusal::Hangs) {
            return;
        }
        self.report(session, generation, ConnectionEvent::Established);
        let established = self.paths[session].last;
        if refusal == Some(Refusal::Dies) {
            if self.plan.is_raw {
                self.oracle.count("a raw session closed at once");
            }
            self.end_session(session, true, false, Fault::Closed);
            return;
        }
        // SUBSCRIBE is sent when the session is established, and may take effect late.
        let late = if self.rng.happens(self.plan.noise.late_subscribe) {
            self.rng.millis(100..3_900)
        } else {
            self.rng.millis(1..30)
        };
        if self.rng.happens(self.noise().early_messages) {
            let early = self.rng.millis(0..4_000);
            self.push(established + early, Event::Act(Act::Publish { count: 1, array: false }));
        }
        let offsets = self.machine.as_ref().map(|machine| machine.pipeline.stream_offsets());
        let offset = offsets.and_then(|offsets| offsets.get("stream")).map_or(0, |offset| offset + 1);
        self.push(established + late, Event::Subscribed { session, offset });
    }
}
