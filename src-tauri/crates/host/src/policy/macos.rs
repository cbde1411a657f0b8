//! macOS: the property lists of `app.belfry.desktop` that configuration profiles make, and the one
//! of the installer.
//!
//! `/Library/Managed Preferences` holds exactly what is forced by a profile, for the machine and
//! for each person; only the system writes it, as root. A dictionary `Recommended` in them holds
//! what a person may change.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use belfry_core::settings::policy::{Found, Level, Managed, Scope};
use plist::Dictionary;
use serde_json::{Map, Number, Value};

use super::trusted::Trusted;

const FILE: &str = "app.belfry.desktop.plist";
const RECOMMENDED: &str = "Recommended";

/// What is set on this machine for the person who runs this program.
#[cfg_attr(test, allow(dead_code, reason = "the tests read below a root of their own"))]
pub(super) fn read() -> Managed {
    // By the number of the user: the environment could name another.
    let name = Command::new("/usr/bin/id").arg("-un").output().ok();
    let name = name.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    read_below(Path::new("/"), 0, name.as_deref().unwrap_or_default())
}

fn read_below(root: &Path, owner: u32, user: &str) -> Managed {
    let library = root.join("Library");
    let forced = library.join("Managed Preferences");
    let mut managed = Managed::default();
    let mut place = |level, scope, path: &Path| {
        let inside = library.clone();
        read_file(&mut Trusted { inside, owner, level, scope, managed: &mut managed }, path);
    };
    place(Level::Mandatory, Scope::Machine, &forced.join(FILE));
    if !user.is_empty() && !user.contains('/') {
        place(Level::Mandatory, Scope::User, &forced.join(user).join(FILE));
    }
    place(Level::Default, Scope::Machine, &library.join("Preferences").join(FILE));
    managed
}

fn read_file(trusted: &mut Trusted<'_>, path: &Path) {
    let Some(bytes) = trusted.read(path) else { return };
    let mut values: Dictionary = match plist::from_reader(Cursor::new(bytes)) {
        Ok(values) => values,
        Err(error) => return trusted.ignore(path, format!("it does not count, since it is no property list: {error}")),
    };
    if trusted.level == Level::Mandatory
        && let Some(plist::Value::Dictionary(recommended)) = values.remove(RECOMMENDED)
    {
        take(trusted, recommended, Level::Recommended, path);
    }
    let level = trusted.level;
    take(trusted, values, level, path);
}

fn take(trusted: &mut Trusted<'_>, values: Dictionary, level: Level, path: &Path) {
    let source = path.display().to_string();
    let scope = trusted.scope;
    let values = values.into_iter().filter(|(key, _)| !key.starts_with("Payload"));
    let found = |(key, value)| Found { key, value: json(value), is_loose: true, level, scope, source: source.clone() };
    trusted.managed.found.extend(values.map(found));
}

/// What JSON has no word for is no value.
#[expect(clippy::wildcard_enum_match_arm, reason = "the list of a library")]
fn json(value: plist::Value) -> Value {
    match value {
        plist::Value::Array(values) => values.into_iter().map(json).collect(),
        plist::Value::Dictionary(values) => {
            values.into_iter().map(|(key, value)| (key, json(value))).collect::<Map<_, _>>().into()
        }
        plist::Value::Boolean(on) => on.into(),
        plist::Value::Integer(number) => number.as_signed().map_or(Value::Null, Into::into),
        plist::Value::Real(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        plist::Value::String(text) => text.into(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use belfry_core::settings::policy::resolve;
    use serde_json::json;

    use super::*;

    fn write(path: &Path, keys: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = format!("<?xml version=\"1.0\"?><plist version=\"1.0\"><dict>{keys}</dict></plist>");
        fs::write(path, text).unwrap();
        for place in path.ancestors().take(4) {
            let mode = if place.is_dir() { 0o755 } else { 0o644 };
            fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    #[test]
    fn forced_values_of_machine_and_person_their_recommendations_and_the_installers_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let library = root.path().join("Library");
        write(
            &library.join("Managed Preferences").join(FILE),
            "<key>app.theme</key><string>dark</string><key>PayloadUUID</key><string>x</string>
             <key>Recommended</key><dict><key>inbox.retention_days</key><integer>30</integer></dict>",
        );
        write(
            &library.join("Managed Preferences/alice").join(FILE),
            "<key>app.theme</key><string>light</string><key>app.start_at_login</key><false/>",
        );
        write(
            &library.join("Preferences").join(FILE),
            "<key>server.endpoints</key><array><string>wss://a.example/ws</string></array>
             <key>notifications.quiet_hours</key><string>{\"from\":\"22:00\",\"to\":\"06:00\"}</string>",
        );
        let owner = fs::metadata(root.path()).unwrap().uid();
        let effective = resolve("", "f", &read_below(root.path(), owner, "alice"), true).unwrap();
        let row = |key: &str| {
            let effect = effective.key(key).unwrap();
            (effect.value.clone(), effect.level, effect.scope)
        };
        assert_eq!(row("app.theme"), (json!("dark"), Level::Mandatory, Some(Scope::Machine)));
        assert_eq!(row("app.start_at_login"), (json!(false), Level::Mandatory, Some(Scope::User)));
        assert_eq!(row("inbox.retention_days"), (json!(30), Level::Recommended, Some(Scope::Machine)));
        assert_eq!(row("server.endpoints").1, Level::Default);
        assert_eq!(row("notifications.quiet_hours").0["from"], "22:00");
        assert!(effective.others.is_empty(), "{:?}", effective.others);
        let of_bob = resolve("", "f", &read_below(root.path(), owner, "bob"), true).unwrap();
        assert_eq!(of_bob.key("app.start_at_login").unwrap().level, Level::BuiltIn);
    }
}
