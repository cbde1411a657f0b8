//! What of a URL may be said.

use url::Url;

/// Host and port, the only part of a URL that is fit for a log.
pub(crate) fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => String::new(),
    }
}
