//! What popups say, in a person's language.
//!
//! Texts come from one JSON file per language, which a test holds to the same keys. Plain text out: escaping and
//! stripping for a given desktop is the host's matter.

use std::collections::BTreeMap;

use super::loudness;
use crate::{
    notice::{Notice, Priority},
    ports::{Loudness, Popup, PopupKind},
    settings::NotificationSettings,
};

/// Characters of a body that a popup shows.
const BODY: usize = 240;
/// Titles a summary names.
const NAMED: usize = 3;

/// A language Belfry speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tongue {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    SimplifiedChinese,
}

impl Tongue {
    fn texts(self) -> &'static str {
        match self {
            Self::English => include_str!("../../texts/en.json"),
            Self::SimplifiedChinese => include_str!("../../texts/zh-CN.json"),
        }
    }
}

/// Words popups in one language, by the settings' loudness and sound.
#[derive(Debug, Clone)]
pub struct Wording {
    texts: BTreeMap<String, String>,
    settings: NotificationSettings,
}

impl Wording {
    /// Words in this language.
    pub fn new(tongue: Tongue, settings: NotificationSettings) -> Self {
        // The files are part of the program; a test reads each.
        Self { texts: serde_json::from_str(tongue.texts()).unwrap_or_default(), settings }
    }

    /// A popup for one notice.
    pub fn single(&self, notice: &Notice) -> Popup {
        // A title that was made from the body need not be said twice.
        let body = notice.body.strip_prefix(notice.title.as_str()).unwrap_or(&notice.body);
        self.popup(PopupKind::Single, &[notice], notice.title.clone(), shortened(body.trim(), BODY))
    }

    /// One popup for several notices.
    pub fn summary<'a>(&self, notices: impl IntoIterator<Item = &'a Notice>) -> Popup {
        let notices: Vec<&Notice> = notices.into_iter().collect();
        let mut lines: Vec<String> = notices
            .iter()
            .take(NAMED)
            .map(|notice| {
                let key = if notice.sender.is_empty() { "summary.line" } else { "summary.line.sender" };
                self.text(key, &[("sender", &notice.sender), ("title", &shortened(&notice.title, BODY / NAMED))])
            })
            .collect();
        if notices.len() > NAMED {
            lines.push(self.text("summary.more", &[("count", &(notices.len() - NAMED).to_string())]));
        }
        let title = self.text("summary.title", &[("count", &notices.len().to_string())]);
        self.popup(PopupKind::Summary, &notices, title, lines.join("\n"))
    }

    fn popup(&self, kind: PopupKind, notices: &[&Notice], title: String, body: String) -> Popup {
        let loudness = notices.iter().map(|notice| loudness(notice, &self.settings)).max().unwrap_or(Loudness::Normal);
        Popup {
            kind,
            notices: notices.iter().map(|notice| notice.key.clone()).collect(),
            title,
            body,
            loudness,
            priority: notices.iter().map(|notice| notice.priority).max().unwrap_or(Priority::Normal),
            sound: if loudness == Loudness::Quiet { String::new() } else { self.settings.sound.clone() },
            replaces: None,
        }
    }

    fn text(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut text = self.texts.get(key).cloned().unwrap_or_else(|| key.to_owned());
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }
}

fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text).trim_end()),
        None => text.to_owned(),
    }
}
