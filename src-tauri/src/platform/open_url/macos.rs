//! macOS: the system sends an event with addresses.

use tauri::RunEvent;

use belfry_core::app_link::AppLink;

/// The links of an event; addresses that are none are left out.
pub(crate) fn links(event: &RunEvent) -> Vec<AppLink> {
    let RunEvent::Opened { urls } = event else { return Vec::new() };
    urls.iter().filter_map(|url| url.as_str().parse().ok()).collect()
}
