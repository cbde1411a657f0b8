//! Deletions on the server that a person has asked for while the server could not be reached.
//!
//! The store keeps them until the server has answered; here they are sent one after the other once a
//! session has caught up, or while the API is polled. Deliberately absent: asking the person, and the
//! request. Invariants: none is sent while a page is asked for, whose rows would move; one that was
//! answered is not sent again; what the server refuses waits for the next connect or until a person
//! asks for it again, and what it does not permit stops all of them until the next connect.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{Pipeline, PipelineAction};
use crate::{
    clock::Now,
    error::{Failure, Fault, Recovery},
    notice::NoticeKey,
    pipeline::{delivery::Received, link::LinkState},
    storage::{DeletionRefusal, Write},
};

/// The longest wait between two attempts, as a power of two seconds.
const MAX_RETRY_POWER: u32 = 5;

/// The deletions that wait for the server.
#[derive(Debug, Default)]
pub(super) struct ServerDeletions {
    /// All that are asked for, and when.
    asked: BTreeMap<NoticeKey, Timestamp>,
    waiting: VecDeque<NoticeKey>,
    /// The one that was sent, and when it had been asked for.
    running: Option<(NoticeKey, Timestamp)>,
    /// The server has answered, and the store may not say so yet.
    answered: BTreeSet<NoticeKey>,
    /// Refused by the server, asked for at that time; they wait for the next connect.
    set_aside: BTreeMap<NoticeKey, Timestamp>,
    /// The server does not permit it.
    is_off: bool,
    retry: Option<Instant>,
    repeated: u32,
}

impl ServerDeletions {
    /// Whether the server may be deleting a record.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// What the store holds now.
    pub(super) fn handle_stored(&mut self, stored: Vec<(NoticeKey, Timestamp)>) {
        self.asked = stored.iter().cloned().collect();
        self.answered.retain(|key| self.asked.contains_key(key));
        self.set_aside.retain(|key, asked_at| self.asked.get(key) == Some(asked_at));
        let running = self.running.as_ref().map(|(key, _)| key);
        let is_waiting =
            |key: &NoticeKey| Some(key) != running && !self.answered.contains(key) && !self.set_aside.contains_key(key);
        self.waiting = stored.into_iter().map(|(key, _)| key).filter(is_waiting).collect();
    }

    /// A new session, or a person who wants another attempt: earlier refusals do not count.
    pub(super) fn handle_connected(&mut self) {
        self.is_off = false;
        (self.retry, self.repeated) = (None, 0);
        self.waiting.extend(mem::take(&mut self.set_aside).into_keys());
    }

    fn poll_request(&mut self, now: Now) -> Option<NoticeKey> {
        if self.is_off || self.running.is_some() || self.retry.is_some_and(|retry| retry > now.mono) {
            return None;
        }
        self.retry = None;
        let key = self.waiting.pop_front()?;
        let asked_at = *self.asked.get(&key)?;
        self.running = Some((key.clone(), asked_at));
        Some(key)
    }

    /// The server has answered, or could not be reached; what to write.
    fn handle_answer(&mut self, key: NoticeKey, result: Result<(), Failure>, now: Now) -> Option<Write> {
        let (_, asked_at) = self.running.take_if(|(running, _)| *running == key)?;
        let Err(failure) = result else {
            self.repeated = 0;
            self.answered.insert(key.clone());
            return Some(Write::ServerDeleted(key));
        };
        // The person no longer wants it, or has asked for it again since.
        let wanted_since = self.asked.get(&key).copied()?;
        if asked_at != wanted_since {
            self.waiting.push_front(key);
            return None;
        }
        self.repeated += 1;
        let why = DeletionRefusal { kind: failure.kind(), detail: failure.detail.clone() };
        let delay = match (failure.fault, failure.recovery(self.repeated)) {
            (Fault::NotPermitted, _) => {
                self.is_off = true;
                self.waiting.push_front(key);
                return Some(Write::ServerDeletionsRefused { key: None, why });
            }
            (Fault::Declined | Fault::BadAnswer, _)
            | (_, Recovery::Halt | Recovery::SignIn | Recovery::RefreshToken) => {
                self.set_aside.insert(key.clone(), wanted_since);
                return Some(Write::ServerDeletionsRefused { key: Some(key), why });
            }
            (_, Recovery::RetryAfter(delay)) => delay,
            (_, Recovery::Retry) => Duration::from_secs(1 << (self.repeated - 1).min(MAX_RETRY_POWER)),
        };
        self.retry = Some(now.mono + delay);
        self.waiting.push_front(key);
        None
    }
}

impl Pipeline {
    fn may_delete_on_server(&self) -> bool {
        let is_reached = *self.link.state() == LinkState::Live || self.link.is_polling();
        let is_asked = self.running.as_ref().is_some_and(|running| running.busy);
        self.config.server_deletions && is_reached && !is_asked && !self.api.needs_person
    }

    /// When the next attempt is due.
    pub(super) fn server_deletion_retry(&self) -> Option<Instant> {
        self.server_deletions.retry.filter(|_| self.may_delete_on_server())
    }

    /// Sends the next deletion, if the server can take it now.
    pub(super) fn poll_server_deletions(&mut self, now: Now) {
        if self.may_delete_on_server() {
            let Some(next) = self.server_deletions.poll_request(now) else { return };
            self.actions.push_back(PipelineAction::DeleteOnServer(next));
            if let Some(running) = &mut self.running {
                running.is_disturbed = true;
            }
        }
    }

    pub(super) fn handle_server_deleted(&mut self, key: NoticeKey, result: Result<(), Failure>, now: Now) {
        let write = self.server_deletions.handle_answer(key, result, now);
        if let Some(write) = write {
            self.delivery.handle_received(Received { writes: vec![write], ..Received::default() });
        }
    }
}
