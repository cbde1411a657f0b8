//! Linux: GTK opens the display named by `DISPLAY` or `WAYLAND_DISPLAY`.

use super::NoDisplay;

/// Opens the display, on the main thread.
///
/// # Errors
/// [`NoDisplay`].
pub(crate) fn open() -> Result<(), NoDisplay> {
    gtk::init().map_err(|_| NoDisplay)
}
