//! The whole inbox as one file, row by row, so that a million notices need no more memory than one.
//!
//! Deliberately absent: import. Invariants: both formats hold the fields of [`InboxRow`], in its
//! order, newest first; neither holds a character that controls a terminal or changes the direction
//! of text: JSON escapes it, CSV leaves it out.

use std::io::{self, Write};

use belfry_core::foreign_text::{escaped_json, printable};
use csv::QuoteStyle;

use super::view::InboxRow;
use crate::store::StoreError;

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One array, a notice a line.
    Json,
    /// RFC 4180 with a header, UTF-8 with a byte order mark, every field quoted. What a spreadsheet
    /// would take for a formula gets an apostrophe in front, also after a semicolon, which separates
    /// fields in many countries: it comes from a server, and must not be executed where the file is
    /// opened.
    Csv,
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The inbox could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file could not be written.
    #[error("the export could not be written ({0}): check the place it goes to and its free space")]
    Write(#[from] io::Error),
}

/// The fields of [`InboxRow`].
const HEADER: [&str; 13] = [
    "id",
    "title",
    "body",
    "kind",
    "sender",
    "sent_at",
    "received_at",
    "read",
    "state",
    "priority",
    "link",
    "source",
    "kind_name",
];

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// A field that begins with one of these is a formula for some spreadsheet: Excel also takes the
/// full-width forms, and skips white space before them.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Where the rows go.
pub(super) enum Sink<W: Write> {
    Json { out: W, is_empty: bool },
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> Sink<W> {
    pub(super) fn begin(format: Format, mut out: W) -> io::Result<Self> {
        match format {
            Format::Json => {
                out.write_all(b"[")?;
                Ok(Self::Json { out, is_empty: true })
            }
            Format::Csv => {
                // Without the mark, Excel reads the file in the system's legacy encoding.
                out.write_all(BYTE_ORDER_MARK)?;
                // The header comes from here, so that an empty inbox has one too.
                let mut builder = csv::WriterBuilder::new();
                let mut csv = builder.has_headers(false).quote_style(QuoteStyle::Always).from_writer(out);
                csv.write_record(HEADER)?;
                Ok(Self::Csv(Box::new(csv)))
            }
        }
    }

    pub(super) fn put(&mut self, row: InboxRow) -> io::Result<()> {
        match self {
            Self::Json { out, is_empty } => {
                out.write_all(if std::mem::take(is_empty) { b"\n" } else { b",\n" })?;
                out.write_all(escaped_json(&serde_json::to_string(&row)?).as_bytes())
            }
            Self::Csv(csv) => Ok(csv.serialize(without_formulas(row))?),
        }
    }

    pub(super) fn end(self) -> io::Result<()> {
        match self {
            Self::Json { mut out, .. } => {
                out.write_all(b"\n]\n")?;
                out.flush()
            }
            Self::Csv(mut csv) => csv.flush(),
        }
    }
}

/// Leaves out what controls a terminal, and puts an apostrophe before what a spreadsheet would take
/// for a formula.
fn without_formulas(mut row: InboxRow) -> InboxRow {
    // Each record has every field.
    let kind_name = row.kind_name.get_or_insert_default();
    *kind_name = without_formula(&printable(kind_name));
    for field in [&mut row.id, &mut row.title, &mut row.body, &mut row.kind, &mut row.sender, &mut row.link] {
        *field = without_formula(&printable(field));
    }
    row
}

fn without_formula(field: &str) -> String {
    let begins_formula = |part: &str| {
        let text = part.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
        text.starts_with(FORMULA)
    };
    let mut safe = String::with_capacity(field.len());
    for (index, part) in field.split(';').enumerate() {
        if index > 0 {
            safe.push(';');
        }
        if begins_formula(part) || (index == 0 && (part.starts_with(['\t', '\n']) || field.starts_with(';'))) {
            safe.push('\'');
        }
        safe.push_str(part);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_at_the_beginning_of_a_cell_is_a_formula() {
        for (field, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠x", "'＠x"),
            ("\tx", "'\tx"),
            ("\nx", "'\nx"),
            ("\n=1", "'\n=1"),
            ("  =1", "'  =1"),
            ("\"=1", "'\"=1"),
            ("a;=1", "a;'=1"),
            ("a; \"＝1", "a;' \"＝1"),
            (";=1", "';'=1"),
            ("a;b", "a;b"),
            ("1-1=0", "1-1=0"),
            ("", ""),
            ("审批", "审批"),
        ] {
            assert_eq!(without_formula(field), expected, "{field:?}");
        }
    }
}
