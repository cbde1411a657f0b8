//! Text that a server or another program wrote, made fit for a title, a log line, an error or a
//! popup.
//!
//! The only place that removes control characters (C0 and C1) and the formatting characters that
//! change the direction of text. Deliberately absent: markup; a caller whose
//! text is rendered as markup escapes the result. Invariant: the result of [`one_line`] and [`lines`] has no such
//! character, and at most the given number of characters, `…` included.

use std::borrow::Cow;

/// Text to keep: every line ends with `\n`, and of the control characters only tab and line feed
/// stay. Not cut, and the direction of the text stays as it was sent: [`one_line`] or [`lines`]
/// follow when it is shown.
pub fn normalized(text: &str) -> String {
    // Most texts are as they are to be.
    if !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        return text.to_owned();
    }
    text.replace("\r\n", "\n").replace('\r', "\n").replace(|c: char| c.is_control() && c != '\n' && c != '\t', "")
}

/// One line: line breaks and tabs become spaces, runs of spaces one. Cut after `max_chars`
/// characters. Empty if nothing of it could be seen.
pub fn one_line(text: &str, max_chars: usize) -> String {
    let cleaned: String =
        text.chars().map(|c| if is_break(c) || c.is_whitespace() { ' ' } else { c }).filter(is_shown).collect();
    if cleaned.chars().all(is_blank) {
        return String::new();
    }
    shortened(&cleaned.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), max_chars)
}

/// Several lines: line breaks stay, blank lines at both ends go, tabs become spaces. Cut after
/// `max_chars` characters.
pub fn lines(text: &str, max_chars: usize) -> String {
    let cleaned: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            c if is_break(c) => '\n',
            c => c,
        })
        .filter(|c| *c == '\n' || is_shown(c))
        .collect();
    shortened(cleaned.trim(), max_chars)
}

/// The text as it is, without control characters and characters that change the direction of text;
/// tab and line feed stay. Neither cut nor trimmed: for files, logs, and lines with aligned columns.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_printable = |c: char| matches!(c, '\n' | '\t') || is_shown(&c);
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| is_printable(*c)).collect())
}

/// A JSON text, on one line, in which every control character, every character that changes the
/// direction of text and every line separator is escaped. It is the same JSON: outside of strings
/// there are no such characters.
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    let is_plain = |c: char| is_shown(&c) && !is_break(c);
    if json.chars().all(is_plain) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 6);
    for c in json.chars() {
        if is_plain(c) {
            escaped.push(c);
        } else {
            // None of them is beyond U+FFFF, where JSON would need two escapes.
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    Cow::Owned(escaped)
}

/// At most `max_chars` characters; a text that is cut ends with `…`, which counts.
pub fn shortened(text: &str, max_chars: usize) -> String {
    if text.chars().nth(max_chars).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Whether a text has control characters or characters that change the direction of text.
pub fn is_clean(text: &str) -> bool {
    text.chars().all(|c| is_shown(&c))
}

/// Line and paragraph separators of Unicode, beside `\n` and `\r`.
fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{0b}' | '\u{0c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// A space, or a character that shows nothing by itself: zero-width ones, fillers of Hangul and the
/// empty pattern of Braille.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        )
        || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// Neither a control nor a bidirectional formatting character. Joiners stay: emoji and several
/// scripts need them.
fn is_shown(c: &char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        && !matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_of_which_nothing_can_be_seen_is_empty() {
        for unseen in ["\u{200b}\u{2060}", "\u{3164}", " \u{2800} \u{ad}", "\u{e0041}\u{fe0f}", "\u{200e}\u{200d}"] {
            assert_eq!(one_line(unseen, 10), "", "{unseen:?}");
        }
        assert_eq!(one_line("\u{200b}👩\u{200d}💻", 10), "\u{200b}👩\u{200d}💻");
    }

    #[test]
    fn one_line_has_single_spaces_and_no_character_that_reorders_it() {
        assert_eq!(one_line("  Expense\r\n report\t#7\u{2028}", 50), "Expense report #7");
        assert_eq!(one_line("a\u{1b}[2Jb\u{9b}c", 50), "a[2Jbc");
        assert_eq!(one_line("invoice\u{202e}fdp.exe\u{2069}", 50), "invoicefdp.exe");
    }

    #[test]
    fn several_lines_keep_their_breaks() {
        assert_eq!(lines("\n\nOne\r\nTwo\tthree\u{2028}Four\n", 50), "One\nTwo three\nFour");
        assert_eq!(normalized("One\r\nTwo\rThree\tx\u{7}"), "One\nTwo\nThree\tx");
    }

    #[test]
    fn json_writes_every_character_that_a_terminal_could_act_on_as_an_escape() {
        let json = serde_json::to_string("a\u{1b}[2J\u{9b}\u{7f}\u{202e}\u{2066}\u{2028}审").unwrap();
        assert_eq!(escaped_json(&json), r#""a\u001b[2J\u009b\u007f\u202e\u2066\u2028审""#);
        assert_eq!(printable("a\u{1b}[2J \u{9b} \t\u{202e}审\n"), "a[2J  \t审\n");
    }

    #[test]
    fn a_text_is_cut_at_a_character_and_says_so() {
        assert_eq!(shortened("été", 3), "été");
        assert_eq!(shortened("étés", 3), "ét…");
        assert_eq!(one_line("one two", 5), "one…");
    }

    proptest! {
        #[test]
        fn nothing_that_was_cleaned_is_long_or_dangerous(text in ".*", max in 1usize..40) {
            let line = one_line(&text, max);
            prop_assert!(is_clean(&line) && line.chars().count() <= max);
            let several = lines(&text, max);
            prop_assert!(several.split('\n').all(is_clean) && several.chars().count() <= max);
            prop_assert!(printable(&text).split(['\n', '\t']).all(is_clean));
        }

        #[test]
        fn escaped_json_is_clean_and_the_same_json(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let escaped = escaped_json(&json);
            prop_assert!(is_clean(&escaped), "{escaped:?}");
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
    }
}
