//! Maps a message, as a server sent it, to notices (`docs/reference/messages.md`).
//!
//! What is JSON is mapped by `[message]`, whatever its content type; other text becomes the body of
//! a notice. Deliberately absent: whether the notice is new, and whether it notifies. Invariants:
//! no input panics or costs more than a small multiple of its size; fields that no pointer maps, or
//! that cannot be read, are kept in [`Notice::extra`].

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, value::RawValue};
use sha2::{Digest, Sha256};

use super::{Identity, Notice, NoticeKey, Origin, fields};
use crate::{
    foreign_text::{normalized, one_line, shortened},
    json::{self, Members, Numbers},
    settings::{MessageSettings, Pointer},
    storage::RejectReason,
};

/// A JSON array of more messages than this is refused: each costs far more memory than the two
/// bytes it may be sent in.
pub const MAX_MESSAGES: usize = 10_000;
/// A title is cut after so many characters; the body of such a notice begins with the uncut title.
pub const MAX_TITLE_CHARS: usize = 300;

/// How a message arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// A MESSAGE frame.
    Stomp,
    /// A text frame of a raw WebSocket.
    Raw,
    /// A row of a page of the API.
    Page,
}

/// A message as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Its body.
    pub body: &'a [u8],
    /// STOMP destination, or API path.
    pub destination: &'a str,
    /// Scope of the subscription or the API.
    pub scope: &'a str,
    /// The `amqp-message-id` header: the publisher's own name for it.
    pub amqp_message_id: Option<&'a str>,
    /// The `redelivered` header.
    pub redelivered: Option<bool>,
    /// How it arrived.
    pub via: Via,
    /// Who could have sent it.
    pub origin: &'a Origin,
}

/// What a message is.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// These notices, in the order of the message; never empty.
    Notices(Vec<Notice>),
    /// Nothing to keep: a heart-beat or other non-JSON text of the raw protocol, or an empty array.
    Ignored,
    /// It cannot be used.
    Rejected(RejectReason),
}

/// Maps a message. `system_zone` is the machine's time zone, for `time_zone = "local"`.
pub fn parse(incoming: &Incoming<'_>, mapping: &MessageSettings, system_zone: &TimeZone) -> Parsed {
    let Ok(text) = std::str::from_utf8(incoming.body) else { return Parsed::Rejected(RejectReason::NotUtf8) };
    let parser = Parser { incoming, mapping, zone: mapping.time_zone.resolve(system_zone) };
    parser.document(text.strip_prefix('\u{feff}').unwrap_or(text))
}

struct Parser<'a> {
    incoming: &'a Incoming<'a>,
    mapping: &'a MessageSettings,
    zone: &'a TimeZone,
}

impl Parser<'_> {
    fn document(&self, text: &str) -> Parsed {
        let is_raw = self.incoming.via == Via::Raw;
        if is_raw && text.trim().is_empty() {
            return Parsed::Ignored;
        }
        let Ok(document) = serde_json::from_str::<&RawValue>(text.trim()) else {
            if is_raw {
                return Parsed::Ignored;
            }
            return usable(self.plain(text, self.incoming.body, true).into_iter().collect());
        };
        if is_raw && is_heart_beat(document) {
            return Parsed::Ignored;
        }
        // A row of a page is one of several, as an element of an array is: `null` is no message.
        if self.incoming.via == Via::Page && document.get() == "null" {
            return Parsed::Ignored;
        }
        // Some servers encode twice: a string that holds the JSON document.
        let unwrapped = json::string(document);
        let document = match &unwrapped {
            Some(inside) => match serde_json::from_str::<&RawValue>(inside.trim()) {
                Ok(inside) if inside.get().starts_with(['{', '[']) => inside,
                _ => document,
            },
            None => document,
        };
        let Some(elements) = json::elements(document.get()) else {
            return usable(self.message(document, true).into_iter().collect());
        };
        if elements.is_empty() {
            return Parsed::Ignored;
        }
        if elements.len() > MAX_MESSAGES {
            return Parsed::Rejected(RejectReason::TooLarge);
        }
        let is_single = elements.len() == 1;
        usable(elements.into_iter().filter_map(|element| self.message(element, is_single)).collect())
    }

    /// One message. Its headers identify it only if it is the only message of the frame.
    fn message(&self, raw: &RawValue, is_single: bool) -> Option<Notice> {
        if let Some(members) = Members::read(raw.get()) {
            return self.object(&members, is_single);
        }
        let text = json::string(raw);
        if let Some(members) = text.as_deref().and_then(Members::read) {
            return self.object(&members, is_single);
        }
        if raw.get() == "null" {
            return None;
        }
        self.plain(text.as_deref().unwrap_or(raw.get()), raw.get().as_bytes(), is_single)
    }

    /// A text that is no JSON object; `None` if it has no text.
    fn plain(&self, text: &str, content: &[u8], is_single: bool) -> Option<Notice> {
        let body = normalized(text).trim().to_owned();
        if body.is_empty() {
            return None;
        }
        let mut notice = self.empty_notice();
        self.fill_title_and_body(&mut notice, None, body);
        self.assign_id(&mut notice, None, is_single, || content.to_vec());
        Some(notice)
    }

    /// A mapped object; `None` if all its values are null.
    fn object(&self, outer: &Members<'_>, is_single: bool) -> Option<Notice> {
        if outer.iter().all(|(_, value)| value.get() == "null") {
            return None;
        }
        let held = outer.at(&self.mapping.body).map(|body| json::string(body).unwrap_or_else(|| body.get().to_owned()));
        let inner = held.as_deref().and_then(Members::read).filter(|inner| inner.iter().next().is_some());
        let mut object = Object { outer, inner: inner.as_ref(), taken: Vec::new() };
        let mapping = self.mapping;

        let id = object.take(&mapping.id, fields::id);
        let title = object.take(&mapping.title, fields::text);
        let mut notice = self.empty_notice();
        notice.kind = object.take(&mapping.kind, fields::text).unwrap_or_default();
        notice.sender = object.take(&mapping.sender, fields::text).unwrap_or_default();
        notice.sent_at = object.take(&mapping.sent_at, |value| fields::sent_at(value, self.zone));
        notice.link = object.take(&mapping.link, fields::text).unwrap_or_default();
        notice.priority = object.take(&mapping.priority, fields::priority).unwrap_or(notice.priority);
        let state = object.take(&mapping.state, fields::state);
        (notice.state, notice.has_state) = (state.unwrap_or_default(), state.is_some());
        notice.version = object.take(&mapping.version, |value| fields::version(value, self.zone));
        notice.actions = object.take(&mapping.actions, fields::actions).unwrap_or_default();
        notice.undelivered =
            object.peek(&mapping.status).and_then(|value| fields::undelivered(value, &mapping.undelivered));
        // Any other status stays visible among the unmapped fields.
        object.take(&mapping.status, |value| fields::is_delivery_status(value, &mapping.undelivered).then_some(()));
        let body = object.take_body(&mapping.body);

        notice.is_partial = title.is_none() && body.is_none();
        let rest = object.rest(&mapping.body);
        let body = body.unwrap_or_else(|| lines(&rest));
        self.fill_title_and_body(&mut notice, title, body);
        self.assign_id(&mut notice, id, is_single, || canonical(outer, mapping));
        notice.extra = rest.into_iter().collect();
        Some(notice)
    }

    fn empty_notice(&self) -> Notice {
        Notice {
            key: NoticeKey { scope: self.incoming.scope.to_owned(), id: String::new() },
            identity: Identity::Assigned,
            title: String::new(),
            body: String::new(),
            kind: String::new(),
            sender: String::new(),
            sent_at: None,
            link: String::new(),
            priority: super::Priority::Normal,
            state: super::State::Open,
            has_state: false,
            version: None,
            actions: Vec::new(),
            undelivered: None,
            is_partial: false,
            extra: Map::new(),
            destination: self.incoming.destination.to_owned(),
            origin: self.incoming.origin.clone(),
        }
    }

    /// Title and body: a title falls back to the body's first line, then the destination.
    fn fill_title_and_body(&self, notice: &mut Notice, title: Option<String>, body: String) {
        let uncut = |text: &str| one_line(text, usize::MAX);
        let mapped = title.map(|title| uncut(&title)).filter(|title| !title.is_empty());
        let first_line = || body.lines().map(uncut).find(|line| !line.is_empty());
        let fallback = || first_line().unwrap_or_else(|| uncut(self.incoming.destination));
        notice.title = shortened(&mapped.clone().unwrap_or_else(fallback), MAX_TITLE_CHARS);
        notice.body = match mapped {
            // The body begins with the whole of a title that was cut.
            Some(mapped) if mapped != notice.title => format!("{mapped}\n\n{body}").trim_end().to_owned(),
            _ => body,
        };
        if notice.title.is_empty() {
            notice.title = "-".to_owned();
        }
    }

    /// The identity: the server's own id, the publisher's, or a hash of the content without the
    /// destination.
    fn assign_id(&self, notice: &mut Notice, id: Option<String>, is_single: bool, content: impl FnOnce() -> Vec<u8>) {
        let published = || self.incoming.amqp_message_id.filter(|id| is_single && !id.is_empty()).map(str::to_owned);
        (notice.key.id, notice.identity) = match id.or_else(published) {
            Some(id) => (id, Identity::Assigned),
            None => {
                let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(content()));
                let is_fresh = self.incoming.via == Via::Stomp && self.incoming.redelivered != Some(true);
                (format!("sha256:{hash}"), if is_fresh { Identity::FreshContent } else { Identity::Content })
            }
        };
    }
}

fn usable(notices: Vec<Notice>) -> Parsed {
    if notices.is_empty() { Parsed::Rejected(RejectReason::NotUsable) } else { Parsed::Notices(notices) }
}

/// `"ping"`, `"pong"`, `""`, or an object with such a value only: how servers without WebSocket
/// pings keep a connection open.
fn is_heart_beat(document: &RawValue) -> bool {
    let is_beat = |value: &RawValue| {
        json::string(value).is_some_and(|text| {
            let text = text.trim();
            text.is_empty() || text.eq_ignore_ascii_case("ping") || text.eq_ignore_ascii_case("pong")
        })
    };
    let says_only_that = |members: Members<'_>| {
        let mut members = members.iter();
        members
            .next()
            .is_some_and(|(key, value)| matches!(key, "type" | "event" | "action" | "cmd" | "op") && is_beat(value))
            && members.next().is_none()
    };
    is_beat(document) || Members::read(document.get()).is_some_and(says_only_that)
}

/// A JSON object, the object its body may hold, and which of their values are mapped.
struct Object<'a> {
    outer: &'a Members<'a>,
    inner: Option<&'a Members<'a>>,
    taken: Vec<(Side, Pointer)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Outer,
    Inner,
}

impl Object<'_> {
    /// Maps the value a pointer leads to; if the outer object has none, the inner one is tried. A
    /// value that `read` returns `None` for stays unmapped.
    fn take<T>(&mut self, pointer: &Pointer, read: impl FnOnce(&RawValue) -> Option<T>) -> Option<T> {
        let (side, value) = match (self.outer.at(pointer), self.inner) {
            (Some(value), _) => (Side::Outer, value),
            (None, Some(inner)) => (Side::Inner, inner.at(pointer)?),
            (None, None) => return None,
        };
        let mapped = read(value)?;
        self.taken.push((side, pointer.clone()));
        Some(mapped)
    }

    /// The value a pointer leads to; if the outer object has none, the inner one is tried.
    fn peek(&self, pointer: &Pointer) -> Option<&RawValue> {
        self.outer.at(pointer).or_else(|| self.inner?.at(pointer))
    }

    /// The body: where the pointer leads, inside the object found there if it is one, or at a usual
    /// place. `None` if there is no body.
    fn take_body(&mut self, pointer: &Pointer) -> Option<String> {
        let text = |value: &RawValue| json::scalar(value).map(|text| normalized(&text));
        let named = match self.inner {
            None => self.take(pointer, text),
            Some(inner) => {
                self.taken.push((Side::Outer, pointer.clone()));
                let body = inner.at(pointer).and_then(text);
                if body.is_some() {
                    self.taken.push((Side::Inner, pointer.clone()));
                }
                body
            }
        };
        if named.as_ref().is_some_and(|body| !body.is_empty()) {
            return named;
        }
        ["message", "text", "body"].into_iter().find_map(|key| self.take(&Pointer::of_key(key), fields::text)).or(named)
    }

    /// The unmapped fields, in the order of the document. A key of the inner object that the outer
    /// one has too gets the name of the body before it.
    fn rest(&self, body: &Pointer) -> Vec<(String, Value)> {
        let mut rest = self.rest_of(Side::Outer, self.outer);
        if let Some(inner) = self.inner {
            let name = body.tokens().last().unwrap_or_default();
            let outer: HashSet<String> = rest.iter().map(|(key, _)| key.clone()).collect();
            for (key, value) in self.rest_of(Side::Inner, inner) {
                let key = if outer.contains(&key) { format!("{name}.{key}") } else { key };
                rest.push((key, value));
            }
        }
        rest
    }

    fn rest_of(&self, side: Side, members: &Members<'_>) -> Vec<(String, Value)> {
        let taken: Vec<Vec<Cow<'_, str>>> =
            self.taken.iter().filter(|(of, _)| *of == side).map(|(_, pointer)| pointer.tokens().collect()).collect();
        let mut rest = Vec::new();
        for (key, raw) in members.iter().filter(|(_, raw)| raw.get() != "null") {
            let below: Vec<&[Cow<'_, str>]> = taken
                .iter()
                .filter_map(|tokens| tokens.split_first())
                .filter(|(first, _)| *first == key)
                .map(|(_, below)| below)
                .collect();
            if below.iter().any(|below| below.is_empty()) {
                continue;
            }
            let mut value = json::value(raw, Numbers::AsWritten);
            for tokens in &below {
                remove(&mut value, tokens);
            }
            let is_used_up = !below.is_empty() && value.as_object().is_some_and(Map::is_empty);
            if !is_used_up {
                rest.push((key.to_owned(), value));
            }
        }
        rest
    }
}

/// Removes what a pointer leads to, through objects; the elements of an array stay, so that none
/// changes its index.
fn remove(value: &mut Value, tokens: &[Cow<'_, str>]) {
    let (Some((token, below)), Value::Object(members)) = (tokens.split_first(), value) else { return };
    if below.is_empty() {
        members.remove(&**token);
    } else if let Some(child) = members.get_mut(&**token) {
        remove(child, below);
        if child.as_object().is_some_and(Map::is_empty) {
            members.remove(&**token);
        }
    }
}

/// `key: value` lines.
fn lines(rest: &[(String, Value)]) -> String {
    let line = |(key, value): &(String, Value)| match value.as_str() {
        Some(text) => format!("{}: {}", normalized(key), normalized(text)),
        None => format!("{}: {value}", normalized(key)),
    };
    rest.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The canonical JSON (RFC 8785) of an object, without its delivery status: that changes while the
/// message does not.
fn canonical(members: &Members<'_>, mapping: &MessageSettings) -> Vec<u8> {
    let mut tokens = mapping.status.tokens();
    let status = tokens.next().filter(|_| tokens.next().is_none());
    let content: Map<String, Value> = members
        .iter()
        .filter(|(key, value)| {
            status.as_deref() != Some(*key) || !fields::is_delivery_status(value, &mapping.undelivered)
        })
        .map(|(key, value)| (key.to_owned(), json::value(value, Numbers::Comparable)))
        .collect();
    let content = Value::Object(content);
    // Every value that was read from JSON can be written; if not, its own text still distinguishes
    // contents.
    serde_json_canonicalizer::to_vec(&content).unwrap_or_else(|_| content.to_string().into_bytes())
}

#[cfg(test)]
mod tests;
