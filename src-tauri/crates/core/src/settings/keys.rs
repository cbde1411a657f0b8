//! The one table of keys: dotted name, reader, place in [`Settings`].
//!
//! Everything that sets a key uses this table, value by value: the settings file, and what an
//! administrator manages. Deliberately absent: merging two values of one key. Invariant: the table
//! and the structs have the same names, since both come from the field.

use serde_json::Value;

use crate::settings::action_url::covered_keys;

use super::{
    AuthMode, Settings,
    diagnostics::{SettingsErrorKind, SettingsErrors, SettingsReport, Warning},
    read,
    spanned_value::{RawValue, SpannedValue, read_json, read_toml},
    tables,
    to_value::ToValue as _,
};

/// One key.
pub(super) struct Key {
    /// Dotted, as `server.endpoints`.
    pub(super) name: &'static str,
    /// Reads a value and puts it into its place, or reports it.
    pub(super) set: fn(&mut Settings, &str, &SpannedValue, &mut SettingsReport),
    /// Its value, written as in a settings file.
    pub(super) get: fn(&Settings) -> Value,
}

macro_rules! keys {
    ($($section:ident . $field:ident = $read:expr;)+) => {
        pub(super) const KEYS: &[Key] = &[$(Key {
            name: concat!(stringify!($section), ".", stringify!($field)),
            set: |settings, key, spanned, report| {
                let read = $read;
                if let Some(value) = read(key, spanned, report) {
                    settings.$section.$field = value;
                }
            },
            get: |settings| settings.$section.$field.to_value(),
        },)+];
    };
}

keys! {
    server.endpoints = read::endpoints;
    server.protocol = read::choice;
    server.host = read::line;
    server.heart_beat = tables::heart_beat;
    server.max_message = read::size;
    server.poll_every = read::duration;
    server.reconnect_spread = read::duration;
    server.subscriptions = tables::subscriptions;

    api.base = read::web_url;
    api.collect = read::path;
    api.history = read::path;
    api.delete = read::path;
    api.clients = read::path;
    api.send = read::path;
    api.method = read::choice;
    api.page = read::number(1..=10_000);
    api.wait = read::duration;
    api.reconcile_every = read::duration;
    api.items = read::pointer;
    api.cursor = read::pointer;
    api.scope = read::line;

    auth.mode = read::choice;
    auth.login = read::line;
    auth.device = read::line;
    auth.stomp = read::stomp_secret;
    auth.http = read::http_secret;
    auth.login_url = read::web_url;
    auth.login_body = read::login_body;
    auth.login_token = read::pointer;
    auth.oidc = tables::oidc;

    network.proxy = read::proxy;
    network.ca_bundle = read::file;
    network.client_cert = read::file;
    network.insecure_hosts = read::hosts;

    message.id = read::pointer;
    message.title = read::pointer;
    message.body = read::pointer;
    message.kind = read::pointer;
    message.sender = read::pointer;
    message.sent_at = read::pointer;
    message.link = read::pointer;
    message.priority = read::pointer;
    message.state = read::pointer;
    message.status = read::pointer;
    message.undelivered = read::texts;
    message.kinds = tables::kinds;
    message.version = read::pointer;
    message.actions = read::pointer;
    message.time_zone = read::time_zone;

    notifications.enabled = read::switch;
    notifications.sound = read::line;
    notifications.preview = read::choice;
    notifications.quiet_hours = tables::quiet_hours;
    notifications.burst = read::number(1..=1_000);
    notifications.rules = tables::rules;

    inbox.retention_days = read::number(1..=36_500);
    inbox.delete_on_server = read::switch;

    app.language = read::choice;
    app.theme = read::choice;
    app.start_at_login = read::switch;
    app.allowed_link_hosts = read::link_hosts;
    app.action_urls = read::action_urls;
    app.log_level = read::choice;
}

impl Settings {
    /// Reads a settings file. `file` is its name, for messages. The warnings name unknown keys.
    ///
    /// # Errors
    /// Every error of the file: wrong types and values, a missing `server.endpoints`, secrets, or
    /// that it is not TOML.
    pub fn parse(text: &str, file: &str) -> Result<(Self, Vec<Warning>), SettingsErrors> {
        Self::read(text, file, true)
    }

    /// As [`Self::parse`], but the file need not name a server yet: then there are no endpoints.
    ///
    /// # Errors
    /// As [`Self::parse`], but for a missing `server.endpoints`.
    pub fn parse_unfinished(text: &str, file: &str) -> Result<(Self, Vec<Warning>), SettingsErrors> {
        Self::read(text, file, false)
    }

    fn read(text: &str, file: &str, needs_server: bool) -> Result<(Self, Vec<Warning>), SettingsErrors> {
        let mut report = SettingsReport::new(file);
        let mut settings = Self::default();
        let has_endpoints = match read_toml(text) {
            Ok(sections) => settings.apply_file(&sections, &mut report),
            Err((line, message)) => {
                report.error::<()>("", line, SettingsErrorKind::Syntax(message));
                return Err(report.into());
            }
        };
        if needs_server && !has_endpoints {
            report.missing::<()>("server.endpoints", None, read::ACCEPTED_ENDPOINTS);
        }
        if needs_server && report.errors.is_empty() {
            settings.report_incomplete(&mut report);
        }
        if report.errors.is_empty() { Ok((settings, report.warnings)) } else { Err(report.into()) }
    }

    /// Whether a sign-in is possible with these settings, of whatever places they come from: mode
    /// `oidc` needs an issuer and a client. `file` is the person's file, for messages.
    ///
    /// # Errors
    /// What is missing.
    pub fn check_complete(&self, file: &str) -> Result<(), SettingsErrors> {
        let mut report = SettingsReport::new(file);
        self.report_incomplete(&mut report);
        if report.errors.is_empty() { Ok(()) } else { Err(report.into()) }
    }

    fn report_incomplete(&self, report: &mut SettingsReport) {
        let oidc = &self.auth.oidc;
        if self.auth.mode != AuthMode::Oidc {
            return;
        }
        if oidc.issuer.is_none() {
            let accepted = r#"the URL of the issuer, such as "https://id.example.com", which auth.mode "oidc" needs"#;
            report.missing::<()>("auth.oidc.issuer", None, accepted);
        }
        if oidc.client_id.is_empty() {
            let accepted = r#"the id of the client at the issuer, such as "belfry", which auth.mode "oidc" needs"#;
            report.missing::<()>("auth.oidc.client_id", None, accepted);
        }
    }

    /// Sets every key of a file. Returns whether `server.endpoints` was among them.
    fn apply_file(&mut self, sections: &[(String, SpannedValue)], report: &mut SettingsReport) -> bool {
        let mut has_endpoints = false;
        for (section, spanned) in sections {
            let is_of_section = |key: &&Key| key.name.split('.').next() == Some(section);
            if !KEYS.iter().any(|key| is_of_section(&key)) {
                report.unknown(section, spanned, KEYS.iter().map(|key| key.name).chain(section_names()));
                continue;
            }
            let RawValue::Table(fields) = &spanned.value else {
                report.wrong::<()>(section, spanned, &format!("a section, [{section}]"));
                continue;
            };
            for (field, spanned) in fields {
                let name = format!("{section}.{field}");
                match KEYS.iter().find(|key| key.name == name) {
                    Some(key) => (key.set)(self, &name, spanned, report),
                    None => report.unknown(&name, spanned, KEYS.iter().map(|key| key.name)),
                }
                has_endpoints |= name == "server.endpoints";
            }
        }
        if report.errors.is_empty() {
            self.check_action_urls(sections, report);
        }
        has_endpoints
    }

    /// An entry of `app.action_urls` that covers what Belfry itself calls would let a message make
    /// those calls.
    fn check_action_urls(&self, sections: &[(String, SpannedValue)], report: &mut SettingsReport) {
        let written = sections.iter().filter(|(section, _)| section == "app").find_map(|(_, spanned)| {
            let RawValue::Table(keys) = &spanned.value else { return None };
            keys.iter().find(|(key, _)| key == "action_urls").map(|(_, spanned)| spanned)
        });
        let line = written.and_then(|spanned| spanned.line);
        for (index, covered) in covered_keys(self) {
            let kind = SettingsErrorKind::Wrong {
                found: format!("an address that covers {covered}"),
                accepted: "an address that covers no path of [api] and not auth.login_url".to_owned(),
            };
            report.error::<()>(&format!("app.action_urls[{index}]"), line, kind);
        }
    }
}

/// Whether there is such a key.
pub(super) fn is_known(name: &str) -> bool {
    KEYS.iter().any(|key| key.name == name)
}

/// Reads a server's discovery document, whose keys are those of a settings file. Returns the
/// settings, and the keys that the document sets. Only the sections about the server and
/// `app.action_urls` are read: a server does not decide what this computer trusts, shows and keeps.
/// `place` is its address, for
/// messages.
///
/// # Errors
/// Every error of the document, as of a file; a secret in it is one.
pub fn read_discovered(document: &Value, place: &str) -> Result<(Settings, Vec<(String, Value)>), SettingsErrors> {
    const SERVER_SECTIONS: [&str; 4] = ["server", "api", "auth", "message"];
    let mut sections = read_json(document);
    for (section, spanned) in &mut sections {
        if let (true, RawValue::Table(keys)) = (section == "app", &mut spanned.value) {
            keys.retain(|(key, _)| key == "action_urls");
        }
    }
    sections.retain(|(section, _)| section == "app" || SERVER_SECTIONS.contains(&section.as_str()));
    let mut report = SettingsReport::new(place);
    let mut settings = Settings::default();
    if !settings.apply_file(&sections, &mut report) {
        report.missing::<()>("server.endpoints", None, read::ACCEPTED_ENDPOINTS);
    }
    if report.errors.is_empty() {
        settings.report_incomplete(&mut report);
    }
    if !report.errors.is_empty() {
        return Err(report.into());
    }
    let set_keys = keys_set_in(&sections);
    let values = KEYS.iter().filter(|key| set_keys.iter().any(|set| set == key.name));
    let values = values.map(|key| (key.name.to_owned(), (key.get)(&settings))).collect();
    Ok((settings, values))
}

fn keys_set_in(sections: &[(String, SpannedValue)]) -> Vec<String> {
    let of_section = |(section, spanned): &(String, SpannedValue)| {
        let RawValue::Table(keys) = &spanned.value else { return Vec::new() };
        keys.iter().map(|(key, _)| format!("{section}.{key}")).collect()
    };
    sections.iter().flat_map(of_section).collect()
}

fn section_names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter_map(|key| key.name.split('.').next())
}

#[cfg(test)]
mod tests;
