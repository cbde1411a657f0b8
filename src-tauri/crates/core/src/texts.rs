//! The texts of the program, in the language of the person.
//!
//! The same files (`texts/*.json` at the top of the workspace) serve Rust and the window, one per
//! language, flat: a key and a sentence with `{name}` places. Deliberately absent: an i18n
//! framework. Invariant: every language has the same keys with the same places; a test here and the
//! type check of the window hold that.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::status::Kind;

/// A language of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English; also used for every other language.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// `app.language`, where `auto` is the language of `system_tag`.
    pub fn of_setting(setting: crate::settings::Language, system_tag: &str) -> Self {
        match setting {
            crate::settings::Language::Auto => Self::of_tag(system_tag),
            crate::settings::Language::En => Self::English,
            crate::settings::Language::ZhCn => Self::Chinese,
        }
    }

    /// The tag, as the settings and the window write it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// The nearest language to a BCP 47 or POSIX tag (`zh_CN.UTF-8`).
    fn of_tag(tag: &str) -> Self {
        match tag.split(['-', '_', '.']).next() {
            Some("zh") => Self::Chinese,
            _ => Self::English,
        }
    }

    /// The sentence for `key`; the key itself if there is none, so that a missing text is visible.
    pub fn text(self, key: &'static str) -> &'static str {
        self.table().get(key).map_or(key, String::as_str)
    }

    /// The sentence for `key` with its places filled in one pass: inserted text is not searched for
    /// places.
    pub fn fill(self, key: &'static str, places: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        let mut rest = self.text(key);
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, from)| Some((before, from.split_once('}')?)))
        {
            filled.push_str(before);
            match places.iter().find(|(place, _)| *place == name) {
                Some((_, value)) => filled.push_str(value),
                None => filled.extend(["{", name, "}"]),
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    /// What has happened to a connection or a request, as the window says it too.
    pub fn fault(self, kind: Kind) -> &'static str {
        let name = serde_json::to_value(kind).ok();
        let key = name.as_ref().and_then(|name| name.as_str()).map(|name| format!("fault.{name}"));
        key.and_then(|key| self.table().get(&key)).map_or_else(|| kind.reason(), String::as_str)
    }

    fn table(self) -> &'static BTreeMap<String, String> {
        static ENGLISH: LazyLock<BTreeMap<String, String>> =
            LazyLock::new(|| parse(include_str!("../../../../texts/en.json")));
        static CHINESE: LazyLock<BTreeMap<String, String>> =
            LazyLock::new(|| parse(include_str!("../../../../texts/zh-CN.json")));
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }
}

/// The files are compiled in and a test reads them, so a broken one is never released.
fn parse(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<&str> {
        let mut names: Vec<_> =
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn both_languages_have_the_same_keys_and_places() {
        let (english, chinese) = (Language::English.table(), Language::Chinese.table());
        assert!(!english.is_empty());
        assert_eq!(english.keys().collect::<Vec<_>>(), chinese.keys().collect::<Vec<_>>());
        for (key, text) in english {
            assert_eq!(places(text), places(&chinese[key]), "{key}");
        }
    }

    #[test]
    fn a_system_tag_leads_to_the_nearest_language() {
        for (tag, language) in [
            ("zh_CN.UTF-8", Language::Chinese),
            ("zh-Hans-CN", Language::Chinese),
            ("de-DE", Language::English),
            ("C", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of_tag(tag), language, "{tag}");
        }
    }

    #[test]
    fn a_fault_has_a_sentence_in_the_persons_language() {
        assert_eq!(Language::English.fault(Kind::TimedOut), "The server did not answer in time.");
        assert_eq!(Language::Chinese.fault(Kind::TimedOut), "服务器未及时应答。");
        for kind in Kind::ALL {
            assert_ne!(Language::English.fault(*kind), kind.reason());
        }
    }

    #[test]
    fn places_are_filled() {
        assert_eq!(Language::English.fill("tray.unread", &[("n", "3")]), "3 unread");
        assert_eq!(Language::Chinese.fill("tray.unread", &[("n", "3")]), "3 条未读");
        assert_eq!(Language::English.fill("popup.from", &[("sender", "{title}"), ("title", "T")]), "{title}: T");
        assert_eq!(Language::English.fill("tray.unread", &[]), "{n} unread");
    }
}
