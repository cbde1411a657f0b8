//! What the client says of itself to a server: account, device id and device name, and what it has
//! learned of itself from the server.
//!
//! Deliberately absent: the secret, and where these values are written ([`super::auth`],
//! [`super::api`]). Invariant: the device name is one line without control characters, so it fits
//! into every header.

use std::sync::{Mutex, PoisonError};

use belfry_core::{
    account::{Account, DeviceId},
    foreign_text::one_line,
    settings::Settings,
};
use serde_json::Value;

/// Longest device name that is sent, in characters.
const MAX_NAME_CHARS: usize = 100;
/// Where a login answer names the user id.
const USER_ID_POINTERS: [&str; 2] = ["/userId", "/data/userId"];

/// What every connection of an engine shares: settings, account and device.
#[derive(Debug)]
pub struct Identity {
    /// All settings.
    pub settings: Settings,
    /// The account.
    pub account: Account,
    /// This machine.
    pub device: DeviceId,
    /// This machine's name, which people see in lists of devices; may be empty.
    pub device_name: String,
    /// The account's id on the server, as the server wrote it.
    user_id: Mutex<Option<Value>>,
}

impl Identity {
    /// Settings, account and device of an engine or a command. The device is named by
    /// `auth.device`, or else by `host_name`.
    pub fn new(settings: Settings, account: Account, device: DeviceId, host_name: &str) -> Self {
        let named = one_line(&settings.auth.device, MAX_NAME_CHARS);
        let device_name = if named.is_empty() { one_line(host_name, MAX_NAME_CHARS) } else { named };
        Self { settings, account, device, device_name, user_id: Mutex::new(None) }
    }

    /// The account's own id on the server, if it is known: a number or a text.
    pub fn user_id(&self) -> Option<Value> {
        self.user_id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns the own user id from the answer to a sign-in.
    pub(crate) fn handle_login_answer(&self, answer: &Value) {
        self.learn(USER_ID_POINTERS.iter().find_map(|pointer| answer.pointer(pointer)));
    }

    /// Learns the own user id from the rows of `getWebSocketClients`.
    pub(crate) fn handle_clients(&self, rows: &[Value]) {
        self.learn(rows.iter().find(|row| self.is_own_login(row)).and_then(|row| row.get("userId")));
    }

    /// Whether a row of `getWebSocketClients` is this account on this device.
    pub(crate) fn is_this_device(&self, row: &Value) -> bool {
        let (login, device) = (text(row, LOGIN_NAMES), text(row, &["deviceId", "device"]));
        device == self.device.as_str() && (login == self.account.login() || self.account.login().is_empty())
    }

    /// The names of the other computers in `getWebSocketClients` that are signed in as this account.
    pub(crate) fn other_devices(&self, rows: &[Value]) -> Vec<String> {
        let others = rows.iter().filter(|row| {
            let device = text(row, &["deviceId", "device"]);
            self.is_own_login(row) && !device.is_empty() && device != self.device.as_str()
        });
        let mut names: Vec<String> = others.map(|row| text(row, &["deviceName", "device", "deviceId"])).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Whether a row of `getWebSocketClients` has the login of this account. Without one, the
    /// device tells.
    fn is_own_login(&self, row: &Value) -> bool {
        let own = self.account.login();
        if own.is_empty() { self.is_this_device(row) } else { text(row, LOGIN_NAMES) == own }
    }

    fn learn(&self, found: Option<&Value>) {
        let is_id = |value: &&Value| value.is_number() || value.as_str().is_some_and(|text| !text.is_empty());
        if let Some(id) = found.filter(is_id) {
            *self.user_id.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.clone());
        }
    }
}

/// Where a row of `getWebSocketClients` names the login.
pub(crate) const LOGIN_NAMES: &[&str] = &["loginName", "login", "userId", "user"];

/// The first of these members that is a text or a number.
pub(crate) fn text(row: &Value, names: &[&str]) -> String {
    let value = names.iter().filter_map(|name| row.get(name)).find(|value| value.is_string() || value.is_number());
    value.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::SmallRng};
    use serde_json::json;

    use super::*;

    fn identity(more: &str) -> Identity {
        let settings = format!("[server]\nendpoints = [\"ws://127.0.0.1:1/ws\"]\n[auth]\n{more}\n");
        let settings = Settings::parse(&settings, "settings.toml").unwrap().0;
        let account = Account::of(&settings).unwrap();
        let (device, _) = DeviceId::load_or_new(None, "machine", &mut SmallRng::seed_from_u64(1));
        Identity::new(settings, account, device, "desk\u{7}top\n7")
    }

    #[test]
    fn the_device_is_named_by_the_settings_or_by_the_host_in_one_clean_line() {
        assert_eq!(identity("device = \"Front desk\"").device_name, "Front desk");
        let by_host = identity("").device_name;
        assert!(by_host.starts_with("desk") && !by_host.chars().any(char::is_control), "{by_host:?}");
    }

    #[test]
    fn the_own_user_id_is_learned_from_a_login_answer_or_from_the_own_row() {
        for answer in [json!({ "userId": 7 }), json!({ "data": { "userId": 7 } })] {
            let identity = identity("login = \"alice\"");
            identity.handle_login_answer(&answer);
            assert_eq!(identity.user_id(), Some(json!(7)), "{answer}");
        }
        let identity = identity("login = \"alice\"");
        identity.handle_login_answer(&json!({ "userId": null }));
        identity.handle_clients(&[json!({ "loginName": "bob", "userId": 1 })]);
        assert_eq!(identity.user_id(), None);
        identity.handle_clients(&[json!({ "loginName": "alice", "userId": "u-2" })]);
        assert_eq!(identity.user_id(), Some(json!("u-2")));
    }

    #[test]
    fn the_own_device_is_recognised_by_its_id_and_not_by_its_name() {
        let identity = identity("login = \"alice\"");
        let id = identity.device.as_str();
        assert!(identity.is_this_device(&json!({ "loginName": "alice", "device": "desktop", "deviceId": id })));
        assert!(identity.is_this_device(&json!({ "loginName": "alice", "device": id })));
        assert!(!identity.is_this_device(&json!({ "loginName": "bob", "device": "desktop", "deviceId": id })));
        assert!(!identity.is_this_device(&json!({ "loginName": "alice", "device": "desktop", "deviceId": "x" })));
    }
}
