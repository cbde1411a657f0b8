//! Alerts: whether a notice notifies, how loudly, when, with which other notices, and with which
//! text.
//!
//! Pure. [`decide`] and [`loudness`] say whether and how loudly, [`hold`] until when not,
//! [`planner`] when and with which others, [`Wording`] has the text. Deliberately absent: showing a popup.

pub mod buttons;
pub mod hold;
pub mod planner;
mod wording;

use jiff::{Timestamp, tz::TimeZone};

pub use self::wording::{Rank, Summary, Wording};
use crate::{
    notice::{Notice, Priority, Source, State},
    pipeline::catchup::HISTORY_OVERLAP,
    ports::Loudness,
    settings::{NotificationSettings, Rule, Show},
    storage::{AlertMark, Suppressed},
};

/// What [`decide`] needs beside the notice.
#[derive(Debug, Clone, Copy)]
pub struct AlertContext<'a> {
    /// Now.
    pub now: Timestamp,
    /// The machine's time zone, which quiet hours refer to.
    pub time_zone: &'a TimeZone,
    /// The notice came in a pass, and nothing was ever collected before.
    pub is_first_run: bool,
    /// What the server says was sent before this time, an earlier pass has seen.
    pub seen_through: Option<Timestamp>,
    /// Until when a person has paused notifications.
    pub paused_until: Option<Timestamp>,
}

/// Whether an opening of a notice gets a popup: by its source, then by the rules of
/// `[notifications]`. This is decided once, in the transaction that stores it.
pub fn decide(
    notice: &Notice,
    source: Source,
    context: &AlertContext<'_>,
    settings: &NotificationSettings,
) -> AlertMark {
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
            Show::Quiet | Show::Normal if notice.priority < settings.quiet_hours.allow => {
                hold::held_by(settings, context.paused_until, context.now, context.time_zone)
            }
            Show::Quiet | Show::Normal => None,
        }
    };
    suppressed.map_or(AlertMark::Due, AlertMark::Suppressed)
}

/// How loud the popup of a notice is.
pub fn loudness(notice: &Notice, settings: &NotificationSettings) -> Loudness {
    match show(notice, settings) {
        Show::Mute | Show::Quiet => Loudness::Quiet,
        Show::Urgent => Loudness::Urgent,
        Show::Normal => match notice.priority {
            Priority::Low => Loudness::Quiet,
            Priority::Normal | Priority::High => Loudness::Normal,
            Priority::Urgent => Loudness::Urgent,
        },
    }
}

/// Rows that the server had delivered before, and rows of the history that an earlier pass has seen,
/// do not notify. A collected row counts as undelivered unless it says otherwise. A row of the
/// history that was sent after that pass does notify: its delivery was lost.
fn is_old_news(notice: &Notice, source: Source, context: &AlertContext<'_>) -> bool {
    match (source, notice.undelivered) {
        (Source::Live, _) | (_, Some(true)) => false,
        (Source::Collected, undelivered) => context.is_first_run && undelivered == Some(false),
        (Source::History, _) if context.is_first_run => true,
        (Source::History, _) => {
            let from = context.seen_through.and_then(|through| through.checked_sub(HISTORY_OVERLAP).ok());
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::Time;

    use super::*;
    use crate::{
        notice::{Identity, NoticeKey, Origin},
        settings::{Day, QuietHours},
    };

    fn notice() -> Notice {
        Notice {
            key: NoticeKey { scope: String::new(), id: "1".to_owned() },
            identity: Identity::Assigned,
            title: "Expense report".to_owned(),
            body: "Expense report\n12 EUR".to_owned(),
            kind: "expense".to_owned(),
            sender: "alice".to_owned(),
            sent_at: None,
            link: String::new(),
            priority: Priority::Normal,
            state: State::Open,
            has_state: true,
            version: None,
            actions: Vec::new(),
            undelivered: None,
            is_partial: false,
            extra: serde_json::Map::new(),
            destination: String::new(),
            origin: Origin::Personal,
        }
    }

    /// Friday 20 November 2026 in UTC.
    fn at(time: &str) -> Timestamp {
        format!("2026-11-20T{time}:00Z").parse().unwrap()
    }

    fn context(now: Timestamp) -> AlertContext<'static> {
        static ZONE: TimeZone = TimeZone::UTC;
        AlertContext { now, time_zone: &ZONE, is_first_run: false, seen_through: None, paused_until: None }
    }

    fn hours(from: i8, to: i8) -> NotificationSettings {
        let quiet_hours = QuietHours {
            from: Time::new(from, 0, 0, 0).ok(),
            to: Time::new(to, 0, 0, 0).ok(),
            days: BTreeSet::from([Day::Fri]),
            allow: Priority::Urgent,
        };
        NotificationSettings { quiet_hours, ..NotificationSettings::default() }
    }

    #[test]
    fn quiet_hours_hold_what_is_not_urgent_and_those_over_midnight_belong_to_the_day_they_begin_on() {
        let held = AlertMark::Suppressed(Suppressed::QuietHours);
        let friday_night = hours(22, 7);
        let late = context(at("22:00"));
        assert_eq!(decide(&notice(), Source::Live, &late, &friday_night), held);
        assert_eq!(decide(&notice(), Source::Live, &context(at("21:59")), &friday_night), AlertMark::Due);
        let morning: Timestamp = "2026-11-21T06:59:00Z".parse().unwrap();
        assert_eq!(decide(&notice(), Source::Live, &context(morning), &friday_night), held);
        let friday_morning = context(at("06:59"));
        assert_eq!(decide(&notice(), Source::Live, &friday_morning, &friday_night), AlertMark::Due);
        let urgent = Notice { priority: Priority::Urgent, ..notice() };
        assert_eq!(decide(&urgent, Source::Live, &late, &friday_night), AlertMark::Due);
        assert_eq!(decide(&notice(), Source::Live, &context(at("12:00")), &hours(9, 17)), held);
        assert_eq!(decide(&notice(), Source::Live, &context(at("17:00")), &hours(9, 17)), AlertMark::Due);
    }

    #[test]
    fn a_pause_holds_what_quiet_hours_would_hold() {
        let noon = AlertContext { paused_until: Some(at("12:30")), ..context(at("12:00")) };
        let settings = NotificationSettings::default();
        let held = AlertMark::Suppressed(Suppressed::Paused);
        assert_eq!(decide(&notice(), Source::Live, &noon, &settings), held);
        let over = AlertContext { now: at("12:30"), ..noon };
        assert_eq!(decide(&notice(), Source::Live, &over, &settings), AlertMark::Due);
        let urgent = Notice { priority: Priority::Urgent, ..notice() };
        assert_eq!(decide(&urgent, Source::Live, &noon, &settings), AlertMark::Due);
        let quiet_hours = QuietHours { allow: Priority::High, ..QuietHours::default() };
        let settings = NotificationSettings { quiet_hours, ..settings };
        let high = Notice { priority: Priority::High, ..notice() };
        assert_eq!(decide(&high, Source::Live, &noon, &settings), AlertMark::Due);
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rule = |kind: &str, sender: Option<&str>, show| Rule {
            kind: Some(kind.to_owned()),
            sender: sender.map(str::to_owned),
            show,
        };
        let mut settings = hours(0, 23);
        settings.rules = vec![
            rule("expense", Some("bob*"), Show::Mute),
            rule("exp*", Some("ali*"), Show::Urgent),
            rule("expense", None, Show::Mute),
        ];
        let noon = context(at("12:00"));
        assert_eq!(decide(&notice(), Source::Live, &noon, &settings), AlertMark::Due, "urgent passes quiet hours");
        assert_eq!(loudness(&notice(), &settings), Loudness::Urgent);
        let bobs = Notice { sender: "bobby".to_owned(), ..notice() };
        assert_eq!(decide(&bobs, Source::Live, &noon, &settings), AlertMark::Suppressed(Suppressed::Muted));
    }

    #[test]
    fn each_priority_has_an_effect_unless_a_rule_says_otherwise() {
        let popup = |priority, show| {
            let rules = vec![Rule { kind: None, sender: None, show }];
            let wording = Wording::new(
                crate::texts::Language::English,
                NotificationSettings { rules, ..NotificationSettings::default() },
            );
            let popup = wording.single(&Notice { priority, ..notice() });
            (popup.loudness, !popup.sound.is_empty(), popup.stays())
        };
        for (priority, expected) in [
            (Priority::Low, (Loudness::Quiet, false, false)),
            (Priority::Normal, (Loudness::Normal, true, false)),
            (Priority::High, (Loudness::Normal, true, true)),
            (Priority::Urgent, (Loudness::Urgent, true, true)),
        ] {
            assert_eq!(popup(priority, Show::Normal), expected, "{priority:?}");
            assert_eq!(popup(priority, Show::Quiet), (Loudness::Quiet, false, false), "{priority:?}");
            assert_eq!(popup(priority, Show::Urgent), (Loudness::Urgent, true, true), "{priority:?}");
        }
    }

    #[test]
    fn what_is_not_open_and_what_was_delivered_before_does_not_ring() {
        let settings = NotificationSettings::default();
        let mark = |notice: &Notice, source, context: &AlertContext<'_>| decide(notice, source, context, &settings);
        let old = AlertMark::Suppressed(Suppressed::OldNews);
        let now = context(at("12:00"));
        let decided = Notice { state: State::Decided, ..notice() };
        assert_eq!(mark(&decided, Source::Live, &now), AlertMark::Suppressed(Suppressed::NotOpen));

        let first = AlertContext { is_first_run: true, ..now };
        let delivered = Notice { undelivered: Some(false), ..notice() };
        let undelivered = Notice { undelivered: Some(true), ..notice() };
        for (row, source, expected) in [
            (&notice(), Source::Collected, AlertMark::Due),
            (&undelivered, Source::Collected, AlertMark::Due),
            (&delivered, Source::Collected, old),
            (&notice(), Source::History, old),
            (&delivered, Source::History, old),
            (&undelivered, Source::History, AlertMark::Due),
        ] {
            assert_eq!(mark(row, source, &first), expected, "{source:?} {:?}", row.undelivered);
        }

        let later = AlertContext { seen_through: Some(at("11:00")), ..now };
        let sent = |time| Notice { sent_at: Some(at(time)), undelivered: Some(false), ..notice() };
        assert_eq!(mark(&sent("11:30"), Source::History, &later), AlertMark::Due, "its delivery was lost");
        assert_eq!(mark(&sent("10:56"), Source::History, &later), AlertMark::Due, "within the overlap");
        assert_eq!(mark(&sent("10:54"), Source::History, &later), old);
        assert_eq!(mark(&notice(), Source::History, &later), old, "without a time it is not news");
        assert_eq!(mark(&delivered, Source::Collected, &later), AlertMark::Due, "it was missed here");
    }

    #[test]
    fn popups_show_no_more_than_the_preview_setting_allows_and_name_kinds() {
        use crate::settings::{KindName, KindNames, Preview};
        let kinds = KindNames([("expense".to_owned(), KindName::Plain("Expense claim".to_owned()))].into());
        let popups = |preview| {
            let settings = NotificationSettings { preview, ..NotificationSettings::default() };
            let wording = Wording::new(crate::texts::Language::English, settings).with_kinds(kinds.clone());
            let (single, summary) = (wording.single(&notice()), wording.summary(&[notice(), notice()]));
            [single.title, single.body, summary.title, summary.body]
        };
        let lines = "alice: Expense claim: Expense report\nalice: Expense claim: Expense report";
        assert_eq!(popups(Preview::Full), ["Expense claim: Expense report", "12 EUR", "2 new notices", lines]);
        assert_eq!(popups(Preview::Title), ["Expense claim: Expense report", "", "2 new notices", lines]);
        assert_eq!(popups(Preview::None), ["New notice", "", "2 new notices", ""]);
    }

    #[test]
    fn popups_are_worded_in_the_persons_language_and_name_the_three_most_urgent_or_newest() {
        let notices: Vec<Notice> =
            (0..5).map(|number| Notice { title: format!("Report {number}"), ..notice() }).collect();
        let wording = Wording::new(crate::texts::Language::English, NotificationSettings::default());
        let popup = wording.summary(&notices);
        assert_eq!(popup.title, "5 new notices");
        assert_eq!(popup.body, "alice: Report 4\nalice: Report 3\nalice: Report 2\nand 2 more");
        assert_eq!(popup.notices.len(), 5);
        let urgent = |number: usize| Notice { priority: Priority::Urgent, ..notices[number].clone() };
        let mixed = [urgent(0), notices[1].clone(), urgent(2), notices[3].clone(), notices[4].clone()];
        assert_eq!(wording.summary(&mixed).body, "alice: Report 2\nalice: Report 0\nalice: Report 4\nand 2 more");
        let chinese = Wording::new(crate::texts::Language::Chinese, NotificationSettings::default());
        assert_eq!(chinese.summary(&notices).title, "5 条新通知");
        assert_eq!(wording.single(&notice()).body, "12 EUR", "the title is not said twice");
        let feigned = Notice { sender: format!("bob\nalice: fake {}", "x".repeat(700)), ..notices[0].clone() };
        let expected = format!("bob alice: fake {}…: Report 0", "x".repeat(23));
        assert_eq!(wording.summary(&[feigned]).body, expected, "a sender takes no line of its own");
        let long = Notice { body: "é".repeat(1_000), ..notice() };
        assert_eq!(wording.single(&long).body.chars().count(), 240);
    }
}
