//! A page of the HTTP API: its envelope, its rows, and what comes after them
//! (`docs/reference/messages.md`, "Catch-up").
//!
//! Servers wrap their rows in many ways; the usual places are tried in a fixed order unless a
//! pointer names the place. A shape in which no rows can be found is an error, never an empty page:
//! an empty page would end the catch-up and lose what the server holds. Pure; deliberately absent:
//! what the rows mean ([`crate::notice::parse`]).

use std::ops::Range;

use serde_json::value::RawValue;

use crate::{
    foreign_text::one_line,
    json::{Members, after_separator, follow, inside_array, next_element, scalar},
    settings::Pointer,
};

/// The members of an envelope around the rows.
const ENVELOPE: [&str; 4] = ["code", "success", "msg", "message"];
/// Where the rows of a response are looked for, besides the response itself.
const ROW_POINTERS: [&str; 8] =
    ["/data", "/rows", "/result", "/data/records", "/data/list", "/data/items", "/data/rows", "/data/content"];
/// Where the next cursor is looked for.
const CURSOR_POINTERS: [&str; 2] = ["/data/next", "/next"];

/// Characters of a server's own words in an error, which ends in a status line.
const MAX_SAID_CHARS: usize = 200;

/// Rows and what follows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopePage {
    /// Where in the answer the rows are, for [`next_row`].
    pub rows: Range<usize>,
    /// What the server says about the next page.
    pub next: NextCursor,
}

/// What a response says about the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextCursor {
    /// Nothing: the id of the last row is the cursor then.
    Absent,
    /// There is none.
    Null,
    /// Its cursor; a number in its exact text.
    Cursor(String),
}

/// Why a response is not a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The envelope's `code` is 401 or 403, which counts as that HTTP status.
    #[error("the server answered with code {0}")]
    Status(u16),
    /// The envelope says that the call failed, and why.
    #[error("the server refused: {0}")]
    Failed(String),
    /// The envelope says that the server cannot answer now, and why: its `code` is 429 or between 500 and 599.
    #[error("the server cannot answer now: {0}")]
    Unavailable(String),
    /// It is not JSON, or was cut.
    #[error("the answer cannot be read as JSON ({0})")]
    NotJson(String),
    /// It is JSON, but there is no array of rows where one is looked for.
    #[error("no array of messages in the answer: set api.items to the place of the array")]
    NoItems,
}

/// Reads a page. `items` and `cursor` are `api.items` and `api.cursor`; where they are empty, the
/// usual places are tried.
///
/// # Errors
/// [`PageError`]: the envelope reports a failure, or no rows were found.
pub fn read(body: &[u8], items: &Pointer, cursor: &Pointer) -> Result<EnvelopePage, PageError> {
    let document = checked(body)?;
    let rows = rows(document, items)?;
    let start = rows.as_ptr().addr().saturating_sub(body.as_ptr().addr());
    let rows = if rows.is_empty() { 0..0 } else { start..start + rows.len() };
    Ok(EnvelopePage { rows, next: next(document, cursor) })
}

/// The next row of an answer, as the server wrote it; `rows` moves past it. `None` at the end. No row
/// but this one is looked at, so a page costs no memory besides its answer.
pub fn next_row<'a>(answer: &'a str, rows: &mut Range<usize>) -> Option<&'a RawValue> {
    let mut rest = answer.get(rows.clone())?;
    let row = next_element(&mut rest)?;
    rows.start = rows.end - rest.len();
    Some(row)
}

/// Whether no row follows.
pub fn is_at_end(answer: &str, rows: &Range<usize>) -> bool {
    answer.get(rows.clone()).is_none_or(|rest| after_separator(rest).is_empty())
}

/// Checks the envelope of a call that returns no rows: `code` 0, 200 or absent is fine, and so is
/// an empty answer.
///
/// # Errors
/// [`PageError`], except [`PageError::NoItems`].
pub fn check(body: &[u8]) -> Result<(), PageError> {
    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    checked(body).map(|_| ())
}

/// The server's own words in an answer that reports a failure, in one line; `None` if it is not a
/// JSON object or has none.
pub fn said(body: &[u8]) -> Option<String> {
    let (envelope, _) = Members::read_only(std::str::from_utf8(body).ok()?, &ENVELOPE)?;
    said_in(&envelope)
}

fn said_in(envelope: &Members<'_>) -> Option<String> {
    let texts = ["msg", "message"].into_iter().filter_map(|key| scalar(envelope.value(key)?));
    texts.map(|text| one_line(&text, MAX_SAID_CHARS)).find(|text| !text.is_empty())
}

fn checked(body: &[u8]) -> Result<&RawValue, PageError> {
    let not_json = |error: &dyn std::fmt::Display| PageError::NotJson(error.to_string());
    let text = std::str::from_utf8(body).map_err(|error| not_json(&error))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    let Some((envelope, _)) = Members::read_only(document.get(), &ENVELOPE) else { return Ok(document) };
    let code = envelope.value("code").map(|code| scalar(code).unwrap_or_else(|| code.get().to_owned()));
    let has_failed = envelope.value("success").and_then(scalar).is_some_and(|success| success == "false");
    match code.as_deref() {
        Some("401") => Err(PageError::Status(401)),
        Some("403") => Err(PageError::Status(403)),
        None | Some("0" | "200") if !has_failed => Ok(document),
        code => {
            let said = said_in(&envelope);
            let is_unavailable =
                code.and_then(|code| code.parse::<u16>().ok()).is_some_and(|code| code == 429 || code / 100 == 5);
            let code = code.map(|code| format!("code {}", one_line(code, MAX_SAID_CHARS)));
            let reason = match (said, code) {
                (Some(said), Some(code)) => format!("{said} ({code})"),
                (Some(said), None) => said,
                (None, Some(code)) => code,
                (None, None) => "success is false".to_owned(),
            };
            Err(if is_unavailable { PageError::Unavailable(reason) } else { PageError::Failed(reason) })
        }
    }
}

/// What is between the brackets of the array of rows; may be empty.
fn rows<'a>(document: &'a RawValue, pointer: &Pointer) -> Result<&'a str, PageError> {
    if !pointer.is_empty() {
        return match follow(document, pointer) {
            Some(found) if found.get() == "null" => Ok(""),
            Some(found) => inside_array(found.get()).ok_or(PageError::NoItems),
            None => Err(PageError::NoItems),
        };
    }
    if let Some(rows) = inside_array(document.get()) {
        return Ok(rows);
    }
    let mut is_empty = false;
    for place in usual(&ROW_POINTERS) {
        match follow(document, &place) {
            Some(found) if found.get() == "null" => is_empty = true,
            Some(found) => {
                if let Some(rows) = inside_array(found.get()) {
                    return Ok(rows);
                }
            }
            None => {}
        }
    }
    // `{"code":0}` and `{"code":0,"msg":"ok"}` are how some servers say that there are no rows.
    let is_bare = Members::read_only(document.get(), &ENVELOPE).is_some_and(|(envelope, has_others)| {
        !has_others && envelope.value("code").or(envelope.value("success")).is_some()
    });
    if is_empty || is_bare { Ok("") } else { Err(PageError::NoItems) }
}

fn next(document: &RawValue, pointer: &Pointer) -> NextCursor {
    let found = if pointer.is_empty() {
        usual(&CURSOR_POINTERS).find_map(|place| follow(document, &place))
    } else {
        follow(document, pointer)
    };
    match found {
        None => NextCursor::Absent,
        Some(value) if value.get() == "null" => NextCursor::Null,
        Some(value) => match scalar(value) {
            // `""` and `false` are how some servers write null.
            Some(text) if text.is_empty() || text == "false" => NextCursor::Null,
            Some(text) => NextCursor::Cursor(text),
            // An object cannot be a cursor: treated as absent.
            None => NextCursor::Absent,
        },
    }
}

fn usual<'a>(places: &'a [&'a str]) -> impl Iterator<Item = Pointer> + 'a {
    places.iter().filter_map(|place| place.parse().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(body: &str, items: &str, cursor: &str) -> Result<(Vec<String>, NextCursor), PageError> {
        let page = read(body.as_bytes(), &items.parse().unwrap(), &cursor.parse().unwrap())?;
        let mut rest = page.rows;
        let rows = std::iter::from_fn(|| next_row(body, &mut rest)).map(|row| row.get().to_owned()).collect();
        assert!(is_at_end(body, &rest));
        Ok((rows, page.next))
    }

    #[test]
    fn rows_are_found_in_the_usual_places_and_in_that_order() {
        for body in [
            r#"[1,{"a":2}]"#,
            r#"{"data":[1,{"a":2}]}"#,
            r#"{"code":0,"rows":[1,{"a":2}],"total":2}"#,
            r#"{"code":"200","result":[1,{"a":2}]}"#,
            r#"{"data":{"records":[1,{"a":2}],"list":[3]}}"#,
            r#"{"data":{"list":[1,{"a":2}]}}"#,
            r#"{"data":{"items":[1,{"a":2}]}}"#,
            r#"{"data":{"rows":[1,{"a":2}]}}"#,
            r#"{"data":{"content":[1,{"a":2}]}}"#,
            r#"{"data":[1,{"a":2}],"rows":[3]}"#,
            "\u{feff}{\"data\":null,\"rows\":[1,{\"a\":2}]}",
            "[ 1 ,\n {\"a\":2}\t]",
        ] {
            assert_eq!(found(body, "", "").unwrap().0, ["1", r#"{"a":2}"#], "{body}");
        }
        assert_eq!(found(r#"{"data":[9],"deep":{"er":[1]}}"#, "/deep/er", "").unwrap().0, ["1"]);
    }

    #[test]
    fn nothing_to_collect_is_an_empty_page_and_an_unknown_shape_is_not() {
        for (body, items) in [
            ("[]", ""),
            (r#"{"code":0,"data":null}"#, ""),
            (r#"{"code":0,"data":{"total":0,"records":null}}"#, ""),
            (r#"{"code":0,"msg":"ok"}"#, ""),
            (r#"{"x":null}"#, "/x"),
        ] {
            assert_eq!(found(body, items, "").unwrap().0, Vec::<String>::new(), "{body}");
        }
        for (body, items) in [
            (r#"{"messages":[1]}"#, ""),
            (r#"{"code":0,"data":{"messages":[1]}}"#, ""),
            ("{}", ""),
            ("5", ""),
            ("null", ""),
            (r#"{"data":[1]}"#, "/x"),
            (r#"{"x":{}}"#, "/x"),
        ] {
            assert_eq!(found(body, items, "").unwrap_err(), PageError::NoItems, "{body}");
        }
    }

    #[test]
    fn the_next_cursor_may_be_absent_null_or_a_text() {
        let cursor = |text: &str| NextCursor::Cursor(text.to_owned());
        for (body, pointer, expected) in [
            (r#"{"data":[]}"#, "", NextCursor::Absent),
            (r#"{"data":[],"next":null}"#, "", NextCursor::Null),
            (r#"{"data":[],"next":""}"#, "", NextCursor::Null),
            (r#"{"data":[],"next":false}"#, "", NextCursor::Null),
            (r#"{"data":[],"next":{"page":2}}"#, "", NextCursor::Absent),
            (r#"{"data":[],"next":"abc"}"#, "", cursor("abc")),
            (r#"{"data":[],"next":9007199254740993}"#, "", cursor("9007199254740993")),
            (r#"{"data":{"records":[],"next":"inner"},"next":"outer"}"#, "", cursor("inner")),
            (r#"{"data":{"records":[],"next":null},"next":"outer"}"#, "", NextCursor::Null),
            (r#"{"data":[],"next":"x","more":{"at":7}}"#, "/more/at", cursor("7")),
            (r#"{"data":[],"next":"x"}"#, "/more/at", NextCursor::Absent),
            ("[]", "", NextCursor::Absent),
        ] {
            assert_eq!(found(body, "", pointer).unwrap().1, expected, "{body}");
        }
    }

    #[test]
    fn the_envelope_says_whether_the_call_worked() {
        for fine in ["0", "200", "\"0\"", "\"200\"", "null"] {
            assert!(check(format!(r#"{{"code":{fine},"data":[]}}"#).as_bytes()).is_ok(), "{fine}");
        }
        let failed = |text: &str| Err(PageError::Failed(text.to_owned()));
        for (body, expected) in [
            (r#"{"code":401,"msg":"expired"}"#, Err(PageError::Status(401))),
            (r#"{"code":"403"}"#, Err(PageError::Status(403))),
            (
                r#"{"code":500,"msg":"database\n down"}"#,
                Err(PageError::Unavailable("database down (code 500)".to_owned())),
            ),
            (r#"{"code":"429"}"#, Err(PageError::Unavailable("code 429".to_owned()))),
            (r#"{"code":1,"message":"no"}"#, failed("no (code 1)")),
            (r#"{"code":0.5}"#, failed("code 0.5")),
            (r#"{"code":{"x":1}}"#, failed(r#"code {"x":1}"#)),
            (r#"{"success":false,"msg":"no"}"#, failed("no")),
            (r#"{"code":0,"success":false}"#, failed("code 0")),
            (r#"{"success":false}"#, failed("success is false")),
            (r#"{"success":true}"#, Ok(())),
            ("[]", Ok(())),
            ("", Ok(())),
        ] {
            assert_eq!(check(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn what_is_cut_or_not_json_is_an_error() {
        for body in [&b"{\"data\":[1,"[..], b"<html>", b"", b"\xff[]"] {
            let error = read(body, &Pointer::default(), &Pointer::default()).unwrap_err();
            assert!(matches!(error, PageError::NotJson(_)), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(body: Vec<u8>, text in r#"[\[\]{}":,0-9a-z\\ ]{0,60}"#) {
            for body in [&body[..], text.as_bytes()] {
                let _ = read(body, &Pointer::default(), &"/next".parse().unwrap());
                let _ = check(body);
            }
        }
    }
}
