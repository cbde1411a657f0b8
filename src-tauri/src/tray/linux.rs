//! Linux: a StatusNotifierItem of our own on the session bus (freedesktop.org and KDE
//! specification), without GTK and without a library of the system.
//!
//! It waits for a panel that is not there yet, and comes back after a panel or the session bus has
//! been restarted; so does the number on the dock. Invariant: a click carries the desktop's
//! permission to take the focus, where it gives one.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use belfry_app::tray::{Tray, TrayAction, TrayItem};
use belfry_app::{App, Request, WindowToken};
use gtk::gio;
use host::launcher::Launcher;
use host::tray_host::SessionBus;
use ksni::blocking::{Handle, TrayMethods};
use ksni::menu::{StandardItem, SubMenu};
use ksni::{Icon, MenuItem, OfflineReason, ToolTip, current_xdg_activation_token};
use tauri::{AppHandle, Manager};

use super::pictures::picture;

/// Until a session bus that is gone is looked for again; twice as long each time.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// The longest time between two looks.
const LAST_RETRY: Duration = Duration::from_secs(60);

/// The icon. Tauri keeps it for as long as the program runs.
struct ShownTray(Arc<Mutex<Shown>>);

struct Shown {
    tray: Tray,
    launcher: Arc<Launcher>,
    /// `None` while there is no session bus.
    icon: Option<Handle<Item>>,
}

/// Registers the icon. Clicks go to the controller.
///
/// # Errors
/// None: without a session bus there is no tray, and the window stays reachable.
pub(crate) fn create(app: &AppHandle, tray: Tray) -> tauri::Result<()> {
    outlive_the_session_bus();
    let shown = Arc::new(Mutex::new(Shown { tray, launcher: Arc::default(), icon: None }));
    app.manage(ShownTray(Arc::clone(&shown)));
    let app = app.state::<App>().inner().clone();
    let work = move || keep_registered(&app, &shown);
    if let Err(error) = thread::Builder::new().name("tray".to_owned()).spawn(work) {
        tracing::warn!(%error, "there is no tray icon");
    }
    Ok(())
}

/// Shows `tray` from now on.
///
/// # Errors
/// None.
pub(crate) fn show(app: &AppHandle, tray: Tray) -> tauri::Result<()> {
    let shown = app.state::<ShownTray>();
    let mut shown = shown.0.lock().unwrap_or_else(PoisonError::into_inner);
    if tray.badge != shown.tray.badge {
        shown.launcher.show(tray.badge);
    }
    shown.tray = tray.clone();
    if let Some(icon) = &shown.icon {
        // `None` when the bus is gone; its return brings the newest state.
        let _ = icon.update(|item| item.tray = tray);
    }
    Ok(())
}

/// GTK's own connection ends the program together with the bus, unless it is told not to.
fn outlive_the_session_bus() {
    if let Ok(connection) = gio::bus_get_sync(gio::BusType::Session, None::<&gio::Cancellable>) {
        connection.set_exit_on_close(false);
    }
}

/// Has the icon on the session bus whenever there is one; never returns.
fn keep_registered(app: &App, shown: &Mutex<Shown>) {
    let mut retry = FIRST_RETRY;
    loop {
        match register(app, shown) {
            Ok(bus) => {
                bus.wait_until_gone();
                tracing::info!("the session bus is gone; the tray icon waits for it");
                let icon = shown.lock().unwrap_or_else(PoisonError::into_inner).icon.take();
                if let Some(icon) = icon {
                    icon.shutdown().wait();
                }
                retry = FIRST_RETRY;
            }
            Err(error) if retry == FIRST_RETRY => tracing::warn!(error, "there is no tray icon"),
            Err(error) => tracing::debug!(error, "there is no tray icon yet"),
        }
        thread::sleep(retry);
        retry = (retry * 2).min(LAST_RETRY);
    }
}

fn register(app: &App, shown: &Mutex<Shown>) -> Result<SessionBus, String> {
    let bus = SessionBus::connect().map_err(|error| error.to_string())?;
    let item = {
        let shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        Item { app: app.clone(), tray: shown.tray.clone(), launcher: Arc::clone(&shown.launcher) }
    };
    let icon = item.assume_sni_available(true).spawn().map_err(|error| error.to_string())?;
    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    // What has changed meanwhile.
    let tray = shown.tray.clone();
    shown.launcher.show(tray.badge);
    let _ = icon.update(|item| item.tray = tray);
    shown.icon = Some(icon);
    Ok(bus)
}

/// What the panel asks for.
struct Item {
    app: App,
    tray: Tray,
    launcher: Arc<Launcher>,
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
        self.tray.menu.iter().map(entry).collect()
    }

    fn watcher_online(&self) {
        tracing::info!("the tray is back");
        // The dock is often part of the panel, and knows nothing of before.
        self.launcher.show(self.tray.badge);
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

fn entry(item: &TrayItem) -> MenuItem<Item> {
    match item {
        TrayItem::Label(text) => StandardItem { label: plain(text), enabled: false, ..StandardItem::default() }.into(),
        TrayItem::Button(action, text) => {
            let action = *action;
            let activate = Box::new(move |item: &mut Item| item.act(action));
            StandardItem { label: plain(text), activate, ..StandardItem::default() }.into()
        }
        TrayItem::Submenu(text, items) => {
            let submenu = items.iter().map(entry).collect();
            SubMenu { label: plain(text), submenu, ..SubMenu::default() }.into()
        }
        TrayItem::Separator => MenuItem::Separator,
    }
}

/// One underscore marks a key; two are one that is shown.
fn plain(text: &str) -> String {
    text.replace('_', "__")
}
