//! When notifications are held back: in quiet hours, and while a person has paused them.
//!
//! Pure: time and time zone are arguments. Deliberately absent: what happens to the notices, which
//! become one summary when nothing holds them any more ([`crate::pipeline::delivery`]). Both hold
//! back what is below `quiet_hours.allow`, unless a rule says `urgent`.

use jiff::{
    Timestamp, ToSpan as _, Zoned,
    civil::{Time, Weekday, time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::{
    settings::{Day, NotificationSettings, QuietHours},
    storage::Suppressed,
};

/// How long a person wants no notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pause {
    /// For 30 minutes.
    HalfHour,
    /// For an hour.
    Hour,
    /// Until 8:00 tomorrow.
    UntilTomorrow,
}

impl Pause {
    /// When it ends, if it begins now.
    pub fn end(self, now: Timestamp, time_zone: &TimeZone) -> Timestamp {
        let end = match self {
            Self::HalfHour => now.checked_add(30.minutes()),
            Self::Hour => now.checked_add(1.hour()),
            Self::UntilTomorrow => {
                let tomorrow = now.to_zoned(time_zone.clone()).date().tomorrow();
                tomorrow
                    .and_then(|day| day.to_datetime(time(8, 0, 0, 0)).to_zoned(time_zone.clone()))
                    .map(|end| end.timestamp())
            }
        };
        end.unwrap_or(Timestamp::MAX)
    }
}

/// What holds notifications back now.
pub fn held_by(
    settings: &NotificationSettings,
    paused_until: Option<Timestamp>,
    now: Timestamp,
    time_zone: &TimeZone,
) -> Option<Suppressed> {
    if paused_until.is_some_and(|until| now < until) {
        return Some(Suppressed::Paused);
    }
    let hours = &settings.quiet_hours;
    let has_hours = hours.from.is_some() && hours.to.is_some();
    let is_held = has_hours && is_quiet(hours, &now.to_zoned(time_zone.clone()));
    is_held.then_some(Suppressed::QuietHours)
}

/// When to look again whether anything holds notifications back.
pub fn next_change(
    settings: &NotificationSettings,
    paused_until: Option<Timestamp>,
    now: Timestamp,
    time_zone: &TimeZone,
) -> Option<Timestamp> {
    let ends = settings.quiet_hours.to.filter(|_| settings.quiet_hours.from.is_some()).and_then(|to| {
        let now = now.to_zoned(time_zone.clone());
        let end = |day: jiff::civil::Date| day.to_datetime(to).to_zoned(time_zone.clone()).ok();
        let today = end(now.date()).filter(|end| *end > now);
        today.or_else(|| end(now.date().tomorrow().ok()?)).map(|end| end.timestamp())
    });
    ends.into_iter().chain(paused_until.filter(|until| now < *until)).min()
}

/// Whether it is quiet now. Hours across midnight belong to the day on which they begin; equal ends
/// mean the whole day.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_pause_until_tomorrow_ends_at_eight_in_the_persons_own_time() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let now = at("2026-11-20T20:30:00Z");
        assert_eq!(Pause::UntilTomorrow.end(now, &zone), at("2026-11-22T00:00:00Z"), "it is the 21st there");
        assert_eq!(Pause::HalfHour.end(now, &zone), at("2026-11-20T21:00:00Z"));
        assert_eq!(Pause::Hour.end(now, &zone), at("2026-11-20T21:30:00Z"));
    }

    #[test]
    fn what_holds_is_looked_at_again_when_the_first_of_both_may_end() {
        let mut settings = NotificationSettings::default();
        let now = at("2026-11-20T20:30:00Z");
        assert_eq!(next_change(&settings, None, now, &TimeZone::UTC), None);
        assert_eq!(next_change(&settings, Some(at("2026-11-20T20:00:00Z")), now, &TimeZone::UTC), None, "it is over");
        settings.quiet_hours.from = Some(time(20, 0, 0, 0));
        settings.quiet_hours.to = Some(time(7, 0, 0, 0));
        assert_eq!(next_change(&settings, None, now, &TimeZone::UTC), Some(at("2026-11-21T07:00:00Z")));
        let pause = Some(at("2026-11-20T21:00:00Z"));
        assert_eq!(next_change(&settings, pause, now, &TimeZone::UTC), pause);
        assert_eq!(held_by(&settings, pause, now, &TimeZone::UTC), Some(Suppressed::Paused));
        assert_eq!(held_by(&settings, None, now, &TimeZone::UTC), Some(Suppressed::QuietHours));
        assert_eq!(held_by(&settings, None, at("2026-11-21T07:00:00Z"), &TimeZone::UTC), None);
    }
}
