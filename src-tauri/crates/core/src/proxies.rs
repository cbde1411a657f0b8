//! What it means when the system says which proxies lead to a server.
//!
//! Systems say it as URLs (`socks5://a:1`, `direct://`), as the result of automatic configuration
//! (`PROXY a:1; DIRECT`), or as a list per scheme (`http=a:1;https=b:2`). Deliberately absent:
//! asking the system, the environment, and which addresses never use a proxy
//! ([`crate::settings::NetworkSettings::bypasses_proxy`]). Invariant: an answer that names proxies
//! of which none can be used is never taken for "no proxy".

use url::Url;

/// How to connect to a server over an encrypted connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyChoice {
    /// Without a proxy.
    Direct,
    /// Through this proxy: `http`, `https` or `socks5h`, with a port, and with the credential that the
    /// system has given, if any.
    Through(Url),
}

/// The system names proxies, but none that can be used. It holds what was said, without
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnusableProxies(pub String);

/// The first entry that can be used; the others are not tried. No entry at all means a direct
/// connection.
///
/// # Errors
/// [`UnusableProxies`] when there are entries, and none of them can be used.
pub fn choose(answers: &[String]) -> Result<ProxyChoice, UnusableProxies> {
    let mut unusable = Vec::new();
    for answer in answers {
        let mut words = answer.split([';', ',']).flat_map(str::split_whitespace);
        while let Some(word) = words.next() {
            // Two words belong together in the result of automatic configuration.
            let host = if is_keyword(word) { words.next() } else { None };
            match entry(word, host) {
                Entry::Choice(choice) => return Ok(choice),
                Entry::OtherScheme => {}
                Entry::Unusable => unusable.push(without_credential(word, host)),
            }
        }
    }
    if unusable.is_empty() { Ok(ProxyChoice::Direct) } else { Err(UnusableProxies(unusable.join(", "))) }
}

/// What one entry says.
enum Entry {
    Choice(ProxyChoice),
    /// A proxy for another kind of connection.
    OtherScheme,
    Unusable,
}

fn is_keyword(word: &str) -> bool {
    ["PROXY", "HTTP", "HTTPS", "SOCKS", "SOCKS4", "SOCKS5"].iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

fn entry(word: &str, host: Option<&str>) -> Entry {
    let lower = word.to_ascii_lowercase();
    let (kind, place) = match (host, word.split_once("://"), word.split_once('=')) {
        (Some(host), _, _) => (lower.as_str(), host),
        (None, Some((scheme, rest)), _) if !scheme.contains('=') => {
            (lower.get(..scheme.len()).unwrap_or_default(), rest.strip_suffix('/').unwrap_or(rest))
        }
        // As in `https=proxy:3128` and `https=http://proxy:3128`: the proxies are for encrypted
        // connections.
        (None, _, Some((scheme, rest))) => {
            return match scheme.to_ascii_lowercase().as_str() {
                "https" if rest.contains("://") => entry(rest, None),
                "https" => through("http", rest),
                "socks" => through("socks5h", rest),
                "http" | "ftp" => Entry::OtherScheme,
                _ => Entry::Unusable,
            };
        }
        (None, _, None) if lower == "direct" => return Entry::Choice(ProxyChoice::Direct),
        (None, _, None) if is_keyword(word) => return Entry::Unusable,
        (None, _, None) => ("proxy", word),
    };
    match kind {
        "direct" => Entry::Choice(ProxyChoice::Direct),
        "proxy" | "http" => through("http", place),
        "https" => through("https", place),
        // The proxy resolves the name of the server, as in browsers.
        "socks" | "socks5" | "socks5h" => through("socks5h", place),
        _ => Entry::Unusable,
    }
}

/// The proxy at `place`, which is `host:port`, perhaps with a credential before it.
fn through(scheme: &str, place: &str) -> Entry {
    let parsed = Url::parse(&format!("{scheme}://{place}"));
    let Ok(mut url) = parsed else { return Entry::Unusable };
    let has_more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
    if url.host_str().is_none_or(str::is_empty) || has_more || url.port() == Some(0) {
        return Entry::Unusable;
    }
    if scheme == "socks5h" && url.port().is_none() {
        // It has a host, so this cannot be refused.
        let _ = url.set_port(Some(1080));
    }
    Entry::Choice(ProxyChoice::Through(url))
}

/// An entry as it was said, without user name and password.
fn without_credential(word: &str, host: Option<&str>) -> String {
    let place = |text: &str| match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        (_, None) => text.to_owned(),
    };
    host.map_or_else(|| place(word), |host| format!("{word} {}", place(host)))
}

/// Whether a list of exceptions, as Windows keeps it beside a fixed proxy, names this address:
/// `<local>` (a name without a dot), names and addresses with `*`, each perhaps with a scheme or a
/// port.
pub fn is_exception(list: &str, url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.to_ascii_lowercase();
    list.split([';', ',']).flat_map(str::split_whitespace).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        if entry == "<local>" {
            return !host.contains(['.', ':']);
        }
        let entry = match entry.split_once("://") {
            Some((scheme, rest)) if scheme == url.scheme() => rest,
            Some(_) => return false,
            None => entry.as_str(),
        };
        // A colon inside brackets belongs to an address.
        match entry.rsplit_once(':').filter(|(name, _)| !name.contains('[') || name.ends_with(']')) {
            Some((name, port)) => {
                matches(name, &host) && (port == "*" || port.parse().ok() == url.port_or_known_default())
            }
            None => matches(entry, &host),
        }
    })
}

/// Whether a text matches a pattern, in which `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    rest.char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .any(|at| rest.get(at..).is_some_and(|end| matches(after, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(answers: &[&str]) -> Result<String, String> {
        let answers: Vec<String> = answers.iter().map(|&answer| answer.to_owned()).collect();
        match choose(&answers) {
            Ok(ProxyChoice::Direct) => Ok("direct".to_owned()),
            Ok(ProxyChoice::Through(url)) => Ok(url.to_string()),
            Err(UnusableProxies(what)) => Err(what),
        }
    }

    #[test]
    fn the_first_entry_that_can_be_used_is_taken_in_every_form_that_systems_have() {
        for (answers, expected) in [
            (&[] as &[&str], "direct"),
            (&[""], "direct"),
            (&["direct://"], "direct"),
            (&["DIRECT"], "direct"),
            (&["http://proxy.example.com:3128"], "http://proxy.example.com:3128/"),
            (&["http://proxy.example.com:3128/"], "http://proxy.example.com:3128/"),
            (&["http://alice:open%20sesame@proxy:3128"], "http://alice:open%20sesame@proxy:3128/"),
            (&["https://proxy:443"], "https://proxy/"),
            (&["socks5://proxy:1081"], "socks5h://proxy:1081"),
            (&["socks://proxy"], "socks5h://proxy:1080"),
            (&["socks5h://[::1]:9"], "socks5h://[::1]:9"),
            (&["PROXY a.example.com:1; SOCKS b:2; DIRECT"], "http://a.example.com:1/"),
            (&["proxy a"], "http://a/"),
            (&["HTTP a:1"], "http://a:1/"),
            (&["HTTPS a:444"], "https://a:444/"),
            (&["SOCKS b:2;DIRECT"], "socks5h://b:2"),
            (&["SOCKS5 b:2"], "socks5h://b:2"),
            (&["DIRECT; PROXY a:1"], "direct"),
            // What cannot be used is passed over.
            (&["SOCKS4 old:1; PROXY a:1"], "http://a:1/"),
            (&["socks4://old:1", "http://a:1", "direct://"], "http://a:1/"),
            (&["quic://a:1", "direct://"], "direct"),
            // Fixed proxies of Windows.
            (&["proxy:8080"], "http://proxy:8080/"),
            (&["one:8080;two:8080"], "http://one:8080/"),
            (&["one:8080 two:8080"], "http://one:8080/"),
            (&["http=plain:80;https=secure:81;ftp=files:82;socks=s:83"], "http://secure:81/"),
            (&["http=plain:80;socks=s:83"], "socks5h://s:83"),
            (&["https=http://secure:81"], "http://secure:81/"),
            (&["http=plain:80"], "direct"),
        ] {
            assert_eq!(chosen(answers).as_deref(), Ok(expected), "{answers:?}");
        }
    }

    #[test]
    fn an_answer_without_a_usable_entry_is_refused_and_shown_without_its_password() {
        for (answers, said) in [
            (&["SOCKS4 old:1"] as &[&str], "SOCKS4 old:1"),
            (&["PROXY"], "PROXY"),
            (&["PROXY ://; SOCKS"], "PROXY ://, SOCKS"),
            (&["http://", "socks5://:9"], "http://, socks5://:9"),
            (&["http://proxy:0"], "http://proxy:0"),
            (&["http://proxy:99999"], "http://proxy:99999"),
            (&["http://proxy:1/path"], "http://proxy:1/path"),
            (&["http://proxy:1?x"], "http://proxy:1?x"),
            (&["quic://alice:sesame@proxy:1"], "quic://proxy:1"),
            (&["PROXY alice:sesame@proxy:x"], "PROXY proxy:x"),
            (&["<html>no"], "<html>no"),
            (&["gopher=a:1"], "gopher=a:1"),
        ] {
            assert_eq!(chosen(answers), Err(said.to_owned()), "{answers:?}");
        }
    }

    #[test]
    fn exceptions_name_hosts_with_wildcards_schemes_and_ports() {
        let list = "<local>;*.example.com; 10.*,https://only.example.org;http://plain.example.org;\
                    port.example.org:8443;[fd00::1];<-loopback>";
        for (url, is_named) in [
            ("https://intranet/", true),
            ("https://push.example.com/", true),
            ("https://Push.Example.Com/", true),
            ("https://example.com/", false),
            ("https://push.example.com.evil.org/", false),
            ("https://10.1.2.3/", true),
            ("https://110.1.2.3/", false),
            ("https://only.example.org/", true),
            ("https://plain.example.org/", false),
            ("https://port.example.org:8443/", true),
            ("https://port.example.org/", false),
            ("https://[fd00::1]/", true),
            ("https://[fd00::2]/", false),
        ] {
            assert_eq!(is_exception(list, &Url::parse(url).unwrap()), is_named, "{url}");
        }
        assert!(is_exception("*", &Url::parse("https://push.example.com/").unwrap()));
        assert!(!is_exception("", &Url::parse("https://push.example.com/").unwrap()));
    }
}
