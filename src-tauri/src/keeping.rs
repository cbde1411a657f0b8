//! Where the secret is kept: in the keychain, or, where there is none, for as long as the program runs.
//!
//! Deliberately absent: any place on disk. Invariant: what the keychain would not take is held in memory only, and given to
//! nobody but the engine.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use belfry_core::ports::{CredentialError, Credentials, Secret};
use belfry_core::settings::AuthMode;
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

    /// Keeps a secret; false if only until the program ends.
    pub(crate) fn keep_or_hold(&self, account: &str, secret: &SecretString) -> bool {
        match self.machine.keep(account, secret) {
            Ok(()) => {
                self.held().remove(account);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the secret is held for this run only");
                self.held().insert(account.to_owned(), secret.clone());
                false
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, SecretString>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credentials for Keeping {
    fn secret(&self, account: &str, mode: AuthMode) -> Result<Option<Secret>, CredentialError> {
        if let Some(held) = self.held().get(account) {
            let held = held.clone();
            return Ok(Some(if mode == AuthMode::Password { Secret::Password(held) } else { Secret::Token(held) }));
        }
        self.machine.secret(account, mode)
    }

    fn keep(&self, account: &str, secret: &SecretString) -> Result<(), CredentialError> {
        self.held().remove(account);
        self.machine.keep(account, secret)
    }

    fn forget(&self, account: &str) -> Result<(), CredentialError> {
        let was_held = self.held().remove(account).is_some();
        match self.machine.forget(account) {
            // It would not take the secret, so it has none of this run.
            Err(CredentialError::Unavailable(_) | CredentialError::Locked(_)) if was_held => Ok(()),
            forgotten => forgotten,
        }
    }
}
