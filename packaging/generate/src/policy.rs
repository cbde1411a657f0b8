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

    /// What a place at each level does to each policy, through the files an administrator writes on
    /// Linux.
    #[cfg(target_os = "linux")]
    #[test]
    fn each_policy_mandatory_recommended_invalid_and_absent_has_its_value_place_and_lock() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

        use belfry_core::settings::policy::{Effect, Level, Status, resolve};
        use serde_json::{Value, json};

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
        let row = |folder: &Path, name: &str, value: &Value| -> Effect {
            let file = folder.join("test.json");
            fs::write(&file, json!({ name: value }).to_string()).unwrap();
            mode(&file, 0o644);
            let effective = resolve("", "f", &host::policy::read_below(root_dir.path(), owner), false).unwrap();
            fs::remove_file(&file).unwrap();
            effective.key(name).unwrap().clone()
        };
        for policy in &Schema::read(&root()).unwrap().policies {
            let name = &policy.name;
            let value = policy.example();
            let found = row(&managed, name, &value);
            assert_eq!((found.level, found.status), (Level::Mandatory, Status::InEffect), "{name}: {:?}", found.reason);
            assert!(found.is_locked() && found.source.ends_with("managed/test.json"), "{name}");
            assert_eq!(found.value, value, "{name}");

            let found = row(&recommended, name, &value);
            assert_eq!((found.level, found.status), (Level::Recommended, Status::InEffect), "{name}");
            assert!(!found.is_locked() && found.source.ends_with("recommended/test.json"), "{name}");

            let found = row(&managed, name, &json!(1.5));
            assert!(matches!(found.status, Status::Invalid | Status::Blocked), "{name}");
            assert_eq!(found.is_locked(), found.status == Status::Blocked, "{name}");
            assert!(found.reason.unwrap().contains("accepted is"), "{name}");

            let effective = resolve("", "f", &host::policy::read_below(root_dir.path(), owner), false).unwrap();
            let absent = effective.key(name).unwrap();
            assert_eq!((absent.level, &absent.value), (Level::BuiltIn, &policy.default), "{name}");
            assert!(absent.source.is_empty() && !absent.is_locked(), "{name}");
        }
    }
}
