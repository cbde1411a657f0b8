//! Which links of notices may be opened in the person's browser.
//!
//! A link is untrusted text. Deliberately absent: the opening, which is the desktop's. Invariant:
//! only an http or https URL passes, serialised again by our own parser, whose host and port are
//! allowed (and whose scheme is the server's own, unless the host is listed); so no `file:`, no
//! `javascript:`, no program's own scheme, no name with a password that looks like another host.

use url::Url;

use crate::settings::Settings;

/// Why a link is not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a web address.
    #[error("Belfry opens only web addresses (https:// or http://); this link is none")]
    NotWeb,
    /// It names a user or a password before the host.
    #[error("this link hides a name or a password in its address; Belfry does not open it")]
    Credentials,
    /// The host is not on the list.
    #[error("Belfry does not open links to {0}; IT can allow it with app.allowed_link_hosts")]
    Host(String),
}

/// The address to open for a link, if it may be opened.
///
/// # Errors
/// [`Refused`].
pub fn allowed(link: &str, settings: &Settings) -> Result<Url, Refused> {
    let url = Url::parse(link.trim()).map_err(|_| Refused::NotWeb)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::NotWeb);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Credentials);
    }
    let host = url.host_str().ok_or(Refused::NotWeb)?;
    if is_allowed(&url, host, settings) {
        return Ok(url);
    }
    // Without a port, the scheme's own is meant, as in the setting.
    Err(Refused::Host(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))))
}

/// A listed host without a port means the port of the link's scheme; the server's own hosts count
/// with their schemes and ports, where `wss` stands for `https` and `ws` for `http`.
fn is_allowed(url: &Url, host: &str, settings: &Settings) -> bool {
    let listed = &settings.app.allowed_link_hosts;
    if !listed.is_empty() {
        let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
        return listed.iter().any(|allowed| {
            with_port.as_ref().is_some_and(|link| allowed.eq_ignore_ascii_case(link))
                || (url.port().is_none() && allowed.eq_ignore_ascii_case(host))
        });
    }
    let mut own = settings.server.endpoints.iter().chain(settings.api.base.as_ref());
    own.any(|own| {
        let scheme = match own.scheme() {
            "wss" => "https",
            "ws" => "http",
            other => other,
        };
        scheme == url.scheme()
            && own.host_str().is_some_and(|own| own.eq_ignore_ascii_case(host))
            && own.port_or_known_default() == url.port_or_known_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(allowed: &[&str]) -> Settings {
        let mut settings = Settings::default();
        settings.server.endpoints = vec![Url::parse("wss://push.example.com/ws").unwrap()];
        settings.api.base = Some(Url::parse("https://api.example.com/ecgapi").unwrap());
        settings.app.allowed_link_hosts = allowed.iter().map(|host| (*host).to_owned()).collect();
        settings
    }

    #[test]
    fn without_a_list_the_servers_own_hosts_are_allowed() {
        for link in
            ["https://push.example.com/expenses/7?x=1#y", "https://API.example.com:443/", " https://api.example.com "]
        {
            assert!(allowed(link, &settings(&[])).is_ok(), "{link}");
        }
        assert_eq!(allowed("https://example.org/", &settings(&[])), Err(Refused::Host("example.org".to_owned())));
    }

    #[test]
    fn a_list_replaces_the_servers_hosts() {
        let settings = settings(&["intranet.example.com"]);
        assert!(allowed("https://intranet.example.com/a", &settings).is_ok());
        assert!(allowed("https://push.example.com/a", &settings).is_err());
        assert!(allowed("https://intranet.example.com.evil.org/a", &settings).is_err());
    }

    #[test]
    fn another_scheme_or_port_of_the_servers_host_is_another_server() {
        for link in ["http://push.example.com/", "https://push.example.com:8443/", "http://api.example.com:443/"] {
            assert!(matches!(allowed(link, &settings(&[])), Err(Refused::Host(_))), "{link}");
        }
        let mut plain = settings(&[]);
        plain.server.endpoints = vec![Url::parse("ws://127.0.0.1:15674/ws").unwrap()];
        assert!(allowed("http://127.0.0.1:15674/a", &plain).is_ok());
        assert!(allowed("http://127.0.0.1/a", &plain).is_err());
        let refused = allowed("https://push.example.com:8443/", &settings(&[])).unwrap_err();
        assert_eq!(refused, Refused::Host("push.example.com:8443".to_owned()));
    }

    #[test]
    fn a_listed_host_without_a_port_means_the_port_of_the_scheme() {
        let settings = settings(&["intranet.example.com", "wiki.example.com:8443", "[::1]"]);
        for link in [
            "https://intranet.example.com/",
            "http://intranet.example.com/",
            "https://wiki.example.com:8443/a",
            "https://[::1]/",
        ] {
            assert!(allowed(link, &settings).is_ok(), "{link}");
        }
        for link in [
            "https://intranet.example.com:8443/",
            "https://intranet.example.com:80/",
            "https://wiki.example.com/",
            "https://[::1]:8443/",
        ] {
            assert!(allowed(link, &settings).is_err(), "{link}");
        }
    }

    #[test]
    fn only_web_addresses_are_opened() {
        for link in
            ["file:///etc/passwd", "javascript:alert(1)", "ms-settings:", "--help", "", "//push.example.com/", "C:\\x"]
        {
            assert_eq!(allowed(link, &settings(&[])), Err(Refused::NotWeb), "{link}");
        }
    }

    #[test]
    fn an_address_that_pretends_another_host_is_refused() {
        assert_eq!(allowed("https://push.example.com@evil.org/", &settings(&[])), Err(Refused::Credentials));
        assert!(allowed("https://evil.org\\@push.example.com/", &settings(&[])).is_err());
        assert!(allowed("https://push.example.com:x@evil.org/", &settings(&[])).is_err());
    }

    #[test]
    fn a_host_in_another_script_is_compared_as_it_is_looked_up() {
        let settings = settings(&["xn--bcher-kva.example"]);
        assert!(allowed("https://bücher.example/", &settings).is_ok());
    }
}
