//! Events as lines for people: the time, the event, and what to do about it.

use belfry_core::{
    event::{Event, NotificationType},
    status::Connectivity,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::output::{Shape, clean, local, name, short};

/// The lines of an event that happened now.
pub(super) fn lines(event: &Event) -> Vec<String> {
    let clock = Timestamp::now().to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string();
    let (what, details) = describe(event);
    let mut details = details.into_iter();
    let first = format!("{clock}  {what:<13} {}", details.next().unwrap_or_default());
    let indent = " ".repeat(clock.len() + 16);
    [first].into_iter().chain(details.map(|more| format!("{indent}{more}"))).collect()
}

/// The name of the event, and the lines beside it.
fn describe(event: &Event) -> (&'static str, Vec<String>) {
    match event {
        Event::Status(status) => {
            let mut first = clean(&status.endpoint, Shape::OneLine);
            if let Some(delay) = status.retry_in_ms {
                first.push_str(&format!("  (next attempt in {} s)", delay.div_ceil(1_000)));
            }
            let more = [&status.reason, &status.remedy].into_iter().filter(|text| !text.is_empty());
            let more = more.map(|text| clean(text, Shape::OneLine));
            (state(status.state), [first].into_iter().chain(more).collect())
        }
        Event::Notice { id, title, kind, source, replayed, .. } => {
            let mut about = vec![name(source)];
            if !kind.is_empty() {
                about.insert(0, format!("type {}", short(kind)));
            }
            if *replayed {
                about.push("repeated".to_owned());
            }
            ("notice", vec![format!("{}  ({}, id {})", short(title), about.join(", "), short(id))])
        }
        Event::Changed { id, state, fields } => {
            ("changed", vec![format!("{} is {} ({})", short(id), name(state), fields.join(", "))])
        }
        Event::CaughtUp { fetched, new, complete_through, incomplete } => {
            let through = match complete_through {
                Some(time) => format!("complete through {}", local(*time)),
                None => "not complete yet".to_owned(),
            };
            let more = if *incomplete { "; more will follow in the next pass" } else { "" };
            ("caught up", vec![format!("{fetched} fetched, {new} new; {through}{more}")])
        }
        Event::Notification { r#type, notices, summary } => {
            let of = match notices.only() {
                Some(key) => short(key.id),
                None => format!("{} notices", notices.len()),
            };
            let text = match r#type {
                NotificationType::Single | NotificationType::Summary => format!("{}  ({of})", short(summary)),
                NotificationType::Update => format!("updated: {}  ({of})", short(summary)),
                NotificationType::Retract => format!("retracted  ({of})"),
            };
            ("notification", vec![text])
        }
        Event::Rejected { reason, destination } => {
            ("rejected", vec![format!("{} from {}", name(reason), short(destination))])
        }
        Event::Activated { notices, action, .. } => {
            ("clicked", vec![format!("{} on {} notices", short(action), notices.len())])
        }
    }
}

fn state(state: Connectivity) -> &'static str {
    match state {
        Connectivity::Offline => "offline",
        Connectivity::Connecting => "connecting",
        Connectivity::CatchingUp => "catching up",
        Connectivity::Live => "live",
        Connectivity::Polling => "polling",
        Connectivity::ActionNeeded => "action needed",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use belfry_core::{
        notice::{NoticeKeyRef, Source, State},
        status::StatusEvent,
        storage::RejectReason,
    };

    use super::*;

    fn events() -> Vec<Event> {
        let time: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        let status = |retry_in_ms| {
            Event::Status(StatusEvent {
                state: Connectivity::ActionNeeded,
                endpoint: "wss://push.example.com:443/ws".to_owned(),
                reason: "the server refused the sign-in".to_owned(),
                remedy: "sign in again".to_owned(),
                retry_in_ms,
                since: time,
            })
        };
        let notification = |r#type, ids: &[&str]| Event::Notification {
            r#type,
            notices: ids.iter().map(|id| NoticeKeyRef { scope: "", id }).collect(),
            summary: "Approval needed".to_owned(),
        };
        let notice = |replayed| Event::Notice {
            id: "7".to_owned(),
            title: "Approval\u{1b}[2J needed".to_owned(),
            kind: "3".to_owned(),
            source: Source::Live,
            sent_at: Some(time),
            replayed,
        };
        let caught_up =
            |incomplete| Event::CaughtUp { fetched: 250, new: 243, complete_through: Some(time), incomplete };
        vec![
            status(None),
            status(Some(1_234)),
            notice(false),
            notice(true),
            Event::Changed { id: "7".to_owned(), state: State::Decided, fields: vec!["state", "title"] },
            caught_up(false),
            caught_up(true),
            notification(NotificationType::Single, &["7"]),
            notification(NotificationType::Summary, &["7", "8"]),
            notification(NotificationType::Retract, &["7"]),
            Event::Rejected { reason: RejectReason::NotUtf8, destination: "/queue/a".to_owned() },
        ]
    }

    #[test]
    fn events_have_exactly_the_keys_of_the_reference() {
        let allowed = |event: &str| -> &[&str] {
            match event {
                "status" => &["state", "endpoint", "reason", "remedy", "retry_in_ms", "since"],
                "notice" => &["id", "title", "kind", "source", "sent_at", "replayed"],
                "changed" => &["id", "state", "fields"],
                "caught-up" => &["fetched", "new", "complete_through", "incomplete"],
                "notification" => &["type", "notices", "summary"],
                "rejected" => &["reason", "destination"],
                other => panic!("{other}"),
            }
        };
        // Present only if there is a value.
        let optional = ["retry_in_ms", "since", "replayed", "incomplete"];
        for event in events() {
            let json = serde_json::to_value(&event).unwrap();
            let kind = json["event"].as_str().unwrap();
            let keys: BTreeSet<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
            let known: BTreeSet<&str> = allowed(kind).iter().copied().chain(["event"]).collect();
            let needed: BTreeSet<&str> = known.iter().copied().filter(|key| !optional.contains(key)).collect();
            assert!(keys.is_subset(&known) && keys.is_superset(&needed), "{json}");
        }
    }

    #[test]
    fn people_read_short_lines_without_control_characters() {
        let details: Vec<String> =
            events().iter().flat_map(|event| describe(event).1.into_iter().map(|line| format!("{line}\n"))).collect();
        let lines = details.concat();
        for expected in [
            "wss://push.example.com:443/ws  (next attempt in 2 s)\nthe server refused the sign-in\nsign in again\n",
            "Approval[2J needed  (type 3, live, id 7)\n",
            "Approval[2J needed  (type 3, live, repeated, id 7)\n",
            "7 is decided (state, title)\n",
            "250 fetched, 243 new; complete through 2026-11-20 ",
            "Approval needed  (7)\nApproval needed  (2 notices)\nretracted  (7)\n",
            "not-utf8 from /queue/a\n",
        ] {
            assert!(lines.contains(expected), "{expected:?} in {lines}");
        }
        for event in events() {
            for line in super::lines(&event) {
                assert!(!line.contains(char::is_control), "{line:?}");
            }
        }
    }
}
