//! The simulated server: its record of messages, its HTTP API and its broker, with the behaviour
//! that a plan defines.
//!
//! It loses nothing itself: the world decides what is lost on the way to the machine. It knows what
//! it owes: what the account must have in the end, given what this kind of server can deliver
//! again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use belfry_core::{
    envelope::NextCursor,
    notice::State,
    pipeline::catchup::{Page, PageRequest},
};
use jiff::{SignedDuration, Timestamp};

pub(crate) use self::content::{copy_of, id_of};
use crate::plan::{Api, Collect, Delivery, History, Next, Plan, Stamp, To};

mod content;

/// Microseconds since the start of the run.
pub(crate) type At = u64;

/// The server's wall clock, which is the true one.
pub(crate) fn true_time(at: At) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_767_225_600) + SignedDuration::from_micros(at.cast_signed())
}

/// One version of a notice; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Copy {
    pub item: usize,
    pub version: usize,
}

/// Copies from this version on are forged.
pub(crate) const FORGED: usize = 1_000_000;

impl Copy {
    /// Whether somebody else than the server wrote it.
    pub(crate) fn is_forged(self) -> bool {
        self.version >= FORGED
    }
}

/// A message in transit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Notices(Vec<Copy>),
    Junk,
}

/// A message handed to a session: the number for its ACK, and its place in the stream.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub session: usize,
    pub number: u64,
    pub body: Body,
    pub offset: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Version {
    state: State,
    sent: At,
}

impl To {
    fn state(self) -> State {
        match self {
            Self::Open => State::Open,
            Self::Decided => State::Decided,
            Self::Withdrawn => State::Withdrawn,
            Self::Expired => State::Expired,
        }
    }
}

/// A row of the record.
#[derive(Debug, Clone, Copy)]
struct RecordRow {
    copy: Copy,
    place: u64,
    recorded: At,
    delivered: bool,
    /// Served by a server that serves each row only once.
    is_spent: bool,
    /// Written to a session, which this server counts as delivered.
    is_written: bool,
}

/// A session as the server sees it.
#[derive(Debug, Default)]
struct Session {
    is_alive: bool,
    is_subscribed: bool,
    sent: u64,
    unacknowledged: BTreeMap<u64, Body>,
    next_offset: usize,
}

#[derive(Debug)]
pub(crate) struct Server {
    delivery: Delivery,
    api: Option<Api>,
    stamp: Stamp,
    items: Vec<Vec<Version>>,
    /// The states of the forged copies.
    forged: Vec<State>,
    record: Vec<RecordRow>,
    places: u64,
    queue: VecDeque<Body>,
    stream: Vec<Body>,
    sessions: Vec<Session>,
    /// The history was refused once: the client may skip it from then on.
    history_refused: bool,
    /// What was not delivered is sent again at each connect, and what was written is delivered.
    is_raw: bool,
    /// Items that were written to a raw session, whether or not they arrived.
    written_raw: BTreeSet<usize>,
    /// Items whose record was deleted, or was to be.
    deleted: BTreeSet<usize>,
    /// How many rows were sent again to raw sessions.
    pub(crate) resent: usize,
}

impl Server {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            delivery: plan.delivery,
            api: plan.api,
            stamp: plan.stamp,
            items: Vec::new(),
            forged: Vec::new(),
            record: Vec::new(),
            places: 0,
            queue: VecDeque::new(),
            stream: Vec::new(),
            sessions: Vec::new(),
            history_refused: false,
            is_raw: plan.is_raw,
            written_raw: BTreeSet::new(),
            deleted: BTreeSet::new(),
            resent: 0,
        }
    }

    // Senders.

    /// Publishes and records a new notice.
    pub(crate) fn publish(&mut self, now: At) -> Copy {
        self.items.push(vec![Version { state: State::Open, sent: now }]);
        let copy = Copy { item: self.items.len() - 1, version: 1 };
        self.record(copy, now);
        copy
    }

    /// Publishes and records a newer version of one of the notices. A settled one is only reopened, and
    /// only where a copy can say that it is newer; else `None`.
    pub(crate) fn update(&mut self, which: usize, to: To, now: At) -> Option<Copy> {
        let item = which.checked_rem(self.items.len())?;
        let state = to.state();
        let last = *self.items[item].last().unwrap();
        let is_settled = last.state != State::Open;
        if (is_settled && state != State::Open) || (self.stamp == Stamp::State && state == State::Open) {
            return None;
        }
        let sent = if self.stamp == Stamp::State { last.sent } else { now.max(last.sent + 1) };
        self.items[item].push(Version { state, sent });
        let copy = Copy { item, version: self.items[item].len() };
        self.record(copy, now);
        Some(copy)
    }

    /// Somebody writes a copy of one of the notices, or of the next one before it is published.
    pub(crate) fn forge(&mut self, which: usize, to: To) -> Copy {
        self.forged.push(to.state());
        Copy { item: which % (self.items.len() + 1), version: FORGED + self.forged.len() - 1 }
    }

    /// One of the notices, in its first or newest version.
    pub(crate) fn copy_of(&self, which: usize, newest: bool) -> Option<Copy> {
        let item = which.checked_rem(self.items.len())?;
        Some(Copy { item, version: if newest { self.items[item].len() } else { 1 } })
    }

    fn record(&mut self, copy: Copy, now: At) {
        let Some(api) = self.api else { return };
        self.places += 1;
        let row =
            RecordRow { copy, place: self.places, recorded: now, delivered: false, is_spent: false, is_written: false };
        let old = self.record.iter().position(|row| row.copy.item == copy.item);
        match old {
            // An id that is a cursor keeps its place.
            Some(old) if api.next == Next::Absent => {
                self.record[old] = RecordRow { place: self.record[old].place, ..row };
            }
            Some(old) if api.compacted => {
                self.record.remove(old);
                self.record.push(row);
            }
            _ => self.record.push(row),
        }
    }

    // The broker.

    /// Sends a message, `ahead` of so many others.
    pub(crate) fn send(&mut self, body: Body, ahead: usize) {
        match self.delivery {
            Delivery::Queue { .. } => {
                let place = self.queue.len().saturating_sub(ahead);
                self.queue.insert(place, body);
            }
            Delivery::Stream => self.stream.push(body),
            Delivery::Topic { .. } => {
                for session in self.sessions.iter_mut().filter(|session| session.is_alive && session.is_subscribed) {
                    session.sent += 1;
                    session.unacknowledged.insert(session.sent, body.clone());
                }
            }
        }
    }

    /// A new session.
    pub(crate) fn begin(&mut self) -> usize {
        self.sessions.push(Session { is_alive: true, ..Session::default() });
        self.sessions.len() - 1
    }

    /// A SUBSCRIBE takes effect; a stream is read from `offset` on. A raw session, which has none,
    /// gets what was not delivered.
    pub(crate) fn subscribe(&mut self, session: usize, offset: u64) {
        self.sessions[session].is_subscribed = true;
        self.sessions[session].next_offset = usize::try_from(offset).unwrap();
        if self.is_raw {
            let mut missing: Vec<&RecordRow> =
                self.record.iter().filter(|row| !row.delivered && !row.is_written).collect();
            missing.sort_by_key(|row| row.place);
            self.resent += missing.len();
            let session = &mut self.sessions[session];
            for row in missing {
                session.sent += 1;
                session.unacknowledged.insert(session.sent, Body::Notices(vec![row.copy]));
            }
        }
    }

    /// The server has noticed that a session is gone: messages that it did not acknowledge return
    /// to the queue.
    pub(crate) fn end(&mut self, session: usize) {
        let session = &mut self.sessions[session];
        session.is_alive = false;
        let returned = std::mem::take(&mut session.unacknowledged);
        if matches!(self.delivery, Delivery::Queue { .. }) {
            returned.into_values().rev().for_each(|body| self.queue.push_front(body));
        }
    }

    /// The messages to send next, each with its session.
    pub(crate) fn poll_sent(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        for (index, session) in self.sessions.iter_mut().enumerate().rev() {
            if !session.is_alive || !session.is_subscribed {
                continue;
            }
            match self.delivery {
                Delivery::Queue { prefetch } => {
                    while session.unacknowledged.len() < prefetch
                        && let Some(body) = self.queue.pop_front()
                    {
                        session.sent += 1;
                        session.unacknowledged.insert(session.sent, body.clone());
                        sent.push(Sent { session: index, number: session.sent, body, offset: None });
                    }
                }
                Delivery::Stream => {
                    while let Some(body) = self.stream.get(session.next_offset) {
                        let offset = Some(session.next_offset as u64);
                        session.next_offset += 1;
                        session.sent += 1;
                        sent.push(Sent { session: index, number: session.sent, body: body.clone(), offset });
                    }
                }
                Delivery::Topic { acked } => {
                    let handed = std::mem::take(&mut session.unacknowledged);
                    if self.is_raw {
                        self.written_raw.extend(handed.values().flat_map(|body| match body {
                            Body::Notices(copies) => copies.iter().map(|copy| copy.item).collect(),
                            Body::Junk => Vec::new(),
                        }));
                    }
                    let marks = |api: Api| api.collect == Collect::Destructive && api.marks_written;
                    if !acked && (self.is_raw || self.api.is_some_and(marks)) {
                        for row in &mut self.record {
                            let is_in =
                                |body: &Body| matches!(body, Body::Notices(copies) if copies.contains(&row.copy));
                            row.is_written |= handed.values().any(is_in);
                        }
                    }
                    sent.extend(handed.into_iter().map(|(number, body)| Sent {
                        session: index,
                        number,
                        body,
                        offset: None,
                    }));
                }
            }
        }
        sent
    }

    /// An ACK has arrived.
    pub(crate) fn acknowledge(&mut self, session: usize, number: u64) {
        let session = &mut self.sessions[session];
        if let (true, Some(Body::Notices(copies))) = (session.is_alive, session.unacknowledged.remove(&number)) {
            for row in self.record.iter_mut().filter(|row| copies.contains(&row.copy)) {
                row.delivered = true;
            }
        }
    }

    // The HTTP API.

    /// Answers a request for a page.
    pub(crate) fn answer(&mut self, request: &PageRequest, now: At) -> Page {
        let api = self.api.unwrap();
        let (rows, next) = match request {
            PageRequest::Collect { after, .. } => self.collect(api, after.as_deref()),
            PageRequest::History { page } => (self.history(api, *page as usize), NextCursor::Absent),
        };
        Page {
            notices: rows.iter().map(|row| self.row_notice(api, row)).collect(),
            rows: rows.len(),
            next,
            server_time: api.has_date.then(|| true_time(now)),
            earlier: 0,
        }
    }

    /// Deletes the record of an item, if there is one.
    pub(crate) fn delete(&mut self, item: usize) {
        self.record.retain(|row| row.copy.item != item);
        self.deleted.insert(item);
    }

    /// Whether it can be asked to delete a record.
    pub(crate) fn has_api(&self) -> bool {
        self.api.is_some()
    }

    /// Whether the record of an item was deleted.
    pub(crate) fn has_deleted(&self, item: usize) -> bool {
        self.deleted.contains(&item)
    }

    /// Whether a raw session was sent this item.
    pub(crate) fn was_written_raw(&self, item: usize) -> bool {
        self.written_raw.contains(&item)
    }

    /// Whether there is a history.
    pub(crate) fn has_history(&self) -> bool {
        self.api.is_some_and(|api| api.history != History::Missing) && !self.history_refused
    }

    /// The history says 403.
    pub(crate) fn refuse_history(&mut self) {
        self.history_refused = true;
    }

    fn collect(&mut self, api: Api, after: Option<&str>) -> (Vec<RecordRow>, NextCursor) {
        let after = after.and_then(|after| self.place_of(after)).unwrap_or(0);
        let mut rows: Vec<RecordRow> = match api.collect {
            Collect::Honest => {
                for row in self.record.iter_mut().filter(|row| row.place <= after) {
                    row.delivered = true;
                }
                self.record.iter().filter(|row| row.place > after).copied().collect()
            }
            Collect::IgnoresCursor => self.record.clone(),
            Collect::Destructive => {
                self.record.iter().filter(|row| !row.delivered && !row.is_written).copied().collect()
            }
        };
        rows.sort_by_key(|row| row.place);
        let is_last = api.collect == Collect::IgnoresCursor || rows.len() <= api.cap;
        if api.collect != Collect::IgnoresCursor {
            rows.truncate(api.cap);
        }
        if api.collect == Collect::Destructive {
            for served in &rows {
                for row in self.record.iter_mut().filter(|row| row.place == served.place) {
                    (row.delivered, row.is_spent) = (true, true);
                }
            }
        }
        let last = rows.last().map_or(after, |row| row.place);
        let next = match api.next {
            Next::Absent => NextCursor::Absent,
            Next::NullAtEnd if is_last => NextCursor::Null,
            Next::Cursor | Next::NullAtEnd => NextCursor::Cursor(last.to_string()),
        };
        (rows, next)
    }

    fn history(&self, api: Api, page: usize) -> Vec<RecordRow> {
        let mut rows = self.record.clone();
        rows.sort_by_key(|row| std::cmp::Reverse((self.version(row.copy).sent, row.place)));
        match api.history {
            History::Paged => rows.into_iter().skip((page - 1) * api.cap).take(api.cap).collect(),
            History::IgnoresPage | History::Missing => rows,
        }
    }

    /// The place that a cursor stands for.
    fn place_of(&self, cursor: &str) -> Option<u64> {
        match cursor.strip_prefix('m') {
            None => cursor.parse().ok(),
            Some(item) => {
                let item: usize = item.parse().ok()?;
                self.record.iter().find(|row| row.copy.item == item).map(|row| row.place)
            }
        }
    }

    fn version(&self, copy: Copy) -> Version {
        self.items[copy.item][copy.version - 1]
    }

    /// The state of a copy.
    pub(crate) fn state_of(&self, copy: Copy) -> State {
        if copy.is_forged() { self.forged[copy.version - FORGED] } else { self.version(copy).state }
    }

    // What the server owes.

    /// What the account must have in the end, in at least this version.
    pub(crate) fn owed(&self) -> Vec<Copy> {
        match (self.delivery, self.api) {
            (Delivery::Queue { .. } | Delivery::Stream, _) => {
                (0..self.items.len()).map(|item| Copy { item, version: self.items[item].len() }).collect()
            }
            (Delivery::Topic { .. }, Some(_)) => self.owed_by_api(At::MAX),
            (Delivery::Topic { .. }, None) => Vec::new(),
        }
    }

    /// What the account must have once a pass says that nothing from before `end` is missing.
    pub(crate) fn owed_by_api(&self, end: At) -> Vec<Copy> {
        let Some(api) = self.api else { return Vec::new() };
        let is_owed = |row: &&RecordRow| {
            let is_given_out = row.is_spent || row.is_written;
            row.recorded < end && self.version(row.copy).sent < end && (!is_given_out || self.has_history())
        };
        // A client whose cursor is the last row does not see changes of earlier rows.
        let is_blind = api.collect == Collect::Honest && api.next == Next::Absent;
        self.record
            .iter()
            .filter(is_owed)
            .map(|row| if is_blind { Copy { version: 1, ..row.copy } } else { row.copy })
            .collect()
    }

    /// The rows a stored cursor claims to cover; none where a cursor means nothing.
    pub(crate) fn covered_by(&self, cursor: &str) -> Vec<Copy> {
        match self.api {
            Some(Api { collect: Collect::Honest, next, .. }) => {
                let place = self.place_of(cursor).unwrap_or(0);
                let rows = self.record.iter().filter(|row| row.place <= place);
                rows.map(|row| if next == Next::Absent { Copy { version: 1, ..row.copy } } else { row.copy }).collect()
            }
            _ => Vec::new(),
        }
    }

    /// How many requests a pass may need.
    pub(crate) fn pages(&self) -> usize {
        2 * (self.record.len() + self.deleted.len()) + 8
    }
}
