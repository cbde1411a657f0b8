//! Popups: which are shown for what was claimed, which are updated, and which leave the screen.
//!
//! Deliberately absent: when alerts are claimed, and with which others ([`crate::alerts::planner`]).
//! Invariant: no popup is retracted twice, and none that a person has dismissed is updated.

use std::collections::HashSet;

use super::{Delivery, DeliveryAction, ShowId, Showing, WritePurpose};
use crate::{
    alerts::planner::Batch,
    event::{Event, NotificationType},
    notice::Notice,
    ports::{NotifyError, Popup, PopupId, PopupKind},
    storage::{Opening, Outcome, Write},
};

impl Delivery {
    /// The OS has shown a popup, or refused it.
    pub fn handle_shown(&mut self, show: ShowId, result: Result<PopupId, NotifyError>) {
        let Some(Showing { openings, kind, notices, title, replaces }) = self.showing.remove(&show) else { return };
        let writes = match result {
            Ok(popup) => {
                self.actions.push_back(DeliveryAction::Emit(Event::Notification {
                    r#type: kind.into(),
                    notices: notices.iter().map(|key| key.id.clone()).collect(),
                    summary: title,
                }));
                let mut writes = vec![Write::Shown { openings, popup: popup.clone() }];
                // Where the OS gave the update an id of its own, the old popup is taken off the screen. Its
                // notice is still shown, so there is no `retract` event.
                if let Some(old) = replaces.filter(|old| *old != popup)
                    && self.on_screen.remove(&old).is_some()
                {
                    self.actions.push_back(DeliveryAction::Retract(old.clone()));
                    writes.push(Write::PopupClosed(old));
                }
                if self.closed.remove(&popup) {
                    // The update may have shown again a popup that a person was dismissing.
                    self.actions.push_back(DeliveryAction::Retract(popup.clone()));
                    writes.push(Write::PopupClosed(popup));
                } else {
                    self.on_screen.insert(popup, notices);
                }
                writes
            }
            Err(NotifyError::Unavailable(why) | NotifyError::Refused(why)) => vec![Write::Refused { openings, why }],
        };
        if self.showing.is_empty() {
            self.closed.clear();
        }
        self.apply(writes, WritePurpose::Bookkeeping);
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
            let Some(notices) = self.on_screen.remove(&popup) else { continue };
            self.actions.push_back(DeliveryAction::Retract(popup.clone()));
            self.actions.push_back(DeliveryAction::Emit(Event::Notification {
                r#type: NotificationType::Retract,
                notices: notices.into_iter().map(|key| key.id).collect(),
                summary: String::new(),
            }));
            self.apply(vec![Write::PopupClosed(popup)], WritePurpose::Bookkeeping);
        }
    }

    /// The claim is committed: the alerts that it granted are shown now, and no other.
    pub(super) fn show_claimed(&mut self, batch: &Batch, outcomes: &[Outcome]) {
        let Some(Outcome::Claimed(granted)) = outcomes.first() else { return };
        // As a set: thousands may be claimed at once.
        let granted: HashSet<&Opening> = granted.iter().collect();
        let mut notices: Vec<(Opening, Notice)> = Vec::new();
        for opening in &batch.openings {
            if let Some(notice) = self.due.remove(opening)
                && granted.contains(opening)
            {
                notices.push((*opening, notice));
            }
        }
        if batch.is_summary && notices.len() > 1 {
            let popup = self.wording.summary(notices.iter().map(|(_, notice)| notice));
            self.show(notices.into_iter().map(|(opening, _)| opening).collect(), popup);
        } else {
            for (opening, notice) in notices {
                let popup = self.wording.single(&notice);
                self.show(vec![opening], popup);
            }
        }
    }

    pub(super) fn update(&mut self, opening: Opening, notice: &Notice, replaces: PopupId) {
        let popup = Popup { kind: PopupKind::Update, replaces: Some(replaces), ..self.wording.single(notice) };
        self.show(vec![opening], popup);
    }

    fn show(&mut self, openings: Vec<Opening>, popup: Popup) {
        self.issued += 1;
        let show = ShowId(self.issued);
        let (kind, notices, title) = (popup.kind, popup.notices.clone(), popup.title.clone());
        self.showing.insert(show, Showing { openings, kind, notices, title, replaces: popup.replaces.clone() });
        self.actions.push_back(DeliveryAction::Show { show, popup: Box::new(popup) });
    }
}
