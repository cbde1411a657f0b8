//! Older history of the server, page by page, when a person asks for it.
//!
//! The controller knows which page comes next; a session begins with the first. Invariant: one
//! request reads at a time, so no page is read twice; a page that was read for an earlier session
//! does not move the place in this one.

use std::collections::VecDeque;

use engine::net::requests::ServerRequests;
use jiff::{SignedDuration, Timestamp};

use super::server_requests::refused;
use crate::controller::Controller;
use crate::gui::Gui;
use crate::inbox_reader::InboxReader;
use crate::ipc::{CommandError, CommandErrorCode, Older};
use crate::request::Reply;
use crate::task::{OlderRead, Outcome, answer, report};

/// Most pages of history that one request reads.
const MAX_PAGES: u32 = 20;

/// Where reading has got to in this session.
#[derive(Debug)]
pub(crate) struct History {
    next_page: u32,
    is_reading: bool,
    waiting: VecDeque<Reply<Older>>,
}

impl Default for History {
    fn default() -> Self {
        Self { next_page: 1, is_reading: false, waiting: VecDeque::new() }
    }
}

/// What is read, and into which inbox.
struct Range {
    server: ServerRequests,
    inbox: InboxReader,
    /// Nothing sent before this is missing.
    complete_through: Timestamp,
    /// What was sent before this is not kept.
    oldest: Timestamp,
}

impl<G: Gui> Controller<G> {
    pub(crate) fn load_older(&mut self, reply: Reply<Older>) {
        if self.history.is_reading {
            self.history.waiting.push_back(reply);
            return;
        }
        let range = match self.history_range() {
            Ok(range) => range,
            Err(error) => return answer(reply, Err(error)),
        };
        self.history.is_reading = true;
        let (generation, mut next_page) = (self.session.generation, self.history.next_page);
        self.spawn(|reporter| async move {
            let result = range.read(&mut next_page).await;
            report(&reporter, Outcome::OlderRead(OlderRead { generation, next_page, result, reply }));
        });
    }

    pub(crate) fn handle_older_read(&mut self, read: OlderRead) {
        let OlderRead { generation, next_page, result, reply } = read;
        if result.as_ref().is_ok_and(|older| older.added > 0 || !older.has_more) {
            self.handle_inbox_changed();
        }
        answer(reply, result);
        if generation == self.session.generation {
            self.history.next_page = next_page;
            self.history.is_reading = false;
            self.read_for_those_who_wait();
        }
    }

    /// Another session has begun.
    pub(crate) fn restart_history(&mut self) {
        let waiting = std::mem::take(&mut self.history).waiting;
        self.history.waiting = waiting;
        self.read_for_those_who_wait();
    }

    fn read_for_those_who_wait(&mut self) {
        while !self.history.is_reading
            && let Some(reply) = self.history.waiting.pop_front()
        {
            self.load_older(reply);
        }
    }

    fn history_range(&self) -> Result<Range, CommandError> {
        let server = self.server()?;
        let complete_through = self.snapshot().complete_through;
        let complete_through = complete_through
            .ok_or_else(|| CommandError::new(CommandErrorCode::Offline, "the first catch-up is still under way"))?;
        let days = self.session.settings.inbox.retention_days;
        let kept = SignedDuration::from_hours(24 * i64::from(days));
        let oldest = Timestamp::now().checked_sub(kept).unwrap_or(Timestamp::MIN);
        Ok(Range { server, inbox: self.inbox.clone(), complete_through, oldest })
    }
}

impl Range {
    /// Reads until something was added or nothing is left, and leaves `page` at the next one to
    /// read.
    async fn read(&self, page: &mut u32) -> Result<Older, CommandError> {
        for _ in 0..MAX_PAGES {
            let read = self.server.history(*page, self.complete_through, self.oldest).await.map_err(refused)?;
            let notices = read.notices;
            let added = self.inbox.read(move |inbox| Ok(inbox.add_older(&notices, Timestamp::now())?)).await?;
            if !read.is_last {
                *page += 1;
            }
            if added > 0 || read.is_last {
                return Ok(Older { added, has_more: !read.is_last });
            }
        }
        Ok(Older { added: 0, has_more: true })
    }
}
