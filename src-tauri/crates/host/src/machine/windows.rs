//! Windows: what the registry says of the installed system.

use windows_registry::LOCAL_MACHINE;

/// For example `Windows 10 Enterprise 23H2, build 22631`; Windows 11 calls itself 10 here, and is
/// known by its build.
pub(super) fn version() -> Option<String> {
    let key = LOCAL_MACHINE.open(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion").ok()?;
    let text = |name: &str| key.get_string(name).ok();
    let release = text("DisplayVersion").map(|release| format!(" {release}")).unwrap_or_default();
    Some(format!("{}{release}, build {}", text("ProductName")?, text("CurrentBuild").unwrap_or_default()))
}
