//! Belfry's own HTTP client, for the parts that use the engine's connections one by one.

use std::sync::Arc;

use belfry_core::ports::{ProxyLookupError, ProxyVariables, SystemProxies};
use belfry_core::settings::Settings;
use engine::net::http;
use url::Url;

/// Every server of the benchmark is on this machine, which no proxy leads to.
struct NoProxies;

impl SystemProxies for NoProxies {
    fn variables(&self) -> ProxyVariables {
        ProxyVariables::default()
    }

    fn lookup(&self, _origin: &Url) -> Result<Vec<String>, ProxyLookupError> {
        Ok(Vec::new())
    }
}

/// The client, as these settings want it.
pub(crate) fn client(settings: &Settings) -> http::Client {
    http::client(&settings.network, Arc::new(NoProxies)).expect("a client")
}
