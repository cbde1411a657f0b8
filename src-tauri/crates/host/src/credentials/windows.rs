//! Windows: the Credential Manager, which holds 1,280 UTF-16 units an entry.

use std::sync::Arc;

use keyring_core::{CredentialStore, Result};

/// The Credential Manager.
///
/// # Errors
/// What the system says.
pub(super) fn open() -> Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}
