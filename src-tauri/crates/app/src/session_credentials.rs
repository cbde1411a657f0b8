//! Where the secret is stored: in the keychain, or, where there is none, in memory for as long as
//! the program runs.
//!
//! Deliberately absent: any place on disk. Invariant: a secret that the keychain would not take is
//! in memory only, and given to the engine alone.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use belfry_core::ports::{CredentialError, Credentials, Secret, StoredSecret};
use belfry_core::settings::AuthMode;
use belfry_core::settings::origins::AgreedOrigins;
use secrecy::SecretString;

type InMemory = HashMap<String, (SecretString, AgreedOrigins)>;

/// The machine's credentials, and those of this run.
pub struct SessionCredentials {
    machine: Arc<dyn Credentials>,
    /// By account. A lock, since engines read it from threads of their own through [`Credentials`].
    in_memory: Mutex<InMemory>,
}

impl SessionCredentials {
    /// On this machine.
    pub fn new(machine: Arc<dyn Credentials>) -> Self {
        Self { machine, in_memory: Mutex::default() }
    }

    /// Stores a secret; false if it is kept only until the program ends. May block on the keychain.
    pub fn store_or_keep_in_memory(&self, account: &str, secret: &SecretString, agreed: &AgreedOrigins) -> bool {
        match self.machine.keep(account, secret, agreed) {
            Ok(()) => {
                self.in_memory().remove(account);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the secret is kept in memory for this run only");
                self.in_memory().insert(account.to_owned(), (secret.clone(), agreed.clone()));
                false
            }
        }
    }

    fn in_memory(&self) -> MutexGuard<'_, InMemory> {
        // A panic elsewhere leaves the map as good as it was.
        self.in_memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credentials for SessionCredentials {
    fn secret(&self, account: &str, mode: AuthMode) -> Result<Option<StoredSecret>, CredentialError> {
        if let Some((secret, agreed)) = self.in_memory().get(account).cloned() {
            return Ok(Some(StoredSecret::kept(Secret::of_stored(secret, mode), agreed)));
        }
        self.machine.secret(account, mode)
    }

    fn keep(&self, account: &str, secret: &SecretString, agreed: &AgreedOrigins) -> Result<(), CredentialError> {
        self.store_or_keep_in_memory(account, secret, agreed);
        Ok(())
    }

    fn forget(&self, account: &str) -> Result<(), CredentialError> {
        let was_in_memory = self.in_memory().remove(account).is_some();
        match self.machine.forget(account) {
            // The keychain would not take the secret, so it holds none of this run.
            Err(CredentialError::Unavailable(_) | CredentialError::Locked(_)) if was_in_memory => Ok(()),
            forgotten => forgotten,
        }
    }
}

impl fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCredentials").finish_non_exhaustive()
    }
}
