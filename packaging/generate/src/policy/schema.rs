//! What each policy is called, means and takes.
//!
//! Name, type, limits and default come from the program itself: each reader is asked what it
//! accepts. The English text is that of the reference of settings; `texts.json` adds titles and the
//! Chinese text. Invariant: a setting without a text is an error here, so no policy is ever left
//! out of a template.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use belfry_core::settings::policy::{Found, Level, Managed, Scope, resolve};
use serde_json::{Value, json};

/// Every policy, in the order of the reference.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Section, with its English and Chinese names.
    pub(crate) categories: Vec<(String, [String; 2])>,
    /// All of them.
    pub(crate) policies: Vec<Policy>,
}

/// One policy.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Dotted name.
    pub(crate) name: String,
    /// What it takes.
    pub(crate) kind: Kind,
    /// The built-in default.
    pub(crate) default: Value,
    titles: [String; 2],
    meanings: [String; 2],
}

/// What a policy takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// On or off.
    Switch,
    /// A whole number.
    Number {
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// One of a few words.
    Choice(Vec<String>),
    /// A text of one line; durations, sizes, addresses and pointers are texts.
    Text,
    /// A list of texts.
    List,
    /// A table, or a list of tables: JSON where the place knows only texts.
    Json,
}

/// Language of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Policy {
    /// The section.
    pub(crate) fn category(&self) -> &str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// A name without dots.
    pub(crate) fn id(&self) -> String {
        self.name.replace('.', "_")
    }

    /// A few words.
    pub(crate) fn title(&self, language: Language) -> &str {
        let [english, chinese] = &self.titles;
        if language == Language::English { english } else { chinese }
    }

    /// A few sentences.
    pub(crate) fn meaning(&self, language: Language) -> &str {
        let [english, chinese] = &self.meanings;
        if language == Language::English { english } else { chinese }
    }

    /// A value that an administrator might set.
    pub(crate) fn example(&self) -> Value {
        match self.name.as_str() {
            "server.endpoints" => json!(["wss://push.example.com/ws"]),
            _ => self.default.clone(),
        }
    }
}

impl Schema {
    /// Asks the program, and reads the texts.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let reference = fs::read_to_string(root.join("docs/reference/settings.md"))
            .context("docs/reference/settings.md cannot be read")?;
        let texts = fs::read_to_string(root.join("packaging/policy/texts.json"))?;
        let texts: Value = serde_json::from_str(&texts).context("packaging/policy/texts.json is no JSON")?;
        let mut policies = Vec::new();
        for listed in belfry_core::settings::list("", "").context("the built-in defaults are not accepted")? {
            let name = listed.key.to_owned();
            let text = |index: usize| texts.get("policies")?.get(&name)?.get(index)?.as_str().map(str::to_owned);
            let Some(((title, chinese_title), chinese)) = text(0).zip(text(1)).zip(text(2)) else {
                bail!(
                    "packaging/policy/texts.json has no texts for {name}: English title, Chinese title, Chinese meaning"
                );
            };
            let Some(meaning) = meaning(&reference, &name) else {
                bail!("docs/reference/settings.md has no row for {name}");
            };
            policies.push(Policy {
                kind: kind(&name)?,
                default: listed.value,
                titles: [title, chinese_title],
                meanings: [meaning, chinese],
                name,
            });
        }
        let mut categories: Vec<(String, [String; 2])> = Vec::new();
        for policy in &policies {
            let category = policy.category();
            if categories.iter().all(|(known, _)| known != category) {
                let text = |index: usize| {
                    let text = texts.get("categories")?.get(category)?.get(index)?;
                    Some(text.as_str()?.to_owned())
                };
                let names = text(0).zip(text(1)).with_context(|| format!("texts.json has no category {category}"))?;
                categories.push((category.to_owned(), names.into()));
            }
        }
        Ok(Self { categories, policies })
    }
}

/// The last cell of the key's row in the reference, without Markdown.
fn meaning(reference: &str, name: &str) -> Option<String> {
    let start = format!("| `{name}` |");
    let row = reference.lines().find_map(|line| line.strip_prefix(&start))?;
    let cell = row.trim_end().strip_suffix('|')?.rsplit(" | ").next()?.trim();
    // A link is shown as its text.
    let mut plain = String::new();
    let mut rest = cell;
    while let Some((before, link)) = rest.split_once('[') {
        match link.split_once("](").and_then(|(text, link)| Some((text, link.split_once(')')?.1))) {
            Some((text, after)) => {
                plain.push_str(before);
                plain.push_str(text);
                rest = after;
            }
            None => {
                plain.push_str(before);
                plain.push('[');
                rest = link;
            }
        }
    }
    plain.push_str(rest);
    Some(plain.replace('`', ""))
}

/// What the key's own reader says it accepts when it is given something that no key takes.
fn kind(name: &str) -> Result<Kind> {
    let found = Found {
        key: name.to_owned(),
        value: json!(1.5),
        is_loose: false,
        level: Level::Mandatory,
        scope: Scope::Machine,
        source: String::new(),
    };
    let managed = Managed { found: vec![found], ignored: Vec::new() };
    let effective = resolve("", "", &managed, false).context("the built-in defaults are not accepted")?;
    let reason = effective.key(name).and_then(|effect| effect.reason.clone()).unwrap_or_default();
    let (_, accepted) = reason.split_once("accepted is ").with_context(|| format!("{name} takes anything"))?;
    if accepted.starts_with("true or false") {
        return Ok(Kind::Switch);
    }
    if let Some(range) = accepted.strip_prefix("a whole number from ") {
        let mut numbers = range.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
        let (min, max) = numbers.next().zip(numbers.next()).with_context(|| format!("{name} has no limits"))?;
        return Ok(Kind::Number { min, max });
    }
    if let Some(words) = accepted.strip_prefix("one of ") {
        return Ok(Kind::Choice(words.split('"').skip(1).step_by(2).map(str::to_owned).collect()));
    }
    if accepted.starts_with("a table") || accepted.starts_with("a list such as") || accepted.starts_with("[[") {
        return Ok(Kind::Json);
    }
    Ok(if accepted.starts_with("a list") { Kind::List } else { Kind::Text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_says_what_it_takes() {
        assert_eq!(kind("app.start_at_login").unwrap(), Kind::Switch);
        assert_eq!(kind("inbox.retention_days").unwrap(), Kind::Number { min: 1, max: 36_500 });
        assert_eq!(kind("app.theme").unwrap(), Kind::Choice(["system", "light", "dark"].map(str::to_owned).into()));
        assert_eq!(kind("server.endpoints").unwrap(), Kind::List);
        assert_eq!(kind("app.allowed_link_hosts").unwrap(), Kind::List);
        for name in ["server.heart_beat", "server.subscriptions", "notifications.rules", "notifications.quiet_hours"] {
            assert_eq!(kind(name).unwrap(), Kind::Json, "{name}");
        }
        for name in ["auth.login", "network.ca_bundle", "server.poll_every", "auth.stomp", "auth.login_body"] {
            assert_eq!(kind(name).unwrap(), Kind::Text, "{name}");
        }
    }

    #[test]
    fn the_text_of_the_reference_is_taken_without_its_marks() {
        let reference = "| `a.b` | text | `\"x | y\"` | Use `z`, see [there](x.md#y). |\n";
        assert_eq!(meaning(reference, "a.b").unwrap(), "Use z, see there.");
    }
}
