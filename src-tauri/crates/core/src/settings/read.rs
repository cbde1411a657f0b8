//! The readers: from a written value to the type of a setting.
//!
//! Each takes the key's name (for messages), the value and the report; it returns `None` after it
//! has reported what was found and what is accepted. Deliberately absent: small tables (`tables`).
//! Invariant: a reader never guesses; `max_message = 4` is an error, since the unit is missing.

use std::{ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration};

use jiff::{civil::Time, tz::TimeZoneDatabase};
use url::Url;

use super::action_url::ActionPrefix;
use super::{
    Pointer, Proxy, TimeZoneSetting,
    diagnostics::{SettingsErrorKind, SettingsReport, is_secret_name},
    spanned_value::{RawValue, SpannedValue},
    units::{parse_duration, parse_size},
};
use crate::words::Word;

/// Longest duration a setting may have: a longer one is a mistake, and the limit keeps sums of
/// times within range.
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

/// The text of a value; `None` for one of another type.
pub(super) fn text_of(spanned: &SpannedValue) -> Option<&str> {
    if let RawValue::Text(text) = &spanned.value { Some(text) } else { None }
}

pub(super) fn switch(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<bool> {
    let RawValue::Switch(on) = spanned.value else { return report.wrong(key, spanned, "true or false") };
    Some(on)
}

pub(super) fn number(range: RangeInclusive<u32>) -> impl Fn(&str, &SpannedValue, &mut SettingsReport) -> Option<u32> {
    move |key, spanned, report| {
        let number = if let RawValue::Integer(number) = spanned.value { u32::try_from(number).ok() } else { None };
        let number = number.filter(|number| range.contains(number));
        number.or_else(|| {
            report.wrong(
                key,
                spanned,
                &format!("a whole number from {} to {}, without quotes", range.start(), range.end()),
            )
        })
    }
}

/// A text of one line.
pub(super) fn line(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<String> {
    match text_of(spanned) {
        Some(text) if !text.contains(char::is_control) => Some(text.to_owned()),
        _ => report.wrong(key, spanned, "a text in quotes, of one line"),
    }
}

/// A text that [`FromStr`] accepts.
fn parsed<T: FromStr>(key: &str, spanned: &SpannedValue, report: &mut SettingsReport, accepted: &str) -> Option<T> {
    let RawValue::Text(text) = &spanned.value else { return report.wrong(key, spanned, accepted) };
    text.parse().ok().or_else(|| report.wrong(key, spanned, accepted))
}

/// [`parsed`], for keys into which a person may paste a secret.
fn parsed_hidden<T: FromStr>(
    key: &str,
    spanned: &SpannedValue,
    report: &mut SettingsReport,
    accepted: &str,
) -> Option<T> {
    let RawValue::Text(text) = &spanned.value else { return report.wrong_hidden(key, spanned, accepted) };
    text.parse().ok().or_else(|| report.wrong_hidden(key, spanned, accepted))
}

/// One of a few words.
pub(super) fn choice<T: Word>(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<T> {
    word(key, spanned, report, T::WORDS)
}

fn word<T: Copy>(key: &str, spanned: &SpannedValue, report: &mut SettingsReport, words: &[(&str, T)]) -> Option<T> {
    let found = if let RawValue::Text(text) = &spanned.value { text } else { "" };
    words.iter().find(|(word, _)| *word == found).map(|(_, value)| *value).or_else(|| {
        let words: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        report.wrong(key, spanned, &format!("one of {}", words.join(", ")))
    })
}

pub(super) fn duration(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Duration> {
    let duration = if let RawValue::Text(text) = &spanned.value { parse_duration(text) } else { None };
    duration.filter(|duration| *duration <= MAX_DURATION).or_else(|| {
        let accepted = r#"a duration such as "500ms", "10s", "10m", "1h" or "2d", at most "366d"; "0s" is off"#;
        report.wrong(key, spanned, accepted)
    })
}

/// Bytes, at least one, at most 1 GiB: a message has to fit into memory.
pub(super) fn size(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<u64> {
    let bytes = if let RawValue::Text(text) = &spanned.value { parse_size(text) } else { None };
    bytes.filter(|bytes| (1..=1 << 30).contains(bytes)).or_else(|| {
        report.wrong(key, spanned, r#"a size such as "1000B", "64KiB" or "4MiB", at least "1B" and at most "1GiB""#)
    })
}

/// A URL of one of these schemes, with a host and without user, password or a secret in its query.
fn url(
    key: &str,
    spanned: &SpannedValue,
    report: &mut SettingsReport,
    schemes: &[&str],
    accepted: &str,
) -> Option<Url> {
    let RawValue::Text(text) = &spanned.value else { return report.wrong(key, spanned, accepted) };
    let parsed = Url::parse(text).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
    let Some(mut url) = parsed else { return report.wrong(key, spanned, accepted) };
    let in_query = url.query_pairs().any(|(name, value)| is_secret_name(&name) && value != "{token}");
    if !url.username().is_empty() || url.password().is_some() || in_query {
        return report.error(key, spanned.line, SettingsErrorKind::Secret);
    }
    // A fragment would never be sent.
    url.set_fragment(None);
    Some(url)
}

pub(super) const ACCEPTED_ENDPOINTS: &str =
    r#"a list of ws, wss, http or https URLs such as ["wss://push.example.com/ws"]"#;

pub(super) fn endpoints(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Vec<Url>> {
    let endpoint = |key: &str, spanned: &SpannedValue, report: &mut SettingsReport| {
        url(
            key,
            spanned,
            report,
            &["ws", "wss", "http", "https"],
            r#"a ws, wss, http or https URL such as "wss://push.example.com/ws""#,
        )
    };
    let endpoints = list(key, spanned, report, ACCEPTED_ENDPOINTS, endpoint)?;
    if endpoints.is_empty() {
        report.wrong(key, spanned, &format!("{ACCEPTED_ENDPOINTS}, at least one"))
    } else {
        Some(endpoints)
    }
}

/// An http or https URL; `""` means none.
pub(super) fn web_url(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Option<Url>> {
    if is_empty(spanned) {
        return Some(None);
    }
    let accepted = r#"an http or https URL such as "https://push.example.com/ecgapi", or """#;
    url(key, spanned, report, &["http", "https"], accepted).map(Some)
}

pub(super) fn proxy(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Proxy> {
    match text_of(spanned) {
        Some("system") => Some(Proxy::System),
        Some("none") => Some(Proxy::None),
        _ => {
            let accepted =
                r#""system", "none", or an http, socks5 or socks5h URL such as "http://proxy.example.com:3128""#;
            url(key, spanned, report, &["http", "socks5", "socks5h"], accepted).map(Proxy::Url)
        }
    }
}

fn is_empty(spanned: &SpannedValue) -> bool {
    matches!(&spanned.value, RawValue::Text(text) if text.is_empty())
}

/// A file; `""` means none.
pub(super) fn file(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Option<PathBuf>> {
    let path = line(key, spanned, report)?;
    Some((!path.is_empty()).then(|| PathBuf::from(path)))
}

/// A path below `api.base`.
pub(super) fn path(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<String> {
    match text_of(spanned) {
        Some(text) if (text.is_empty() || text.starts_with('/')) && !text.contains(char::is_control) => {
            Some(text.to_owned())
        }
        _ => report.wrong(key, spanned, r#"a path that begins with "/", or "" where the server lacks it"#),
    }
}

pub(super) fn pointer(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Pointer> {
    parsed(key, spanned, report, r#"a JSON Pointer such as "/data/title", or """#)
}

pub(super) fn stomp_secret(
    key: &str,
    spanned: &SpannedValue,
    report: &mut SettingsReport,
) -> Option<super::StompSecret> {
    parsed_hidden(key, spanned, report, r#""passcode", "bearer", or "header:" and the name of a header"#)
}

pub(super) fn http_secret(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<super::HttpSecret> {
    parsed_hidden(key, spanned, report, r#""bearer", "basic", "none", or "header:" and the name of a header"#)
}

pub(super) fn login_body(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<String> {
    match text_of(spanned) {
        Some(text) if text.contains("{password}") => Some(text.to_owned()),
        _ => report.wrong_hidden(key, spanned, "a text with {password} where the password is to be put"),
    }
}

/// A zone of the bundled tz database, so that a file has the same meaning on every machine.
pub(super) fn time_zone(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<TimeZoneSetting> {
    let zone = match text_of(spanned) {
        Some("local") => return Some(TimeZoneSetting::Local),
        Some(text) => TimeZoneDatabase::bundled().get(text).ok(),
        None => None,
    };
    zone.map(TimeZoneSetting::Named)
        .or_else(|| report.wrong(key, spanned, r#""local" or a time zone such as "Asia/Shanghai" or "UTC""#))
}

/// `HH:MM`; `""` means none.
pub(super) fn time(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Option<Time>> {
    if is_empty(spanned) {
        return Some(None);
    }
    let time = text_of(spanned).and_then(hour_and_minute);
    time.map(Some).or_else(|| report.wrong(key, spanned, r#"a time of day such as "22:00", or """#))
}

fn hour_and_minute(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok()).flatten()
    };
    Time::new(two_digits(hour)?, two_digits(minute)?, 0, 0).ok()
}

pub(super) fn hosts<T: FromStr>(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Vec<T>> {
    let accepted = r#"a host name, an address or a network such as "intranet", "10.1.2.3" or "10.0.0.0/8""#;
    list(key, spanned, report, "a list of hosts", |key, spanned, report| parsed(key, spanned, report, accepted))
}

pub(super) fn link_hosts(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Vec<String>> {
    list(key, spanned, report, "a list of hosts", |key, spanned, report| {
        let accepted = r#"a host name, with a port if need be, such as "intranet.example.com" or "intranet:8443""#;
        parsed::<LinkHost>(key, spanned, report, accepted).map(|host| host.0)
    })
}

struct LinkHost(String);

impl FromStr for LinkHost {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // An address of version 6 has colons of its own, inside brackets.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().map_err(|_| ())?)),
            _ => (text, None),
        };
        let host = url::Host::parse(host).map_err(|_| ())?.to_string();
        if host.is_empty() || host.contains('*') || port == Some(0) {
            return Err(());
        }
        Ok(Self(port.map_or(host.clone(), |port| format!("{host}:{port}"))))
    }
}

pub(super) fn texts(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Vec<String>> {
    list(key, spanned, report, r#"a list of texts such as ["undelivered"]"#, line)
}

pub(super) fn action_urls(key: &str, spanned: &SpannedValue, report: &mut SettingsReport) -> Option<Vec<ActionPrefix>> {
    list(key, spanned, report, "a list of URLs", |key, spanned, report| {
        let accepted = "an http or https URL without user, query, ';', '//' and dot segments, such as \
                        \"https://push.example.com/approvals\"";
        parsed(key, spanned, report, accepted)
    })
}

/// Every element of a list; each wrong one is reported.
pub(super) fn list<T>(
    key: &str,
    spanned: &SpannedValue,
    report: &mut SettingsReport,
    accepted: &str,
    mut read: impl FnMut(&str, &SpannedValue, &mut SettingsReport) -> Option<T>,
) -> Option<Vec<T>> {
    let RawValue::List(elements) = &spanned.value else { return report.wrong(key, spanned, accepted) };
    let read: Vec<Option<T>> =
        elements.iter().enumerate().map(|(index, spanned)| read(&format!("{key}[{index}]"), spanned, report)).collect();
    read.into_iter().collect()
}
