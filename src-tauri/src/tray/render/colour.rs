//! Tray icons for Linux and Windows: coloured, for light and dark panels alike.

use tauri::image::Image;
use tauri::include_image;

use crate::tray::Icon;

/// Whether the system colours the icon itself.
pub(super) const IS_TEMPLATE: bool = false;

/// The picture of a state.
pub(super) fn picture(icon: Icon) -> Image<'static> {
    match icon {
        Icon::Offline => include_image!("../icons/tray/offline.png"),
        Icon::Connecting => include_image!("../icons/tray/connecting.png"),
        Icon::Live => include_image!("../icons/tray/live.png"),
        Icon::Unread => include_image!("../icons/tray/unread.png"),
        Icon::ActionNeeded => include_image!("../icons/tray/action-needed.png"),
    }
}
