//! What the button of a notice does: send a request with the sign-in, or open a page
//! (`docs/reference/messages.md`, "Buttons").
//!
//! Pure. A message can come from anybody who may publish to a shared topic, so its URLs are
//! untrusted. Deliberately absent: sending, and the hosts that the browser may open. Invariant: a
//! URL that two parsers could read differently is never called, and neither is a path of the API.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    notice::{Action, NoticeKey},
    settings::{Settings, origins::host_of},
};

/// One of `app.action_urls`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPrefix(Url);

impl FromStr for ActionPrefix {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let url = Url::parse(text).map_err(|_| ())?;
        // A placeholder would be taken for a host of that name, and match none.
        let is_web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.contains('*'));
        let is_bare = url.query().is_none() && url.fragment().is_none();
        if is_web && is_bare && is_unambiguous(text) { Ok(Self(url)) } else { Err(()) }
    }
}

impl fmt::Display for ActionPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ActionPrefix {
    /// The prefix itself.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// Whether the URL is this one or lies below it.
    fn covers(&self, url: &Url) -> bool {
        url.origin() == self.0.origin() && starts_with(url, &self.0, |mine, theirs| mine == theirs)
    }
}

/// What a button does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionTarget {
    /// A POST with the sign-in, after a person has confirmed it.
    Call(Url),
    /// The browser opens it, without the sign-in, if links may lead there.
    Open(String),
}

/// Why a button does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActionRefusal {
    /// The URL could be read in more than one way.
    #[error("the address of this button contains characters that can hide where it leads; nothing was sent")]
    Ambiguous,
    /// It is a path of `[api]`, or `auth.login_url`.
    #[error("this button leads to the server's own interface, which only Belfry itself may use; nothing was sent")]
    Api,
    /// It asks for another method.
    #[error("this button asks for a method other than POST; nothing was sent")]
    Method,
}

/// Decides what a button does.
///
/// # Errors
/// [`ActionRefusal`]: neither sent nor opened.
pub fn decide(action: &Action, settings: &Settings) -> Result<ActionTarget, ActionRefusal> {
    let Ok(mut url) = Url::parse(&action.url) else { return Ok(ActionTarget::Open(action.url.clone())) };
    let protected: Vec<Url> = protected(settings).into_iter().map(|(_, url)| url).collect();
    let prefixes = &settings.app.action_urls;
    let is_trusted_with_the_sign_in =
        prefixes.iter().map(|prefix| &prefix.0).chain(&protected).any(|own| is_same_server(&url, own));
    if !is_trusted_with_the_sign_in {
        return Ok(ActionTarget::Open(action.url.clone()));
    }
    if !is_unambiguous(&action.url) {
        return Err(ActionRefusal::Ambiguous);
    }
    if protected.iter().any(|own| is_same_server(&url, own) && starts_with(&url, own, is_alike)) {
        return Err(ActionRefusal::Api);
    }
    if !prefixes.iter().any(|prefix| prefix.covers(&url)) {
        return Ok(ActionTarget::Open(action.url.clone()));
    }
    if !matches!(action.method.as_str(), "" | "POST") {
        return Err(ActionRefusal::Method);
    }
    url.set_fragment(None);
    Ok(ActionTarget::Call(url))
}

/// The entries of `app.action_urls` that cover a path of `[api]` or `auth.login_url`: the index of
/// the entry, and the key that it covers.
pub fn covered_keys(settings: &Settings) -> Vec<(usize, &'static str)> {
    let protected = protected(settings);
    let mut covered = Vec::new();
    for (index, ActionPrefix(prefix)) in settings.app.action_urls.iter().enumerate() {
        let found = protected.iter().find(|(_, own)| {
            is_same_server(own, prefix) && starts_with(own, prefix, |own, prefix| is_alike(prefix, own))
        });
        covered.extend(found.map(|(key, _)| (index, *key)));
    }
    covered
}

/// The value of `Idempotency-Key`: the same for each repetition of an action on one opening of a
/// notice, and for nothing else.
pub fn idempotency_key(account: &str, notice: &NoticeKey, opening: u32, action: &str) -> String {
    let mut hash = Sha256::new();
    for part in [account, &notice.scope, &notice.id, &opening.to_string(), action] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

/// The URLs that Belfry itself calls, with their keys. Places such as `{login}` become encoded
/// braces, which [`is_alike`] takes for any text.
fn protected(settings: &Settings) -> Vec<(&'static str, Url)> {
    let api = &settings.api;
    let base = api.base.as_ref().map(|base| base.as_str().trim_end_matches('/').to_owned());
    let paths = [
        ("api.collect", &api.collect),
        ("api.history", &api.history),
        ("api.delete", &api.delete),
        ("api.clients", &api.clients),
        ("api.send", &api.send),
    ];
    let mut urls: Vec<(&'static str, Url)> = Vec::new();
    if let Some(base) = base {
        let of_api = paths.iter().filter(|(_, path)| !path.is_empty());
        urls.extend(of_api.filter_map(|(key, path)| Some((*key, Url::parse(&format!("{base}{path}")).ok()?))));
    }
    urls.extend(settings.auth.login_url.clone().map(|url| ("auth.login_url", url)));
    urls
}

/// Whether both lead to one server: as [`Url::origin`], but all names of loopback are one host.
fn is_same_server(one: &Url, other: &Url) -> bool {
    let server = |url: &Url| (url.scheme().to_owned(), host_of(url), url.port_or_known_default());
    server(one) == server(other)
}

/// Whether the path of `url` begins with the segments of the path of `beginning`.
fn starts_with(url: &Url, beginning: &Url, is_same: impl Fn(&str, &str) -> bool) -> bool {
    let (mine, theirs) = (segments(url), segments(beginning));
    mine.len() >= theirs.len() && mine.iter().zip(&theirs).all(|(mine, theirs)| is_same(mine, theirs))
}

fn segments(url: &Url) -> Vec<&str> {
    url.path().split('/').filter(|segment| !segment.is_empty()).collect()
}

/// Servers may ignore case, and a place such as `{login}` holds any text.
fn is_alike(mine: &str, own: &str) -> bool {
    own.contains("%7B") || mine.eq_ignore_ascii_case(own)
}

/// Whether every parser finds the same host and path in this text.
fn is_unambiguous(text: &str) -> bool {
    if text.chars().any(|char| char.is_control() || char.is_whitespace() || char == '\\') {
        return false;
    }
    let Some((_, rest)) = text.split_once("://") else { return false };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.to_ascii_lowercase();
    // Encoded separators, dots and percent signs: another parser may decode them, even twice.
    let has_encoded = ["%2f", "%5c", "%2e", "%3b", "%25", "%00"].iter().any(|encoded| path.contains(encoded));
    let has_dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
    !authority.is_empty()
        && !authority.contains(['@', '%'])
        && !path.starts_with('/')
        && !path.contains("//")
        && !path.contains(';')
        && !has_encoded
        && !has_dots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Confirm;

    fn settings(action_urls: &[&str]) -> Settings {
        let mut settings = Settings::default();
        settings.api.base = Some(Url::parse("https://push.example.com/ecgapi").unwrap());
        settings.api.clients = "/api/{login}/clients".to_owned();
        settings.auth.login_url = Some(Url::parse("https://push.example.com/login").unwrap());
        settings.app.action_urls = action_urls.iter().map(|url| url.parse().unwrap()).collect();
        settings
    }

    fn button(url: &str, method: &str) -> Action {
        Action {
            id: "ok".to_owned(),
            label: "Show photo".to_owned(),
            url: url.to_owned(),
            method: method.to_owned(),
            confirm: Confirm::default(),
        }
    }

    #[test]
    fn only_a_post_below_an_entry_of_the_settings_is_sent() {
        use ActionRefusal::{Ambiguous, Api, Method};
        let settings = settings(&["https://push.example.com/approvals", "https://hr.example.com:8443/do/it/"]);
        enum Does {
            Call,
            Open,
            Nothing(ActionRefusal),
        }
        use Does::{Call, Nothing, Open};
        for (url, method, expected) in [
            ("https://push.example.com/approvals", "POST", Call),
            ("https://push.example.com/approvals/7/approve", "POST", Call),
            ("https://push.example.com/approvals/7/approve?step=2#x", "POST", Call),
            ("https://push.example.com/approvals/7", "", Call),
            ("HTTPS://PUSH.example.com:443/approvals/7", "POST", Call),
            ("https://hr.example.com:8443/do/it/now", "POST", Call),
            // Another destination.
            ("https://evil.example.org/approvals/7", "POST", Open),
            ("https://push.example.com.evil.org/approvals/7", "POST", Open),
            ("https://push.example.com./approvals/7", "POST", Open),
            ("https://push.example.com/approvalsX/7", "POST", Open),
            ("https://push.example.com/", "POST", Open),
            ("/approvals/7", "POST", Open),
            ("javascript:alert(1)", "POST", Open),
            // Another scheme or port.
            ("http://push.example.com/approvals/7", "POST", Open),
            ("https://push.example.com:8443/approvals/7", "POST", Open),
            ("https://hr.example.com/do/it", "POST", Open),
            // Another method.
            ("https://push.example.com/approvals/7", "GET", Nothing(Method)),
            ("https://push.example.com/approvals/7", "DELETE", Nothing(Method)),
            // The API and the sign-in, in any case and with any login.
            ("https://push.example.com/ecgapi/api/message/deleteMessageById", "POST", Nothing(Api)),
            ("https://push.example.com/ecgapi/API/Message/deletemessagebyid?id=7", "GET", Nothing(Api)),
            ("https://push.example.com/ecgapi/api/message/deleteMessageById/", "POST", Nothing(Api)),
            ("https://push.example.com/ecgapi/api/bob/clients", "POST", Nothing(Api)),
            ("https://push.example.com/login", "POST", Nothing(Api)),
            // User information.
            ("https://alice@push.example.com/approvals/7", "POST", Nothing(Ambiguous)),
            ("https://evil.org@push.example.com/approvals/7", "POST", Nothing(Ambiguous)),
            ("https://push.example.com@evil.org/approvals/7", "POST", Open),
            // Case.
            ("https://push.example.com/Approvals/7", "POST", Open),
            // Dot segments and separators, plain and encoded.
            ("https://push.example.com/approvals/../ecgapi/api/message/deleteMessageById", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/x/../approvals/7", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals/./7", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals/..", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals/%2e%2e/login", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals/.%2E/login", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals/%252e%252e/login", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals/..%2flogin", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals/..%5Clogin", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals/..;/login", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals;x=1/7", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals/..\\login", "POST", Nothing(Ambiguous)),
            ("https://push.example.com\\approvals\\7", "POST", Nothing(Ambiguous)),
            ("https:push.example.com/approvals/7", "POST", Nothing(Ambiguous)),
            ("https:///push.example.com/approvals/7", "POST", Nothing(Ambiguous)),
            ("https://push.example.com//approvals/7", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/approvals//7", "POST", Nothing(Ambiguous)),
            ("https://push.example.com/appro\tvals/7", "POST", Nothing(Ambiguous)),
            (" https://push.example.com/approvals/7", "POST", Nothing(Ambiguous)),
            ("https://push%2eexample.com/approvals/7", "POST", Nothing(Ambiguous)),
        ] {
            let decided = decide(&button(url, method), &settings);
            let is_expected = match expected {
                Call => matches!(&decided, Ok(ActionTarget::Call(url)) if url.fragment().is_none()),
                Open => decided == Ok(ActionTarget::Open(url.to_owned())),
                Nothing(refusal) => decided == Err(refusal),
            };
            assert!(is_expected, "{method} {url}: {decided:?}");
        }
    }

    #[test]
    fn without_an_entry_nothing_is_ever_sent() {
        let settings = settings(&[]);
        for url in ["https://push.example.com/approvals/7", "https://push.example.com/ecgapi/x"] {
            assert_eq!(decide(&button(url, "POST"), &settings), Ok(ActionTarget::Open(url.to_owned())));
        }
    }

    #[test]
    fn an_entry_that_covers_a_path_of_the_server_is_found() {
        for (entry, key) in [
            ("https://push.example.com", Some("api.collect")),
            ("https://push.example.com/ecgapi", Some("api.collect")),
            ("https://push.example.com/EcgApi/", Some("api.collect")),
            ("https://push.example.com/ecgapi/api/message/sendMessage", Some("api.send")),
            ("https://push.example.com/ecgapi/api/bob", Some("api.clients")),
            ("https://push.example.com/login", Some("auth.login_url")),
            ("https://push.example.com/log", None),
            ("https://push.example.com/ecgapi/api/message/sendMessages", None),
            ("https://push.example.com:8443/", None),
            ("http://push.example.com/", None),
        ] {
            let found = covered_keys(&settings(&[entry]));
            assert_eq!(found.first().map(|(_, key)| *key), key, "{entry}");
        }
    }

    #[test]
    fn all_names_of_loopback_are_one_server() {
        let mut settings = settings(&["http://localhost:8080/approvals"]);
        settings.api.base = Some(Url::parse("http://127.0.0.1:8080/ecgapi").unwrap());
        let delete = "/ecgapi/api/message/deleteMessageById";
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
            let url = |path: &str| format!("http://{host}:8080{path}");
            assert_eq!(decide(&button(&url(delete), "POST"), &settings), Err(ActionRefusal::Api), "{host}");
            // Beyond that the entry is compared as it is written.
            let approve = decide(&button(&url("/approvals/7"), "POST"), &settings);
            assert_eq!(matches!(approve, Ok(ActionTarget::Call(_))), host == "localhost", "{host}");
            settings.app.action_urls = vec![url("/").parse().unwrap()];
            assert_eq!(covered_keys(&settings), [(0, "api.collect")], "{host}");
            settings.app.action_urls = vec!["http://localhost:8080/approvals".parse().unwrap()];
        }
        let other_port = button(&format!("http://localhost:8081{delete}"), "POST");
        assert!(matches!(decide(&other_port, &settings), Ok(ActionTarget::Open(_))));
    }

    #[test]
    fn an_entry_is_a_plain_web_address() {
        for text in [
            "https://h/a?b",
            "https://h/a#b",
            "https://u@h/a",
            "https://h/a;b",
            "https://h/a/../b",
            "https://h//a",
            "ftp://h/a",
            "h/a",
            "/a",
            "https://h/%2e%2e/a",
            "https://h/a\\b",
            "",
        ] {
            assert!(text.parse::<ActionPrefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_idempotency_key_names_one_action_on_one_opening() {
        let key = |id: &str| NoticeKey { scope: String::new(), id: id.to_owned() };
        let first = idempotency_key("a", &key("1"), 1, "ok");
        assert_eq!(first, idempotency_key("a", &key("1"), 1, "ok"));
        let others = [
            idempotency_key("b", &key("1"), 1, "ok"),
            idempotency_key("a", &key("11"), 1, "ok"),
            idempotency_key("a", &key("1"), 11, "ok"),
            idempotency_key("a", &key("1"), 2, "ok"),
            idempotency_key("a", &key("1"), 1, "no"),
        ];
        assert!(others.iter().all(|other| *other != first), "{others:?}");
    }
}
