//! The events of a plan: senders, faults, and a person.

use std::cmp::Reverse;

use belfry_core::{
    alerts::hold::Pause,
    error::{Failure, Fault},
    pipeline::{
        PipelineInput,
        link::{Generation, LinkInput},
    },
};

use super::{CALM_MICROS, ConnectionEvent, Due, Event, Faults, Local, World};
use crate::{
    oracle::Verdict,
    plan::Act,
    server::{At, Body, Copy},
};

impl World<'_> {
    pub(super) fn act(&mut self, act: Act) -> Verdict {
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
            Act::Forge { which, to } => {
                let copy = self.server.forge(which, to);
                for session in 0..self.paths.len() {
                    let generation = self.machine.as_ref().and_then(|machine| machine.generation_of(session));
                    if let (true, Some(generation)) = (self.paths[session].is_open, generation) {
                        self.report(session, generation, ConnectionEvent::Forged(copy));
                    }
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
                self.reset_limits();
                self.step(PipelineInput::Link(LinkInput::NetworkChanged))?;
            }
            Act::SignIn => self.sign_in()?,
            Act::TryNow => {
                self.reset_limits();
                self.step(PipelineInput::Link(LinkInput::TryNow))?;
            }
            Act::Disconnect { lasts } => {
                self.step(PipelineInput::Link(LinkInput::Disconnect))?;
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
            Act::DeleteOnServer { which } => {
                if let Some(item) = self.present(which) {
                    let seq = self.oracle.seq_of(item).unwrap();
                    self.inbox.delete_on_server(&[seq], self.clocks().wall).unwrap();
                    self.oracle.handle_deletion_asked(item);
                    self.look_soon();
                }
            }
            Act::KeepOnServer { which } => {
                if let Some(item) = self.present(which) {
                    let taken_back = self.inbox.keep_on_server(&[self.oracle.seq_of(item).unwrap()]).unwrap();
                    if taken_back > 0 {
                        self.oracle.count("a deletion on the server taken back");
                        self.look_soon();
                    }
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
            Act::Pause { on } => self.step(PipelineInput::Pause(on.then_some(Pause::HalfHour)))?,
            Act::Dismiss { which } => self.dismiss(which),
            Act::DaemonRestarts => self.screen.restart(),
            Act::DaemonGone { lasts } => {
                self.screen.restart();
                self.faults.no_daemon = until(lasts);
            }
            Act::StaleReport { which } => self.stale_report(which)?,
        }
        Ok(())
    }

    /// The notice that an event is about.
    fn present(&self, which: usize) -> Option<usize> {
        let present = self.oracle.present();
        present.get(which.checked_rem(present.len())?).copied()
    }

    pub(super) fn look_soon(&mut self) {
        let after = self.rng.millis(0..500);
        self.push_local(after, Local::Look);
    }

    /// A message is sent to the broker, once or twice, at once or later.
    fn send(&mut self, copies: Vec<Copy>) {
        let body = Body::Notices(copies);
        let times = if self.rng.happens(self.plan.noise.duplicates) { 2 } else { 1 };
        for _ in 0..times {
            if self.rng.happens(self.plan.noise.reorder) {
                let after = self.rng.millis(1..3_000);
                self.push(self.now + after, Event::Send(body.clone()));
            } else {
                let ahead = if self.rng.happens(self.plan.noise.reorder) { self.rng.one_of(3) } else { 0 };
                self.server.send(body.clone(), ahead);
            }
        }
        self.transmit();
    }

    fn sleep(&mut self, lasts: At) {
        // A second sleep extends the first.
        let until = self.awake_at.max(self.now) + lasts;
        self.slept += until - self.awake_at.max(self.now);
        self.awake_at = until;
        for path in &mut self.paths {
            path.last += lasts;
        }
        if let Some(machine) = &mut self.machine {
            machine.desktop_said += lasts;
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

    pub(super) fn sign_in(&mut self) -> Verdict {
        self.faults.token_expired = false;
        self.reset_limits();
        self.step(PipelineInput::Link(LinkInput::SignedIn))
    }

    fn dismiss(&mut self, which: usize) {
        if let Some(popup) = self.screen.take(which) {
            self.oracle.count("a popup dismissed");
            self.push_desktop_event(1..200, Local::Closed(popup));
        }
    }

    fn stale_report(&mut self, which: usize) -> Verdict {
        let Some(current) = self.machine.as_ref().map(|machine| machine.pipeline.link().generation()) else {
            return Ok(());
        };
        let Some(age) = which.checked_rem(current.0 as usize) else { return Ok(()) };
        let old = Generation(current.0 - 1 - age as u64);
        let failure = Failure::new(Fault::Closed, "stale");
        for input in [
            LinkInput::Opened(old),
            LinkInput::Established(old),
            LinkInput::CaughtUp(old),
            LinkInput::Lost(old, failure),
        ] {
            self.step(PipelineInput::Link(input))?;
        }
        Ok(())
    }

    /// The faults end.
    pub(super) fn calm(&mut self) -> Verdict {
        self.note(|| "· calm".to_owned());
        self.faults = Faults::default();
        self.is_calm = true;
        if self.machine.is_none() {
            self.start()?;
        }
        self.end = self.now + CALM_MICROS;
        self.last = self.end + 20_000_000;
        for after in [0, 20_000_000, 60_000_000] {
            self.push(self.now + after, Event::Person);
        }
        self.step(PipelineInput::Pause(None))?;
        self.step(PipelineInput::Link(LinkInput::Connect))
    }

    /// A person signs in, if a sign-in is needed.
    pub(super) fn sign_in_if_needed(&mut self) -> Verdict {
        if self.machine.as_ref().is_some_and(|machine| machine.needs_person(self.clocks())) {
            self.note(|| "· a person signs in".to_owned());
            return self.sign_in();
        }
        Ok(())
    }
}
