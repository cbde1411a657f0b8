//! `--smoke-test`: whether this installation can do its work, for packages and fleets.
//!
//! The whole app, with its own settings and its own tray: it goes live, shows one notification,
//! withdraws it, and ends with the exit code that says how it went. Nothing is sent to the server
//! and nothing is left in the inbox.

use std::sync::Arc;
use std::time::Duration;

use belfry_app::{App, Request};
use belfry_core::notice::{NoticeKey, Priority};
use belfry_core::ports::{Loudness, Notifier, Popup, PopupKind};
use belfry_core::status::Connectivity;
use host::exit_reason::ExitReason;
use host::texts::Language;
use tauri::async_runtime as runtime;
use tokio::time::timeout;

use crate::startup::Failure;

/// How long going live may take; the rest of the minute is for the start of the app, which takes long
/// on a busy computer, the notification and the end of the session.
const LIMIT: Duration = Duration::from_secs(30);

/// Tries everything, says how it went, and ends the program.
pub(crate) async fn run(app: App, notifier: Arc<dyn Notifier>, language: Language) {
    let code = match try_all(&app, notifier, language).await {
        Ok(()) => {
            tracing::info!("smoke test passed");
            0
        }
        Err(failure) => {
            tracing::error!("smoke test failed: {}", failure.message);
            failure.reason.code()
        }
    };
    app.send(Request::Quit { code });
}

async fn try_all(app: &App, notifier: Arc<dyn Notifier>, language: Language) -> Result<(), Failure> {
    let mut snapshot = app.snapshot();
    let is_decided = |state| matches!(state, Connectivity::Live | Connectivity::ActionNeeded);
    // An engine that has ended, or the time-out: the last state says why.
    let _ = timeout(LIMIT, snapshot.wait_for(|snapshot| is_decided(snapshot.status.state))).await;
    let status = snapshot.borrow().status.clone();
    let says = || {
        let (reason, remedy) = (status.reason(), status.remedy());
        [reason.as_str(), remedy].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(": ")
    };
    match status.state {
        Connectivity::Live => {}
        Connectivity::ActionNeeded => return Err(Failure::new(ExitReason::SignIn, says())),
        Connectivity::Offline | Connectivity::Connecting | Connectivity::CatchingUp | Connectivity::Polling => {
            let message = format!("not live within {} s: {}", LIMIT.as_secs(), says());
            return Err(Failure::new(ExitReason::Unreachable, message));
        }
    }
    let popup = Popup {
        kind: PopupKind::Single,
        notices: NoticeKey { scope: String::new(), id: "smoke-test".to_owned() }.into(),
        title: language.text("smoke.title").to_owned(),
        body: language.text("smoke.body").to_owned(),
        loudness: Loudness::Quiet,
        priority: Priority::Normal,
        sound: String::new(),
        buttons: Vec::new(),
        replaces: None,
    };
    let shown = runtime::spawn_blocking(move || notifier.show(&popup).map(|id| notifier.retract(&id))).await;
    shown.map_err(Failure::other)?.map_err(Failure::other)
}
