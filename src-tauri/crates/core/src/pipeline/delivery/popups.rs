//! Popups: which are shown for what was claimed, which are updated, and which leave the screen.
//!
//! Deliberately absent: when alerts are claimed, and with which others ([`crate::alerts::planner`]).
//! Invariant: no popup is retracted twice, and none that a person has dismissed is updated.

use std::collections::HashSet;

use super::{Click, Delivery, DeliveryAction, ShowId, WritePurpose, due::DueNotice};
use crate::{
    alerts::{
        Summary,
        planner::{Batch, BatchKind},
    },
    clock::Now,
    event::{Event, NotificationType},
    notice::{Notice, NoticeKey, NoticeKeys, State},
    ports::{Loudness, NotifyError, Popup, PopupId, PopupKind},
    storage::{Opening, Outcome, Write},
};

/// A popup that is on its way to the OS.
#[derive(Debug)]
pub(super) struct Showing {
    openings: Vec<Opening>,
    kind: PopupKind,
    notices: NoticeKeys,
    loudness: Loudness,
    title: String,
    /// The popup that it updates.
    replaces: Option<PopupId>,
    /// It is a summary of this kind, which may be updated later.
    batch: Option<BatchKind>,
    /// It adds these to a summary: if that cannot be updated, they become a new one.
    added: Option<Box<Summary>>,
    /// What its notice has become since; the popup is updated once the OS has said its name.
    newer: Option<Box<Notice>>,
}

/// A popup on the screen.
#[derive(Debug)]
pub(super) struct OnScreen {
    pub(super) notices: NoticeKeys,
    /// How loud it was at most: what changes is shown without another sound unless it is louder.
    loudness: Loudness,
}

impl OnScreen {
    /// How loud it was is not known any more.
    pub(super) fn of_the_last_run(notices: &[NoticeKey]) -> Self {
        Self { notices: notices.iter().collect(), loudness: Loudness::Normal }
    }
}

/// A summary that may be updated later.
#[derive(Debug)]
pub(super) struct OpenSummary {
    pub(super) summary: Summary,
    /// Its name, once the OS has said it.
    popup: Option<PopupId>,
}

impl Delivery {
    /// An alert is due; with `hold` it waits for the batch of a catch-up.
    pub(super) fn add_due(&mut self, opening: Opening, notice: Notice, hold: bool, now: Now) {
        if hold {
            let rank = self.wording.rank(&notice);
            self.due.add_to_catch_up(opening, notice, rank);
        } else {
            self.due.add(opening, notice);
        }
        self.planner.add(opening, hold, now.mono);
    }

    /// The OS has shown a popup, or refused it. `is_silenced` if it does not disturb the person now.
    pub fn handle_shown(&mut self, show: ShowId, result: Result<PopupId, NotifyError>, is_silenced: bool, now: Now) {
        let Some(showing) = self.showing.remove(&show) else { return };
        let Showing { openings, kind, notices, loudness, title, replaces, batch, added, newer } = showing;
        let first = openings.first().copied();
        let was_withdrawn = replaces.as_ref().is_some_and(|old| self.withdrawn.remove(old));
        let writes = match (result, added, batch) {
            (Ok(popup), added, batch) if was_withdrawn => {
                // Its retraction waits behind the update; another id that the OS gave is unknown to it.
                if replaces.is_some_and(|old| old != popup) {
                    self.actions.push_back(DeliveryAction::Retract(popup.clone()));
                }
                if let (Some(added), Some(batch)) = (added, batch) {
                    return self.show_summary(batch, openings, *added);
                }
                vec![Write::Shown { openings, popup: popup.clone(), is_silenced }, Write::PopupClosed(popup)]
            }
            (Ok(popup), _, _) => {
                self.lacks_service = false;
                self.actions.push_back(DeliveryAction::Emit(Event::Notification {
                    r#type: kind.into(),
                    notices: notices.clone(),
                    summary: title,
                }));
                self.emit_early_clicks(&popup, &notices);
                let mut writes = vec![Write::Shown { openings, popup: popup.clone(), is_silenced }];
                let before = replaces.as_ref().and_then(|old| self.on_screen.remove(old));
                let loudness = before.as_ref().map_or(loudness, |before| before.loudness.max(loudness));
                // Where the OS gave the update an id of its own, the old popup is taken off the screen. Its
                // notice is still shown, so there is no `retract` event.
                if let Some(old) = replaces.filter(|old| *old != popup)
                    && before.is_some()
                {
                    self.actions.push_back(DeliveryAction::Retract(old.clone()));
                    writes.push(Write::PopupReplaced { old, new: popup.clone() });
                }
                if let Some(open) = batch.and_then(|batch| self.summaries.get_mut(&batch)) {
                    open.popup = Some(popup.clone());
                }
                if self.closed.remove(&popup) {
                    // The update may have shown again a popup that a person was dismissing.
                    self.actions.push_back(DeliveryAction::Retract(popup.clone()));
                    writes.push(Write::PopupClosed(popup));
                } else {
                    self.on_screen.insert(popup.clone(), OnScreen { notices, loudness });
                    if let (Some(newer), Some(opening)) = (newer, first) {
                        self.update(opening, &newer, popup);
                    }
                }
                writes
            }
            // The summary has left the screen, or its service was restarted.
            (Err(_), Some(added), Some(batch)) => return self.show_summary(batch, openings, *added),
            (Err(NotifyError::Unavailable(_)), ..) => {
                self.lacks_service = !std::mem::take(&mut self.has_service_started);
                vec![Write::NoService(openings)]
            }
            (Err(NotifyError::Refused(why)), ..) => vec![Write::Refused { openings, why }],
        };
        if self.showing.is_empty() {
            self.has_service_started = false;
            self.closed.clear();
            self.withdrawn.clear();
            // Of a popup that nothing is known about: a click still opens the window.
            for click in std::mem::take(&mut self.early_clicks) {
                self.emit_click(click, &NoticeKeys::default());
            }
        }
        self.apply(writes, WritePurpose::Bookkeeping);
        if let Some(batch) = batch {
            self.planner.set_busy(batch, false);
            self.poll_planner(now);
        }
    }

    /// A person clicked a popup. The report may overtake that of its name.
    pub fn handle_activated(&mut self, click: Click) {
        match self.on_screen.get(&click.popup).map(|on_screen| on_screen.notices.clone()) {
            Some(notices) => self.emit_click(click, &notices),
            None if !self.showing.is_empty() => self.early_clicks.push(click),
            None => self.emit_click(click, &NoticeKeys::default()),
        }
    }

    fn emit_early_clicks(&mut self, popup: &PopupId, notices: &NoticeKeys) {
        let (clicks, others) =
            std::mem::take(&mut self.early_clicks).into_iter().partition(|click| click.popup == *popup);
        self.early_clicks = others;
        let clicks: Vec<Click> = clicks;
        for click in clicks {
            self.emit_click(click, notices);
        }
    }

    fn emit_click(&mut self, click: Click, notices: &NoticeKeys) {
        let Click { popup, action, activation_token } = click;
        let event = Event::Activated { notices: notices.to_vec(), action, popup, activation_token };
        self.actions.push_back(DeliveryAction::Emit(event));
    }

    /// A popup left the screen: it expired or a person closed it.
    pub fn handle_closed(&mut self, popup: PopupId) {
        if !self.showing.is_empty() {
            self.closed.insert(popup.clone());
        }
        if self.on_screen.remove(&popup).is_some() {
            self.apply(vec![Write::PopupClosed(popup)], WritePurpose::Bookkeeping);
        }
    }

    /// All notices of these popups were read, decided or deleted: take the popups off the screen.
    pub fn withdraw(&mut self, popups: Vec<PopupId>) {
        for popup in popups {
            // Removed here when its retraction is queued, so no popup is retracted twice.
            let Some(OnScreen { notices, .. }) = self.on_screen.remove(&popup) else { continue };
            if self.showing.values().any(|showing| showing.replaces.as_ref() == Some(&popup)) {
                self.withdrawn.insert(popup.clone());
            }
            self.actions.push_back(DeliveryAction::Retract(popup.clone()));
            self.actions.push_back(DeliveryAction::Emit(Event::Notification {
                r#type: NotificationType::Retract,
                notices,
                summary: String::new(),
            }));
            self.apply(vec![Write::PopupClosed(popup)], WritePurpose::Bookkeeping);
        }
    }

    /// The claim is committed: the alerts that it granted are shown now, and no other.
    pub(super) fn show_claimed(&mut self, batch: Batch, outcomes: &[Outcome]) {
        let Batch { openings, kind, is_summary, continues } = batch;
        let Some(Outcome::Claimed(granted)) = outcomes.first() else { return };
        let old = self.summaries.get(&kind).filter(|_| continues).and_then(|open| open.popup.clone());
        let old = old.filter(|popup| self.on_screen.contains_key(popup) && !granted.is_empty());
        let is_one = is_summary && (granted.len() > 1 || old.is_some());
        // As a set: thousands may be claimed at once.
        let granted: HashSet<&Opening> = granted.iter().collect();
        let (mut added, mut claimed) = (Summary::default(), Vec::new());
        for opening in openings {
            let due = self.due.take(opening);
            let Some(due) = due.filter(|_| granted.contains(&opening)) else { continue };
            match due {
                DueNotice::Whole(notice) if is_one => self.wording.add_to_summary(&mut added, [&*notice]),
                DueNotice::Brief(key, rank) if is_one => added.add_unnamed(&key, rank),
                DueNotice::Whole(notice) => self.show(vec![opening], self.wording.single(&notice), None, None),
                DueNotice::Brief(key, rank) => {
                    self.show(vec![opening], self.wording.single_of(key, rank), None, None);
                }
            }
            claimed.push(opening);
        }
        if !is_one {
            if is_summary {
                self.planner.set_busy(kind, false);
            }
            return;
        }
        match (old, self.summaries.get_mut(&kind)) {
            (Some(old), Some(open)) => {
                let before = open.summary.loudness();
                self.wording.extend_summary(&mut open.summary, &added);
                let mut popup = self.wording.popup_of(&open.summary);
                (popup.kind, popup.replaces) = (PopupKind::Update, Some(old));
                if open.summary.loudness() == before {
                    // The summary has made its sound.
                    popup.sound.clear();
                }
                self.show(claimed, popup, Some(kind), Some(Box::new(added)));
            }
            _ => self.show_summary(kind, claimed, added),
        }
    }

    /// Shows a new summary.
    fn show_summary(&mut self, kind: BatchKind, openings: Vec<Opening>, summary: Summary) {
        let popup = self.wording.popup_of(&summary);
        self.summaries.insert(kind, OpenSummary { summary, popup: None });
        self.show(openings, popup, Some(kind), None);
    }

    /// A notice has changed: its popup shows that, `popup` if the store knows it. One that has left the
    /// screen meanwhile would appear again, and one that is on its way to the OS has no name yet.
    pub(super) fn refresh(&mut self, opening: Opening, notice: &Notice, popup: Option<&PopupId>) {
        let is_open = notice.state == State::Open;
        let on_way = self.showing.values_mut().find(|showing| showing.openings == [opening] && showing.batch.is_none());
        if let Some(showing) = on_way.filter(|showing| showing.replaces.is_none()) {
            showing.newer = is_open.then(|| Box::new(notice.clone()));
            return;
        }
        let is_its_own = |notices: &NoticeKeys| notices.only() == Some((&notice.key).into());
        let named =
            || self.on_screen.iter().find(|(_, shown)| is_its_own(&shown.notices)).map(|(popup, _)| popup.clone());
        let popup = popup.cloned().or_else(named).filter(|popup| self.on_screen.contains_key(popup));
        if let (true, Some(popup)) = (is_open, popup) {
            self.update(opening, notice, popup);
        }
    }

    fn update(&mut self, opening: Opening, notice: &Notice, replaces: PopupId) {
        let mut popup = self.wording.single(notice);
        if self.on_screen.get(&replaces).is_some_and(|before| before.loudness >= popup.loudness) {
            // It has made its sound.
            popup.sound.clear();
        }
        popup = Popup { kind: PopupKind::Update, replaces: Some(replaces), ..popup };
        self.show(vec![opening], popup, None, None);
    }

    fn show(&mut self, openings: Vec<Opening>, popup: Popup, batch: Option<BatchKind>, added: Option<Box<Summary>>) {
        self.issued += 1;
        let show = ShowId(self.issued);
        let Popup { kind, loudness, .. } = popup;
        let (notices, title, replaces) = (popup.notices.clone(), popup.title.clone(), popup.replaces.clone());
        let showing = Showing { openings, kind, notices, loudness, title, replaces, batch, added, newer: None };
        self.showing.insert(show, showing);
        self.actions.push_back(DeliveryAction::Show { show, popup: Box::new(popup) });
    }
}
