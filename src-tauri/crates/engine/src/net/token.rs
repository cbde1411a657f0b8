//! The secret of the account: checked against the server before it is stored, then read from where
//! it is stored, exchanged for a token where the server wants one, and kept in memory for as long
//! as the engine runs.
//!
//! Reading may block on a keychain's prompt, so it happens on a thread that may wait. A token
//! obtained for a password is kept in memory only; when it expires another is requested
//! ([`Token::refresh`]) without asking the person. Deliberately absent: sign-in through a browser.
//! Invariant: a secret is only ever a [`SecretString`].

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::net::{
    http::{self, Client},
    identity::Identity,
    login, one_shot,
};
use belfry_core::{
    error::{Failure, Fault},
    pipeline::link::Refreshed,
    ports::{CredentialError, Credentials, Secret},
};

/// Checks that the server accepts this secret: a password is exchanged for a token where the
/// settings say how, and the token is tried on a session of its own that subscribes to nothing, or
/// for the raw WebSocket with a call of the API. At most 10 s, and twice 15 s for an endpoint.
///
/// # Errors
/// [`Failure`]: the server refuses it, or cannot be asked.
pub async fn check(identity: &Arc<Identity>, secret: &Secret) -> Result<(), Failure> {
    let client = http::client(&identity.settings.network)?;
    let token = token(&client, identity, secret).await?;
    one_shot::check(&client, identity, &token).await
}

/// What is sent to the server: the secret itself, or the token that `auth.login_url` returns for
/// the password.
///
/// # Errors
/// [`Failure`] of the sign-in there.
pub async fn token(client: &Client, identity: &Identity, secret: &Secret) -> Result<SecretString, Failure> {
    let settings = &identity.settings;
    match (secret, &settings.auth.login_url) {
        (Secret::Token(token), _) => Ok(token.clone()),
        (Secret::Password(password), None) => Ok(password.clone()),
        (Secret::Password(password), Some(url)) => login::token(client, identity, url, password).await,
    }
}

/// The token of one account.
pub struct Token {
    source: Source,
    held: Arc<Mutex<Option<SecretString>>>,
    /// The held token must not be used any more.
    is_stale: AtomicBool,
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
        let mut held = Arc::clone(&self.held).lock_owned().await;
        if self.is_stale.swap(false, Ordering::AcqRel) {
            *held = None;
        }
        match &*held {
            Some(token) => Ok(token.clone()),
            None => self.obtain(held).await.map(|obtained| obtained.token),
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
        match &*held {
            Some(token) if token.expose_secret() != refused.expose_secret() => Refreshed::Newer,
            _ => self.replace(held).await,
        }
    }

    async fn replace(&self, mut held: Held) -> Refreshed {
        let old = held.take();
        let is_same = |found: &SecretString| old.is_some_and(|old| old.expose_secret() == found.expose_secret());
        match self.obtain(held).await {
            // A server may issue the same token again, and accept it again.
            Ok(Obtained { token, is_issued: false }) if is_same(&token) => Refreshed::Same,
            Ok(_) => Refreshed::Newer,
            Err(failure) if failure.fault == Fault::NoCredential => Refreshed::Same,
            Err(failure) => Refreshed::Failed(failure),
        }
    }

    /// Runs in a task of its own, which finishes even if the caller stops waiting: so a keychain
    /// that is asking the person to unlock it is not asked a second time.
    async fn obtain(&self, mut held: Held) -> Result<Obtained, Failure> {
        let Source { credentials, identity, client } = self.source.clone();
        let obtaining = tokio::spawn(async move {
            let secret = read(&credentials, &identity).await?;
            let token = token(&client?, &identity, &secret).await?;
            *held = Some(token.clone());
            let is_issued = matches!(secret, Secret::Password(_)) && identity.settings.auth.login_url.is_some();
            Ok(Obtained { token, is_issued })
        });
        obtaining.await.unwrap_or_else(|error| Err(Failure::new(Fault::Keychain, error.to_string())))
    }
}

/// A token, and whether the server has just issued it.
struct Obtained {
    token: SecretString,
    is_issued: bool,
}

type Held = OwnedMutexGuard<Option<SecretString>>;

/// Reads the stored secret of an account.
///
/// # Errors
/// [`Fault::NoCredential`] when there is none, [`Fault::NotAgreed`] when it was not given for every
/// host of the settings, [`Fault::Locked`], [`Fault::Keychain`] or [`Fault::Settings`] when the place
/// itself cannot be used.
pub async fn read(credentials: &Arc<dyn Credentials>, identity: &Identity) -> Result<Secret, Failure> {
    let credentials = Arc::clone(credentials);
    let (account, mode) = (identity.account.name(), identity.settings.auth.mode);
    let read = tokio::task::spawn_blocking(move || credentials.secret(&account, mode)).await;
    match read {
        Ok(Ok(Some(stored))) => stored
            .for_settings(&identity.settings)
            .map_err(|not_agreed| Failure::new(Fault::NotAgreed, not_agreed.hosts())),
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
