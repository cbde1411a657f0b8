//! A token too long for a keychain, in a file that only a key in the keychain opens (ChaCha20-Poly1305, RFC 8439).
//!
//! Each sealing draws a new key, so no key ever meets two tokens. Deliberately absent: the keychain itself. Invariants: a
//! reader sees the old file or the new one, never a part; only its owner can read it; without the key it says nothing but
//! the token's length.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use data_encoding::BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

/// Name of the file in the account's folder.
const FILE: &str = "token.sealed";
/// What a key in the keychain begins with, to be told from a token; the number is the file's format.
const PREFIX: &str = "belfry-key-1:";
const KEY: usize = 32;

/// Whether the text in a keychain is a key of ours.
pub(super) fn is_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Writes the token into `folder`, sealed for this account, and returns the key as it goes into the keychain.
///
/// # Errors
/// The file cannot be written, or the system has no random numbers.
pub(super) fn seal(folder: &Path, account: &str, token: &SecretString) -> io::Result<SecretString> {
    let failed = || io::Error::other("the system gives no random numbers");
    let random = SystemRandom::new();
    let mut key = Zeroizing::new([0_u8; KEY]);
    let mut nonce = [0_u8; NONCE_LEN];
    random.fill(key.as_mut()).and_then(|()| random.fill(&mut nonce)).map_err(|_| failed())?;
    let mut sealed = nonce.to_vec();
    let mut text = Zeroizing::new(token.expose_secret().as_bytes().to_vec());
    let tag = UnboundKey::new(&CHACHA20_POLY1305, key.as_ref())
        .and_then(|key| {
            LessSafeKey::new(key).seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(account.as_bytes()),
                &mut text,
            )
        })
        .map_err(|_| failed())?;
    sealed.extend_from_slice(&text);
    sealed.extend_from_slice(tag.as_ref());
    write(folder, &sealed)?;
    Ok(SecretString::from(format!("{PREFIX}{}", BASE64.encode(key.as_ref()))))
}

/// The token in `folder`, with the key from the keychain; `None` when there is no file, or another key or account closed it.
///
/// # Errors
/// The file cannot be read.
pub(super) fn open(folder: &Path, account: &str, key: &SecretString) -> io::Result<Option<SecretString>> {
    let mut sealed = match fs::read(folder.join(FILE)) {
        Ok(sealed) => Zeroizing::new(sealed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let key = key.expose_secret().strip_prefix(PREFIX).and_then(|text| BASE64.decode(text.as_bytes()).ok());
    let opened = || {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &Zeroizing::new(key?)).ok()?;
        let (nonce, text) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = LessSafeKey::new(key).open_in_place(nonce, Aad::from(account.as_bytes()), text).ok()?;
        std::str::from_utf8(text).ok().map(SecretString::from)
    };
    Ok(opened())
}

/// Removes the file; fine if there is none.
///
/// # Errors
/// It cannot be removed.
pub(super) fn forget(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    builder.create(folder)?;
    let beside = folder.join("token.sealed.new");
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "alice@https://push.example.com";

    #[test]
    fn a_sealed_token_comes_back_with_its_key_and_is_nowhere_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let token = SecretString::from("eyJ".repeat(3_000));
        let key = seal(folder.path(), ALICE, &token).unwrap();
        assert!(is_key(key.expose_secret()) && key.expose_secret().len() < 100);
        let opened = open(folder.path(), ALICE, &key).unwrap().unwrap();
        assert_eq!(opened.expose_secret(), token.expose_secret());
        let bytes = fs::read(folder.path().join(FILE)).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"eyJeyJeyJ"));
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        seal(folder.path(), ALICE, &"x".into()).unwrap();
        assert_eq!(fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn another_key_account_or_a_changed_byte_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let old = seal(folder.path(), ALICE, &"old".into()).unwrap();
        let key = seal(folder.path(), ALICE, &"new".into()).unwrap();
        let opens = |account: &str, key: &SecretString| open(folder.path(), account, key).unwrap().is_some();
        assert!(opens(ALICE, &key));
        assert!(!opens(ALICE, &old));
        assert!(!opens("bob@https://push.example.com", &key));
        assert!(!opens(ALICE, &"belfry-key-1:AAAA".into()) && !opens(ALICE, &"belfry-key-1:!".into()));
        let path = folder.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        for index in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[index] ^= 1;
            fs::write(&path, bytes).unwrap();
            assert!(!opens(ALICE, &key), "byte {index}");
        }
        fs::write(&path, b"short").unwrap();
        assert!(!opens(ALICE, &key));
        forget(folder.path()).unwrap();
        assert!(!opens(ALICE, &key));
        forget(folder.path()).unwrap();
    }
}
