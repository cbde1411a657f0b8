//! Tray icons for Linux and Windows: coloured, for light and dark panels alike.

use belfry_app::tray::TrayIcon;
use tauri::image::Image;
use tauri::include_image;

/// The picture of a state.
pub(super) fn picture(icon: TrayIcon) -> Image<'static> {
    match icon {
        TrayIcon::Offline => include_image!("../icons/tray/offline.png"),
        TrayIcon::Connecting => include_image!("../icons/tray/connecting.png"),
        TrayIcon::Live => include_image!("../icons/tray/live.png"),
        TrayIcon::Unread(1) => include_image!("../icons/tray/unread-1.png"),
        TrayIcon::Unread(2) => include_image!("../icons/tray/unread-2.png"),
        TrayIcon::Unread(3) => include_image!("../icons/tray/unread-3.png"),
        TrayIcon::Unread(4) => include_image!("../icons/tray/unread-4.png"),
        TrayIcon::Unread(5) => include_image!("../icons/tray/unread-5.png"),
        TrayIcon::Unread(6) => include_image!("../icons/tray/unread-6.png"),
        TrayIcon::Unread(7) => include_image!("../icons/tray/unread-7.png"),
        TrayIcon::Unread(8) => include_image!("../icons/tray/unread-8.png"),
        TrayIcon::Unread(9) => include_image!("../icons/tray/unread-9.png"),
        TrayIcon::Unread(_) => include_image!("../icons/tray/unread-more.png"),
        TrayIcon::ActionNeeded => include_image!("../icons/tray/action-needed.png"),
    }
}
