//! What the tables of the MSI have to say, made by wixl here or by WiX on Windows.
//!
//! Portable, so that the Windows runner asserts the same about the file that ships.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use msi::{Package, Select};

use crate::shell::heading;

/// Never changes: it is how an upgrade finds what it replaces.
const UPGRADE_CODE: &str = "{3F6F5A0E-7D0F-4C51-9D0B-6F0D8A3C2B71}";
/// `HKEY_LOCAL_MACHINE` in the tables.
const HKLM: i32 = 2;
/// A component's files and values are 64-bit ones.
const IS_64_BIT: i32 = 256;
/// A component's key path is a registry value.
const REGISTRY_KEY_PATH: i32 = 4;

type Row = BTreeMap<String, String>;

/// Prints every assertion, and fails if one does not hold.
pub(super) fn inspect(file: &Path, version: &str) -> Result<()> {
    heading(&format!("tables of {}", file.display()));
    let opened = File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?;
    let mut package = Package::open(opened).with_context(|| format!("{} is no MSI", file.display()))?;
    let mut rows = |table: &str| rows(&mut package, table);
    let properties: BTreeMap<String, String> =
        rows("Property")?.into_iter().map(|row| (cell(&row, "Property"), cell(&row, "Value"))).collect();
    let components = rows("Component")?;
    let (registry, shortcuts, files) = (rows("Registry")?, rows("Shortcut")?, rows("File")?);
    let (shortcut_properties, upgrade) = (rows("MsiShortcutProperty")?, rows("Upgrade")?);
    let actions = rows("CustomAction")?;

    let mut failed = Vec::new();
    let mut check = |what: &str, holds: bool| {
        println!("{}: {what}", if holds { "ok" } else { "FAILED" });
        if !holds {
            failed.push(what.to_owned());
        }
    };
    let property = |name: &str| properties.get(name).map_or("", String::as_str);
    check("the upgrade code is the fixed one", property("UpgradeCode").eq_ignore_ascii_case(UPGRADE_CODE));
    check(
        "the product code is that of the version",
        property("ProductCode").eq_ignore_ascii_case(&format!("{{{}}}", product_code(version))),
    );
    check("the version is right", property("ProductVersion") == version);
    check("it is for the whole machine", property("ALLUSERS") == "1");
    let secure: Vec<&str> = property("SecureCustomProperties").split(';').collect();
    for name in ["SERVER", "LOGIN_URL", "AUTOSTART", "DESKTOPSHORTCUT"] {
        check(&format!("{name} reaches the installing service"), secure.contains(&name));
        check(&format!("{name} has no value of its own"), !properties.contains_key(name));
    }
    let number = |row: &Row, column: &str| cell(row, column).parse::<i32>().unwrap_or(0);
    check("every component is 64-bit", components.iter().all(|row| number(row, "Attributes") & IS_64_BIT != 0));
    check("everything in the registry is below HKLM", registry.iter().all(|row| number(row, "Root") == HKLM));
    let key_paths: Vec<String> = components
        .iter()
        .filter(|row| number(row, "Attributes") & REGISTRY_KEY_PATH != 0)
        .map(|row| cell(row, "KeyPath"))
        .collect();
    check(
        "every registry key path is one of these values",
        key_paths.iter().all(|path| registry.iter().any(|row| cell(row, "Registry") == *path)),
    );
    let condition = |name: &str| {
        let component = components.iter().find(|row| cell(row, "Component") == name);
        component.map(|row| cell(row, "Condition")).unwrap_or_default()
    };
    for (component, expected) in [
        ("ServerDefault", "SERVER"),
        ("LoginDefault", "LOGIN_URL"),
        ("Autostart", "AUTOSTART <> \"0\""),
        ("DesktopShortcut", "DESKTOPSHORTCUT = \"1\""),
    ] {
        check(&format!("{component} is installed only if {expected}"), condition(component) == expected);
    }
    let value = |id: &str| registry.iter().find(|row| cell(row, "Registry") == id).map(|row| cell(row, "Value"));
    check("autostart is quoted", value("AutostartValue").as_deref() == Some("\"[INSTALLDIR]belfry.exe\" --hidden"));
    check(
        "the scheme's command is quoted",
        value("SchemeOpen").as_deref() == Some("\"[INSTALLDIR]belfry.exe\" \"%1\""),
    );
    check("the server's default is a list", value("ServerValue").as_deref() == Some("[\\[]\"[SERVER]\"[\\]]"));
    let in_menu = |row: &&Row| cell(row, "Directory_") == "ProgramMenuFolder";
    let menu = shortcuts.iter().find(in_menu).map(|row| cell(row, "Shortcut"));
    check("there is a shortcut in the Start menu", menu.is_some());
    check(
        "it carries the AppUserModelID",
        shortcut_properties.iter().any(|row| {
            Some(cell(row, "Shortcut_")) == menu
                && cell(row, "PropertyKey") == "System.AppUserModel.ID"
                && cell(row, "PropVariantValue") == "app.belfry.desktop"
        }),
    );
    let has_file = |name: &str| files.iter().any(|row| cell(row, "FileName").rsplit('|').next() == Some(name));
    for name in
        ["belfry.exe", "belfryctl.exe", "admin-guide.md", "policies.md", "LICENSE.txt", "belfry.admx", "belfry.adml"]
    {
        check(&format!("{name} is in it"), has_file(name));
    }
    check(
        "an older version is replaced, a newer one is only noticed",
        upgrade.iter().any(|row| cell(row, "VersionMax") == version)
            && upgrade.iter().any(|row| cell(row, "VersionMin") == version && number(row, "Attributes") & 2 != 0),
    );
    // Type 51 sets a property; anything else would run a program.
    check("nothing is run while installing", actions.iter().all(|row| matches!(number(row, "Type") & 0x3f, 51 | 19)));
    if !failed.is_empty() {
        bail!("{} of the assertions about {} do not hold", failed.len(), file.display());
    }
    Ok(())
}

/// The rows of a table, every cell as text; none if there is no such table.
fn rows(package: &mut Package<File>, table: &str) -> Result<Vec<Row>> {
    if !package.has_table(table) {
        return Ok(Vec::new());
    }
    let rows = package.select_rows(Select::table(table))?;
    let names: Vec<String> = rows.columns().iter().map(|column| column.name().to_owned()).collect();
    let text = |value: &msi::Value| {
        value
            .as_str()
            .map(str::to_owned)
            .or_else(|| value.as_int().map(|number| number.to_string()))
            .unwrap_or_default()
    };
    Ok(rows
        .map(|row| names.iter().enumerate().map(|(index, name)| (name.clone(), text(&row[index]))).collect())
        .collect())
}

fn cell(row: &Row, column: &str) -> String {
    row.get(column).cloned().unwrap_or_default()
}

/// One version has one product code, wherever it is built: another one means another product to
/// Windows.
pub(super) fn product_code(version: &str) -> String {
    let mut numbers = version.split('.').map(|part| part.parse::<u16>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    format!("B31F7A10-{:04X}-{:04X}-{:04X}-7D0F6F0D8A3C", next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_a_product_code_of_its_own() {
        assert_eq!(product_code("0.1.0"), "B31F7A10-0000-0001-0000-7D0F6F0D8A3C");
        assert_eq!(product_code("1.12.300"), "B31F7A10-0001-000C-012C-7D0F6F0D8A3C");
    }
}
