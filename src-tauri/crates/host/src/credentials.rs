//! Where the secret of an account is read from and kept.
//!
//! Read in this order: a token that the environment gave (`BELFRY_TOKEN`), the file given with `--token-file`, in mode
//! `password` what the environment gave as that (`BELFRY_PASSWORD`), the OS keychain. A secret too long for every keychain is
//! [`sealed`] in a file whose key is in the keychain.
//! Deliberately absent: a plain-text fall-back on disk; without a keychain the person is told so. Invariants: no secret is
//! in an error or a log; a token file that others can read is refused, not used; the keychain is asked anew each time, so
//! one that is started or unlocked later needs no restart.

mod sealed;
#[cfg(target_os = "linux")]
#[path = "credentials/linux.rs"]
mod store;
#[cfg(target_os = "macos")]
#[path = "credentials/macos.rs"]
mod store;
#[cfg(target_os = "windows")]
#[path = "credentials/windows.rs"]
mod store;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use belfry_core::account::Account;
use belfry_core::ports::{CredentialError, Credentials, Secret};
use belfry_core::settings::AuthMode;
use engine::runtime::data_dir::account_dir;
use keyring_core::{Entry, Error as KeychainError};
use secrecy::{ExposeSecret, SecretString};

/// Environment variable with the token, for headless use and tests.
pub const TOKEN_VARIABLE: &str = "BELFRY_TOKEN";
/// Environment variable with the password, for headless use and tests; of use in mode `password` alone.
pub const PASSWORD_VARIABLE: &str = "BELFRY_PASSWORD";
/// Under which name the keychain lists our entries.
const SERVICE: &str = "app.belfry.desktop";
/// Longest token file read, in bytes; the longest tokens in use are a few thousand.
const MAX_TOKEN_FILE: u64 = 64 * 1024;
/// Longest token that every keychain holds, in UTF-16 units: Windows' 2,560 bytes (`CRED_MAX_CREDENTIAL_BLOB_SIZE`).
const LONGEST_IN_KEYCHAIN: usize = 1_280;

/// The engine's [`Credentials`] on this machine.
#[derive(Debug)]
pub struct MachineCredentials {
    token: Option<SecretString>,
    password: Option<SecretString>,
    token_file: Option<PathBuf>,
    data_dir: PathBuf,
}

impl MachineCredentials {
    /// What [`TOKEN_VARIABLE`] and [`PASSWORD_VARIABLE`] hold, where empty counts as not set, then `token_file`, then the
    /// keychain; long secrets are sealed in `data_dir`.
    pub fn from_environment(token_file: Option<PathBuf>, data_dir: PathBuf) -> Self {
        let given = |variable| std::env::var(variable).ok().filter(|it| !it.is_empty()).map(SecretString::from);
        Self { token: given(TOKEN_VARIABLE), password: given(PASSWORD_VARIABLE), token_file, data_dir }
    }

    /// The secret this run was given, by the environment or a file; `None` when it is left to the keychain.
    ///
    /// # Errors
    /// [`CredentialError::File`].
    pub fn given(&self, mode: AuthMode) -> Result<Option<Secret>, CredentialError> {
        match (&self.token, &self.token_file) {
            (Some(token), _) => Ok(Some(Secret::Token(token.clone()))),
            (None, Some(path)) => {
                read_token_file(path).map(|it| Some(Secret::Token(it))).map_err(CredentialError::File)
            }
            (None, None) if mode == AuthMode::Password => Ok(self.password.clone().map(Secret::Password)),
            (None, None) => Ok(None),
        }
    }

    /// Where the account's long token is sealed.
    fn folder(&self, account: &str) -> Result<PathBuf, CredentialError> {
        let of_name = Account::of_name(account).map(|account| account_dir(&self.data_dir, &account));
        of_name.ok_or_else(|| CredentialError::File(format!("{account} is no account's name")))
    }
}

impl Credentials for MachineCredentials {
    fn secret(&self, account: &str, mode: AuthMode) -> Result<Option<Secret>, CredentialError> {
        if let Some(given) = self.given(mode)? {
            return Ok(Some(given));
        }
        let of_mode = match mode {
            AuthMode::Password => Secret::Password,
            AuthMode::Token | AuthMode::Oidc => Secret::Token,
        };
        let kept = match entry(account).and_then(|entry| entry.get_password()) {
            Ok(kept) => SecretString::from(kept),
            Err(KeychainError::NoEntry) => return Ok(None),
            Err(error) => return Err(unavailable(&error)),
        };
        if !sealed::is_key(kept.expose_secret()) {
            return Ok(Some(of_mode(kept)));
        }
        let folder = self.folder(account)?;
        let opened = sealed::open(&folder, account, &kept).map_err(|error| unsealed(&folder, &error))?;
        if opened.is_none() {
            tracing::warn!(folder = %folder.display(), "the sealed secret is gone or was changed; somebody has to sign in again");
        }
        Ok(opened.map(of_mode))
    }

    fn keep(&self, account: &str, secret: &SecretString) -> Result<(), CredentialError> {
        let text = secret.expose_secret();
        let is_short = text.encode_utf16().take(LONGEST_IN_KEYCHAIN + 1).count() <= LONGEST_IN_KEYCHAIN;
        let folder = self.folder(account)?;
        // First the keychain: without it nothing is written at all.
        let entry = entry(account).map_err(|error| unavailable(&error))?;
        let set = |kept: &SecretString| entry.set_password(kept.expose_secret()).map_err(|error| unavailable(&error));
        if is_short && !sealed::is_key(text) {
            set(secret)?;
            sealed::forget(&folder).map_err(|error| unsealed(&folder, &error))?;
        } else {
            let key = sealed::seal(&folder, account, secret).map_err(|error| unsealed(&folder, &error))?;
            set(&key).inspect_err(|_| drop(sealed::forget(&folder)))?;
        }
        Ok(())
    }

    fn forget(&self, account: &str) -> Result<(), CredentialError> {
        let folder = self.folder(account)?;
        sealed::forget(&folder).map_err(|error| unsealed(&folder, &error))?;
        match entry(account).and_then(|entry| entry.delete_credential()) {
            Ok(()) | Err(KeychainError::NoEntry) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

fn entry(account: &str) -> Result<Entry, KeychainError> {
    store::open()?.build(SERVICE, account, None)
}

fn unavailable(error: &KeychainError) -> CredentialError {
    match error {
        KeychainError::NoStorageAccess(cause) => CredentialError::Locked(cause.to_string()),
        _ => CredentialError::Unavailable(error.to_string()),
    }
}

fn unsealed(folder: &Path, error: &std::io::Error) -> CredentialError {
    CredentialError::File(format!(
        "{}: the sealed secret cannot be used ({error}): allow Belfry to write there",
        folder.display()
    ))
}

/// The token in a file: all of it, without the line end that editors leave.
fn read_token_file(path: &Path) -> Result<SecretString, String> {
    let name = path.display();
    let file = File::open(path).map_err(|error| format!("cannot read the token file {name}: {error}"))?;
    let metadata = file.metadata().map_err(|error| format!("cannot read the token file {name}: {error}"))?;
    if is_open_to_others(&metadata) {
        return Err(format!("the token file {name} can be read by others; run: chmod 600 {name}"));
    }
    if metadata.len() > MAX_TOKEN_FILE {
        return Err(format!("the token file {name} is larger than {MAX_TOKEN_FILE} bytes; is it the right file?"));
    }
    let mut text = String::new();
    file.take(MAX_TOKEN_FILE)
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot read the token file {name}: {error}"))?;
    let token = text.trim_end_matches(['\r', '\n']);
    if token.is_empty() {
        return Err(format!("the token file {name} is empty; put the token in it"));
    }
    Ok(SecretString::from(token))
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

/// A file in a Windows profile is its owner's alone unless somebody opened it; access lists are not read here.
#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        MachineCredentials { token: None, password: None, token_file: Some(path), data_dir: PathBuf::new() }
    }

    fn token_of(credentials: &MachineCredentials) -> Result<String, String> {
        match credentials.secret("alice@push.example.com", AuthMode::Password) {
            Ok(Some(Secret::Token(token))) => Ok(token.expose_secret().to_owned()),
            Ok(Some(Secret::Password(_)) | None) => Err("no token".to_owned()),
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
    fn a_password_is_of_use_where_a_password_is_wanted_and_after_any_token() {
        let (_folder, path) = file_with(b"from-file");
        let credentials = MachineCredentials { password: Some("hunter2".into()), ..from_file(path) };
        assert_eq!(token_of(&credentials).unwrap(), "from-file");
        let credentials = MachineCredentials { token_file: None, ..credentials };
        assert!(matches!(credentials.given(AuthMode::Password), Ok(Some(Secret::Password(_)))));
        assert!(matches!(credentials.given(AuthMode::Token), Ok(None)));
    }

    #[test]
    fn a_token_file_gives_its_content_without_the_line_end() {
        let (_folder, path) = file_with(b" secret with spaces \r\n");
        assert_eq!(token_of(&from_file(path)).unwrap(), " secret with spaces ");
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
    fn an_empty_missing_large_or_binary_token_file_says_what_is_wrong() {
        let (_folder, path) = file_with(b"\n");
        assert!(token_of(&from_file(path.clone())).unwrap_err().contains("is empty"));
        fs::write(&path, vec![b'x'; 70_000]).unwrap();
        assert!(token_of(&from_file(path.clone())).unwrap_err().contains("larger than"));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(token_of(&from_file(path.clone())).unwrap_err().contains("cannot read"));
        fs::remove_file(&path).unwrap();
        assert!(token_of(&from_file(path)).unwrap_err().contains("cannot read"));
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
