//! Hands a [`Tray`] to the desktop.
//!
//! Only what has changed is set: a menu that is replaced while it is open closes under the pointer. Invariant: called on
//! the main thread, as desktops want it.

#[cfg(not(target_os = "macos"))]
#[path = "render/colour.rs"]
mod pictures;
#[cfg(target_os = "macos")]
#[path = "render/template.rs"]
mod pictures;

use pictures::{IS_TEMPLATE, picture};
use tauri::AppHandle;
use tauri::menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder};

use super::{Action, Item, Tray};

/// The tray icon on the screen, and what it shows.
pub(crate) struct Rendered {
    icon: TrayIcon,
    shows: Tray,
}

impl Rendered {
    /// Puts the icon into the tray. `on_action` is called on the main thread.
    ///
    /// # Errors
    /// What the desktop's library says. A desktop without a tray is no error: the icon waits for one.
    pub(crate) fn new(app: &AppHandle, tray: Tray, on_action: fn(&AppHandle, Action)) -> tauri::Result<Self> {
        let icon = TrayIconBuilder::with_id("belfry")
            .icon(picture(tray.icon))
            .icon_as_template(IS_TEMPLATE)
            .tooltip(&tray.tooltip)
            .menu(&menu(app, &tray.menu)?)
            .on_menu_event(move |app, event| {
                if let Some(action) = Action::of_id(event.id().as_ref()) {
                    on_action(app, action);
                }
            })
            .build(app)?;
        Ok(Self { icon, shows: tray })
    }

    /// Shows `tray` from now on.
    ///
    /// # Errors
    /// What the desktop's library says; what was set before that stays.
    pub(crate) fn show(&mut self, app: &AppHandle, tray: Tray) -> tauri::Result<()> {
        if tray.icon != self.shows.icon {
            self.icon.set_icon_with_as_template(Some(picture(tray.icon)), IS_TEMPLATE)?;
        }
        if tray.tooltip != self.shows.tooltip {
            self.icon.set_tooltip(Some(&tray.tooltip))?;
        }
        if tray.menu != self.shows.menu {
            self.icon.set_menu(Some(menu(app, &tray.menu)?))?;
        }
        self.shows = tray;
        Ok(())
    }
}

fn menu(app: &AppHandle, items: &[Item]) -> tauri::Result<Menu<tauri::Wry>> {
    let menu = Menu::new(app)?;
    for item in items {
        let entry: Box<dyn IsMenuItem<tauri::Wry>> = match item {
            Item::Label(text) => Box::new(MenuItem::new(app, text, false, None::<&str>)?),
            Item::Button(action, text) => Box::new(MenuItem::with_id(app, action.id(), text, true, None::<&str>)?),
            Item::Line => Box::new(PredefinedMenuItem::separator(app)?),
        };
        menu.append(entry.as_ref())?;
    }
    Ok(menu)
}
