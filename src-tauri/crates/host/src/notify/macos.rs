//! Notifications of macOS, through notify-rust.
//!
//! Deliberately absent: buttons and clicks, which this interface reports only to one waiting thread per popup,
//! and retracting, which it does not support; a popup stays in the notification centre until the
//! user dismisses it. Nor is it known whether a Focus silences popups: macOS tells that only to apps
//! with Apple's entitlement for communication notifications, and keeps the popup in the notification
//! centre. Invariant: the bundle is set before the first popup; without it macOS shows
//! the popup under another application's name.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use belfry_core::ports::{Loudness, Notifier, NotifyError, Popup, PopupEvent, PopupId, PopupKind};
use belfry_core::texts::Language;

use super::{MAX_BODY, MAX_TITLE};
use belfry_core::foreign_text;

/// The bundle id.
const BUNDLE: &str = "app.belfry.desktop";

/// The notification centre.
pub struct Desktop {
    bundle_set: Once,
    count: AtomicU32,
}

impl Desktop {
    /// macOS has no label for a click on the body.
    pub fn new(_language: Language) -> Self {
        Self { bundle_set: Once::new(), count: AtomicU32::new(0) }
    }

    /// The service that would show a notification now.
    ///
    /// # Errors
    /// None on macOS: the notification centre always runs.
    pub fn probe(&self) -> Result<String, NotifyError> {
        Ok("macos notification centre".to_owned())
    }
}

impl Notifier for Desktop {
    fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError> {
        if popup.kind == PopupKind::Question {
            return Err(NotifyError::Refused("macOS reports no answers to this app".to_owned()));
        }
        self.bundle_set.call_once(|| {
            if let Err(error) = notify_rust::set_application(BUNDLE) {
                tracing::warn!(%error, "notifications will carry another application's name");
            }
        });
        let mut notification = notify_rust::Notification::new();
        notification
            .summary(&foreign_text::one_line(&popup.title, MAX_TITLE))
            .body(&foreign_text::lines(&popup.body, MAX_BODY));
        if popup.loudness != Loudness::Quiet && !popup.sound.is_empty() {
            notification.sound_name(&popup.sound);
        }
        notification.show().map_err(|error| NotifyError::Refused(error.to_string()))?;
        Ok(PopupId(self.count.fetch_add(1, Ordering::Relaxed).to_string()))
    }

    fn retract(&self, id: &PopupId) {
        tracing::debug!(popup = %id.0, "macos keeps this popup until it is dismissed");
    }

    fn listen(&self, _callback: Box<dyn Fn(PopupEvent) + Send + Sync>) {
        tracing::debug!("macos does not report clicks on notifications to this app");
    }
}
