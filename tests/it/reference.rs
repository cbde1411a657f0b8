//! The reference in `docs/reference/settings.md`, the window's list of keys and the table of settings in the code name the
//! same keys, with the same defaults.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use belfry_core::settings;
use serde_json::Value;

/// Every key of the code, with its default.
fn keys_of_code() -> BTreeMap<String, Value> {
    let listed = settings::list("", "defaults").unwrap();
    listed.into_iter().map(|listed| (listed.key.to_owned(), listed.fallback)).collect()
}

#[test]
fn the_reference_lists_every_setting_with_its_default() {
    let document = read("docs/reference/settings.md");
    let mut rows = document.lines();
    let mut documented = BTreeMap::new();
    while rows.any(|line| line == "| key | type | default | meaning |") {
        for row in rows.by_ref().skip(1).take_while(|line| line.starts_with('|')) {
            let cells: Vec<&str> = row.split(" | ").collect();
            let name = cells[0].trim_matches(['|', ' ', '`']).to_owned();
            documented.insert(name, default_of(cells[2]));
        }
    }
    assert_eq!(documented, keys_of_code());
}

#[test]
fn the_window_offers_every_setting() {
    let source = read("ui/src/settings/keys.ts");
    let mut offered: Vec<&str> = source.split("key: '").skip(1).filter_map(|rest| rest.split('\'').next()).collect();
    offered.sort_unstable();
    assert_eq!(offered, keys_of_code().keys().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn the_window_accepts_the_numbers_that_the_settings_accept() {
    let source = read("ui/src/settings/keys.ts");
    let mut fields = 0;
    for line in source.lines().filter(|line| line.contains("kind: 'number'")) {
        let value_of = |name: &str| {
            let rest = line.split_once(name).unwrap_or_else(|| panic!("no {name} in {line}")).1;
            rest.split([',', ' ', '\'', '}']).next().unwrap().to_owned()
        };
        if !line.contains("key: '") {
            continue; // the type of such a field
        }
        let (section, key) = (value_of("key: '").split_once('.')).map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let number = |name: &str| value_of(name).replace('_', "").parse::<i64>().unwrap();
        let (min, max) = (number("min: "), number("max: "));
        let is_accepted = |number: i64| {
            let text = format!("[server]\nendpoints = [\"wss://push.example.com\"]\n[{section}]\n{key} = {number}\n");
            settings::Settings::parse(&text, "settings.toml").is_ok()
        };
        assert!(is_accepted(min) && is_accepted(max), "{section}.{key}");
        assert!(!is_accepted(min - 1) && !is_accepted(max + 1), "{section}.{key}");
        fields += 1;
    }
    assert_eq!(fields, 3, "every number among the settings");
}

/// The value of a cell such as `` `"10s"` ``; a required key has no default, which is an empty list in the code.
fn default_of(cell: &str) -> Value {
    let text = cell.trim_matches('`');
    if text == "required" {
        return Value::Array(Vec::new());
    }
    let document: toml_edit::DocumentMut =
        format!("value = {text}").parse().unwrap_or_else(|error| panic!("{cell}: {error}"));
    to_json(document["value"].as_value().unwrap())
}

fn to_json(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::from(text.value().as_str()),
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Boolean(is_on) => Value::from(*is_on.value()),
        toml_edit::Value::Array(items) => items.iter().map(to_json).collect(),
        toml_edit::Value::InlineTable(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.to_owned(), to_json(value))).collect())
        }
        other => panic!("no setting has a default such as {other}"),
    }
}

fn read(path: &str) -> String {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned();
    fs::read_to_string(root.join(path)).unwrap()
}
