//! Windows and macOS: a click on a notification needs no token.

use tauri::WebviewWindow;

/// Nothing to do.
///
/// # Errors
/// None here.
pub(super) fn admit(_window: &WebviewWindow, _token: &str) -> tauri::Result<()> {
    Ok(())
}
