//! Linux: `Lookup` of the desktop portal's `org.freedesktop.portal.ProxyResolver` (version 1), which
//! asks the desktop's own resolver.

use std::time::Duration;

use belfry_core::ports::ProxyLookupError;
use url::Url;
use zbus::blocking::connection::Builder;

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const RESOLVER: &str = "org.freedesktop.portal.ProxyResolver";
/// After this the thread ends. The engine does not wait for so long, but it would use the answer.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn lookup(origin: &Url) -> Result<Vec<String>, ProxyLookupError> {
    ask(origin).map_err(|error| ProxyLookupError(error.to_string()))
}

fn ask(origin: &Url) -> zbus::Result<Vec<String>> {
    let connection = Builder::session()?.method_timeout(LIMIT).build()?;
    let answer = connection.call_method(Some(PORTAL), PATH, Some(RESOLVER), "Lookup", &(origin.as_str(),))?;
    answer.body().deserialize()
}
