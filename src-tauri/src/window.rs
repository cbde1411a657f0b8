//! The inbox window: created when it is wanted, destroyed when it is closed.
//!
//! A hidden web view costs hundreds of megabytes, so none is kept. Invariants: the window shows no
//! page but its own, and is never closed where no tray icon could bring it back; there it is
//! minimised.

#[cfg(target_os = "linux")]
#[path = "window/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "window/other.rs"]
mod system;

mod placement;
mod unavailable;

use std::path::PathBuf;

use belfry_app::{App, Request};
use host::tray_host;
use tauri::webview::NewWindowResponse;
use tauri::{
    AppHandle, Manager, Monitor, PhysicalPosition, Theme, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Window,
    WindowEvent,
};

use self::placement::{Placement, Screen};
pub(crate) use self::unavailable::Unavailable;

/// The data folder, where the window's placement and the web view's own files are; Tauri keeps it
/// for the window.
pub(crate) struct DataDir(pub(crate) PathBuf);

/// Its name, which the capability is granted to.
const LABEL: &str = "inbox";
/// Width and height of the first window, in points.
const SIZE: (f64, f64) = (1000.0, 680.0);

/// Brings the window to the front, and creates it in this theme if there is none. On the main
/// thread. `token` is that of the click which asked for it, where the desktop has such.
///
/// # Errors
/// What the desktop's library says.
pub(crate) fn show(app: &AppHandle, theme: belfry_core::settings::Theme, token: Option<&str>) -> tauri::Result<()> {
    let window = match app.get_webview_window(LABEL) {
        Some(window) => window,
        None => build(app, theme)?,
    };
    if let Some(token) = token {
        system::admit(&window, token)?;
    }
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

fn build(app: &AppHandle, theme: belfry_core::settings::Theme) -> tauri::Result<WebviewWindow> {
    let data_dir = &app.state::<DataDir>().0;
    let theme = match theme {
        belfry_core::settings::Theme::System => None,
        belfry_core::settings::Theme::Light => Some(Theme::Light),
        belfry_core::settings::Theme::Dark => Some(Theme::Dark),
    };
    let kept = Placement::read(data_dir);
    let (width, height) = kept.map_or(SIZE, |kept| (kept.width, kept.height));
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("Belfry")
        .theme(theme)
        .inner_size(width, height)
        .min_inner_size(360.0, 400.0)
        // Not `incognito`: on Linux it finds no page the second time, since Tauri registers its
        // scheme once per context.
        .data_directory(data_dir.join("webview"))
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    system::free_when_closed(&window)?;
    if let Some(kept) = kept {
        put(&window, &kept)?;
    }
    Ok(window)
}

fn put(window: &WebviewWindow, kept: &Placement) -> tauri::Result<()> {
    let screens: Vec<Screen> = window.available_monitors()?.iter().map(screen).collect();
    if kept.is_in_reach(&screens) {
        window.set_position(PhysicalPosition::new(kept.x, kept.y))?;
    }
    if kept.is_maximized { window.maximize() } else { Ok(()) }
}

fn screen(monitor: &Monitor) -> Screen {
    let (position, size) = (monitor.position(), monitor.size());
    Screen { x: position.x, y: position.y, width: size.width, height: size.height }
}

/// Saves where the window is and how large, if there is one. On the main thread.
pub(crate) fn save_placement(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let dir = app.state::<DataDir>().0.clone();
    let saved = placement(&window).map_err(|error| error.to_string()).and_then(|now| {
        // What it had before it filled the screen is what it goes back to.
        let before = if now.is_maximized { Placement::read(&dir) } else { None };
        let placement = before.map_or(now, |before| Placement { is_maximized: true, ..before });
        placement.write(&dir).map_err(|error| error.to_string())
    });
    if let Err(error) = saved {
        tracing::debug!(%error, "the window's placement was not saved");
    }
}

fn placement(window: &WebviewWindow) -> tauri::Result<Placement> {
    let position = window.outer_position()?;
    let size = window.inner_size()?.to_logical(window.scale_factor()?);
    let is_maximized = window.is_maximized()?;
    Ok(Placement { x: position.x, y: position.y, width: size.width, height: size.height, is_maximized })
}

/// The window is to be closed, or is gone.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other event of a window is its own")]
pub(crate) fn handle_event(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            save_placement(window.app_handle());
            if let Err(reason) = tray_host::probe() {
                tracing::info!(%reason, "the window is minimised instead of closed");
                api.prevent_close();
                if let Err(error) = window.minimize() {
                    tracing::warn!(%error, "the window could not be minimised");
                }
            }
        }
        WindowEvent::Focused(true) => system::handle_focus(window.app_handle()),
        WindowEvent::Destroyed => {
            window.state::<App>().send(Request::WindowClosed);
            system::clean_up_later(window.app_handle());
        }
        _ => {}
    }
}
