//! Where the token is kept: in the keychain, or, where there is none, for as long as the program runs.
//!
//! Deliberately absent: any place on disk. Invariant: what the keychain would not take is held in memory only, and given to
//! nobody but the engine.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::ports::{CredentialError, Credentials};
use host::credentials::MachineCredentials;
use secrecy::SecretString;

/// The machine's credentials, and those of this run.
#[derive(Debug)]
pub(crate) struct Keeping {
    machine: MachineCredentials,
    held: Mutex<HashMap<String, SecretString>>,
}

impl Keeping {
    /// On this machine.
    pub(crate) fn new(machine: MachineCredentials) -> Self {
        Self { machine, held: Mutex::default() }
    }

    /// The machine's own.
    pub(crate) fn machine(&self) -> &MachineCredentials {
        &self.machine
    }

    /// Keeps a token; false if only until the program ends.
    pub(crate) fn keep_or_hold(&self, account: &str, token: &SecretString) -> bool {
        match self.machine.keep(account, token) {
            Ok(()) => {
                self.held().remove(account);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the token is held for this run only");
                self.held().insert(account.to_owned(), token.clone());
                false
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, SecretString>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credentials for Keeping {
    fn token(&self, account: &str) -> Result<Option<SecretString>, CredentialError> {
        if let Some(token) = self.held().get(account) {
            return Ok(Some(token.clone()));
        }
        self.machine.token(account)
    }

    fn keep(&self, account: &str, token: &SecretString) -> Result<(), CredentialError> {
        self.held().remove(account);
        self.machine.keep(account, token)
    }

    fn forget(&self, account: &str) -> Result<(), CredentialError> {
        let was_held = self.held().remove(account).is_some();
        match self.machine.forget(account) {
            // It would not take the token, so it has none of this run.
            Err(CredentialError::Unavailable(_)) if was_held => Ok(()),
            forgotten => forgotten,
        }
    }
}
