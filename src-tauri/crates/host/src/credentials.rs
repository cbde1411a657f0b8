//! Where the secret of an account is read from and stored.
//!
//! The first of these that is set is used: the environment variable `BELFRY_TOKEN`, the file given
//! with `--token-file`, in mode `password` the environment variable `BELFRY_PASSWORD`, the OS
//! keychain. A secret that is too long for some keychain is [encrypted](encrypted_token) in a file
//! whose key is in the keychain. Deliberately absent: a plain-text fall-back on disk; without a
//! keychain Belfry says so. Invariants: no secret is in an error or a log; a token file that others
//! can read is refused; a secret of the environment is not handed on to child processes
//! ([`take_environment`]); every access opens the keychain again, so that one that is started or
//! unlocked later needs no restart.

mod encrypted_token;
mod entry;
#[cfg(target_os = "linux")]
#[path = "credentials/linux.rs"]
mod keychain;
#[cfg(target_os = "macos")]
#[path = "credentials/macos.rs"]
mod keychain;
#[cfg(target_os = "windows")]
#[path = "credentials/windows.rs"]
mod keychain;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use belfry_core::account::Account;
use belfry_core::ports::{CredentialError, Credentials, ProvidedAgreement, Secret, StoredSecret};
use belfry_core::settings::AuthMode;
use belfry_core::settings::origins::AgreedOrigins;
use engine::runtime::data_dir::account_dir;
use keyring_core::{Entry, Error as KeychainError};
use secrecy::{ExposeSecret, SecretString};

/// Environment variable with the token, for headless use and tests.
pub const TOKEN_VARIABLE: &str = "BELFRY_TOKEN";
/// Environment variable with the password, for headless use and tests; read only in mode
/// `password`.
pub const PASSWORD_VARIABLE: &str = "BELFRY_PASSWORD";
/// The service name of our entries in the keychain.
const SERVICE: &str = "app.belfry.desktop";
/// Longest secret accepted from a file or from standard input, in bytes; the longest tokens in use
/// have a few thousand.
pub const MAX_SECRET_BYTES: u64 = 64 * 1024;
/// Longest secret that every keychain can store, in UTF-16 units: Windows' 2,560 bytes
/// (`CRED_MAX_CREDENTIAL_BLOB_SIZE`).
const MAX_KEYCHAIN_UNITS: usize = 1_280;

/// What [`take_environment`] has taken.
static TAKEN: OnceLock<Environment> = OnceLock::new();

/// The secrets that the environment provides; an empty variable counts as not set.
#[derive(Debug, Clone, Default)]
struct Environment {
    token: Option<SecretString>,
    password: Option<SecretString>,
}

impl Environment {
    fn read() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|it| !it.is_empty()).map(SecretString::from);
        Self { token: variable(TOKEN_VARIABLE), password: variable(PASSWORD_VARIABLE) }
    }
}

/// Takes [`TOKEN_VARIABLE`] and [`PASSWORD_VARIABLE`] out of the environment of this process, so
/// that no child process inherits them: the browser that opens a link, the processes of the web
/// view, a session bus that is started on demand. [`MachineCredentials::from_environment`] uses what
/// was taken.
///
/// # Safety
/// No other thread may run yet: it could read the environment meanwhile.
#[allow(unsafe_code)]
pub unsafe fn take_environment() {
    TAKEN.get_or_init(Environment::read);
    for name in [TOKEN_VARIABLE, PASSWORD_VARIABLE] {
        // SAFETY: the caller promises that there is no other thread.
        unsafe { std::env::remove_var(name) };
    }
}

/// The engine's [`Credentials`] port on this machine.
#[derive(Debug)]
pub struct MachineCredentials {
    token: Option<SecretString>,
    password: Option<SecretString>,
    token_file: Option<PathBuf>,
    data_dir: PathBuf,
    agreement: ProvidedAgreement,
}

impl MachineCredentials {
    /// With what [`take_environment`] has taken, or reads [`TOKEN_VARIABLE`] and
    /// [`PASSWORD_VARIABLE`]. Long secrets are encrypted in `data_dir`.
    pub fn from_environment(token_file: Option<PathBuf>, data_dir: PathBuf) -> Self {
        let Environment { token, password } = TAKEN.get().cloned().unwrap_or_else(Environment::read);
        Self { token, password, token_file, data_dir, agreement: ProvidedAgreement::default() }
    }

    /// The secret from the environment or from the token file; `None` if neither was provided, so
    /// that the keychain is used.
    ///
    /// # Errors
    /// [`CredentialError::File`].
    pub fn provided(&self, mode: AuthMode) -> Result<Option<Secret>, CredentialError> {
        match (&self.token, &self.token_file) {
            (Some(token), _) => Ok(Some(Secret::Token(token.clone()))),
            (None, Some(path)) => {
                read_token_file(path).map(|it| Some(Secret::Token(it))).map_err(CredentialError::File)
            }
            (None, None) if mode == AuthMode::Password => Ok(self.password.clone().map(Secret::Password)),
            (None, None) => Ok(None),
        }
    }

    /// The folder of the account's encrypted token.
    fn account_folder(&self, account: &str) -> Result<PathBuf, CredentialError> {
        let account_dir = Account::of_name(account).map(|account| account_dir(&self.data_dir, &account));
        account_dir.ok_or_else(|| CredentialError::File(format!("{account} is not the name of an account")))
    }
}

impl Credentials for MachineCredentials {
    fn secret(&self, account: &str, mode: AuthMode) -> Result<Option<StoredSecret>, CredentialError> {
        if let Some(provided) = self.provided(mode)? {
            return Ok(Some(StoredSecret::provided(provided, &self.agreement)));
        }
        let of_entry = |text: &SecretString| {
            let (secret, agreed) = entry::read(text);
            StoredSecret::kept(Secret::of_stored(secret, mode), agreed)
        };
        let stored = match keychain_entry(account).and_then(|entry| entry.get_password()) {
            Ok(stored) => SecretString::from(stored),
            Err(KeychainError::NoEntry) => return Ok(None),
            Err(error) => return Err(keychain_error(&error)),
        };
        if !encrypted_token::is_key(stored.expose_secret()) {
            return Ok(Some(of_entry(&stored)));
        }
        let folder = self.account_folder(account)?;
        let decrypted =
            encrypted_token::decrypt(&folder, account, &stored).map_err(|error| file_error(&folder, &error))?;
        if decrypted.is_none() {
            tracing::warn!(folder = %folder.display(), "the encrypted token is missing or was changed; sign in again");
        }
        Ok(decrypted.as_ref().map(of_entry))
    }

    fn keep(&self, account: &str, secret: &SecretString, agreed: &AgreedOrigins) -> Result<(), CredentialError> {
        let content = entry::write(secret, agreed);
        let text = content.expose_secret();
        let fits_keychain = text.encode_utf16().take(MAX_KEYCHAIN_UNITS + 1).count() <= MAX_KEYCHAIN_UNITS;
        let folder = self.account_folder(account)?;
        // The keychain comes first: without one nothing is written.
        let entry = keychain_entry(account).map_err(|error| keychain_error(&error))?;
        let store =
            |value: &SecretString| entry.set_password(value.expose_secret()).map_err(|error| keychain_error(&error));
        if fits_keychain {
            store(&content)?;
            encrypted_token::remove(&folder).map_err(|error| file_error(&folder, &error))?;
        } else {
            let key =
                encrypted_token::encrypt(&folder, account, &content).map_err(|error| file_error(&folder, &error))?;
            store(&key).inspect_err(|_| drop(encrypted_token::remove(&folder)))?;
        }
        Ok(())
    }

    fn forget(&self, account: &str) -> Result<(), CredentialError> {
        let folder = self.account_folder(account)?;
        encrypted_token::remove(&folder).map_err(|error| file_error(&folder, &error))?;
        match keychain_entry(account).and_then(|entry| entry.delete_credential()) {
            Ok(()) | Err(KeychainError::NoEntry) => Ok(()),
            Err(error) => Err(keychain_error(&error)),
        }
    }
}

fn keychain_entry(account: &str) -> Result<Entry, KeychainError> {
    keychain::open()?.build(SERVICE, account, None)
}

fn keychain_error(error: &KeychainError) -> CredentialError {
    if let KeychainError::NoStorageAccess(cause) = error {
        return CredentialError::Locked(cause.to_string());
    }
    CredentialError::Unavailable(error.to_string())
}

fn file_error(folder: &Path, error: &std::io::Error) -> CredentialError {
    CredentialError::File(format!(
        "{}: the encrypted token cannot be read or written ({error}): allow Belfry to write to this folder",
        folder.display()
    ))
}

/// The token in a file: the whole content without the line end and the byte order mark that editors
/// add.
fn read_token_file(path: &Path) -> Result<SecretString, String> {
    let name = path.display();
    let file = File::open(path).map_err(|error| format!("cannot read the token file {name}: {error}"))?;
    let metadata = file.metadata().map_err(|error| format!("cannot read the token file {name}: {error}"))?;
    if metadata.is_dir() {
        return Err(format!("{name} is a folder: give the file that contains the token"));
    }
    if is_open_to_others(&metadata) {
        return Err(format!("other users can read the token file {name}: run chmod 600 {name}"));
    }
    if metadata.len() > MAX_SECRET_BYTES {
        return Err(format!(
            "the token file {name} is larger than {MAX_SECRET_BYTES} bytes: give the file that contains only the token"
        ));
    }
    let mut text = String::new();
    file.take(MAX_SECRET_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot read the token file {name}: {error}"))?;
    let token = text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
    if token.is_empty() {
        return Err(format!("the token file {name} is empty: write the token into it"));
    }
    Ok(SecretString::from(token))
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

/// Only its owner can read a file in a Windows profile, unless its access list was changed. Access
/// lists are not checked.
#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use belfry_core::settings::Settings;

    use super::*;

    fn file_with(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, content).unwrap();
        #[cfg(unix)]
        permit(&path, 0o600);
        (folder, path)
    }

    #[cfg(unix)]
    fn permit(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn from_file(path: PathBuf) -> MachineCredentials {
        let (data_dir, agreement) = (PathBuf::new(), ProvidedAgreement::default());
        MachineCredentials { token: None, password: None, token_file: Some(path), data_dir, agreement }
    }

    fn token_of(credentials: &MachineCredentials) -> Result<String, String> {
        let stored = credentials.secret("alice@push.example.com", AuthMode::Password);
        match stored.map(|stored| stored.map(|stored| stored.for_settings(&Settings::default()).unwrap())) {
            Ok(Some(Secret::Token(token))) => Ok(token.expose_secret().to_owned()),
            Ok(Some(Secret::Password(_) | Secret::Oidc(_)) | None) => Err("no token".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_environment_comes_before_the_file() {
        let (_folder, path) = file_with(b"from-file");
        let credentials = MachineCredentials { token: Some("from-environment".into()), ..from_file(path) };
        assert_eq!(token_of(&credentials).unwrap(), "from-environment");
    }

    #[test]
    fn a_password_is_used_only_in_mode_password_and_after_any_token() {
        let (_folder, path) = file_with(b"from-file");
        let credentials = MachineCredentials { password: Some("hunter2".into()), ..from_file(path) };
        assert_eq!(token_of(&credentials).unwrap(), "from-file");
        let credentials = MachineCredentials { token_file: None, ..credentials };
        assert!(matches!(credentials.provided(AuthMode::Password), Ok(Some(Secret::Password(_)))));
        assert!(matches!(credentials.provided(AuthMode::Token), Ok(None)));
    }

    #[test]
    fn a_secret_from_a_file_is_agreed_for_the_settings_it_is_first_used_with_and_no_other_origin() {
        let (_folder, path) = file_with(b"from-file");
        let credentials = from_file(path);
        let usable = |endpoint: &str| {
            let settings = Settings::parse(&format!("server.endpoints = [\"{endpoint}\"]"), "s").unwrap().0;
            let stored = credentials.secret("alice@https://push.example.com", AuthMode::Token).unwrap().unwrap();
            stored.for_settings(&settings).map(drop).map_err(|not_agreed| not_agreed.hosts())
        };
        assert_eq!(usable("wss://push.example.com/ws"), Ok(()));
        assert_eq!(usable("wss://push.example.com/other"), Ok(()));
        assert_eq!(usable("wss://evil.example.net/ws"), Err("evil.example.net (server.endpoints)".to_owned()));
    }

    #[test]
    fn a_token_file_gives_its_content_without_the_line_end_and_the_byte_order_mark() {
        for content in [" secret with spaces \r\n", "\u{feff} secret with spaces \n"] {
            let (_folder, path) = file_with(content.as_bytes());
            assert_eq!(token_of(&from_file(path)).unwrap(), " secret with spaces ");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_token_file_that_group_or_others_can_read_is_refused_with_the_remedy() {
        for mode in [0o640, 0o604, 0o660, 0o644] {
            let (_folder, path) = file_with(b"secret-value");
            permit(&path, mode);
            let error = token_of(&from_file(path)).unwrap_err();
            assert!(error.contains("chmod 600"), "{error}");
            assert!(!error.contains("secret-value"), "{error}");
        }
    }

    #[test]
    fn the_error_of_an_empty_missing_large_or_binary_token_file_says_what_is_wrong() {
        let (folder, path) = file_with(b"\n");
        assert!(token_of(&from_file(path.clone())).unwrap_err().contains("is empty"));
        fs::write(&path, vec![b'x'; 70_000]).unwrap();
        assert!(token_of(&from_file(path.clone())).unwrap_err().contains("larger than"));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(token_of(&from_file(path.clone())).unwrap_err().contains("cannot read"));
        fs::remove_file(&path).unwrap();
        assert!(token_of(&from_file(path)).unwrap_err().contains("cannot read"));
        let error = token_of(&from_file(folder.path().to_owned())).unwrap_err();
        assert!(error.contains("is a folder") && !error.contains("chmod"), "{error}");
    }

    #[test]
    fn debug_shows_no_token() {
        let credentials = MachineCredentials {
            token: Some("hunter2".into()),
            password: Some("hunter2".into()),
            ..from_file(PathBuf::new())
        };
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}
