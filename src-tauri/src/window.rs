//! The inbox window: made when it is wanted, destroyed when it is closed.
//!
//! A hidden web view costs hundreds of megabytes, so none is kept. Invariants: the window shows no page but its own, and
//! is never closed where no tray icon could bring it back; there it is minimised.

#[cfg(target_os = "linux")]
#[path = "window/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "window/other.rs"]
mod system;

use host::tray_host;
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, Theme, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Window, WindowEvent};

use crate::shell::Shell;

/// Its name, which the capability is granted to.
const LABEL: &str = "inbox";

/// Brings the window to the front, making it first if need be. On the main thread. `token` is that of the click which
/// asked for it, where the desktop has such.
///
/// # Errors
/// What the desktop's library says.
pub(crate) fn show(app: &AppHandle, token: Option<&str>) -> tauri::Result<()> {
    let window = match app.get_webview_window(LABEL) {
        Some(window) => window,
        None => build(app)?,
    };
    if let Some(token) = token {
        system::admit(&window, token)?;
    }
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

fn build(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let shell = app.state::<Shell>();
    let theme = match shell.theme() {
        engine::settings::Theme::System => None,
        engine::settings::Theme::Light => Some(Theme::Light),
        engine::settings::Theme::Dark => Some(Theme::Dark),
    };
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("Belfry")
        .theme(theme)
        .inner_size(1000.0, 680.0)
        .min_inner_size(360.0, 400.0)
        // Not `incognito`: on Linux it finds no page the second time, since Tauri registers its scheme once per context.
        .data_directory(shell.web_dir())
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()
}

/// Closing and having closed.
pub(crate) fn handle(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            if let Err(reason) = tray_host::probe() {
                tracing::info!(%reason, "the window is minimised instead of closed");
                api.prevent_close();
                if let Err(error) = window.minimize() {
                    tracing::warn!(%error, "the window could not be minimised");
                }
            }
        }
        WindowEvent::Destroyed => window.state::<Shell>().forget_window(),
        _ => {}
    }
}
