//! The id and the name that the operating system gives to this machine, and the system's own name.
//!
//! The engine stores a hash of it beside the device id, to detect a profile that was copied to
//! another machine. Invariant: the id itself never leaves the process.

#[cfg(target_os = "linux")]
#[path = "machine/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "machine/macos.rs"]
mod system;
#[cfg(target_os = "windows")]
#[path = "machine/windows.rs"]
mod system;

/// Name and version of the operating system, for people; empty if it does not say.
pub fn system_version() -> String {
    system::version().unwrap_or_default()
}

/// The id: `/etc/machine-id` or D-Bus's (Linux), `MachineGuid` (Windows), `IOPlatformUUID` (macOS).
/// Empty, with a warning, if the system has none, as in minimal containers: then a copied profile
/// is not detected.
pub fn machine_id() -> String {
    machine_uid::get().unwrap_or_else(|error| {
        tracing::warn!(%error, "this machine has no id, so a copied profile will not be detected");
        String::new()
    })
}

/// The host name, which people see in lists of devices where `auth.device` is empty.
pub fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
