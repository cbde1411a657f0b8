//! From the type of a setting to the value that a settings file has for it.
//!
//! Deliberately absent: a choice of notation; where there are several, the shortest is written.
//! Invariant: what is written here reads back as the same value.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use jiff::civil::Time;
use serde_json::{Map, Value};
use url::Url;

use super::action_url::ActionPrefix;
use super::{
    HostPattern, HttpSecret, Pointer, Proxy, StompSecret, TimeZoneSetting, endpoint,
    units::{format_duration, format_size},
};
use crate::words::Word;

/// A value that a settings file can hold.
pub(super) trait ToValue {
    /// As it is written there; durations and sizes are texts, what is not set is an empty one.
    fn to_value(&self) -> Value;
}

impl<T: Word> ToValue for T {
    fn to_value(&self) -> Value {
        self.word().into()
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        (*self).into()
    }
}

impl ToValue for u32 {
    fn to_value(&self) -> Value {
        (*self).into()
    }
}

/// A size.
impl ToValue for u64 {
    fn to_value(&self) -> Value {
        format_size(*self).into()
    }
}

impl ToValue for Duration {
    fn to_value(&self) -> Value {
        format_duration(*self).into()
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        self.as_str().into()
    }
}

impl ToValue for PathBuf {
    fn to_value(&self) -> Value {
        self.to_string_lossy().into()
    }
}

impl ToValue for Time {
    fn to_value(&self) -> Value {
        format!("{:02}:{:02}", self.hour(), self.minute()).into()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or_else(|| "".into(), T::to_value)
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        self.iter().map(T::to_value).collect()
    }
}

impl<T: ToValue> ToValue for BTreeSet<T> {
    fn to_value(&self) -> Value {
        self.iter().map(T::to_value).collect()
    }
}

impl ToValue for BTreeMap<String, String> {
    fn to_value(&self) -> Value {
        self.iter().map(|(name, text)| (name.clone(), text.to_value())).collect::<Map<_, _>>().into()
    }
}

/// Types that are written as they are displayed: they have their `FromStr` and `Display` side by
/// side.
macro_rules! displayed {
    ($($kind:ty),+) => {
        $(impl ToValue for $kind {
            fn to_value(&self) -> Value {
                self.to_string().into()
            }
        })+
    };
}

displayed!(StompSecret, HttpSecret, Proxy, HostPattern, TimeZoneSetting, Pointer, ActionPrefix);

impl ToValue for Url {
    fn to_value(&self) -> Value {
        endpoint::readable(self).into()
    }
}
