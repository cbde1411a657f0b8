//! Finds what was searched for in a text that is shown, to highlight it.
//!
//! It compares words as the search does: case, accents and width do not matter, the last word may
//! be unfinished, any part of a run of CJK characters counts. Deliberately absent: finding notices.
//! Pure; the cost grows with the text. Invariant: ranges are sorted, do not touch, are in UTF-16
//! units, and never cut a character.

use icu_normalizer::properties::{CanonicalDecompositionBorrowed, Decomposed};

use crate::store::text::{fold, is_cjk, is_silent, lone_start, words};

/// `[from, to)` in UTF-16 units, as JavaScript counts.
pub type HighlightRange = (u32, u32);

/// What to highlight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlighter {
    words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    letters: Vec<Letter>,
    may_go_on: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a word between spaces.
    Word,
    /// Written without spaces.
    Cjk,
    /// Neither.
    Gap,
}

/// A character as it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Letter {
    c: char,
    class: Class,
}

/// A character with its place in the text.
#[derive(Debug, Clone, Copy)]
struct Placed {
    letter: Letter,
    from: u32,
    to: u32,
}

impl Highlighter {
    /// For what a person typed; `None` when it contains nothing to search for.
    pub fn of(typed: &str) -> Option<Self> {
        let typed = words(typed);
        let mut marked = Vec::new();
        for (index, word) in typed.iter().enumerate() {
            let mut rest = word.as_str();
            // A single character is found wherever it occurs.
            while let Some(lone) = lone_start(rest) {
                marked.push(Word { letters: vec![Letter { c: lone, class: Class::Cjk }], may_go_on: true });
                rest = rest.trim_start_matches(lone).trim_start_matches(is_silent);
            }
            let letters: Vec<Letter> = read(rest).into_iter().map(|placed| placed.letter).collect();
            if !letters.is_empty() {
                marked.push(Word { letters, may_go_on: index + 1 == typed.len() });
            }
        }
        (!marked.is_empty()).then_some(Self { words: marked })
    }

    /// The ranges of `text` to highlight.
    pub fn ranges(&self, text: &str) -> Vec<HighlightRange> {
        let text = read(text);
        let mut found: Vec<HighlightRange> =
            (0..text.len()).flat_map(|at| self.words.iter().filter_map(|word| word.at(&text, at)).max()).collect();
        found.sort_unstable();
        found.dedup_by(|next, last| {
            let is_joined = next.0 <= last.1;
            if is_joined {
                last.1 = last.1.max(next.1);
            }
            is_joined
        });
        found
    }

    /// Where the first range of `text` begins, in characters; `None` when there is none.
    pub fn first(&self, text: &str) -> Option<usize> {
        let placed = read(text);
        let (from, _) = (0..placed.len()).find_map(|at| self.words.iter().find_map(|word| word.at(&placed, at)))?;
        let mut units = 0;
        Some(
            text.chars()
                .take_while(|c| {
                    let is_before = units < from;
                    units += c.len_utf16() as u32;
                    is_before
                })
                .count(),
        )
    }
}

impl Word {
    /// Its range if it begins with the letter at `start`.
    fn at(&self, text: &[Placed], start: usize) -> Option<HighlightRange> {
        let first = text.get(start)?;
        let before = start.checked_sub(1).and_then(|before| text.get(before));
        let is_inside =
            |one: Option<&Placed>, class| class == Class::Word && one.is_some_and(|one| one.letter.class == class);
        if is_inside(before, first.letter.class) {
            return None;
        }
        let (mut at, mut last) = (start, None::<Class>);
        let mut to = first.to;
        for letter in &self.letters {
            if letter.class == Class::Gap || last.is_some_and(|last| last != letter.class) {
                while text.get(at).is_some_and(|placed| placed.letter.class == Class::Gap) {
                    at += 1;
                }
            }
            last = Some(letter.class);
            if letter.class == Class::Gap {
                continue;
            }
            let placed = text.get(at).filter(|placed| placed.letter == *letter)?;
            to = placed.to;
            at += 1;
        }
        if !self.may_go_on && last.is_some_and(|class| is_inside(text.get(at), class)) {
            return None;
        }
        Some((first.from, to))
    }
}

/// The characters of a text as they are compared, each with its place.
fn read(text: &str) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::with_capacity(text.len());
    let mut from = 0;
    for source in text.chars() {
        let to = from + source.len_utf16() as u32;
        let c = fold(source);
        if is_cjk(c) {
            placed.push(Placed { letter: Letter { c, class: Class::Cjk }, from, to });
        } else if is_accent(c) {
            // It belongs to the letter before it.
            if let Some(last) = placed.last_mut() {
                last.to = to;
            }
        } else if c.is_alphanumeric() {
            for c in c.to_lowercase().map(bare) {
                placed.push(Placed { letter: Letter { c, class: Class::Word }, from, to });
            }
        } else {
            placed.push(Placed { letter: Letter { c: ' ', class: Class::Gap }, from, to });
        }
        from = to;
    }
    placed
}

/// A letter without its accents.
fn bare(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let table = CanonicalDecompositionBorrowed::new();
    let mut bare = c;
    while let Decomposed::Expansion(base, accent) = table.decompose(bare)
        && is_accent(accent)
    {
        bare = base;
    }
    bare
}

fn is_accent(c: char) -> bool {
    matches!(u32::from(c), 0x300..=0x36f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is highlighted in a text.
    fn marked(typed: &str, text: &str) -> Vec<String> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let part = |(from, to): HighlightRange| String::from_utf16(&units[from as usize..to as usize]).unwrap();
        Highlighter::of(typed)
            .map(|highlighter| highlighter.ranges(text).into_iter().map(part).collect())
            .unwrap_or_default()
    }

    #[test]
    fn words_are_marked_whatever_their_case_accents_and_width() {
        assert_eq!(marked("REPORT cafe", "The Report on a Café"), ["Report", "Café"]);
        assert_eq!(marked("café", "CAFE"), ["CAFE"]);
        assert_eq!(marked("cafe", "cafe\u{301}!"), ["cafe\u{301}"]);
        assert_eq!(marked("oa12", "ＯＡ１２"), ["ＯＡ１２"]);
    }

    #[test]
    fn only_the_last_word_may_be_unfinished_and_no_word_begins_in_another() {
        assert_eq!(marked("repo", "a report, a depot"), ["repo"]);
        assert_eq!(marked("repo the", "the report"), ["the"]);
        assert_eq!(marked("port", "report"), [""; 0]);
    }

    #[test]
    fn any_part_of_a_run_of_characters_is_marked() {
        assert_eq!(marked("审批", "费用审批已通过，请审批"), ["审批", "审批"]);
        assert_eq!(marked("审", "审批"), ["审"]);
        assert_eq!(marked("报费用", "报费，费用"), [""; 0]);
        assert_eq!(marked("OA系", "在OA系统上"), ["OA系"]);
        assert_eq!(marked("统OA", "系统与OA"), ["统", "OA"]);
    }

    #[test]
    fn a_word_with_signs_in_it_is_marked_with_other_signs_too() {
        assert_eq!(marked("12.50", "EUR 12.50 or 12,50"), ["12.50", "12,50"]);
        assert_eq!(marked("\"so\"", "so, so"), ["so", "so"]);
    }

    #[test]
    fn places_are_counted_as_windows_count() {
        assert_eq!(Highlighter::of("x").unwrap().ranges("🎉 x"), [(3, 4)]);
        assert_eq!(Highlighter::of("x").unwrap().first("🎉 x"), Some(2));
        assert_eq!(Highlighter::of("x").unwrap().first("🎉"), None);
        assert_eq!(Highlighter::of("…"), None);
    }

    proptest! {
        #[test]
        fn ranges_are_sorted_apart_and_within_the_text(typed in "[a甲乙é🎉 ]{0,6}", text in "[aAb甲乙eé\u{301}🎉 ,]{0,20}") {
            if let Some(highlighter) = Highlighter::of(&typed) {
                let ranges = highlighter.ranges(&text);
                prop_assert!(ranges.iter().all(|(from, to)| from < to && *to as usize <= text.encode_utf16().count()));
                prop_assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
                prop_assert_eq!(highlighter.first(&text).is_some(), !ranges.is_empty());
                marked(&typed, &text);
            }
        }
    }
}
