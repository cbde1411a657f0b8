//! Another engine after one that has ended by itself: a part of it has panicked.
//!
//! Until then tray and window show that there is no connection, and when the next one is tried.
//! The wait grows while this repeats, since a message that the engine cannot bear comes again.
//! Deliberately absent: what happened; the log has it.

use std::time::Duration;

use belfry_core::status::{Connectivity, Status};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::controller::Controller;
use crate::controller::change::Change;
use crate::gui::Gui;
use crate::task::{After, Outcome, report};

/// The first wait. Each one is twice as long as the one before it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// An engine that has lived for so long has borne what the one before it did not.
const IS_WELL_AFTER: Duration = Duration::from_secs(600);

/// How often engines have ended by themselves.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    /// When one last did, and how long the wait after it was.
    last: Option<(Instant, Duration)>,
    is_needed: bool,
}

impl Recovery {
    /// How long to wait after an engine that has ended now.
    fn wait(&mut self, now: Instant) -> Duration {
        let wait = match self.last {
            Some((ended, waited)) if now.saturating_duration_since(ended) < waited + IS_WELL_AFTER => {
                (waited * 2).min(LONGEST_WAIT)
            }
            Some(_) | None => FIRST_WAIT,
        };
        self.last = Some((now, wait));
        wait
    }

    /// Whether the session's engine has ended by itself, and no other one runs yet.
    pub(super) fn is_needed(&self) -> bool {
        self.is_needed
    }

    /// An engine runs again.
    pub(super) fn is_done(&mut self) {
        self.is_needed = false;
    }
}

impl<G: Gui> Controller<G> {
    /// The engine has ended without a request, or another one could not be started.
    pub(super) fn handle_engine_lost(&mut self) {
        let wait = self.recovery.wait(Instant::now());
        self.recovery.is_needed = true;
        tracing::error!(wait_s = wait.as_secs(), "the engine has ended by itself; another one starts after the wait");
        let now = Timestamp::now();
        self.published.send_modify(|snapshot| {
            snapshot.status = Status {
                state: Connectivity::Offline,
                since: now,
                cause: None,
                retry_in: Some(wait),
                ..snapshot.status
            };
            snapshot.retry_at = Some(now + wait);
        });
        self.tell_status();
        self.show_tray();
        self.spawn(|reporter| async move {
            tokio::time::sleep(wait).await;
            report(&reporter, Outcome::EngineDue);
        });
    }

    pub(super) fn handle_engine_due(&mut self) {
        self.change(Change::Recover);
    }

    /// Starts another engine, unless a change of the person has done so meanwhile.
    pub(super) fn recover(&mut self) {
        if self.recovery.is_needed {
            self.restart(self.session.settings.clone(), After::Recovered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_while_engines_end_by_themselves_and_starts_over_after_one_that_was_well() {
        let mut recovery = Recovery::default();
        let mut now = Instant::now();
        let waits: Vec<u64> = (0..11)
            .map(|_| {
                let wait = recovery.wait(now);
                now += wait + Duration::from_secs(1);
                wait.as_secs()
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(recovery.wait(now + IS_WELL_AFTER), FIRST_WAIT);
    }
}
