//! Which computer is calling: an id, and the name that people see in lists of devices.
//!
//! Each way in has its own place for the two: `device` and `device-name` in CONNECT, `X-Device` and
//! `X-Device-Name` on HTTP, `device` and `deviceName` in a JSON body, `?device=` and `?deviceName=`
//! on the raw WebSocket.

use std::borrow::Cow;

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

/// Longer ids and names are cut; characters.
const MAX_LENGTH: usize = 256;

/// A device as it names itself; both are empty where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Device {
    #[serde(rename = "device")]
    pub(crate) id: String,
    #[serde(rename = "deviceName")]
    pub(crate) name: String,
}

impl Device {
    pub(crate) fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        let cut = |text: String| if text.len() > MAX_LENGTH { text.chars().take(MAX_LENGTH).collect() } else { text };
        Self { id: cut(id.into()), name: cut(name.into()) }
    }

    /// From `X-Device` and `X-Device-Name`, which may be UTF-8.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Self {
        let text =
            |name| headers.get(name).map_or(Cow::Borrowed(""), |value| String::from_utf8_lossy(value.as_bytes()));
        Self::new(text("x-device"), text("x-device-name"))
    }

    /// From `device` and `deviceName`; a value that is not a string counts as none.
    pub(crate) fn of_body(body: &Value) -> Self {
        let text = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
        Self::new(text("device"), text("deviceName"))
    }

    /// Takes from `other` what is not said here.
    pub(crate) fn or(self, other: Self) -> Self {
        let first = |one: String, two: String| if one.is_empty() { two } else { one };
        Self { id: first(self.id, other.id), name: first(self.name, other.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_body_counts_before_the_headers_and_each_part_by_itself() {
        let mut headers = HeaderMap::new();
        headers.insert("x-device", "h1".parse().unwrap());
        headers.insert("x-device-name", axum::http::HeaderValue::from_bytes("爱丽丝的电脑".as_bytes()).unwrap());
        let of = |body: Value| Device::of_body(&body).or(Device::of_headers(&headers));
        assert_eq!(of(json!({"device": "b1"})), Device::new("b1", "爱丽丝的电脑"));
        assert_eq!(of(json!({"device": 7, "deviceName": "Desk"})), Device::new("h1", "Desk"));
        assert_eq!(of(json!([])), Device::new("h1", "爱丽丝的电脑"));
        assert_eq!(Device::new("x".repeat(1000), "").id.len(), MAX_LENGTH);
    }
}
