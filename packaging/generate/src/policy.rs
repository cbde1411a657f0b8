//! The policy templates of every system, and their reference, from one schema.

mod admx;
mod mac;
mod page;
mod samples;
mod schema;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use self::schema::Schema;

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Writes every file, or with `check` says which would change.
pub(crate) fn write(check: bool) -> Result<()> {
    let mut stale = Vec::new();
    for (name, text) in files(&Schema::read(&root())?) {
        let path = root().join(&name);
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            continue;
        }
        if check {
            stale.push(name);
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("{name} cannot be written"))?;
        println!("written: {name}");
    }
    if !stale.is_empty() {
        bail!("stale: {}; write them with `cargo run -p belfry-generate -- policy`", stale.join(", "));
    }
    Ok(())
}

/// Every generated file: its path below the root, and its text.
fn files(schema: &Schema) -> Vec<(String, String)> {
    let out = |name: &str| format!("packaging/policy/out/{name}");
    vec![
        (out("windows/belfry.admx"), admx::admx(schema)),
        (out("windows/en-US/belfry.adml"), admx::adml(schema, schema::Language::English)),
        (out("windows/zh-CN/belfry.adml"), admx::adml(schema, schema::Language::Chinese)),
        (out("macos/belfry.mobileconfig"), samples::mobileconfig(schema)),
        (out("macos/manifest/app.belfry.desktop.plist"), mac::manifest(schema)),
        (out("linux/managed.json"), samples::managed(schema)),
        (out("linux/recommended.json"), samples::recommended(schema)),
        (out("linux/every-setting.json"), samples::every_setting(schema)),
        ("docs/admin-policies.md".to_owned(), page::page(schema)),
    ]
}

/// Text inside of XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_files_that_are_committed_are_the_ones_that_would_be_written() {
        write(true).unwrap();
    }

    #[test]
    fn every_policy_is_in_every_template() {
        let schema = Schema::read(&root()).unwrap();
        assert!(schema.policies.len() > 50);
        for (name, text) in files(&schema) {
            let is_whole = !name.ends_with("managed.json")
                && !name.ends_with("recommended.json")
                && !name.ends_with("mobileconfig");
            for policy in schema.policies.iter().filter(|_| is_whole) {
                let id = policy.id();
                assert!(text.contains(&policy.name) || text.contains(&id), "{name} lacks {}", policy.name);
            }
        }
    }

    /// Values that some key takes, to find one that differs from the default: the first that the
    /// key's own reader accepts.
    fn candidates() -> Vec<Value> {
        let rule = json!([{"kind": "3", "show": "mute"}]);
        let subscription = json!([{"destination": "/queue/other", "ack": "auto", "headers": {}, "scope": "b"}]);
        let quiet = json!({"from": "22:00", "to": "07:00", "days": ["sat"], "allow": "urgent"});
        [
            vec![json!(true), json!(false), json!(7), json!("7m"), json!("7MiB")],
            [
                "zh-CN", "dark", "error", "title", "GET", "password", "basic", "bearer", "none", "sockjs", "/other",
                "/other/7",
            ]
            .map(Value::from)
            .into(),
            ["wss://other.example.com/ws", "https://other.example.com/approve", "other.example.com", "other"]
                .map(|text| json!([text]))
                .into(),
            ["https://other.example.com/login", r#"{"login":"{login}","password":"{password}","tenant":"7"}"#]
                .map(Value::from)
                .into(),
            ["Asia/Shanghai", "other", "/etc/ssl/other.pem"].map(Value::from).into(),
            vec![json!({"send": "7s", "expect": "7s"}), json!({"3": "Expense"}), rule, subscription, quiet],
            vec![json!({"issuer": "https://other.example.com/", "client_id": "belfry", "scopes": ["openid"]})],
        ]
        .concat()
    }

    /// What a place at each level does to each policy, as `policy --json` prints it, through the
    /// files an administrator writes on Linux.
    #[cfg(target_os = "linux")]
    #[test]
    fn each_policy_mandatory_recommended_invalid_and_absent_has_its_value_place_and_lock() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

        use belfry_core::settings::policy::resolve;

        let root_dir = tempfile::tempdir().unwrap();
        let etc = root_dir.path().join("etc");
        let managed = etc.join("belfry/policies/managed");
        let recommended = etc.join("belfry/policies/recommended");
        fs::create_dir_all(&managed).unwrap();
        fs::create_dir_all(&recommended).unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for folder in [&etc, &etc.join("belfry"), &etc.join("belfry/policies"), &managed, &recommended] {
            mode(folder, 0o755);
        }
        let owner = fs::metadata(&etc).unwrap().uid();
        // The row that `policy --json` prints, and whether the window locks the key.
        let row = |name: &str| -> (Value, bool) {
            let effective = resolve("", "f", &host::policy::read_below(root_dir.path(), owner), false).unwrap();
            let effect = effective.key(name).unwrap();
            (serde_json::to_value(effect).unwrap(), effect.is_locked())
        };
        let set = |folder: &Path, name: &str, value: &Value| {
            let file = folder.join("test.json");
            fs::write(&file, json!({ name: value }).to_string()).unwrap();
            mode(&file, 0o644);
            let found = row(name);
            fs::remove_file(&file).unwrap();
            found
        };
        let mut unchanged = Vec::new();
        let schema = Schema::read(&root()).unwrap();
        for policy in &schema.policies {
            let name = policy.name.as_str();
            // A value that is not written differently when it is printed again.
            let differs = |value: &Value| {
                let (found, _) = set(&managed, name, value);
                found["status"] == "in-effect" && found["value"] == *value && *value != policy.default
            };
            let other = candidates().into_iter().find(differs);
            if other.is_none() {
                unchanged.push(name);
            }
            let value = other.unwrap_or_else(|| policy.example());
            let (found, is_locked) = set(&managed, name, &value);
            assert_eq!(found["value"], value, "{name}");
            assert_eq!((&found["level"], &found["scope"]), (&json!("mandatory"), &json!("machine")), "{name}");
            assert_eq!((&found["status"], is_locked), (&json!("in-effect"), true), "{name}");
            assert!(found["source"].as_str().unwrap().ends_with("managed/test.json"), "{name}");

            let (found, is_locked) = set(&recommended, name, &value);
            assert_eq!((&found["value"], &found["level"]), (&value, &json!("recommended")), "{name}");
            assert_eq!((&found["status"], is_locked), (&json!("in-effect"), false), "{name}");
            assert!(found["source"].as_str().unwrap().ends_with("recommended/test.json"), "{name}");

            let (found, is_locked) = set(&managed, name, &json!(1.5));
            let is_closed = found["status"] == "blocked";
            assert!(is_closed || found["status"] == "invalid", "{name}");
            assert_eq!(is_locked, is_closed, "{name}");
            assert_eq!(found["level"], if is_closed { "mandatory" } else { "built-in" }, "{name}");
            assert!(is_closed || found["value"] == policy.default, "{name}");
            assert!(found["reason"].as_str().unwrap().contains("accepted is"), "{name}");

            let (absent, is_locked) = row(name);
            assert_eq!((&absent["level"], &absent["value"]), (&json!("built-in"), &policy.default), "{name}");
            assert_eq!((&absent["source"], is_locked), (&json!(""), false), "{name}");
        }
        assert!(unchanged.is_empty(), "no other value was found for {unchanged:?}");
    }
}
