//! The whole inbox as one file, row by row, so that a million notices need no more memory than one.
//!
//! Deliberately absent: import. Invariant: both formats hold the fields of [`InboxRow`], in its
//! order, newest first.

use std::io::{self, Write};

use super::view::InboxRow;
use crate::store::StoreError;

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One array, a notice a line.
    Json,
    /// RFC 4180 with a header, UTF-8. A field that a spreadsheet would take for a formula gets an
    /// apostrophe in front: it comes from a server, and must not be executed where the file is
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
                // The header comes from here, so that an empty inbox has one too.
                let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(out);
                csv.write_record(HEADER)?;
                Ok(Self::Csv(Box::new(csv)))
            }
        }
    }

    pub(super) fn put(&mut self, row: InboxRow) -> io::Result<()> {
        match self {
            Self::Json { out, is_empty } => {
                out.write_all(if std::mem::take(is_empty) { b"\n" } else { b",\n" })?;
                Ok(serde_json::to_writer(out, &row)?)
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

/// How a formula begins.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Puts an apostrophe before what a spreadsheet would take for a formula.
fn without_formulas(mut row: InboxRow) -> InboxRow {
    // Each record has every field.
    let kind_name = row.kind_name.get_or_insert_default();
    if kind_name.starts_with(FORMULA) {
        kind_name.insert(0, '\'');
    }
    for field in [&mut row.id, &mut row.title, &mut row.body, &mut row.kind, &mut row.sender, &mut row.link] {
        if field.starts_with(FORMULA) {
            field.insert(0, '\'');
        }
    }
    row
}
