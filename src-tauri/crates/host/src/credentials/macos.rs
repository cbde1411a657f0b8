//! macOS: the login keychain.

use std::sync::Arc;

use keyring_core::{CredentialStore, Result};

/// The keychain.
///
/// # Errors
/// The error of the system.
pub(super) fn open() -> Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}
