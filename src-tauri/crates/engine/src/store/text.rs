//! Cutting text into searchable pieces, for the index and for a query alike.
//!
//! The tokenizer of SQLite knows words between spaces, and Chinese, Japanese and Korean have none.
//! So a run of their characters is written as overlapping pairs (`费用审批` → `费用 用审 审批`), and
//! everything else is left to the tokenizer. Any part of a run is then a phrase of its pairs; a
//! single character is looked up in a column of its own. Deliberately absent: dictionaries,
//! variants of characters, and marks in the text. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Written between two runs that only punctuation separates, where their pairs would join to a word
/// that is not there: `报费，费用` must not match `报费用`. A private character, which the tokenizer takes
/// for a word.
const BREAK: &str = " \u{e000} ";

/// How much of a query counts, in characters.
const QUERY_CHARS: usize = 256;

/// The columns that hold text in its order.
const COLUMNS: &str = "{title body sender extra}";

/// Whether a character is written without spaces between words: Han, kana, bopomofo, hangul.
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x11ff            // hangul jamo
        | 0x3005..=0x3007          // 々〆〇
        | 0x3041..=0x30ff          // kana
        | 0x3105..=0x318f          // bopomofo, hangul compatibility jamo
        | 0x31a0..=0x31bf | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xac00..=0xd7ff          // hangul
        | 0xf900..=0xfaff
        | 0xff66..=0xffdc          // half-width kana and hangul
        | 0x20000..=0x3ffff)
        && c != '\u{30fb}' // the middle dot parts words
}

/// Full-width letters, digits and signs as their plain ones.
pub(crate) fn fold(c: char) -> char {
    match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Writes `text` so that the tokenizer finds its pieces.
pub(super) fn cut(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut run: Option<(char, usize)> = None; // its last character and its length
    let mut before: Option<char> = None; // the end of the last run, while no word came after it
    let mut chars = text.chars().map(fold).peekable();
    while let Some(c) = chars.next() {
        if !is_cjk(c) {
            if c.is_alphanumeric() {
                before = None;
            }
            out.push(c);
            continue;
        }
        let length = match run {
            Some((last, length)) => {
                out.extend([' ', last, c, ' ']);
                length + 1
            }
            None => {
                if before == Some(c) {
                    out.push_str(BREAK);
                }
                1
            }
        };
        if chars.peek().copied().is_some_and(is_cjk) {
            run = Some((c, length));
        } else {
            if length == 1 {
                out.extend([' ', c, ' ']);
            }
            run = None;
            before = Some(c);
        }
    }
    out
}

/// Each CJK character of the texts once.
pub(super) fn characters(texts: &[&str]) -> String {
    let distinct: BTreeSet<char> = texts.iter().flat_map(|text| text.chars()).filter(|c| is_cjk(*c)).collect();
    distinct.into_iter().flat_map(|c| [c, ' ']).collect()
}

/// The searchable text of the unmapped fields: their values, without the names.
pub(crate) fn readable(extra: &Map<String, Value>) -> String {
    fn gather(value: &Value, out: &mut String) {
        match value {
            Value::String(text) => {
                out.push_str(text);
                out.push('\n');
            }
            Value::Number(number) => {
                out.push_str(&number.to_string());
                out.push('\n');
            }
            Value::Array(values) => values.iter().for_each(|value| gather(value, out)),
            Value::Object(fields) => fields.values().for_each(|value| gather(value, out)),
            Value::Null | Value::Bool(_) => {}
        }
    }
    let mut out = String::new();
    extra.values().for_each(|value| gather(value, &mut out));
    out
}

/// What a person typed, as an expression of FTS5: every word must be there, as a phrase of its
/// pieces; the last word may be unfinished. `None` when it contains nothing to search for. The
/// first 256 characters count.
pub(super) fn query(typed: &str) -> Option<String> {
    let words = words(typed);
    let mut terms = Vec::new();
    for (index, word) in words.iter().enumerate() {
        look_for(word, index + 1 == words.len(), &mut terms);
    }
    (!terms.is_empty()).then(|| terms.join(" AND "))
}

/// The words of what a person typed, each from a letter, digit or CJK character to another.
pub(crate) fn words(typed: &str) -> Vec<String> {
    let typed: String = typed.chars().take(QUERY_CHARS).map(fold).collect();
    typed
        .split(|c: char| c.is_whitespace() || c.is_control())
        .map(|word| word.trim_matches(is_silent))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether a character is no part of any word.
pub(crate) fn is_silent(c: char) -> bool {
    !c.is_alphanumeric() && !is_cjk(c)
}

/// The terms for one word that begins and ends with a letter, digit or CJK character.
fn look_for(mut word: &str, is_last: bool, terms: &mut Vec<String>) {
    // In the text, a lone character at the start may be the end of a longer run, so no pair begins
    // with it.
    while let Some(lone) = lone_start(word) {
        terms.push(format!("characters : \"{lone}\""));
        word = word.trim_start_matches(lone).trim_start_matches(is_silent);
    }
    let mut backwards = word.chars().rev();
    let Some(last) = backwards.next() else { return };
    // At the end it may be the start of a longer run: then a pair begins with it.
    let is_unfinished = if is_cjk(last) { !backwards.next().is_some_and(is_cjk) } else { is_last };
    let phrase = cut(word).replace('"', " ");
    terms.push(format!("{COLUMNS} : \"{}\"{}", phrase.trim(), if is_unfinished { " *" } else { "" }));
}

pub(crate) fn lone_start(word: &str) -> Option<char> {
    let mut chars = word.chars();
    let first = chars.next().filter(|c| is_cjk(*c))?;
    (!chars.next().is_some_and(is_cjk)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<String> {
        cut(text).split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_run_of_characters_becomes_overlapping_pairs() {
        assert_eq!(pieces("费用审批"), ["费用", "用审", "审批"]);
        assert_eq!(pieces("在OA系统上"), ["在", "OA", "系统", "统上"]);
        assert_eq!(pieces("支払いの承認"), ["支払", "払い", "いの", "の承", "承認"]);
        assert_eq!(pieces("plain words, as they are"), ["plain", "words,", "as", "they", "are"]);
        assert_eq!(pieces(""), [""; 0]);
    }

    #[test]
    fn runs_that_only_punctuation_parts_do_not_join() {
        assert_eq!(pieces("报费，费用"), ["报费", ",", "\u{e000}", "费用"]);
        assert_eq!(pieces("报费 x 费用"), ["报费", "x", "费用"]);
    }

    #[test]
    fn full_width_letters_are_plain_ones() {
        assert_eq!(pieces("ＯＡ１２"), ["OA12"]);
    }

    #[test]
    fn every_character_is_listed_once() {
        assert_eq!(characters(&["费用 and 费", "用審"]), "審 用 费 ");
    }

    #[test]
    fn a_query_is_cut_like_the_text() {
        let phrase = |text: &str| format!("{{title body sender extra}} : {text}");
        assert_eq!(query("审批"), Some(phrase("\"审批\"")));
        assert_eq!(query("审"), Some("characters : \"审\"".to_owned()));
        assert_eq!(query("pay day"), Some(format!("{} AND {}", phrase("\"pay\""), phrase("\"day\" *"))));
        assert_eq!(query("OA系"), Some(phrase("\"OA 系\" *")));
        assert_eq!(query("统OA"), Some(format!("characters : \"统\" AND {}", phrase("\"OA\" *"))));
        assert_eq!(query("say\"so\""), Some(phrase("\"say so\" *")));
        for nothing in ["", "  \u{3000}\n", "!? — …", "\u{0}"] {
            assert_eq!(query(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn the_readable_part_of_unmapped_fields_is_their_values() {
        let extra = serde_json::json!({"a": {"b": ["x", 12.5, null, true]}, "c": "y"});
        assert_eq!(readable(extra.as_object().unwrap()), "x\n12.5\ny\n");
    }
}
