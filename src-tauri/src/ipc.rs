//! The window's door to the program: its commands, and the channel that updates go through.
//!
//! The types that cross are in [`belfry_app::ipc`]. Nothing is decided here.

mod commands;

use belfry_app::ipc::Update;
use belfry_app::{WindowGone, WindowListener};
use tauri::Wry;
use tauri::ipc::{Channel, Invoke};

/// A window that listens for updates.
struct Window(Channel<Update>);

impl WindowListener for Window {
    fn send(&self, update: Update) -> Result<(), WindowGone> {
        self.0.send(update).map_err(|error| WindowGone(error.to_string()))
    }
}

/// Runs the window's commands. `build.rs` and `capabilities/window.json` list the same names.
pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        commands::listen,
        commands::start,
        commands::page,
        commands::seqs,
        commands::kinds,
        commands::notice,
        commands::set_read,
        commands::set_all_read,
        commands::remove,
        commands::restore,
        commands::open_link,
        commands::try_now,
        commands::pause,
        commands::remove_on_server,
        commands::keep_on_server,
        commands::act,
        commands::load_older,
        commands::export_notices,
        commands::show_export,
        commands::discover,
        commands::sign_in,
        commands::sign_in_in_browser,
        commands::cancel_sign_in,
        commands::sign_in_again,
        commands::sign_out,
        commands::test_notice,
        commands::settings,
        commands::save_settings,
        commands::clients,
        commands::diagnose,
        commands::about,
    ]
}
