//! Which links of notices may be opened in the person's browser.
//!
//! A link is untrusted text. Deliberately absent: the opening, which is the desktop's. Invariant:
//! only an http or https URL passes, serialised again by our own parser, whose host is allowed; so
//! no `file:`, no `javascript:`, no program's own scheme, no name with a password that looks like
//! another host.

use belfry_core::settings::Settings;
use url::Url;

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
    if is_allowed(host, settings) { Ok(url) } else { Err(Refused::Host(host.to_owned())) }
}

fn is_allowed(host: &str, settings: &Settings) -> bool {
    let listed = &settings.app.allowed_link_hosts;
    if !listed.is_empty() {
        return listed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
    }
    let own = settings.server.endpoints.iter().chain(settings.api.base.as_ref());
    own.filter_map(Url::host_str).any(|allowed| allowed.eq_ignore_ascii_case(host))
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
            ["https://push.example.com/expenses/7?x=1#y", "http://API.example.com/", " https://api.example.com "]
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
