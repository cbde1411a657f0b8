//! The engine's ports on a real desktop, shared by the app and `belfryctl`.
//!
//! Each module is one thing the machine has: its keychain, its notification service, its name, its log, its folders, its
//! language. Deliberately absent: Tauri, and any decision about notices. Whatever is missing on a machine becomes an
//! error that says what to do, never a panic.

pub mod autostart;
pub mod credentials;
pub mod doctor;
pub mod logging;
pub mod machine;
pub mod notify;
pub mod paths;
pub mod plain;
pub mod power;
pub mod settings;
pub mod texts;
pub mod tray_host;
