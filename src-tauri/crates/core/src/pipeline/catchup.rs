//! Catch-up: missed messages, page by page, from `api.collect` and `api.history`
//! (`docs/reference/messages.md`, "Catch-up").
//!
//! [`Pass`] is pure: it says which page to ask for next and what to write with the rows;
//! [`crate::pipeline`] has the rows and the cursor committed in one transaction before it collects
//! the next page. The history is only read, so its next page is asked for once the one before has
//! come whole. Known rows never end a pass; a repeated page or cursor does. Deliberately absent:
//! HTTP, and the timing of passes.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    envelope::NextCursor,
    notice::{Identity, Notice, Source},
};

/// After so many pages a pass ends as `incomplete`; the next pass continues.
pub const MAX_PAGES_PER_PASS: u32 = 10_000;
/// History is read this far back past `complete_through`: clocks differ, and servers commit late.
pub const HISTORY_OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// After so many pages in a row that equal the one before, the server evidently ignores `pageNum`,
/// and the pass ends. A single one may be chance: rows that arrive meanwhile move the rows of a
/// page to the next page. For the same reason a page of known rows does not end the pass.
const MAX_REPEATED_PAGES: u32 = 2;
/// Past the floor, history ends after so many pages in a row without a new row. The times of a
/// server may be off by hours, so one old row says little.
const MAX_KNOWN_PAGES: u32 = 2;

/// Numbers the passes of one run; an answer to an earlier one is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PassId(pub u64);

/// A request for one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageRequest {
    /// `api.collect`: the rows after this cursor; `wait` makes it a long poll.
    Collect {
        /// The cursor; `None` for the start.
        after: Option<String>,
        /// Whether the server may hold the request for `api.wait`.
        wait: bool,
    },
    /// `api.history`, newest first; pages count from 1.
    History {
        /// Which page.
        page: u32,
    },
}

/// A received page, or the last piece of one whose rows came in pieces ([`Pass::handle_rows`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its rows, mapped to notices, without those that cannot be used. Not empty if an earlier piece
    /// was not: its last notice is then repeated.
    pub notices: Vec<Notice>,
    /// How many rows the whole page had.
    pub rows: usize,
    /// A hash of the rows of the earlier pieces; 0 without any.
    pub earlier: u64,
    /// What the response says about the next page.
    pub next: NextCursor,
    /// The server's clock (`Date`), if the response has it.
    pub server_time: Option<Timestamp>,
}

/// What a pass knows before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassStart {
    /// The stored cursor.
    pub cursor: Option<String>,
    /// The stored `complete_through`; `None` on the first run.
    pub complete_through: Option<Timestamp>,
    /// The newest `sent_at` in the last complete pass of this run, by the server's clock and time
    /// zone; `None` if there was none.
    pub newest_sent: Option<Timestamp>,
    /// Notices older than this are not kept.
    pub retention: Timestamp,
    /// Whether `api.history` is to be read too.
    pub history: bool,
    /// Whether the first request may be held by the server (polling with `api.wait`).
    pub wait: bool,
    /// Now.
    pub started: Timestamp,
}

/// What to write for a page, in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct PageWrites {
    /// The rows to keep.
    pub notices: Vec<Notice>,
    /// Whether they were collected or read from the history.
    pub source: Source,
    /// The cursor that covers them, if it moved.
    pub cursor: Option<String>,
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassSummary {
    /// Rows that the server sent.
    pub fetched: u64,
    /// Notices that were new.
    pub new: u64,
    /// No message that was sent before this time is missing; `None` if the pass was ended at
    /// [`MAX_PAGES_PER_PASS`].
    pub complete_through: Option<Timestamp>,
    /// The newest `sent_at` of a row of the history.
    pub newest_sent: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Collect {
        after: Option<String>,
        wait: bool,
    },
    /// `is_past_floor`: the page before reached rows that an earlier pass has seen.
    History {
        page: u32,
        is_past_floor: bool,
    },
    Ended {
        complete: bool,
    },
}

/// One pass.
#[derive(Debug)]
pub struct Pass {
    id: PassId,
    start: PassStart,
    phase: Phase,
    used: HashSet<String>,
    last_page: (u64, Vec<Notice>),
    same_pages: u32,
    known_pages: u32,
    newest_sent: Option<Timestamp>,
    pages: u32,
    fetched: u64,
    new: u64,
    /// Of these, from the pieces of the present page.
    new_of_page: u64,
    server_time: Option<Timestamp>,
    requested_after: u64,
    is_ahead: bool,
}

impl Pass {
    /// A pass before its first request.
    pub fn new(id: PassId, start: PassStart) -> Self {
        Self {
            id,
            phase: Phase::Collect { after: start.cursor.clone(), wait: start.wait },
            used: start.cursor.iter().cloned().collect(),
            start,
            last_page: (0, Vec::new()),
            same_pages: 0,
            known_pages: 0,
            newest_sent: None,
            pages: 0,
            fetched: 0,
            new: 0,
            new_of_page: 0,
            server_time: None,
            requested_after: u64::MAX,
            is_ahead: false,
        }
    }

    /// Its request is sent now, after this live message; `is_ahead` if the rows of the page before
    /// are still to be committed.
    pub fn handle_requested(&mut self, after: u64, is_ahead: bool) {
        (self.requested_after, self.is_ahead) = (after, is_ahead);
    }

    /// Whether its request was sent before the rows of the page before are committed.
    pub fn is_ahead(&self) -> bool {
        self.is_ahead
    }

    /// The live message after which its last request was sent; the highest number outside a running
    /// pipeline.
    pub fn requested_after(&self) -> u64 {
        self.requested_after
    }

    /// Its number.
    pub fn id(&self) -> PassId {
        self.id
    }

    /// Whether nothing was ever collected before: such a pass notifies only about undelivered rows.
    pub fn is_first_run(&self) -> bool {
        self.start.complete_through.is_none()
    }

    /// What the server says was sent before this time, an earlier pass has seen: its clock or its time
    /// zone may be wrong.
    pub fn seen_through(&self) -> Option<Timestamp> {
        let PassStart { complete_through, newest_sent, .. } = &self.start;
        complete_through.map(|through| newest_sent.map_or(through, |newest| newest.min(through)))
    }

    /// The page to ask for; `None` when the pass has ended.
    pub fn request(&self) -> Option<PageRequest> {
        match &self.phase {
            Phase::Collect { after, wait } => Some(PageRequest::Collect { after: after.clone(), wait: *wait }),
            Phase::History { page, .. } => Some(PageRequest::History { page: *page }),
            Phase::Ended { .. } => None,
        }
    }

    /// The page to ask for while the rows of the one before are written: one of the history, which is
    /// only read, if it is needed whatever becomes of those rows.
    pub fn request_ahead(&self) -> Option<PageRequest> {
        let Phase::History { is_past_floor, .. } = self.phase else { return None };
        let may_end = is_past_floor && self.known_pages + 1 >= MAX_KNOWN_PAGES;
        self.request().filter(|_| !may_end)
    }

    /// Takes rows of the requested page, of which others follow; returns what to write of them. The
    /// last piece is for [`Self::handle_page`].
    pub fn handle_rows(&self, notices: Vec<Notice>) -> PageWrites {
        let source = match self.phase {
            Phase::History { .. } => Source::History,
            Phase::Collect { .. } | Phase::Ended { .. } => Source::Collected,
        };
        PageWrites { notices: self.within_retention(notices), source, cursor: None }
    }

    /// Takes the requested page; returns what to write before the next request.
    pub fn handle_page(&mut self, page: Page) -> PageWrites {
        self.pages += 1;
        self.fetched += page.rows as u64;
        self.server_time = self.server_time.or(page.server_time);
        let step = match self.phase {
            Phase::History { page: number, .. } => self.handle_history(page, number),
            Phase::Collect { .. } | Phase::Ended { .. } => self.handle_collect(page),
        };
        if self.pages >= MAX_PAGES_PER_PASS && self.request().is_some() {
            self.phase = Phase::Ended { complete: false };
        }
        step
    }

    /// Rows of the last page are committed; `new` of them were new. With `is_piece` others follow.
    pub fn handle_committed(&mut self, new: u64, is_piece: bool) {
        self.new += new;
        self.new_of_page += new;
        if is_piece {
            return;
        }
        self.is_ahead = false;
        let is_past_floor = matches!(self.phase, Phase::History { is_past_floor: true, .. });
        let is_known = std::mem::take(&mut self.new_of_page) == 0;
        self.known_pages = if is_past_floor && is_known { self.known_pages + 1 } else { 0 };
        if self.known_pages >= MAX_KNOWN_PAGES {
            self.phase = Phase::Ended { complete: true };
        }
    }

    /// Whether the pass has read the history, or will.
    pub fn reads_history(&self) -> bool {
        self.start.history
    }

    /// A response was lost: the server may have marked its rows as delivered, so only the history
    /// has them.
    pub fn require_history(&mut self) {
        self.start.history = true;
    }

    /// The server has no `api.history`: the pass ends without it.
    pub fn skip_history(&mut self) {
        self.start.history = false;
        if matches!(self.phase, Phase::History { .. }) {
            self.phase = Phase::Ended { complete: true };
        }
    }

    /// How it ended; `None` while it runs.
    pub fn finished(&self) -> Option<PassSummary> {
        let Phase::Ended { complete } = self.phase else { return None };
        let reached = self.server_time.map_or(self.start.started, |server| server.min(self.start.started));
        let complete_through = complete.then(|| self.start.complete_through.map_or(reached, |old| old.max(reached)));
        Some(PassSummary { fetched: self.fetched, new: self.new, complete_through, newest_sent: self.newest_sent })
    }

    fn handle_collect(&mut self, page: Page) -> PageWrites {
        let next = match page.next {
            NextCursor::Cursor(cursor) => Some(cursor),
            NextCursor::Null => None,
            // Without a cursor of the server, the id of the last row is the cursor.
            NextCursor::Absent => {
                page.notices.last().filter(|last| last.identity == Identity::Assigned).map(|last| last.key.id.clone())
            }
        };
        let fresh = next.filter(|cursor| page.rows > 0 && self.used.insert(cursor.clone()));
        self.phase = match &fresh {
            Some(cursor) => Phase::Collect { after: Some(cursor.clone()), wait: false },
            None if self.start.history => Phase::History { page: 1, is_past_floor: false },
            None => Phase::Ended { complete: true },
        };
        PageWrites { notices: self.within_retention(page.notices), source: Source::Collected, cursor: fresh }
    }

    fn handle_history(&mut self, page: Page, number: u32) -> PageWrites {
        let floor = self.floor();
        let (earlier, last) = &self.last_page;
        let is_same = number > 1 && page.earlier == *earlier && page.notices == *last;
        self.same_pages = if is_same { self.same_pages + 1 } else { 0 };
        self.last_page = (page.earlier, page.notices.clone());
        self.newest_sent = self.newest_sent.max(page.notices.iter().filter_map(|notice| notice.sent_at).max());
        let is_past_floor = page.notices.last().and_then(|oldest| oldest.sent_at).is_some_and(|oldest| oldest < floor);
        self.phase = if page.rows == 0 || self.same_pages == MAX_REPEATED_PAGES {
            Phase::Ended { complete: true }
        } else {
            Phase::History { page: number + 1, is_past_floor }
        };
        PageWrites { notices: self.within_retention(page.notices), source: Source::History, cursor: None }
    }

    /// Rows sent before this time were seen by an earlier pass, if the server's times are right.
    fn floor(&self) -> Timestamp {
        self.seen_through()
            .and_then(|seen| seen.checked_sub(HISTORY_OVERLAP).ok())
            .unwrap_or(self.start.retention)
            .max(self.start.retention)
    }

    /// Rows older than the retention period are not stored again, except undelivered ones: their
    /// time may be wrong.
    fn within_retention(&self, mut notices: Vec<Notice>) -> Vec<Notice> {
        let is_young = |notice: &Notice| notice.sent_at.is_none_or(|sent| sent >= self.start.retention);
        notices.retain(|notice| notice.undelivered == Some(true) || is_young(notice));
        notices
    }
}
