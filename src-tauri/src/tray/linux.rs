//! Linux: a StatusNotifierItem of our own on the session bus (freedesktop.org and KDE
//! specification), without GTK and without a library of the system.
//!
//! It waits for a panel that is not there yet, and comes back after one has been restarted.
//! Invariant: a click carries the desktop's permission to take the focus, where it gives one.

use std::sync::{Mutex, PoisonError};

use belfry_app::tray::{Tray, TrayAction, TrayItem};
use belfry_app::{App, Request, WindowToken};
use ksni::blocking::{Handle, TrayMethods};
use ksni::menu::StandardItem;
use ksni::{Icon, MenuItem, OfflineReason, ToolTip, current_xdg_activation_token};
use tauri::{AppHandle, Manager};

use super::pictures::picture;

/// The icon; `None` without a session bus. Tauri keeps it for as long as the program runs.
struct ShownTray(Mutex<Option<Handle<Item>>>);

/// Registers the icon. Clicks go to the controller.
///
/// # Errors
/// None: without a session bus there is no tray, and the window stays reachable.
pub(crate) fn create(app: &AppHandle, tray: Tray) -> tauri::Result<()> {
    let item = Item { app: app.state::<App>().inner().clone(), tray };
    let handle = item.assume_sni_available(true).spawn();
    let handle = handle.inspect_err(|error| tracing::warn!(%error, "there is no tray icon"));
    app.manage(ShownTray(Mutex::new(handle.ok())));
    Ok(())
}

/// Shows `tray` from now on.
///
/// # Errors
/// None.
pub(crate) fn show(app: &AppHandle, tray: Tray) -> tauri::Result<()> {
    let shown = app.state::<ShownTray>();
    if let Some(handle) = shown.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        // `None` when the bus is gone, and the icon with it.
        let _ = handle.update(|item| item.tray = tray);
    }
    Ok(())
}

/// What the panel asks for.
struct Item {
    app: App,
    tray: Tray,
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "belfry".to_owned()
    }

    fn title(&self) -> String {
        "Belfry".to_owned()
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.act(TrayAction::Open);
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        let picture = picture(self.tray.icon);
        let size = |pixels: u32| i32::try_from(pixels).unwrap_or_default();
        // RGBA becomes ARGB.
        let data = picture.rgba().chunks_exact(4).flat_map(|pixel| {
            let mut pixel = pixel.to_vec();
            pixel.rotate_right(1);
            pixel
        });
        vec![Icon { width: size(picture.width()), height: size(picture.height()), data: data.collect() }]
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip { title: self.tray.tooltip.clone(), ..ToolTip::default() }
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        self.tray.menu.iter().map(item).collect()
    }

    fn watcher_online(&self) {
        tracing::info!("the tray is back");
    }

    fn watcher_offline(&self, reason: OfflineReason) -> bool {
        tracing::info!(?reason, "no tray at the moment; the icon waits for one");
        true
    }
}

impl Item {
    fn act(&self, action: TrayAction) {
        self.app.send(Request::Tray { action, token: WindowToken(current_xdg_activation_token()) });
    }
}

fn item(item: &TrayItem) -> MenuItem<Item> {
    match item {
        TrayItem::Label(text) => StandardItem { label: plain(text), enabled: false, ..StandardItem::default() }.into(),
        TrayItem::Button(action, text) => {
            let action = *action;
            let activate = Box::new(move |item: &mut Item| item.act(action));
            StandardItem { label: plain(text), activate, ..StandardItem::default() }.into()
        }
        TrayItem::Separator => MenuItem::Separator,
    }
}

/// One underscore marks a key; two are one that is shown.
fn plain(text: &str) -> String {
    text.replace('_', "__")
}
