//! Access and refresh tokens: random, kept as SHA-256 digests, removed when they expire.
//!
//! They are in the database, so that with `--data` people stay signed in over a restart.
//! Deliberately absent: signed tokens (JWT), which a company's identity provider makes.
//! Invariant: a token is never stored, logged or shown again after it was issued.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::random_token;
use crate::store::{Store, StoreError};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Calls and connections.
    Access,
    /// One exchange for a new pair.
    Refresh,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

impl Store {
    /// Makes a token for `login` that ends `lifetime` after `now`.
    pub(crate) fn issue_token(
        &mut self,
        login: &str,
        purpose: Purpose,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<String, StoreError> {
        let token = random_token(32);
        let lifetime = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        let expires = now.as_millisecond().saturating_add(lifetime);
        self.db.execute("DELETE FROM token WHERE expires_ms <= ?1", [now.as_millisecond()])?;
        self.db.execute(
            "INSERT INTO token (digest, login, purpose, expires_ms) VALUES (?1, ?2, ?3, ?4)",
            params![digest(&token), login, purpose.as_str(), expires],
        )?;
        Ok(token)
    }

    /// Whose token this is, if it is good at `now`, and until when.
    pub(crate) fn token_owner(
        &self,
        token: &str,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<(String, Timestamp)>, StoreError> {
        let found: Option<(String, i64)> = self
            .db
            .prepare_cached(
                "SELECT login, expires_ms FROM token WHERE digest = ?1 AND purpose = ?2 AND expires_ms > ?3",
            )?
            .query_row(params![digest(token), purpose.as_str(), now.as_millisecond()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        Ok(found.map(|(login, ends)| (login, Timestamp::from_millisecond(ends).unwrap_or(Timestamp::MAX))))
    }

    /// Ends a token.
    pub(crate) fn revoke_token(&mut self, token: &str) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM token WHERE digest = ?1", [digest(token)])?;
        Ok(())
    }
}

/// The digest under which a secret is kept or compared.
pub(crate) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_serves_its_purpose_until_it_expires() {
        let mut store = Store::open(None).unwrap();
        let now = Timestamp::now();
        let token = store.issue_token("alice", Purpose::Access, now, Duration::from_secs(60)).unwrap();
        let login = |purpose, at| store.token_owner(&token, purpose, at).unwrap().map(|(login, _)| login);
        assert_eq!(login(Purpose::Access, now).as_deref(), Some("alice"));
        assert_eq!(login(Purpose::Refresh, now), None);
        assert_eq!(login(Purpose::Access, now + Duration::from_secs(60)), None);
        assert_eq!(store.token_owner("guess", Purpose::Access, now).unwrap(), None);
    }

    #[test]
    fn a_revoked_token_is_good_for_nothing_and_a_stored_one_cannot_be_read() {
        let mut store = Store::open(None).unwrap();
        let now = Timestamp::now();
        let token = store.issue_token("alice", Purpose::Refresh, now, Duration::from_secs(60)).unwrap();
        let kept: Vec<u8> = store.db.query_row("SELECT digest FROM token", [], |row| row.get(0)).unwrap();
        assert_ne!(kept, token.as_bytes());
        store.revoke_token(&token).unwrap();
        assert_eq!(store.token_owner(&token, Purpose::Refresh, now).unwrap(), None);
    }
}
