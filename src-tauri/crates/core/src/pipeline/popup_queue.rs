//! What waits for the desktop, in order, and which of it may still be handed over: an update of a
//! popup that has left the screen may not, since it would pop up again.
//!
//! Pure, and shared by the notifier thread and the simulation. Deliberately absent: the desktop,
//! and what is shown and when ([`super::delivery`]). Invariant: a popup is remembered as dismissed
//! only while an update of it may be waiting.

use std::collections::{HashSet, VecDeque};

use crate::{
    pipeline::delivery::ShowId,
    ports::{NotifyError, Popup, PopupId},
};

/// The next thing to do with the desktop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PopupStep {
    /// Hand it over, then [`PipelineInput::Shown`](super::PipelineInput::Shown).
    Show(ShowId, Box<Popup>),
    /// Hand nothing over: this is the result for
    /// [`PipelineInput::Shown`](super::PipelineInput::Shown).
    Refused(ShowId, NotifyError),
    /// Take it off the screen.
    Retract(PopupId),
    /// Nothing: a popup that has left the screen is no longer remembered.
    Forgotten,
}

#[derive(Debug)]
enum Entry {
    Show(ShowId, Box<Popup>),
    Retract(PopupId),
    Forget(PopupId),
}

/// Popups that wait for the desktop.
#[derive(Debug, Default)]
pub struct PopupQueue {
    entries: VecDeque<Entry>,
    /// Popups that have left the screen, or will before what is queued behind their retraction.
    dismissed: HashSet<PopupId>,
}

impl PopupQueue {
    /// Queues a popup.
    pub fn show(&mut self, show: ShowId, popup: Box<Popup>) {
        self.entries.push_back(Entry::Show(show, popup));
    }

    /// Queues a retraction; updates of this popup that still wait are refused.
    pub fn retract(&mut self, popup: PopupId) {
        self.dismissed.insert(popup.clone());
        self.entries.push_back(Entry::Retract(popup));
    }

    /// The popup has left the screen; updates of it that still wait are refused.
    pub fn handle_dismissed(&mut self, popup: PopupId) {
        self.dismissed.insert(popup);
    }

    /// The pipeline knows that the popup has left the screen and orders no update of it any more:
    /// it is forgotten once everything that waits now has had its turn.
    pub fn handle_known(&mut self, popup: PopupId) {
        self.entries.push_back(Entry::Forget(popup));
    }

    /// The next step; `None` when nothing waits.
    #[must_use]
    pub fn poll(&mut self) -> Option<PopupStep> {
        Some(match self.entries.pop_front()? {
            Entry::Show(show, popup) => {
                if popup.replaces.as_ref().is_some_and(|replaced| self.dismissed.contains(replaced)) {
                    let why = "the popup to update has left the screen".to_owned();
                    PopupStep::Refused(show, NotifyError::Refused(why))
                } else {
                    PopupStep::Show(show, popup)
                }
            }
            Entry::Retract(popup) => {
                self.dismissed.remove(&popup);
                PopupStep::Retract(popup)
            }
            Entry::Forget(popup) => {
                self.dismissed.remove(&popup);
                PopupStep::Forgotten
            }
        })
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        notice::{NoticeKeys, Priority},
        ports::{Loudness, PopupKind},
    };

    fn popup(name: &str) -> PopupId {
        PopupId(name.to_owned())
    }

    fn update(replaces: &str) -> Box<Popup> {
        Box::new(Popup {
            kind: PopupKind::Update,
            notices: NoticeKeys::default(),
            title: String::new(),
            body: String::new(),
            loudness: Loudness::Normal,
            priority: Priority::Normal,
            sound: String::new(),
            buttons: Vec::new(),
            replaces: Some(popup(replaces)),
        })
    }

    #[test]
    fn an_update_of_a_popup_that_has_left_the_screen_is_refused_until_none_can_be_waiting() {
        let mut queue = PopupQueue::default();
        queue.show(ShowId(1), update("old"));
        queue.show(ShowId(2), update("other"));
        queue.handle_dismissed(popup("old"));
        queue.handle_known(popup("old"));
        assert!(matches!(queue.poll(), Some(PopupStep::Refused(ShowId(1), _))));
        assert!(matches!(queue.poll(), Some(PopupStep::Show(ShowId(2), _))));
        assert_eq!(queue.poll(), Some(PopupStep::Forgotten));
        assert!(queue.is_empty() && queue.dismissed.is_empty());
        // The desktop has given the name to another popup.
        queue.show(ShowId(3), update("old"));
        assert!(matches!(queue.poll(), Some(PopupStep::Show(ShowId(3), _))));
        assert_eq!(queue.poll(), None);
    }

    #[test]
    fn an_update_that_waits_before_the_retraction_of_its_popup_is_refused() {
        let mut queue = PopupQueue::default();
        queue.show(ShowId(1), update("old"));
        queue.retract(popup("old"));
        assert!(matches!(queue.poll(), Some(PopupStep::Refused(ShowId(1), _))));
        assert_eq!(queue.poll(), Some(PopupStep::Retract(popup("old"))));
        assert!(queue.is_empty() && queue.dismissed.is_empty());
    }
}
