//! The name this machine was given by its operating system.
//!
//! The engine keeps a hash of it beside the device's name, so that a profile copied to another machine is noticed there.
//! Invariant: the id itself never leaves the process.

/// The id: `/etc/machine-id` or D-Bus's (Linux), `MachineGuid` (Windows), `IOPlatformUUID` (macOS). Empty, with a warning,
/// where the system has none, as in bare containers: a copied profile is not noticed there.
pub fn machine_id() -> String {
    machine_uid::get().unwrap_or_else(|error| {
        tracing::warn!(%error, "this machine has no id, so a copied profile will not be noticed");
        String::new()
    })
}
