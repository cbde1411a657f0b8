//! Windows: the runtime says its version in the registry, for the machine or for one person.
//!
//! As Microsoft's "Distribute your app and the WebView2 Runtime" describes it: a version that is
//! missing, empty or `0.0.0.0` means that there is none.

use windows_registry::{CURRENT_USER, LOCAL_MACHINE};

use super::NoWebView;

/// The runtime's entry in the list of what Edge's updater has installed.
const CLIENT: &str = r"Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}";

/// The version of the runtime.
///
/// # Errors
/// [`NoWebView`].
pub fn probe() -> Option<Result<String, NoWebView>> {
    let places = [(LOCAL_MACHINE, r"SOFTWARE\WOW6432Node"), (LOCAL_MACHINE, "SOFTWARE"), (CURRENT_USER, "Software")];
    let version = places.into_iter().find_map(|(root, above)| {
        let version = root.open(format!(r"{above}\{CLIENT}")).and_then(|key| key.get_string("pv")).ok()?;
        Some(version).filter(|version| !version.is_empty() && version != "0.0.0.0")
    });
    Some(version.ok_or(NoWebView))
}
