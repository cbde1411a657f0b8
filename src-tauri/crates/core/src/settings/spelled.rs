//! The way back: from the type of a setting to how a settings file spells it.
//!
//! Deliberately absent: the choice of a spelling; where there are several, the shortest is taken. Invariant: what is
//! spelled here reads back as the same value.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use jiff::civil::Time;
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    HeartBeat, HostPattern, HttpSecret, Oidc, Pointer, Proxy, QuietHours, Rule, StompSecret, Subscription,
    TimeZoneSetting,
};
use crate::words::Word;

/// A value that a settings file can hold.
pub(super) trait Spelled {
    /// As it is written there; durations and sizes are texts, what is not set is an empty one.
    fn spelled(&self) -> Value;
}

impl<T: Word> Spelled for T {
    fn spelled(&self) -> Value {
        self.word().into()
    }
}

impl Spelled for bool {
    fn spelled(&self) -> Value {
        (*self).into()
    }
}

impl Spelled for u32 {
    fn spelled(&self) -> Value {
        (*self).into()
    }
}

/// A size.
impl Spelled for u64 {
    fn spelled(&self) -> Value {
        let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
        with_unit(*self, &units).into()
    }
}

impl Spelled for Duration {
    fn spelled(&self) -> Value {
        let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
        match u64::try_from(self.as_millis()).unwrap_or(u64::MAX) {
            0 => "0s".into(),
            millis => with_unit(millis, &units).into(),
        }
    }
}

/// In the largest unit that leaves no rest; the last one is 1.
fn with_unit(amount: u64, units: &[(&str, u64)]) -> String {
    let (unit, size) = units.iter().find(|(_, size)| amount.is_multiple_of(*size)).copied().unwrap_or_default();
    format!("{}{unit}", amount / size.max(1))
}

impl Spelled for String {
    fn spelled(&self) -> Value {
        self.as_str().into()
    }
}

impl Spelled for Url {
    fn spelled(&self) -> Value {
        self.as_str().into()
    }
}

impl Spelled for PathBuf {
    fn spelled(&self) -> Value {
        self.to_string_lossy().into()
    }
}

impl Spelled for Pointer {
    fn spelled(&self) -> Value {
        self.as_str().into()
    }
}

impl Spelled for Time {
    fn spelled(&self) -> Value {
        format!("{:02}:{:02}", self.hour(), self.minute()).into()
    }
}

impl<T: Spelled> Spelled for Option<T> {
    fn spelled(&self) -> Value {
        self.as_ref().map_or_else(|| "".into(), T::spelled)
    }
}

impl<T: Spelled> Spelled for Vec<T> {
    fn spelled(&self) -> Value {
        self.iter().map(T::spelled).collect()
    }
}

impl<T: Spelled> Spelled for BTreeSet<T> {
    fn spelled(&self) -> Value {
        self.iter().map(T::spelled).collect()
    }
}

impl Spelled for BTreeMap<String, String> {
    fn spelled(&self) -> Value {
        self.iter().map(|(name, text)| (name.clone(), text.spelled())).collect::<Map<_, _>>().into()
    }
}

impl Spelled for StompSecret {
    fn spelled(&self) -> Value {
        match self {
            Self::Passcode => "passcode".into(),
            Self::Bearer => "bearer".into(),
            Self::Header(name) => format!("header:{name}").into(),
        }
    }
}

impl Spelled for HttpSecret {
    fn spelled(&self) -> Value {
        match self {
            Self::Bearer => "bearer".into(),
            Self::Basic => "basic".into(),
            Self::Header(name) => format!("header:{name}").into(),
            Self::None => "none".into(),
        }
    }
}

impl Spelled for Proxy {
    fn spelled(&self) -> Value {
        match self {
            Self::System => "system".into(),
            Self::None => "none".into(),
            Self::Url(url) => url.spelled(),
        }
    }
}

impl Spelled for HostPattern {
    fn spelled(&self) -> Value {
        match self {
            Self::Name(name) => name.spelled(),
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string().into(),
            Self::Net(net) => net.to_string().into(),
        }
    }
}

impl Spelled for TimeZoneSetting {
    fn spelled(&self) -> Value {
        match self {
            Self::Local => "local".into(),
            Self::Named(zone) => zone.iana_name().unwrap_or_default().into(),
        }
    }
}

impl Spelled for HeartBeat {
    fn spelled(&self) -> Value {
        json!({ "send": self.send.spelled(), "expect": self.expect.spelled() })
    }
}

impl Spelled for Oidc {
    fn spelled(&self) -> Value {
        json!({ "issuer": self.issuer.spelled(), "client_id": self.client_id, "scopes": self.scopes })
    }
}

impl Spelled for QuietHours {
    fn spelled(&self) -> Value {
        json!({
            "from": self.from.spelled(),
            "to": self.to.spelled(),
            "days": self.days.spelled(),
            "allow": self.allow.spelled(),
        })
    }
}

impl Spelled for Subscription {
    fn spelled(&self) -> Value {
        json!({
            "destination": self.destination,
            "ack": self.ack.spelled(),
            "headers": self.headers.spelled(),
            "scope": self.scope,
        })
    }
}

impl Spelled for Rule {
    fn spelled(&self) -> Value {
        let mut rule = Map::new();
        for (name, pattern) in [("kind", &self.kind), ("sender", &self.sender)] {
            if let Some(pattern) = pattern {
                rule.insert(name.to_owned(), pattern.spelled());
            }
        }
        rule.insert("show".to_owned(), self.show.spelled());
        rule.into()
    }
}
