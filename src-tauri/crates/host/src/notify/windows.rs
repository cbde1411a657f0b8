//! Toast notifications (Windows 10 and later), over the WinRT API itself.
//!
//! Each toast carries a tag, by which it is replaced and withdrawn, also by a later run: Windows keeps toasts in its
//! notification centre under our AppUserModelID. Clicks come as callbacks, so no thread waits. Deliberately absent:
//! buttons and images. Invariant: message text enters the XML escaped.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use belfry_core::ports::{Loudness, Notifier, NotifyError, Popup, PopupEvent, PopupId};
use windows::Data::Xml::Dom::XmlDocument;
use windows::Foundation::TypedEventHandler;
use windows::UI::Notifications::{ToastNotification, ToastNotificationManager};
use windows::core::HSTRING;

use super::{Listener, MAX_BODY, MAX_TITLE};
use crate::plain;

/// The AppUserModelID, which the Start-menu shortcut has to carry: without one Windows shows nothing.
const APP_ID: &str = "app.belfry.desktop";
/// All our toasts are in one group.
const GROUP: &str = "notices";
/// The action reported for a click on the body, as on other systems.
const BODY_CLICK: &str = "default";

/// The notification service of Windows.
pub struct Desktop {
    listener: Listener,
    /// Makes tags unique within this run; the start time makes them unique among runs.
    count: AtomicU32,
    started: u64,
}

impl Desktop {
    /// A click on the body opens the notice; Windows needs no word for it.
    pub fn new(_open_label: &str) -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { listener: Listener::default(), count: AtomicU32::new(0), started }
    }

    /// Whether a notification could be shown now, and by whom.
    ///
    /// # Errors
    /// [`NotifyError::Unavailable`] when the service does not know the app.
    pub fn probe(&self) -> Result<String, NotifyError> {
        ToastNotificationManager::CreateToastNotifierWithId(&HSTRING::from(APP_ID))
            .and_then(|notifier| notifier.Setting())
            .map(|setting| format!("windows toasts, setting {}", setting.0))
            .map_err(|error| NotifyError::Unavailable(error.message()))
    }

    fn show_toast(&self, popup: &Popup, tag: &str) -> windows::core::Result<()> {
        let xml = XmlDocument::new()?;
        xml.LoadXml(&HSTRING::from(toast_xml(popup)))?;
        let toast = ToastNotification::CreateToastNotification(&xml)?;
        toast.SetTag(&HSTRING::from(tag))?;
        toast.SetGroup(&HSTRING::from(GROUP))?;
        let (listener, id) = (self.listener.clone(), PopupId(tag.to_owned()));
        toast.Activated(&TypedEventHandler::new(move |_, _| {
            let action = BODY_CLICK.to_owned();
            listener.tell(PopupEvent::Activated { id: id.clone(), action, activation_token: None });
            Ok(())
        }))?;
        let (listener, id) = (self.listener.clone(), PopupId(tag.to_owned()));
        toast.Dismissed(&TypedEventHandler::new(move |_, _| {
            listener.tell(PopupEvent::Closed { id: id.clone() });
            Ok(())
        }))?;
        ToastNotificationManager::CreateToastNotifierWithId(&HSTRING::from(APP_ID))?.Show(&toast)
    }
}

impl Notifier for Desktop {
    fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError> {
        let tag = match &popup.replaces {
            Some(id) => id.0.clone(),
            None => format!("{:x}-{:x}", self.started, self.count.fetch_add(1, Ordering::Relaxed)),
        };
        self.show_toast(popup, &tag).map_err(|error| NotifyError::Refused(error.message()))?;
        Ok(PopupId(tag))
    }

    fn retract(&self, id: &PopupId) {
        let (tag, group) = (HSTRING::from(id.0.as_str()), HSTRING::from(GROUP));
        let removed = ToastNotificationManager::History()
            .and_then(|history| history.RemoveGroupedTagWithId(&tag, &group, &HSTRING::from(APP_ID)));
        if let Err(error) = removed {
            tracing::debug!(popup = %id.0, error = error.message(), "toast not withdrawn; it is gone");
        }
    }

    fn listen(&self, sink: Box<dyn Fn(PopupEvent) + Send + Sync>) {
        self.listener.set(sink);
    }
}

/// The toast as Windows wants it (schema of `ToastGeneric`).
fn toast_xml(popup: &Popup) -> String {
    let title = plain::as_markup(&plain::line(&popup.title, MAX_TITLE));
    let body = plain::as_markup(&plain::lines(&popup.body, MAX_BODY));
    let duration = if popup.loudness == Loudness::Urgent { "long" } else { "short" };
    let silent = popup.loudness == Loudness::Quiet || popup.sound.is_empty();
    format!(
        "<toast duration=\"{duration}\"><visual><binding template=\"ToastGeneric\"><text>{title}</text>\
         <text>{body}</text></binding></visual><audio silent=\"{silent}\"/></toast>"
    )
}
