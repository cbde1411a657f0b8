//! Linux: the Secret Service of the session (gnome-keyring, KWallet, KeePassXC).

use std::sync::Arc;

use keyring_core::{CredentialStore, Result};

/// Connects to the service, once for every use, so that a service that starts later is found.
///
/// # Errors
/// There is no session bus, or no such service on it.
pub(super) fn open() -> Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}
