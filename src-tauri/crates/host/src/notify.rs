//! The desktop's notification service as the engine's [`Notifier`].
//!
//! This file only selects the system; [`belfry_core::foreign_text`] cleans the texts. Deliberately
//! absent: which notices pop up, and how loudly (the engine decides). Invariant: no part of a
//! message is ever interpreted as markup, an image path, a sound file or a control sequence.

#[cfg(target_os = "linux")]
#[path = "notify/linux.rs"]
mod desktop;
#[cfg(target_os = "macos")]
#[path = "notify/macos.rs"]
mod desktop;
#[cfg(target_os = "windows")]
#[path = "notify/windows.rs"]
mod desktop;

#[cfg(not(target_os = "macos"))]
mod markup;
#[cfg(any(target_os = "windows", all(test, target_os = "linux")))]
mod toast;

pub use desktop::Desktop;

/// Longest title handed to a service, in characters.
pub const MAX_TITLE: usize = 120;
/// Longest body handed to a service, in characters: more than any desktop shows, and accepted by
/// all of them.
pub const MAX_BODY: usize = 400;
// What a person confirms is shown whole.
const _: () = assert!(belfry_core::alerts::buttons::MAX_QUESTION_CHARS <= MAX_BODY);

/// Receives what the user does with popups. A new callback replaces the old one, since another
/// engine may have been started.
#[cfg(not(target_os = "macos"))]
#[derive(Clone, Default)]
struct Listener(std::sync::Arc<std::sync::Mutex<Option<Callback>>>);

/// What is called for each event.
#[cfg(not(target_os = "macos"))]
type Callback = Box<dyn Fn(belfry_core::ports::PopupEvent) + Send + Sync>;

#[cfg(not(target_os = "macos"))]
impl Listener {
    fn set(&self, callback: Callback) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(callback);
    }

    fn notify(&self, event: belfry_core::ports::PopupEvent) {
        if let Some(callback) = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_ref() {
            callback(event);
        }
    }
}

#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use belfry_core::ports::{PopupEvent, PopupId};

    use super::*;

    #[test]
    fn events_go_to_the_newest_callback() {
        let listener = Listener::default();
        let received = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let closed = || PopupEvent::Closed { id: PopupId("a".to_owned()) };
        listener.notify(closed());
        for name in ["first", "second"] {
            let received = received.clone();
            listener.set(Box::new(move |_| received.lock().unwrap().push(name)));
            listener.notify(closed());
        }
        assert_eq!(*received.lock().unwrap(), ["first", "second"]);
    }
}
