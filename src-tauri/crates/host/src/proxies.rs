//! What environment and system of this machine say about proxies.
//!
//! The environment is read as `curl` reads it. The system is asked by its own means, which also run
//! an automatic configuration (PAC). Deliberately absent: what the answers mean, and any limit of
//! time: the engine asks on a thread of its own. Invariant: on a machine without such a service the
//! result is an error, and never a proxy.

#[cfg(target_os = "linux")]
#[path = "proxies/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "proxies/macos.rs"]
mod system;
#[cfg(target_os = "windows")]
#[path = "proxies/windows.rs"]
mod system;

use belfry_core::ports::{ProxyLookupError, ProxyVariables, SystemProxies};
use url::Url;

/// The proxies of this machine.
#[derive(Debug, Clone, Copy)]
pub struct MachineProxies;

impl SystemProxies for MachineProxies {
    fn variables(&self) -> ProxyVariables {
        // The first that is set counts, even if it is empty.
        let first = |names: [&str; 2]| names.iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
        ProxyVariables {
            https: first(["HTTPS_PROXY", "https_proxy"]),
            all: first(["ALL_PROXY", "all_proxy"]),
            no: first(["NO_PROXY", "no_proxy"]),
        }
    }

    fn lookup(&self, origin: &Url) -> Result<Vec<String>, ProxyLookupError> {
        system::lookup(origin)
    }
}
