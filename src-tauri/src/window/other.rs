//! Windows and macOS: a click on a notification needs no token, and a web view ends its processes
//! itself.

use tauri::{AppHandle, WebviewWindow};

use crate::tray;

/// Nothing to do.
///
/// # Errors
/// None here.
pub(super) fn admit(_window: &WebviewWindow, _token: &str) -> tauri::Result<()> {
    Ok(())
}

/// Nothing to do: a web view goes with its window.
///
/// # Errors
/// None here.
pub(super) fn free_when_closed(_window: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
}

/// Nothing to do.
pub(super) fn clean_up_later(_app: &AppHandle) {}

/// The window has come to the front: a new one has no number in the task bar yet.
pub(super) fn handle_focus(app: &AppHandle) {
    if let Err(error) = tray::show_badge(app) {
        tracing::debug!(%error, "the number of unread notices is not in the task bar");
    }
}
