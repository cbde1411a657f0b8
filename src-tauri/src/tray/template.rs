//! Menu bar icons for macOS: black shapes, which the system colours itself.

use belfry_app::tray::TrayIcon;
use tauri::image::Image;
use tauri::include_image;

/// Whether the system colours the icon itself.
pub(super) const IS_TEMPLATE: bool = true;

/// The picture of a state.
pub(super) fn picture(icon: TrayIcon) -> Image<'static> {
    match icon {
        TrayIcon::Offline => include_image!("../icons/tray/offline-template.png"),
        TrayIcon::Connecting => include_image!("../icons/tray/connecting-template.png"),
        TrayIcon::Live => include_image!("../icons/tray/live-template.png"),
        TrayIcon::Unread => include_image!("../icons/tray/unread-template.png"),
        TrayIcon::ActionNeeded => include_image!("../icons/tray/action-needed-template.png"),
    }
}
