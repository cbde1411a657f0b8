//! The origins that the secret of an account belongs to: those of `server.endpoints`, `api.base`,
//! `auth.login_url`, `auth.oidc.issuer` and `app.action_urls`
//! (`docs/reference/servers.md`, "Where the sign-in is sent").
//!
//! Pure. Two questions are answered here and nowhere else: which hosts a person has to say yes to
//! before a sign-in ([`Settings::foreign_hosts`]), and whether a secret that was kept may be used
//! with the settings of today ([`AgreedOrigins::missing`]). What an administrator has set needs no
//! yes. Deliberately absent: whether a connection is encrypted ([`super::insecure`]).

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Settings, insecure::is_loopback};

/// The one name of every loopback host.
const LOOPBACK: &str = "localhost";

/// Scheme, host and port, as `https://push.example.com`; the default port is left out. ws counts as
/// http and wss as https; all loopback names are one host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(String);

impl Origin {
    /// The origin of a URL that has a host.
    pub fn of(url: &Url) -> Option<Self> {
        let scheme = match url.scheme() {
            "ws" | "http" => "http",
            "wss" | "https" => "https",
            _ => return None,
        };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(Self(format!("{scheme}://{}{port}", host_of(url)?)))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The host of a URL, in lower case; every loopback name is `localhost`.
pub fn host_of(url: &Url) -> Option<String> {
    let host = url.host()?;
    Some(if is_loopback(&host) { LOOPBACK.to_owned() } else { host.to_string().to_ascii_lowercase() })
}

/// What the secret is sent to an origin for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// `server.endpoints`: messages are received there.
    Messages,
    /// `api.base`: messages are collected there.
    Api,
    /// `auth.login_url`: the password is exchanged for a token there.
    Login,
    /// `auth.oidc.issuer`: a browser signs in there.
    Issuer,
    /// `app.action_urls`: the buttons of messages call it.
    Actions,
}

impl Purpose {
    /// The settings key that names the origin.
    pub fn key(self) -> &'static str {
        match self {
            Self::Messages => "server.endpoints",
            Self::Api => "api.base",
            Self::Login => "auth.login_url",
            Self::Issuer => "auth.oidc",
            Self::Actions => "app.action_urls",
        }
    }
}

/// A host that a person has to say yes to, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForeignHost {
    /// Its name; international names as they are sent, in ASCII.
    pub host: String,
    /// In the order of [`Purpose`], each once.
    pub purposes: BTreeSet<Purpose>,
}

impl fmt::Display for ForeignHost {
    /// As `api.example.com (api.base)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.purposes.iter().map(|purpose| purpose.key()).collect();
        write!(f, "{} ({})", self.host, keys.join(", "))
    }
}

/// The origins that the settings named when the person signed in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgreedOrigins(BTreeSet<Origin>);

impl AgreedOrigins {
    /// Every origin of these settings: what a sign-in with them agrees to.
    pub fn of(settings: &Settings) -> Self {
        Self(settings.urls().filter_map(|(_, url)| Origin::of(url)).collect())
    }

    /// The hosts of these settings that a secret with this agreement must not be sent to. Empty: it
    /// may be used.
    pub fn missing(&self, settings: &Settings) -> Vec<ForeignHost> {
        let is_missing = |url: &Url| Origin::of(url).is_none_or(|origin| !self.0.contains(&origin));
        settings.hosts_where(is_missing)
    }
}

impl Settings {
    /// The hosts that are named in these settings beside `asked`, the host that a person has typed or
    /// been shown, and that no administrator has set.
    pub fn foreign_hosts(&self, asked: &str) -> Vec<ForeignHost> {
        self.hosts_where(|url| host_of(url).is_none_or(|host| host != asked))
    }

    /// The URLs that the secret may be sent to.
    fn urls(&self) -> impl Iterator<Item = (Purpose, &Url)> {
        let endpoints = self.server.endpoints.iter().map(|url| (Purpose::Messages, url));
        let api = self.api.base.iter().map(|url| (Purpose::Api, url));
        let login = self.auth.login_url.iter().map(|url| (Purpose::Login, url));
        let issuer = self.auth.oidc.issuer.iter().map(|url| (Purpose::Issuer, url));
        let actions = self.app.action_urls.iter().map(|prefix| (Purpose::Actions, prefix.url()));
        endpoints.chain(api).chain(login).chain(issuer).chain(actions)
    }

    fn hosts_where(&self, is_wanted: impl Fn(&Url) -> bool) -> Vec<ForeignHost> {
        let mut hosts: Vec<ForeignHost> = Vec::new();
        for (purpose, url) in self.urls() {
            if self.managed.contains(purpose.key()) || !is_wanted(url) {
                continue;
            }
            let host = host_of(url).unwrap_or_default();
            match hosts.iter_mut().find(|known| known.host == host) {
                Some(known) => drop(known.purposes.insert(purpose)),
                None => hosts.push(ForeignHost { host, purposes: [purpose].into() }),
            }
        }
        hosts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::policy::{Found, Level, Managed, Scope, resolve};

    fn settings(lines: &str) -> Settings {
        Settings::parse(&format!("server.endpoints = [\"wss://push.example.com/ws\"]\n{lines}"), "s").unwrap().0
    }

    fn said(hosts: &[ForeignHost]) -> Vec<String> {
        hosts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_websocket_and_the_api_of_one_server_and_all_names_of_loopback_are_one_origin() {
        for (url, origin) in [
            ("wss://Push.Example.com/ws", Some("https://push.example.com")),
            ("https://push.example.com:443/api?x#y", Some("https://push.example.com")),
            ("wss://push.example.com:8443/ws", Some("https://push.example.com:8443")),
            ("ws://push.example.com/ws", Some("http://push.example.com")),
            ("ws://push.example.com:443/ws", Some("http://push.example.com:443")),
            ("ws://127.0.0.1:15674/ws", Some("http://localhost:15674")),
            ("http://[::1]:15674", Some("http://localhost:15674")),
            ("http://demo.localhost:15674", Some("http://localhost:15674")),
            ("https://[2001:db8::1]/", Some("https://[2001:db8::1]")),
            ("https://例え.example.com/", Some("https://xn--r8jz45g.example.com")),
            ("ftp://push.example.com/", None),
        ] {
            assert_eq!(Origin::of(&Url::parse(url).unwrap()).map(|it| it.to_string()).as_deref(), origin, "{url}");
        }
    }

    #[test]
    fn every_host_beside_the_one_that_was_asked_is_named_with_its_purposes() {
        let all = "[api]\nbase = \"https://api.example.net\"\n[auth]\nlogin_url = \"https://api.example.net/login\"\n\
                   oidc = { issuer = \"https://id.example.org\", client_id = \"belfry\" }\n\
                   [app]\naction_urls = [\"https://push.example.com/decide\", \"https://act.example.com/x\"]\n";
        let named = [
            "api.example.net (api.base, auth.login_url)",
            "id.example.org (auth.oidc)",
            "act.example.com (app.action_urls)",
        ];
        assert_eq!(said(&settings(all).foreign_hosts("push.example.com")), named);
        for (lines, asked, foreign) in [
            ("", "push.example.com", &[][..]),
            ("", "example.com", &["push.example.com (server.endpoints)"]),
            ("[api]\nbase = \"https://push.example.com:8443\"\n", "push.example.com", &[]),
            ("[api]\nbase = \"http://127.0.0.1:8443\"\n", "push.example.com", &["localhost (api.base)"]),
            (
                "[api]\nbase = \"https://push.example.com.evil.net\"\n",
                "push.example.com",
                &["push.example.com.evil.net (api.base)"],
            ),
        ] {
            assert_eq!(said(&settings(lines).foreign_hosts(asked)), foreign, "{lines} asked of {asked}");
        }
    }

    #[test]
    fn a_secret_stays_usable_until_the_settings_name_another_origin() {
        let api = |base: &str| settings(&format!("[api]\nbase = \"{base}\"\n"));
        let agreed = AgreedOrigins::of(&api("https://api.example.com/a"));
        for (now, missing) in [
            (api("https://api.example.com/other"), &[][..]),
            (settings(""), &[]),
            (api("https://push.example.com/"), &[]),
            (api("https://api.example.com:8443"), &["api.example.com (api.base)"]),
            (api("http://api.example.com"), &["api.example.com (api.base)"]),
            (settings("[auth]\nlogin_url = \"https://evil.example.net/\"\n"), &["evil.example.net (auth.login_url)"]),
            (
                settings("[app]\naction_urls = [\"https://evil.example.net/\"]\n"),
                &["evil.example.net (app.action_urls)"],
            ),
        ] {
            assert_eq!(said(&agreed.missing(&now)), missing, "{now:?}");
        }
        assert_eq!(said(&AgreedOrigins::default().missing(&settings(""))), ["push.example.com (server.endpoints)"]);
    }

    #[test]
    fn what_an_administrator_has_set_needs_no_yes_at_any_level_and_what_overrides_it_does() {
        let found = |level| Found {
            key: "api.base".to_owned(),
            value: "https://api.example.net".into(),
            is_loose: false,
            level,
            scope: Scope::Machine,
            source: "place".to_owned(),
        };
        let own = "server.endpoints = [\"wss://push.example.com/ws\"]\n";
        let overriding = format!("{own}api.base = \"https://evil.example.net\"\n");
        for (level, is_overridden) in [(Level::Mandatory, false), (Level::Recommended, true), (Level::Default, true)] {
            let managed = Managed { found: vec![found(level)], ignored: Vec::new() };
            let settings = |text: &str| resolve(text, "s", &managed, true).unwrap().settings;
            assert_eq!(said(&settings(own).foreign_hosts("push.example.com")), [""; 0], "{level:?}");
            let agreed = AgreedOrigins::of(&Settings::parse(own, "s").unwrap().0);
            assert_eq!(said(&agreed.missing(&settings(own))), [""; 0], "{level:?}");
            let foreign = said(&settings(&overriding).foreign_hosts("push.example.com"));
            assert_eq!(!foreign.is_empty(), is_overridden, "{level:?}: {foreign:?}");
        }
    }
}
