//! What a copy of a notice may do to the inbox, in the model.

use belfry_core::{
    notice::{Source, State, copies::Arrival},
    storage::{AlertMark, Opening, Outcome, Seq, Stored, Suppressed},
};

use super::{Entry, Oracle, Verdict, name};
use crate::server::{Copy, Server};

impl Oracle {
    /// There was no service to show these popups: nothing was, so they may be claimed once more.
    pub(super) fn handle_no_service(&mut self, openings: &[Opening]) {
        for opening in openings {
            if self.outcomes.contains(opening) || !self.claimed.remove(opening) {
                continue;
            }
            let item = self.items.get(&opening.seq);
            if let Some(entry) = item.and_then(|item| self.inbox.get_mut(item)) {
                entry.is_held = entry.opening() == *opening && entry.state == State::Open && !entry.is_read;
            }
        }
    }

    /// What was held back is due: a pause has ended, or a service has started.
    pub(super) fn handle_released(&mut self, released: &[Stored]) {
        self.count("something held back is released");
        for stored in released {
            let item = self.items.get(&stored.seq);
            if let Some(entry) = item.and_then(|item| self.inbox.get_mut(item)) {
                entry.is_held = false;
            }
        }
    }

    /// A copy of a notice was committed.
    pub(super) fn handle_arrival(
        &mut self,
        copy: Copy,
        arrival: Arrival,
        mark: AlertMark,
        outcome: &Outcome,
        server: &Server,
    ) -> Verdict {
        self.committed.insert(copy);
        self.has_forged |= copy.is_forged();
        let state = server.state_of(copy);
        let name = name(copy);
        let first = |seq: Seq| Entry {
            seq,
            opening: 1,
            version: copy.version,
            state,
            is_read: false,
            is_held: false,
            is_personal: !copy.is_forged(),
            settled_by: None,
        };
        match outcome {
            Outcome::New { seq, .. } => {
                ensure!(!self.deleted.contains_key(&copy.item), "(3) {name} was deleted and has returned");
                ensure!(!self.inbox.contains_key(&copy.item), "(3) {name} is in the inbox twice");
                self.inbox.insert(copy.item, Entry { is_held: is_held(mark), ..first(*seq) });
                self.items.insert(*seq, copy.item);
                self.states.insert((copy.item, state));
            }
            Outcome::Changed { opening, alert, notice: changed, .. } => {
                self.states.insert((copy.item, changed.state));
                if let Some(gone) = self.deleted.get(&copy.item).filter(|_| !self.inbox.contains_key(&copy.item)) {
                    let may_return = may_open(gone, copy, arrival) || (!gone.is_personal && !copy.is_forged());
                    ensure!(state == State::Open && may_return, "(3) {name} was deleted and has returned");
                    ensure!(opening.number == gone.opening + 1, "(2) {name} returns as opening {}", opening.number);
                    let is_held = alert.is_some_and(is_held);
                    self.inbox.insert(copy.item, Entry { opening: opening.number, is_held, ..first(opening.seq) });
                    self.items.insert(opening.seq, copy.item);
                    self.deleted.remove(&copy.item);
                    self.removed.remove(&copy.item);
                    self.count("a deleted notice reopened");
                    return Ok(());
                }
                let Some(entry) = self.inbox.get_mut(&copy.item) else {
                    return Err(format!("(3) {name} has changed, but was never there"));
                };
                let was = *entry;
                ensure!(was.seq == opening.seq, "(3) {name} has changed in another place");
                // What was held back may become due before the rest of it: it is no new opening then.
                let is_released = opening.number == was.opening && *alert == Some(AlertMark::Due);
                if is_released {
                    let may_be = was.is_held && !was.is_read && was.state == State::Open && state == State::Open;
                    ensure!(may_be, "(2) {name} is due once more: {was:?}");
                }
                let alert = alert.filter(|_| !is_released);
                let expected = was.opening + u32::from(alert.is_some());
                ensure!(opening.number == expected, "(2) {name} is opening {} after {}", opening.number, was.opening);
                (entry.state, entry.opening, entry.is_read) =
                    (changed.state, opening.number, was.is_read && alert.is_none());
                entry.is_held = alert.map_or(was.is_held && !is_released, is_held);
                if copy.is_forged() && was.is_personal {
                    let settles = was.state == State::Open && changed.state != State::Open && alert.is_none();
                    ensure!(settles, "(10) a forged copy has changed {name} from {was:?}");
                    ensure!(changed.body == was.version.to_string(), "(10) a forged copy has rewritten {name}");
                    entry.settled_by = Some(arrival.number);
                    self.count("a notice settled by a forged copy");
                    return Ok(());
                }
                (entry.version, entry.settled_by) = (copy.version, None);
                ensure!(changed.body == copy.version.to_string(), "(4) {name} is reported as {}", changed.body);
                ensure!(changed.state == state, "(4) {name} is reported as {:?}", changed.state);
                if !was.is_personal && !copy.is_forged() {
                    entry.is_personal = true;
                    ensure!(alert.is_some() == (state == State::Open), "(10) {name} does not alert after a forged one");
                    self.count("a forged notice replaced");
                    return Ok(());
                }
                let is_newer = copy.version > was.version || (copy.version == was.version && was.settled_by.is_some());
                ensure!(is_newer || copy.is_forged(), "(4) {name} has replaced version {}", was.version);
                let is_opening = was.state != State::Open && state == State::Open;
                ensure!(alert.is_some() == is_opening, "(2) {name} from {:?} to {state:?}: {alert:?}", was.state);
                ensure!(!is_opening || may_open(&was, copy, arrival), "(4) {name} has changed what was settled");
                if is_released {
                    self.count("a held notice due before the others");
                }
                self.count(match (is_opening, was.settled_by) {
                    (true, Some(_)) => "a notice restored by a page",
                    (true, None) => "a notice reopened",
                    (false, _) => "a newer version",
                });
            }
            Outcome::Known { seq } => {
                let Some(entry) = self.inbox.get(&copy.item).filter(|entry| entry.seq == *seq) else {
                    return Err(format!("(4) {name} counts as known, but is not stored"));
                };
                let (stored, state_known) = (entry.version, entry.state);
                if copy.is_forged() {
                    return Ok(());
                }
                ensure!(entry.is_personal, "(10) {name} has not replaced a forged one");
                ensure!(stored >= copy.version, "(4) {name} counts as known, but its version is not stored");
                let is_still_open = state_known != State::Open && state == State::Open && stored == copy.version;
                ensure!(!(is_still_open && may_open(entry, copy, arrival)), "(10) {name} is open and stays settled");
                self.count(if stored > copy.version { "an older version" } else { "a message sent again" });
            }
            Outcome::Deleted => {
                let Some(gone) = self.deleted.get_mut(&copy.item) else {
                    return Err(format!("(3) {name} counts as deleted, but was not deleted"));
                };
                ensure!(
                    state != State::Open || !may_open(gone, copy, arrival),
                    "(4) {name} is reopened and stays away"
                );
                if !copy.is_forged() {
                    let hides = !gone.is_personal && state == State::Open;
                    ensure!(!hides, "(10) {name} stays away because a forged one was deleted");
                    // What was deleted while it was open stays away whatever comes.
                    let is_newer = copy.version > gone.version
                        || (copy.version == gone.version && state != State::Open && gone.settled_by.is_some());
                    if !gone.is_personal || (gone.state != State::Open && is_newer) {
                        let version = copy.version;
                        *gone = Entry { version, state, is_personal: true, settled_by: None, ..*gone };
                    }
                }
                // A deleted notice that may be restored is updated.
                if let Some(kept) = self.removed.get_mut(&copy.item)
                    && copy.is_forged()
                    && kept.is_personal
                {
                    let settles = kept.state == State::Open && state != State::Open;
                    kept.settled_by = if settles { Some(arrival.number) } else { kept.settled_by };
                } else if let Some(kept) = self.removed.get_mut(&copy.item)
                    && copy.version > kept.version
                {
                    (kept.version, kept.state) = (copy.version, state);
                }
                self.count("a deleted notice sent again");
            }
            Outcome::KnownRejected
            | Outcome::Claimed(_)
            | Outcome::Released(_)
            | Outcome::ServerDeletion
            | Outcome::Done => {
                return Err(format!("{name} was committed without an outcome"));
            }
        }
        Ok(())
    }
}

/// Whether a copy may open a settled notice once more: it is newer, or in a page that was requested
/// after a forged copy settled it.
fn may_open(settled: &Entry, copy: Copy, arrival: Arrival) -> bool {
    let is_later = |number: u64| arrival.source != Source::Live && number <= arrival.number;
    settled.state != State::Open
        && settled.is_personal != copy.is_forged()
        && (copy.version > settled.version
            || (copy.version == settled.version && settled.settled_by.is_some_and(is_later)))
}

fn is_held(mark: AlertMark) -> bool {
    matches!(mark, AlertMark::Suppressed(Suppressed::Paused | Suppressed::QuietHours))
}
