//! Windows and macOS: the tray of Tauri.
//!
//! Only what has changed is set: a menu that is replaced while it is open closes under the pointer.

use std::sync::{Mutex, PoisonError};

use belfry_app::tray::{Tray, TrayAction, TrayItem};
use belfry_app::{App, Request, WindowToken};
use tauri::menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager};

use super::badge;
use super::habits::{IS_TEMPLATE, SHOWS_MENU_ON_LEFT_CLICK};
use super::pictures::picture;

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
/// What the desktop's library says.
pub(crate) fn create(app: &AppHandle, tray: Tray) -> tauri::Result<()> {
    let icon = TrayIconBuilder::with_id("belfry")
        .icon(picture(tray.icon))
        .icon_as_template(IS_TEMPLATE)
        .tooltip(&tray.tooltip)
        .menu(&menu(app, &tray.menu)?)
        .show_menu_on_left_click(SHOWS_MENU_ON_LEFT_CLICK)
        .on_menu_event(|app, event| {
            if let Some(action) = TrayAction::of_id(event.id().as_ref()) {
                app.state::<App>().send(Request::Tray { action, token: WindowToken(None) });
            }
        })
        .on_tray_icon_event(|icon, event| {
            let is_left = matches!(
                event,
                TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. }
            );
            if is_left && !SHOWS_MENU_ON_LEFT_CLICK {
                icon.app_handle()
                    .state::<App>()
                    .send(Request::Tray { action: TrayAction::Open, token: WindowToken(None) });
            }
        })
        .build(app)?;
    let count = tray.badge;
    app.manage(ShownTray(Mutex::new(Shown { icon, tray })));
    badge::show(app, count)
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
    if tray.badge != shown.tray.badge {
        badge::show(app, tray.badge)?;
    }
    shown.tray = tray;
    Ok(())
}

/// Shows the number of unread notices once more: a window that has just appeared has none yet.
///
/// # Errors
/// What the desktop's library says.
pub(crate) fn show_badge(app: &AppHandle) -> tauri::Result<()> {
    let count = app.state::<ShownTray>().0.lock().unwrap_or_else(PoisonError::into_inner).tray.badge;
    badge::show(app, count)
}

fn menu(app: &AppHandle, items: &[TrayItem]) -> tauri::Result<Menu<tauri::Wry>> {
    let menu = Menu::new(app)?;
    for item in items {
        menu.append(entry(app, item)?.as_ref())?;
    }
    Ok(menu)
}

fn entry(app: &AppHandle, item: &TrayItem) -> tauri::Result<Box<dyn IsMenuItem<tauri::Wry>>> {
    Ok(match item {
        TrayItem::Label(text) => Box::new(MenuItem::new(app, plain(text), false, None::<&str>)?),
        TrayItem::Button(action, text) => {
            Box::new(MenuItem::with_id(app, action.id(), plain(text), true, None::<&str>)?)
        }
        TrayItem::Submenu(text, items) => {
            let submenu = Submenu::new(app, plain(text), true)?;
            for item in items {
                submenu.append(entry(app, item)?.as_ref())?;
            }
            Box::new(submenu)
        }
        TrayItem::Separator => Box::new(PredefinedMenuItem::separator(app)?),
    })
}

/// One `&` marks a key; two are one that is shown.
fn plain(text: &str) -> String {
    text.replace('&', "&&")
}
