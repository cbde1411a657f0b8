//! Windows and macOS: the tray is part of the system.

use std::time::Duration;

use super::NoTrayHost;

/// Always fine.
///
/// # Errors
/// None here.
pub fn probe() -> Result<(), NoTrayHost> {
    Ok(())
}

/// Always fine, at once.
///
/// # Errors
/// None here.
pub fn wait(_limit: Duration) -> Result<(), NoTrayHost> {
    Ok(())
}
