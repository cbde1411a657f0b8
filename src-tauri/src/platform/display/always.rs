//! Windows and macOS: every session has a screen.

use super::NoDisplay;

/// Always fine.
///
/// # Errors
/// None here.
pub(crate) fn open() -> Result<(), NoDisplay> {
    Ok(())
}
