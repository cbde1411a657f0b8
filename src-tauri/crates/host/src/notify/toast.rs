//! The text of a toast of Windows (schema of `ToastGeneric`), and what one reports.
//!
//! A click starts the app with an address ([`AppLink`]), so that it also counts when the app is not
//! running any more. Only the answers to a question are reported to the program that asks.
//! Deliberately absent: WinRT. Invariant: message text is always escaped.

use belfry_core::app_link::AppLink;
use belfry_core::foreign_text;
use belfry_core::ports::{Loudness, Popup};

use super::{MAX_BODY, MAX_TITLE, markup};

/// The toast as XML.
pub(super) fn xml(popup: &Popup) -> String {
    let title = markup::as_markup(&foreign_text::one_line(&popup.title, MAX_TITLE));
    let body = markup::as_markup(&foreign_text::lines(&popup.body, MAX_BODY));
    let duration = if popup.stays() { "long" } else { "short" };
    let launch = markup::as_attribute(&AppLink::of_popup(popup).to_string());
    let buttons: String = popup
        .buttons
        .iter()
        .map(|button| {
            let label = markup::as_attribute(&button.label);
            let (kind, arguments) = match AppLink::of_button(popup, button) {
                Some(link) => ("protocol", link.to_string()),
                None => ("foreground", button.key.clone()),
            };
            let arguments = markup::as_attribute(&arguments);
            format!("<action content=\"{label}\" activationType=\"{kind}\" arguments=\"{arguments}\"/>")
        })
        .collect();
    let silent = popup.loudness == Loudness::Quiet || popup.sound.is_empty();
    format!(
        "<toast duration=\"{duration}\" activationType=\"protocol\" launch=\"{launch}\"><visual>\
         <binding template=\"ToastGeneric\"><text>{title}</text><text>{body}</text></binding></visual>\
         <actions>{buttons}</actions><audio silent=\"{silent}\"/></toast>"
    )
}

/// The key of the button that these arguments of a toast stand for; `None` for an address, which
/// Windows itself opens.
pub(super) fn button_of(arguments: &str) -> Option<&str> {
    let is_button = !arguments.is_empty() && arguments.parse::<AppLink>().is_err();
    is_button.then_some(arguments)
}

#[cfg(test)]
mod tests {
    use belfry_core::notice::{NoticeKey, Priority};
    use belfry_core::ports::{PopupButton, PopupKind};

    use super::*;

    fn popup(kind: PopupKind, key: &str) -> Popup {
        Popup {
            kind,
            notices: NoticeKey { scope: "h&r".to_owned(), id: "\"7\"".to_owned() }.into(),
            title: "<Lunch>".to_owned(),
            body: "5 < 6".to_owned(),
            loudness: Loudness::Normal,
            priority: Priority::Normal,
            sound: "default".to_owned(),
            buttons: vec![PopupButton { key: key.to_owned(), label: "\"Yes\"".to_owned() }],
            replaces: None,
        }
    }

    #[test]
    fn a_click_on_a_toast_and_its_buttons_opens_an_address() {
        let key = "button-0123456789abcdef0123456789abcdef";
        assert_eq!(
            xml(&popup(PopupKind::Single, key)),
            format!(
                "<toast duration=\"short\" activationType=\"protocol\" \
                 launch=\"belfry://notice/%227%22?scope=h%26r\"><visual><binding template=\"ToastGeneric\">\
                 <text>&lt;Lunch&gt;</text><text>5 &lt; 6</text></binding></visual><actions>\
                 <action content=\"&quot;Yes&quot;\" activationType=\"protocol\" \
                 arguments=\"belfry://notice/%227%22?scope=h%26r&amp;button={key}\"/></actions>\
                 <audio silent=\"false\"/></toast>"
            )
        );
        assert_eq!(button_of(&format!("belfry://notice/7?button={key}")), None);
        assert_eq!(button_of("belfry://inbox"), None);
        assert_eq!(button_of(""), None);
    }

    #[test]
    fn the_answer_to_a_question_is_reported_to_the_program_that_asks() {
        let question = xml(&popup(PopupKind::Question, "confirm-1"));
        assert!(question.contains("activationType=\"foreground\" arguments=\"confirm-1\""), "{question}");
        assert_eq!(button_of("confirm-1"), Some("confirm-1"));
    }
}
