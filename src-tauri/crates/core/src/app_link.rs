//! Addresses of the app: `belfry://inbox`, and `belfry://notice/ID` with a scope and the button that
//! was pressed. Links in other programs have them, and so do notifications where the desktop starts
//! a program with an address (Windows).
//!
//! Anybody can write one, so it is read strictly, and it only shows what is there: a button in it
//! leads to the question whether to do what it says. Deliberately absent: telling the system about
//! the scheme, which is the packages' matter, and whether there is such a notice. Invariant: an
//! [`AppLink`] that was read holds short texts without control characters, and nothing else of what
//! came in.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::alerts::buttons;
use crate::notice::NoticeKeyRef;
use crate::ports::{Popup, PopupButton, PopupKind};

/// Longest id or scope taken, in bytes; servers use a few dozen.
const MAX_ID: usize = 1_024;
/// Longest address of a popup, in bytes: Windows takes 5 KB for a popup with its text and the
/// addresses of all its buttons.
const MAX_POPUP_ADDRESS: usize = 400;

const INBOX: &str = "belfry://inbox";
const NOTICE: &str = "belfry://notice/";
const SCOPE: &str = "scope=";
const BUTTON: &str = "button=";

/// What an address of the app shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppLink {
    /// The window.
    Inbox,
    /// The window with a notice.
    Notice(NoticeLink),
}

/// A notice that an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeLink {
    /// The server's id of the notice.
    pub id: String,
    /// The scope of the id; without one the newest notice with the id is meant.
    pub scope: Option<String>,
    /// The [`PopupButton::key`] of a button of the notice, which a person is asked about.
    pub button: Option<String>,
}

/// What was given is no address of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no address of Belfry: it has to be {NOTICE}ID or {INBOX}")]
pub struct NotALink;

impl AppLink {
    /// What a click on a popup shows: its notice, or the window if it has several.
    pub fn of_popup(popup: &Popup) -> Self {
        Self::short(popup, None)
    }

    /// What a press on a button of a popup shows: its notice, with the question whether to do it.
    /// `None` for the answers to a question, which count only in the run of the program that asks.
    pub fn of_button(popup: &Popup, button: &PopupButton) -> Option<Self> {
        (popup.kind != PopupKind::Question).then(|| Self::short(popup, Some(button.key.clone())))
    }

    fn short(popup: &Popup, button: Option<String>) -> Self {
        let Some(NoticeKeyRef { scope, id }) = popup.notices.only() else { return Self::Inbox };
        let (id, scope) = (id.to_owned(), Some(scope.to_owned()));
        let link = Self::Notice(NoticeLink { id, scope, button });
        let text = link.to_string();
        let is_read_back = text.len() <= MAX_POPUP_ADDRESS && text.parse().as_ref() == Ok(&link);
        if is_read_back { link } else { Self::Inbox }
    }
}

impl fmt::Display for AppLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Notice(NoticeLink { id, scope, button }) = self else { return f.write_str(INBOX) };
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        write!(f, "{NOTICE}{}", encoded(id))?;
        if let Some(scope) = scope {
            write!(f, "?{SCOPE}{}", encoded(scope))?;
        }
        if let Some(button) = button {
            // A key is written in letters, digits and hyphens.
            write!(f, "{}{BUTTON}{button}", if scope.is_some() { '&' } else { '?' })?;
        }
        Ok(())
    }
}

impl FromStr for AppLink {
    type Err = NotALink;

    fn from_str(text: &str) -> Result<Self, NotALink> {
        // Some programs write a slash after a host.
        if text.strip_suffix('/').unwrap_or(text) == INBOX {
            return Ok(Self::Inbox);
        }
        let rest = text.strip_prefix(NOTICE).filter(|rest| rest.len() <= 6 * MAX_ID + 100).ok_or(NotALink)?;
        // The parser of the web agrees that it is an address.
        let url = Url::parse(text).map_err(|_| NotALink)?;
        let (id, mut query) = rest.split_once('?').map_or((rest, None), |(id, query)| (id, Some(query)));
        if url.fragment().is_some() || id.contains('/') {
            return Err(NotALink);
        }
        let id = decode(id).filter(|id| !id.is_empty()).ok_or(NotALink)?;
        let mut next = |name: &str| {
            let value = query?.strip_prefix(name)?;
            let (value, rest) = value.split_once('&').map_or((value, None), |(value, rest)| (value, Some(rest)));
            query = rest;
            Some(value)
        };
        let scope = next(SCOPE).map(|scope| decode(scope).ok_or(NotALink)).transpose()?;
        let button = next(BUTTON).map(str::to_owned);
        if query.is_some() || button.as_ref().is_some_and(|key| !buttons::is_key(key)) {
            return Err(NotALink);
        }
        Ok(Self::Notice(NoticeLink { id, scope, button }))
    }
}

fn decode(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    let is_plain = text.len() <= MAX_ID && !text.chars().any(char::is_control);
    is_plain.then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Priority;
    use crate::ports::Loudness;

    const KEY: &str = "button-0123456789abcdef0123456789abcdef";

    fn notice(id: &str, scope: Option<&str>, button: Option<&str>) -> AppLink {
        let (scope, button) = (scope.map(str::to_owned), button.map(str::to_owned));
        AppLink::Notice(NoticeLink { id: id.to_owned(), scope, button })
    }

    fn popup(kind: PopupKind, notices: &[(&str, &str)]) -> Popup {
        let notices = notices.iter().map(|(scope, id)| NoticeKeyRef { scope, id });
        Popup {
            kind,
            notices: notices.collect(),
            title: String::new(),
            body: String::new(),
            loudness: Loudness::Normal,
            priority: Priority::Normal,
            sound: String::new(),
            buttons: Vec::new(),
            replaces: None,
        }
    }

    #[test]
    fn an_address_names_a_notice_its_scope_and_a_button() {
        for (text, link) in [
            ("belfry://inbox".to_owned(), AppLink::Inbox),
            ("belfry://inbox/".to_owned(), AppLink::Inbox),
            ("belfry://notice/expense-7".to_owned(), notice("expense-7", None, None)),
            ("belfry://notice/9007199254740993".to_owned(), notice("9007199254740993", None, None)),
            ("belfry://notice/a%2Fb%20%E5%AE%A1".to_owned(), notice("a/b 审", None, None)),
            ("belfry://notice/7?scope=hr".to_owned(), notice("7", Some("hr"), None)),
            ("belfry://notice/7?scope=".to_owned(), notice("7", Some(""), None)),
            ("belfry://notice/7?scope=a%26button%3Db".to_owned(), notice("7", Some("a&button=b"), None)),
            (format!("belfry://notice/7?button={KEY}"), notice("7", None, Some(KEY))),
            (format!("belfry://notice/7?scope=hr&button={KEY}"), notice("7", Some("hr"), Some(KEY))),
        ] {
            assert_eq!(text.parse(), Ok(link.clone()), "{text}");
            assert_eq!(link.to_string().parse(), Ok(link), "{text}");
        }
    }

    #[test]
    fn whatever_else_is_given_is_no_address() {
        let long = format!("belfry://notice/{}", "x".repeat(MAX_ID + 1));
        let long_scope = format!("belfry://notice/7?scope={}", "x".repeat(MAX_ID + 1));
        let endless = format!("belfry://notice/7?scope={}", "%61".repeat(1 << 20));
        let twice = format!("belfry://notice/7?button={KEY}&button={KEY}");
        let reversed = format!("belfry://notice/7?button={KEY}&scope=hr");
        let answer = format!("belfry://notice/7?button={}", KEY.replace("button-", "confirm-"));
        let upper = format!("belfry://notice/7?button={}", KEY.to_uppercase());
        for text in [
            "",
            "--config",
            "belfry:",
            "belfry://",
            "belfry://inbox//",
            "belfry://inbox?x=1",
            "belfry://inbox/7",
            "belfry://notice/",
            "belfry://notice",
            "belfry:notice/7",
            "belfry://other/7",
            "BELFRY://notice/7",
            "belfry://notice/7/8",
            "belfry://notice/7?x=1",
            "belfry://notice/7?",
            "belfry://notice/?scope=hr",
            "belfry://notice/7#x",
            "belfry://notice/7?scope=hr#x",
            "belfry://notice/7?scope=hr&",
            "belfry://notice/7?scope=hr&x=1",
            "belfry://notice/7?scope=hr&scope=it",
            "belfry://notice/7?button=",
            "belfry://notice/7?button=approve",
            "belfry://notice/7?button=default",
            "belfry://notice/7?scope=%0A",
            "belfry://notice/7?scope=%ff",
            "belfry://alice@notice/7",
            " belfry://notice/7",
            "belfry://notice:80/7",
            "https://notice/7",
            "belfry://notice/%00",
            "belfry://notice/%ff",
            "belfry://notice/a%0Ab",
            &long,
            &long_scope,
            &endless,
            &twice,
            &reversed,
            &answer,
            &upper,
        ] {
            assert_eq!(text.parse::<AppLink>(), Err(NotALink), "{text:.60}");
        }
    }

    #[test]
    fn a_popup_of_one_notice_leads_to_it_and_a_summary_to_the_window() {
        let single = popup(PopupKind::Single, &[("hr", "7")]);
        assert_eq!(AppLink::of_popup(&single), notice("7", Some("hr"), None));
        let button = PopupButton { key: KEY.to_owned(), label: "Approve".to_owned() };
        assert_eq!(AppLink::of_button(&single, &button), Some(notice("7", Some("hr"), Some(KEY))));
        let summary = popup(PopupKind::Summary, &[("", "7"), ("", "8")]);
        assert_eq!(AppLink::of_popup(&summary), AppLink::Inbox);
    }

    #[test]
    fn the_answers_to_a_question_have_no_address() {
        let question = popup(PopupKind::Question, &[("", "7")]);
        let confirm = PopupButton { key: "confirm-0".to_owned(), label: "Confirm".to_owned() };
        assert_eq!(AppLink::of_button(&question, &confirm), None);
        assert_eq!(AppLink::of_popup(&question), notice("7", Some(""), None));
    }

    #[test]
    fn an_id_that_makes_no_good_address_leads_to_the_window() {
        let long = "x".repeat(MAX_POPUP_ADDRESS);
        for id in ["a\nb", "", long.as_str()] {
            let single = popup(PopupKind::Single, &[("", id)]);
            assert_eq!(AppLink::of_popup(&single), AppLink::Inbox, "{id:.20}");
            let button = PopupButton { key: KEY.to_owned(), label: "Approve".to_owned() };
            assert_eq!(AppLink::of_button(&single, &button), Some(AppLink::Inbox), "{id:.20}");
        }
    }
}
