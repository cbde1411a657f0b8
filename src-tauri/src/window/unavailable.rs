//! What a person is told when the window cannot be shown: by a notification, since there is nothing
//! else to say it with.
//!
//! On Windows the component that draws the window may be missing. The tray and the notifications
//! work without it.

use std::sync::Arc;

use belfry_core::ports::{Notifier, Popup};
use host::texts::Language;
use host::web_view;
use tauri::async_runtime as runtime;

/// Says it.
#[derive(Clone)]
pub(crate) struct Unavailable {
    notifier: Arc<dyn Notifier>,
    language: Language,
}

impl Unavailable {
    /// Says it with this notifier, in this language.
    pub(crate) fn new(notifier: Arc<dyn Notifier>, language: Language) -> Self {
        Self { notifier, language }
    }

    /// Shows the notification; it may take a while, so it is shown on another thread.
    pub(crate) fn tell(&self) {
        let notifier = Arc::clone(&self.notifier);
        let is_missing = matches!(web_view::probe(), Some(Err(_)));
        let popup = popup(self.language, is_missing);
        runtime::spawn_blocking(move || {
            if let Err(error) = notifier.show(&popup) {
                tracing::warn!(%error, "nothing says that the window cannot be shown");
            }
        });
    }
}

fn popup(language: Language, is_web_view_missing: bool) -> Popup {
    let body = if is_web_view_missing { "window.unavailable.webView" } else { "window.unavailable.text" };
    Popup::of_program("window-unavailable", language.text("window.unavailable.title"), language.text(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_web_view_is_named_with_who_can_help() {
        let popup = popup(Language::English, true);
        assert!(popup.body.contains("WebView2") && popup.body.contains("IT"), "{popup:?}");
        assert!(!super::popup(Language::English, false).body.contains("WebView2"));
    }
}
