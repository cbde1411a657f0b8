//! Signing in with the system browser: the authorization code flow with PKCE and a loopback redirect
//! (OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 8252).
//!
//! [`BrowserSignIn::begin`] prepares the address, the caller opens it, [`BrowserSignIn::finish`] waits
//! for the browser and exchanges the code. Dropping it ends the sign-in. Deliberately absent: opening
//! the browser, and storing what comes of it. Invariants: a redirect without the state of this sign-in
//! changes nothing; the code is sent to the issuer's token endpoint and nowhere else; the ID token's
//! signature, issuer, audience, times, nonce and access token hash are verified.

use std::{fmt, io, time::Duration};

use jiff::Timestamp;
use openidconnect::{
    AccessTokenHash, AuthorizationCode, CsrfToken, LoginHint, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, Scope, TokenResponse as _,
    core::{
        CoreAuthPrompt, CoreAuthenticationFlow, CoreIdTokenClaims, CoreJwsSigningAlgorithm, CoreProviderMetadata,
        CoreTokenResponse, CoreUserInfoClaims,
    },
};
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    Issuer, ProviderClient,
    callback::{Callback, ResultPage, Returned},
    of_answer, provider,
};
use crate::net::{address::host_of, http::Client, redaction::Redaction};
use belfry_core::{
    error::{Failure, Fault},
    oidc_tokens::OidcTokens,
    ports::StoredSecret,
    settings::Settings,
    texts::Language,
};

/// How long a person may take in the browser.
pub const BROWSER_TIMEOUT: Duration = Duration::from_secs(600);
/// The scope that asks for a refresh token; it needs the person's consent (OpenID Connect Core 1.0,
/// section 11).
const OFFLINE_ACCESS: &str = "offline_access";
/// What an ID token may be signed with: a key of the issuer, never a shared secret or nothing.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A sign-in that waits for the browser.
pub struct BrowserSignIn {
    url: Url,
    callback: Callback,
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    metadata: CoreProviderMetadata,
    issuer: Issuer,
    settings: Settings,
    language: Language,
}

/// What a sign-in in the browser yields.
#[derive(Debug)]
pub struct BrowserIdentity {
    /// What is stored and sent.
    pub tokens: OidcTokens,
    /// `auth.login`, or the person's name at the issuer: `preferred_username`, else `email`, else
    /// `sub`.
    pub login: String,
}

impl BrowserIdentity {
    /// Makes sure that the account stays that of one person; `kept` is what is stored for it.
    ///
    /// # Errors
    /// [`Fault::WrongAccount`]: somebody else has signed in to it before, and has not signed out.
    pub fn check_person(&self, kept: Option<&StoredSecret>) -> Result<(), Failure> {
        match kept.and_then(StoredSecret::subject) {
            Some(before) if before != self.tokens.subject => {
                Err(Failure::new(Fault::WrongAccount, format!("{} ≠ {before}", self.tokens.subject)))
            }
            _ => Ok(()),
        }
    }
}

impl BrowserSignIn {
    /// Reads the issuer's metadata, and listens for the browser. Its pages are in `language`.
    ///
    /// # Errors
    /// [`Failure`]: the issuer cannot be reached, or names an address that may not be used.
    pub async fn begin(client: &Client, settings: &Settings, language: Language) -> Result<Self, Failure> {
        let issuer = Issuer::of(client, settings)?;
        let metadata = issuer.metadata_with_keys().await?;
        let callback = Callback::listen().await.map_err(|error| local_failure(&error))?;
        let provider = provider(&metadata, settings, Some(&callback.redirect()));
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let oidc = &settings.auth.oidc;
        // The library asks for `openid` itself.
        let scopes = oidc.scopes.iter().filter(|scope| *scope != "openid");
        let mut request = provider
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge)
            .add_scopes(scopes.cloned().map(Scope::new));
        if oidc.scopes.iter().any(|scope| scope == OFFLINE_ACCESS) {
            request = request.add_prompt(CoreAuthPrompt::Consent);
        }
        if !settings.auth.login.is_empty() {
            request = request.set_login_hint(LoginHint::new(settings.auth.login.clone()));
        }
        let (url, state, nonce) = request.url();
        let settings = settings.clone();
        Ok(Self { url, callback, state, nonce, verifier, metadata, issuer, settings, language })
    }

    /// The address to open in the browser.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Waits until the browser comes back, at most [`BROWSER_TIMEOUT`].
    ///
    /// # Errors
    /// [`Fault::Refused`] when the person or the issuer declines, [`Fault::TimedOut`], or the failure
    /// of the issuer's token endpoint.
    pub async fn finish(mut self) -> Result<BrowserIdentity, Failure> {
        let deadline = Instant::now() + BROWSER_TIMEOUT;
        let returned = loop {
            let next = timeout_at(deadline, self.callback.next()).await;
            let late = || Failure::new(Fault::TimedOut, host_of(&self.issuer.url));
            let returned = next.map_err(|_| late())?.map_err(|error| local_failure(&error))?;
            if self.is_ours(&returned) {
                break returned;
            }
            // Any page in the browser can send such a request: the sign-in goes on waiting.
            tracing::warn!("a redirect that does not belong to this sign-in was refused");
            returned.answer(ResultPage::Stranger, self.language).await;
        };
        let language = self.language;
        let identity = self.redeem(&returned).await;
        let page = if identity.is_ok() { ResultPage::Done } else { ResultPage::Failed };
        returned.answer(page, language).await;
        identity
    }

    /// Whether the redirect answers this request, and comes from this issuer (RFC 9207).
    fn is_ours(&self, returned: &Returned) -> bool {
        let is_issuer = |said: String| said == self.metadata.issuer().as_str();
        returned.parameter("state").is_some_and(|state| state == *self.state.secret())
            && returned.parameter("iss").is_none_or(is_issuer)
    }

    async fn redeem(self, returned: &Returned) -> Result<BrowserIdentity, Failure> {
        let host = host_of(&self.issuer.url);
        if let Some(error) = returned.parameter("error") {
            let words = returned.parameter("error_description").map(|words| format!(": {words}")).unwrap_or_default();
            return Err(Failure::new(Fault::Refused, format!("{host}: {error}{words}")));
        }
        let code =
            returned.parameter("code").ok_or_else(|| Failure::new(Fault::BadAnswer, format!("{host}: no code")))?;
        let redaction = Redaction::new(&SecretString::from(code.as_str()));
        let issued = Timestamp::now();
        let provider = provider(&self.metadata, &self.settings, Some(&self.callback.redirect()));
        let request = provider.exchange_code(AuthorizationCode::new(code));
        let request = request.map_err(|_| self.issuer.no_token_endpoint())?.set_pkce_verifier(self.verifier);
        let answer = request.request_async(&self.issuer).await;
        let answer = answer.map_err(|error| redaction.failure(self.issuer.token_failure(error, Fault::Refused)))?;
        let claims = verify(&provider, &answer, &self.nonce)
            .map_err(|why| Failure::new(Fault::BadAnswer, format!("{host}: id_token: {why}")))?;
        let login = login(&self.issuer, &provider, &self.settings, &answer, &claims).await;
        Ok(BrowserIdentity { tokens: of_answer(&answer, issued, claims.subject().to_string()), login })
    }
}

/// The claims of the ID token; the reason, if it cannot be trusted.
fn verify(provider: &ProviderClient, answer: &CoreTokenResponse, nonce: &Nonce) -> Result<CoreIdTokenClaims, String> {
    let token = answer.id_token().ok_or("the issuer sent none")?;
    let verifier = provider.id_token_verifier().set_allowed_algs(SIGNATURES);
    let claims = token.claims(&verifier, nonce).map_err(|error| error.to_string())?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|error| error.to_string())?;
        let key = token.signing_key(&verifier).map_err(|error| error.to_string())?;
        let hash = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
        if hash.map_err(|error| error.to_string())? != *expected {
            return Err("it belongs to another access token".to_owned());
        }
    }
    Ok(claims.clone())
}

/// `auth.login`, or the person's name at the issuer. Many issuers tell it at their userinfo endpoint
/// only.
async fn login(
    issuer: &Issuer,
    provider: &ProviderClient,
    settings: &Settings,
    answer: &CoreTokenResponse,
    claims: &CoreIdTokenClaims,
) -> String {
    if !settings.auth.login.is_empty() {
        return settings.auth.login.clone();
    }
    let name = claims.preferred_username().map(|name| name.to_string());
    let asks_for_names = settings.auth.oidc.scopes.iter().any(|scope| scope == "profile" || scope == "email");
    let mut user_info: Option<CoreUserInfoClaims> = None;
    if name.is_none() && asks_for_names {
        let request = provider.user_info(answer.access_token().clone(), Some(claims.subject().clone()));
        if let Ok(request) = request {
            // Without it the subject still names the person.
            user_info = request.request_async(issuer).await.ok();
        }
    }
    let user_info = user_info.as_ref();
    name.or_else(|| user_info?.preferred_username().map(|name| name.to_string()))
        .or_else(|| claims.email().or_else(|| user_info?.email()).map(|email| email.to_string()))
        .unwrap_or_else(|| claims.subject().to_string())
}

impl fmt::Debug for BrowserSignIn {
    /// Without the address, which has the state.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserSignIn").field("issuer", &host_of(&self.issuer.url)).finish_non_exhaustive()
    }
}

fn local_failure(error: &io::Error) -> Failure {
    Failure::new(Fault::Broken, format!("127.0.0.1: {error}"))
}
