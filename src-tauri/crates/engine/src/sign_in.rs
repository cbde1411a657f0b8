//! The secret of the account: checked against the server before anybody keeps it, then read from where it lives and held
//! for as long as the engine runs.
//!
//! Reading may block on a keychain's prompt, so it happens on a thread that may wait. Absent for now: any sign-in but a
//! token that somebody handed out. Invariant: the secret is only ever a [`SecretString`].

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use crate::{
    connection::Identity,
    errand,
    error::{Failure, Fault},
    network,
    ports::Credentials,
};

/// Whether the server takes this token, found out on a session of its own that subscribes to nothing; at most twice 15 s for an
/// endpoint.
///
/// # Errors
/// [`Failure`]: why not, or why it cannot be known.
pub async fn check(identity: &Identity, token: &SecretString) -> Result<(), Failure> {
    let client = network::client(&identity.settings.network)?;
    errand::connect(&client, identity, token).await?.close().await;
    Ok(())
}

/// The token of one account.
pub struct Token {
    credentials: Arc<dyn Credentials>,
    account: String,
    held: Mutex<Option<SecretString>>,
}

impl Token {
    /// The token kept under this account's name.
    pub fn new(credentials: Arc<dyn Credentials>, account: String) -> Self {
        Self { credentials, account, held: Mutex::new(None) }
    }

    /// The token.
    ///
    /// # Errors
    /// [`Fault::NoCredential`] when there is none, or it cannot be read.
    pub async fn get(&self) -> Result<SecretString, Failure> {
        let mut held = self.held.lock().await;
        if let Some(token) = &*held {
            return Ok(token.clone());
        }
        let token = self.read().await?;
        *held = Some(token.clone());
        Ok(token)
    }

    /// Forgets what is held, since somebody has signed in anew.
    pub async fn forget(&self) {
        *self.held.lock().await = None;
    }

    /// Looks again where the token lives; true if there is another one than the one held.
    pub async fn refresh(&self) -> bool {
        let Ok(found) = self.read().await else { return false };
        let mut held = self.held.lock().await;
        let is_other = held.as_ref().is_none_or(|old| old.expose_secret() != found.expose_secret());
        *held = Some(found);
        is_other
    }

    async fn read(&self) -> Result<SecretString, Failure> {
        let (credentials, account) = (Arc::clone(&self.credentials), self.account.clone());
        let read = tokio::task::spawn_blocking(move || credentials.token(&account)).await;
        match read {
            Ok(Ok(Some(token))) => Ok(token),
            Ok(Ok(None)) => Err(Failure::new(Fault::NoCredential, "")),
            Ok(Err(error)) => Err(Failure::new(Fault::NoCredential, error.to_string())),
            Err(error) => Err(Failure::new(Fault::NoCredential, error.to_string())),
        }
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("account", &self.account).field("held", &"***").finish_non_exhaustive()
    }
}
