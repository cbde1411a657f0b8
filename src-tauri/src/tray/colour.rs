//! Tray icons for Linux and Windows: coloured, for light and dark panels alike.

use belfry_app::tray::TrayIcon;
use tauri::image::Image;
use tauri::include_image;

/// Whether the system colours the icon itself.
pub(super) const IS_TEMPLATE: bool = false;

/// The picture of a state.
pub(super) fn picture(icon: TrayIcon) -> Image<'static> {
    match icon {
        TrayIcon::Offline => include_image!("../icons/tray/offline.png"),
        TrayIcon::Connecting => include_image!("../icons/tray/connecting.png"),
        TrayIcon::Live => include_image!("../icons/tray/live.png"),
        TrayIcon::Unread => include_image!("../icons/tray/unread.png"),
        TrayIcon::ActionNeeded => include_image!("../icons/tray/action-needed.png"),
    }
}
