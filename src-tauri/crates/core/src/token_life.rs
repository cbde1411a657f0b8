//! How long a token is good, and when a new one is requested.
//!
//! Pure. The times come from the answer to a sign-in, or from the token itself where it is a JWT.
//! The content of a JWT is not verified: it only says when to ask for another one, and the server
//! decides what the token is worth. Invariant: a new token is requested when at least half of the
//! old one's life is over, so a server that issues short tokens is not asked in a loop.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A new token is requested at most this long before the old one expires.
const LONGEST_MARGIN: Duration = Duration::from_secs(300);
/// Longest life that is believed, in seconds: a century.
const MAX_SECONDS: i64 = 100 * 366 * 86_400;

/// The life of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLife {
    /// It is refused from then on.
    pub expires: Timestamp,
    /// When a new one is requested; `None` where there is none to be had without a person.
    pub renew: Option<Timestamp>,
}

impl TokenLife {
    /// The life of a token that was issued at `issued`.
    pub fn new(issued: Timestamp, expires: Timestamp, is_renewable: bool) -> Self {
        let lifetime = Duration::try_from(expires.duration_since(issued)).unwrap_or_default();
        let margin = (lifetime / 2).min(LONGEST_MARGIN);
        let renew = expires.checked_sub(margin).unwrap_or(expires);
        Self { expires, renew: is_renewable.then_some(renew) }
    }

    /// Whether a new one is to be requested.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.renew.is_some_and(|renew| renew <= now)
    }
}

/// When a token expires that was issued at `issued` for so many seconds: a number, or a text of one.
pub fn expiry_in(seconds: &Value, issued: Timestamp) -> Option<Timestamp> {
    let seconds: f64 = match seconds.as_str() {
        Some(text) => text.trim().parse().ok()?,
        None => seconds.as_f64()?,
    };
    // A fraction of a second does not matter.
    let seconds = (seconds > 0.0).then_some(seconds as i64)?.clamp(1, MAX_SECONDS);
    issued.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// `exp` of a JWT (RFC 7519, section 4.1.4); `None` for anything else.
pub fn jwt_expiry(token: &str) -> Option<Timestamp> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let claims = BASE64URL_NOPAD.decode(claims.trim_end_matches('=').as_bytes()).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    Timestamp::from_second(claims.get("exp")?.as_f64()? as i64).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_new_token_is_requested_at_half_of_a_short_life_and_five_minutes_before_the_end_of_a_long_one() {
        for (lifetime, renew) in [(20, 10), (600, 300), (43_200, 42_900), (1, 0), (0, 0)] {
            let life = TokenLife::new(at(1_000), at(1_000 + lifetime), true);
            let renewed = life.renew.unwrap().duration_since(at(1_000)).as_secs();
            assert_eq!(renewed, renew, "{lifetime}");
        }
        let endless = TokenLife::new(at(1_000), at(2_000), false);
        assert!(endless.renew.is_none() && !endless.is_due(at(3_000)));
        let life = TokenLife::new(at(1_000), at(1_020), true);
        assert!(!life.is_due(at(1_009)) && life.is_due(at(1_010)));
    }

    #[test]
    fn a_life_in_seconds_may_be_a_text_and_nonsense_is_none() {
        let expiry = |seconds: Value| expiry_in(&seconds, at(1_000)).map(Timestamp::as_second);
        assert_eq!(expiry(json!(60)), Some(1_060));
        assert_eq!(expiry(json!("60")), Some(1_060));
        assert_eq!(expiry(json!(59.9)), Some(1_059));
        assert_eq!(expiry(json!(1e300)), Some(1_000 + MAX_SECONDS));
        for nonsense in [json!(0), json!(-5), json!("soon"), json!(null), json!(true), json!([60]), json!("nan")] {
            assert_eq!(expiry(nonsense.clone()), None, "{nonsense}");
        }
    }

    #[test]
    fn a_jwt_says_when_it_expires_and_other_tokens_do_not() {
        let jwt = |claims: &str| format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(claims.as_bytes()));
        assert_eq!(jwt_expiry(&jwt(r#"{"sub":"alice","exp":1767225600}"#)), Some(at(1_767_225_600)));
        assert_eq!(jwt_expiry(&jwt(r#"{"exp":1767225600.5}"#)), Some(at(1_767_225_600)));
        for other in [
            jwt(r#"{"sub":"alice"}"#),
            jwt(r#"{"exp":"tomorrow"}"#),
            jwt("[1]"),
            jwt("no json"),
            format!("{}.more", jwt(r#"{"exp":1767225600}"#)),
            "e30.!!.c2ln".to_owned(),
            "an.opaque.token".to_owned(),
            "0123456789abcdef".to_owned(),
            String::new(),
        ] {
            assert_eq!(jwt_expiry(&other), None, "{other}");
        }
    }
}
