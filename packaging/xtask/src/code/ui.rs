//! TypeScript, Svelte and CSS cut into code, comments and texts.
//!
//! Just enough to tell them apart; nothing is parsed. A text in single or double quotes ends in its line, so an
//! apostrophe in markup hides nothing beyond it.

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    Comment,
    Text,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    pub(crate) at: Range<usize>,
}

/// The number of the line that holds a byte, from 1.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut at = 0;
    // For each `${` that is open: how many braces are open in it.
    let mut templates: Vec<usize> = Vec::new();
    let mut start = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let piece = if rest.starts_with("//") && !text.get(..at).unwrap_or_default().ends_with(':') {
            Some((Kind::Comment, rest.find('\n').unwrap_or(rest.len())))
        } else if rest.starts_with("/*") {
            Some((Kind::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2)))
        } else if rest.starts_with("<!--") {
            Some((Kind::Comment, rest.find("-->").map_or(rest.len(), |end| end + 3)))
        } else if rest.starts_with(['\'', '"']) {
            quoted(rest).map(|length| (Kind::Text, length))
        } else if rest.starts_with('`') {
            Some((Kind::Text, template(rest, &mut templates)))
        } else if let (true, Some(open)) = (rest.starts_with('}'), templates.last_mut()) {
            if *open == 0 {
                templates.pop();
                Some((Kind::Text, template(rest, &mut templates)))
            } else {
                *open -= 1;
                None
            }
        } else {
            if let (true, Some(open)) = (rest.starts_with('{'), templates.last_mut()) {
                *open += 1;
            }
            None
        };
        match piece {
            Some((kind, length)) => {
                if start < at {
                    found.push(Piece { kind: Kind::Code, at: start..at });
                }
                found.push(Piece { kind, at: at..at + length });
                at += length;
                start = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    if start < at {
        found.push(Piece { kind: Kind::Code, at: start..at });
    }
    found
}

/// The length of a text in quotes that ends in its line.
fn quoted(rest: &str) -> Option<usize> {
    let quote = rest.chars().next()?;
    let mut is_escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\n' => return None,
            _ if char == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length of a template's text up to its end or to the next `${`, which is then open.
fn template(rest: &str, templates: &mut Vec<usize>) -> usize {
    let mut is_escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '`' => return at + 1,
            '$' if rest.get(at..).is_some_and(|rest| rest.starts_with("${")) => {
                templates.push(0);
                return at + 2;
            }
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: Kind, text: &str) -> Vec<&str> {
        let pieces = pieces(text).into_iter().filter(|piece| piece.kind == kind);
        pieces.map(|piece| &text[piece.at]).collect()
    }

    #[test]
    fn comments_and_texts_are_cut_out_of_code() {
        let text = "a // b\nc /* d\n */ 'e' <!-- f --> \"g\\\"h\" i";
        assert_eq!(of(Kind::Comment, text), ["// b", "/* d\n */", "<!-- f -->"]);
        assert_eq!(of(Kind::Text, text), ["'e'", "\"g\\\"h\""]);
        assert_eq!(of(Kind::Code, text).concat().split_whitespace().collect::<Vec<_>>(), ["a", "c", "i"]);
    }

    #[test]
    fn code_inside_a_template_is_code() {
        let text = "`a ${b({ c: `${d}` })} e` f";
        assert_eq!(of(Kind::Text, text), ["`a ${", "`${", "}`", "} e`"]);
        assert_eq!(of(Kind::Code, text), ["b({ c: ", "d", " })", " f"]);
    }

    #[test]
    fn an_apostrophe_and_an_address_hide_nothing() {
        assert_eq!(of(Kind::Code, "<p>don't</p>\nx"), ["<p>don't</p>\nx"]);
        assert_eq!(of(Kind::Comment, "https://example.org"), [] as [&str; 0]);
    }
}
