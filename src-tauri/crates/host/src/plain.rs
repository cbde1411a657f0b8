//! Text from a server, made fit to be shown by a notification service, in a tray, or on one line of a list.
//!
//! Pure. Notification services differ in what they take as markup, so escaping is a separate step for those that do.
//! Invariant: the result has no control or bidirectional formatting character, and is cut at a character, with `…`, before
//! it is escaped: no entity is ever cut in half.

/// One line: line breaks and tabs become spaces, runs of spaces one.
pub fn line(text: &str, max_chars: usize) -> String {
    let cleaned: String =
        text.chars().map(|c| if is_break(c) || c == '\t' { ' ' } else { c }).filter(is_shown).collect();
    cut(cleaned.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), max_chars)
}

/// Several lines: line breaks stay, blank lines at both ends go, tabs become spaces.
pub fn lines(text: &str, max_chars: usize) -> String {
    let text = text.replace("\r\n", "\n");
    let cleaned: String = text
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            c if is_break(c) => '\n',
            c => c,
        })
        .filter(|c| *c == '\n' || is_shown(c))
        .collect();
    cut(cleaned.trim().to_owned(), max_chars)
}

/// For a service that takes the body as markup (the `body-markup` capability of the Desktop Notifications Specification
/// 1.2): the same text, written so that it reads as it is.
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

/// Line and paragraph separators as Unicode has them, beside `\n` and `\r`.
fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{0b}' | '\u{0c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Neither a control nor a bidirectional formatting character. Joiners stay: emoji and several scripts need them.
fn is_shown(c: &char) -> bool {
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
    fn markup_in_a_message_reads_as_it_was_sent() {
        assert_eq!(as_markup("<b>5 < 6 & \"x\"</b>"), "&lt;b&gt;5 &lt; 6 &amp; \"x\"&lt;/b&gt;");
        assert_eq!(as_markup("&lt;"), "&amp;lt;");
    }

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(line("  Expense\r\n report\t#7\u{2028}", 50), "Expense report #7");
    }

    #[test]
    fn a_body_keeps_its_line_breaks_and_loses_control_characters() {
        assert_eq!(lines("\n\none\r\ntwo\u{1b}[31m\u{0}\r\u{85}three\u{7f}\n", 50), "one\ntwo[31m\n\nthree");
    }

    #[test]
    fn text_cannot_turn_its_own_direction() {
        assert_eq!(line("invoice\u{202e}fdp.exe\u{2069}", 50), "invoicefdp.exe");
        assert_eq!(lines("a\u{200f}\u{61c}\u{feff}b", 50), "ab");
    }

    #[test]
    fn emoji_and_scripts_that_join_letters_stay_whole() {
        assert_eq!(line("👩\u{200d}💻 می\u{200c}خواهم 审批", 50), "👩\u{200d}💻 می\u{200c}خواهم 审批");
    }

    #[test]
    fn long_text_ends_with_an_ellipsis_within_the_limit() {
        assert_eq!(line("审批通过了", 4), "审批通…");
        assert_eq!(lines("one two", 5), "one…");
        assert_eq!(line("exact", 5), "exact");
    }

    proptest! {
        #[test]
        fn any_text_becomes_short_inert_text(text in any::<String>(), max in 1usize..200) {
            for clean in [line(&text, max), lines(&text, max)] {
                prop_assert!(clean.chars().count() <= max);
                prop_assert!(clean.chars().all(|c| c == '\n' || is_shown(&c)));
                let escaped = as_markup(&clean);
                prop_assert!(!escaped.contains(['<', '>']));
                let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
                prop_assert_eq!(back, clean);
            }
        }

        #[test]
        fn a_title_has_no_line_break(text in any::<String>()) {
            prop_assert!(!line(&text, 200).contains('\n'));
        }
    }
}
