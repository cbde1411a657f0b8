//! Cleans text from a server, so that a notification service, a tray, a list or a terminal can show
//! it.
//!
//! Deliberately absent: escaping in the cleaning functions, since only some notification services
//! accept markup ([`as_markup`]). Invariant: the result has no control character and no
//! bidirectional formatting character. Text is shortened before it is escaped, so that no entity is
//! cut in half.

/// Cleans text to one line: line breaks and tabs become spaces, several spaces become one. Text
/// beyond `max_chars` is cut and ends in `…`.
pub fn one_line(text: &str, max_chars: usize) -> String {
    let cleaned: String =
        text.chars().map(|c| if is_break(c) || c == '\t' { ' ' } else { c }).filter(is_visible).collect();
    cut(cleaned.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), max_chars)
}

/// Cleans text to several lines: line breaks stay, blank lines at both ends are removed, tabs
/// become spaces. Text beyond `max_chars` is cut and ends in `…`.
pub fn lines(text: &str, max_chars: usize) -> String {
    let text = text.replace("\r\n", "\n");
    let cleaned: String = text
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            c if is_break(c) => '\n',
            c => c,
        })
        .filter(|c| *c == '\n' || is_visible(c))
        .collect();
    cut(cleaned.trim().to_owned(), max_chars)
}

/// Escapes text for a service that interprets the body as markup (the `body-markup` capability of
/// the Desktop Notifications Specification 1.2).
pub fn as_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `\n`, `\r` and Unicode's other line and paragraph separators.
fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{0b}' | '\u{0c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Neither a control character nor a bidirectional formatting character. Joiners are kept: emoji
/// and several scripts need them.
fn is_visible(c: &char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

fn cut(text: String, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text;
    }
    let kept: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_in_a_message_is_shown_as_text() {
        assert_eq!(as_markup("<b>5 < 6 & \"x\"</b>"), "&lt;b&gt;5 &lt; 6 &amp; \"x\"&lt;/b&gt;");
        assert_eq!(as_markup("&lt;"), "&amp;lt;");
    }

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(one_line("  Expense\r\n report\t#7\u{2028}", 50), "Expense report #7");
    }

    #[test]
    fn a_body_keeps_its_line_breaks_and_loses_control_characters() {
        assert_eq!(lines("\n\none\r\ntwo\u{1b}[31m\u{0}\r\u{85}three\u{7f}\n", 50), "one\ntwo[31m\n\nthree");
    }

    #[test]
    fn text_cannot_change_its_direction() {
        assert_eq!(one_line("invoice\u{202e}fdp.exe\u{2069}", 50), "invoicefdp.exe");
        assert_eq!(lines("a\u{200f}\u{61c}\u{feff}b", 50), "ab");
    }

    #[test]
    fn emoji_and_scripts_that_join_letters_are_not_changed() {
        assert_eq!(one_line("👩\u{200d}💻 می\u{200c}خواهم 审批", 50), "👩\u{200d}💻 می\u{200c}خواهم 审批");
    }

    #[test]
    fn long_text_ends_with_an_ellipsis_within_the_limit() {
        assert_eq!(one_line("审批通过了", 4), "审批通…");
        assert_eq!(lines("one two", 5), "one…");
        assert_eq!(one_line("exact", 5), "exact");
    }

    proptest! {
        #[test]
        fn any_text_becomes_short_text_without_control_characters_or_markup(text in any::<String>(), max in 1usize..200) {
            for clean in [one_line(&text, max), lines(&text, max)] {
                prop_assert!(clean.chars().count() <= max);
                prop_assert!(clean.chars().all(|c| c == '\n' || is_visible(&c)));
                let escaped = as_markup(&clean);
                prop_assert!(!escaped.contains(['<', '>']));
                let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
                prop_assert_eq!(back, clean);
            }
        }

        #[test]
        fn a_title_has_no_line_break(text in any::<String>()) {
            prop_assert!(!one_line(&text, 200).contains('\n'));
        }
    }
}
