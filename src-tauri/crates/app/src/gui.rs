//! What the controller can do on the desktop.
//!
//! Deliberately absent: any answer the controller would have to wait for. An implementation hands
//! its work to the thread that the desktop library wants, and logs what fails there.

use std::io;
use std::path::Path;

use belfry_core::settings::Theme;
use url::Url;

use crate::ipc::Update;
use crate::tray::Tray;

/// The desktop as the controller sees it.
pub trait Gui: Send + 'static {
    /// Shows `tray` from now on.
    fn show_tray(&mut self, tray: Tray);

    /// Brings the inbox window to the front, and creates it, in this theme, if there is none.
    /// `token` is the desktop's permission to take the focus, where it gives one.
    fn show_window(&mut self, theme: Theme, token: Option<String>);

    /// Saves where the window is and how large, if there is a window.
    fn save_window_placement(&mut self);

    /// Opens an address in the browser. It has been checked: a link with [`belfry_core::url_policy`],
    /// that of a sign-in with the issuer of the settings.
    ///
    /// # Errors
    /// What the system said: there may be no browser.
    fn open_url(&mut self, url: &Url) -> io::Result<()>;

    /// Shows a folder of this computer where the system shows folders.
    ///
    /// # Errors
    /// What the system said: there may be no program that shows folders.
    fn open_folder(&mut self, folder: &Path) -> io::Result<()>;

    /// Ends the program with this exit code. The controller does nothing after it.
    fn exit(&mut self, code: u8);
}

/// Sends updates to one window. A window hands its own over when it starts to listen
/// ([`Request::Listen`](crate::Request::Listen)).
pub trait WindowListener: Send + 'static {
    /// Sends an update.
    ///
    /// # Errors
    /// [`WindowGone`] when the window is closing.
    fn send(&self, update: Update) -> Result<(), WindowGone>;
}

/// The window no longer takes updates; the text is what the desktop library said.
#[derive(Debug, thiserror::Error)]
#[error("the window takes no updates: {0}")]
pub struct WindowGone(pub String);
