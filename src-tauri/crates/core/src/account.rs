//! Whose inbox it is, and which machine this is.
//!
//! An account is an origin and a login: everything kept (database, credential) is kept under its
//! name, so two accounts never mix. Deliberately absent: the credential and the folder themselves.
//! Invariant: the same settings always give the same names, since a changed name would be an empty
//! inbox.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use rand::{Rng, RngExt};
use sha2::{Digest, Sha256};

use crate::settings::Settings;

/// Who is signed in, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    origin: String,
    login: String,
}

impl Account {
    /// The account that these settings name: the origin of `api.base` if set, else of the first
    /// endpoint, with `auth.login`. `None` without either; settings that were read from a file
    /// always have one.
    pub fn of(settings: &Settings) -> Option<Self> {
        let url = settings.api.base.as_ref().or(settings.server.endpoints.first())?;
        // A WebSocket and the API of one server are one origin.
        let scheme = match url.scheme() {
            "ws" | "http" => "http",
            _ => "https",
        };
        let host = url.host_str()?.to_ascii_lowercase();
        let port = match url.port() {
            Some(port) => format!(":{port}"),
            None => String::new(),
        };
        Some(Self { origin: format!("{scheme}://{host}{port}"), login: settings.auth.login.clone() })
    }

    /// Scheme, host and port, as `https://push.example.com`; the default port is left out.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// `auth.login`; may be empty.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// The stable name its credential is kept under, as `alice@https://push.example.com`.
    pub fn name(&self) -> String {
        format!("{}@{}", self.login, self.origin)
    }

    /// The account with this [`name`](Self::name).
    pub fn of_name(name: &str) -> Option<Self> {
        // A login may have an `@`, an origin has none.
        let (login, origin) = name.rsplit_once('@').filter(|(_, origin)| origin.contains("://"))?;
        Some(Self { origin: origin.to_owned(), login: login.to_owned() })
    }

    /// A folder name for its data, safe on every file system: a readable beginning and 10
    /// characters of hash, which tell apart what the beginning does not (case, other scripts, long
    /// names).
    pub fn dir_name(&self) -> String {
        let host = self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host);
        let readable = if self.login.is_empty() { host.to_owned() } else { format!("{}@{host}", self.login) };
        let slug: String = readable
            .chars()
            .take(48)
            .map(|c| if c.is_ascii_alphanumeric() || "@.-_".contains(c) { c.to_ascii_lowercase() } else { '_' })
            .collect();
        format!("{}-{}", slug.trim_start_matches('.'), base32_of_hash(&[&self.name()], 10))
    }
}

/// Names this machine to the server: 16 random characters of lower-case base32.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeviceId(String);

impl DeviceId {
    /// Takes the device id out of `stored`, what was kept last time, or makes a new one if there is
    /// none, if it cannot be read, or if it was kept on another machine: two machines with one id
    /// would take each other's messages.
    ///
    /// Returns the id and what to keep: one line, the id and a hash that binds it to `machine_id`
    /// without naming it.
    pub fn load_or_new(stored: Option<&str>, machine_id: &str, rng: &mut (impl Rng + ?Sized)) -> (Self, String) {
        let kept = stored.and_then(|line| {
            let (id, bound) = line.trim().split_once(' ')?;
            let is_id = id.len() == 16 && id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
            (is_id && bound == bound_to(id, machine_id)).then(|| id.to_owned())
        });
        let id = kept.unwrap_or_else(|| {
            let mut bytes = [0; 10];
            rng.fill(&mut bytes);
            BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
        });
        let line = format!("{id} {}\n", bound_to(&id, machine_id));
        (Self(id), line)
    }

    /// The 16 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn bound_to(id: &str, machine_id: &str) -> String {
    base32_of_hash(&[id, machine_id.trim()], 26)
}

/// The first `length` characters of the hash of the parts.
fn base32_of_hash(parts: &[&str], length: usize) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut text = BASE32_NOPAD.encode(&hash.finalize()).to_ascii_lowercase();
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::SmallRng};
    use url::Url;

    use super::*;

    fn account(base: Option<&str>, endpoint: &str, login: &str) -> Account {
        let mut settings = Settings::default();
        settings.server.endpoints = vec![Url::parse(endpoint).unwrap()];
        settings.api.base = base.map(|base| Url::parse(base).unwrap());
        login.clone_into(&mut settings.auth.login);
        Account::of(&settings).unwrap()
    }

    #[test]
    fn the_origin_is_that_of_the_api_else_of_the_first_endpoint() {
        let name = |base, endpoint| account(base, endpoint, "alice").name();
        assert_eq!(name(None, "wss://Push.Example.com/ws"), "alice@https://push.example.com");
        assert_eq!(name(None, "wss://push.example.com:443/other"), "alice@https://push.example.com");
        assert_eq!(name(None, "ws://127.0.0.1:15674/ws"), "alice@http://127.0.0.1:15674");
        assert_eq!(name(Some("https://api.example.com/ecgapi"), "wss://x/ws"), "alice@https://api.example.com");
        assert_eq!(name(None, "wss://[::1]:8443/ws"), "alice@https://[::1]:8443");
    }

    #[test]
    fn settings_without_a_server_have_no_account() {
        assert_eq!(Account::of(&Settings::default()), None);
    }

    #[test]
    fn folder_names_never_change() {
        assert_eq!(account(None, "wss://push.example.com/ws", "alice").dir_name(), "alice@push.example.com-7wpzdr4fw4");
    }

    proptest! {
        #[test]
        fn a_name_gives_its_account_back(login in "\\PC{0,20}") {
            let account = account(None, "wss://push.example.com:8443/ws", &login);
            prop_assert_eq!(Account::of_name(&account.name()), Some(account));
        }

        #[test]
        fn folder_names_are_safe_and_differ_for_different_logins(a in "\\PC{0,80}", b in "\\PC{0,80}") {
            let (one, other) = (account(None, "wss://h/ws", &a), account(None, "wss://h/ws", &b));
            for dir in [one.dir_name(), other.dir_name()] {
                prop_assert!(dir.len() <= 60 && !dir.starts_with('.'));
                prop_assert!(dir.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'@' | b'.' | b'-' | b'_')));
            }
            prop_assert_eq!(one.dir_name() == other.dir_name(), a == b);
        }

        #[test]
        fn no_stored_text_breaks_the_device_id(stored in "\\PC*", machine in "\\PC*", seed: u64) {
            let (id, line) = DeviceId::load_or_new(Some(&stored), &machine, &mut SmallRng::seed_from_u64(seed));
            let again = DeviceId::load_or_new(Some(&line), &machine, &mut SmallRng::seed_from_u64(!seed));
            prop_assert_eq!(again, (id, line));
        }
    }

    #[test]
    fn a_profile_copied_to_another_machine_makes_a_new_device_id() {
        let mut rng = SmallRng::seed_from_u64(7);
        let (id, line) = DeviceId::load_or_new(None, "machine one", &mut rng);
        assert_eq!(id.as_str().len(), 16);
        assert!(!line.contains("machine one"));
        let (same, _) = DeviceId::load_or_new(Some(&line), "machine one\n", &mut rng);
        assert_eq!(same, id);
        let (other, other_line) = DeviceId::load_or_new(Some(&line), "machine two", &mut rng);
        assert_ne!(other, id);
        assert_eq!(DeviceId::load_or_new(Some(&other_line), "machine two", &mut rng).0, other);
    }

    #[test]
    fn device_ids_do_not_repeat() {
        let mut rng = SmallRng::seed_from_u64(7);
        let ids: HashSet<_> = (0..1000).map(|_| DeviceId::load_or_new(None, "m", &mut rng).0).collect();
        assert_eq!(ids.len(), 1000);
    }
}
