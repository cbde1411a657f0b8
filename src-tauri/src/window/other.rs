//! Windows and macOS: a click on a notification needs no token, and a web view ends its processes
//! itself.

use tauri::{AppHandle, WebviewWindow};

/// Nothing to do.
///
/// # Errors
/// None here.
pub(super) fn admit(_window: &WebviewWindow, _token: &str) -> tauri::Result<()> {
    Ok(())
}

/// Nothing to do.
pub(super) fn end_network_process(_app: &AppHandle) {}
