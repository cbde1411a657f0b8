//! macOS: the login keychain.

use std::sync::Arc;

use keyring_core::{CredentialStore, Result};

/// The keychain.
///
/// # Errors
/// What the system says.
pub(super) fn open() -> Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}
