//! What goes to standard output: one JSON value a line for scripts, or short aligned lines for people.
//!
//! Every line is flushed, so that a pipe sees it at once. Invariant: no text of a server reaches a terminal with a control
//! character in it, in whichever form.

use std::io::{self, Write};

use host::plain;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

/// Longest text in a line for people, in characters.
const LONGEST: usize = 100;

/// Prints a value as one line of JSON.
///
/// # Errors
/// When standard output takes nothing.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    write(&line)
}

/// Prints lines for people.
///
/// # Errors
/// When standard output takes nothing.
pub(crate) fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(line.as_ref().trim_end());
        text.push('\n');
    }
    write(text.as_bytes())
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Says something to the person at the terminal, beside the output.
pub(crate) fn note(text: &str) {
    // Without a place to say it there is nobody to hear it.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Text of a server on one line, cut where it gets long.
pub(crate) fn plain(text: &str) -> String {
    plain::line(text, LONGEST)
}

/// Text of our own with parts of others in it, whole, on one line.
pub(crate) fn spoken(text: &str) -> String {
    plain::line(text, usize::MAX)
}

/// What a value is called in `docs/reference/commands.md`, or a value as text.
pub(crate) fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// A time as the clock on the wall shows it.
pub(crate) fn local(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// [`local`], or a word for a time that never was.
pub(crate) fn local_or_never(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "never".to_owned(), local)
}

/// Rows with columns as wide as what stands in them; the last is as long as it is.
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
    fn columns_line_up_whatever_the_script() {
        let rows = [["a".to_owned(), "x".to_owned()], ["审批".to_owned(), "y".to_owned()]];
        assert_eq!(table(&rows), ["a     x", "审批  y"]);
    }

    #[test]
    fn text_of_a_server_moves_no_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc"), "a[2Jb c");
        assert!(plain(&"x".repeat(1_000)).chars().count() <= LONGEST);
    }
}
