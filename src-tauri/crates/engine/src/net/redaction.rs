//! Takes the secret out of what others say: a server, a proxy or a library may repeat the address or
//! the header that carried it.
//!
//! Deliberately absent: the words of Belfry, which never contain one. Invariant: what is left holds
//! no more of the secret than a few characters at its end, also where the words were cut or written
//! in lower case.

use secrecy::{ExposeSecret as _, SecretString};

use belfry_core::{error::Failure, settings::endpoint};

/// What stands in place of the secret.
const REDACTED: &str = "[redacted]";
/// So many characters of the beginning of a secret are taken for it: the words may have been cut.
const BEGINNING_CHARS: usize = 8;
/// A shorter secret would take words and numbers with it.
const MIN_CHARS: usize = 4;

/// The secret of one connection or call, in each form in which it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Redaction(Vec<SecretString>);

impl Redaction {
    /// Redacts this secret.
    pub(crate) fn new(secret: &SecretString) -> Self {
        let forms = [secret.expose_secret().to_owned(), endpoint::encoded(secret.expose_secret())];
        Self(forms.into_iter().filter(|form| form.chars().count() >= MIN_CHARS).map(SecretString::from).collect())
    }

    /// The failure without the secret.
    pub(crate) fn failure(&self, failure: Failure) -> Failure {
        Failure { detail: self.text(&failure.detail), ..failure }
    }

    /// The text without the secret.
    pub(crate) fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, form| without(&text, form.expose_secret()))
    }
}

/// Replaces every run of characters that is the secret or a long beginning of it, in upper or lower
/// case.
fn without(text: &str, secret: &str) -> String {
    let secret: Vec<char> = secret.chars().collect();
    let least = secret.len().min(BEGINNING_CHARS);
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same = rest.chars().zip(&secret).take_while(|(one, other)| one.eq_ignore_ascii_case(other)).count();
        if same >= least {
            clean.push_str(REDACTED);
            rest = rest.char_indices().nth(same).map_or("", |(end, _)| rest.get(end..).unwrap_or_default());
        } else {
            clean.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use belfry_core::error::Fault;

    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_each_form_wherever_it_stands() {
        let redaction = Redaction::new(&SecretString::from("To/ken+1234567890"));
        for (said, expected) in [
            ("no route to /websocket/To/ken+1234567890?device=x", "no route to /websocket/[redacted]?device=x"),
            ("cannot get /websocket/To%2Fken%2B1234567890: gone", "cannot get /websocket/[redacted]: gone"),
            ("to/ken+1234567890 to/ken+1234567890", "[redacted] [redacted]"),
            ("cut: To/ken+12345", "cut: [redacted]"),
            ("To be or not", "To be or not"),
            ("令牌：To/ken+1234567890。", "令牌：[redacted]。"),
        ] {
            assert_eq!(redaction.text(said), expected);
        }
        let failure = redaction.failure(Failure::new(Fault::Closed, "h:1: 4401 To/ken+1234567890"));
        assert_eq!((failure.fault, failure.detail.as_str()), (Fault::Closed, "h:1: 4401 [redacted]"));
    }

    #[test]
    fn a_secret_of_a_few_characters_leaves_words_and_numbers_alone() {
        assert_eq!(Redaction::new(&SecretString::from("401")).text("HTTP 401"), "HTTP 401");
        assert_eq!(Redaction::new(&SecretString::from("demo")).text("demo refused"), "[redacted] refused");
        assert_eq!(Redaction::new(&SecretString::from("")).text("fine"), "fine");
    }
}
