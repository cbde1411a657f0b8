//! Names that people see for kinds (`message.kinds`).
//!
//! Deliberately absent: rules and filters, which compare the server's own kinds. Invariant: a kind
//! without a name is shown as it is.

use std::collections::BTreeMap;

use super::values::Language as Tag;
use crate::{texts::Language, words::Word as _};

/// What is shown for one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KindName {
    /// In every language.
    Plain(String),
    /// By language; never [`Tag::Auto`], and at least one.
    PerLanguage(BTreeMap<Tag, String>),
}

/// The names of all kinds that have one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KindNames(pub BTreeMap<String, KindName>);

impl KindNames {
    /// The name of a kind in this language, else in English, else in the first language that has
    /// one; `None` if the kind has no name.
    pub fn name(&self, kind: &str, language: Language) -> Option<&str> {
        match self.0.get(kind)? {
            KindName::Plain(name) => Some(name),
            KindName::PerLanguage(names) => {
                let of_tag = |tag: &str| Tag::from_word(tag).and_then(|tag| names.get(&tag));
                let name = of_tag(language.tag()).or_else(|| of_tag(Language::English.tag()));
                name.or_else(|| names.values().next()).map(String::as_str)
            }
        }
    }

    /// What is shown for a kind: its name, or the kind itself.
    pub fn shown<'a>(&'a self, kind: &'a str, language: Language) -> &'a str {
        self.name(kind, language).unwrap_or(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_shown_by_its_name_in_the_language_else_in_english_else_in_any_else_as_it_is() {
        let named = |names: &[(Tag, &str)]| {
            KindName::PerLanguage(names.iter().map(|(tag, name)| (*tag, (*name).to_owned())).collect())
        };
        let kinds = KindNames(BTreeMap::from([
            ("1".to_owned(), KindName::Plain("Leave".to_owned())),
            ("2".to_owned(), named(&[(Tag::En, "Expense"), (Tag::ZhCn, "报销")])),
            ("3".to_owned(), named(&[(Tag::En, "Trip")])),
            ("4".to_owned(), named(&[(Tag::ZhCn, "合同")])),
        ]));
        for (kind, english, chinese) in [
            ("1", "Leave", "Leave"),
            ("2", "Expense", "报销"),
            ("3", "Trip", "Trip"),
            ("4", "合同", "合同"),
            ("5", "5", "5"),
        ] {
            assert_eq!(kinds.shown(kind, Language::English), english);
            assert_eq!(kinds.shown(kind, Language::Chinese), chinese);
        }
    }
}
