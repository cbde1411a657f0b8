//! The fields of a notice that are not plain text: time, priority, state, version, actions.
//!
//! Each reader takes the value a pointer leads to and returns `None` if it cannot read it. Such a
//! value stays among the unmapped fields, where a person can still see it. Deliberately absent:
//! where in a message the values stand. What each accepts is in `docs/reference/settings.md`.

use std::collections::HashSet;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::value::RawValue;

use super::{Action, Confirm, Priority, State};
use crate::{
    foreign_text::normalized,
    json::{Members, elements, scalar},
    settings::MessageSettings,
    words::Word as _,
};

/// Text that is not empty: a string, a number or a boolean.
pub(super) fn text(value: &RawValue) -> Option<String> {
    scalar(value).map(|text| normalized(&text)).filter(|text| !text.is_empty())
}

/// An id is never changed; an empty one counts as absent.
pub(super) fn id(value: &RawValue) -> Option<String> {
    scalar(value).filter(|text| !text.is_empty())
}

/// RFC 3339; a date and time without an offset, in `zone`; seconds or milliseconds since 1970, as
/// number or text.
pub(super) fn sent_at(value: &RawValue, zone: &TimeZone) -> Option<Timestamp> {
    let text = scalar(value)?;
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+".contains(&byte)) {
        return epoch(text);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let local: DateTime = text.parse().ok()?;
    Some(local.to_zoned(zone.clone()).ok()?.timestamp())
}

/// Up to the year 5138 a number below 1e11 means seconds; one of at least that, milliseconds since
/// March 1973. Zero is how servers write "none"; numbers from 1e13 on (the year 2286) are not
/// times.
fn epoch(text: &str) -> Option<Timestamp> {
    const MILLIS_FROM: f64 = 1e11;
    const MILLIS_BELOW: f64 = 1e13;
    let number: f64 = text.parse().ok()?;
    if number <= 0.0 || number >= MILLIS_BELOW {
        return None;
    }
    let millis = if number < MILLIS_FROM { number * 1000.0 } else { number };
    // Below 1e14 every millisecond is exact in a double.
    Timestamp::from_millisecond(millis.round() as i64).ok()
}

/// 1 to 5 as number or text, or a name.
pub(super) fn priority(value: &RawValue) -> Option<Priority> {
    match scalar(value)?.trim().to_ascii_lowercase().as_str() {
        "1" | "2" => Some(Priority::Low),
        "3" => Some(Priority::Normal),
        "4" => Some(Priority::High),
        "5" => Some(Priority::Urgent),
        word => Priority::from_word(word),
    }
}

/// A name.
pub(super) fn state(value: &RawValue) -> Option<State> {
    State::from_word(&scalar(value)?.trim().to_ascii_lowercase())
}

/// A whole number, also as text and also written as `7.0`; or the time of the last change, which
/// counts in microseconds.
pub(super) fn version(value: &RawValue, zone: &TimeZone) -> Option<i64> {
    /// Up to here a double is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let text = scalar(value)?;
    let text = text.trim();
    if let Ok(whole) = text.parse() {
        return Some(whole);
    }
    match text.parse::<f64>() {
        Ok(number) => (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64),
        Err(_) => sent_at(value, zone).map(Timestamp::as_microsecond),
    }
}

/// Whether a delivery status is one of those that mean "not yet delivered".
pub(super) fn undelivered(value: &RawValue, words: &[String]) -> Option<bool> {
    let text = scalar(value)?;
    let text = text.trim();
    (!text.is_empty()).then(|| words.iter().any(|word| word == text))
}

/// Whether the value is about the delivery and not about the matter. With the built-in words this
/// is certain only for them and their opposites: other servers have a status of the matter in the
/// same place. A person who names other words knows the place.
pub(super) fn is_delivery_status(value: &RawValue, words: &[String]) -> bool {
    let is_built_in = || words == MessageSettings::default().undelivered;
    match undelivered(value, words) {
        None => false,
        Some(true) => true,
        Some(false) => {
            scalar(value).is_some_and(|text| matches!(text.trim(), "delivered" | "已送达")) || !is_built_in()
        }
    }
}

/// `[{id,label,url,method,confirm?}]`. A missing id or label is taken from the other. If one action
/// cannot be used, none is: an incomplete choice would mislead. The server could not tell two of the
/// same id from each other.
pub(super) fn actions(value: &RawValue) -> Option<Vec<Action>> {
    let actions: Vec<Action> = elements(value.get())?.into_iter().map(action).collect::<Option<_>>()?;
    let mut ids = HashSet::new();
    actions.iter().all(|action| ids.insert(action.id.as_str())).then_some(actions)
}

fn action(value: &RawValue) -> Option<Action> {
    let members = Members::read(value.get())?;
    let field = |key: &str| members.value(key).and_then(text);
    let id = members.value("id").and_then(id).or_else(|| field("label"))?;
    Some(Action {
        label: field("label").unwrap_or_else(|| normalized(&id)),
        id,
        url: field("url")?,
        method: field("method").unwrap_or_default().to_ascii_uppercase(),
        confirm: field("confirm").map(confirm).unwrap_or_default(),
    })
}

fn confirm(text: String) -> Confirm {
    match text.trim() {
        // It is asked for, but the question is missing.
        "true" | "1" | "" => Confirm::Asked(true),
        "false" | "0" => Confirm::Asked(false),
        _ => Confirm::Question(text),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz;

    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn times_are_read_in_four_forms() {
        let zone = TimeZone::fixed(tz::offset(8));
        for (json, expected) in [
            (r#""2026-11-20T07:10:00Z""#, Some("2026-11-20T07:10:00Z")),
            (r#""2026-11-20T07:10:00.25+02:00""#, Some("2026-11-20T05:10:00.25Z")),
            (r#""2026-11-20 15:10:00""#, Some("2026-11-20T07:10:00Z")),
            (r#"" 2026-11-20T15:10:00.5 ""#, Some("2026-11-20T07:10:00.5Z")),
            ("1795158600", Some("2026-11-20T07:10:00Z")),
            ("1795158600.5", Some("2026-11-20T07:10:00.5Z")),
            ("1795158600123", Some("2026-11-20T07:10:00.123Z")),
            (r#""1795158600""#, Some("2026-11-20T07:10:00Z")),
            (r#""1795158600123""#, Some("2026-11-20T07:10:00.123Z")),
            ("1.7951586e9", Some("2026-11-20T07:10:00Z")),
            ("0", None),
            ("-5", None),
            ("1e400", None),
            ("17951586001234567", None),
            (r#""yesterday""#, None),
            (r#""2026-13-45 99:00:00""#, None),
            (r#""""#, None),
            ("true", None),
            ("[]", None),
        ] {
            let expected: Option<Timestamp> = expected.map(|text| text.parse().unwrap());
            assert_eq!(sent_at(raw(json), &zone), expected, "{json}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_or_repeat_is_still_a_time() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let read = |text: &str| sent_at(raw(&format!("\"{text}\"")), &zone).unwrap().to_string();
        assert_eq!(read("2026-03-29 02:30:00"), "2026-03-29T01:30:00Z");
        assert_eq!(read("2026-10-25 02:30:00"), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn priorities_are_numbers_or_names() {
        for (json, expected) in [
            ("1", Some(Priority::Low)),
            ("2", Some(Priority::Low)),
            (r#""3""#, Some(Priority::Normal)),
            ("4", Some(Priority::High)),
            ("5", Some(Priority::Urgent)),
            (r#""URGENT""#, Some(Priority::Urgent)),
            (r#""low""#, Some(Priority::Low)),
            ("0", None),
            ("6", None),
            ("3.5", None),
            (r#""very""#, None),
            ("{}", None),
        ] {
            assert_eq!(priority(raw(json)), expected, "{json}");
        }
    }

    #[test]
    fn states_and_versions_are_read_or_left_alone() {
        assert_eq!(state(raw(r#""Decided""#)), Some(State::Decided));
        assert_eq!(state(raw(r#""pending""#)), None);
        let version = |json| version(raw(json), &TimeZone::UTC);
        for (json, expected) in [
            ("7", Some(7)),
            (r#""7""#, Some(7)),
            ("7.0", Some(7)),
            ("7e2", Some(700)),
            (r#""2026-11-22 10:00:00""#, Some(1_795_341_600_000_000)),
            (r#""2026-11-22T11:00:00.000001+01:00""#, Some(1_795_341_600_000_001)),
            ("7.5", None),
            ("99999999999999999999", None),
            (r#""v7""#, None),
            ("null", None),
        ] {
            assert_eq!(version(json), expected, "{json}");
        }
    }

    #[test]
    fn a_delivery_status_is_compared_as_text_with_the_words_of_the_settings() {
        let built_in = MessageSettings::default().undelivered;
        let own = ["0".to_owned()];
        for (json, words, expected, is_about_delivery) in [
            (r#""undelivered""#, &built_in[..], Some(true), true),
            (r#""未送达""#, &built_in, Some(true), true),
            (r#""delivered""#, &built_in, Some(false), true),
            (r#""已送达""#, &built_in, Some(false), true),
            (r#""paid""#, &built_in, Some(false), false),
            ("0", &own, Some(true), true),
            (r#""0""#, &own, Some(true), true),
            ("1", &own, Some(false), true),
            (r#""""#, &own, None, false),
            ("{}", &own, None, false),
        ] {
            assert_eq!(undelivered(raw(json), words), expected, "{json}");
            assert_eq!(is_delivery_status(raw(json), words), is_about_delivery, "{json}");
        }
    }

    #[test]
    fn actions_are_all_usable_or_none_is() {
        let read = actions(raw(r#"[{"id":1,"label":"Approve","url":"/a","method":"post","confirm":"Approve 12 EUR?"},
                {"label":"Reject","url":"/r","confirm":true},{"label":"Open","url":"https://x","confirm":false}]"#));
        let action = |id: &str, label: &str, url: &str, method: &str, confirm| Action {
            id: id.to_owned(),
            label: label.to_owned(),
            url: url.to_owned(),
            method: method.to_owned(),
            confirm,
        };
        assert_eq!(
            read.unwrap(),
            [
                action("1", "Approve", "/a", "POST", Confirm::Question("Approve 12 EUR?".to_owned())),
                action("Reject", "Reject", "/r", "", Confirm::Asked(true)),
                action("Open", "Open", "https://x", "", Confirm::Asked(false)),
            ]
        );
        let blank = actions(raw(r#"[{"label":"Open","url":"https://x","confirm":" "}]"#));
        assert_eq!(blank.unwrap(), [action("Open", "Open", "https://x", "", Confirm::Asked(true))]);
        let alike = r#"[{"id":"ok","label":"Approve","url":"/a"},{"id":"ok","label":"Reject","url":"/r"}]"#;
        for json in [r#"[{"id":1,"url":"/a"},{"id":2}]"#, "{}", "[1]", r#"[{"url":"/a"}]"#, alike] {
            assert_eq!(actions(raw(json)), None, "{json}");
        }
        assert_eq!(actions(raw("[]")), Some(vec![]));
    }
}
