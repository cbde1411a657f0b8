//! The desktop, as the controller acts on it: Tauri's side of [`Gui`].
//!
//! Desktop libraries want their main thread, so everything is handed to it; what fails there is
//! logged.

use std::io;
use std::path::Path;

use belfry_app::Gui;
use belfry_app::tray::Tray;
use belfry_core::settings::Theme;
use tauri::AppHandle;
use url::Url;

use crate::{tray, window};

/// Tauri's desktop.
pub(crate) struct TauriGui(pub(crate) AppHandle);

impl Gui for TauriGui {
    fn show_tray(&mut self, tray: Tray) {
        self.on_main_thread(move |app| {
            if let Err(error) = tray::show(app, tray) {
                tracing::warn!(%error, "the tray icon could not be changed");
            }
        });
    }

    fn show_window(&mut self, theme: Theme, token: Option<String>) {
        self.on_main_thread(move |app| {
            if let Err(error) = window::show(app, theme, token.as_deref()) {
                tracing::error!(%error, "the window could not be shown");
            }
        });
    }

    fn save_window_placement(&mut self) {
        self.on_main_thread(window::save_placement);
    }

    fn open_url(&mut self, url: &Url) -> io::Result<()> {
        open::that_detached(url.as_str())
    }

    fn open_folder(&mut self, folder: &Path) -> io::Result<()> {
        open::that_detached(folder)
    }

    fn exit(&mut self, code: u8) {
        self.0.exit(code.into());
    }
}

impl TauriGui {
    fn on_main_thread(&self, work: impl FnOnce(&AppHandle) + Send + 'static) {
        let app = self.0.clone();
        if let Err(error) = self.0.run_on_main_thread(move || work(&app)) {
            tracing::debug!(%error, "the main thread is gone; the program is ending");
        }
    }
}
