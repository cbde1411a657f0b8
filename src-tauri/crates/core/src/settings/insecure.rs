//! Where unencrypted connections are allowed: loopback, and what `network.insecure_hosts` names;
//! and what is never reached through a proxy.
//!
//! Checked before a secret is sent, for endpoints, the API and the sign-in alike. Deliberately
//! absent: DNS; an attacker who controls it must not be able to make a host "local".

use url::{Host, Url};

use super::NetworkSettings;

/// A URL that a secret must not be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{scheme}://{host} would carry the secret in plain text, so nothing was sent: use the encrypted scheme, or list \
     the host in network.insecure_hosts"
)]
pub struct InsecureEndpoint {
    scheme: String,
    host: String,
}

impl InsecureEndpoint {
    /// Scheme and host.
    pub fn place(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }
}

impl NetworkSettings {
    /// Whether a secret may be sent to this URL: it is encrypted, or its host is loopback or
    /// listed.
    ///
    /// # Errors
    /// [`InsecureEndpoint`], which names the host and the remedy.
    pub fn is_allowed(&self, url: &Url) -> Result<(), InsecureEndpoint> {
        if is_encrypted(url) || self.is_listed(url) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        Err(InsecureEndpoint { scheme: url.scheme().to_owned(), host })
    }

    /// Whether this URL is never reached through a proxy, whatever the settings and the system say:
    /// a proxy would read what is not encrypted, and loopback means this machine.
    pub fn bypasses_proxy(&self, url: &Url) -> bool {
        !is_encrypted(url) || self.is_listed(url)
    }

    /// Loopback, or one of `network.insecure_hosts`.
    fn is_listed(&self, url: &Url) -> bool {
        url.host()
            .is_some_and(|host| is_loopback(&host) || self.insecure_hosts.iter().any(|pattern| pattern.matches(&host)))
    }
}

fn is_encrypted(url: &Url) -> bool {
    matches!(url.scheme(), "wss" | "https")
}

/// `localhost` and names below it never leave the machine (RFC 6761, section 6.3).
pub(super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_refused_except_on_loopback_and_listed_hosts() {
        let network = NetworkSettings {
            insecure_hosts: ["intranet", "10.1.0.0/16", "192.168.1.7", "fd00::/8"]
                .map(|text| text.parse().unwrap())
                .to_vec(),
            ..NetworkSettings::default()
        };
        for (url, is_allowed) in [
            ("wss://push.example.com/ws", true),
            ("https://push.example.com", true),
            ("ws://push.example.com/ws", false),
            ("http://push.example.com", false),
            ("ws://localhost:1/ws", true),
            ("ws://LOCALHOST./ws", true),
            ("ws://demo.localhost/ws", true),
            ("ws://notlocalhost/ws", false),
            ("ws://localhost.example.com/ws", false),
            ("ws://127.0.0.1/ws", true),
            ("ws://127.9.9.9/ws", true),
            ("ws://0.0.0.0/ws", false),
            ("ws://[::1]/ws", true),
            ("ws://[::ffff:127.0.0.1]/ws", true),
            ("ws://intranet/ws", true),
            ("ws://Intranet:8080/ws", true),
            ("ws://intranet.example.com/ws", false),
            ("ws://10.1.255.1/ws", true),
            ("ws://[::ffff:10.1.2.3]/ws", true),
            ("ws://10.2.0.1/ws", false),
            ("ws://192.168.1.7/ws", true),
            ("ws://192.168.1.8/ws", false),
            ("ws://[fd12::1]/ws", true),
            ("ws://[fe80::1]/ws", false),
        ] {
            assert_eq!(network.is_allowed(&Url::parse(url).unwrap()).is_ok(), is_allowed, "{url}");
        }
    }

    #[test]
    fn loopback_listed_hosts_and_everything_unencrypted_bypass_a_proxy() {
        let insecure_hosts = ["intranet", "10.1.0.0/16"].map(|text| text.parse().unwrap()).to_vec();
        let network = NetworkSettings { insecure_hosts, ..NetworkSettings::default() };
        for (url, bypasses) in [
            ("https://push.example.com", false),
            ("wss://push.example.com/ws", false),
            ("http://push.example.com", true),
            ("ws://push.example.com/ws", true),
            ("https://localhost:8443", true),
            ("wss://[::1]/ws", true),
            ("https://intranet", true),
            ("wss://10.1.2.3/ws", true),
            ("wss://10.2.2.3/ws", false),
        ] {
            assert_eq!(network.bypasses_proxy(&Url::parse(url).unwrap()), bypasses, "{url}");
        }
    }

    #[test]
    fn the_refusal_names_host_and_remedy_and_no_path() {
        let url = Url::parse("ws://push.example.com/websocket/secret-token").unwrap();
        assert_eq!(
            NetworkSettings::default().is_allowed(&url).unwrap_err().to_string(),
            "ws://push.example.com would carry the secret in plain text, so nothing was sent: use the encrypted \
             scheme, or list the host in network.insecure_hosts"
        );
    }
}
