//! The secret of the account: checked against the server before it is stored, then read from where
//! it is stored, exchanged for a token where the server wants one, and kept in memory for as long
//! as the engine runs.
//!
//! Reading may block on a keychain's prompt, so it happens on a thread that may wait. A token
//! obtained for a password is kept in memory only, with its refresh token; before it expires
//! ([`Token::renew`]) and after it was refused ([`Token::refresh`]) another is requested without
//! asking the person. The tokens of a sign-in in the browser are stored again whenever they are
//! refreshed, since an issuer may accept a refresh token only once; and one that it has refused is
//! stored no more, so it is not sent again. Deliberately absent: the sign-in in the browser itself
//! ([`crate::net::oidc`]). Invariant: a secret is only ever a [`SecretString`].

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::net::{http::Client, identity::Identity, issued::Issued, login, oidc, one_shot};
use belfry_core::{
    error::{Failure, Fault},
    oidc_tokens::OidcTokens,
    pipeline::link::Refreshed,
    ports::{CredentialError, Credentials, NotAgreed, Secret},
    settings::{AuthMode, origins::AgreedOrigins},
};

/// Checks that the server accepts this secret: a password is exchanged for a token where the
/// settings say how, and the token is tried on a session of its own that subscribes to nothing, or
/// for the raw WebSocket with a call of the API. At most 10 s, and twice 15 s for an endpoint.
///
/// # Errors
/// [`Failure`]: the server refuses it, or cannot be asked.
pub async fn check(client: &Client, identity: &Arc<Identity>, secret: &Secret) -> Result<(), Failure> {
    let token = token(client, identity, secret).await?;
    one_shot::check(client, identity, &token).await
}

/// What is sent to the server: the secret itself, or the token that `auth.login_url` returns for
/// the password.
///
/// # Errors
/// [`Failure`] of the sign-in there.
pub async fn token(client: &Client, identity: &Identity, secret: &Secret) -> Result<SecretString, Failure> {
    issue(client, identity, secret).await.map(|issued| issued.token)
}

async fn issue(client: &Client, identity: &Identity, secret: &Secret) -> Result<Issued, Failure> {
    match (secret, &identity.settings.auth.login_url) {
        (Secret::Token(token), _) => Ok(Issued::given(token)),
        (Secret::Password(password), None) => {
            Ok(Issued { token: password.clone(), life: None, refresh: None, is_issued: false })
        }
        (Secret::Password(password), Some(url)) => login::token(client, identity, url, password).await,
        (Secret::Oidc(tokens), _) => Ok(Issued::in_browser(tokens, false)),
    }
}

/// The secret for a single request, beside an engine that may run. Only tokens of a sign-in in the
/// browser that have expired are refreshed, since a running engine does that earlier.
///
/// # Errors
/// [`Failure`] of the issuer, and those of [`read`].
pub async fn current(
    credentials: Arc<dyn Credentials>,
    client: &Client,
    identity: &Arc<Identity>,
    secret: Secret,
) -> Result<Secret, Failure> {
    let Secret::Oidc(tokens) = &secret else { return Ok(secret) };
    if !Issued::in_browser(tokens, false).has_expired() {
        return Ok(secret);
    }
    let token = Token::new(credentials, Arc::clone(identity), Ok(client.clone()));
    token.get().await.map(Secret::Token)
}

/// The token of one account.
pub struct Token {
    source: Source,
    held: Arc<Mutex<Held>>,
    /// The held token must not be used any more.
    is_stale: AtomicBool,
}

/// What is in memory.
#[derive(Default)]
struct Held {
    issued: Option<Issued>,
    /// What buys the next token; it outlives a token that was refused.
    refresh: Option<SecretString>,
    /// The tokens of a sign-in in the browser that could not be stored.
    unsaved: Unsaved,
}

/// Where a token comes from.
#[derive(Clone)]
struct Source {
    credentials: Arc<dyn Credentials>,
    identity: Arc<Identity>,
    client: Result<Client, Failure>,
}

impl Token {
    /// The token for the secret stored under this account's name.
    pub fn new(credentials: Arc<dyn Credentials>, identity: Arc<Identity>, client: Result<Client, Failure>) -> Self {
        Self {
            source: Source { credentials, identity, client },
            held: Arc::default(),
            is_stale: AtomicBool::new(false),
        }
    }

    /// The token.
    ///
    /// # Errors
    /// Those of [`read`] and of [`token`].
    pub async fn get(&self) -> Result<SecretString, Failure> {
        self.issued().await.map(|issued| issued.token)
    }

    /// The token with its life. One that is about to expire is replaced first, if that is possible
    /// now.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn issued(&self) -> Result<Issued, Failure> {
        let mut held = Arc::clone(&self.held).lock_owned().await;
        if self.is_stale.swap(false, Ordering::AcqRel) {
            *held = Held::default();
        }
        match held.issued.clone() {
            Some(issued) if !issued.is_due() => Ok(issued),
            Some(issued) => match self.obtain(held, Some(&issued.token)).await {
                Err(_) if !issued.has_expired() => Ok(issued),
                obtained => obtained,
            },
            None => self.obtain(held, None).await,
        }
    }

    /// The held token will expire soon: requests another one, unless that has been done.
    pub async fn renew(&self) -> Refreshed {
        let held = Arc::clone(&self.held).lock_owned().await;
        if held.issued.as_ref().is_some_and(|issued| issued.life.is_some() && !issued.is_due()) {
            return Refreshed::Newer;
        }
        let last = held.issued.as_ref().map(|issued| issued.token.clone());
        match self.obtain(held, last.as_ref()).await {
            Ok(issued) if issued.is_issued => Refreshed::Newer,
            Ok(_) => Refreshed::Same,
            Err(failure) => Refreshed::Failed(failure),
        }
    }

    /// Forgets the held token, since a person has signed in again.
    pub fn forget(&self) {
        self.is_stale.store(true, Ordering::Release);
    }

    /// The held token was refused: reads the stored secret again, and requests a new token where a
    /// password is stored.
    pub async fn refresh(&self) -> Refreshed {
        self.replace(Arc::clone(&self.held).lock_owned().await).await
    }

    /// As [`Self::refresh`], for a caller whose token was refused: another task may have found a
    /// newer one already.
    pub async fn refresh_after(&self, refused: &SecretString) -> Refreshed {
        let held = Arc::clone(&self.held).lock_owned().await;
        match &held.issued {
            Some(issued) if issued.token.expose_secret() != refused.expose_secret() => Refreshed::Newer,
            _ => self.replace(held).await,
        }
    }

    async fn replace(&self, mut held: LockedHeld) -> Refreshed {
        let old = held.issued.take().map(|issued| issued.token);
        let is_same = |found: &SecretString| is_same(old.as_ref(), found);
        match self.obtain(held, old.as_ref()).await {
            // A server may issue the same token again, and accept it again.
            Ok(issued) if !issued.is_issued && is_same(&issued.token) => {
                if issued.has_expired() {
                    Refreshed::Failed(Failure::new(Fault::Expired, ""))
                } else {
                    Refreshed::Same
                }
            }
            Ok(_) => Refreshed::Newer,
            Err(failure) if failure.fault == Fault::NoCredential => Refreshed::Same,
            Err(failure) => Refreshed::Failed(failure),
        }
    }

    /// Runs in a task of its own, which finishes even if the caller stops waiting: so a keychain
    /// that is asking the person to unlock it is not asked a second time. `last` is the token that
    /// is to be replaced.
    async fn obtain(&self, mut held: LockedHeld, last: Option<&SecretString>) -> Result<Issued, Failure> {
        let (source, last) = (self.source.clone(), last.cloned());
        let obtaining = tokio::spawn(async move {
            let issued = match source.refresh(held.refresh.take()).await {
                Some(issued) => issued?,
                None => source.issue(&mut held.unsaved, last.as_ref()).await?,
            };
            held.refresh.clone_from(&issued.refresh);
            held.issued = Some(issued.clone());
            Ok(issued)
        });
        obtaining.await.unwrap_or_else(|error| Err(Failure::new(Fault::Keychain, error.to_string())))
    }
}

impl Source {
    /// A token for the stored secret, in place of `last`.
    async fn issue(&self, unsaved: &mut Unsaved, last: Option<&SecretString>) -> Result<Issued, Failure> {
        let (secret, agreed) = match unsaved.clone() {
            Some((tokens, agreed)) => (Secret::Oidc(tokens), agreed),
            None => read_agreed(&self.credentials, &self.identity).await?,
        };
        if let Secret::Oidc(tokens) = &secret
            && self.identity.settings.auth.mode == AuthMode::Oidc
        {
            return self.issue_in_browser(tokens.clone(), agreed, unsaved, last).await;
        }
        issue(&self.client.clone()?, &self.identity, &secret).await
    }

    /// The access token of a sign-in in the browser. It is refreshed if it is due or to be replaced,
    /// unless another program has stored a newer one meanwhile.
    async fn issue_in_browser(
        &self,
        tokens: OidcTokens,
        agreed: AgreedOrigins,
        unsaved: &mut Unsaved,
        last: Option<&SecretString>,
    ) -> Result<Issued, Failure> {
        let is_last = is_same(last, &tokens.access);
        let issued = Issued::in_browser(&tokens, last.is_some() && !is_last);
        if tokens.refresh.is_none() || !(is_last || issued.is_due()) {
            return Ok(issued);
        }
        match oidc::refresh(&self.client.clone()?, &self.identity.settings, &tokens).await {
            Ok(renewed) => {
                let issued = Issued::in_browser(&renewed, true);
                *unsaved = self.keep(renewed, agreed).await;
                Ok(issued)
            }
            Err(failure) if failure.fault == Fault::Expired => {
                *unsaved = self.keep(OidcTokens { refresh: None, ..tokens }, agreed).await;
                Err(failure)
            }
            Err(_) if last.is_none() && !issued.has_expired() => Ok(issued),
            Err(failure) => Err(failure),
        }
    }

    /// Stores new tokens; returns them if that is not possible.
    async fn keep(&self, tokens: OidcTokens, agreed: AgreedOrigins) -> Unsaved {
        let (credentials, account) = (Arc::clone(&self.credentials), self.identity.account.name());
        let (stored, origins) = (tokens.to_stored(), agreed.clone());
        let kept = tokio::task::spawn_blocking(move || credentials.keep(&account, &stored, &origins)).await;
        match kept {
            Ok(Ok(())) => None,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the refreshed sign-in is held in memory, since it cannot be stored");
                Some((tokens, agreed))
            }
            Err(_) => Some((tokens, agreed)),
        }
    }

    /// A token for the refresh token; `None` where there is none, or where the server does not accept
    /// it: the stored secret may still be accepted. A refresh token is sent once: the server may have
    /// taken it even if its answer was lost.
    async fn refresh(&self, refresh: Option<SecretString>) -> Option<Result<Issued, Failure>> {
        let (Some(refresh), Some(url), Ok(client)) = (refresh, &self.identity.settings.auth.login_url, &self.client)
        else {
            return None;
        };
        login::refresh(client, &self.identity, url, &refresh).await.ok().map(Ok)
    }
}

type LockedHeld = OwnedMutexGuard<Held>;
type Unsaved = Option<(OidcTokens, AgreedOrigins)>;

fn is_same(old: Option<&SecretString>, found: &SecretString) -> bool {
    old.is_some_and(|old| old.expose_secret() == found.expose_secret())
}

/// Reads the stored secret of an account.
///
/// # Errors
/// [`Fault::NoCredential`] when there is none, [`Fault::NotAgreed`] when it was not given for every
/// host of the settings, [`Fault::Locked`], [`Fault::Keychain`] or [`Fault::Settings`] when the place
/// itself cannot be used.
pub async fn read(credentials: &Arc<dyn Credentials>, identity: &Identity) -> Result<Secret, Failure> {
    read_agreed(credentials, identity).await.map(|(secret, _)| secret)
}

/// As [`read`], with the origins that the secret may be sent to.
async fn read_agreed(
    credentials: &Arc<dyn Credentials>,
    identity: &Identity,
) -> Result<(Secret, AgreedOrigins), Failure> {
    let credentials = Arc::clone(credentials);
    let (account, mode) = (identity.account.name(), identity.settings.auth.mode);
    let read = tokio::task::spawn_blocking(move || credentials.secret(&account, mode)).await;
    match read {
        Ok(Ok(Some(stored))) => {
            let agreed = stored.agreed().cloned().unwrap_or_else(|| AgreedOrigins::of(&identity.settings));
            let secret = stored.for_settings(&identity.settings);
            let not_agreed = |error: NotAgreed| Failure::new(Fault::NotAgreed, error.hosts());
            secret.map(|secret| (secret, agreed)).map_err(not_agreed)
        }
        Ok(Ok(None)) => Err(Failure::new(Fault::NoCredential, "")),
        Ok(Err(CredentialError::Locked(why))) => Err(Failure::new(Fault::Locked, why)),
        Ok(Err(CredentialError::Unavailable(why))) => Err(Failure::new(Fault::Keychain, why)),
        Ok(Err(CredentialError::File(why))) => Err(Failure::new(Fault::Settings, why)),
        Err(error) => Err(Failure::new(Fault::Keychain, error.to_string())),
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("account", &self.source.identity.account.name()).finish_non_exhaustive()
    }
}
