//! Prints to standard output: one JSON value per line for scripts, or short aligned lines for
//! people; and messages to standard error.
//!
//! Every line is flushed, so that a pipe receives it at once. Deliberately absent: what is printed.
//! Invariants: text of a server is printed only after [`clean`], or as JSON with every control and
//! bidirectional formatting character escaped, so no such text can control a terminal; what a caller
//! forgot to clean is cleaned here.

use std::io::{self, BufWriter, Write as _};

use belfry_core::foreign_text;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

/// Longest [`Shape::Short`] text, in characters.
const MAX_SHORT: usize = 100;

/// How much of a foreign text is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One line; longer than 100 characters it is cut and ends in `…`.
    Short,
    /// One line, complete.
    OneLine,
    /// Several lines, complete.
    Lines,
}

/// Text with parts from a server or another program, without control and bidirectional formatting
/// characters. Every foreign text that is printed for people goes through this function.
pub(crate) fn clean(text: &str, shape: Shape) -> String {
    match shape {
        Shape::Short => foreign_text::one_line(text, MAX_SHORT),
        Shape::OneLine => foreign_text::one_line(text, usize::MAX),
        Shape::Lines => foreign_text::lines(text, usize::MAX),
    }
}

/// [`clean`] with [`Shape::Short`].
pub(crate) fn short(text: &str) -> String {
    clean(text, Shape::Short)
}

/// Prints a value as one line of JSON.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut line = foreign_text::escaped_json(&serde_json::to_string(value)?).into_owned();
    line.push('\n');
    write(line.as_bytes())
}

/// Prints values as one array on one line, each as soon as it is there.
///
/// # Errors
/// That of a value, or standard output cannot be written.
pub(crate) fn json_array<T: Serialize, E: From<io::Error>>(
    values: impl IntoIterator<Item = Result<T, E>>,
) -> Result<(), E> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut separator = "[";
    for value in values {
        out.write_all(separator.as_bytes())?;
        let value = serde_json::to_string(&value?).map_err(io::Error::from)?;
        out.write_all(foreign_text::escaped_json(&value).as_bytes())?;
        separator = ",";
    }
    out.write_all(if separator == "[" { b"[]\n" } else { b"]\n" })?;
    Ok(out.flush()?)
}

/// Prints lines for people, without what could control the terminal or begin another line.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(foreign_text::printable(&line.as_ref().replace(['\n', '\t'], " ")).trim_end());
        text.push('\n');
    }
    write(text.as_bytes())
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Prints a message to standard error, cleaned to one line.
pub(crate) fn message(text: &str) {
    // If standard error is closed, there is no other place for it.
    let _ = writeln!(io::stderr(), "{}", clean(text, Shape::OneLine));
}

/// The name of a value in `docs/reference/commands.md`, otherwise the value as JSON text.
pub(crate) fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// A time in the system's time zone.
pub(crate) fn local(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// [`local`], or `never`.
pub(crate) fn local_or_never(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "never".to_owned(), local)
}

/// Rows with aligned columns; each column is as wide as its widest cell.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(widths);
            let padded = cells.map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_in_every_script() {
        let rows = [["a".to_owned(), "x".to_owned()], ["审批".to_owned(), "y".to_owned()]];
        assert_eq!(table(&rows), ["a     x", "审批  y"]);
    }

    #[test]
    fn text_of_a_server_cannot_control_a_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\r\nc", Shape::Short), "a[2Jb c");
        assert_eq!(clean("a\u{9b}2Jb\r\nc", Shape::Lines), "a2Jb\nc");
        assert!(clean(&"x".repeat(1_000), Shape::Short).chars().count() <= MAX_SHORT);
    }
}
