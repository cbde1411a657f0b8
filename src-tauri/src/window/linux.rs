//! Linux: a desktop lets a window come to the front by itself only with the token of the click that asked for it
//! (`ActivationToken` of the notification specification; the same as a startup id).

use gtk::prelude::GtkWindowExt;
use tauri::WebviewWindow;

/// Shows the desktop whose click it was.
///
/// # Errors
/// What the desktop's library says.
pub(super) fn admit(window: &WebviewWindow, token: &str) -> tauri::Result<()> {
    window.gtk_window()?.set_startup_id(token);
    Ok(())
}
