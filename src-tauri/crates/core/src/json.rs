//! JSON, level by level, with the exact text of every value.
//!
//! A level is read only when it is needed, and numbers keep their decimal text, which
//! `serde_json::Value` would round. Deliberately absent: what the fields mean. Invariant: the depth
//! of a document costs no stack, so deep nesting cannot crash the program.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value, value::RawValue};

use crate::settings::Pointer;

/// Below this depth values are kept as their JSON text.
const MAX_DEPTH: usize = 32;

/// The members of an object in the order of the document. Of repeated keys the last one counts.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads an object; `None` if it is something else.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Reads these members of an object, and whether it has others; `None` if it is something else.
    /// The others cost no memory, however many there are.
    pub(crate) fn read_only(text: &'a str, names: &[&str]) -> Option<(Self, bool)> {
        let mut only = Only { names, has_others: false };
        let mut document = serde_json::Deserializer::from_str(text);
        let members = document.deserialize_map(&mut only).ok()?;
        document.end().ok()?;
        Some((Self(members), only.has_others))
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), *value))
    }

    /// The value of a key; `None` also for null.
    pub(crate) fn value(&self, key: &str) -> Option<&'a RawValue> {
        self.iter().rfind(|(name, _)| *name == key).map(|(_, value)| value).filter(|value| value.get() != "null")
    }

    /// The value a pointer leads to; `None` if there is none, if it is null, or for the empty
    /// pointer.
    pub(crate) fn at(&self, pointer: &Pointer) -> Option<&'a RawValue> {
        let mut tokens = pointer.tokens();
        let first = self.value(&tokens.next()?)?;
        tokens.try_fold(first, |value, token| child(value, &token)).filter(|value| value.get() != "null")
    }
}

/// Keeps the members with these names, of repeated ones the last.
struct Only<'n> {
    names: &'n [&'n str],
    has_others: bool,
}

impl<'de> Visitor<'de> for &mut Only<'_> {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(String, &'de RawValue)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if self.names.contains(&name.as_str()) {
                members.retain(|(kept, _)| *kept != name);
                members.push((name, value));
            } else {
                self.has_others = true;
            }
        }
        Ok(members)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(InOrder).map(Self)
    }
}

/// The elements of an array; `None` if it is something else.
pub(crate) fn elements(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

/// The next element of an array; `rest` is what follows in it, without its brackets, and moves past
/// the element. The text must be valid JSON. `None` at the end.
pub(crate) fn next_element<'a>(rest: &mut &'a str) -> Option<&'a RawValue> {
    let text = after_separator(rest);
    let element = <&RawValue>::deserialize(&mut serde_json::Deserializer::from_str(text)).ok()?;
    *rest = text.get(element.get().len()..)?;
    Some(element)
}

/// What follows in an array, without the comma and the white space before it.
pub(crate) fn after_separator(rest: &str) -> &str {
    rest.trim_start_matches([' ', '\t', '\n', '\r', ','])
}

/// The text between the brackets of an array; `None` if it is something else.
pub(crate) fn inside_array(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

/// Follows a pointer from a value; the empty pointer leads to the value itself. Null is a value
/// here.
pub(crate) fn follow<'a>(value: &'a RawValue, pointer: &Pointer) -> Option<&'a RawValue> {
    pointer.tokens().try_fold(value, |value, token| child(value, &token))
}

fn child<'a>(value: &'a RawValue, token: &str) -> Option<&'a RawValue> {
    if let Some(mut rest) = inside_array(value.get()) {
        let is_index = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
        let index = is_index.then(|| token.parse::<usize>().ok()).flatten()?;
        return std::iter::from_fn(|| next_element(&mut rest)).nth(index);
    }
    let (members, _) = Members::read_only(value.get(), &[token])?;
    members.iter().next().map(|(_, value)| value)
}

/// The text of a string, the exact text of a number, or `true` and `false`; `None` for anything
/// else.
pub(crate) fn scalar(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => string(value),
        b'{' | b'[' | b'n' => None,
        _ => Some(value.get().to_owned()),
    }
}

/// The text of a string; `None` for anything else. Half surrogate pairs, which text cannot hold,
/// are replaced.
pub(crate) fn string(value: &RawValue) -> Option<String> {
    struct Lossy(String);

    impl<'de> Deserialize<'de> for Lossy {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Bytes;

            impl Visitor<'_> for Bytes {
                type Value = Lossy;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a string")
                }

                fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Lossy, E> {
                    Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
                }
            }

            deserializer.deserialize_bytes(Bytes)
        }
    }

    if !value.get().starts_with('"') {
        return None;
    }
    serde_json::from_str::<Lossy>(value.get()).ok().map(|lossy| lossy.0)
}

/// How the numbers of a document become values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// To show: a number whose text would change becomes that text.
    AsWritten,
    /// To compare: `1.0` and `1` are equal; a number that a double cannot hold becomes its text, so
    /// that two long ids never become equal.
    Comparable,
}

/// The whole of a value.
pub(crate) fn value(raw: &RawValue, numbers: Numbers) -> Value {
    value_at(raw, numbers, 0)
}

fn value_at(raw: &RawValue, numbers: Numbers, depth: usize) -> Value {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => Value::String(string(raw).unwrap_or_default()),
        Some(b'{' | b'[') if depth >= MAX_DEPTH => Value::String(text.to_owned()),
        Some(b'{') => match Members::read(text) {
            Some(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.to_owned(), value_at(value, numbers, depth + 1)))
                    .collect::<Map<_, _>>(),
            ),
            None => Value::String(text.to_owned()),
        },
        Some(b'[') => Value::Array(
            elements(text)
                .unwrap_or_default()
                .into_iter()
                .map(|element| value_at(element, numbers, depth + 1))
                .collect(),
        ),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') | None => Value::Null,
        Some(_) => number(text, numbers),
    }
}

fn number(text: &str, numbers: Numbers) -> Value {
    // A double represents every decimal number of so many digits exactly.
    const DOUBLE_DIGITS: usize = 15;
    let digits = text.split(['e', 'E']).next().unwrap_or_default().bytes().filter(u8::is_ascii_digit).count();
    match serde_json::from_str::<serde_json::Number>(text) {
        Ok(number) if numbers == Numbers::Comparable && digits <= DOUBLE_DIGITS => Value::Number(number),
        Ok(number) if numbers == Numbers::AsWritten && number.to_string() == text => Value::Number(number),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn of_an_object_only_the_named_members_are_kept_of_repeated_ones_the_last() {
        let read = |text| Members::read_only(text, &["a", "b"]);
        let (members, has_others) = read(r#"{"a":1,"x":{"a":2},"b":[3],"a":4}"#).unwrap();
        let kept: Vec<_> = members.iter().map(|(name, value)| (name, value.get())).collect();
        assert_eq!((kept, has_others), (vec![("b", "[3]"), ("a", "4")], true));
        assert!(!read(r#"{"b":null}"#).unwrap().1);
        assert!(read("[1]").is_none() && read(r#"{"a":1"#).is_none() && read(r#"{"a":1} x"#).is_none());
    }

    #[test]
    fn pointers_lead_through_objects_arrays_and_escaped_keys() {
        let document = raw(r#"{"a":{"b":[1,{"c":9007199254740993.10}]},"x/y":1,"m~n":2,"":3,"a b":null,"d":1,"d":2}"#);
        for (pointer, expected) in [
            ("/a/b/1/c", Some("9007199254740993.10")),
            ("/a/b/01/c", None),
            ("/a/b/-1", None),
            ("/a/b/2", None),
            ("/a/b/99999999999999999999999", None),
            ("/x~1y", Some("1")),
            ("/m~0n", Some("2")),
            ("/", Some("3")),
            ("/d", Some("2")),
            ("/a b", Some("null")),
            ("/nothing", None),
            ("/d/e", None),
        ] {
            let pointer: Pointer = pointer.parse().unwrap();
            assert_eq!(follow(document, &pointer).map(RawValue::get), expected, "{pointer}");
            let members = Members::read(document.get()).unwrap();
            assert_eq!(members.at(&pointer).map(RawValue::get), expected.filter(|&text| text != "null"), "{pointer}");
        }
        assert_eq!(follow(document, &Pointer::default()).map(RawValue::get), Some(document.get()));
    }

    #[test]
    fn scalars_are_text_and_numbers_keep_theirs() {
        for (json, expected) in [
            (r#""a\n\"é""#, Some("a\n\"é")),
            ("1.50", Some("1.50")),
            ("1e400", Some("1e400")),
            ("-0", Some("-0")),
            ("true", Some("true")),
            ("null", None),
            ("{}", None),
            ("[1]", None),
            (r#""half \ud800 pair""#, Some("half \u{fffd}\u{fffd}\u{fffd} pair")),
        ] {
            assert_eq!(scalar(raw(json)).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn numbers_are_kept_as_written_or_made_comparable() {
        let shown = |text| value(raw(text), Numbers::AsWritten).to_string();
        let compared = |text| value(raw(text), Numbers::Comparable);
        assert_eq!(shown("[1,1.5,1.50,12345678901234567890123]"), r#"[1,1.5,"1.50","12345678901234567890123"]"#);
        assert_eq!(compared("1.50"), compared("1.5"));
        assert_ne!(compared("9007199254740993"), compared("9007199254740992"));
        assert_ne!(compared("1e400"), compared("1e401"));
    }

    #[test]
    fn a_million_brackets_cost_no_stack() {
        let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
        let document = format!(r#"{{"a":{deep}}}"#);
        assert!(matches!(value(raw(&document), Numbers::AsWritten), Value::Object(_)));
        assert!(follow(raw(&document), &"/a/0/0/0".parse().unwrap()).is_some());
    }
}
