//! `support-bundle`: one zip file with what support needs to know of this computer.
//!
//! It holds what `doctor`, `status` and `policy` print, versions, and the log's files. Deliberately
//! absent: the inbox, the kept raw messages, the keychain, and sending the file. Invariants: no
//! content of a message and no secret is in it; what could hold a secret in spite of the rules for
//! settings is removed, and the secret in use is removed from every text.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use belfry_core::{
    ports::Secret,
    settings::policy::{Effect, Level, Status},
};
use engine::doctor::Finding;
use host::{exit_reason::ExitReason, logging, machine, paths, web_view};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use url::Url;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    args::{Global, SupportBundle},
    doctor::examine_all,
    error::Error,
    output,
    setup::Setup,
    status,
};

/// What stands where something was removed.
const REMOVED: &str = "(removed)";
/// Headers of a subscription whose values say how a queue works. A server may take others for a
/// sign-in, so their values are removed.
const PLAIN_HEADERS: [&str; 7] =
    ["auto-delete", "durable", "exclusive", "persistent", "prefetch-count", "selector", "x-dead-letter-exchange"];
/// Beginnings of further such headers.
const PLAIN_PREFIXES: [&str; 5] = ["x-expires", "x-max-", "x-message-ttl", "x-queue-", "x-stream-"];
/// The environment says these of the desktop.
const VARIABLES: [&str; 5] = ["XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "DESKTOP_SESSION", "LANG", "BELFRY_LOG"];

const README: &str = "Written by belfryctl support-bundle.\n\n\
    doctor.json    the findings of belfryctl doctor\n\
    status.json    belfryctl status --json\n\
    policy.json    belfryctl policy --json: every key, its value, and where it stands\n\
    settings.json  the keys of the person's own settings file\n\
    versions.json  Belfry, the operating system, the desktop\n\
    logs/          Belfry's log\n\n\
    It names the login, this computer and the servers. It holds no content of messages, no password\n\
    and no token. What could have been a secret reads (removed).\n";

/// Writes the file and prints its name.
///
/// # Errors
/// [`ExitReason::Failed`]: the file exists, or cannot be written.
pub(crate) async fn support_bundle(
    setup: Result<Setup, Error>,
    global: &Global,
    args: SupportBundle,
) -> Result<(), Error> {
    let now = Timestamp::now();
    let file =
        args.output.unwrap_or_else(|| PathBuf::from(now.strftime("belfry-support-%Y%m%dT%H%M%SZ.zip").to_string()));
    // Before the examination, which takes a while.
    let created = create(&file).map_err(|error| unwritable(&file, &error))?;
    let parts = collect(setup, global, now).await;
    write(created, &parts).map_err(|error| unwritable(&file, &error))?;
    if global.json {
        return Ok(output::json(&json!({ "file": file }))?);
    }
    Ok(output::lines([format!("written: {}", file.display()), "look into it before you send it".to_owned()])?)
}

/// One file of the bundle.
struct Part {
    name: String,
    text: String,
}

async fn collect(setup: Result<Setup, Error>, global: &Global, now: Timestamp) -> Vec<Part> {
    let mut findings: Vec<Finding> = Vec::new();
    examine_all(setup.as_ref(), &mut |finding| findings.push(finding)).await;
    let status = match &setup {
        Ok(setup) => status::report(setup).map(|(report, _)| json!(report)),
        Err(_) => Ok(json!({ "error": "there are no valid settings: see doctor.json" })),
    };
    let status = status.unwrap_or_else(|error| json!({ "error": error.to_string() }));
    let secret = setup.as_ref().ok().and_then(|setup| setup.secret().ok());
    let rows = policy_rows(global);
    let own: Map<String, Value> = rows
        .iter()
        .filter(|row| row.level == Level::User)
        .filter_map(|row| Some((row.name.clone()?, row.value.clone())))
        .collect();
    let mut parts = vec![
        Part { name: "README.txt".to_owned(), text: README.to_owned() },
        part("doctor.json", &findings.iter().map(|finding| without_found(json!(finding))).collect()),
        part("status.json", &status),
        part("policy.json", &json!(rows)),
        part("settings.json", &Value::Object(own)),
        part("versions.json", &versions(now)),
    ];
    if let Ok(folder) = logging::folder(global.data_dir.as_deref()) {
        parts.extend(logging::files(&folder).iter().filter_map(|path| log(path)));
    }
    let secrets = secret.iter().flat_map(spellings).collect::<Vec<_>>();
    for part in &mut parts {
        for secret in &secrets {
            part.text = part.text.replace(secret.as_str(), REMOVED);
        }
    }
    parts
}

fn part(name: &str, value: &Value) -> Part {
    let text = serde_json::to_string_pretty(value).unwrap_or_default() + "\n";
    Part { name: name.to_owned(), text }
}

fn log(path: &Path) -> Option<Part> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let text = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
    Some(Part { name: format!("logs/{name}"), text })
}

/// How the secret in use could be written in one of the texts.
fn spellings(secret: &Secret) -> Vec<String> {
    let spellings_of = |secret: &SecretString| {
        let plain = secret.expose_secret().to_owned();
        let quoted = Value::String(plain.clone()).to_string();
        let escaped = quoted.trim_matches('"').to_owned();
        let encoded = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect::<String>();
        [plain, escaped, encoded]
    };
    let mut all: Vec<String> = secret.texts().into_iter().flat_map(spellings_of).collect();
    // A secret of so few characters would remove half of the text.
    all.retain(|text| text.chars().count() >= 4);
    all
}

/// Every key as `policy --json` prints it, without what may be a secret. None if the settings file
/// has errors, which `doctor.json` names.
fn policy_rows(global: &Global) -> Vec<Effect> {
    let file = global.config.clone().map_or_else(paths::settings_file, Ok);
    let effective = file.ok().and_then(|file| host::settings::unfinished(&file).ok());
    let rows = effective.into_iter().flat_map(|effective| effective.keys.into_iter().chain(effective.others));
    rows.map(|mut row| {
        row.value = plain_value(row.name.as_deref().unwrap_or_default(), row.value);
        if row.status != Status::InEffect {
            row.reason = row.reason.map(|reason| without_found_in(&reason));
        }
        row
    })
    .collect()
}

/// A value of a key, without what may be a secret.
fn plain_value(key: &str, value: Value) -> Value {
    let value = without_queries(value);
    match (key, value) {
        // A template, in which a server may want a fixed key.
        ("auth.login_body", value) if value != belfry_core::settings::Settings::default().auth.login_body.as_str() => {
            REMOVED.into()
        }
        ("server.subscriptions", Value::Array(rows)) => rows.into_iter().map(plain_subscription).collect(),
        (_, value) => value,
    }
}

fn plain_subscription(mut row: Value) -> Value {
    let headers = row.get_mut("headers").and_then(Value::as_object_mut);
    for (name, value) in headers.into_iter().flatten() {
        let is_plain =
            PLAIN_HEADERS.contains(&name.as_str()) || PLAIN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if !is_plain {
            *value = REMOVED.into();
        }
    }
    row
}

/// Addresses without user, password, query and fragment, at whatever depth.
fn without_queries(value: Value) -> Value {
    match value {
        Value::String(text) => match Url::parse(&text) {
            Ok(mut url) if url.has_host() && has_more(&url) => {
                // An address with a host takes both.
                let _ = url.set_username("").and_then(|()| url.set_password(None));
                let query = url.query().map(|_| REMOVED.to_owned());
                url.set_query(query.as_deref());
                url.set_fragment(None);
                String::from(url).into()
            }
            _ => text.into(),
        },
        Value::Array(values) => values.into_iter().map(without_queries).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, without_queries(value))).collect::<Map<_, _>>().into()
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

fn has_more(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some()
}

/// An error of a setting says what was found: which may have been a secret in the wrong place.
fn without_found(mut finding: Value) -> Value {
    if let Some(Value::String(detail)) = finding.get_mut("detail") {
        *detail = without_found_in(detail);
    }
    finding
}

fn without_found_in(text: &str) -> String {
    let mut parts = text.split("found ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("found ");
        match part.split_once("; accepted") {
            Some((_, rest)) => {
                out.push_str(REMOVED);
                out.push_str("; accepted");
                out.push_str(rest);
            }
            None => out.push_str(part),
        }
    }
    out
}

fn versions(now: Timestamp) -> Value {
    let desktop: Map<String, Value> =
        VARIABLES.into_iter().filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?.into()))).collect();
    json!({
        "belfry": env!("CARGO_PKG_VERSION"),
        "written_at": now,
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "system_version": machine::system_version(),
        "host_name": machine::host_name(),
        "web_view": web_view::probe().and_then(Result::ok),
        "desktop": desktop,
    })
}

/// A new file that only its owner can read, where the system knows such.
fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write(file: File, parts: &[Part]) -> io::Result<()> {
    let mut zip = ZipWriter::new(file);
    for part in parts {
        zip.start_file(part.name.as_str(), SimpleFileOptions::default())?;
        zip.write_all(part.text.as_bytes())?;
    }
    zip.finish()?;
    Ok(())
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let message = format!("{}: the bundle cannot be written ({error}): give another --output", path.display());
    Error::new(ExitReason::Failed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_in_a_value_is_removed_and_the_rest_stays() {
        let rows = json!([{
            "destination": "/queue/a",
            "headers": { "durable": "true", "x-queue-name": "belfry.{login}", "X-Api-Key": "hunter2" }
        }]);
        let plain = plain_value("server.subscriptions", rows);
        assert_eq!(
            plain[0]["headers"],
            json!({ "durable": "true", "x-queue-name": "belfry.{login}", "X-Api-Key": REMOVED })
        );
        let endpoints =
            plain_value("server.endpoints", json!(["wss://h/ws?token=hunter2", "wss://a:b@h/ws", "wss://h/ws"]));
        assert!(!endpoints.to_string().contains("hunter2") && !endpoints.to_string().contains("a:b@"), "{endpoints}");
        assert_eq!(endpoints[2], "wss://h/ws");
        assert_eq!(plain_value("auth.login_body", json!("{\"key\":\"hunter2\"}")), REMOVED);
        let default = belfry_core::settings::Settings::default().auth.login_body;
        assert_eq!(plain_value("auth.login_body", json!(default)), default);
        assert_eq!(plain_value("app.theme", json!("dark")), "dark");
    }

    #[test]
    fn what_was_found_is_removed_from_an_error_and_what_is_accepted_stays() {
        let text = "a.toml:3: auth.login_token: found the text \"hunter2\"; accepted is a pointer; \
                    a.toml:4: x: found 7; accepted is a text; this was found";
        let plain = without_found_in(text);
        assert!(
            !plain.contains("hunter2") && plain.contains("auth.login_token: found (removed); accepted is a pointer")
        );
        assert!(
            plain.contains("x: found (removed); accepted is a text") && plain.ends_with("this was found"),
            "{plain}"
        );
    }

    #[test]
    fn the_secret_in_use_is_known_in_every_spelling() {
        let all = spellings(&Secret::Token("a \"b\"/c".into()));
        assert_eq!(all, ["a \"b\"/c", "a \\\"b\\\"/c", "a+%22b%22%2Fc"]);
        assert!(spellings(&Secret::Password("abc".into())).is_empty());
    }
}
