//! macOS and Linux: nothing that could be missing while the program runs.

use super::NoWebView;

/// None: there is nothing to look for.
pub fn probe() -> Option<Result<String, NoWebView>> {
    None
}
