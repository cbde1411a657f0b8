//! The text of popups, in the person's language.
//!
//! Plain text; deliberately absent: escaping and cleaning for a particular desktop, which the host
//! does.

use super::{buttons, loudness};
use crate::{
    foreign_text::{one_line, shortened},
    notice::{Notice, NoticeKey, NoticeKeyRef, NoticeKeys, Priority},
    ports::{Loudness, Popup, PopupKind},
    settings::{KindNames, NotificationSettings, Preview, Settings},
    texts::Language,
};

/// Characters of a notice's body in a popup.
const MAX_BODY_CHARS: usize = 240;
/// Characters of a sender in a line of a summary.
const MAX_SENDER_CHARS: usize = 40;
/// Titles of notices in a summary.
const MAX_TITLES: usize = 3;

/// Makes popups in one language, with the loudness and the sound of the settings.
#[derive(Debug, Clone)]
pub struct Wording {
    language: Language,
    settings: NotificationSettings,
    kinds: KindNames,
    /// What decides about buttons; `None`: popups have none.
    actions: Option<Box<Settings>>,
}

/// How urgent a notice is to the person, then by itself.
pub type Rank = (Loudness, Priority);

/// The notices of a summary, with what its popup says of them: not their texts, since there may be
/// many.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    keys: NoticeKeys,
    /// The most urgent, and of those the newest.
    named: Vec<Notice>,
    rank: Option<Rank>,
}

impl Summary {
    /// How loud its popup is.
    pub fn loudness(&self) -> Option<Loudness> {
        self.rank.map(|(loudness, _)| loudness)
    }

    /// A notice was settled: the next popup does not name it any more. It stays one of those that came.
    pub fn forget_name(&mut self, key: &NoticeKey) {
        self.named.retain(|named| named.key != *key);
    }

    /// Adds a notice that the popup does not name.
    pub fn add_unnamed<'a>(&mut self, key: impl Into<NoticeKeyRef<'a>>, rank: Rank) {
        self.keys.push(key);
        self.rank = self.rank.max(Some(rank));
    }
}

impl Wording {
    /// Makes popups in this language.
    pub fn new(language: Language, settings: NotificationSettings) -> Self {
        Self { language, settings, kinds: KindNames::default(), actions: None }
    }

    /// Names kinds by these names.
    pub fn with_kinds(self, kinds: KindNames) -> Self {
        Self { kinds, ..self }
    }

    /// Gives popups of one notice the buttons that these settings allow.
    pub fn with_buttons(self, settings: Settings) -> Self {
        Self { actions: Some(Box::new(settings)), ..self }
    }

    /// A popup for one notice.
    pub fn single(&self, notice: &Notice) -> Popup {
        let title = match self.settings.preview {
            Preview::Full | Preview::Title => self.title(notice),
            Preview::None => self.language.text("popup.hidden").to_owned(),
        };
        let body = match self.settings.preview {
            Preview::Full => shortened(without_title(&notice.body, &notice.title).trim(), MAX_BODY_CHARS),
            Preview::Title | Preview::None => String::new(),
        };
        let rank = self.rank(notice);
        let buttons = self.actions.as_ref().map(|settings| buttons::of_notice(notice, settings)).unwrap_or_default();
        Popup { buttons, ..self.popup(PopupKind::Single, notice.key.clone().into(), rank, title, body) }
    }

    /// A popup for one notice of which only this is known.
    pub fn single_of(&self, key: NoticeKey, rank: Rank) -> Popup {
        let title = self.language.text("popup.hidden").to_owned();
        self.popup(PopupKind::Single, key.into(), rank, title, String::new())
    }

    /// How urgent a notice is.
    pub fn rank(&self, notice: &Notice) -> Rank {
        (loudness(notice, &self.settings), notice.priority)
    }

    /// The title, after the name of its kind if it has one.
    fn title(&self, notice: &Notice) -> String {
        match self.kinds.name(&notice.kind, self.language) {
            Some(kind) => self.language.fill("popup.kind", &[("kind", kind), ("title", &notice.title)]),
            None => notice.title.clone(),
        }
    }

    /// One popup for several notices, given oldest first: it names the most urgent, and of those
    /// the newest.
    pub fn summary<'a>(&self, notices: impl IntoIterator<Item = &'a Notice>) -> Popup {
        let mut summary = Summary::default();
        self.add_to_summary(&mut summary, notices);
        self.popup_of(&summary)
    }

    /// Adds notices to a summary, oldest first.
    pub fn add_to_summary<'a>(&self, summary: &mut Summary, notices: impl IntoIterator<Item = &'a Notice>) {
        for notice in notices {
            summary.add_unnamed(&notice.key, self.rank(notice));
            self.name(summary, notice);
        }
    }

    /// Adds all notices of a newer summary.
    pub fn extend_summary(&self, summary: &mut Summary, newer: &Summary) {
        summary.keys.extend(newer.keys.iter());
        summary.rank = summary.rank.max(newer.rank);
        newer.named.iter().rev().for_each(|notice| self.name(summary, notice));
    }

    /// Names a notice of the summary, if the ones that it names are older or less urgent.
    fn name(&self, summary: &mut Summary, notice: &Notice) {
        let rank = self.rank(notice);
        let place = summary.named.iter().position(|named| self.rank(named) <= rank);
        let place = place.unwrap_or(summary.named.len());
        if place < MAX_TITLES {
            summary.named.insert(place, notice.clone());
            summary.named.truncate(MAX_TITLES);
        }
    }

    /// The popup for all notices of a summary.
    pub fn popup_of(&self, summary: &Summary) -> Popup {
        let count = summary.keys.len();
        let mut lines: Vec<String> = summary
            .named
            .iter()
            .map(|notice| {
                let title = one_line(&self.title(notice), MAX_BODY_CHARS / MAX_TITLES);
                let sender = one_line(&notice.sender, MAX_SENDER_CHARS);
                if sender.is_empty() {
                    title
                } else {
                    self.language.fill("popup.from", &[("sender", &sender), ("title", &title)])
                }
            })
            .collect();
        let unnamed = count.saturating_sub(lines.len());
        if unnamed > 0 && !lines.is_empty() {
            lines.push(self.language.fill("popup.more", &[("n", &unnamed.to_string())]));
        }
        if self.settings.preview == Preview::None {
            lines.clear();
        }
        let title = self.language.fill("popup.count", &[("n", &count.to_string())]);
        let (loudness, priority) = summary.rank.unwrap_or((Loudness::Normal, Priority::Normal));
        self.popup(PopupKind::Summary, summary.keys.clone(), (loudness, priority), title, lines.join("\n"))
    }

    fn popup(
        &self,
        kind: PopupKind,
        notices: NoticeKeys,
        (loudness, priority): Rank,
        title: String,
        body: String,
    ) -> Popup {
        let sound = if loudness == Loudness::Quiet { String::new() } else { self.settings.sound.clone() };
        Popup { kind, notices, title, body, loudness, priority, sound, buttons: Vec::new(), replaces: None }
    }
}

/// A title that was taken from the first line of the body is not repeated.
fn without_title<'a>(body: &'a str, title: &str) -> &'a str {
    let (first, rest) = body.trim_start().split_once('\n').unwrap_or((body, ""));
    if first.split_whitespace().eq(title.split_whitespace()) { rest } else { body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_first_line_is_taken_for_the_title_again() {
        for (title, body, expected) in [
            ("Expense 7", "Expense 7\n12 EUR", "12 EUR"),
            ("Expense 7", " \nExpense  7 \n12 EUR", "12 EUR"),
            ("Expense 7", "Expense 7", ""),
            ("Expense 7", "Expense 70 is due", "Expense 70 is due"),
            ("A", "Alice asks", "Alice asks"),
            ("A", "", ""),
        ] {
            assert_eq!(without_title(body, title).trim(), expected, "{title} / {body}");
        }
    }
}
