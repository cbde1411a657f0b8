//! Linux and Windows: links come by the command line.

use tauri::RunEvent;

use belfry_core::app_link::AppLink;

/// None.
pub(crate) fn links(_: &RunEvent) -> Vec<AppLink> {
    Vec::new()
}
