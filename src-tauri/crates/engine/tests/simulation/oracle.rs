//! The invariants, checked after every step against a second, much simpler model of the inbox.
//!
//! It sees only what was committed, acknowledged, emitted and shown. The first violation ends the
//! run. The numbers in brackets are those of the list in [`crate`].

use std::collections::{BTreeMap, HashMap, HashSet};

use belfry_core::{
    event::Event,
    notice::{Source, State},
    pipeline::delivery::AckId,
    ports::{Popup, PopupId, PopupKind},
    storage::{Alert, Applied, Outcome, Seq, Suppressed, Write},
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

/// The model of a notice in the inbox.
#[derive(Debug, Clone, Copy)]
struct Entry {
    seq: Seq,
    version: usize,
    state: State,
    is_read: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Oracle {
    inbox: BTreeMap<usize, Entry>,
    deleted: HashSet<usize>,
    /// Deleted, but may be restored.
    removed: HashMap<usize, Entry>,
    restored: HashSet<usize>,
    items: HashMap<Seq, usize>,
    committed: HashSet<Copy>,
    junk: u64,
    claimed: HashSet<Seq>,
    outcomes: HashSet<Seq>,
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
                (Write::Notice { notice, source, .. }, outcome) => {
                    if matches!(outcome, Outcome::New { .. }) {
                        self.count(match source {
                            Source::Live => "a live notice",
                            Source::Collected => "a notice found by collect",
                            Source::History => "a notice found by history",
                        });
                    }
                    self.handle_arrival(copy_of(notice), outcome, server)?;
                }
                (Write::Rejected { .. }, _) => self.junk += 1,
                (Write::Claim(asked), Outcome::Claimed(granted)) => self.handle_claim(asked, granted)?,
                (Write::Shown { seqs, popup }, _) => {
                    self.outcomes.extend(seqs);
                    self.recorded_popups.insert(popup.clone());
                }
                (Write::Refused { seqs, .. }, _) => self.outcomes.extend(seqs),
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
            let has = self.inbox.get(&copy.item).is_some_and(|entry| entry.version >= copy.version);
            ensure!(has || self.deleted.contains(&copy.item), "{violation}: {}", name(*copy));
        }
        Ok(())
    }

    fn handle_arrival(&mut self, copy: Copy, outcome: &Outcome, server: &Server) -> Verdict {
        self.committed.insert(copy);
        let state = server.state_of(copy);
        let name = name(copy);
        match outcome {
            Outcome::New { seq, .. } => {
                ensure!(!self.deleted.contains(&copy.item), "(3) {name} was deleted and has returned");
                ensure!(!self.inbox.contains_key(&copy.item), "(3) {name} is in the inbox twice");
                self.inbox.insert(copy.item, Entry { seq: *seq, version: copy.version, state, is_read: false });
                self.items.insert(*seq, copy.item);
            }
            Outcome::Changed { seq, notice: changed, .. } => {
                let Some(entry) = self.inbox.get_mut(&copy.item) else {
                    return Err(format!("(3) {name} has changed, but was deleted"));
                };
                ensure!(entry.seq == *seq, "(3) {name} has changed in another place");
                ensure!(copy.version > entry.version, "(4) {name} has replaced version {}", entry.version);
                ensure!(entry.state == State::Open, "(4) {name} has changed what was settled");
                ensure!(changed.state == state, "(4) {name} is reported as {:?}", changed.state);
                (entry.version, entry.state) = (copy.version, state);
                self.count("a newer version");
            }
            Outcome::Known { seq } => {
                let entry = self.inbox.get(&copy.item).filter(|entry| entry.seq == *seq);
                let stored = entry.map_or(0, |entry| entry.version);
                ensure!(stored >= copy.version, "(4) {name} counts as known, but its version is not stored");
                self.count(if stored > copy.version { "an older version" } else { "a message sent again" });
            }
            Outcome::Deleted => {
                ensure!(self.deleted.contains(&copy.item), "(3) {name} counts as deleted, but was not deleted");
                // A deleted notice that may be restored is updated.
                if let Some(kept) = self.removed.get_mut(&copy.item)
                    && copy.version > kept.version
                {
                    (kept.version, kept.state) = (copy.version, state);
                }
                self.count("a deleted notice sent again");
            }
            Outcome::Claimed(_) | Outcome::Done => return Err(format!("{name} was committed without an outcome")),
        }
        Ok(())
    }

    fn handle_claim(&mut self, asked: &[Seq], granted: &[Seq]) -> Verdict {
        for seq in granted {
            let item = self.items.get(seq).copied();
            let entry = item.and_then(|item| self.inbox.get(&item));
            ensure!(asked.contains(seq), "(2) a claim was granted that was not requested");
            ensure!(self.claimed.insert(*seq), "(2) {item:?} is claimed a second time");
            let Some(entry) = entry else { return Err(format!("(3) {item:?} pops up after it was deleted")) };
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
                let seq = self.items.iter().find(|(_, of)| **of == item).map(|(seq, _)| *seq);
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
                let entry = self.inbox.get(&item_of(id));
                // Deleted, or settled, since then.
                let fits = entry.is_none_or(|entry| entry.state == *state || entry.state != State::Open);
                ensure!(fits, "(4) {id} is reported as {state:?}, which is not what is stored");
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
        for key in &popup.notices {
            let item = item_of(&key.id);
            let is_claimed = self.items.iter().any(|(seq, of)| *of == item && self.claimed.contains(seq));
            ensure!(is_claimed, "(2) a popup for {} is ordered without a committed claim", key.id);
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
        });
        if popup.kind == PopupKind::Update {
            let is_gone = popup.replaces.as_ref().is_some_and(|replaced| self.gone_popups.contains(replaced));
            ensure!(!is_gone, "(2) an update brings back a popup that has left the screen");
            return Ok(());
        }
        for key in &popup.notices {
            let handed = self.handed.entry(item_of(&key.id)).or_default();
            *handed += 1;
            ensure!(*handed == 1, "(2) {} was handed to the OS {handed} times", key.id);
        }
        Ok(())
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
        if self.inbox.remove(&item).is_some() {
            self.deleted.insert(item);
        }
    }

    /// A person has deleted a notice that may be restored.
    pub(crate) fn handle_removed(&mut self, item: usize) {
        if let Some(entry) = self.inbox.get(&item) {
            self.removed.insert(item, *entry);
        }
        self.handle_deleted(item);
    }

    /// A person has undone a deletion.
    pub(crate) fn handle_restored(&mut self, item: usize) {
        if let Some(entry) = self.removed.remove(&item) {
            self.deleted.remove(&item);
            self.inbox.insert(item, entry);
            // The outcome of a popup that was being shown is not recorded any more.
            self.outcomes.insert(entry.seq);
            self.restored.insert(item);
            self.count("a deletion undone");
        }
    }

    /// The program was started again and found this many claims without an outcome.
    pub(crate) fn handle_restart(&mut self, uncertain: u64) -> Verdict {
        let present = |seq: &&Seq| self.items.get(seq).is_some_and(|item| self.seq_of(*item) == Some(**seq));
        let open = self.claimed.iter().filter(|seq| !self.outcomes.contains(seq)).filter(present);
        let open: Vec<Seq> = open.copied().collect();
        ensure!(open.len() as u64 == uncertain, "(2) {uncertain} alerts are uncertain instead of {}", open.len());
        self.outcomes.extend(open);
        if uncertain > 0 {
            self.count("a claim left uncertain");
        }
        self.process += 1;
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
                Alert::Shown | Alert::Refused(_) => ensure!(handed == 1, "(2) {id} never popped up"),
                Alert::Uncertain => ensure!(is_restored || self.process > 0, "(2) {id} is uncertain without a crash"),
                Alert::Suppressed(why) => {
                    ensure!(handed == 0, "(2) {id} popped up, but was suppressed");
                    let is_right = match why {
                        Suppressed::NotOpen => entry.state != State::Open,
                        Suppressed::Read => true,
                        Suppressed::OldNews => {
                            // A raw session's copy has no status, and may replace the row that had.
                            detail.row.source == Source::History
                                || detail.undelivered == Some(false)
                                || server.was_written_raw(*item)
                        }
                        Suppressed::Disabled | Suppressed::Muted | Suppressed::QuietHours => false,
                    };
                    ensure!(is_right, "(2) {id} was suppressed as {why:?}");
                }
            }
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
