//! A token as it is sent to the server, with what is known about its life and its successor.
//!
//! Deliberately absent: requesting one ([`super::login`], [`super::oidc`]) and holding it ([`super::token`]).

use belfry_core::{
    oidc_tokens::OidcTokens,
    token_life::{self, TokenLife},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// Where an answer says for how many seconds the token is good.
const LIFETIME_POINTERS: [&str; 3] = ["/expiresIn", "/data/expiresIn", "/expires_in"];
/// Where an answer has the refresh token.
const REFRESH_POINTERS: [&str; 3] = ["/refreshToken", "/data/refreshToken", "/refresh_token"];
/// A token, as it is sent to the server.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) token: SecretString,
    /// How long it is good, if that is known.
    pub(crate) life: Option<TokenLife>,
    /// What buys the next one.
    pub(crate) refresh: Option<SecretString>,
    /// Whether the server has just issued it.
    pub(crate) is_issued: bool,
}

impl Issued {
    /// A token that the server has issued in this answer, which may say how long it is good and how
    /// to get the next one.
    pub(crate) fn by_server(token: SecretString, answer: &Value, issued_at: Timestamp) -> Self {
        let lifetime = LIFETIME_POINTERS.iter().find_map(|pointer| answer.pointer(pointer));
        let expires = lifetime
            .and_then(|seconds| token_life::expiry_in(seconds, issued_at))
            // One that has expired already shows only that a clock is wrong.
            .or_else(|| token_life::jwt_expiry(token.expose_secret()).filter(|expires| *expires > issued_at));
        let refresh = REFRESH_POINTERS.iter().find_map(|pointer| answer.pointer(pointer)?.as_str());
        Self {
            life: expires.map(|expires| TokenLife::new(issued_at, expires, true)),
            refresh: refresh.filter(|refresh| !refresh.is_empty()).map(SecretString::from),
            token,
            is_issued: true,
        }
    }

    /// A token that a person has given. If it is a JWT it says when it expires.
    pub(crate) fn given(token: &SecretString) -> Self {
        let expires = token_life::jwt_expiry(token.expose_secret());
        // It was issued some time ago; without a renewal that does not matter.
        let life = expires.map(|expires| TokenLife::new(Timestamp::MIN, expires, false));
        Self { token: token.clone(), life, refresh: None, is_issued: false }
    }

    /// The access token of a sign-in in the browser.
    pub(crate) fn in_browser(tokens: &OidcTokens, is_issued: bool) -> Self {
        Self { token: tokens.access.clone(), life: tokens.life(), refresh: None, is_issued }
    }

    pub(crate) fn is_due(&self) -> bool {
        self.life.is_some_and(|life| life.is_due(Timestamp::now()))
    }

    pub(crate) fn has_expired(&self) -> bool {
        self.life.is_some_and(|life| life.expires <= Timestamp::now())
    }
}
