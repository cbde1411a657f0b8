//! Linux: the Secret Service of the session (gnome-keyring, KWallet, KeePassXC).

use std::sync::Arc;

use keyring_core::{CredentialStore, Result};

/// A connection to the service, made anew for every use: one that starts or comes back later is found.
///
/// # Errors
/// There is no session bus, or no such service on it.
pub(super) fn open() -> Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}
