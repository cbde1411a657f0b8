//! macOS: the number on the program's icon in the dock, which is there without a window too.

use objc2::MainThreadMarker;
use objc2_app_kit::NSApplication;
use objc2_foundation::NSString;
use tauri::AppHandle;

/// Shows this number; 0 shows none. On the main thread, elsewhere nothing happens.
///
/// # Errors
/// None.
pub(super) fn show(_app: &AppHandle, count: u64) -> tauri::Result<()> {
    if let Some(main_thread) = MainThreadMarker::new() {
        let label = (count > 0).then(|| NSString::from_str(&count.to_string()));
        NSApplication::sharedApplication(main_thread).dockTile().setBadgeLabel(label.as_deref());
    }
    Ok(())
}
