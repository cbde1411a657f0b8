//! Settings that are small tables: how each is read and written, one beside the other.
//!
//! Deliberately absent: values of one word, number or text (`read` and `to_value`). Invariant: what
//! is written here reads back as the same value.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    HeartBeat, KindName, KindNames, Language, Oidc, QuietHours, Rule, Subscription,
    diagnostics::{SettingsErrorKind, SettingsReport, is_secret_name},
    read::{choice, duration, line, list, time, web_url},
    spanned_value::{RawValue, SpannedValue},
    to_value::ToValue,
};

/// One key of a table: its name, and what to do with its value.
type Field<'a> = (&'static str, &'a mut dyn FnMut(&str, &SpannedValue, &mut SettingsReport));

/// The keys of a small table; `None` if the value is not a table.
fn fields(key: &str, spanned: &SpannedValue, report: &mut SettingsReport, fields: &mut [Field<'_>]) -> Option<()> {
    let RawValue::Table(table) = &spanned.value else {
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        return report.wrong(key, spanned, &format!("a table with the keys {}", names.join(", ")));
    };
    for (name, spanned) in table {
        let full = format!("{key}.{name}");
        if let Some((_, read)) = fields.iter_mut().find(|(known, _)| known == name) {
            read(&full, spanned, report);
        } else {
            let known: Vec<_> = fields.iter().map(|(known, _)| format!("{key}.{known}")).collect();
            report.unknown(&full, spanned, known.iter().map(String::as_str));
        }
    }
    Some(())
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

pub(super) fn heart_beat(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<HeartBeat> {
    let HeartBeat { mut send, mut expect } = HeartBeat::default();
    fields(
        key,
        spanned,
        report,
        &mut [
            ("send", &mut |key, spanned, report| set(&mut send, duration(key, spanned, report))),
            ("expect", &mut |key, spanned, report| set(&mut expect, duration(key, spanned, report))),
        ],
    )?;
    Some(HeartBeat { send, expect })
}

impl ToValue for HeartBeat {
    fn to_value(&self) -> Value {
        json!({ "send": self.send.to_value(), "expect": self.expect.to_value() })
    }
}

pub(super) fn oidc(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Oidc> {
    let Oidc { mut issuer, mut client_id, mut scopes } = Oidc::default();
    fields(
        key,
        spanned,
        report,
        &mut [
            ("issuer", &mut |key, spanned, report| set(&mut issuer, web_url(key, spanned, report))),
            ("client_id", &mut |key, spanned, report| set(&mut client_id, line(key, spanned, report))),
            ("scopes", &mut |key, spanned, report| {
                set(&mut scopes, list(key, spanned, report, "a list of texts", line))
            }),
        ],
    )?;
    Some(Oidc { issuer, client_id, scopes })
}

impl ToValue for Oidc {
    fn to_value(&self) -> Value {
        json!({ "issuer": self.issuer.to_value(), "client_id": self.client_id, "scopes": self.scopes })
    }
}

pub(super) fn quiet_hours(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<QuietHours> {
    let QuietHours { from, to, mut days, mut allow } = QuietHours::default();
    let (mut from, mut to) = (Some(from), Some(to));
    fields(
        key,
        spanned,
        report,
        &mut [
            ("from", &mut |key, spanned, report| from = time(key, spanned, report)),
            ("to", &mut |key, spanned, report| to = time(key, spanned, report)),
            ("days", &mut |key, spanned, report| {
                let read = list(key, spanned, report, r#"a list of days such as ["mon","tue"]"#, choice);
                set(&mut days, read.map(|days| days.into_iter().collect()));
            }),
            ("allow", &mut |key, spanned, report| set(&mut allow, choice(key, spanned, report))),
        ],
    )?;
    // What cannot be read is reported by now.
    let (from, to) = (from?, to?);
    if from.is_some() == to.is_some() && (from.is_none() || from != to) {
        Some(QuietHours { from, to, days, allow })
    } else {
        let accepted = "from and to both, and different, or both \"\"".to_owned();
        report.error(
            key,
            spanned.line,
            SettingsErrorKind::Wrong { found: "from and to that do not go together".to_owned(), accepted },
        )
    }
}

impl ToValue for QuietHours {
    fn to_value(&self) -> Value {
        json!({
            "from": self.from.to_value(),
            "to": self.to.to_value(),
            "days": self.days.to_value(),
            "allow": self.allow.to_value(),
        })
    }
}

/// Names of kinds: a text, or one text for each language.
pub(super) fn kinds(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<KindNames> {
    let accepted = r#"a table such as { "3" = "Expense" } or { "3" = { en = "Expense", "zh-CN" = "报销" } }"#;
    let RawValue::Table(table) = &spanned.value else { return report.wrong(key, spanned, accepted) };
    let mut kinds = KindNames::default();
    for (kind, spanned) in table {
        let key = format!("{key}.{kind}");
        let name = match &spanned.value {
            RawValue::Text(text) if !text.is_empty() && !text.contains(char::is_control) => {
                Some(KindName::Plain(text.clone()))
            }
            RawValue::Table(table) if !table.is_empty() => per_language(&key, spanned, report),
            RawValue::Text(_)
            | RawValue::Integer(_)
            | RawValue::Float(_)
            | RawValue::Switch(_)
            | RawValue::Time(_)
            | RawValue::List(_)
            | RawValue::Table(_) => {
                report.wrong(&key, spanned, r#"a name such as "Expense", or { en = "Expense", "zh-CN" = "报销" }"#)
            }
        };
        kinds.0.extend(name.map(|name| (kind.clone(), name)));
    }
    Some(kinds)
}

fn per_language(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<KindName> {
    let (mut english, mut chinese) = (None, None);
    fields(
        key,
        spanned,
        report,
        &mut [
            ("en", &mut |key, spanned, report| english = line(key, spanned, report)),
            ("zh-CN", &mut |key, spanned, report| chinese = line(key, spanned, report)),
        ],
    )?;
    let names: BTreeMap<Language, String> = [(Language::En, english), (Language::ZhCn, chinese)]
        .into_iter()
        .filter_map(|(language, name)| Some((language, name.filter(|name| !name.is_empty())?)))
        .collect();
    (!names.is_empty()).then_some(KindName::PerLanguage(names))
}

impl ToValue for KindNames {
    fn to_value(&self) -> Value {
        let value = |name: &KindName| match name {
            KindName::Plain(name) => name.to_value(),
            KindName::PerLanguage(names) => names
                .iter()
                .map(|(language, name)| (language.as_str().to_owned(), name.to_value()))
                .collect::<Map<_, _>>()
                .into(),
        };
        self.0.iter().map(|(kind, name)| (kind.clone(), value(name))).collect::<Map<_, _>>().into()
    }
}

pub(super) fn rules(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Vec<Rule>> {
    list(key, spanned, report, r#"a list such as [{ kind = "3", show = "mute" }]"#, rule)
}

fn rule(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Rule> {
    let (mut kind, mut sender, mut show, mut is_set) = (None, None, None, false);
    fields(
        key,
        spanned,
        report,
        &mut [
            ("kind", &mut |key, spanned, report| kind = line(key, spanned, report)),
            ("sender", &mut |key, spanned, report| sender = line(key, spanned, report)),
            ("show", &mut |key, spanned, report| {
                is_set = true;
                show = choice(key, spanned, report);
            }),
        ],
    )?;
    if !is_set {
        return report.missing(&format!("{key}.show"), spanned.line, r#"one of "mute", "quiet", "normal", "urgent""#);
    }
    Some(Rule { kind, sender, show: show? })
}

impl ToValue for Rule {
    fn to_value(&self) -> Value {
        let mut rule = Map::new();
        for (name, pattern) in [("kind", &self.kind), ("sender", &self.sender)] {
            if let Some(pattern) = pattern {
                rule.insert(name.to_owned(), pattern.to_value());
            }
        }
        rule.insert("show".to_owned(), self.show.to_value());
        rule.into()
    }
}

pub(super) fn subscriptions(
    key: &str,
    spanned: &SpannedValue,
    report: &mut SettingsReport,
) -> Option<Vec<Subscription>> {
    list(key, spanned, report, "[[server.subscriptions]] with a destination each", subscription)
}

fn subscription(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Subscription> {
    let accepted = r#"a destination such as "/user/queue/approvals""#;
    let Subscription { mut destination, mut ack, headers: mut pairs, mut scope } = Subscription::default();
    let mut is_set = false;
    fields(
        key,
        spanned,
        report,
        &mut [
            ("destination", &mut |key, spanned, report| {
                is_set = true;
                let read = line(key, spanned, report);
                if read.as_ref().is_some_and(String::is_empty) {
                    report.wrong::<()>(key, spanned, accepted);
                }
                set(&mut destination, read);
            }),
            ("ack", &mut |key, spanned, report| set(&mut ack, choice(key, spanned, report))),
            ("headers", &mut |key, spanned, report| set(&mut pairs, headers(key, spanned, report))),
            ("scope", &mut |key, spanned, report| set(&mut scope, line(key, spanned, report))),
        ],
    )?;
    if !is_set {
        return report.missing(&format!("{key}.destination"), spanned.line, accepted);
    }
    Some(Subscription { destination, ack, headers: pairs, scope })
}

impl ToValue for Subscription {
    fn to_value(&self) -> Value {
        json!({
            "destination": self.destination,
            "ack": self.ack.to_value(),
            "headers": self.headers.to_value(),
            "scope": self.scope,
        })
    }
}

/// Headers for SUBSCRIBE: any name that Belfry does not set itself. Numbers and booleans become
/// their text.
fn headers(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<BTreeMap<String, String>> {
    const RESERVED_HEADERS: [&str; 4] = ["id", "destination", "ack", "receipt"];
    let RawValue::Table(table) = &spanned.value else {
        return report.wrong(key, spanned, r#"a table such as { x-queue-name = "belfry.{login}.{device}" }"#);
    };
    let mut headers = BTreeMap::new();
    for (name, spanned) in table {
        let key = format!("{key}.{name}");
        if is_secret_name(name) {
            report.error::<()>(&key, spanned.line, SettingsErrorKind::Secret);
        } else if name.is_empty() || name.contains(char::is_control) || RESERVED_HEADERS.contains(&name.as_str()) {
            let found = "a header that cannot be set here".to_owned();
            let accepted = format!("any header name except {}", RESERVED_HEADERS.join(", "));
            report.error::<()>(&key, spanned.line, SettingsErrorKind::Wrong { found, accepted });
        } else {
            let text = match &spanned.value {
                RawValue::Text(text) if !text.contains(char::is_control) => Some(text.clone()),
                RawValue::Integer(number) => Some(number.to_string()),
                RawValue::Switch(on) => Some(on.to_string()),
                RawValue::Text(_) | RawValue::Float(_) | RawValue::Time(_) | RawValue::List(_) | RawValue::Table(_) => {
                    report.wrong(&key, spanned, "a text of one line, a whole number, or true or false")
                }
            };
            headers.extend(text.map(|text| (name.clone(), text)));
        }
    }
    Some(headers)
}
