//! The buttons of popups: pressed, confirmed, carried out, answered.
//!
//! What a button does, and every word of these popups, is decided in
//! [`belfry_core::alerts::buttons`]. Invariants: a request is sent only for a question that is still
//! open, about the opening, the text and the address that it showed, and once; a notice has one button at
//! work at a time, whether it was pressed in a popup or in the window.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use belfry_core::alerts::buttons::{self, Answer, ButtonPopups, Pressed, Question};
use belfry_core::app_link::NoticeLink;
use belfry_core::notice::NoticeKey;
use belfry_core::ports::{NotifyError, Popup, PopupId};
use belfry_core::settings::action_url::ActionTarget;
use belfry_core::url_policy::{self, Refused};
use engine::inbox::{Detail, Inbox};
use jiff::tz::TimeZone;

use super::server_requests;
use crate::controller::Controller;
use crate::gui::Gui;
use crate::ipc::{CommandError, CommandErrorCode};
use crate::request::WindowToken;
use crate::task::{CarriedOut, NoticeName, Outcome, report};

/// The notification service's name for a click on a popup's body.
const BODY_CLICK: &str = "default";

/// What the buttons of notices are doing.
#[derive(Debug, Default)]
pub(crate) struct Buttons {
    /// The questions that are on the screen, or on their way, by their names.
    questions: HashMap<String, Asked>,
    /// The notices whose button is being carried out.
    pub(crate) running: HashSet<i64>,
}

#[derive(Debug)]
struct Asked {
    notice: NoticeName,
    question: Box<Question>,
    /// Once the desktop has shown it.
    popup: Option<PopupId>,
}

impl<G: Gui> Controller<G> {
    /// A popup was clicked, or one of its buttons.
    pub(crate) fn handle_activated(
        &mut self,
        notices: &[NoticeKey],
        action: String,
        popup: &PopupId,
        token: Option<String>,
    ) {
        if let Some((answer, name)) = buttons::answer_of(&action) {
            return self.handle_answer(answer, name, token);
        }
        let asked = self.buttons.questions.values().find(|asked| asked.popup.as_ref() == Some(popup));
        let notice = match (asked, notices) {
            (Some(asked), _) => Some(asked.notice.key.clone()),
            (None, [notice]) => Some(notice.clone()),
            (None, _) => None,
        };
        match notice {
            Some(notice) if action == BODY_CLICK => {
                let link = NoticeLink { id: notice.id, scope: Some(notice.scope), button: None };
                self.open_notice(link, Some(WindowToken(token)));
            }
            Some(notice) => {
                let reporter = self.reporter();
                let find = move |inbox: &mut Inbox| find(inbox, &notice);
                self.inbox.run(find, move |found| {
                    report(
                        &reporter,
                        Outcome::Pressed { found: found.map(|detail| detail.map(Box::new)), key: action, token },
                    );
                });
            }
            None => self.show_window(token),
        }
    }

    /// The notice of a pressed button was read.
    pub(crate) fn handle_pressed(
        &mut self,
        found: Result<Option<Box<Detail>>, CommandError>,
        key: &str,
        token: Option<String>,
    ) {
        let detail = match found {
            Ok(Some(detail)) => detail,
            Ok(None) => return self.show_window(token),
            Err(error) => {
                tracing::warn!(error = error.message, "the notice of a button was not read");
                return self.show_window(token);
            }
        };
        let notice = NoticeName::of(&detail);
        match buttons::press(detail.offer(), key, &self.session.settings) {
            Pressed::Open { label, link } => self.open_for(&notice, &label, &link),
            Pressed::Question(question) => self.ask(notice, &detail, question, token),
            Pressed::Nothing => self.say_nothing_done(&notice, "popup.changed", ""),
            Pressed::Refused { label } => self.say_nothing_done(&notice, "popup.refused", &label),
        }
    }

    fn ask(&mut self, notice: NoticeName, detail: &Detail, question: Box<Question>, token: Option<String>) {
        self.drop_questions(|asked| asked.notice.seq == notice.seq);
        let popup =
            self.words(&notice, |words| words.question(&question, detail.opening, detail.action_result.as_ref()));
        let Some(popup) = popup else {
            return self.ask_in_window(notice.seq, question.action.id, token);
        };
        let name = question.name(&notice.key, detail.opening);
        let asked = Asked { notice, question, popup: None };
        self.buttons.questions.insert(name.clone(), asked);
        self.hand_over(popup, |shown| Outcome::Asked { name, shown, token });
    }

    /// A question was shown, or cannot be.
    pub(crate) fn handle_asked(&mut self, name: &str, shown: Result<PopupId, NotifyError>, token: Option<String>) {
        match shown {
            Ok(popup) => match self.buttons.questions.get_mut(name) {
                // The button was pressed twice: one question is enough.
                Some(asked) => {
                    if let Some(other) = asked.popup.replace(popup) {
                        self.retract(other);
                    }
                }
                // It was answered, or dropped, meanwhile.
                None => self.retract(popup),
            },
            Err(error) => {
                tracing::info!(%error, "a button is confirmed in the window");
                if let Some(asked) = self.buttons.questions.remove(name) {
                    self.ask_in_window(asked.notice.seq, asked.question.action.id, token);
                }
            }
        }
    }

    fn handle_answer(&mut self, answer: Answer, name: &str, token: Option<String>) {
        let Some(asked) = self.buttons.questions.remove(name) else {
            // It was answered before, or an earlier run has asked it. The inbox says how things are.
            return self.show_window(token);
        };
        let Asked { notice, question, popup } = asked;
        // Not every desktop takes a popup away once it is answered.
        if let Some(popup) = popup {
            self.retract(popup);
        }
        match (answer, &question.target) {
            (Answer::Cancel, _) => {}
            (Answer::Confirm, ActionTarget::Open(link)) => self.open_for(&notice, &question.action.label, link),
            (Answer::Confirm, ActionTarget::Call(_)) => self.carry_out(notice, name.to_owned(), *question),
        }
    }

    /// `confirmed` is the name of the question that a person has confirmed.
    fn carry_out(&mut self, notice: NoticeName, confirmed: String, question: Question) {
        if !self.buttons.running.insert(notice.seq) {
            return self.say_nothing_done(&notice, "popup.busy", &question.action.label);
        }
        let (server, inbox, settings) = (self.server(), self.inbox.clone(), self.session.settings.clone());
        self.spawn(|reporter| async move {
            let place = notice.key.clone();
            let offered = inbox
                .read(move |inbox| find(inbox, &place))
                .await
                .and_then(|detail| server_requests::offered(detail, &question.action.id, Some(&confirmed), &settings));
            let carried = match (offered, server) {
                (Ok((Question { target: ActionTarget::Call(url), action, .. }, detail)), Ok(server)) => {
                    server_requests::call(&server, &inbox, &reporter, &action, &detail, url).await
                }
                // The settings have changed: it would be opened.
                (Ok((Question { target: ActionTarget::Open(_), .. }, _)), _) => Err(server_requests::has_changed()),
                (Err(error), _) | (_, Err(error)) => Err(error),
            };
            report(&reporter, Outcome::CarriedOut { notice, label: question.action.label, carried });
        });
    }

    /// A button that was confirmed in a popup was carried out, or nothing was sent.
    pub(crate) fn handle_carried_out(
        &mut self,
        notice: &NoticeName,
        label: &str,
        carried: Result<CarriedOut, CommandError>,
    ) {
        self.buttons.running.remove(&notice.seq);
        match carried {
            Ok(carried) => {
                let popup = self.words(notice, |words| words.result(&carried.result));
                self.say(notice, popup);
            }
            Err(error) => {
                tracing::info!(error = error.message, "nothing was sent for a button");
                let key = if error.code == CommandErrorCode::Offline {
                    "popup.offline"
                } else if error.code == CommandErrorCode::Store {
                    "popup.store"
                } else if error.code == CommandErrorCode::LinkRefused {
                    "popup.refused"
                } else {
                    "popup.changed"
                };
                self.say_nothing_done(notice, key, label);
            }
        }
    }

    /// A notice has changed: questions about what it no longer offers are taken back.
    pub(crate) fn review_questions(&self, id: &str) {
        let about = self.buttons.questions.iter().filter(|(_, asked)| asked.notice.key.id == id);
        for (name, asked) in about {
            let (reporter, name, key) = (self.reporter(), name.clone(), asked.notice.key.clone());
            let (action, settings) = (asked.question.action.id.clone(), self.session.settings.clone());
            self.inbox.run(
                move |inbox| find(inbox, &key),
                move |found| {
                    // What cannot be read is read again when it is confirmed.
                    let Ok(detail) = found else { return };
                    let says = detail.as_ref().map(NoticeName::of);
                    if let Err(error) = server_requests::offered(detail, &action, Some(&name), &settings) {
                        let says = says.filter(|_| error.code == CommandErrorCode::Changed);
                        report(&reporter, Outcome::NoLongerOffered { question: name, says });
                    }
                },
            );
        }
    }

    /// What a question asks is no longer offered. Where it is only called something else now, a
    /// popup says so: the person is about to answer.
    pub(crate) fn drop_question(&mut self, name: &str, says: Option<&NoticeName>) {
        let Some(asked) = self.buttons.questions.remove(name) else { return };
        if let Some(popup) = asked.popup {
            self.retract(popup);
        }
        if let Some(notice) = says {
            self.say_nothing_done(notice, "popup.changed", &asked.question.action.label);
        }
    }

    /// The engine ends: nothing that was asked can be confirmed any more.
    pub(crate) fn drop_all_questions(&mut self) {
        self.drop_questions(|_| true);
    }

    fn drop_questions(&mut self, is_over: impl Fn(&Asked) -> bool) {
        let dropped: Vec<Asked> = self.buttons.questions.extract_if(|_, asked| is_over(asked)).map(|it| it.1).collect();
        for popup in dropped.into_iter().filter_map(|asked| asked.popup) {
            self.retract(popup);
        }
    }

    fn open_for(&mut self, notice: &NoticeName, label: &str, link: &str) {
        if let Err(error) = self.open_url(link) {
            tracing::info!(error = error.message, "the link of a button was not opened");
            let why = match url_policy::allowed(link, &self.session.settings) {
                Err(Refused::NotWeb) => "popup.notWeb",
                Err(Refused::Credentials) => "popup.hidesHost",
                Err(Refused::Host(_)) => "popup.linkRefused",
                Ok(_) => "popup.noBrowser",
            };
            self.say_nothing_done(notice, why, label);
        }
    }

    fn ask_in_window(&mut self, seq: i64, action: String, token: Option<String>) {
        self.point_to(Some(seq), Some(action));
        self.show_window(token);
    }

    fn say_nothing_done(&mut self, notice: &NoticeName, key: &'static str, label: &str) {
        let popup = self.words(notice, |words| words.nothing_done(key, label));
        self.say(notice, popup);
    }

    /// Says something about a notice in a popup, else by showing the notice.
    fn say(&self, notice: &NoticeName, popup: Popup) {
        let seq = notice.seq;
        self.hand_over(popup, move |shown| Outcome::Said { seq, shown });
    }

    /// Something was said, or could not be: then the window shows the notice, which says it too.
    pub(crate) fn handle_said(&mut self, seq: i64, shown: Result<PopupId, NotifyError>) {
        if let Err(error) = shown {
            tracing::info!(%error, "the window says what came of a button");
            self.point_to(Some(seq), None);
            self.show_window(None);
        }
    }

    fn words<T>(&self, notice: &NoticeName, word: impl FnOnce(ButtonPopups<'_>) -> T) -> T {
        let time_zone = TimeZone::system();
        let (language, title) = (self.language(), notice.title.as_str());
        word(ButtonPopups { language, time_zone: &time_zone, notice: &notice.key, title })
    }

    /// The notification service may take its time.
    fn hand_over(&self, popup: Popup, outcome: impl FnOnce(Result<PopupId, NotifyError>) -> Outcome + Send + 'static) {
        let (notifier, reporter) = (Arc::clone(&self.machine.notifier), self.reporter());
        self.machine.runtime.spawn_blocking(move || report(&reporter, outcome(notifier.show(&popup))));
    }

    fn retract(&self, popup: PopupId) {
        let notifier = Arc::clone(&self.machine.notifier);
        self.machine.runtime.spawn_blocking(move || notifier.retract(&popup));
    }
}

fn find(inbox: &mut Inbox, notice: &NoticeKey) -> Result<Option<Detail>, CommandError> {
    for seq in inbox.find(&notice.id)? {
        if let Some(detail) = inbox.show(seq)?.filter(|detail| detail.scope == notice.scope) {
            return Ok(Some(detail));
        }
    }
    Ok(None)
}
