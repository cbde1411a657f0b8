//! Alerts: whether a notice rings, how loudly, when and together with which others, and in which words.
//!
//! Pure. [`decide`] says whether and how loudly, [`planner`] when and with whom, [`wording`] in which words. Nothing here
//! shows anything.

pub mod planner;
mod wording;

use jiff::{
    Timestamp, Zoned,
    civil::{Time, Weekday},
    tz::TimeZone,
};

pub use self::wording::Wording;
use crate::{
    catchup::OVERLAP,
    notice::{Notice, Priority, Source, State},
    ports::Loudness,
    settings::{Day, NotificationSettings, QuietHours, Rule, Show},
    store::{AlertMark, Suppressed},
};

/// What is known when a notice arrives.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    /// The machine's time zone, in which quiet hours are meant.
    pub time_zone: &'a TimeZone,
    /// The notice came in a pass, and nothing was ever collected before.
    pub is_first_run: bool,
    /// The stored `complete_through` before this pass.
    pub complete_through: Option<Timestamp>,
}

/// Whether a new notice owes a popup: the rules of `[notifications]`, then where it came from. It is decided once, in the
/// transaction that stores the notice.
pub fn decide(notice: &Notice, source: Source, context: &Context<'_>, settings: &NotificationSettings) -> AlertMark {
    let suppressed = if notice.state != State::Open {
        Some(Suppressed::NotOpen)
    } else if is_old_news(notice, source, context) {
        Some(Suppressed::OldNews)
    } else if !settings.enabled {
        Some(Suppressed::Disabled)
    } else {
        match show(notice, settings) {
            Show::Mute => Some(Suppressed::Muted),
            Show::Urgent => None,
            Show::Quiet | Show::Normal => {
                let now = context.now.to_zoned(context.time_zone.clone());
                let is_held = notice.priority < settings.quiet_hours.allow && is_quiet(&settings.quiet_hours, &now);
                is_held.then_some(Suppressed::QuietHours)
            }
        }
    };
    suppressed.map_or(AlertMark::Due, AlertMark::Suppressed)
}

/// How loudly a popup rings that is owed.
pub fn loudness(notice: &Notice, settings: &NotificationSettings) -> Loudness {
    match show(notice, settings) {
        Show::Mute | Show::Quiet => Loudness::Quiet,
        Show::Urgent => Loudness::Urgent,
        Show::Normal if notice.priority == Priority::Urgent => Loudness::Urgent,
        Show::Normal => Loudness::Normal,
    }
}

/// What the server had delivered before, or what only fills the record up, does not ring. A collected row is undelivered
/// unless it says otherwise; a row of the history is news only after `complete_through`, when its first delivery was lost.
fn is_old_news(notice: &Notice, source: Source, context: &Context<'_>) -> bool {
    match (source, notice.undelivered) {
        (Source::Live, _) | (_, Some(true)) => false,
        (Source::Collected, undelivered) => context.is_first_run && undelivered == Some(false),
        (Source::History, _) if context.is_first_run => true,
        (Source::History, _) => {
            let from = context.complete_through.and_then(|through| through.checked_sub(OVERLAP).ok());
            from.zip(notice.sent_at).is_none_or(|(from, sent)| sent < from)
        }
    }
}

/// The first rule that matches decides.
fn show(notice: &Notice, settings: &NotificationSettings) -> Show {
    settings.rules.iter().find(|rule| matches(rule, notice)).map_or(Show::Normal, |rule| rule.show)
}

fn matches(rule: &Rule, notice: &Notice) -> bool {
    let fits = |wanted: &Option<String>, found: &str| match wanted.as_deref() {
        None => true,
        Some(pattern) => pattern.strip_suffix('*').map_or(pattern == found, |beginning| found.starts_with(beginning)),
    };
    fits(&rule.kind, &notice.kind) && fits(&rule.sender, &notice.sender)
}

/// Whether it is quiet now. Hours over midnight belong to the day they begin on; equal ends are the whole day.
fn is_quiet(hours: &QuietHours, now: &Zoned) -> bool {
    let (Some(from), Some(to)) = (hours.from, hours.to) else { return false };
    let time: Time = now.time();
    let is_on = |weekday: Weekday| hours.days.iter().any(|named| weekday_of(*named) == weekday);
    if from < to {
        is_on(now.weekday()) && (from..to).contains(&time)
    } else {
        (is_on(now.weekday()) && time >= from) || (is_on(now.weekday().previous()) && time < to)
    }
}

fn weekday_of(named: Day) -> Weekday {
    match named {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    }
}
