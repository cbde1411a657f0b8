//! The language of this desktop.
//!
//! The texts themselves are the engine's ([`belfry_core::texts`]); only the system's choice is the machine's matter.

pub use belfry_core::texts::Language;

/// The language that `app.language` asks for; `auto` is the desktop's.
pub fn language(setting: belfry_core::settings::Language) -> Language {
    Language::of_setting(setting, &sys_locale::get_locale().unwrap_or_default())
}
