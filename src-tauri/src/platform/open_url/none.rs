//! Linux and Windows: links come by the command line.

use tauri::RunEvent;

use crate::platform::deep_link::NoticeLink;

/// None.
pub(crate) fn links(_: &RunEvent) -> Vec<NoticeLink> {
    Vec::new()
}
