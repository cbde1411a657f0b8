//! Menu bar icons for macOS: black shapes, which the system colours itself.

use belfry_app::tray::TrayIcon;
use tauri::image::Image;
use tauri::include_image;

/// The picture of a state.
pub(super) fn picture(icon: TrayIcon) -> Image<'static> {
    match icon {
        TrayIcon::Offline => include_image!("../icons/tray/offline-template.png"),
        TrayIcon::Connecting => include_image!("../icons/tray/connecting-template.png"),
        TrayIcon::Live => include_image!("../icons/tray/live-template.png"),
        TrayIcon::Unread(1) => include_image!("../icons/tray/unread-1-template.png"),
        TrayIcon::Unread(2) => include_image!("../icons/tray/unread-2-template.png"),
        TrayIcon::Unread(3) => include_image!("../icons/tray/unread-3-template.png"),
        TrayIcon::Unread(4) => include_image!("../icons/tray/unread-4-template.png"),
        TrayIcon::Unread(5) => include_image!("../icons/tray/unread-5-template.png"),
        TrayIcon::Unread(6) => include_image!("../icons/tray/unread-6-template.png"),
        TrayIcon::Unread(7) => include_image!("../icons/tray/unread-7-template.png"),
        TrayIcon::Unread(8) => include_image!("../icons/tray/unread-8-template.png"),
        TrayIcon::Unread(9) => include_image!("../icons/tray/unread-9-template.png"),
        TrayIcon::Unread(_) => include_image!("../icons/tray/unread-more-template.png"),
        TrayIcon::ActionNeeded => include_image!("../icons/tray/action-needed-template.png"),
    }
}
