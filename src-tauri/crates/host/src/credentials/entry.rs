//! What an entry of the keychain holds: the secret, and the origins that the person has agreed to
//! send it to, as one line of text.
//!
//! Invariant: what was written by an earlier version, a secret alone, is read as one without any
//! agreed origin, so that the person signs in again before it is sent.

use belfry_core::settings::origins::AgreedOrigins;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// Prefix of an entry. The number is the version of its format.
const PREFIX: &str = "belfry-secret-1:";

#[derive(Serialize)]
struct Written<'a> {
    secret: &'a str,
    agreed: &'a AgreedOrigins,
}

#[derive(Deserialize)]
struct Read {
    secret: String,
    agreed: AgreedOrigins,
}

/// The text of an entry.
pub(super) fn write(secret: &SecretString, agreed: &AgreedOrigins) -> SecretString {
    let written = Written { secret: secret.expose_secret(), agreed };
    // Texts always have a form in JSON.
    let json = serde_json::to_string(&written).unwrap_or_default();
    SecretString::from(format!("{PREFIX}{json}"))
}

/// The secret in an entry, with its origins.
pub(super) fn read(text: &SecretString) -> (SecretString, AgreedOrigins) {
    let json = text.expose_secret().strip_prefix(PREFIX);
    match json.and_then(|json| serde_json::from_str::<Read>(json).ok()) {
        Some(read) => (read.secret.into(), read.agreed),
        None => (text.clone(), AgreedOrigins::default()),
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::settings::Settings;

    use super::*;

    #[test]
    fn an_entry_gives_back_the_secret_and_its_origins_and_a_secret_alone_has_none() {
        let settings = Settings::parse("server.endpoints = [\"wss://push.example.com/ws\"]", "s").unwrap().0;
        let agreed = AgreedOrigins::of(&settings);
        for secret in ["token", "", "quoted \" \\ \n 令牌", "belfry-key-1:AAAA", "belfry-secret-1:{}"] {
            let (found, origins) = read(&write(&secret.into(), &agreed));
            assert_eq!((found.expose_secret(), &origins), (secret, &agreed));
        }
        let (found, origins) = read(&"written by an earlier version".into());
        assert_eq!(found.expose_secret(), "written by an earlier version");
        assert!(!origins.missing(&settings).is_empty());
    }
}
