//! Which queued popups may still be handed to the desktop: an update of a popup that has left the
//! screen may not.
//!
//! Shared by the notifier thread and the simulation. Deliberately absent: the queue itself, and the
//! desktop.

use std::collections::HashSet;

use crate::ports::{NotifyError, Popup, PopupId};

/// Popups that have left the screen, or were ordered off it, kept for as long as an update of them
/// may be queued.
#[derive(Debug, Default)]
pub struct Dismissed(HashSet<PopupId>);

impl Dismissed {
    /// This popup has left the screen, or was ordered off it.
    pub fn handle_closed(&mut self, popup: PopupId) {
        self.0.insert(popup);
    }

    /// All jobs that were queued before it left have been handled.
    pub fn forget(&mut self, popup: &PopupId) {
        self.0.remove(popup);
    }

    /// Whether a popup may be handed to the desktop.
    ///
    /// # Errors
    /// [`NotifyError::Refused`]: what it would update is dismissed.
    pub fn check(&self, popup: &Popup) -> Result<(), NotifyError> {
        match popup.replaces.as_ref().filter(|replaced| self.0.contains(replaced)) {
            Some(_) => Err(NotifyError::Refused("the popup to update has left the screen".to_owned())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        notice::Priority,
        ports::{Loudness, PopupKind},
    };

    #[test]
    fn what_has_left_the_screen_is_forgotten_when_nothing_can_be_waiting_for_it() {
        let update = Popup {
            kind: PopupKind::Update,
            notices: Vec::new(),
            title: String::new(),
            body: String::new(),
            loudness: Loudness::Normal,
            priority: Priority::Normal,
            sound: String::new(),
            replaces: Some(PopupId("old".to_owned())),
        };
        let mut dismissed = Dismissed::default();
        dismissed.handle_closed(PopupId("old".to_owned()));
        assert!(dismissed.check(&update).is_err());
        dismissed.forget(&PopupId("old".to_owned()));
        assert!(dismissed.0.is_empty());
        assert_eq!(dismissed.check(&update), Ok(()));
    }
}
