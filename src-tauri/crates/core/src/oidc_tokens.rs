//! The tokens of a sign-in in the browser (`auth.mode = "oidc"`), and the text that they are stored
//! as.
//!
//! Pure. Deliberately absent: requesting and refreshing them, which the engine does. Invariant: the
//! text says by its first characters what it is, so that a token which somebody pasted is not taken
//! for it.

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::token_life::TokenLife;

/// Beginning of the text. The number is the version of its format.
const PREFIX: &str = "belfry-oidc-1:";

/// What the issuer has returned.
#[derive(Debug, Clone)]
pub struct OidcTokens {
    /// What is sent to the server.
    pub access: SecretString,
    /// What the next access token is requested with; `None` where the issuer gave none, or has
    /// refused it.
    pub refresh: Option<SecretString>,
    /// When the access token was issued.
    pub issued: Timestamp,
    /// When the access token expires, if that is known.
    pub expires: Option<Timestamp>,
    /// The issuer's own name for the person (`sub`).
    pub subject: String,
}

#[derive(Serialize)]
struct Written<'a> {
    access: &'a str,
    refresh: Option<&'a str>,
    issued: Timestamp,
    expires: Option<Timestamp>,
    subject: &'a str,
}

#[derive(Deserialize)]
struct Read {
    access: String,
    refresh: Option<String>,
    issued: Timestamp,
    expires: Option<Timestamp>,
    subject: String,
}

impl OidcTokens {
    /// How long the access token is good.
    pub fn life(&self) -> Option<TokenLife> {
        self.expires.map(|expires| TokenLife::new(self.issued, expires, self.refresh.is_some()))
    }

    /// The text to store.
    pub fn to_stored(&self) -> SecretString {
        let Self { access, refresh, issued, expires, subject } = self;
        let refresh = refresh.as_ref().map(|refresh| refresh.expose_secret());
        let written = Written { access: access.expose_secret(), refresh, issued: *issued, expires: *expires, subject };
        // Texts and times always have a form in JSON.
        let json = serde_json::to_string(&written).unwrap_or_default();
        SecretString::from(format!("{PREFIX}{json}"))
    }

    /// The tokens in a stored text; `None` for anything else.
    pub fn of_stored(text: &SecretString) -> Option<Self> {
        let json = text.expose_secret().strip_prefix(PREFIX)?;
        let Read { access, refresh, issued, expires, subject } = serde_json::from_str(json).ok()?;
        Some(Self { access: access.into(), refresh: refresh.map(SecretString::from), issued, expires, subject })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ports::Secret, settings::AuthMode};

    fn tokens(refresh: Option<&str>) -> OidcTokens {
        OidcTokens {
            access: "access \"1\"".into(),
            refresh: refresh.map(SecretString::from),
            issued: Timestamp::from_second(1_000).unwrap(),
            expires: Some(Timestamp::from_second(1_600).unwrap()),
            subject: "张三".to_owned(),
        }
    }

    #[test]
    fn what_is_stored_is_read_back_and_a_token_that_was_given_stays_one() {
        for refresh in [None, Some("refresh")] {
            let stored = tokens(refresh).to_stored();
            let Secret::Oidc(read) = Secret::of_stored(stored.clone(), AuthMode::Oidc) else { panic!() };
            assert_eq!(read.access.expose_secret(), "access \"1\"");
            assert_eq!(read.refresh.as_ref().map(|it| it.expose_secret()), refresh);
            assert_eq!((read.issued, read.expires, read.subject.as_str()), {
                let tokens = tokens(None);
                (tokens.issued, tokens.expires, "张三")
            });
            assert_eq!(Secret::Oidc(read).to_stored().expose_secret(), stored.expose_secret());
        }
        for given in ["eyJhbGciOi.e30.c2ln", "{\"access\":\"x\"}", "belfry-oidc-1:{}", ""] {
            let secret = Secret::of_stored(given.into(), AuthMode::Oidc);
            assert!(matches!(&secret, Secret::Token(token) if token.expose_secret() == given), "{given}");
        }
        for mode in [AuthMode::Token, AuthMode::Password] {
            let stored = tokens(Some("refresh")).to_stored();
            assert!(matches!(Secret::of_stored(stored, mode), Secret::Oidc(_)), "the refresh token is never sent");
        }
    }

    #[test]
    fn an_access_token_is_renewed_only_with_a_refresh_token() {
        assert!(tokens(Some("r")).life().unwrap().renew.is_some());
        assert!(tokens(None).life().unwrap().renew.is_none());
    }
}
