//! Windows and macOS: whoever is logged in has a screen.

use super::NoDisplay;

/// Always fine.
///
/// # Errors
/// None here.
pub(crate) fn open() -> Result<(), NoDisplay> {
    Ok(())
}
