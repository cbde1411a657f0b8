//! Notifications of macOS, through notify-rust.
//!
//! Shows, and no more: this interface reports a click only to a thread that waits for each popup, and withdraws nothing,
//! so a popup stays in the notification centre until the person dismisses it. Invariant: the bundle is named before the
//! first popup, else macOS shows it as another application's.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use belfry_core::ports::{Loudness, Notifier, NotifyError, Popup, PopupEvent, PopupId};

use super::{MAX_BODY, MAX_TITLE};
use crate::plain;

/// The bundle id.
const BUNDLE: &str = "app.belfry.desktop";

/// The notification centre.
pub struct Desktop {
    named: Once,
    count: AtomicU32,
}

impl Desktop {
    /// A click on the body opens the app; macOS needs no word for it.
    pub fn new(_open_label: &str) -> Self {
        Self { named: Once::new(), count: AtomicU32::new(0) }
    }

    /// Whether a notification could be shown now, and by whom.
    ///
    /// # Errors
    /// None on macOS: the notification centre always runs.
    pub fn probe(&self) -> Result<String, NotifyError> {
        Ok("macos notification centre".to_owned())
    }
}

impl Notifier for Desktop {
    fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError> {
        self.named.call_once(|| {
            if let Err(error) = notify_rust::set_application(BUNDLE) {
                tracing::warn!(%error, "notifications will carry another application's name");
            }
        });
        let mut notification = notify_rust::Notification::new();
        notification.summary(&plain::line(&popup.title, MAX_TITLE)).body(&plain::lines(&popup.body, MAX_BODY));
        if popup.loudness != Loudness::Quiet && !popup.sound.is_empty() {
            notification.sound_name(&popup.sound);
        }
        notification.show().map_err(|error| NotifyError::Refused(error.to_string()))?;
        Ok(PopupId(self.count.fetch_add(1, Ordering::Relaxed).to_string()))
    }

    fn retract(&self, id: &PopupId) {
        tracing::debug!(popup = %id.0, "macos keeps this popup until it is dismissed");
    }

    fn listen(&self, _sink: Box<dyn Fn(PopupEvent) + Send + Sync>) {
        tracing::debug!("macos does not report clicks on notifications to this app");
    }
}
