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
    /// Puts a popup on the screen, under which name; none if it replaces one that has gone with its daemon.
    pub(super) fn show(&mut self, popup: &Popup) -> Option<PopupId> {
        let daemon = format!("{}:", self.daemon);
        let name = match &popup.replaces {
            // It keeps its name, even if it is gone.
            Some(replaced) => Some(replaced.clone()).filter(|replaced| replaced.0.starts_with(&daemon))?,
            None => {
                self.named += 1;
                PopupId(format!("{daemon}{}", self.named))
            }
        };
        self.popups.insert(name.clone(), popup.notices.iter().map(|key| item_of(&key.id)).collect());
        Some(name)
    }

    pub(super) fn retract(&mut self, popup: &PopupId) {
        self.popups.remove(popup);
    }

    /// A person dismisses one.
    pub(crate) fn take(&mut self, which: usize) -> Option<PopupId> {
        let popup = self.popups.keys().nth(which.checked_rem(self.popups.len())?)?.clone();
        self.popups.remove(&popup);
        Some(popup)
    }

    /// Everything is gone, and nobody is told.
    pub(crate) fn restart(&mut self) {
        self.daemon += 1;
        self.named = 0;
        self.popups.clear();
    }

    /// What is on it.
    pub(crate) fn popups(&self) -> Vec<(PopupId, Vec<usize>)> {
        self.popups.iter().map(|(name, items)| (name.clone(), items.clone())).collect()
    }
}
