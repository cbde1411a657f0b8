//! The language of this desktop.
//!
//! Only the system's choice is read here. Deliberately absent: the texts, which are in
//! [`belfry_core::texts`].

pub use belfry_core::texts::Language;

/// The language of the setting `app.language`; `auto` is the desktop's language.
pub fn language(setting: belfry_core::settings::Language) -> Language {
    Language::of_setting(setting, &sys_locale::get_locale().unwrap_or_default())
}
