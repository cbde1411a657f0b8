//! Windows and macOS: the tray is part of the system.

use std::time::Duration;

use super::NoTrayHost;

/// A tray icon is always visible.
///
/// # Errors
/// None on these systems.
pub fn probe() -> Result<(), NoTrayHost> {
    Ok(())
}

/// A tray icon is always visible, so this returns at once.
///
/// # Errors
/// None on these systems.
pub fn wait(_limit: Duration) -> Result<(), NoTrayHost> {
    Ok(())
}
