//! How a tray icon behaves on Windows.

/// Whether the system colours the icon itself.
pub(super) const IS_TEMPLATE: bool = false;
/// A left click opens the window; the right one has the menu.
pub(super) const SHOWS_MENU_ON_LEFT_CLICK: bool = false;
