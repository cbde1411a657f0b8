//! Windows: the Credential Manager, which stores up to 1,280 UTF-16 units per entry.

use std::sync::Arc;

use keyring_core::{CredentialStore, Result};

/// The Credential Manager.
///
/// # Errors
/// The error of the system.
pub(super) fn open() -> Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}
