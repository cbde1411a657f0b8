//! The id and the name that the operating system gives to this machine.
//!
//! The engine stores a hash of it beside the device id, to detect a profile that was copied to
//! another machine. Invariant: the id itself never leaves the process.

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
