//! The simulated notification thread: one popup after the other, late or refused.

use std::ops::Range;

use belfry_core::{
    pipeline::{PipelineInput, delivery::ShowId, popup_queue::PopupStep},
    ports::{NotifyError, Popup, PopupId, PopupKind},
};

use crate::{
    oracle::Verdict,
    plan::Moment,
    world::{Local, World},
};

impl World<'_> {
    pub(super) fn show_soon(&mut self) {
        let is_slow = self.faults.slow_daemon > self.now;
        let after = if is_slow { self.rng.millis(5..3_000) } else { self.rng.millis(0..20) };
        if let Some(machine) = &mut self.machine
            && !machine.is_showing
            && !machine.popups.is_empty()
        {
            machine.is_showing = true;
            self.push_local(after, Local::Popup);
        }
    }

    /// An event of the desktop will arrive.
    pub(crate) fn push_desktop_event(&mut self, millis: Range<u64>, said: Local) {
        let arrival = self.now + self.rng.millis(millis);
        let Some(machine) = &mut self.machine else { return };
        machine.desktop_said = machine.desktop_said.max(arrival) + 1;
        let after = machine.desktop_said - self.now;
        self.push_local(after, said);
    }

    /// The desktop shows a popup, refuses it, or has no service for it.
    pub(super) fn hand_over(&mut self, popup: &Popup) -> Result<Result<PopupId, NotifyError>, String> {
        if self.faults.no_daemon > self.now {
            self.oracle.count("a popup without a service");
            self.push_local(self.faults.no_daemon - self.now, Local::Step(PipelineInput::ServiceStarted));
            return Ok(Err(NotifyError::Unavailable("simulated".to_owned())));
        }
        self.oracle.handle_handed(popup)?;
        let is_refused = self.rng.happens(self.noise().refused_popups);
        let named = if is_refused { None } else { self.screen.show(popup) };
        match &named {
            Some(name) => {
                self.oracle.handle_shown(name);
                if popup.kind == PopupKind::Update {
                    self.oracle.handle_updated(popup)?;
                }
            }
            None => self.oracle.count("a popup refused"),
        }
        Ok(named.ok_or_else(|| NotifyError::Refused("simulated".to_owned())))
    }

    fn handle_handed_over(&mut self, show: ShowId, result: Result<PopupId, NotifyError>) -> Verdict {
        self.note(|| format!("  handed to the OS {show:?}: {result:?}"));
        self.crash_if_due(Moment::Handed)?;
        self.push_desktop_event(0..30, Local::Step(PipelineInput::Shown { show, result, is_silenced: false }));
        Ok(())
    }

    pub(super) fn next_popup(&mut self) -> Verdict {
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
