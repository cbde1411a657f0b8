//! Where the secret of an account is read from and kept.
//!
//! Read in this order: what the environment gave (`BELFRY_TOKEN`), the file given with `--token-file`, the OS keychain.
//! Only the keychain is written. Deliberately absent: a plain-text fall-back on disk; without a keychain the person is
//! told so. Invariants: no secret is in an error or a log; a token file that others can read is refused, not used.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use engine::ports::{CredentialError, Credentials};
use keyring::v1::{Entry, Error as KeychainError};
use secrecy::{ExposeSecret, SecretString};

/// Environment variable with the token, for headless use and tests.
pub const TOKEN_VARIABLE: &str = "BELFRY_TOKEN";
/// Under which name the keychain lists our entries.
const SERVICE: &str = "app.belfry.desktop";
/// Longest token file read, in bytes; the longest tokens in use are a few thousand.
const MAX_TOKEN_FILE: u64 = 64 * 1024;

/// The engine's [`Credentials`] on this machine.
#[derive(Debug)]
pub struct MachineCredentials {
    given: Option<SecretString>,
    token_file: Option<PathBuf>,
}

impl MachineCredentials {
    /// `given` comes before everything else, `token_file` before the keychain.
    pub fn new(given: Option<SecretString>, token_file: Option<PathBuf>) -> Self {
        Self { given, token_file }
    }

    /// As [`new`](Self::new), with what [`TOKEN_VARIABLE`] holds; empty counts as not set.
    pub fn from_environment(token_file: Option<PathBuf>) -> Self {
        let given = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty()).map(SecretString::from);
        Self::new(given, token_file)
    }

    /// The token this run was given, by the environment or a file; `None` when it is left to the keychain.
    ///
    /// # Errors
    /// [`CredentialError::File`].
    pub fn given(&self) -> Result<Option<SecretString>, CredentialError> {
        match (&self.given, &self.token_file) {
            (Some(token), _) => Ok(Some(token.clone())),
            (None, Some(path)) => read_token_file(path).map(Some).map_err(CredentialError::File),
            (None, None) => Ok(None),
        }
    }
}

impl Credentials for MachineCredentials {
    fn token(&self, account: &str) -> Result<Option<SecretString>, CredentialError> {
        if let Some(token) = self.given()? {
            return Ok(Some(token));
        }
        match entry(account)?.get_password() {
            Ok(token) => Ok(Some(token.into())),
            Err(KeychainError::NoEntry) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn keep(&self, account: &str, token: &SecretString) -> Result<(), CredentialError> {
        entry(account)?.set_password(token.expose_secret()).map_err(|error| unavailable(&error))
    }

    fn forget(&self, account: &str) -> Result<(), CredentialError> {
        match entry(account)?.delete_credential() {
            Ok(()) | Err(KeychainError::NoEntry) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

fn entry(account: &str) -> Result<Entry, CredentialError> {
    Entry::new(SERVICE, account).map_err(|error| match (error, Entry::store_status()) {
        (KeychainError::NoDefaultStore, Err(cause)) => unavailable(cause),
        (error, _) => unavailable(&error),
    })
}

fn unavailable(error: &KeychainError) -> CredentialError {
    let remedy = match error {
        KeychainError::NoStorageAccess(_) => "unlock it and try again",
        KeychainError::TooLong(..) => "the token is too long for this system's keychain; give it with --token-file",
        _ => {
            "start the system's keychain service (on Linux gnome-keyring or KWallet), or give the token with --token-file"
        }
    };
    CredentialError::Unavailable(format!("{error}; {remedy}"))
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

    fn token_of(credentials: &MachineCredentials) -> Result<String, String> {
        match credentials.token("alice@push.example.com") {
            Ok(Some(token)) => Ok(token.expose_secret().to_owned()),
            Ok(None) => Err("no token".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_environment_comes_before_the_file() {
        let (_folder, path) = file_with(b"from-file");
        let credentials = MachineCredentials::new(Some("from-environment".into()), Some(path));
        assert_eq!(token_of(&credentials).unwrap(), "from-environment");
    }

    #[test]
    fn a_token_file_gives_its_content_without_the_line_end() {
        let (_folder, path) = file_with(b" secret with spaces \r\n");
        assert_eq!(token_of(&MachineCredentials::new(None, Some(path))).unwrap(), " secret with spaces ");
    }

    #[cfg(unix)]
    #[test]
    fn a_token_file_that_group_or_others_can_read_is_refused_with_the_remedy() {
        for mode in [0o640, 0o604, 0o660, 0o644] {
            let (_folder, path) = file_with(b"secret-value");
            permit(&path, mode);
            let error = token_of(&MachineCredentials::new(None, Some(path))).unwrap_err();
            assert!(error.contains("chmod 600"), "{error}");
            assert!(!error.contains("secret-value"), "{error}");
        }
    }

    #[test]
    fn an_empty_missing_large_or_binary_token_file_says_what_is_wrong() {
        let (_folder, path) = file_with(b"\n");
        assert!(token_of(&MachineCredentials::new(None, Some(path.clone()))).unwrap_err().contains("is empty"));
        fs::write(&path, vec![b'x'; 70_000]).unwrap();
        assert!(token_of(&MachineCredentials::new(None, Some(path.clone()))).unwrap_err().contains("larger than"));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(token_of(&MachineCredentials::new(None, Some(path.clone()))).unwrap_err().contains("cannot read"));
        fs::remove_file(&path).unwrap();
        assert!(token_of(&MachineCredentials::new(None, Some(path))).unwrap_err().contains("cannot read"));
    }

    #[test]
    fn debug_shows_no_token() {
        let credentials = MachineCredentials::new(Some("hunter2".into()), None);
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}
