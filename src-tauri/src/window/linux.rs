//! Linux: a desktop lets a window come to the front by itself only with the token of the click that asked for it
//! (`ActivationToken` of the notification specification; the same as a startup id). And WebKitGTK keeps its network process
//! for as long as the program runs, though nothing is left to fetch for; it starts another one when it needs it.

use std::fs;

use gtk::prelude::GtkWindowExt;
use rustix::process::{Pid, Signal, getpid, kill_process};
use tauri::WebviewWindow;

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

/// To be called when no window is left.
pub(super) fn end_network_process() {
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
