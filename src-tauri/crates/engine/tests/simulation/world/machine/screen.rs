//! The simulated desktop.

use std::collections::BTreeMap;

use belfry_core::ports::{Popup, PopupId};

use crate::oracle::item_of;

/// The notification daemon, and what is on the screen.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    daemon: u32,
    named: u32,
    popups: BTreeMap<PopupId, Vec<usize>>,
}

impl Screen {
    /// Shows a popup and returns its id; `None` if it replaces one of an earlier daemon.
    pub(super) fn show(&mut self, popup: &Popup) -> Option<PopupId> {
        let daemon = format!("{}:", self.daemon);
        let name = match &popup.replaces {
            // An update keeps the id, even if the popup has left the screen.
            Some(replaced) => Some(replaced.clone()).filter(|replaced| replaced.0.starts_with(&daemon))?,
            None => {
                self.named += 1;
                PopupId(format!("{daemon}{}", self.named))
            }
        };
        self.popups.insert(name.clone(), popup.notices.iter().map(|key| item_of(key.id)).collect());
        Some(name)
    }

    pub(super) fn retract(&mut self, popup: &PopupId) {
        self.popups.remove(popup);
    }

    /// A person dismisses a popup.
    pub(crate) fn take(&mut self, which: usize) -> Option<PopupId> {
        let popup = self.popups.keys().nth(which.checked_rem(self.popups.len())?)?.clone();
        self.popups.remove(&popup);
        Some(popup)
    }

    /// All popups disappear without an event.
    pub(crate) fn restart(&mut self) {
        self.daemon += 1;
        self.named = 0;
        self.popups.clear();
    }

    /// The popups on the screen.
    pub(crate) fn popups(&self) -> Vec<(PopupId, Vec<usize>)> {
        self.popups.iter().map(|(name, items)| (name.clone(), items.clone())).collect()
    }
}
