//! A token too long for a keychain, in a file encrypted with a key that is in the keychain
//! (ChaCha20-Poly1305, RFC 8439).
//!
//! Each encryption makes a new key, so no key is used for two tokens. Deliberately absent: the
//! keychain itself. Invariants: a reader sees the old file or the new one, never a part; only its
//! owner can read it; without the key it reveals only the token's length.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use data_encoding::BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

/// Name of the file in the account's folder.
const FILE_NAME: &str = "token.sealed";
/// Prefix of a key in the keychain, which distinguishes it from a token. The number is the version
/// of the file format.
const KEY_PREFIX: &str = "belfry-key-1:";
const KEY_BYTES: usize = 32;

/// Whether the text in a keychain is such a key and not a token.
pub(super) fn is_key(text: &str) -> bool {
    text.starts_with(KEY_PREFIX)
}

/// Writes the token into `folder`, encrypted for this account, and returns the key to store in the
/// keychain.
///
/// # Errors
/// The file cannot be written, or the system has no random numbers.
pub(super) fn encrypt(folder: &Path, account: &str, token: &SecretString) -> io::Result<SecretString> {
    let failed = || io::Error::other("the system gives no random numbers");
    let random = SystemRandom::new();
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    let mut nonce = [0_u8; NONCE_LEN];
    random.fill(key.as_mut()).and_then(|()| random.fill(&mut nonce)).map_err(|_| failed())?;
    let mut encrypted = nonce.to_vec();
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
    encrypted.extend_from_slice(&text);
    encrypted.extend_from_slice(tag.as_ref());
    write(folder, &encrypted)?;
    Ok(SecretString::from(format!("{KEY_PREFIX}{}", BASE64.encode(key.as_ref()))))
}

/// The token in `folder`, decrypted with the key from the keychain; `None` if there is no file, or
/// if it was encrypted with another key or for another account.
///
/// # Errors
/// The file cannot be read.
pub(super) fn decrypt(folder: &Path, account: &str, key: &SecretString) -> io::Result<Option<SecretString>> {
    let mut encrypted = match fs::read(folder.join(FILE_NAME)) {
        Ok(encrypted) => Zeroizing::new(encrypted),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let key = key.expose_secret().strip_prefix(KEY_PREFIX).and_then(|text| BASE64.decode(text.as_bytes()).ok());
    let decrypted = || {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &Zeroizing::new(key?)).ok()?;
        let (nonce, text) = encrypted.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = LessSafeKey::new(key).open_in_place(nonce, Aad::from(account.as_bytes()), text).ok()?;
        std::str::from_utf8(text).ok().map(SecretString::from)
    };
    Ok(decrypted())
}

/// Removes the file, if there is one.
///
/// # Errors
/// It cannot be removed.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(FILE_NAME)) {
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
    let temporary = folder.join("token.sealed.new");
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, folder.join(FILE_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "alice@https://push.example.com";

    #[test]
    fn an_encrypted_token_is_decrypted_with_its_key_and_is_nowhere_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let token = SecretString::from("eyJ".repeat(3_000));
        let key = encrypt(folder.path(), ALICE, &token).unwrap();
        assert!(is_key(key.expose_secret()) && key.expose_secret().len() < 100);
        let decrypted = decrypt(folder.path(), ALICE, &key).unwrap().unwrap();
        assert_eq!(decrypted.expose_secret(), token.expose_secret());
        let bytes = fs::read(folder.path().join(FILE_NAME)).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"eyJeyJeyJ"));
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE_NAME]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        encrypt(folder.path(), ALICE, &"x".into()).unwrap();
        assert_eq!(fs::metadata(folder.path().join(FILE_NAME)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn another_key_another_account_or_a_changed_byte_decrypts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let old = encrypt(folder.path(), ALICE, &"old".into()).unwrap();
        let key = encrypt(folder.path(), ALICE, &"new".into()).unwrap();
        let decrypts = |account: &str, key: &SecretString| decrypt(folder.path(), account, key).unwrap().is_some();
        assert!(decrypts(ALICE, &key));
        assert!(!decrypts(ALICE, &old));
        assert!(!decrypts("bob@https://push.example.com", &key));
        assert!(!decrypts(ALICE, &"belfry-key-1:AAAA".into()) && !decrypts(ALICE, &"belfry-key-1:!".into()));
        let path = folder.path().join(FILE_NAME);
        let whole = fs::read(&path).unwrap();
        for index in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[index] ^= 1;
            fs::write(&path, bytes).unwrap();
            assert!(!decrypts(ALICE, &key), "byte {index}");
        }
        fs::write(&path, b"short").unwrap();
        assert!(!decrypts(ALICE, &key));
        remove(folder.path()).unwrap();
        assert!(!decrypts(ALICE, &key));
        remove(folder.path()).unwrap();
    }
}
