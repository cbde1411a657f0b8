//! A value as it was written, with the number of its line.
//!
//! The readers see only this, so that a file and a managed setting go through the same readers.
//! Deliberately absent: what the values mean. Invariant: a value is shown only through
//! [`SpannedValue::shown`], which hides what may be a secret.

use toml_edit::{Document, InlineTable, Item, Table, TableLike};

/// The keys of a table with their values, in the order of the file.
pub(super) type Entries = Vec<(String, SpannedValue)>;

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct SpannedValue {
    pub(super) value: RawValue,
    /// Counted from 1; `None` where the source has no lines.
    pub(super) line: Option<usize>,
}

/// What was written.
#[derive(Debug)]
pub(super) enum RawValue {
    Text(String),
    Integer(i64),
    Float(f64),
    Switch(bool),
    Time(String),
    List(Vec<SpannedValue>),
    Table(Entries),
}

impl SpannedValue {
    /// What was found, for an error message. Long texts are cut, and so is what may be a secret in
    /// a URL.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            RawValue::Text(text) if text.is_empty() => "an empty text".to_owned(),
            RawValue::Text(text) => format!("the text {:?}", without_secret(text)),
            RawValue::Integer(number) => format!("the number {number}"),
            RawValue::Float(number) => format!("the number {number}"),
            RawValue::Switch(on) => format!("{on}"),
            RawValue::Time(time) => format!("the date or time {time}"),
            RawValue::List(_) => "a list".to_owned(),
            RawValue::Table(_) => "a table".to_owned(),
        }
    }
}

/// The beginning of a text, without the part before an `@` or after a `?`.
fn without_secret(text: &str) -> String {
    const SHOWN: usize = 60;
    let (rest, query) = text.split_once('?').map_or((text, ""), |(rest, _)| (rest, "?…"));
    let rest = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, host)| format!("…@{host}"));
    let mut shown: String = rest.chars().take(SHOWN).collect();
    shown.push_str(if shown.len() < rest.len() { "…" } else { query });
    shown
}

/// Reads a TOML document; the error is the line and what is wrong there.
pub(super) fn read_toml(text: &str) -> Result<Entries, (Option<usize>, String)> {
    let lines = Lines::of(text);
    let document = Document::parse(text)
        .map_err(|error| (error.span().map(|span| lines.line(span.start)), error.message().replace('\n', ", ")))?;
    Ok(members(document.as_table(), &lines))
}

/// Reads a JSON document; a value that is not an object has no keys. `null` is a key that is not
/// set.
pub(super) fn read_json(document: &serde_json::Value) -> Entries {
    use serde_json::Value;
    fn spanned_from_json(value: &Value) -> Option<SpannedValue> {
        let value = match value {
            Value::Null => return None,
            Value::Bool(on) => RawValue::Switch(*on),
            Value::Number(number) => {
                number.as_i64().map_or_else(|| RawValue::Float(number.as_f64().unwrap_or(f64::NAN)), RawValue::Integer)
            }
            Value::String(text) => RawValue::Text(text.clone()),
            Value::Array(values) => RawValue::List(values.iter().filter_map(spanned_from_json).collect()),
            Value::Object(_) => RawValue::Table(read_json(value)),
        };
        Some(SpannedValue { value, line: None })
    }
    let members = document.as_object().into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.clone(), spanned_from_json(value)?))).collect()
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

fn members(table: &dyn TableLike, lines: &Lines) -> Entries {
    let line_of = |key: &str| table.key(key).and_then(toml_edit::Key::span).map(|span| lines.line(span.start));
    table.iter().filter_map(|(key, item)| Some((key.to_owned(), spanned_item(item, line_of(key), lines)?))).collect()
}

fn spanned_item(item: &Item, line: Option<usize>, lines: &Lines) -> Option<SpannedValue> {
    let table = |table: &Table| RawValue::Table(members(table, lines));
    let value = match item {
        Item::None => return None,
        Item::Value(value) => return Some(spanned_from(value, line, lines)),
        Item::Table(inner) => table(inner),
        Item::ArrayOfTables(tables) => RawValue::List(
            tables
                .iter()
                .map(|inner| SpannedValue {
                    value: table(inner),
                    line: inner.span().map(|span| lines.line(span.start)).or(line),
                })
                .collect(),
        ),
    };
    Some(SpannedValue { value, line })
}

fn spanned_from(value: &toml_edit::Value, line: Option<usize>, lines: &Lines) -> SpannedValue {
    use toml_edit::Value;
    let line = value.span().map(|span| lines.line(span.start)).or(line);
    let inline = |inner: &InlineTable| RawValue::Table(members(inner, lines));
    let raw = match value {
        Value::String(text) => RawValue::Text(text.value().clone()),
        Value::Integer(number) => RawValue::Integer(*number.value()),
        Value::Float(number) => RawValue::Float(*number.value()),
        Value::Boolean(on) => RawValue::Switch(*on.value()),
        Value::Datetime(time) => RawValue::Time(time.value().to_string()),
        Value::Array(array) => RawValue::List(array.iter().map(|element| spanned_from(element, line, lines)).collect()),
        Value::InlineTable(inner) => inline(inner),
    };
    SpannedValue { value: raw, line }
}
