//! The buttons of a notice as the window shows them, and what came of one. Values only.

use belfry_core::alerts::buttons::Question;
use belfry_core::settings::Settings;
use belfry_core::settings::action_url::ActionTarget;
use belfry_core::{foreign_text, notice, storage};
use engine::inbox::Detail;
use serde::Serialize;
#[cfg(test)]
use ts_rs::TS;
use url::Url;

use super::FaultKind;

/// Longest one-line text of a notice, in characters.
pub(super) const MAX_LINE_CHARS: usize = 200;

/// What a person may do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Action {
    /// To ask for it.
    id: String,
    /// What the button says.
    label: String,
    /// Ask before doing it; a request is confirmed in any case.
    confirm: bool,
    /// The message's own question; empty without one.
    question: String,
    /// The request it sends with the sign-in; null when it sends none.
    call: Option<ActionCall>,
    /// It opens a page in the browser.
    opens: bool,
    /// What to confirm it with: names the request, and what the notice says.
    key: String,
}

/// The request of a button, as a person confirms it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct ActionCall {
    /// `POST`.
    method: String,
    /// Scheme, host and port.
    host: String,
    /// Path and query.
    path: String,
}

mirror! {
    /// What came of a button.
    ActionOutcome of storage::ActionOutcome { Done = Done, Refused = Refused, Unknown = Unknown }
}

/// What came of the last button that was pressed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct ActionResult {
    /// What the button said.
    label: String,
    /// When it was pressed; RFC 3339.
    at: String,
    /// What came of it.
    outcome: ActionOutcome,
    /// What failed, where no answer says it.
    fault: Option<FaultKind>,
    /// The server's status and words, or where it failed; may be empty.
    detail: String,
}

impl Action {
    pub(super) fn of(action: &notice::Action, detail: &Detail, settings: &Settings) -> Self {
        let question = Question::about(detail.offer(), action, settings);
        let key = question.as_ref().map(|question| question.name(&detail.key(), detail.opening)).unwrap_or_default();
        let (call, opens) = match question.map(|question| question.target) {
            Ok(ActionTarget::Call(url)) => (Some(url.into()), false),
            Ok(ActionTarget::Open(_)) => (None, true),
            // Pressing it says why it does nothing.
            Err(_) => (None, false),
        };
        Self {
            confirm: action.confirm.is_wanted(),
            question: foreign_text::lines(action.confirm.question().unwrap_or_default(), MAX_LINE_CHARS * 5),
            label: foreign_text::one_line(&action.label, MAX_LINE_CHARS),
            id: action.id.clone(),
            call,
            opens,
            key,
        }
    }
}

impl From<Url> for ActionCall {
    fn from(url: Url) -> Self {
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Self { method: "POST".to_owned(), host: url.origin().ascii_serialization(), path }
    }
}

impl From<storage::ActionResult> for ActionResult {
    fn from(result: storage::ActionResult) -> Self {
        Self {
            label: foreign_text::one_line(&result.label, MAX_LINE_CHARS),
            at: result.at.to_string(),
            outcome: result.outcome.into(),
            fault: result.fault.map(Into::into),
            detail: foreign_text::one_line(&result.detail, MAX_LINE_CHARS * 2),
        }
    }
}
