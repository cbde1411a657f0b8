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

/// How servers say that they support none of the offered versions (RabbitMQ: "Version mismatch",
/// "Supported versions are ..."), in lower case.
const VERSION_REFUSALS: &[&str] = &[
    "version mismatch",
    "supported version",
    "protocol version",
    "stomp version",
    "accept-version",
    "version not supported",
];

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
    // relay: the two texts of an outage.
    let fault = if says(&["broker not available", "connection to broker closed"]) {
        // However soon it comes: an outage of what is behind the server.
        Fault::Restarting
    } else if says(&["virtual host"]) {
        Fault::Denied
    } else if !is_established {
        // CONNECT says nothing else that a server could refuse.
        if says(VERSION_REFUSALS) { Fault::Denied } else { Fault::Refused }
    } else if says(&["not available", "session closed"]) {
        Fault::Closed
    } else if says(&["credential", "expired", "unauthorized", "authenticat", "bad connect", "token", "password"]) {
        Fault::Refused
    } else {
        Fault::Denied
    };
    Failure::new(fault, one_line(&words(message.trim(), body.trim()), MAX_DETAIL_CHARS))
}

/// The server's words once: some repeat the message in the body.
fn words(message: &str, body: &str) -> String {
    if message.is_empty() || body.contains(message) {
        body.to_owned()
    } else if body.is_empty() || message.contains(body) {
        message.to_owned()
    } else {
        format!("{}: {body}", message.trim_end_matches([':', ' ']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_before_connected_is_a_refused_sign_in_in_whatever_words() {
        for (message, body, expected) in [
            ("Failed to send message to ExecutorSubscribableChannel[clientInboundChannel]", "", Fault::Refused),
            ("CONNECTION ERROR", "", Fault::Refused),
            ("登录已过期", "", Fault::Refused),
            ("Bad CONNECT", "Access refused for user 'alice'\n", Fault::Refused),
            ("", "", Fault::Refused),
            ("Bad CONNECT", "Virtual host '/x' access denied", Fault::Denied),
            ("Version mismatch", "Supported versions are 1.0,1.1,1.2\n", Fault::Denied),
            ("Broker not available.", "", Fault::Restarting),
            ("Connection to broker closed.", "", Fault::Restarting),
        ] {
            let failure = refusal(message, body, false);
            assert_eq!(failure.fault, expected, "{message} {body}");
            assert!(failure.detail.contains(message), "{failure:?}");
        }
    }

    #[test]
    fn an_error_of_an_established_session_is_about_the_sign_in_only_if_it_says_so() {
        for (message, body, expected) in [
            ("Failed to send message to ExecutorSubscribableChannel[clientInboundChannel]", "", Fault::Denied),
            ("not_found", "no exchange 'x' in vhost '/'", Fault::Denied),
            ("Credential expired", "", Fault::Refused),
            ("Connection to broker closed.", "", Fault::Restarting),
        ] {
            assert_eq!(refusal(message, body, true).fault, expected, "{message} {body}");
        }
    }

    #[test]
    fn words_that_message_and_body_share_are_shown_once() {
        for (message, body, expected) in [
            ("no access", "no access", "no access"),
            ("no access", "no access to /queue/x", "no access to /queue/x"),
            ("no access to /queue/x", "no access", "no access to /queue/x"),
            ("Bad CONNECT:", "Access refused", "Bad CONNECT: Access refused"),
            ("", "Access refused", "Access refused"),
        ] {
            assert_eq!(refusal(message, body, false).detail, expected);
        }
    }
}
