//! Prepares Tauri's context: the commands the window may call, and the page it shows.

use std::path::Path;

/// Every command of the window. One that is missing here, or in `capabilities/window.json`, is
/// refused at run time.
const COMMANDS: &[&str] = &[
    "listen",
    "start",
    "page",
    "seqs",
    "kinds",
    "notice",
    "set_read",
    "set_all_read",
    "remove",
    "restore",
    "open_link",
    "try_now",
    "pause",
    "remove_on_server",
    "keep_on_server",
    "act",
    "load_older",
    "export_notices",
    "show_export",
    "discover",
    "sign_in",
    "sign_in_in_browser",
    "cancel_sign_in",
    "sign_in_again",
    "sign_out",
    "test_notice",
    "settings",
    "save_settings",
    "clients",
    "diagnose",
    "about",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if !Path::new("../ui/dist/index.html").exists() {
        return Err("the window's page is not built: run `npm ci --ignore-scripts && npm run build` in ui/".into());
    }
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?;
    Ok(())
}
