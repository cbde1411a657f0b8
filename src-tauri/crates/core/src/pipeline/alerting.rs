//! The alert marks of what arrives, and when what was held back is released.
//!
//! Deliberately absent: the rules ([`crate::alerts`]), and the popups ([`super::delivery`]).
//! Invariant: what quiet hours or a pause have held back is released once nothing holds it.

use std::time::Duration;

use super::{Pipeline, PipelineConfig, catchup::Pass};
use crate::{
    alerts::{self, AlertContext, hold},
    clock::Now,
    notice::{Notice, Source, copies::Arrival},
    settings::NotificationSettings,
    storage::Write,
};

/// How often it is looked at whether notifications are still held back: the clock may be set.
const HOLD_CHECK_INTERVAL: Duration = Duration::from_secs(60);

impl Pipeline {
    /// Releases what was held back as soon as nothing holds it any more: also if the program did not
    /// run then, or the machine slept.
    pub(super) fn check_hold(&mut self, now: Now) {
        let PipelineConfig { notifications, time_zone, .. } = &self.config;
        self.paused_until = self.paused_until.filter(|until| now.wall < *until);
        let is_held = hold::held_by(notifications, self.paused_until, now.wall, time_zone).is_some();
        if !is_held && notifications.enabled {
            self.delivery.release();
        }
        self.hold_check = None;
        if is_held {
            let change = hold::next_change(notifications, self.paused_until, now.wall, time_zone);
            let delay = change.and_then(|change| Duration::try_from(change.duration_since(now.wall)).ok());
            // The wall clock may be set meanwhile.
            self.hold_check = Some(now.mono + delay.unwrap_or(HOLD_CHECK_INTERVAL).min(HOLD_CHECK_INTERVAL));
        }
    }

    /// The writes for received notices; `pass` is the pass that fetched them, if any.
    pub(super) fn writes(&self, notices: Vec<Notice>, source: Source, pass: Option<&Pass>, now: Now) -> Vec<Write> {
        let number = pass.map_or(self.messages, Pass::requested_after);
        let arrival = Arrival { source, number };
        let context = AlertContext {
            now: now.wall,
            time_zone: &self.config.time_zone,
            is_first_run: pass.is_some_and(Pass::is_first_run),
            seen_through: pass.and_then(Pass::seen_through),
            paused_until: self.paused_until,
        };
        notice_writes(notices, arrival, &context, &self.config.notifications)
    }
}

/// What is to be written of notices that arrived now, each with its alert marks.
pub fn notice_writes(
    notices: Vec<Notice>,
    arrival: Arrival,
    context: &AlertContext<'_>,
    notifications: &NotificationSettings,
) -> Vec<Write> {
    notices
        .into_iter()
        .map(|notice| {
            let alert = alerts::decide(&notice, arrival.source, context, notifications);
            // Another opening of a matter is news, wherever it is read.
            let alert_if_opened = alerts::decide(&notice, Source::Live, context, notifications);
            Write::Notice { notice: Box::new(notice), arrival, received_at: context.now, alert, alert_if_opened }
        })
        .collect()
}
