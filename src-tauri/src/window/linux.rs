//! Linux: a desktop lets a window come to the front by itself only with the token of the click that
//! asked for it (`ActivationToken` of the notification specification; the same as a startup id).
//! What a window leaves behind is freed here: its web view, and WebKitGTK's network process, which
//! would run as long as the program does. WebKitGTK starts another one when it needs it.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gtk::glib::Object;
use gtk::prelude::{GtkWindowExt, ObjectExt, WidgetExt};
use rustix::process::{Pid, Signal, getpid, kill_process};
use tauri::async_runtime as runtime;
use tauri::{AppHandle, Manager, WebviewWindow};

/// As the kernel has it: cut to 15 characters.
const NETWORK_PROCESS: &str = "(WebKitNetworkPr)";

/// Shows the desktop whose click it was.
///
/// # Errors
/// What the desktop's library says.
pub(super) fn admit(window: &WebviewWindow, token: &str) -> tauri::Result<()> {
    window.gtk_window()?.set_startup_id(token);
    Ok(())
}

/// Lets the web view of a window that was just made be freed when it is closed. wry's handler of the
/// page's messages holds the view and belongs to the view's own part for messages, so that neither
/// would ever go: 0.13 MB for each window.
///
/// # Errors
/// What the desktop's library says.
pub(super) fn free_when_closed(window: &WebviewWindow) -> tauri::Result<()> {
    window.with_webview(|view| {
        view.inner().connect_destroy(|view| {
            let messages: Object = view.property("user-content-manager");
            // SAFETY: it only lets go of the handlers, since the class adds nothing of its own to it;
            // and no message can come, since the page is closed before its view is destroyed.
            #[allow(unsafe_code)]
            unsafe {
                messages.run_dispose();
            }
        });
    })
}

/// The window has come to the front: nothing to do.
pub(super) fn handle_focus(_app: &AppHandle) {}

/// How long after the last window the network process stays. WebKitGTK aborts the whole program when
/// one that it has just started ends before it has said its number, so one that is young must never
/// be ended.
const GRACE: Duration = Duration::from_secs(10);

/// To be called when a window has gone: if no window has come a little later, ends the process and
/// gives back the 0.8 MB that windows leave between what GTK and WebKit keep.
pub(super) fn clean_up_later(app: &AppHandle) {
    static CLOSED: AtomicU64 = AtomicU64::new(0);
    let this = CLOSED.fetch_add(1, Ordering::Relaxed) + 1;
    let app = app.clone();
    runtime::spawn(async move {
        tokio::time::sleep(GRACE).await;
        let inner = app.clone();
        // Windows are made on the main thread, so none comes while this looks.
        let asked = app.run_on_main_thread(move || {
            if inner.webview_windows().is_empty() && CLOSED.load(Ordering::Relaxed) == this {
                end_network_process();
                host::memory::trim();
            }
        });
        if let Err(error) = asked {
            tracing::debug!(%error, "the program is ending, and all of its processes with it");
        }
    });
}

fn end_network_process() {
    let own = getpid().as_raw_nonzero().to_string();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        // `pid (name) state parent …`, proc_pid_stat(5). A process that has gone meanwhile is what is wanted.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let mut fields = stat.split_whitespace().skip(1);
        if fields.next() == Some(NETWORK_PROCESS)
            && fields.nth(1) == Some(own.as_str())
            && let Err(error) = kill_process(pid, Signal::TERM)
        {
            tracing::debug!(%error, "the web view's network process stays");
        }
    }
}
