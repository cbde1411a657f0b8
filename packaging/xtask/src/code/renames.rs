//! Names and words that the project has replaced, from the table `renames.csv`.
//!
//! One vocabulary is easier to learn than two: what was renamed once does not come back under its old name. Each row
//! says the old name, the new one, how the old one is looked for (see [`Kind`]) and in which files. A file that must
//! keep a word, since it quotes somebody else, stands in the row's column `except`, with the reason in `why`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use glob::{MatchOptions, Pattern};
use serde::Deserialize;

use crate::code::modules::Modules;
use crate::code::rust;
use crate::code::sources::{Finding, Project, Source};
use crate::code::ui;

const TABLE: &str = include_str!("../../renames.csv");

/// How an old name is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// A whole identifier, or a file's name, letter for letter.
    Identifier,
    /// One or more words of an identifier, whatever its case: `picked` in `pickedIds` and `is_picked`. Also of a file's
    /// name, and of a text's key.
    Part,
    /// A file's name without its extension.
    File,
    /// One or more words of comments, documentation, texts and names of tests, whatever their case.
    Word,
    /// A type's name that a crate may define once only.
    Once,
}

/// A row of the table as it is written.
#[derive(Deserialize)]
struct Line {
    old: String,
    new: String,
    kind: Kind,
    scope: String,
    except: String,
    why: String,
}

struct Rename {
    /// Each is one or more words.
    old: Vec<Vec<String>>,
    new: String,
    kind: Kind,
    scope: Vec<Pattern>,
    except: Vec<Pattern>,
}

/// A name or a word in a file, and the words that it is made of.
struct Found {
    line: usize,
    text: String,
    words: Vec<String>,
    is_name: bool,
}

pub(crate) fn check(project: &Project) -> Result<Vec<Finding>> {
    let table = table(TABLE)?;
    let mut found: Vec<Finding> = project.sources.iter().flat_map(|source| left(source, &table)).collect();
    found.extend(defined_twice(project, &table));
    for rename in &table {
        for except in &rename.except {
            let kept = |source: &&Source| is_any(std::slice::from_ref(except), &source.path);
            if !project.sources.iter().filter(kept).any(|source| rename.is_said_in(source)) {
                let text = format!("`{except}` is excepted, but `{}` is not there: remove it", rename.old_words());
                found.push(Finding { path: "packaging/xtask/renames.csv".to_owned(), line: 1, text });
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn table(text: &str) -> Result<Vec<Rename>> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut table = Vec::new();
    for line in reader.deserialize() {
        let line: Line = line.context("renames.csv")?;
        if !line.except.is_empty() && line.why.is_empty() {
            bail!("renames.csv: `{}` has an exception without a reason", line.old);
        }
        let patterns = |text: &str| text.split_whitespace().map(Pattern::new).collect::<Result<Vec<_>, _>>();
        let split = |old: &str| match line.kind {
            Kind::Identifier | Kind::File | Kind::Once => vec![old.to_owned()],
            Kind::Part => words_of_name(old),
            Kind::Word => words(old).map(|(_, word)| word.to_lowercase()).collect(),
        };
        table.push(Rename {
            old: line.old.split('|').map(split).collect(),
            new: line.new,
            kind: line.kind,
            scope: patterns(&line.scope)?,
            except: patterns(&line.except)?,
        });
    }
    Ok(table)
}

fn is_any(patterns: &[Pattern], path: &str) -> bool {
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
    patterns.iter().any(|pattern| pattern.matches_with(path, options))
}

/// What is left of the old names in a file.
fn left(source: &Source, table: &[Rename]) -> Vec<Finding> {
    let rules: Vec<&Rename> = table.iter().filter(|it| it.is_about(&source.path)).collect();
    if rules.is_empty() {
        return Vec::new();
    }
    let all = said(source);
    let mut found = Vec::new();
    for rename in rules {
        let lines: BTreeSet<(usize, String)> = rename.lines(source, &all).collect();
        for (line, text) in lines {
            let text = format!("`{text}` ({}) is now: {}", rename.old_words(), rename.new);
            found.push(Finding { path: source.path.clone(), line, text });
        }
    }
    found
}

impl Rename {
    fn is_about(&self, path: &str) -> bool {
        is_any(&self.scope, path) && !is_any(&self.except, path)
    }

    fn old_words(&self) -> String {
        self.old.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join("|")
    }

    fn is_said_in(&self, source: &Source) -> bool {
        self.lines(source, &said(source)).next().is_some()
    }

    /// Where the old name is said, and in which name.
    fn lines<'a>(&'a self, source: &'a Source, all: &'a [Found]) -> impl Iterator<Item = (usize, String)> + 'a {
        let stem = match self.kind {
            Kind::Identifier | Kind::File => self.old.iter().any(|old| old.concat() == source.stem()),
            Kind::Part => self.is_in(&words_of_name(source.stem())),
            Kind::Word | Kind::Once => false,
        };
        let stem = stem.then(|| (1, source.stem().to_owned()));
        let is_here = |found: &&Found| match self.kind {
            Kind::Identifier => found.is_name && self.old.iter().any(|old| old.concat() == found.text),
            Kind::Part => found.is_name && self.is_in(&found.words),
            Kind::Word if found.is_name => self.is_in(&found.words),
            Kind::Word => self.old.iter().any(|old| found.words.starts_with(old)),
            Kind::File | Kind::Once => false,
        };
        stem.into_iter().chain(all.iter().filter(is_here).map(move |found| (found.line, found.text.clone())))
    }

    fn is_in(&self, words: &[String]) -> bool {
        self.old.iter().any(|old| words.windows(old.len()).any(|part| part == old.as_slice()))
    }
}

/// All names and all prose of a file.
fn said(source: &Source) -> Vec<Found> {
    let mut found = Vec::new();
    let text = source.text.as_str();
    if let Some(rust) = &source.rust {
        for token in rust.tokens.iter().filter(|token| token.kind == rust::Kind::Identifier) {
            push_name(&mut found, rust.line(token.at.start), &token.text);
        }
        for (at, prose) in rust.prose(text) {
            push_prose(&mut found, rust.line(at), prose);
        }
    } else if source.has_extension(&["ts", "js", "mjs", "svelte", "css", "html"]) {
        let mut line = 1;
        for piece in ui::pieces(text) {
            let said = text.get(piece.at).unwrap_or_default();
            // A text that is one word may be a key, an event or a class.
            let is_key = !said.contains(char::is_whitespace);
            if piece.kind == ui::Kind::Code || (piece.kind == ui::Kind::Text && is_key) {
                push_names(&mut found, line, said);
            }
            if piece.kind != ui::Kind::Code {
                push_prose(&mut found, line, said);
            }
            line += said.matches('\n').count();
        }
    } else if source.path.ends_with(".json") {
        for (index, entry) in text.lines().enumerate() {
            let (key, prose) = entry.split_once("\":").unwrap_or(("", entry));
            push_names(&mut found, index + 1, key);
            push_prose(&mut found, index + 1, prose);
        }
    } else {
        push_prose(&mut found, 1, text);
    }
    found
}

fn push_name(found: &mut Vec<Found>, line: usize, name: &str) {
    found.push(Found { line, text: name.to_owned(), words: words_of_name(name), is_name: true });
}

/// The names in a piece of code.
fn push_names(found: &mut Vec<Found>, line: usize, code: &str) {
    for (at, name) in words(code) {
        push_name(found, line + newlines(code, at), name);
    }
}

/// The words of a comment or text, and the names that stand in it between back-quotes.
fn push_prose(found: &mut Vec<Found>, line: usize, prose: &str) {
    let all: Vec<(usize, &str)> = words(prose).collect();
    // Each word begins a phrase, so that a phrase is found also across the end of a line.
    const LONGEST: usize = 4;
    for index in 0..all.len() {
        let phrase = all.get(index..all.len().min(index + LONGEST)).unwrap_or_default();
        let Some((at, text)) = phrase.first() else { continue };
        let words = phrase.iter().map(|(_, word)| word.to_lowercase()).collect();
        found.push(Found { line: line + newlines(prose, *at), text: (*text).to_owned(), words, is_name: false });
    }
    let mut at = 0;
    for (index, part) in prose.split('`').enumerate() {
        if index % 2 == 1 && !part.contains('\n') {
            push_names(found, line + newlines(prose, at), part);
        }
        at += part.len() + 1;
    }
}

fn newlines(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count()
}

/// Runs of letters, digits and `_`, with the byte where each begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let parts = text.split(move |c| !is_part(c)).filter(|part| !part.is_empty());
    parts.map(|part| (part.as_ptr().addr() - text.as_ptr().addr(), part))
}

/// The words that a name is made of, in small letters: `pickedIds` and `PICKED_IDS` are `picked` and `ids`.
fn words_of_name(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = '_';
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        let is_next_small = chars.peek().is_some_and(|next| next.is_lowercase());
        let starts = !before.is_alphanumeric()
            || (char.is_uppercase()
                && (before.is_lowercase() || before.is_numeric() || (before.is_uppercase() && is_next_small)));
        if char.is_alphanumeric() {
            if starts {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(char.to_lowercase());
            }
        }
        before = char;
    }
    words
}

/// Types that a crate may have once, defined twice.
fn defined_twice(project: &Project, table: &[Rename]) -> Vec<Finding> {
    let mut found = Vec::new();
    for target in project.packages.iter().flat_map(|package| &package.targets) {
        let files: BTreeSet<usize> =
            Modules::of(project, target).iter().filter(|(_, it)| !it.is_test).map(|(_, it)| it.file).collect();
        for rename in table.iter().filter(|rename| rename.kind == Kind::Once) {
            let sources = files.iter().filter_map(|file| project.sources.get(*file));
            let sources = sources.filter(|source| rename.is_about(&source.path));
            let all: Vec<(&Source, usize)> =
                sources.flat_map(|source| definitions(source, &rename.old_words())).collect();
            let places: Vec<String> = all.iter().map(|(source, line)| format!("{}:{line}", source.path)).collect();
            for (source, line) in all.iter().skip(1) {
                let text = format!(
                    "`{}` is defined {} times ({}): {}",
                    rename.old_words(),
                    all.len(),
                    places.join(", "),
                    rename.new
                );
                found.push(Finding { path: source.path.clone(), line: *line, text });
            }
        }
    }
    found
}

/// The lines that define a type of this name.
fn definitions<'a>(source: &'a Source, name: &str) -> Vec<(&'a Source, usize)> {
    let Some(rust) = &source.rust else { return Vec::new() };
    let pairs = rust.tokens.windows(2).filter_map(|pair| match pair {
        [keyword, defined] if ["enum", "struct", "type"].contains(&keyword.text.as_str()) => Some(defined),
        _ => None,
    });
    let here = pairs.filter(|token| token.text == name && !rust.is_test(token.at.start));
    here.map(|token| (source, rust.line(token.at.start))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(table_text: &str, path: &str, text: &str) -> Vec<usize> {
        let table = table(&format!("old,new,kind,scope,except,why\n{table_text}")).unwrap();
        left(&Source::new(path, text.to_owned()).unwrap(), &table).into_iter().map(|it| it.line).collect()
    }

    #[test]
    fn a_whole_name_is_found_in_code_and_in_back_quotes_and_not_in_prose() {
        let row = "Line,Pipeline,identifier,a/**/*.rs,,";
        assert_eq!(
            found(
                row,
                "a/x.rs",
                "// a Line\n/// a [`Line`]\nstruct Line;\nstruct Lines;\n#[cfg(test)]\nfn f(_: Line) {}"
            ),
            [2, 3, 6]
        );
        assert_eq!(found(row, "b/x.rs", "struct Line;"), [0; 0]);
        assert_eq!(found(row, "a/Line.rs", "struct X;"), [1]);
    }

    #[test]
    fn a_part_of_a_name_is_found_in_every_case() {
        let row = "picked,selection,part,**/*,,";
        assert_eq!(
            found(row, "x.ts", "pickedIds;\nisPicked;\nPICKED;\nunpicked;\nt('list.picked');\n'was picked';"),
            [1, 2, 3, 5]
        );
        assert_eq!(found(row, "x.rs", "fn is_picked() {}\nstruct PickedRow;\nfn picky() {}"), [1, 2]);
        assert_eq!(found(row, "x.json", "{\n \"a.picked\": \"you picked\"}"), [2]);
        assert_eq!(found(row, "x.svelte", "<p class:picked={x}>\n<style>.picked { }</style>"), [1, 2]);
        assert_eq!(found("keep_or_hold,x,part,**/*,,", "x.rs", "fn keep_or_hold_it() {}\nfn keep() {}"), [1]);
    }

    #[test]
    fn a_word_is_found_in_prose_texts_and_names_of_tests_also_across_lines() {
        let row = "over the moon|ta-ta|fettle,x,word,**/*,,";
        let text = "// over the\n// moon\nfn f() { g(\"Ta-ta\") }\nfn they_fettle() {}\n// unfettled";
        assert_eq!(found(row, "x.rs", text), [1, 3, 4]);
        assert_eq!(found(row, "x.md", "one\ntwo fettle"), [2]);
        assert_eq!(found(row, "x.json", "{\n\"a\": \"say ta-ta\""), [2]);
    }

    #[test]
    fn a_file_may_be_excepted_with_a_reason() {
        assert_eq!(found("fettle,x,word,**/*,q/*.md,a quote", "q/x.md", "fettle"), [0; 0]);
        assert!(table("old,new,kind,scope,except,why\nfettle,x,word,**/*,q.md,").is_err());
    }

    #[test]
    fn names_are_cut_into_words() {
        let cut = |name: &str| words_of_name(name).join(" ");
        for (name, words) in [("pickedIds", "picked ids"), ("TRASH_KEPT", "trash kept"), ("HTTPServer", "http server")]
        {
            assert_eq!(cut(name), words);
        }
        assert_eq!(cut("ListHead2"), "list head2");
    }

    #[test]
    fn the_table_itself_can_be_read() {
        assert!(table(TABLE).unwrap().len() > 40);
    }
}
