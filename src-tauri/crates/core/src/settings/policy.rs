//! Managed settings: which value of a key holds, where it stands, and what is wrong with the
//! others.
//!
//! Pure: finding and opening the places where administrators put values is the machine's matter;
//! what they hold comes in as [`Managed`]. Invariants: the value of a key comes whole from one
//! place, nothing is merged; a managed value that is invalid disables that key in that place alone,
//! and is reported; a mandatory value locks its key; where an invalid mandatory value could weaken
//! security, nothing below it counts either.

use std::path::PathBuf;

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{
    Settings,
    diagnostics::{SettingsErrors, SettingsReport, Warning},
    keys::{self, KEYS, Key},
    read,
    spanned_value::{Entries, RawValue, SpannedValue, read_json, read_toml},
};

/// How binding a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Set by an administrator; the key is locked.
    Mandatory,
    /// In the person's own settings file.
    User,
    /// Suggested by an administrator; the person may set another value.
    Recommended,
    /// Given when Belfry was installed.
    Default,
    /// Belfry's own.
    BuiltIn,
}

/// For whom a value is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// For everybody on this computer.
    Machine,
    /// For one person.
    User,
}

/// What has become of a value that was found, or of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The value holds.
    InEffect,
    /// A managed value was not accepted; the next place's holds.
    Invalid,
    /// A mandatory value was not accepted, and what it is about stays closed until it is corrected.
    Blocked,
    /// There is no such key.
    Unknown,
    /// The whole place does not count.
    Ignored,
}

/// Everything that administrators have set on this machine. Of two values of one key in the same
/// level and scope, the first counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Managed {
    /// The values.
    pub found: Vec<Found>,
    /// The places that do not count.
    pub ignored: Vec<Ignored>,
}

/// One value that an administrator has set.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Dotted name.
    pub key: String,
    /// As it stands there.
    pub value: Value,
    /// Whether the place knows few types: then a text may hold JSON, and 0 and 1 may be a switch.
    pub is_loose: bool,
    /// [`Level::Mandatory`], [`Level::Recommended`] or [`Level::Default`].
    pub level: Level,
    /// For whom.
    pub scope: Scope,
    /// The file or registry key, for people.
    pub source: String,
}

/// A place that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What its values would have been.
    pub level: Level,
    /// For whom.
    pub scope: Scope,
    /// The file or registry key, for people.
    pub source: String,
    /// Why, and what to do.
    pub reason: String,
}

/// What is to be said of one key, or of a place that does not count.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// Dotted name; `None` of a place.
    pub name: Option<String>,
    /// The value that holds, spelled as in a settings file.
    pub value: Value,
    /// How binding it is.
    pub level: Level,
    /// For whom it is set; `None` of a built-in value.
    pub scope: Option<Scope>,
    /// Where it stands; empty of a built-in value.
    pub source: String,
    /// Whether all is well with it.
    pub status: Status,
    /// What is not well, and what to do.
    pub reason: Option<String>,
}

impl Effect {
    /// Whether an administrator has set the value, at whatever level.
    pub fn is_managed(&self) -> bool {
        matches!(self.level, Level::Mandatory | Level::Recommended | Level::Default)
    }

    /// Whether the person can not change it.
    pub fn is_locked(&self) -> bool {
        self.level == Level::Mandatory
    }
}

/// The settings that hold, and how each came to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// What holds.
    pub settings: Settings,
    /// Keys of the person's file that have no effect.
    pub warnings: Vec<Warning>,
    /// One for each key, in the order of the reference.
    pub keys: Vec<Effect>,
    /// Managed values with unknown names, and places that do not count.
    pub others: Vec<Effect>,
}

impl Effective {
    /// What is said of this key.
    pub fn key(&self, name: &str) -> Option<&Effect> {
        self.keys.iter().find(|effect| effect.name.as_deref() == Some(name))
    }

    /// What is wrong with managed settings, for a log: where, what, and what to do.
    pub fn violations(&self) -> impl Iterator<Item = String> {
        self.keys.iter().chain(&self.others).filter(|effect| effect.status != Status::InEffect).map(|effect| {
            let reason = effect.reason.as_deref().unwrap_or_default();
            match &effect.name {
                Some(name) if effect.status == Status::Unknown => format!("{}: {name}: {reason}", effect.source),
                Some(name) => format!("managed setting {name}: {reason}"),
                None => format!("{}: {reason}", effect.source),
            }
        })
    }

    /// A name for the managed settings in effect: the same on every machine where the same values
    /// hold. SHA-256 of the canonical JSON (RFC 8785) from dotted names to values.
    pub fn policy_digest(&self) -> String {
        let managed = self.keys.iter().filter(|effect| effect.is_managed());
        let values: Map<String, Value> =
            managed.filter_map(|effect| Some((effect.name.clone()?, effect.value.clone()))).collect();
        // A map of texts to JSON values always has a canonical form.
        let canonical = serde_json_canonicalizer::to_vec(&values).unwrap_or_default();
        format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(canonical)))
    }

    /// Every key, as a window lists it. `without_file` is what holds where the person sets nothing.
    pub fn list(&self, without_file: &Self) -> Vec<ListedSetting> {
        let listed = |(effect, fallback): (&Effect, &Effect)| {
            let key = KEYS.iter().find(|key| Some(key.name) == effect.name.as_deref())?;
            Some(ListedSetting {
                key: key.name,
                value: effect.value.clone(),
                fallback: fallback.value.clone(),
                is_set: effect.level == Level::User,
                level: effect.level,
                source: effect.source.clone(),
            })
        };
        self.keys.iter().zip(&without_file.keys).filter_map(listed).collect()
    }
}

/// The settings that a person's file (`text`, called `file` in messages) and the managed values
/// make together. With `needs_server`, one of them has to name the server.
///
/// # Errors
/// As [`Settings::parse`], every error of the person's file. Errors of managed values are in [`Effective`].
pub fn resolve(text: &str, file: &str, managed: &Managed, needs_server: bool) -> Result<Effective, SettingsErrors> {
    let (_, warnings) = Settings::parse_unfinished(text, file)?;
    let sections = read_toml(text).unwrap_or_default();
    let mut settings = Settings::default();
    let keys: Vec<Effect> = KEYS.iter().map(|key| decide(key, &sections, file, managed, &mut settings)).collect();
    let set_by_administrator = KEYS.iter().zip(&keys).filter(|(_, effect)| effect.is_managed());
    settings.managed = set_by_administrator.map(|(key, _)| key.name).collect();
    if needs_server && settings.server.endpoints.is_empty() {
        let mut report = SettingsReport::new(file);
        report.missing::<()>("server.endpoints", None, read::ACCEPTED_ENDPOINTS);
        return Err(SettingsErrors { errors: report.errors, warnings });
    }
    if needs_server && let Err(incomplete) = settings.check_complete(file) {
        return Err(SettingsErrors { warnings, ..incomplete });
    }
    let ignored = managed.ignored.iter().map(|place| Effect {
        name: None,
        value: Value::Null,
        level: place.level,
        scope: Some(place.scope),
        source: place.source.clone(),
        status: Status::Ignored,
        reason: Some(place.reason.clone()),
    });
    let others = ignored.chain(managed.found.iter().filter_map(unknown)).collect();
    Ok(Effective { settings, warnings, keys, others })
}

/// A key, as the window lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedSetting {
    /// Dotted name.
    pub key: &'static str,
    /// The value in effect, written as in a settings file: durations and sizes are texts.
    pub value: Value,
    /// The value without the person's own file.
    pub fallback: Value,
    /// Whether the file sets it, and its value is the one in effect.
    pub is_set: bool,
    /// How binding the value is.
    pub level: Level,
    /// Where the value is set; empty for a built-in value.
    pub source: String,
}

/// Every key, with its value in a settings file. `file` is its name, for messages.
///
/// # Errors
/// As [`Settings::parse`].
pub fn list(text: &str, file: &str) -> Result<Vec<ListedSetting>, SettingsErrors> {
    let nothing = Managed::default();
    let without_file = resolve("", file, &nothing, false)?;
    Ok(resolve(text, file, &nothing, false)?.list(&without_file))
}

/// The places of managed values, the highest first; the person's file stands between the second and
/// the third.
const ABOVE: [(Level, Scope); 2] = [(Level::Mandatory, Scope::Machine), (Level::Mandatory, Scope::User)];
const BELOW: [(Level, Scope); 4] = [
    (Level::Recommended, Scope::Machine),
    (Level::Recommended, Scope::User),
    (Level::Default, Scope::Machine),
    (Level::Default, Scope::User),
];

/// Puts the value of one key that holds into its place, and says how it came to be.
fn decide(key: &Key, sections: &Entries, file: &str, managed: &Managed, settings: &mut Settings) -> Effect {
    let of_file = of_file(key, sections);
    let mut rejected = Vec::new();
    let status = |rejected: &[String]| if rejected.is_empty() { Status::InEffect } else { Status::Invalid };
    let effect = |settings: &Settings, level, scope, source: &str, status, reasons: Vec<String>| Effect {
        name: Some(key.name.to_owned()),
        value: (key.get)(settings),
        level,
        scope,
        source: source.to_owned(),
        status,
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
    };
    for (level, scope) in ABOVE {
        let Some(found) = first(managed, key.name, level, scope) else { continue };
        match accepted(key, found, settings) {
            Ok(mut notes) => {
                let status = status(&rejected);
                rejected.append(&mut notes);
                rejected.extend(repeated(managed, found));
                if of_file.is_some() {
                    rejected.push(format!("the value in {file} has no effect"));
                }
                return effect(settings, level, Some(scope), &found.source, status, rejected);
            }
            Err(reason) => {
                rejected.push(reason);
                if let Some((_, close)) = CLOSED.iter().find(|(name, _)| *name == key.name) {
                    close(settings);
                    rejected.push("until it is corrected, nothing else counts in its place".to_owned());
                    return effect(settings, level, Some(scope), &found.source, Status::Blocked, rejected);
                }
            }
        }
    }
    if let Some(node) = of_file {
        // Its errors and warnings were said when the file was read.
        (key.set)(settings, key.name, node, &mut SettingsReport::new(file));
        let status = status(&rejected);
        return effect(settings, Level::User, Some(Scope::User), file, status, rejected);
    }
    for (level, scope) in BELOW {
        let Some(found) = first(managed, key.name, level, scope) else { continue };
        match accepted(key, found, settings) {
            Ok(mut notes) => {
                let status = status(&rejected);
                rejected.append(&mut notes);
                rejected.extend(repeated(managed, found));
                return effect(settings, level, Some(scope), &found.source, status, rejected);
            }
            Err(reason) => rejected.push(reason),
        }
    }
    let status = status(&rejected);
    effect(settings, Level::BuiltIn, None, "", status, rejected)
}

/// Puts the value that weakens nothing into the place of a key.
type Close = fn(&mut Settings);

/// Keys where a person's own value could weaken what an administrator meant to secure, and the
/// value that weakens nothing. The certificate file does not exist, so nothing is connected, and
/// its name says why.
const CLOSED: [(&str, Close); 4] = [
    ("network.ca_bundle", |settings| {
        settings.network.ca_bundle = Some(PathBuf::from("the managed setting network.ca_bundle is invalid"));
    }),
    ("network.insecure_hosts", |settings| settings.network.insecure_hosts.clear()),
    ("app.allowed_link_hosts", |settings| settings.app.allowed_link_hosts.clear()),
    ("app.action_urls", |settings| settings.app.action_urls.clear()),
];

fn of_file<'a>(key: &Key, sections: &'a Entries) -> Option<&'a SpannedValue> {
    let (section, field) = key.name.split_once('.')?;
    let (_, node) = sections.iter().find(|(name, _)| name == section)?;
    let RawValue::Table(fields) = &node.value else { return None };
    fields.iter().find(|(name, _)| name == field).map(|(_, node)| node)
}

fn all<'a>(managed: &'a Managed, key: &str, level: Level, scope: Scope) -> impl Iterator<Item = &'a Found> {
    managed.found.iter().filter(move |found| found.key == key && found.level == level && found.scope == scope)
}

fn first<'a>(managed: &'a Managed, key: &str, level: Level, scope: Scope) -> Option<&'a Found> {
    all(managed, key, level, scope).next()
}

/// What is said of further values of the same key in the same level and scope.
fn repeated(managed: &Managed, found: &Found) -> Option<String> {
    let others: Vec<&str> =
        all(managed, &found.key, found.level, found.scope).skip(1).map(|other| other.source.as_str()).collect();
    (!others.is_empty()).then(|| format!("also set in {}, which has no effect", others.join(" and in ")))
}

/// Puts a managed value into its place if it is accepted; what is to be said of it, or why not.
fn accepted(key: &Key, found: &Found, settings: &mut Settings) -> Result<Vec<String>, String> {
    let mut first_error = None;
    for value in readings(found) {
        let mut report = SettingsReport::new(&found.source);
        let mut candidate = settings.clone();
        if let Some(node) = spanned(&value) {
            (key.set)(&mut candidate, key.name, &node, &mut report);
            if report.errors.is_empty() {
                *settings = candidate;
                return Ok(report.warnings.iter().map(ToString::to_string).collect());
            }
        }
        // An error inside of JSON says more than one about the text that holds it.
        if first_error.is_none() || value.is_array() || value.is_object() {
            first_error = report.errors.first().map(ToString::to_string);
        }
    }
    Err(first_error.unwrap_or_else(|| format!("{}: {}: there is no value", found.source, found.key)))
}

/// What a value can mean, the likeliest first.
fn readings(found: &Found) -> Vec<Value> {
    let mut readings = vec![found.value.clone()];
    if found.is_loose {
        match &found.value {
            Value::String(text) => readings.extend(serde_json::from_str(text).ok()),
            Value::Number(number) => match number.as_u64() {
                Some(0) => readings.push(false.into()),
                Some(1) => readings.push(true.into()),
                _ => {}
            },
            Value::Array(lines) => {
                // JSON of several lines, where the place keeps lines apart.
                let text: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
                readings.extend(text.and_then(|text| serde_json::from_str(&text.join("\n")).ok()));
            }
            Value::Null | Value::Bool(_) | Value::Object(_) => {}
        }
    }
    readings
}

fn spanned(value: &Value) -> Option<SpannedValue> {
    read_json(&serde_json::json!({ "value": value })).into_iter().next().map(|(_, node)| node)
}

fn unknown(found: &Found) -> Option<Effect> {
    if keys::is_known(&found.key) {
        return None;
    }
    let mut report = SettingsReport::new(&found.source);
    let node = SpannedValue { value: RawValue::Switch(true), line: None };
    report.unknown(&found.key, &node, KEYS.iter().map(|key| key.name));
    let reason = report.errors.first().map(ToString::to_string).or_else(|| {
        report
            .warnings
            .first()
            .map(|warning| format!("unknown key, it has no effect; the nearest known key is {}", warning.nearest))
    });
    Some(Effect {
        name: Some(found.key.clone()),
        value: Value::Null,
        level: found.level,
        scope: Some(found.scope),
        source: found.source.clone(),
        status: Status::Unknown,
        reason,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = "[server]\nendpoints = [\"wss://mine.example.com/ws\"]\n[inbox]\nretention_days = 1\n";

    fn found(key: &str, value: Value, level: Level, scope: Scope) -> Found {
        let source = format!("{level:?} of {scope:?}");
        Found { key: key.to_owned(), value, is_loose: false, level, scope, source }
    }

    fn managed(found: Vec<Found>) -> Managed {
        Managed { found, ignored: Vec::new() }
    }

    fn effect(effective: &Effective, key: &str) -> Effect {
        effective.key(key).unwrap().clone()
    }

    #[test]
    fn each_place_holds_only_where_none_above_it_says_anything() {
        let key = "inbox.retention_days";
        let places = [
            (2, Level::Mandatory, Scope::Machine),
            (3, Level::Mandatory, Scope::User),
            (4, Level::Recommended, Scope::Machine),
            (5, Level::Recommended, Scope::User),
            (6, Level::Default, Scope::Machine),
            (7, Level::Default, Scope::User),
        ];
        // With the file between the mandatory and the recommended places, and without it.
        for (text, order) in [(FILE, vec![2, 3, 1]), ("", vec![2, 3, 4, 5, 6, 7, 365])] {
            let mut left = places.to_vec();
            for expected in order {
                let all = left.iter().map(|(value, level, scope)| found(key, json!(value), *level, *scope)).collect();
                let effective = resolve(text, "settings.toml", &managed(all), false).unwrap();
                assert_eq!(effective.settings.inbox.retention_days, expected);
                let effect = effect(&effective, key);
                assert_eq!((effect.value, effect.status), (json!(expected), Status::InEffect));
                assert_eq!(effect.level == Level::Mandatory, expected == 2 || expected == 3);
                left.retain(|(value, ..)| *value != expected);
            }
        }
    }

    #[test]
    fn an_invalid_value_disables_its_key_in_its_place_alone_and_is_reported() {
        let places = vec![
            found("inbox.retention_days", json!("long"), Level::Mandatory, Scope::Machine),
            found("inbox.retention_days", json!(30), Level::Mandatory, Scope::User),
            found("app.theme", json!("pink"), Level::Mandatory, Scope::Machine),
            found("app.theme", json!("dark"), Level::Recommended, Scope::Machine),
            found("app.language", json!("en"), Level::Mandatory, Scope::Machine),
            found("notifications.burst", json!(0), Level::Default, Scope::Machine),
        ];
        let effective = resolve(FILE, "settings.toml", &managed(places), true).unwrap();
        let retention = effect(&effective, "inbox.retention_days");
        assert_eq!(
            (retention.value, retention.scope, retention.status),
            (json!(30), Some(Scope::User), Status::Invalid)
        );
        assert!(retention.reason.unwrap().contains("found the text \"long\"; accepted is a whole number"));
        let theme = effect(&effective, "app.theme");
        assert_eq!((theme.value, theme.level, theme.status), (json!("dark"), Level::Recommended, Status::Invalid));
        let burst = effect(&effective, "notifications.burst");
        assert_eq!((burst.value, burst.level, burst.status), (json!(5), Level::BuiltIn, Status::Invalid));
        assert_eq!(effect(&effective, "app.language").status, Status::InEffect);
        assert_eq!(effective.violations().count(), 3);
    }

    #[test]
    fn what_secures_a_computer_stays_closed_while_its_mandatory_value_is_invalid() {
        let file = "[network]\ninsecure_hosts = [\"intranet\"]\nca_bundle = \"/mine.pem\"\n\
                    [app]\nallowed_link_hosts = [\"evil.example\"]\naction_urls = [\"https://evil.example/approve\"]\n";
        let keys = CLOSED.map(|(key, _)| key);
        assert!(keys.contains(&"app.action_urls"), "a button must not call what an administrator has not allowed");
        let invalid = keys.map(|key| found(key, json!(7), Level::Mandatory, Scope::Machine));
        let of_person = keys.map(|key| found(key, json!(["other"]), Level::Mandatory, Scope::User));
        let effective = resolve(file, "f", &managed(invalid.into_iter().chain(of_person).collect()), false).unwrap();
        for key in keys {
            let effect = effect(&effective, key);
            assert_eq!((effect.level, effect.status), (Level::Mandatory, Status::Blocked), "{key}");
        }
        assert!(effective.settings.network.insecure_hosts.is_empty());
        assert!(effective.settings.app.allowed_link_hosts.is_empty());
        assert!(effective.settings.app.action_urls.is_empty(), "no button sends the sign-in");
        assert!(!effective.settings.network.ca_bundle.unwrap().exists(), "nothing can be connected");
    }

    #[test]
    fn a_mandatory_value_locks_and_says_that_the_file_has_no_effect() {
        let places = vec![
            found("inbox.retention_days", json!(30), Level::Mandatory, Scope::Machine),
            found("inbox.retention_days", json!(60), Level::Mandatory, Scope::Machine),
        ];
        let effect = effect(&resolve(FILE, "settings.toml", &managed(places), true).unwrap(), "inbox.retention_days");
        assert!(effect.is_locked());
        let reason = effect.reason.unwrap();
        assert!(reason.contains("also set in Mandatory of Machine"), "{reason}");
        assert!(reason.contains("the value in settings.toml has no effect"), "{reason}");
    }

    #[test]
    fn a_place_with_few_types_is_read_as_the_key_needs_it() {
        for (key, value, expected) in [
            ("server.endpoints", json!("[\"wss://a.example/ws\"]"), json!(["wss://a.example/ws"])),
            ("server.endpoints", json!(["wss://a.example/ws"]), json!(["wss://a.example/ws"])),
            ("server.endpoints", json!(["[", "\"wss://a.example/ws\"]"]), json!(["wss://a.example/ws"])),
            ("app.start_at_login", json!(0), json!(false)),
            ("app.start_at_login", json!("false"), json!(false)),
            ("inbox.retention_days", json!("30"), json!(30)),
            ("inbox.retention_days", json!(1), json!(1)),
            ("auth.login", json!("1"), json!("1")),
            ("server.heart_beat", json!("{\"send\":\"5s\"}"), json!({"send": "5s", "expect": "10s"})),
        ] {
            let loose = Found { is_loose: true, ..found(key, value, Level::Mandatory, Scope::Machine) };
            let effective = resolve("", "f", &managed(vec![loose.clone()]), false).unwrap();
            let effect = effect(&effective, key);
            assert_eq!((effect.value, effect.status), (expected, Status::InEffect), "{key}: {:?}", effect.reason);
            let is_exact = !matches!(loose.value, Value::String(_)) || key == "auth.login";
            let strict = Found { is_loose: false, ..loose };
            let strict = resolve("", "f", &managed(vec![strict.clone()]), false).unwrap().key(key).unwrap().status;
            assert!(is_exact || strict == Status::Invalid, "{key}");
        }
    }

    #[test]
    fn a_server_that_is_managed_is_enough() {
        let place = found("server.endpoints", json!(["wss://a.example/ws"]), Level::Default, Scope::Machine);
        assert!(resolve("", "f", &managed(vec![place]), true).is_ok());
        let error = resolve("", "f", &Managed::default(), true).unwrap_err().to_string();
        assert!(error.contains("server.endpoints is missing"), "{error}");
    }

    #[test]
    fn unknown_names_and_places_that_do_not_count_are_told() {
        let place = found("server.endpiont", json!("x"), Level::Mandatory, Scope::Machine);
        let secret = found("auth.token", json!("hunter2"), Level::Mandatory, Scope::Machine);
        let ignored =
            Ignored { level: Level::Mandatory, scope: Scope::Machine, source: "/x".into(), reason: "no".into() };
        let managed = Managed { found: vec![place, secret], ignored: vec![ignored] };
        let effective = resolve(FILE, "f", &managed, true).unwrap();
        let told: Vec<_> = effective.others.iter().map(|effect| (effect.name.as_deref(), effect.status)).collect();
        assert_eq!(
            told,
            [
                (None, Status::Ignored),
                (Some("server.endpiont"), Status::Unknown),
                (Some("auth.token"), Status::Unknown)
            ]
        );
        let violations: Vec<String> = effective.violations().collect();
        assert!(violations.iter().any(|violation| violation.contains("server.endpoints")), "{violations:?}");
        assert!(!violations.iter().any(|violation| violation.contains("hunter2")), "{violations:?}");
    }

    #[test]
    fn the_digest_names_the_managed_values_and_nothing_else() {
        let digest =
            |text: &str, found: Vec<Found>| resolve(text, "f", &managed(found), false).unwrap().policy_digest();
        let none = digest("", Vec::new());
        assert_eq!(none, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert_eq!(digest(FILE, Vec::new()), none);
        let mandatory = found("inbox.retention_days", json!(30), Level::Mandatory, Scope::Machine);
        let recommended = found("inbox.retention_days", json!(30), Level::Recommended, Scope::Machine);
        let one = digest(FILE, vec![mandatory.clone()]);
        assert_ne!(one, none);
        assert_eq!(digest("", vec![mandatory]), one);
        assert_eq!(digest(FILE, vec![recommended.clone()]), none, "the person has set another value");
        assert_eq!(digest("", vec![recommended]), one);
    }

    #[test]
    fn one_row_says_everything_under_the_names_that_tools_read() {
        let place = found("app.theme", json!("dark"), Level::Mandatory, Scope::Machine);
        let effective = resolve("", "f", &managed(vec![place]), false).unwrap();
        let row = serde_json::to_value(effective.key("app.theme").unwrap()).unwrap();
        assert_eq!(
            row,
            json!({"name": "app.theme", "value": "dark", "level": "mandatory", "scope": "machine",
                   "source": "Mandatory of Machine", "status": "in-effect", "reason": null})
        );
        let row = serde_json::to_value(effective.key("app.language").unwrap()).unwrap();
        assert_eq!((row["level"].as_str(), row["scope"].is_null()), (Some("built-in"), true));
    }
}
