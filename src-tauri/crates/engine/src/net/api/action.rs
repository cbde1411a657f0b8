//! The request that a button sends, and what the server answered.
//!
//! Deliberately absent: which URLs a button may call ([`belfry_core::settings::action_url`]) and sending it ([`super::Api::act`]).

use belfry_core::{envelope, foreign_text, storage::ActionOutcome};
use serde_json::Value;
use url::Url;

/// So much of what the server says about a button is kept, in characters.
const MAX_ACTION_WORDS: usize = 300;

/// The request of a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionCall {
    /// Where to.
    pub url: Url,
    /// The id of the notice.
    pub id: String,
    /// The id of the action.
    pub action: String,
    /// The same for each repetition.
    pub idempotency_key: String,
}

/// What the server answered to a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionAnswer {
    /// What came of it.
    pub outcome: ActionOutcome,
    /// The status and the server's words, such as `409: already decided by bob`; for what was done
    /// only the words, which may be empty. Untrusted.
    pub detail: String,
}

impl ActionAnswer {
    /// A page is for a browser: of one only the status is told.
    pub(super) fn of(status: u16, body: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        let said = ["/msg", "/message", "/error", "/detail", "/error/message"]
            .into_iter()
            .filter_map(|place| document.pointer(place)?.as_str())
            .find(|text| !text.is_empty())
            .map_or_else(
                || {
                    let is_text = document.is_null() && !body.trim_ascii_start().starts_with(b"<");
                    if is_text { String::from_utf8_lossy(body).into_owned() } else { String::new() }
                },
                str::to_owned,
            );
        let said = foreign_text::one_line(&said, MAX_ACTION_WORDS);
        // An answer that is not a JSON object has no envelope: its HTTP status decides.
        let envelope = if document.is_object() { envelope::check(body) } else { Ok(()) };
        let (outcome, code) = match (status, envelope) {
            (200..=299, Ok(())) => (ActionOutcome::Done, None),
            (200..=299, Err(_)) => (ActionOutcome::Refused, code_of(&document)),
            // The server failed somewhere, perhaps after it had carried it out; or it leads to a page, as
            // servers do after a form.
            (300..=399 | 500..=599, _) => (ActionOutcome::Unknown, Some(status.to_string())),
            _ => (ActionOutcome::Refused, Some(status.to_string())),
        };
        let detail = match code {
            Some(code) if said.is_empty() => code,
            Some(code) => format!("{code}: {said}"),
            None => said,
        };
        Self { outcome, detail }
    }
}

/// The `code` of an envelope, as its server writes it.
fn code_of(document: &Value) -> Option<String> {
    let code = document.get("code")?;
    let text = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
    Some(foreign_text::one_line(&text, MAX_ACTION_WORDS)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_came_of_a_button() {
        use ActionOutcome::{Done, Refused, Unknown};
        for (status, body, outcome, detail) in [
            (200, "", Done, ""),
            (204, "", Done, ""),
            (200, r#"{"code":200,"msg":"approved"}"#, Done, "approved"),
            (200, "thanks\u{202e}", Done, "thanks"),
            (200, r#"{"code":409,"msg":"already decided by bob"}"#, Refused, "409: already decided by bob"),
            (200, r#"{"success":false,"message":"no"}"#, Refused, "no"),
            (302, "", Unknown, "302"),
            (403, r#"{"error":"not yours"}"#, Refused, "403: not yours"),
            (409, r#"{"message":"already decided by bob"}"#, Refused, "409: already decided by bob"),
            (500, "oops", Unknown, "500: oops"),
            (404, "\n<html><body><h1>404</h1></body></html>", Refused, "404"),
            (200, "<!doctype html><p>done</p>", Done, ""),
        ] {
            let answer = ActionAnswer::of(status, body.as_bytes());
            assert_eq!((answer.outcome, answer.detail.as_str()), (outcome, detail), "{status} {body}");
        }
    }
}
