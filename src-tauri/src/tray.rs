//! Hands a [`Tray`] to the desktop.
//!
//! Only what has changed is set: a menu that is replaced while it is open closes under the pointer.
//! Invariant: called on the main thread, as desktops want it.

#[cfg(not(target_os = "macos"))]
#[path = "tray/colour.rs"]
mod pictures;
#[cfg(target_os = "macos")]
#[path = "tray/template.rs"]
mod pictures;

use std::sync::{Mutex, PoisonError};

use belfry_app::tray::{Tray, TrayAction, TrayItem};
use belfry_app::{App, Request};
use pictures::{IS_TEMPLATE, picture};
use tauri::menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager};

/// The tray icon on the screen, and what it shows; Tauri keeps it for as long as the program runs.
/// Only the main thread uses it: the lock is there because Tauri's state may be shared.
struct ShownTray(Mutex<Shown>);

struct Shown {
    icon: TrayIcon,
    tray: Tray,
}

/// Puts the icon into the tray. Clicks go to the controller.
///
/// # Errors
/// What the desktop's library says. A desktop without a tray is no error: the icon waits for one.
pub(crate) fn create(app: &AppHandle, tray: Tray) -> tauri::Result<()> {
    let icon = TrayIconBuilder::with_id("belfry")
        .icon(picture(tray.icon))
        .icon_as_template(IS_TEMPLATE)
        .tooltip(&tray.tooltip)
        .menu(&menu(app, &tray.menu)?)
        .on_menu_event(|app, event| {
            if let Some(action) = TrayAction::of_id(event.id().as_ref()) {
                app.state::<App>().send(Request::Tray(action));
            }
        })
        .build(app)?;
    app.manage(ShownTray(Mutex::new(Shown { icon, tray })));
    Ok(())
}

/// Shows `tray` from now on.
///
/// # Errors
/// What the desktop's library says; what was set before that stays.
pub(crate) fn show(app: &AppHandle, tray: Tray) -> tauri::Result<()> {
    let shown = app.state::<ShownTray>();
    let mut shown = shown.0.lock().unwrap_or_else(PoisonError::into_inner);
    if tray.icon != shown.tray.icon {
        shown.icon.set_icon_with_as_template(Some(picture(tray.icon)), IS_TEMPLATE)?;
    }
    if tray.tooltip != shown.tray.tooltip {
        shown.icon.set_tooltip(Some(&tray.tooltip))?;
    }
    if tray.menu != shown.tray.menu {
        shown.icon.set_menu(Some(menu(app, &tray.menu)?))?;
    }
    shown.tray = tray;
    Ok(())
}

fn menu(app: &AppHandle, items: &[TrayItem]) -> tauri::Result<Menu<tauri::Wry>> {
    let menu = Menu::new(app)?;
    for item in items {
        let entry: Box<dyn IsMenuItem<tauri::Wry>> = match item {
            TrayItem::Label(text) => Box::new(MenuItem::new(app, text, false, None::<&str>)?),
            TrayItem::Button(action, text) => Box::new(MenuItem::with_id(app, action.id(), text, true, None::<&str>)?),
            TrayItem::Separator => Box::new(PredefinedMenuItem::separator(app)?),
        };
        menu.append(entry.as_ref())?;
    }
    Ok(menu)
}
