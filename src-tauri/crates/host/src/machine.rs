//! The name this machine was given by its operating system.
//!
//! The engine keeps a hash of it beside the device's name, so that a profile copied to another machine is noticed there.
//! Invariant: the id itself never leaves the process.

/// Why the machine's id is not known.
#[derive(Debug, thiserror::Error)]
#[error("this machine has no id ({0}); on Linux, run systemd-machine-id-setup")]
pub struct NoMachineId(String);

/// The id: `/etc/machine-id` or D-Bus's (Linux), `MachineGuid` (Windows), `IOPlatformUUID` (macOS).
///
/// # Errors
/// [`NoMachineId`] where the system has none, as in bare containers.
pub fn machine_id() -> Result<String, NoMachineId> {
    machine_uid::get().map_err(|e| NoMachineId(e.to_string()))
}
