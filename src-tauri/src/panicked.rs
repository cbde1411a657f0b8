//! What a person is told when the app itself has panicked, before the program ends: nothing answers
//! the tray and the window any more.
//!
//! A panic of the engine is none of this: another engine takes over.

use std::sync::Arc;
use std::time::Duration;

use belfry_core::ports::{Notifier, Popup};
use host::texts::Language;
use tauri::async_runtime as runtime;

/// How long the program waits for a notification service that does not answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Shows a notification that says so, where notifications can be shown.
pub(crate) async fn tell(notifier: Arc<dyn Notifier>, language: Language) {
    let popup = popup(language);
    let shown = runtime::spawn_blocking(move || notifier.show(&popup));
    match tokio::time::timeout(TIMEOUT, shown).await {
        Ok(Ok(Ok(_))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "nothing says that Belfry has ended"),
        Ok(Err(_)) | Err(_) => tracing::warn!("nothing says that Belfry has ended"),
    }
}

fn popup(language: Language) -> Popup {
    Popup::of_program("panicked", language.text("panicked.title"), language.text("panicked.text"))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use belfry_core::ports::{NotifyError, PopupEvent, PopupId};

    use super::*;

    #[derive(Default)]
    struct Desktop(Mutex<Vec<Popup>>);

    impl Notifier for Desktop {
        fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError> {
            self.0.lock().unwrap().push(popup.clone());
            Ok(PopupId("1".to_owned()))
        }
        fn retract(&self, _: &PopupId) {}
        fn listen(&self, _: Box<dyn Fn(PopupEvent) + Send + Sync>) {}
    }

    #[tokio::test]
    async fn a_panic_of_the_app_is_told_in_the_persons_language_with_what_to_do() {
        let desktop = Arc::new(Desktop::default());
        for language in [Language::English, Language::Chinese] {
            tell(Arc::<Desktop>::clone(&desktop), language).await;
        }
        let shown = desktop.0.lock().unwrap();
        assert!(shown[0].title.contains("ended") && shown[0].body.contains("again"), "{:?}", shown[0]);
        assert!(shown[1].body.contains("重新启动"), "{:?}", shown[1]);
    }
}
