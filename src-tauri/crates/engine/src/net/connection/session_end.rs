//! Why a session is over: which failure an event of the session, or the text of an ERROR frame,
//! stands for.
//!
//! Pure. Deliberately absent: what follows from it ([`belfry_core::error`] decides on retry,
//! sign-in or halt).

use stomp::SessionEvent;

use belfry_core::{
    error::{Failure, Fault},
    foreign_text::one_line,
};

/// Longest text of an ERROR frame that is shown, in characters.
const MAX_DETAIL_CHARS: usize = 200;

/// Why the session is over, if this event ends it.
pub(crate) fn session_end(event: &SessionEvent, is_established: bool) -> Option<Failure> {
    match event {
        SessionEvent::Error { message, frame, .. } => {
            Some(refusal(message, &String::from_utf8_lossy(frame.body()), is_established))
        }
        SessionEvent::Violation(violation) => Some(Failure::new(Fault::Protocol, violation.to_string())),
        SessionEvent::PeerSilent => Some(Failure::new(Fault::Silent, "")),
        SessionEvent::Disconnected { .. } => Some(Failure::new(Fault::Closed, "")),
        SessionEvent::Connected { .. }
        | SessionEvent::Message { .. }
        | SessionEvent::Oversize { .. }
        | SessionEvent::Receipt(_) => None,
    }
}

/// What an ERROR frame means. Only its text tells, and every server has its own.
fn refusal(message: &str, body: &str, is_established: bool) -> Failure {
    let text = format!("{message} {body}").to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // RabbitMQ: "Bad CONNECT" with "Access refused for user" or "Virtual host ... access denied";
    // "Credential expired". Spring: the text of whatever exception its interceptor threw; its
    // relay: "Broker not available."
    let fault = if says(&["virtual host", "not available", "connection to broker closed", "session closed"]) {
        if says(&["virtual host"]) { Fault::Denied } else { Fault::Closed }
    } else if says(&["credential", "expired", "unauthorized", "authenticat", "bad connect", "token", "password"])
        || (!is_established && says(&["access", "denied", "forbidden", "login", "refused"]))
    {
        Fault::Refused
    } else {
        Fault::Denied
    };
    let detail = [message.trim(), body.trim()].join(": ");
    Failure::new(fault, one_line(detail.trim_matches([':', ' ']), MAX_DETAIL_CHARS))
}
