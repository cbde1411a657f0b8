//! The short way for the usual case: a frame that lies completely in the input becomes a part of
//! it, with one allocation (for the positions of its headers) and no copy.
//!
//! Deliberately absent: errors, limits and incomplete frames. `None` stands for each of them, and the
//! decoder then reads the frame step by step and says what it is. So the two ways can't disagree
//! about more than a frame without faults; the properties compare them, by cutting the same stream
//! in different places.

use std::{mem, ops::Range};

use bytes::Bytes;
use memchr::memchr;

use super::{Limits, MAX_COMMAND_LINE, parse_length, without_eol};
use crate::{Command, Frame, Version, escape, frame::Span};

/// Room for the headers of a MESSAGE from the usual brokers, so that the list is allocated once.
const USUAL_HEADERS: usize = 16;

struct Head {
    command: Command,
    headers: Vec<Span>,
    /// The end of the last header line.
    end: usize,
    body_start: usize,
    content_length: Option<usize>,
}

/// Takes the frame at the beginning of `input` out of it, if all of the frame is there, within the
/// limits and without faults.
pub(super) fn split_frame(input: &mut Bytes, limits: Limits, version: Version) -> Option<Frame> {
    let Head { command, headers, end: head_end, body_start, content_length } = read_head(input, limits, version)?;
    let body = body(input, body_start, content_length)?;
    if body.len() > limits.max_body {
        return None;
    }
    Some(Frame::new(take(input, body.end + 1), command, headers, head_end, body))
}

/// Takes the first `len` octets out of `input`. Usually that is all of it, or all but the line end
/// that RabbitMQ adds to every frame; then the frame gets the whole buffer, since sharing it would
/// cost an allocation.
fn take(input: &mut Bytes, len: usize) -> Bytes {
    match input.get(len..) {
        Some(b"") => mem::take(input),
        Some(b"\n") => mem::replace(input, Bytes::from_static(b"\n")),
        _ => input.split_to(len),
    }
}

fn read_head(input: &[u8], limits: Limits, version: Version) -> Option<Head> {
    let command_end = memchr(b'\n', input.get(..MAX_COMMAND_LINE).unwrap_or(input))? + 1;
    let command = Command::parse(without_eol(input.get(..command_end)?))?;
    let mut headers: Vec<Span> = Vec::with_capacity(USUAL_HEADERS);
    let mut content_length = None;
    let mut start = command_end;
    loop {
        let rest = input.get(start..)?;
        let next = start + memchr(b'\n', rest)? + 1;
        if next > limits.max_header_bytes as usize {
            return None;
        }
        let line = without_eol(input.get(start..next)?);
        if line.is_empty() {
            let head = Head { command, headers, end: start, body_start: next, content_length };
            return mark_escapes(head, input, version);
        }
        if headers.len() >= limits.max_headers {
            return None;
        }
        let colon = line.iter().position(|&byte| byte == b':')?;
        if content_length.is_none() && line.get(..colon)? == b"content-length" {
            content_length = Some(usize::try_from(parse_length(line.get(colon + 1..)?)?).ok()?);
        }
        headers.push(Span::new(start, start + colon, start + line.len(), false));
        start = next;
    }
}

/// Few heads have escapes: one search answers for all lines of the others.
fn mark_escapes(mut head: Head, input: &[u8], version: Version) -> Option<Head> {
    if head.command.is_escaped() && memchr(b'\\', input.get(..head.end)?).is_some() {
        for span in &mut head.headers {
            span.is_escaped = escape::check(input.get(span.line())?, version)?;
        }
    }
    Some(head)
}

/// Where the body is; `None` if its end, or the NUL behind it, is not in the input.
fn body(input: &[u8], start: usize, content_length: Option<usize>) -> Option<Range<usize>> {
    let rest = input.get(start..)?;
    let len = match content_length {
        Some(len) => len,
        None => memchr(0, rest)?,
    };
    (rest.get(len) == Some(&0)).then(|| start..start + len)
}
