//! The addresses that a connection is opened at, made of an endpoint of the settings.
//!
//! Pure. The raw WebSocket has the token in its address, SockJS the ids of a session. Deliberately
//! absent: sending. Invariant: what is shown of an endpoint is the template, never what was filled
//! in.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::{Rng, RngExt as _};
use url::Url;

/// Where the token of the raw WebSocket goes, as people write it.
pub const TOKEN_PLACE: &str = "{token}";
/// The same in the path of a URL that was parsed.
const ENCODED_TOKEN_PLACE: &str = "%7Btoken%7D";
/// What is encoded within a segment of a path or a value of a query: all but RFC 3986's unreserved
/// characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// How many characters the session id of SockJS has.
const SOCKJS_SESSION_CHARS: usize = 16;

/// A secret as it stands in a URL.
pub fn encoded(secret: &str) -> String {
    utf8_percent_encode(secret, RESERVED).to_string()
}

/// Whether an endpoint has a place for the token.
pub fn has_token_place(endpoint: &Url) -> bool {
    endpoint.as_str().contains(ENCODED_TOKEN_PLACE) || endpoint.as_str().contains(TOKEN_PLACE)
}

/// An endpoint as people write it.
pub fn readable(endpoint: &Url) -> String {
    endpoint.as_str().replace(ENCODED_TOKEN_PLACE, TOKEN_PLACE)
}

/// The path of an endpoint as people write it.
pub fn readable_path(endpoint: &Url) -> String {
    endpoint.path().replace(ENCODED_TOKEN_PLACE, TOKEN_PLACE)
}

/// Where the raw WebSocket is opened: with the token in its place, and `?device=`.
pub fn raw_url(endpoint: &Url, token: &str, device: &str) -> Url {
    let token = encoded(token);
    let mut url = endpoint.clone();
    url.set_path(&endpoint.path().replace(ENCODED_TOKEN_PLACE, &token));
    if let Some(query) = endpoint.query() {
        let query = query.replace(TOKEN_PLACE, &token).replace(ENCODED_TOKEN_PLACE, &token);
        url.set_query(Some(&query));
    }
    url.query_pairs_mut().append_pair("device", device);
    url
}

/// Where a session of SockJS is opened: `/{server}/{session}/websocket` below the endpoint, with
/// ids of the client's choice (SockJS protocol 0.3.3, "Base URLs").
pub fn sockjs_url(endpoint: &Url, rng: &mut impl Rng) -> Url {
    let server = format!("{:03}", rng.random_range(0..1_000));
    let letter = |_| char::from(rng.random_range(b'a'..=b'z'));
    let session: String = (0..SOCKJS_SESSION_CHARS).map(letter).collect();
    let mut url = endpoint.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend([server.as_str(), session.as_str(), "websocket"]);
    }
    url
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::SmallRng};

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_token_takes_its_place_encoded_and_the_device_is_named() {
        for (endpoint, expected) in [
            ("ws://h/websocket/{token}", "ws://h/websocket/a%2Fb%3F%2B%E5%AE%A1?device=dev7"),
            ("wss://h/websocket/{token}/", "wss://h/websocket/a%2Fb%3F%2B%E5%AE%A1/?device=dev7"),
            ("wss://h/ws?token={token}&v=2", "wss://h/ws?token=a%2Fb%3F%2B%E5%AE%A1&v=2&device=dev7"),
            ("wss://h/ws", "wss://h/ws?device=dev7"),
        ] {
            assert_eq!(raw_url(&url(endpoint), "a/b?+审", "dev7").as_str(), expected);
        }
    }

    #[test]
    fn an_endpoint_is_shown_as_it_was_written() {
        let endpoint = url("ws://h/websocket/{token}");
        assert_eq!(readable(&endpoint), "ws://h/websocket/{token}");
        assert_eq!(readable_path(&endpoint), "/websocket/{token}");
        assert!(has_token_place(&endpoint) && has_token_place(&url("ws://h/?t={token}")));
        assert!(!has_token_place(&url("ws://h/ws")));
    }

    #[test]
    fn each_session_of_sockjs_has_ids_of_its_own_without_dots() {
        let mut rng = SmallRng::seed_from_u64(1);
        for endpoint in ["https://h/app/sockjs", "https://h/app/sockjs/"] {
            let (one, two) = (sockjs_url(&url(endpoint), &mut rng), sockjs_url(&url(endpoint), &mut rng));
            assert_ne!(one, two);
            let parts: Vec<&str> = one.path_segments().unwrap().collect();
            assert!(
                matches!(parts.as_slice(), ["app", "sockjs", server, session, "websocket"]
                if server.len() == 3 && session.len() == SOCKJS_SESSION_CHARS && !session.contains('.')),
                "{one}"
            );
        }
    }
}
