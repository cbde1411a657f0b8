//! OpenID Connect (`auth.mode = "oidc"`): what the issuer publishes about itself, and a new access
//! token for a refresh token.
//!
//! The sign-in itself happens in the system browser ([`browser`]). Requests go through the HTTP
//! client that everything else uses. Deliberately absent: when to refresh ([`super::token`]), and
//! the ID token of a refresh, since the issuer of the new token is the one that was asked.
//! Invariant: nothing is sent to an address of the issuer's metadata unless it belongs to the issuer
//! ([`Issuer::check`]), and no error contains a token, a code or a URL.

pub mod browser;
mod callback;

use std::{pin::Pin, time::Duration};

use jiff::{SignedDuration, Timestamp};
use openidconnect::{
    AsyncHttpClient, ClientId, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, JsonWebKeySet,
    OAuth2TokenResponse as _, RedirectUrl, RefreshToken, RequestTokenError,
    core::{CoreClient, CoreErrorResponseType, CoreProviderMetadata, CoreRequestTokenError, CoreTokenResponse},
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::net::{
    address::host_of,
    http::{self, Client},
    redaction::Redaction,
};
use belfry_core::{
    error::{Failure, Fault},
    oidc_tokens::OidcTokens,
    settings::{NetworkSettings, Settings, origins::Origin},
    status::Kind,
    token_life::jwt_expiry,
};

/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer taken, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// Where an issuer publishes its metadata (OpenID Connect Discovery 1.0, section 4).
const METADATA_PATH: &str = "/.well-known/openid-configuration";

/// The client of openidconnect, with the two endpoints that a sign-in needs.
type ProviderClient =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Requests an access token with the refresh token of these.
///
/// # Errors
/// [`Fault::Expired`] when the issuer refuses the refresh token, else what kept it from answering.
pub(crate) async fn refresh(client: &Client, settings: &Settings, tokens: &OidcTokens) -> Result<OidcTokens, Failure> {
    let Some(refresh) = &tokens.refresh else { return Err(Failure::new(Fault::Expired, "")) };
    let issuer = Issuer::of(client, settings)?;
    let issued = Timestamp::now();
    let metadata = issuer.metadata().await?;
    let provider = provider(&metadata, settings, None);
    let token = RefreshToken::new(refresh.expose_secret().to_owned());
    let request = provider.exchange_refresh_token(&token).map_err(|_| issuer.no_token_endpoint())?;
    let answer = request.request_async(&issuer).await;
    let answer =
        answer.map_err(|error| Redaction::new(refresh).failure(issuer.token_failure(error, Fault::Expired)))?;
    let renewed = of_answer(&answer, issued, tokens.subject.clone());
    // Without a new refresh token the old one stays good.
    Ok(OidcTokens { refresh: renewed.refresh.or_else(|| tokens.refresh.clone()), ..renewed })
}

fn provider(metadata: &CoreProviderMetadata, settings: &Settings, redirect: Option<&RedirectUrl>) -> ProviderClient {
    let id = ClientId::new(settings.auth.oidc.client_id.clone());
    let client = CoreClient::from_provider_metadata(metadata.clone(), id, None);
    match redirect {
        Some(redirect) => client.set_redirect_uri(redirect.clone()),
        None => client,
    }
}

fn of_answer(answer: &CoreTokenResponse, issued: Timestamp, subject: String) -> OidcTokens {
    let access = answer.access_token().secret();
    let lifetime = answer.expires_in().and_then(|lifetime| SignedDuration::try_from(lifetime).ok());
    let expires = lifetime
        .and_then(|lifetime| issued.checked_add(lifetime).ok())
        // One that has expired already shows only that a clock is wrong.
        .or_else(|| jwt_expiry(access).filter(|expires| *expires > issued));
    OidcTokens {
        access: SecretString::from(access.as_str()),
        refresh: answer.refresh_token().map(|refresh| SecretString::from(refresh.secret().as_str())),
        issued,
        expires,
        subject,
    }
}

/// The issuer of the settings, with the way to it.
#[derive(Debug, Clone)]
struct Issuer {
    url: Url,
    client: Client,
    network: NetworkSettings,
}

impl Issuer {
    fn of(client: &Client, settings: &Settings) -> Result<Self, Failure> {
        let url = settings.auth.oidc.issuer.clone();
        let url = url.ok_or_else(|| Failure::new(Fault::Settings, "auth.oidc.issuer is missing"))?;
        let issuer = Self { url, client: client.clone(), network: settings.network.clone() };
        issuer.check(&issuer.url)?;
        Ok(issuer)
    }

    /// What the issuer publishes about itself; the addresses in it belong to the issuer.
    async fn metadata(&self) -> Result<CoreProviderMetadata, Failure> {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{METADATA_PATH}", self.url.path().trim_end_matches('/')));
        let answer = self.get(&url).await?;
        let metadata: CoreProviderMetadata =
            serde_json::from_slice(&answer).map_err(|_| self.unreadable("metadata"))?;
        // A settings file writes an issuer with or without a slash at its end.
        if metadata.issuer().as_str().trim_end_matches('/') != self.url.as_str().trim_end_matches('/') {
            let said = metadata.issuer().as_str();
            return Err(Failure::new(Fault::Settings, format!("auth.oidc.issuer ({} is {said})", host_of(&self.url))));
        }
        self.check(metadata.authorization_endpoint().url())?;
        self.check(metadata.jwks_uri().url())?;
        metadata.token_endpoint().map_or(Err(self.no_token_endpoint()), |endpoint| self.check(endpoint.url()))?;
        metadata.userinfo_endpoint().map_or(Ok(()), |endpoint| self.check(endpoint.url()))?;
        Ok(metadata)
    }

    /// The metadata, with the keys that its ID tokens are signed with.
    async fn metadata_with_keys(&self) -> Result<CoreProviderMetadata, Failure> {
        let metadata = self.metadata().await?;
        let keys = self.get(metadata.jwks_uri().url()).await?;
        let keys: JsonWebKeySet<_> = serde_json::from_slice(&keys).map_err(|_| self.unreadable("jwks_uri"))?;
        Ok(metadata.set_jwks(keys))
    }

    /// Whether an address belongs to the issuer: it is of the issuer's own origin; or it is
    /// encrypted, and so was the metadata that names it.
    fn check(&self, url: &Url) -> Result<(), Failure> {
        let is_own = Origin::of(url).is_some_and(|origin| Origin::of(&self.url) == Some(origin));
        if is_own {
            return self
                .network
                .is_allowed(url)
                .map_err(|refusal| Failure::new(Fault::Insecure, format!("{} (auth.oidc)", refusal.place())));
        }
        if self.url.scheme() == "https" && url.scheme() == "https" {
            return Ok(());
        }
        let place = format!("{}://{}, named by {} (auth.oidc)", url.scheme(), host_of(url), host_of(&self.url));
        Err(Failure::new(Fault::Insecure, place))
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, Failure> {
        let request = self.client.get(url.clone()).header("accept", "application/json");
        let sent = request.timeout(ANSWER_TIMEOUT).send().await;
        let response = sent.map_err(|error| http::failure(error, url))?;
        if !response.status().is_success() {
            let failure = http::status_failure(response.status(), response.headers(), url);
            // Waiting does not help against a wrong address.
            return Err(if failure.kind() == Kind::Status {
                Failure::new(Fault::Settings, format!("auth.oidc.issuer ({})", failure.detail))
            } else {
                failure
            });
        }
        let answer = http::read_body(response, MAX_ANSWER, url).await?;
        answer.ok_or_else(|| self.unreadable("metadata"))
    }

    async fn request(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| self.unreadable("metadata"))?;
        self.check(&url)?;
        let (parts, body) = request.into_parts();
        let request = self.client.request(parts.method, url.clone()).headers(parts.headers).body(body);
        let response = request.timeout(ANSWER_TIMEOUT).send().await.map_err(|error| http::failure(error, &url))?;
        let status = response.status();
        // 400 and 401 carry the issuer's reason (RFC 6749, section 5.2).
        if !status.is_success() && !matches!(status.as_u16(), 400 | 401) {
            return Err(http::status_failure(status, response.headers(), &url));
        }
        let headers = response.headers().clone();
        let body = http::read_body(response, MAX_ANSWER, &url).await?.ok_or_else(|| self.unreadable("answer"))?;
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// What the answer of the token endpoint means; `refused` is the fault of a grant that the
    /// issuer does not accept.
    fn token_failure(&self, error: CoreRequestTokenError<RequestFailed>, refused: Fault) -> Failure {
        match error {
            RequestTokenError::Request(RequestFailed(failure)) => failure,
            RequestTokenError::ServerResponse(answer) => {
                let code = answer.error().as_ref().to_owned();
                let words = answer.error_description().map(|words| format!(": {words}")).unwrap_or_default();
                let said = format!("{}: {code}{words}", host_of(&self.url));
                if *answer.error() == CoreErrorResponseType::InvalidGrant {
                    Failure::new(refused, said)
                } else {
                    Failure::new(Fault::Settings, format!("auth.oidc ({said})"))
                }
            }
            // They may quote the answer, which has the tokens.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => self.unreadable("token_endpoint"),
        }
    }

    fn unreadable(&self, what: &str) -> Failure {
        Failure::new(Fault::BadAnswer, format!("{}: {what}", host_of(&self.url)))
    }

    fn no_token_endpoint(&self) -> Failure {
        Failure::new(Fault::Settings, format!("auth.oidc.issuer ({}: no token_endpoint)", host_of(&self.url)))
    }
}

/// The error of a request, as openidconnect wants it.
#[derive(Debug, thiserror::Error)]
#[error("the request failed")]
struct RequestFailed(Failure);

impl<'c> AsyncHttpClient<'c> for Issuer {
    type Error = RequestFailed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, RequestFailed>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { self.request(request).await.map_err(RequestFailed) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::proxy_finder::tests::NoSystem;

    fn issuer(url: &str, insecure: &[&str]) -> Issuer {
        let network = NetworkSettings {
            insecure_hosts: insecure.iter().map(|host| host.parse().unwrap()).collect(),
            ..NetworkSettings::default()
        };
        let client = http::client(&network, std::sync::Arc::new(NoSystem)).unwrap();
        Issuer { url: Url::parse(url).unwrap(), client, network }
    }

    #[test]
    fn an_address_belongs_to_the_issuer_if_it_is_its_own_or_if_both_are_encrypted() {
        for (url, insecure, address, is_own) in [
            ("https://id.example.com/realm", &[][..], "https://id.example.com/token", true),
            ("https://id.example.com", &[], "https://oauth2.example.net/token", true),
            ("https://id.example.com", &[], "http://id.example.com/token", false),
            ("https://id.example.com", &["id.example.com"], "http://id.example.com/token", false),
            ("https://id.example.com", &[], "http://127.0.0.1:1/token", false),
            ("http://127.0.0.1:1", &[], "http://localhost:1/token", true),
            ("http://127.0.0.1:1", &[], "http://127.0.0.1:2/token", false),
            ("http://127.0.0.1:1", &[], "https://evil.example.net/token", false),
            ("http://id.example.com", &[], "http://id.example.com/token", false),
            ("http://id.example.com", &["id.example.com"], "http://id.example.com/token", true),
            ("http://id.example.com", &["id.example.com"], "https://evil.example.net/token", false),
            ("https://id.example.com", &[], "file:///etc/passwd", false),
            ("https://id.example.com", &[], "javascript:alert(1)", false),
        ] {
            let checked = issuer(url, insecure).check(&Url::parse(address).unwrap());
            assert_eq!(checked.is_ok(), is_own, "{address} of {url}");
            assert!(checked.is_ok() || checked.unwrap_err().fault == Fault::Insecure);
        }
    }
}
