//! Menu bar icons for macOS: black shapes, which the system colours itself.

use tauri::image::Image;
use tauri::include_image;

use crate::tray::Icon;

/// Whether the system colours the icon itself.
pub(super) const IS_TEMPLATE: bool = true;

/// The picture of a state.
pub(super) fn picture(icon: Icon) -> Image<'static> {
    match icon {
        Icon::Offline => include_image!("../icons/tray/offline-template.png"),
        Icon::Connecting => include_image!("../icons/tray/connecting-template.png"),
        Icon::Live => include_image!("../icons/tray/live-template.png"),
        Icon::Unread => include_image!("../icons/tray/unread-template.png"),
        Icon::ActionNeeded => include_image!("../icons/tray/action-needed-template.png"),
    }
}
