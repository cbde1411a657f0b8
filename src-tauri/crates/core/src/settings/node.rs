//! A value as somebody wrote it, with the line it stands on.
//!
//! The readers see only this, so that a file and a managed setting go through the same readers. Deliberately absent: what
//! the values mean. Invariant: nothing here is ever shown but through [`Node::shown`], which keeps what may be a secret.

use toml_edit::{Document, InlineTable, Item, Table, TableLike};

/// The keys of a table with their values, in the order of the file.
pub(super) type Entries = Vec<(String, Node)>;

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) value: Given,
    /// Counted from 1; `None` where the place has no lines.
    pub(super) line: Option<usize>,
}

/// What was written.
#[derive(Debug)]
pub(super) enum Given {
    Text(String),
    Integer(i64),
    Float(f64),
    Switch(bool),
    Time(String),
    List(Vec<Node>),
    Table(Entries),
}

impl Node {
    /// What was found, for an error message. Long texts are cut, and so is what may be a secret in a URL.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            Given::Text(text) if text.is_empty() => "an empty text".to_owned(),
            Given::Text(text) => format!("the text {:?}", without_secret(text)),
            Given::Integer(number) => format!("the number {number}"),
            Given::Float(number) => format!("the number {number}"),
            Given::Switch(on) => format!("{on}"),
            Given::Time(time) => format!("the date or time {time}"),
            Given::List(_) => "a list".to_owned(),
            Given::Table(_) => "a table".to_owned(),
        }
    }
}

/// The beginning of a text, without what stands before an `@` or after a `?`.
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

/// Reads a JSON document; what is no object has no keys. `null` is a key that is not set.
pub(super) fn read_json(document: &serde_json::Value) -> Entries {
    use serde_json::Value;
    fn given(value: &Value) -> Option<Node> {
        let value = match value {
            Value::Null => return None,
            Value::Bool(on) => Given::Switch(*on),
            Value::Number(number) => {
                number.as_i64().map_or_else(|| Given::Float(number.as_f64().unwrap_or(f64::NAN)), Given::Integer)
            }
            Value::String(text) => Given::Text(text.clone()),
            Value::Array(values) => Given::List(values.iter().filter_map(given).collect()),
            Value::Object(_) => Given::Table(read_json(value)),
        };
        Some(Node { value, line: None })
    }
    let members = document.as_object().into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.clone(), given(value)?))).collect()
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
    table.iter().filter_map(|(key, item)| Some((key.to_owned(), item_node(item, line_of(key), lines)?))).collect()
}

fn item_node(item: &Item, line: Option<usize>, lines: &Lines) -> Option<Node> {
    let table = |table: &Table| Given::Table(members(table, lines));
    let value = match item {
        Item::None => return None,
        Item::Value(value) => return Some(value_node(value, line, lines)),
        Item::Table(inner) => table(inner),
        Item::ArrayOfTables(tables) => Given::List(
            tables
                .iter()
                .map(|inner| Node {
                    value: table(inner),
                    line: inner.span().map(|span| lines.line(span.start)).or(line),
                })
                .collect(),
        ),
    };
    Some(Node { value, line })
}

fn value_node(value: &toml_edit::Value, line: Option<usize>, lines: &Lines) -> Node {
    use toml_edit::Value;
    let line = value.span().map(|span| lines.line(span.start)).or(line);
    let inline = |inner: &InlineTable| Given::Table(members(inner, lines));
    let given = match value {
        Value::String(text) => Given::Text(text.value().clone()),
        Value::Integer(number) => Given::Integer(*number.value()),
        Value::Float(number) => Given::Float(*number.value()),
        Value::Boolean(on) => Given::Switch(*on.value()),
        Value::Datetime(time) => Given::Time(time.value().to_string()),
        Value::Array(array) => Given::List(array.iter().map(|element| value_node(element, line, lines)).collect()),
        Value::InlineTable(inner) => inline(inner),
    };
    Node { value: given, line }
}
