//! The buttons of popups: which ones a notice's popup has, what pressing one does, and the popups
//! that ask for a confirmation and that say what came of it.
//!
//! Pure. A button is known by what it was, and by what its notice said, when it was shown, so that
//! a press means what the person has read, or does nothing. Deliberately absent: sending, and which addresses a button may call
//! ([`action_url`]). Invariants: a question shows the whole request and the whole question of the
//! message, or is asked in the window; the request comes before any text of the message that could
//! imitate it.

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::{
    foreign_text::{one_line, shortened},
    notice::{Action, Notice, NoticeKey, Priority, State},
    ports::{Loudness, Popup, PopupButton, PopupKind},
    settings::action_url::{self, ActionRefusal, ActionTarget},
    settings::{Preview, Settings},
    storage::{ActionOutcome, ActionResult},
    texts::Language,
    url_policy,
};

/// The most buttons of a popup: desktops show about three. The window has all of them.
pub const MAX_BUTTONS: usize = 3;
/// The longest label of a button, in characters.
const MAX_LABEL_CHARS: usize = 40;
/// The longest text of a question, in characters: it has to pass the desktop uncut.
pub const MAX_QUESTION_CHARS: usize = 380;
/// The longest title of a notice in these popups, in characters.
const MAX_TITLE_CHARS: usize = 80;
/// The longest answer of a server in a popup, in characters.
const MAX_ANSWER_CHARS: usize = 240;

/// What a notice says, and the buttons that it offers with that.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its text.
    pub body: &'a str,
    /// The buttons; none once it is settled.
    pub actions: &'a [Action],
}

impl<'a> Offer<'a> {
    /// The button with this key, unless it or the text has changed.
    fn find(&self, key: &str) -> Option<&'a Action> {
        self.actions.iter().find(|action| self.key_of(action) == key)
    }

    /// The name of a button: another one as soon as anything about it, or about the text, is different.
    fn key_of(&self, action: &Action) -> String {
        let Action { id, label, url, method, confirm } = action;
        let asks = if confirm.is_wanted() { "asks" } else { "" };
        let question = confirm.question().unwrap_or_default();
        format!("{BUTTON}{}", fingerprint(&[id, label, url, method, asks, question, self.title, self.body]))
    }
}

/// The buttons of a notice's popup: what a person can do, and no button that would do nothing.
pub fn of_notice(notice: &Notice, settings: &Settings) -> Vec<PopupButton> {
    if notice.state != State::Open || settings.notifications.preview == Preview::None {
        return Vec::new();
    }
    let offer = Offer { title: &notice.title, body: &notice.body, actions: &notice.actions };
    let mut buttons: Vec<PopupButton> = Vec::new();
    for action in offer.actions {
        let button = PopupButton { key: offer.key_of(action), label: one_line(&action.label, MAX_LABEL_CHARS) };
        let is_useful = !button.label.is_empty() && does_something(action, settings);
        if is_useful && buttons.len() < MAX_BUTTONS && buttons.iter().all(|other| other.key != button.key) {
            buttons.push(button);
        }
    }
    buttons
}

/// Whether it sends a request, or opens an address that may be opened.
fn does_something(action: &Action, settings: &Settings) -> bool {
    match action_url::decide(action, settings) {
        Ok(ActionTarget::Call(_)) => true,
        Ok(ActionTarget::Open(link)) => url_policy::allowed(&link, settings).is_ok(),
        Err(_) => false,
    }
}

/// What a press leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pressed {
    /// The browser opens this link, without the sign-in.
    Open {
        /// What the button says.
        label: String,
        /// Where it leads.
        link: String,
    },
    /// A person is asked first.
    Question(Box<Question>),
    /// Nothing: the notice is settled, or the button or the text is no longer what was shown.
    Nothing,
    /// Nothing: the settings do not allow what it does, unlike when its popup was shown.
    Refused {
        /// What the button says.
        label: String,
    },
}

/// Decides what a press on the button with this key does; `offer` is that of now.
pub fn press(offer: Offer<'_>, key: &str, settings: &Settings) -> Pressed {
    let Some(action) = offer.find(key) else { return Pressed::Nothing };
    let label = one_line(&action.label, MAX_LABEL_CHARS);
    match Question::about(offer, action, settings) {
        Ok(Question { target: ActionTarget::Open(link), .. }) if !action.confirm.is_wanted() => {
            Pressed::Open { label, link }
        }
        Ok(question) => Pressed::Question(Box::new(question)),
        Err(_) => Pressed::Refused { label },
    }
}

/// What a button would do, for a person to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The button.
    pub action: Action,
    /// What it does.
    pub target: ActionTarget,
    /// The key of the button.
    key: String,
}

/// The action that the button with this key stands for, if the notice still offers it and it may do
/// something: what a person is asked about when anybody at all may have named the button.
pub fn asked_about<'a>(offer: Offer<'a>, key: &str, settings: &Settings) -> Option<&'a Action> {
    offer.find(key).filter(|action| does_something(action, settings))
}

/// What a person answered to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Do it.
    Confirm,
    /// Do nothing.
    Cancel,
}

const CONFIRM: &str = "confirm-";
const CANCEL: &str = "cancel-";

/// The answer that this key of a button stands for, and the [`Question::name`] it belongs to.
pub fn answer_of(key: &str) -> Option<(Answer, &str)> {
    let confirmed = key.strip_prefix(CONFIRM).map(|name| (Answer::Confirm, name));
    confirmed.or_else(|| key.strip_prefix(CANCEL).map(|name| (Answer::Cancel, name)))
}

impl Question {
    /// What a person is asked about this button.
    ///
    /// # Errors
    /// The settings do not allow what it does.
    pub fn about(offer: Offer<'_>, action: &Action, settings: &Settings) -> Result<Self, ActionRefusal> {
        let target = action_url::decide(action, settings)?;
        Ok(Self { action: action.clone(), target, key: offer.key_of(action) })
    }

    /// Whether nothing is done before a person has answered.
    pub fn is_asked(&self) -> bool {
        matches!(self.target, ActionTarget::Call(_)) || self.action.confirm.is_wanted()
    }

    /// Names this question about this opening of a notice: another button, or the same one after
    /// it or the text has changed, has another name.
    pub fn name(&self, notice: &NoticeKey, opening: u32) -> String {
        let address = match &self.target {
            ActionTarget::Call(url) => url.as_str(),
            ActionTarget::Open(link) => link,
        };
        fingerprint(&[&notice.scope, &notice.id, &opening.to_string(), &self.key, address])
    }
}

/// Words the popups about one notice.
#[derive(Debug, Clone)]
pub struct ButtonPopups<'a> {
    /// The person's language.
    pub language: Language,
    /// How times are written.
    pub time_zone: &'a TimeZone,
    /// Which notice.
    pub notice: &'a NoticeKey,
    /// Its title.
    pub title: &'a str,
}

impl ButtonPopups<'_> {
    /// The popup that asks `question`, about this opening; `before` is what came of the last button
    /// in this opening. `None` when it would not show everything: then the window asks.
    pub fn question(&self, question: &Question, opening: u32, before: Option<&ActionResult>) -> Option<Popup> {
        let Question { action, target, .. } = question;
        let mut lines = vec![shortened(&one_line(self.title, usize::MAX), MAX_TITLE_CHARS)];
        match target {
            ActionTarget::Call(url) => {
                lines.push(self.language.text("action.request").to_owned());
                lines.push(format!("POST {}", url.origin().ascii_serialization()));
                let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                lines.push(format!("{}{query}", url.path()));
            }
            ActionTarget::Open(link) => {
                lines.push(self.language.text("popup.opens").to_owned());
                lines.push(one_line(link, usize::MAX));
            }
        }
        if let Some(asked) = action.confirm.question() {
            lines.push(format!("{} {}", self.language.text("action.question"), one_line(asked, usize::MAX)));
        }
        lines.extend(before.map(|before| self.outcome(before)));
        let body = lines.join("\n");
        if body.chars().count() > MAX_QUESTION_CHARS {
            return None;
        }
        let name = question.name(self.notice, opening);
        let button = |prefix: &str, label| PopupButton {
            key: format!("{prefix}{name}"),
            label: self.language.text(label).to_owned(),
        };
        let label = one_line(&action.label, MAX_LABEL_CHARS);
        Some(Popup {
            kind: PopupKind::Question,
            buttons: vec![button(CONFIRM, "popup.confirm"), button(CANCEL, "popup.cancel")],
            ..self.popup(self.language.fill("action.confirm", &[("label", &label)]), body)
        })
    }

    /// The popup that says what came of a button.
    pub fn result(&self, result: &ActionResult) -> Popup {
        self.said(&self.outcome(result), &reason_of(self.language, result))
    }

    /// The popup that says why nothing was done; `key` is a text with a place for the label.
    pub fn nothing_done(&self, key: &'static str, label: &str) -> Popup {
        let label = one_line(label, MAX_LABEL_CHARS);
        self.said(&self.language.fill(key, &[("label", &label)]), "")
    }

    fn said(&self, sentence: &str, detail: &str) -> Popup {
        let detail = shortened(&one_line(detail, usize::MAX), MAX_ANSWER_CHARS);
        let body = if detail.is_empty() { sentence.to_owned() } else { format!("{sentence}\n{detail}") };
        self.popup(shortened(&one_line(self.title, usize::MAX), MAX_TITLE_CHARS), body)
    }

    /// What came of a button, in one sentence.
    fn outcome(&self, result: &ActionResult) -> String {
        let at = result.at.to_zoned(self.time_zone.clone());
        outcome_of(self.language, result, &format!("{:02}:{:02}", at.hour(), at.minute()))
    }

    /// Without a sound: the person is at the desk and has just pressed a button.
    fn popup(&self, title: String, body: String) -> Popup {
        Popup {
            kind: PopupKind::Result,
            notices: self.notice.clone().into(),
            title,
            body,
            loudness: Loudness::Quiet,
            priority: Priority::Normal,
            sound: String::new(),
            buttons: Vec::new(),
            replaces: None,
        }
    }
}

/// What came of a button that was pressed at this time, in one sentence.
pub fn outcome_of(language: Language, result: &ActionResult, time: &str) -> String {
    let key = match result.outcome {
        ActionOutcome::Done => "action.done",
        ActionOutcome::Refused => "action.refused",
        ActionOutcome::Unknown => "action.unknown",
    };
    let label = one_line(&result.label, MAX_LABEL_CHARS);
    language.fill(key, &[("label", &label), ("time", time)])
}

/// What failed, and what the server said; may be empty.
pub fn reason_of(language: Language, result: &ActionResult) -> String {
    let fault = result.fault.map(|kind| language.fault(kind)).unwrap_or_default();
    [fault, &result.detail].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

const BUTTON: &str = "button-";
/// The length of a fingerprint, in characters.
const FINGERPRINT: usize = 32;

/// Whether this could be the key of a notice's button. The answers to a question have other keys.
pub fn is_key(key: &str) -> bool {
    let is_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    key.strip_prefix(BUTTON).is_some_and(|name| name.len() == FINGERPRINT && name.bytes().all(is_hex))
}

fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut text = data_encoding::HEXLOWER.encode(&hash.finalize());
    text.truncate(FINGERPRINT);
    text
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::notice::{Confirm, Identity, Origin};
    use crate::status::Kind;

    fn settings() -> Settings {
        let mut settings = Settings::default();
        settings.api.base = Some(Url::parse("https://push.example.com/ecgapi").unwrap());
        settings.app.action_urls = vec!["https://push.example.com/approvals".parse().unwrap()];
        settings
    }

    fn action(id: &str, path: &str) -> Action {
        Action {
            id: id.to_owned(),
            label: id.to_owned(),
            url: format!("https://push.example.com{path}"),
            method: String::new(),
            confirm: Confirm::default(),
        }
    }

    fn notice(actions: Vec<Action>) -> Notice {
        Notice {
            key: NoticeKey { scope: String::new(), id: "7".to_owned() },
            identity: Identity::Assigned,
            title: "Expense 7".to_owned(),
            body: String::new(),
            kind: String::new(),
            sender: String::new(),
            sent_at: None,
            link: String::new(),
            priority: Priority::Normal,
            state: State::Open,
            has_state: true,
            version: None,
            actions,
            undelivered: None,
            is_partial: false,
            extra: serde_json::Map::new(),
            destination: String::new(),
            origin: Origin::Personal,
        }
    }

    fn labels(buttons: &[PopupButton]) -> Vec<&str> {
        buttons.iter().map(|button| button.label.as_str()).collect()
    }

    fn key() -> NoticeKey {
        NoticeKey { scope: String::new(), id: "7".to_owned() }
    }

    fn words(key: &NoticeKey) -> ButtonPopups<'_> {
        static ZONE: TimeZone = TimeZone::UTC;
        ButtonPopups { language: Language::English, time_zone: &ZONE, notice: key, title: "Expense 7" }
    }

    fn offer(actions: &[Action]) -> Offer<'_> {
        Offer { title: "Expense 7", body: "12 EUR", actions }
    }

    #[test]
    fn a_popup_has_the_buttons_that_do_something_and_no_more_than_a_desktop_shows() {
        let api = action("Show photo", "/ecgapi/api/message/deleteMessageById");
        let actions =
            vec![action("Approve", "/approvals/7/approve"), api, action("Look", "/look"), action("", "/approvals/8")];
        let mut notice = notice(actions);
        assert_eq!(labels(&of_notice(&notice, &settings())), ["Approve", "Look"]);
        notice.actions.extend((0..5).map(|number| action(&number.to_string(), "/look")));
        notice.actions.push(notice.actions[0].clone());
        assert_eq!(labels(&of_notice(&notice, &settings())), ["Approve", "Look", "0"]);
        for state in [State::Decided, State::Withdrawn, State::Expired] {
            notice.state = state;
            assert_eq!(of_notice(&notice, &settings()), []);
        }
    }

    #[test]
    fn a_popup_offers_no_button_whose_address_cannot_be_opened() {
        let link = |label: &str, url: &str| Action { url: url.to_owned(), ..action(label, "") };
        let actions = vec![
            link("Script", "javascript:alert(1)"),
            link("Relative", "/approvals/7"),
            link("File", "file:///etc/passwd"),
            link("Named", "https://alice@other.example.org/"),
            link("Elsewhere", "https://other.example.org/photo"),
            link("Look", "https://push.example.com/look"),
        ];
        let (notice, mut settings) = (notice(actions.clone()), settings());
        assert_eq!(labels(&of_notice(&notice, &settings)), ["Look"]);
        let offer = offer(&actions);
        assert_eq!(asked_about(offer, &offer.key_of(&actions[4]), &settings), None);
        settings.app.allowed_link_hosts = vec!["other.example.org".to_owned()];
        assert_eq!(labels(&of_notice(&notice, &settings)), ["Elsewhere"]);
    }

    #[test]
    fn where_others_can_read_the_screen_popups_have_no_buttons() {
        let mut settings = settings();
        settings.notifications.preview = Preview::None;
        assert_eq!(of_notice(&notice(vec![action("Approve", "/approvals/7")]), &settings), []);
    }

    #[test]
    fn a_press_opens_asks_or_does_nothing() {
        let approve = action("Approve", "/approvals/7/approve");
        let look = action("Look", "/look");
        let asked = Action { confirm: Confirm::Asked(true), ..look.clone() };
        let (offered, settings) = ([approve.clone(), look.clone()], settings());
        let press = |offered: &[Action], action: &Action| press(offer(offered), &offer(&[]).key_of(action), &settings);
        let Pressed::Question(question) = press(&offered, &approve) else { panic!("not asked") };
        assert_eq!(question.target, action_url::decide(&approve, &settings).unwrap());
        assert_eq!(
            press(&offered, &look),
            Pressed::Open { label: "Look".to_owned(), link: "https://push.example.com/look".to_owned() }
        );
        assert!(matches!(press(std::slice::from_ref(&asked), &asked), Pressed::Question(_)));
        // The notice is settled, or the button has changed since the popup was shown.
        assert_eq!(press(&[], &approve), Pressed::Nothing);
        for changed in [
            Action { url: "https://push.example.com/approvals/8/approve".to_owned(), ..approve.clone() },
            Action { label: "Show photo".to_owned(), ..approve.clone() },
            Action { confirm: Confirm::Question("Sure?".to_owned()), ..approve.clone() },
        ] {
            assert_eq!(press(&[changed], &approve), Pressed::Nothing);
        }
        for (title, body) in [("Expense 8", "12 EUR"), ("Expense 7", "99999 EUR")] {
            let says_another = Offer { title, body, actions: &offered };
            let pressed = super::press(says_another, &offer(&[]).key_of(&approve), &settings);
            assert_eq!(pressed, Pressed::Nothing, "{title}, {body}");
        }
        let refused = Action { method: "GET".to_owned(), ..approve.clone() };
        assert_eq!(press(std::slice::from_ref(&refused), &refused), Pressed::Refused { label: "Approve".to_owned() });
    }

    #[test]
    fn a_question_shows_the_request_first_and_then_what_the_message_asks() {
        let asks = Confirm::Question("Approve 12 EUR?\nPOST https://good.example.com".to_owned());
        let approve = Action { confirm: asks, ..action("Approve", "/approvals/7/approve?step=2") };
        let question = Question::about(offer(&[]), &approve, &settings()).unwrap();
        let key = key();
        let popup = words(&key).question(&question, 1, None).unwrap();
        assert_eq!(popup.title, "Approve?");
        assert_eq!(
            popup.body,
            "Expense 7\nBelfry sends this request with your sign-in:\nPOST https://push.example.com\n\
             /approvals/7/approve?step=2\nThe message asks: Approve 12 EUR? POST https://good.example.com"
        );
        assert_eq!((labels(&popup.buttons), popup.kind), (vec!["Confirm", "Cancel"], PopupKind::Question));
        let name = question.name(&key, 1);
        assert_eq!(answer_of(&popup.buttons[0].key), Some((Answer::Confirm, name.as_str())));
        assert_eq!(answer_of(&popup.buttons[1].key), Some((Answer::Cancel, name.as_str())));
        assert_ne!(name, question.name(&key, 2), "another opening is another question");
        let key_of_button = offer(&[]).key_of(&approve);
        assert_eq!((answer_of(&key_of_button), is_key(&key_of_button)), (None, true));
    }

    #[test]
    fn a_question_that_does_not_fit_is_left_to_the_window() {
        let key = key();
        for long in [
            Action { confirm: Confirm::Question("x".repeat(300)), ..action("Approve", "/approvals/7") },
            action("Approve", &format!("/approvals/{}", "x".repeat(400))),
        ] {
            let question = Question::about(offer(&[]), &long, &settings()).unwrap();
            assert_eq!(words(&key).question(&question, 1, None), None);
        }
    }

    #[test]
    fn a_result_says_what_came_of_a_button_and_when() {
        let key = key();
        let result = |outcome, detail: &str| ActionResult {
            action: "ok".to_owned(),
            label: "Approve".to_owned(),
            at: "2026-11-20T10:32:00Z".parse().unwrap(),
            outcome,
            fault: None,
            detail: detail.to_owned(),
        };
        let body = |outcome, detail: &str| words(&key).result(&result(outcome, detail)).body;
        assert_eq!(body(ActionOutcome::Done, ""), "Approve: done, 10:32.");
        assert_eq!(
            body(ActionOutcome::Refused, "409: already decided by bob"),
            "Approve: not carried out, 10:32.\n409: already decided by bob"
        );
        let unknown = result(ActionOutcome::Unknown, "");
        assert!(words(&key).result(&unknown).body.contains("not known"));
        let late = ActionResult { fault: Some(Kind::TimedOut), ..result(ActionOutcome::Unknown, "h:443") };
        let said = |language| ButtonPopups { language, ..words(&key) }.result(&late).body;
        assert!(said(Language::English).ends_with("\nThe server did not answer in time. h:443"));
        assert!(said(Language::Chinese).ends_with("\n服务器未及时应答。 h:443"));
        // A person who presses again is told what came of it before.
        let approve = action("Approve", "/approvals/7");
        let question = Question::about(offer(&[]), &approve, &settings()).unwrap();
        let popup = words(&key).question(&question, 1, Some(&unknown)).unwrap();
        assert!(popup.body.ends_with("Whether it was carried out is not known."), "{}", popup.body);
    }
}
