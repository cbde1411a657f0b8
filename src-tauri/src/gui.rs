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

use crate::tray;
use crate::window::{self, Unavailable};

/// Tauri's desktop.
pub(crate) struct TauriGui {
    app: AppHandle,
    unavailable: Unavailable,
}

impl Gui for TauriGui {
    fn show_tray(&mut self, tray: Tray) {
        self.on_main_thread(move |app| {
            if let Err(error) = tray::show(app, tray) {
                tracing::warn!(%error, "the tray icon could not be changed");
            }
        });
    }

    fn show_window(&mut self, theme: Theme, token: Option<String>) {
        let unavailable = self.unavailable.clone();
        self.on_main_thread(move |app| {
            if let Err(error) = window::show(app, theme, token.as_deref()) {
                tracing::error!(%error, "the window could not be shown");
                unavailable.tell();
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
        self.app.exit(code.into());
    }
}

impl TauriGui {
    /// The desktop of this program.
    pub(crate) fn new(app: AppHandle, unavailable: Unavailable) -> Self {
        Self { app, unavailable }
    }

    fn on_main_thread(&self, work: impl FnOnce(&AppHandle) + Send + 'static) {
        let app = self.app.clone();
        if let Err(error) = self.app.run_on_main_thread(move || work(&app)) {
            tracing::debug!(%error, "the main thread is gone; the program is ending");
        }
    }
}
