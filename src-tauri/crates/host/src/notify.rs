//! The desktop's notification service as the engine's [`Notifier`].
//!
//! This file only picks the system; [`crate::plain`] cleans what people will read. Deliberately absent: which notice deserves a
//! popup, and how loud (the engine decides). Invariant: nothing a message says is ever taken as markup, an image path, a
//! sound file or a control sequence.

#[cfg(target_os = "linux")]
#[path = "notify/linux.rs"]
mod desktop;
#[cfg(target_os = "macos")]
#[path = "notify/macos.rs"]
mod desktop;
#[cfg(target_os = "windows")]
#[path = "notify/windows.rs"]
mod desktop;

pub use desktop::Desktop;

/// Longest title handed to a service, in characters.
pub const MAX_TITLE: usize = 120;
/// Longest body handed to a service, in characters: more than any desktop shows, less than any of them minds.
pub const MAX_BODY: usize = 400;

/// Tells what people do to popups. The newest listener counts: another engine may have taken over from the first.
#[cfg(not(target_os = "macos"))]
#[derive(Clone, Default)]
struct Listener(std::sync::Arc<std::sync::Mutex<Option<Sink>>>);

/// Who listens.
#[cfg(not(target_os = "macos"))]
type Sink = Box<dyn Fn(belfry_core::ports::PopupEvent) + Send + Sync>;

#[cfg(not(target_os = "macos"))]
impl Listener {
    fn set(&self, sink: Sink) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(sink);
    }

    fn tell(&self, event: belfry_core::ports::PopupEvent) {
        if let Some(sink) = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_ref() {
            sink(event);
        }
    }
}

#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use belfry_core::ports::{PopupEvent, PopupId};

    use super::*;

    #[test]
    fn what_people_do_is_told_to_who_listens_now() {
        let listener = Listener::default();
        let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let closed = || PopupEvent::Closed { id: PopupId("a".to_owned()) };
        listener.tell(closed());
        for name in ["first", "second"] {
            let heard = heard.clone();
            listener.set(Box::new(move |_| heard.lock().unwrap().push(name)));
            listener.tell(closed());
        }
        assert_eq!(*heard.lock().unwrap(), ["first", "second"]);
    }
}
