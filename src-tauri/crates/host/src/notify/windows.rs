//! Toast notifications (Windows 10 and later), over the WinRT API itself.
//!
//! Each toast has a tag, by which it is replaced and removed, also by a later run: Windows keeps
//! toasts in its notification centre under our AppUserModelID. A click makes Windows start the app
//! with an address, so that it counts also when the app was closed; the answers to a question arrive
//! as callbacks, without a thread. Deliberately absent: the text of a toast ([`toast`]), what a
//! button does, and images.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use belfry_core::ports::{Notifier, NotifyError, Popup, PopupEvent, PopupId};
use belfry_core::texts::Language;
use windows::Data::Xml::Dom::XmlDocument;
use windows::Foundation::TypedEventHandler;
use windows::UI::Notifications::{
    ToastActivatedEventArgs, ToastNotification, ToastNotificationManager, ToastNotificationMode,
};
use windows::Win32::UI::Shell::{
    QUERY_USER_NOTIFICATION_STATE, QUNS_BUSY, QUNS_NOT_PRESENT, QUNS_PRESENTATION_MODE, QUNS_QUIET_TIME,
    QUNS_RUNNING_D3D_FULL_SCREEN, SHQueryUserNotificationState,
};
use windows::core::{HSTRING, IInspectable, Interface};

use super::{Listener, toast};

/// The AppUserModelID, which the Start-menu shortcut must have too: without it Windows shows
/// nothing.
const APP_ID: &str = "app.belfry.desktop";
/// The group of all our toasts.
const GROUP: &str = "notices";

/// The notification service of Windows.
pub struct Desktop {
    listener: Listener,
    /// Makes tags unique within this run.
    count: AtomicU32,
    /// Makes tags unique among runs: seconds since 1970.
    started: u64,
}

impl Desktop {
    /// Windows has no label for a click on the body.
    pub fn new(_language: Language) -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { listener: Listener::default(), count: AtomicU32::new(0), started }
    }

    /// The service that would show a notification now.
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
        xml.LoadXml(&HSTRING::from(toast::xml(popup)))?;
        let notification = ToastNotification::CreateToastNotification(&xml)?;
        notification.SetTag(&HSTRING::from(tag))?;
        notification.SetGroup(&HSTRING::from(GROUP))?;
        let (listener, id) = (self.listener.clone(), PopupId(tag.to_owned()));
        notification.Activated(&TypedEventHandler::new(
            move |_, arguments: windows::core::Ref<'_, IInspectable>| {
                let arguments = arguments.ok().and_then(|arguments| arguments.cast::<ToastActivatedEventArgs>());
                let arguments = arguments.and_then(|arguments| arguments.Arguments()).unwrap_or_default().to_string();
                if let Some(action) = toast::button_of(&arguments) {
                    let action = action.to_owned();
                    listener.notify(PopupEvent::Activated { id: id.clone(), action, activation_token: None });
                }
                Ok(())
            },
        ))?;
        let (listener, id) = (self.listener.clone(), PopupId(tag.to_owned()));
        notification.Dismissed(&TypedEventHandler::new(move |_, _| {
            listener.notify(PopupEvent::Closed { id: id.clone() });
            Ok(())
        }))?;
        ToastNotificationManager::CreateToastNotifierWithId(&HSTRING::from(APP_ID))?.Show(&notification)
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

    /// *Do not disturb* of Windows 11 (focus assist), which Windows 10 does not tell; and a program
    /// that fills the screen, a presentation, or a locked screen on both. Windows then keeps the toast
    /// in its notification centre.
    fn is_silenced(&self) -> bool {
        let mode = ToastNotificationManager::GetDefault().and_then(|manager| manager.NotificationMode());
        is_filled_or_away() || mode.is_ok_and(|mode| mode != ToastNotificationMode::Unrestricted)
    }

    fn retract(&self, id: &PopupId) {
        let (tag, group) = (HSTRING::from(id.0.as_str()), HSTRING::from(GROUP));
        let removed = ToastNotificationManager::History()
            .and_then(|history| history.RemoveGroupedTagWithId(&tag, &group, &HSTRING::from(APP_ID)));
        if let Err(error) = removed {
            tracing::debug!(popup = %id.0, error = error.message(), "toast not removed; it is gone already");
        }
    }

    fn listen(&self, callback: Box<dyn Fn(PopupEvent) + Send + Sync>) {
        self.listener.set(callback);
    }
}

/// Whether the screen shows no toast now, whatever the person has set.
fn is_filled_or_away() -> bool {
    const STATES: [QUERY_USER_NOTIFICATION_STATE; 5] =
        [QUNS_BUSY, QUNS_NOT_PRESENT, QUNS_PRESENTATION_MODE, QUNS_QUIET_TIME, QUNS_RUNNING_D3D_FULL_SCREEN];
    // SAFETY: the function takes nothing from the caller and has no precondition.
    #[allow(unsafe_code)]
    let state = unsafe { SHQueryUserNotificationState() };
    state.is_ok_and(|state| STATES.contains(&state))
}
