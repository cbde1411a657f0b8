//! Windows: the number over the window's button in the task bar. Without a window there is no
//! button, and the tray icon alone has the number.

use tauri::image::Image;
use tauri::{AppHandle, Manager, include_image};

/// Shows this number; 0 shows none.
///
/// # Errors
/// What the window library says.
pub(super) fn show(app: &AppHandle, count: u64) -> tauri::Result<()> {
    for window in app.webview_windows().values() {
        window.set_overlay_icon((count > 0).then(|| picture(count)))?;
    }
    Ok(())
}

fn picture(count: u64) -> Image<'static> {
    match count {
        1 => include_image!("../icons/badge/1.png"),
        2 => include_image!("../icons/badge/2.png"),
        3 => include_image!("../icons/badge/3.png"),
        4 => include_image!("../icons/badge/4.png"),
        5 => include_image!("../icons/badge/5.png"),
        6 => include_image!("../icons/badge/6.png"),
        7 => include_image!("../icons/badge/7.png"),
        8 => include_image!("../icons/badge/8.png"),
        9 => include_image!("../icons/badge/9.png"),
        _ => include_image!("../icons/badge/more.png"),
    }
}
