//! macOS: the property list that the system keeps of itself.

/// For example `macOS 14.5`.
pub(super) fn version() -> Option<String> {
    let list = plist::Value::from_file("/System/Library/CoreServices/SystemVersion.plist").ok()?;
    let text = |key: &str| Some(list.as_dictionary()?.get(key)?.as_string()?.to_owned());
    Some(format!("{} {}", text("ProductName")?, text("ProductVersion")?))
}
