//! The invariants, checked after every step against a second, much simpler model of the inbox.
//!
//! It sees only what was committed, acknowledged, emitted and shown. The first violation ends the
//! run. The numbers in brackets are those of the list in [`crate`].

use std::collections::{BTreeMap, HashMap, HashSet};

use belfry_core::{
    event::Event,
    notice::{NoticeKey, Source, State},
    pipeline::delivery::AckId,
    ports::{Popup, PopupId, PopupKind},
    storage::{Alert, Applied, Opening, Outcome, Seq, Suppressed, Write},
};
use engine::{
    inbox::{Filter, Inbox, Place},
    store::Store,
};

use crate::server::{At, Copy, Server, copy_of, id_of, true_time};

/// `Err` describes a violation.
pub(crate) type Verdict = Result<(), String>;

macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}

mod arrivals;

/// The model of a notice in the inbox.
#[derive(Debug, Clone, Copy)]
struct Entry {
    seq: Seq,
    /// Which of its openings this is.
    opening: u32,
    version: usize,
    state: State,
    is_read: bool,
    /// Its alert was held back when its opening was stored, and was not released.
    is_held: bool,
    /// The server itself has sent it; otherwise only a forger.
    is_personal: bool,
    /// The number of the forged message that settled it.
    settled_by: Option<u64>,
}

impl Entry {
    fn opening(&self) -> Opening {
        Opening { seq: self.seq, number: self.opening }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Oracle {
    inbox: BTreeMap<usize, Entry>,
    deleted: HashMap<usize, Entry>,
    /// Deleted, but may be restored.
    removed: HashMap<usize, Entry>,
    restored: HashSet<usize>,
    items: HashMap<Seq, usize>,
    committed: HashSet<Copy>,
    junk: u64,
    /// All states that a notice ever had.
    states: HashSet<(usize, State)>,
    has_forged: bool,
    /// What a person has asked the server to delete, perhaps taken back, and how often that was sent.
    asked: HashMap<usize, u32>,
    /// The server has answered, and that is committed.
    answered: HashSet<usize>,
    /// The server has refused it, and that is stored.
    refused: HashSet<usize>,
    claimed: HashSet<Opening>,
    outcomes: HashSet<Opening>,
    handed: HashMap<usize, u32>,
    recorded_popups: HashSet<PopupId>,
    gone_popups: HashSet<PopupId>,
    dismissed_popups: HashSet<PopupId>,
    announcements: HashMap<usize, u32>,
    announced: i64,
    process: u32,
    /// How often each kind of event happened.
    pub event_counts: BTreeMap<&'static str, u64>,
}

impl Oracle {
    /// Counts an event.
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.event_counts.entry(what).or_default() += 1;
    }

    /// The notices in the inbox, oldest first.
    pub(crate) fn present(&self) -> Vec<usize> {
        self.inbox.keys().copied().collect()
    }

    /// The place of a notice in the inbox.
    pub(crate) fn seq_of(&self, item: usize) -> Option<Seq> {
        self.inbox.get(&item).map(|entry| entry.seq)
    }

    /// A job was committed.
    pub(crate) fn handle_commit(&mut self, writes: &[Write], applied: &Applied, server: &Server) -> Verdict {
        ensure!(writes.len() == applied.outcomes.len(), "a commit of {} writes has other outcomes", writes.len());
        for (write, outcome) in writes.iter().zip(&applied.outcomes) {
            match (write, outcome) {
                (Write::Notice { notice, arrival, alert, .. }, outcome) => {
                    if matches!(outcome, Outcome::New { .. }) {
                        self.count(match arrival.source {
                            Source::Live => "a live notice",
                            Source::Collected => "a notice found by collect",
                            Source::History => "a notice found by history",
                        });
                    }
                    self.handle_arrival(copy_of(notice), *arrival, *alert, outcome, server)?;
                }
                (Write::Rejected { .. }, Outcome::Done) => self.junk += 1,
                (Write::Release, Outcome::Released(released)) if !released.is_empty() => {
                    self.handle_released(released);
                }
                (Write::Claim(asked), Outcome::Claimed(granted)) => self.handle_claim(asked, granted)?,
                (Write::Shown { openings, popup, .. }, _) => {
                    self.outcomes.extend(openings);
                    self.recorded_popups.insert(popup.clone());
                }
                (Write::Refused { openings, .. }, _) => self.outcomes.extend(openings),
                (Write::NoService(openings), _) => self.handle_no_service(openings),
                (Write::ServerDeleted(key), _) => self.handle_server_deleted(item_of(&key.id), server)?,
                (Write::ServerDeletionsRefused { key, .. }, _) => {
                    self.count("a deletion on the server refused");
                    match key {
                        Some(key) => drop(self.refused.insert(item_of(&key.id))),
                        None => self.refused.extend(self.asked.keys()),
                    }
                }
                (Write::Announced(seq), _) => self.announced = self.announced.max(seq.0),
                (Write::PopupClosed(popup), _) => {
                    self.recorded_popups.remove(popup);
                }
                _ => {}
            }
        }
        // Checked after all rows of the transaction, since their order in it does not matter.
        for write in writes {
            match write {
                Write::Cursor(cursor) => self.has_all(
                    &server.covered_by(cursor),
                    &format!("(5) the stored cursor {cursor:?} covers a row that is missing"),
                )?,
                Write::CompleteThrough(through) => self.handle_complete(*through, server)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn handle_complete(&self, through: jiff::Timestamp, server: &Server) -> Verdict {
        let end = through.duration_since(true_time(0)).as_micros().max(0);
        let owed = server.owed_by_api(At::try_from(end).unwrap());
        self.has_all(&owed, &format!("(7) complete through {through}, but a row from before is missing"))
    }

    /// Whether all these are in the inbox, in this version or a newer one, or were deleted.
    fn has_all(&self, copies: &[Copy], violation: &str) -> Verdict {
        for copy in copies {
            let has = |entry: &Entry| entry.is_personal && entry.version >= copy.version;
            let is_deleted = self.deleted.get(&copy.item).is_some_and(|entry| entry.is_personal);
            ensure!(self.inbox.get(&copy.item).is_some_and(has) || is_deleted, "{violation}: {}", name(*copy));
        }
        Ok(())
    }

    fn handle_claim(&mut self, asked: &[Opening], granted: &[Opening]) -> Verdict {
        for opening in granted {
            let item = self.items.get(&opening.seq).copied();
            let entry = item.and_then(|item| self.inbox.get(&item));
            ensure!(asked.contains(opening), "(2) a claim was granted that was not requested");
            ensure!(self.claimed.insert(*opening), "(2) {item:?} is claimed a second time");
            let Some(entry) = entry else { return Err(format!("(3) {item:?} pops up after it was deleted")) };
            ensure!(entry.opening() == *opening, "(2) {item:?} is claimed for an opening that is over");
            ensure!(entry.state == State::Open, "(4) {item:?} pops up although it is {:?}", entry.state);
            ensure!(!entry.is_read, "(2) {item:?} pops up although it was read");
        }
        Ok(())
    }

    /// A message is acknowledged.
    pub(crate) fn handle_ack(&self, ack: AckId, message: &[Copy]) -> Verdict {
        for copy in message {
            ensure!(
                self.committed.contains(copy),
                "(1) message {} is acknowledged, but {} is not committed",
                ack.number,
                name(*copy)
            );
        }
        Ok(())
    }

    /// An event was emitted.
    pub(crate) fn handle_event(&mut self, event: &Event) -> Verdict {
        match event {
            Event::Notice { id, replayed, .. } => {
                let item = item_of(id);
                let seq = self.items.iter().filter(|(_, of)| **of == item).map(|(seq, _)| *seq).max();
                let Some(seq) = seq else { return Err(format!("(6) {id} is announced, but not committed")) };
                let last = self.announcements.insert(item, self.process);
                if *replayed {
                    self.count("a notice announced again after a crash");
                    ensure!(
                        seq.0 > self.announced,
                        "(6) {id} is announced again, although it was recorded as announced"
                    );
                } else {
                    ensure!(last.is_none(), "(6) {id} is announced a second time");
                }
                ensure!(last != Some(self.process), "(6) {id} is announced twice by one process");
            }
            Event::Changed { id, state, .. } => {
                // It may have changed since then.
                ensure!(
                    self.states.contains(&(item_of(id), *state)),
                    "(4) {id} is reported as {state:?}, which is not what is stored"
                );
            }
            Event::Notification { .. }
            | Event::CaughtUp { .. }
            | Event::Rejected { .. }
            | Event::Status(_)
            | Event::Activated { .. } => {}
        }
        Ok(())
    }

    /// A popup is ordered.
    pub(crate) fn handle_order(&self, popup: &Popup) -> Verdict {
        for key in popup.notices.iter() {
            let item = item_of(key.id);
            ensure!(self.claims(item) > 0, "(2) a popup for {} is ordered without a committed claim", key.id);
        }
        if let Some(replaced) = &popup.replaces {
            ensure!(!self.gone_popups.contains(replaced), "(2) a popup that has left the screen is updated");
        }
        Ok(())
    }

    /// A popup is handed to the OS.
    pub(crate) fn handle_handed(&mut self, popup: &Popup) -> Verdict {
        self.count(match popup.kind {
            PopupKind::Single => "a popup",
            PopupKind::Summary => "a summary",
            PopupKind::Update => "a popup updated",
            PopupKind::Question | PopupKind::Result => return Err("the engine shows only popups of notices".into()),
        });
        if popup.kind == PopupKind::Update {
            let is_gone = popup.replaces.as_ref().is_some_and(|replaced| self.gone_popups.contains(replaced));
            ensure!(!is_gone, "(2) an update brings back a popup that has left the screen");
            return Ok(());
        }
        self.handle_shown_once(popup)
    }

    /// An update may add notices to a summary; if the OS refuses it, they are handed over in another.
    pub(crate) fn handle_updated(&mut self, popup: &Popup) -> Verdict {
        for key in popup.notices.iter() {
            let claims = self.claims(item_of(key.id));
            let handed = self.handed.entry(item_of(key.id)).or_default();
            ensure!(*handed > 0 || claims > 0, "(2) {} is added to a summary without a claim", key.id);
            *handed = (*handed).max(1);
        }
        Ok(())
    }

    fn handle_shown_once(&mut self, popup: &Popup) -> Verdict {
        for key in popup.notices.iter() {
            let claims = self.claims(item_of(key.id));
            let handed = self.handed.entry(item_of(key.id)).or_default();
            *handed += 1;
            ensure!(*handed <= claims, "(2) {} was handed to the OS {handed} times for {claims} openings", key.id);
        }
        Ok(())
    }

    /// How many openings of a notice were claimed.
    fn claims(&self, item: usize) -> u32 {
        self.claimed.iter().filter(|opening| self.items.get(&opening.seq) == Some(&item)).count() as u32
    }

    /// A popup has left the screen, or the pipeline has retracted it.
    pub(crate) fn handle_gone(&mut self, popup: &PopupId) {
        self.gone_popups.insert(popup.clone());
    }

    /// The program was informed that a person has dismissed a popup.
    pub(crate) fn handle_dismissed(&mut self, popup: &PopupId) {
        self.handle_gone(popup);
        self.dismissed_popups.insert(popup.clone());
    }

    /// The OS has shown a popup with this id, perhaps again.
    pub(crate) fn handle_shown(&mut self, popup: &PopupId) {
        self.gone_popups.remove(popup);
    }

    /// A person has marked a notice.
    pub(crate) fn handle_marked(&mut self, item: usize, is_read: bool) {
        if let Some(entry) = self.inbox.get_mut(&item) {
            entry.is_read = is_read;
        }
    }

    /// A person has deleted a notice.
    pub(crate) fn handle_deleted(&mut self, item: usize) {
        self.deleted.extend(self.inbox.remove(&item).map(|entry| (item, entry)));
    }

    /// A person has deleted a notice that may be restored.
    pub(crate) fn handle_removed(&mut self, item: usize) {
        if let Some(entry) = self.inbox.get(&item) {
            self.removed.insert(item, *entry);
        }
        self.handle_deleted(item);
    }

    /// A person wants the server to delete its record.
    pub(crate) fn handle_deletion_asked(&mut self, item: usize) {
        self.asked.insert(item, 0);
        self.answered.remove(&item);
        self.refused.remove(&item);
    }

    /// The server is asked to delete its record.
    pub(crate) fn handle_deletion_sent(&mut self, id: &str) -> Verdict {
        let Some(times) = self.asked.get_mut(&item_of(id)) else {
            return Err(format!("(12) the server is asked to delete {id}, which no person wants"));
        };
        *times += 1;
        let is_again = *times > 1;
        ensure!(!self.answered.contains(&item_of(id)), "(12) the server is asked again to delete {id}");
        if is_again {
            self.count("a deletion on the server sent again");
        }
        Ok(())
    }

    fn handle_server_deleted(&mut self, item: usize, server: &Server) -> Verdict {
        ensure!(server.has_deleted(item), "(12) {} is deleted here, but not on the server", id_of(item));
        self.count("a deletion on the server");
        self.answered.insert(item);
        self.handle_deleted(item);
        self.removed.remove(&item);
        Ok(())
    }

    /// Checks that no deletion waits at the end of a run, unless the server has refused it.
    pub(crate) fn check_deletions(&self, server: &Server, store: &Store) -> Verdict {
        let waiting = if server.has_api() { store.server_deletions().unwrap() } else { Vec::new() };
        for (NoticeKey { id, .. }, _) in waiting {
            ensure!(self.refused.contains(&item_of(&id)), "(12) {id} was not deleted on the server");
        }
        Ok(())
    }

    /// A person has undone a deletion.
    pub(crate) fn handle_restored(&mut self, item: usize, inbox: &Inbox) -> Verdict {
        let Some(mut entry) = self.removed.remove(&item) else { return Ok(()) };
        let detail = inbox.show(entry.seq).map_err(|error| error.to_string())?;
        let Some(detail) = detail else { return Err(format!("(3) {} was not restored", id_of(item))) };
        // Meanwhile it may have been settled and opened again.
        entry.opening = detail.opening;
        if self.has_forged {
            // What forged copies did to it is tested where it is not deleted.
            (entry.version, entry.state) = (detail.row.body.parse().unwrap(), detail.row.state);
            entry.is_personal = entry.is_personal || entry.version < crate::server::FORGED;
            entry.settled_by = entry.settled_by.filter(|_| entry.state != State::Open);
        }
        self.deleted.remove(&item);
        self.inbox.insert(item, entry);
        self.states.insert((item, entry.state));
        // The outcome of a popup that was being shown is not recorded any more.
        self.outcomes.insert(entry.opening());
        self.restored.insert(item);
        self.count("a deletion undone");
        Ok(())
    }

    /// The program was started again and found this many claims without an outcome.
    pub(crate) fn handle_restart(&mut self, uncertain: u64) -> Verdict {
        let present: HashSet<Opening> = self.inbox.values().map(Entry::opening).collect();
        let open = self.claimed.iter().filter(|opening| !self.outcomes.contains(opening) && present.contains(opening));
        let open: Vec<Opening> = open.copied().collect();
        ensure!(open.len() as u64 == uncertain, "(2) {uncertain} alerts are uncertain instead of {}", open.len());
        self.outcomes.extend(open);
        if uncertain > 0 {
            self.count("a claim left uncertain");
        }
        self.process += 1;
        for entry in self.inbox.values_mut().chain(self.deleted.values_mut()).chain(self.removed.values_mut()) {
            entry.settled_by = entry.settled_by.map(|_| 0);
        }
        // The restarted program does not know what was not written.
        self.gone_popups.clear();
        self.dismissed_popups.clear();
        Ok(())
    }

    /// Checks that the database holds exactly what was committed.
    pub(crate) fn check_store(&self, store: &Store, inbox: &mut Inbox) -> Verdict {
        let page = inbox.page(&Filter::default(), Place::Newest, 10_000).map_err(|error| error.to_string())?;
        let rows: Vec<_> = page.rows.into_iter().map(|detail| detail.row).collect();
        ensure!(
            rows.len() == self.inbox.len(),
            "(3) {} rows are stored, {} were committed",
            rows.len(),
            self.inbox.len()
        );
        for row in &rows {
            let item = item_of(&row.id);
            let Some(entry) = self.inbox.get(&item) else { return Err(format!("(3) {} is stored again", row.id)) };
            ensure!(entry.seq == row.seq, "(3) {} is stored in another place", row.id);
            ensure!(row.body == entry.version.to_string(), "(4) {} is stored in version {}", row.id, row.body);
            ensure!(row.state == entry.state, "(4) {} is stored as {:?}", row.id, row.state);
            ensure!(row.read == entry.is_read, "{} is stored as read: {}", row.id, row.read);
        }
        let counts = store.counts().map_err(|error| error.to_string())?;
        let unread = rows.iter().filter(|row| !row.read).count() as u64;
        ensure!(counts.unread == unread, "{} unread are counted instead of {unread}", counts.unread);
        ensure!(counts.rejected == self.junk, "{} rejected are counted instead of {}", counts.rejected, self.junk);
        Ok(())
    }

    /// Checks the end of a run: every notice that the server owed is there, and was shown or has a
    /// reason why not.
    pub(crate) fn check_end(&self, server: &Server, inbox: &Inbox, screen: &[(PopupId, Vec<usize>)]) -> Verdict {
        self.has_all(&server.owed(), "(7) missing at the end of the run")?;
        for (item, entry) in &self.inbox {
            let id = id_of(*item);
            let detail = inbox.show(entry.seq).map_err(|error| error.to_string())?;
            let Some(detail) = detail else { return Err(format!("(3) {id} cannot be found")) };
            let handed = self.handed.get(item).copied().unwrap_or(0);
            let is_restored = self.restored.contains(item);
            ensure!(is_restored || self.announcements.contains_key(item), "(6) {id} was never announced");
            match detail.alert {
                Alert::Due | Alert::Claimed => return Err(format!("(2) {id} is still {:?}", detail.alert)),
                Alert::Shown | Alert::Silenced | Alert::Refused(_) => {
                    ensure!(handed > 0 && self.claimed.contains(&entry.opening()), "(2) {id} never popped up");
                }
                Alert::Uncertain => ensure!(is_restored || self.process > 0, "(2) {id} is uncertain without a crash"),
                Alert::Suppressed(why) => {
                    let has_popped = self.claimed.contains(&entry.opening());
                    ensure!(!has_popped, "(2) {id} popped up, but was suppressed");
                    let is_right = match why {
                        Suppressed::NotOpen => entry.state != State::Open,
                        Suppressed::Read => true,
                        // The pause has ended, and the service is back.
                        Suppressed::Paused | Suppressed::NoService => entry.is_read || entry.state != State::Open,
                        Suppressed::OldNews => {
                            // A raw session's copy has no status, and may replace the row that had.
                            let is_old = detail.row.source == Source::History
                                || detail.undelivered == Some(false)
                                || server.was_written_raw(*item);
                            is_old && entry.opening == 1
                        }
                        Suppressed::Disabled | Suppressed::Muted | Suppressed::QuietHours => false,
                    };
                    ensure!(is_right, "(2) {id} was suppressed as {why:?}");
                }
            }
        }
        for (item, entry) in self.inbox.iter().filter(|(_, entry)| entry.is_personal) {
            let newest = Copy { item: *item, version: entry.version };
            let is_right = entry.settled_by.is_some() || entry.state == server.state_of(newest);
            ensure!(is_right, "(10) {} is {:?} in the end", name(newest), entry.state);
        }
        for (popup, items) in screen {
            ensure!(!self.dismissed_popups.contains(popup), "(2) the popup for {items:?} was dismissed and is back");
        }
        for (popup, items) in screen.iter().filter(|(popup, _)| self.recorded_popups.contains(popup)) {
            let speaks = items
                .iter()
                .filter_map(|item| self.inbox.get(item))
                .any(|entry| !entry.is_read && entry.state == State::Open);
            ensure!(speaks, "(4) the popup {popup:?} for {items:?} is still on the screen");
        }
        Ok(())
    }
}

/// The item of an id.
pub(crate) fn item_of(id: &str) -> usize {
    id.strip_prefix('m').unwrap().parse().unwrap()
}

fn name(copy: Copy) -> String {
    format!("{} version {}", id_of(copy.item), copy.version)
}
