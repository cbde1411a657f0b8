//! Windows: the registry. Group Policy and Intune write below `Software\Policies\Belfry`, where
//! only administrators may; the installer below `HKLM\Software\Belfry\Defaults`.
//!
//! A value's name is the dotted name; a list may also be a key of that name with the values 1, 2, 3
//! and so on.

use belfry_core::settings::policy::{Found, Ignored, Level, Managed, Scope};
use serde_json::Value;
use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE, Type};

const POLICIES: &str = r"Software\Policies\Belfry";
const RECOMMENDED: &str = "Recommended";
const DEFAULTS: &str = r"Software\Belfry\Defaults";
/// `ERROR_FILE_NOT_FOUND` as an `HRESULT`: there is no such key.
const NOT_FOUND: i32 = 0x8007_0002_u32.cast_signed();

/// What is set on this machine for the person who runs this program.
pub(super) fn read() -> Managed {
    let mut managed = Managed::default();
    for (root, name, scope) in [(LOCAL_MACHINE, "HKLM", Scope::Machine), (CURRENT_USER, "HKCU", Scope::User)] {
        read_key(root, name, POLICIES, Level::Mandatory, scope, &mut managed);
        read_key(root, name, &format!(r"{POLICIES}\{RECOMMENDED}"), Level::Recommended, scope, &mut managed);
    }
    read_key(LOCAL_MACHINE, "HKLM", DEFAULTS, Level::Default, Scope::Machine, &mut managed);
    managed
}

fn read_key(root: &Key, name: &str, path: &str, level: Level, scope: Scope, managed: &mut Managed) {
    let source = format!(r"{name}\{path}");
    if let Err(error) = try_read(root, path, level, scope, &source, managed)
        && error.code().0 != NOT_FOUND
    {
        let reason = format!("it cannot be read ({error})");
        managed.ignored.push(Ignored { level, scope, source, reason });
    }
}

fn try_read(
    root: &Key,
    path: &str,
    level: Level,
    scope: Scope,
    source: &str,
    managed: &mut Managed,
) -> windows_registry::Result<()> {
    let key = root.open(path)?;
    let mut take = |key: String, value: Value| {
        managed.found.push(Found { key, value, is_loose: true, level, scope, source: source.to_owned() });
    };
    for (name, value) in key.values()? {
        // The key's own value has no name; `**` marks what Group Policy is to delete.
        if !name.is_empty() && !name.starts_with("**") {
            take(name, json(value));
        }
    }
    for name in key.keys()?.filter(|name| !name.eq_ignore_ascii_case(RECOMMENDED)) {
        let mut items: Vec<(String, Value)> = key
            .open(&name)?
            .values()?
            .filter(|(number, _)| !number.is_empty() && !number.starts_with("**"))
            .map(|(number, value)| (number, json(value)))
            .collect();
        items.sort_by_key(|(number, _)| (number.parse::<u32>().unwrap_or(u32::MAX), number.clone()));
        take(name, items.into_iter().map(|(_, value)| value).collect());
    }
    Ok(())
}

/// What JSON has no word for is no value.
fn json(value: windows_registry::Value) -> Value {
    match value.ty() {
        Type::String | Type::ExpandString => String::try_from(value).map_or(Value::Null, Value::String),
        Type::U32 => u32::try_from(value).map_or(Value::Null, Into::into),
        Type::U64 => u64::try_from(value).map_or(Value::Null, Into::into),
        Type::MultiString => Vec::<String>::try_from(value).map_or(Value::Null, |lines| {
            lines.into_iter().filter(|line| !line.is_empty()).map(Value::String).collect()
        }),
        Type::Bytes | Type::Other(_) => Value::Null,
    }
}
