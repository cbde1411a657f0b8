//! Under which names this server may be called, and the addresses it gives out.
//!
//! A browser sends any page's requests to any address, and a host name that an attacker owns can be
//! made to point at this machine. So a request is refused unless its `Host` is a name of this
//! server, and its `Origin`, if it has one, is a page of this server. See
//! `docs/reference/pushd.md`.
//! Invariant: an address in an answer never comes from a request.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, header};
use url::{Host, Url};

/// The address under which clients reach a server that stands behind a proxy:
/// `https://push.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

/// Why a text is not a [`PublicUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public URL is http:// or https:// with a host, and without user, query and fragment")]
pub struct InvalidPublicUrl;

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl)?;
        let is_good = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if is_good { Ok(Self(url)) } else { Err(InvalidPublicUrl) }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("this server does not have the name in Host: call it by its listen address, or start it with --public-url")]
    Host,
    #[error("Origin is not a page of this server: calls from other sites are refused")]
    Origin,
}

/// The server's names and addresses.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    listen: SocketAddr,
    public: Option<PublicUrl>,
}

impl Addresses {
    pub(crate) fn new(listen: SocketAddr, public: Option<PublicUrl>) -> Self {
        Self { listen, public }
    }

    /// Where the server listens.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// The address that answers name, without a slash at its end.
    pub(crate) fn http(&self) -> String {
        self.public.as_ref().map_or_else(|| format!("http://{}", self.listen), PublicUrl::to_string)
    }

    /// The same for WebSockets.
    pub(crate) fn ws(&self) -> String {
        self.http().replacen("http", "ws", 1)
    }

    fn is_own_host(&self, host: &Host<String>) -> bool {
        is_loopback(host)
            || ip(host) == Some(self.listen.ip())
            || self
                .public
                .as_ref()
                .is_some_and(|public| public.0.host().map(|own| own.to_owned()).as_ref() == Some(host))
    }

    fn is_own_origin(&self, origin: &str) -> bool {
        let Ok(origin) = Url::parse(origin) else { return false };
        let Some(host) = origin.host().map(|host| host.to_owned()) else { return false };
        let port = origin.port_or_known_default();
        let is_listener = is_loopback(&host) || ip(&host) == Some(self.listen.ip());
        (is_listener && port == Some(self.listen.port()))
            || self.public.as_ref().is_some_and(|PublicUrl(public)| {
                public.host().map(|own| own.to_owned()).as_ref() == Some(&host)
                    && public.port_or_known_default() == port
            })
    }

    /// Says why a request is refused.
    pub(crate) fn check(&self, uri_authority: Option<&Authority>, headers: &HeaderMap) -> Result<(), Refused> {
        let host_of = |authority: &Authority| Host::parse(authority.host()).ok();
        // An address in the request line counts instead of the header (RFC 9112, section 3.2.2):
        // both have to be right.
        let header = single(headers, header::HOST).and_then(|value| value.parse::<Authority>().ok());
        let hosts = [header.as_ref().and_then(host_of)].into_iter().chain(uri_authority.map(host_of));
        if !hosts.into_iter().all(|host| host.is_some_and(|host| self.is_own_host(&host))) {
            return Err(Refused::Host);
        }
        if headers.contains_key(header::ORIGIN)
            && !single(headers, header::ORIGIN).is_some_and(|origin| self.is_own_origin(origin))
        {
            return Err(Refused::Origin);
        }
        Ok(())
    }
}

/// The value of a header that is there exactly once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn ip(host: &Host<String>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(ip) => Some(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => Some(IpAddr::V6(*ip)),
        Host::Domain(_) => None,
    }
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(_) | Host::Ipv6(_) => ip(host).is_some_and(|ip| ip.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        Addresses::new("192.0.2.7:8080".parse().unwrap(), Some("https://push.example.com/base/".parse().unwrap()))
    }

    fn check(host: &[&str], origin: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in host {
            headers.append(header::HOST, host.parse().unwrap());
        }
        for origin in origin {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        addresses().check(None, &headers).is_ok()
    }

    #[test]
    fn only_the_servers_own_names_are_taken_for_hosts() {
        for own in
            ["localhost", "LocalHost:1", "127.0.0.1:9", "127.3.2.1", "[::1]:80", "192.0.2.7", "Push.Example.com:444"]
        {
            assert!(check(&[own], &[]), "{own}");
        }
        for other in [
            "evil.test",
            "localhost.evil.test",
            "192.0.2.8",
            "push.example.com.",
            "",
            "a b",
            "push.example.com@evil.test",
        ] {
            assert!(!check(&[other], &[]), "{other}");
        }
        assert!(!check(&[], &[]), "no Host");
        assert!(!check(&["localhost", "localhost"], &[]), "two of them");
    }

    #[test]
    fn an_address_in_the_request_line_has_to_be_right_as_well() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, "localhost".parse().unwrap());
        assert!(addresses().check(Some(&"localhost:1".parse().unwrap()), &headers).is_ok());
        assert!(addresses().check(Some(&"evil.test".parse().unwrap()), &headers).is_err());
    }

    #[test]
    fn an_origin_has_to_be_a_page_of_this_server() {
        for own in
            ["http://localhost:8080", "http://127.0.0.1:8080", "http://192.0.2.7:8080", "https://push.example.com"]
        {
            assert!(check(&["localhost"], &[own]), "{own}");
        }
        for other in [
            "http://localhost:8081",
            "http://localhost",
            "https://push.example.com:8443",
            "http://push.example.com",
            "https://evil.test",
            "null",
            "",
        ] {
            assert!(!check(&["localhost"], &[other]), "{other}");
        }
        assert!(!check(&["localhost"], &["http://localhost:8080", "https://evil.test"]), "two of them");
    }

    #[test]
    fn answers_name_the_public_url_or_the_listen_address() {
        assert_eq!(addresses().http(), "https://push.example.com/base");
        assert_eq!(addresses().ws(), "wss://push.example.com/base");
        let plain = Addresses::new("[::1]:80".parse().unwrap(), None);
        assert_eq!((plain.http().as_str(), plain.ws().as_str()), ("http://[::1]:80", "ws://[::1]:80"));
    }

    #[test]
    fn a_public_url_is_http_and_carries_no_secret() {
        for wrong in [
            "push.example.com",
            "ftp://x.test",
            "https://a:b@x.test",
            "https://x.test/?q",
            "https://x.test/#f",
            "https:",
        ] {
            assert_eq!(wrong.parse::<PublicUrl>(), Err(InvalidPublicUrl), "{wrong}");
        }
    }
}
