//! Changes single keys of a settings file and leaves everything else as it is.
//!
//! Text in, text out. Deliberately absent: reading and writing the file, and repairing it.
//! Invariants: a file with an error is not changed; the result was checked with the same table of
//! keys as every file; comments, order and other keys stay.

use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table};

use super::{Settings, diagnostics::SettingsErrors, keys};

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file, as it stands, has errors.
    #[error("the settings file has errors, so nothing was changed: correct them first\n{0}")]
    Broken(SettingsErrors),
    /// There is no such key.
    #[error("{0}: there is no such setting")]
    Unknown(String),
    /// An administrator has set it.
    #[error("{key}: your organization has set this in {place}, so it cannot be changed here")]
    Locked {
        /// Which key.
        key: String,
        /// Where it is set.
        place: String,
    },
    /// The new value is not accepted.
    #[error("{error}")]
    Refused {
        /// The key.
        key: String,
        /// What was found, and what is accepted.
        error: String,
    },
}

/// The text of a settings file with these keys set, or removed where there is no value. `file` is
/// its name, for messages. An empty text is a new file. A file that names no server yet need not
/// name one afterwards.
///
/// # Errors
/// [`EditError`]; all changes are made or none.
pub fn edit(text: &str, file: &str, changes: &[(String, Option<Value>)]) -> Result<String, EditError> {
    Settings::parse_unfinished(text, file).map_err(EditError::Broken)?;
    let check = if Settings::parse(text, file).is_ok() { Settings::parse } else { Settings::parse_unfinished };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| EditError::Refused {
        key: String::new(),
        error: error.message().to_owned(),
    })?;
    for (key, value) in changes {
        let (section, field) =
            key.split_once('.').filter(|_| keys::is_known(key)).ok_or_else(|| EditError::Unknown(key.clone()))?;
        set(&mut document, section, field, value.as_ref().map(toml));
    }
    let edited = document.to_string();
    match check(&edited, file) {
        Ok(_) => Ok(edited),
        Err(SettingsErrors { errors, .. }) => {
            let of_change = |at: &str| {
                changes.iter().map(|(key, _)| key).find(|key| {
                    at.strip_prefix(key.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                })
            };
            let found = errors.iter().find_map(|error| Some((of_change(&error.key)?, error)));
            let (key, error) = match (found, errors.first()) {
                (Some((key, error)), _) => (key.clone(), error.to_string()),
                (None, first) => (String::new(), first.map(ToString::to_string).unwrap_or_default()),
            };
            Err(EditError::Refused { key, error })
        }
    }
}

fn set(document: &mut DocumentMut, section: &str, field: &str, value: Option<toml_edit::Value>) {
    let Some(mut value) = value else {
        if let Some(table) = document.get_mut(section).and_then(Item::as_table_like_mut) {
            table.remove(field);
        }
        return;
    };
    let section = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
    let Some(table) = section.as_table_like_mut() else { return };
    match table.get_mut(field) {
        // The text around the old value, such as a comment after it, stays.
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        _ => drop(table.insert(field, Item::Value(value))),
    }
}

/// `null` becomes an empty text, which no list, boolean or number accepts.
fn toml(value: &Value) -> toml_edit::Value {
    match value {
        Value::Null => "".into(),
        Value::Bool(on) => (*on).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64().unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => values.iter().map(toml).collect::<Array>().into(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.as_str(), toml(value))).collect::<InlineTable>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::list;

    const FILE: &str = "\
# mine
[server]
endpoints = [\"wss://push.example.com/ws\"] # the one

# never too loud
[notifications]
burst = 5 # as it was
enabled = true

[[server.subscriptions]]
destination = \"/topic/a\"
";

    fn edited(changes: &[(&str, Value)]) -> Result<String, EditError> {
        let changes: Vec<_> = changes.iter().map(|(key, value)| ((*key).to_owned(), Some(value.clone()))).collect();
        edit(FILE, "settings.toml", &changes)
    }

    #[test]
    fn a_file_that_names_no_server_yet_takes_other_settings_and_one_that_does_keeps_it() {
        let language = [("app.language".to_owned(), Some(serde_json::json!("zh-CN")))];
        let edited = edit("", "settings.toml", &language).unwrap();
        assert_eq!(edited, "[app]\nlanguage = \"zh-CN\"\n");
        assert!(Settings::parse(&edited, "settings.toml").is_err());
        let wrong = [("app.language".to_owned(), Some(serde_json::json!("tlh")))];
        assert!(
            matches!(edit("", "settings.toml", &wrong), Err(EditError::Refused { key, .. }) if key == "app.language")
        );
        let whole = "[server]\nendpoints = [\"wss://push.example.com/ws\"]\n";
        let without = [("server.endpoints".to_owned(), None)];
        assert!(edit(whole, "settings.toml", &without).is_err());
    }

    #[test]
    fn one_key_changes_and_everything_else_stays_as_it_stands() {
        assert_eq!(edited(&[("notifications.burst", json!(9))]).unwrap(), FILE.replace("burst = 5", "burst = 9"));
        assert_eq!(
            edited(&[("app.theme", json!("dark"))]).unwrap(),
            FILE.replace("enabled = true\n", "enabled = true\n\n[app]\ntheme = \"dark\"\n")
        );
        let without = edit(FILE, "settings.toml", &[("notifications.enabled".to_owned(), None)]).unwrap();
        assert_eq!(without, FILE.replace("enabled = true\n", ""));
        assert_eq!(edit(&without, "settings.toml", &[("app.theme".to_owned(), None)]).unwrap(), without);
    }

    #[test]
    fn lists_of_tables_and_tables_are_written_so_that_they_read_back() {
        let subscriptions = json!([{ "destination": "/topic/b", "ack": "auto", "headers": { "durable": "true" } }]);
        let quiet = json!({ "from": "22:00", "to": "07:00" });
        let text = edited(&[("server.subscriptions", subscriptions), ("notifications.quiet_hours", quiet)]).unwrap();
        let (settings, warnings) = Settings::parse(&text, "settings.toml").unwrap();
        assert_eq!((warnings.len(), settings.server.subscriptions.len()), (0, 1));
        assert_eq!(settings.server.subscriptions[0].headers["durable"], "true");
        assert!(settings.notifications.quiet_hours.from.is_some());
        assert!(text.contains("# never too loud"), "{text}");
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_key_and_what_is_accepted() {
        let error = edited(&[("app.theme", json!("dark")), ("notifications.burst", json!("many"))]).unwrap_err();
        let EditError::Refused { key, error } = error else { panic!("{error}") };
        assert_eq!(key, "notifications.burst");
        assert!(error.contains("a whole number from 1"), "{error}");
        let error = edited(&[("notifications.quiet_hours", json!({ "from": "25:00" }))]).unwrap_err();
        assert!(matches!(&error, EditError::Refused { key, .. } if key == "notifications.quiet_hours"), "{error}");
        assert_eq!(edited(&[("app.nothing", json!(1))]), Err(EditError::Unknown("app.nothing".to_owned())));
        let secret = edited(&[("api.base", json!("https://alice:secret@h/"))]).unwrap_err().to_string();
        assert!(secret.contains("secrets are not allowed in a settings file") && !secret.contains("alice"), "{secret}");
    }

    #[test]
    fn a_broken_file_is_left_alone_and_its_errors_are_told() {
        let changes = [("app.theme".to_owned(), Some(json!("dark")))];
        let error = edit("[server]\nendpoints = 7\n", "settings.toml", &changes).unwrap_err();
        assert!(matches!(error, EditError::Broken(_)) && error.to_string().contains("settings.toml:2"), "{error}");
        assert!(matches!(edit("[server", "settings.toml", &changes), Err(EditError::Broken(_))));
    }

    #[test]
    fn a_file_to_be_begins_with_the_server() {
        let changes = [("server.endpoints".to_owned(), Some(json!(["wss://push.example.com/ws"])))];
        let text = edit("", "settings.toml", &changes).unwrap();
        assert_eq!(text, "[server]\nendpoints = [\"wss://push.example.com/ws\"]\n");
    }

    #[test]
    fn whatever_is_listed_can_be_written_and_reads_back_the_same() {
        const EXAMPLE: &str = include_str!("keys/example.toml");
        for listed in list(EXAMPLE, "settings.toml").unwrap() {
            assert!(listed.is_set, "{}", listed.key);
            let change = [(listed.key.to_owned(), Some(listed.value.clone()))];
            let text = edit(FILE, "settings.toml", &change).unwrap_or_else(|error| panic!("{}: {error}", listed.key));
            let again = list(&text, "settings.toml").unwrap();
            let value = again.iter().find(|other| other.key == listed.key).map(|other| &other.value);
            assert_eq!(value, Some(&listed.value), "{}", listed.key);
        }
    }
}
