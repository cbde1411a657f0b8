//! How an icon of the menu bar behaves on macOS.

/// Whether the system colours the icon itself.
pub(super) const IS_TEMPLATE: bool = true;
/// Every icon of the menu bar opens its menu.
pub(super) const SHOWS_MENU_ON_LEFT_CLICK: bool = true;
