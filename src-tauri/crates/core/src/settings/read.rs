//! The readers: from what somebody wrote to the type of a setting.
//!
//! Each takes the key's name (for messages), the value and the report; it answers `None` after it has reported what was
//! found and what is accepted. Invariant: a reader never guesses; `max_message = 4` is an error, not four of something.

use std::{collections::BTreeMap, ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration};

use jiff::{civil::Time, tz::TimeZoneDatabase};
use url::Url;

use super::{
    HeartBeat, Oidc, Pointer, Proxy, QuietHours, Rule, Subscription, TimeZoneSetting,
    node::{Given, Node},
    problem::{Problem, Report, is_secret_name},
};
use crate::words::Word;

/// Longest duration a setting may have: what is longer is a mistake, and times stay far from the ends of the clock.
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

pub(super) fn switch(key: &str, node: &Node, report: &mut Report) -> Option<bool> {
    match node.value {
        Given::Switch(on) => Some(on),
        _ => report.wrong(key, node, "true or false"),
    }
}

pub(super) fn number(range: RangeInclusive<u32>) -> impl Fn(&str, &Node, &mut Report) -> Option<u32> {
    move |key, node, report| {
        let number = match node.value {
            Given::Integer(number) => u32::try_from(number).ok().filter(|number| range.contains(number)),
            _ => None,
        };
        number.or_else(|| {
            report.wrong(
                key,
                node,
                &format!("a whole number from {} to {}, without quotes", range.start(), range.end()),
            )
        })
    }
}

/// A text of one line.
pub(super) fn line(key: &str, node: &Node, report: &mut Report) -> Option<String> {
    match &node.value {
        Given::Text(text) if !text.contains(char::is_control) => Some(text.clone()),
        _ => report.wrong(key, node, "a text in quotes, of one line"),
    }
}

/// What [`FromStr`] understands.
fn spelled<T: FromStr>(key: &str, node: &Node, report: &mut Report, accepted: &str) -> Option<T> {
    let Given::Text(text) = &node.value else { return report.wrong(key, node, accepted) };
    text.parse().ok().or_else(|| report.wrong(key, node, accepted))
}

/// [`spelled`], for where a secret may have been pasted.
fn spelled_hidden<T: FromStr>(key: &str, node: &Node, report: &mut Report, accepted: &str) -> Option<T> {
    let Given::Text(text) = &node.value else { return report.wrong_hidden(key, node, accepted) };
    text.parse().ok().or_else(|| report.wrong_hidden(key, node, accepted))
}

/// One of a few words.
pub(super) fn choice<T: Word>(key: &str, node: &Node, report: &mut Report) -> Option<T> {
    word(key, node, report, T::WORDS)
}

fn word<T: Copy>(key: &str, node: &Node, report: &mut Report, words: &[(&str, T)]) -> Option<T> {
    let given = if let Given::Text(text) = &node.value { text } else { "" };
    words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value).or_else(|| {
        let words: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        report.wrong(key, node, &format!("one of {}", words.join(", ")))
    })
}

pub(super) fn duration(key: &str, node: &Node, report: &mut Report) -> Option<Duration> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let millis = if let Given::Text(text) = &node.value { with_unit(text, &units) } else { None };
    millis.map(Duration::from_millis).filter(|duration| *duration <= MAX_DURATION).or_else(|| {
        let accepted = r#"a duration such as "500ms", "10s", "10m", "1h" or "2d", at most "366d"; "0s" is off"#;
        report.wrong(key, node, accepted)
    })
}

/// Bytes, at least one, at most 1 GiB: a message has to fit into memory.
pub(super) fn size(key: &str, node: &Node, report: &mut Report) -> Option<u64> {
    let units = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let bytes = if let Given::Text(text) = &node.value { with_unit(text, &units) } else { None };
    bytes.filter(|bytes| (1..=1 << 30).contains(bytes)).or_else(|| {
        report.wrong(key, node, r#"a size such as "1000B", "64KiB" or "4MiB", at least "1B" and at most "1GiB""#)
    })
}

/// Digits and one of the units.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A URL of one of these schemes, with a host and without user, password or a secret in its query.
fn url(key: &str, node: &Node, report: &mut Report, schemes: &[&str], accepted: &str) -> Option<Url> {
    let Given::Text(text) = &node.value else { return report.wrong(key, node, accepted) };
    let parsed = Url::parse(text).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
    let Some(mut url) = parsed else { return report.wrong(key, node, accepted) };
    let in_query = url.query_pairs().any(|(name, value)| is_secret_name(&name) && value != "{token}");
    if !url.username().is_empty() || url.password().is_some() || in_query {
        return report.error(key, node.line, Problem::Secret);
    }
    // It would never be sent.
    url.set_fragment(None);
    Some(url)
}

pub(super) const ENDPOINTS: &str = r#"a list of ws, wss, http or https URLs such as ["wss://push.example.com/ws"]"#;

pub(super) fn endpoints(key: &str, node: &Node, report: &mut Report) -> Option<Vec<Url>> {
    let endpoint = |key: &str, node: &Node, report: &mut Report| {
        url(
            key,
            node,
            report,
            &["ws", "wss", "http", "https"],
            r#"a ws, wss, http or https URL such as "wss://push.example.com/ws""#,
        )
    };
    let endpoints = list(key, node, report, ENDPOINTS, endpoint)?;
    if endpoints.is_empty() { report.wrong(key, node, &format!("{ENDPOINTS}, at least one")) } else { Some(endpoints) }
}

/// An http or https URL; `""` is none.
pub(super) fn web_url(key: &str, node: &Node, report: &mut Report) -> Option<Option<Url>> {
    if is_empty(node) {
        return Some(None);
    }
    let accepted = r#"an http or https URL such as "https://push.example.com/ecgapi", or """#;
    url(key, node, report, &["http", "https"], accepted).map(Some)
}

pub(super) fn proxy(key: &str, node: &Node, report: &mut Report) -> Option<Proxy> {
    match &node.value {
        Given::Text(text) if text == "system" => Some(Proxy::System),
        Given::Text(text) if text == "none" => Some(Proxy::None),
        _ => {
            let accepted =
                r#""system", "none", or an http, socks5 or socks5h URL such as "http://proxy.example.com:3128""#;
            url(key, node, report, &["http", "socks5", "socks5h"], accepted).map(Proxy::Url)
        }
    }
}

fn is_empty(node: &Node) -> bool {
    matches!(&node.value, Given::Text(text) if text.is_empty())
}

/// A file; `""` is none.
pub(super) fn file(key: &str, node: &Node, report: &mut Report) -> Option<Option<PathBuf>> {
    let path = line(key, node, report)?;
    Some((!path.is_empty()).then(|| PathBuf::from(path)))
}

/// A path below `api.base`.
pub(super) fn path(key: &str, node: &Node, report: &mut Report) -> Option<String> {
    match &node.value {
        Given::Text(text) if (text.is_empty() || text.starts_with('/')) && !text.contains(char::is_control) => {
            Some(text.clone())
        }
        _ => report.wrong(key, node, r#"a path that begins with "/", or "" where the server lacks it"#),
    }
}

pub(super) fn pointer(key: &str, node: &Node, report: &mut Report) -> Option<Pointer> {
    spelled(key, node, report, r#"a JSON Pointer such as "/data/title", or """#)
}

pub(super) fn stomp_secret(key: &str, node: &Node, report: &mut Report) -> Option<super::StompSecret> {
    spelled_hidden(key, node, report, r#""passcode", "bearer", or "header:" and the name of a header"#)
}

pub(super) fn http_secret(key: &str, node: &Node, report: &mut Report) -> Option<super::HttpSecret> {
    spelled_hidden(key, node, report, r#""bearer", "basic", "none", or "header:" and the name of a header"#)
}

pub(super) fn login_body(key: &str, node: &Node, report: &mut Report) -> Option<String> {
    match &node.value {
        Given::Text(text) if text.contains("{password}") => Some(text.clone()),
        _ => report.wrong_hidden(key, node, "a text with {password} where the password is to be put"),
    }
}

/// A zone of the bundled tz database, so that a file means the same on every machine.
pub(super) fn time_zone(key: &str, node: &Node, report: &mut Report) -> Option<TimeZoneSetting> {
    let zone = match &node.value {
        Given::Text(text) if text == "local" => return Some(TimeZoneSetting::Local),
        Given::Text(text) => TimeZoneDatabase::bundled().get(text).ok(),
        _ => None,
    };
    zone.map(TimeZoneSetting::Named)
        .or_else(|| report.wrong(key, node, r#""local" or a time zone such as "Asia/Shanghai" or "UTC""#))
}

/// `HH:MM`; `""` is none.
fn time(key: &str, node: &Node, report: &mut Report) -> Option<Option<Time>> {
    if is_empty(node) {
        return Some(None);
    }
    let parsed = match &node.value {
        Given::Text(text) => hour_and_minute(text),
        _ => None,
    };
    parsed.map(Some).or_else(|| report.wrong(key, node, r#"a time of day such as "22:00", or """#))
}

fn hour_and_minute(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok()).flatten()
    };
    Time::new(two_digits(hour)?, two_digits(minute)?, 0, 0).ok()
}

pub(super) fn hosts<T: FromStr>(key: &str, node: &Node, report: &mut Report) -> Option<Vec<T>> {
    let accepted = r#"a host name, an address or a network such as "intranet", "10.1.2.3" or "10.0.0.0/8""#;
    list(key, node, report, "a list of hosts", |key, node, report| spelled(key, node, report, accepted))
}

pub(super) fn link_hosts(key: &str, node: &Node, report: &mut Report) -> Option<Vec<String>> {
    list(key, node, report, "a list of hosts", |key, node, report| {
        let accepted = r#"a host name such as "intranet.example.com""#;
        spelled::<LinkHost>(key, node, report, accepted).map(|host| host.0)
    })
}

struct LinkHost(String);

impl FromStr for LinkHost {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let host = url::Host::parse(text).map_err(|_| ())?.to_string();
        if host.is_empty() || host.contains('*') { Err(()) } else { Ok(Self(host)) }
    }
}

/// Every element of a list; each that is wrong is reported.
fn list<T>(
    key: &str,
    node: &Node,
    report: &mut Report,
    accepted: &str,
    mut read: impl FnMut(&str, &Node, &mut Report) -> Option<T>,
) -> Option<Vec<T>> {
    let Given::List(nodes) = &node.value else { return report.wrong(key, node, accepted) };
    let read: Vec<Option<T>> =
        nodes.iter().enumerate().map(|(index, node)| read(&format!("{key}[{index}]"), node, report)).collect();
    read.into_iter().collect()
}

/// One key of a table: its name, and what to do with its value.
type Field<'a> = (&'static str, &'a mut dyn FnMut(&str, &Node, &mut Report));

/// The keys of a small table; `None` if it is none.
fn fields(key: &str, node: &Node, report: &mut Report, fields: &mut [Field<'_>]) -> Option<()> {
    let Given::Table(given) = &node.value else {
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        return report.wrong(key, node, &format!("a table with the keys {}", names.join(", ")));
    };
    for (name, node) in given {
        let full = format!("{key}.{name}");
        if let Some((_, read)) = fields.iter_mut().find(|(known, _)| known == name) {
            read(&full, node, report);
        } else {
            let known: Vec<_> = fields.iter().map(|(known, _)| format!("{key}.{known}")).collect();
            report.unknown(&full, node, known.iter().map(String::as_str));
        }
    }
    Some(())
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

pub(super) fn heart_beat(key: &str, node: &Node, report: &mut Report) -> Option<HeartBeat> {
    let HeartBeat { mut send, mut expect } = HeartBeat::default();
    fields(
        key,
        node,
        report,
        &mut [
            ("send", &mut |key, node, report| set(&mut send, duration(key, node, report))),
            ("expect", &mut |key, node, report| set(&mut expect, duration(key, node, report))),
        ],
    )?;
    Some(HeartBeat { send, expect })
}

pub(super) fn oidc(key: &str, node: &Node, report: &mut Report) -> Option<Oidc> {
    let Oidc { mut issuer, mut client_id, mut scopes } = Oidc::default();
    fields(
        key,
        node,
        report,
        &mut [
            ("issuer", &mut |key, node, report| set(&mut issuer, web_url(key, node, report))),
            ("client_id", &mut |key, node, report| set(&mut client_id, line(key, node, report))),
            ("scopes", &mut |key, node, report| set(&mut scopes, list(key, node, report, "a list of texts", line))),
        ],
    )?;
    Some(Oidc { issuer, client_id, scopes })
}

pub(super) fn quiet_hours(key: &str, node: &Node, report: &mut Report) -> Option<QuietHours> {
    let QuietHours { mut from, mut to, mut days, mut allow } = QuietHours::default();
    fields(
        key,
        node,
        report,
        &mut [
            ("from", &mut |key, node, report| set(&mut from, time(key, node, report))),
            ("to", &mut |key, node, report| set(&mut to, time(key, node, report))),
            ("days", &mut |key, node, report| {
                let read = list(key, node, report, r#"a list of days such as ["mon","tue"]"#, choice);
                set(&mut days, read.map(|days| days.into_iter().collect()));
            }),
            ("allow", &mut |key, node, report| set(&mut allow, choice(key, node, report))),
        ],
    )?;
    if from.is_some() == to.is_some() && (from.is_none() || from != to) {
        Some(QuietHours { from, to, days, allow })
    } else {
        let accepted = "from and to both, and different, or both \"\"".to_owned();
        report.error(
            key,
            node.line,
            Problem::Wrong { found: "from and to that do not go together".to_owned(), accepted },
        )
    }
}

pub(super) fn rules(key: &str, node: &Node, report: &mut Report) -> Option<Vec<Rule>> {
    list(key, node, report, r#"a list such as [{ kind = "3", show = "mute" }]"#, rule)
}

fn rule(key: &str, node: &Node, report: &mut Report) -> Option<Rule> {
    let (mut kind, mut sender, mut show, mut is_given) = (None, None, None, false);
    fields(
        key,
        node,
        report,
        &mut [
            ("kind", &mut |key, node, report| kind = line(key, node, report)),
            ("sender", &mut |key, node, report| sender = line(key, node, report)),
            ("show", &mut |key, node, report| {
                is_given = true;
                show = choice(key, node, report);
            }),
        ],
    )?;
    if !is_given {
        return report.missing(&format!("{key}.show"), node.line, r#"one of "mute", "quiet", "normal", "urgent""#);
    }
    Some(Rule { kind, sender, show: show? })
}

pub(super) fn subscriptions(key: &str, node: &Node, report: &mut Report) -> Option<Vec<Subscription>> {
    list(key, node, report, "[[server.subscriptions]] with a destination each", subscription)
}

fn subscription(key: &str, node: &Node, report: &mut Report) -> Option<Subscription> {
    let accepted = r#"a destination such as "/user/queue/approvals""#;
    let Subscription { mut destination, mut ack, headers: mut pairs, mut scope } = Subscription::default();
    let mut is_given = false;
    fields(
        key,
        node,
        report,
        &mut [
            ("destination", &mut |key, node, report| {
                is_given = true;
                let read = line(key, node, report);
                if read.as_ref().is_some_and(String::is_empty) {
                    report.wrong::<()>(key, node, accepted);
                }
                set(&mut destination, read);
            }),
            ("ack", &mut |key, node, report| set(&mut ack, choice(key, node, report))),
            ("headers", &mut |key, node, report| set(&mut pairs, headers(key, node, report))),
            ("scope", &mut |key, node, report| set(&mut scope, line(key, node, report))),
        ],
    )?;
    if !is_given {
        return report.missing(&format!("{key}.destination"), node.line, accepted);
    }
    Some(Subscription { destination, ack, headers: pairs, scope })
}

/// Headers for SUBSCRIBE: any name that is not ours. Numbers and switches are taken for their text.
fn headers(key: &str, node: &Node, report: &mut Report) -> Option<BTreeMap<String, String>> {
    const OURS: [&str; 4] = ["id", "destination", "ack", "receipt"];
    let Given::Table(given) = &node.value else {
        return report.wrong(key, node, r#"a table such as { x-queue-name = "belfry.{login}.{device}" }"#);
    };
    let mut headers = BTreeMap::new();
    for (name, node) in given {
        let key = format!("{key}.{name}");
        if is_secret_name(name) {
            report.error::<()>(&key, node.line, Problem::Secret);
        } else if name.is_empty() || name.contains(char::is_control) || OURS.contains(&name.as_str()) {
            let found = "a header that cannot be set here".to_owned();
            let accepted = format!("any header name except {}", OURS.join(", "));
            report.error::<()>(&key, node.line, Problem::Wrong { found, accepted });
        } else {
            let text = match &node.value {
                Given::Text(text) if !text.contains(char::is_control) => Some(text.clone()),
                Given::Integer(number) => Some(number.to_string()),
                Given::Switch(on) => Some(on.to_string()),
                _ => report.wrong(&key, node, "a text of one line, a whole number, or true or false"),
            };
            headers.extend(text.map(|text| (name.clone(), text)));
        }
    }
    Some(headers)
}
