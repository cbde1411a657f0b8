//! The engine's ports on a real desktop, shared by the app and `belfryctl`.
//!
//! Each module is one thing of the machine: its keychain, its notification service, its id, its
//! log, its folders, its language. Deliberately absent: Tauri, and any decision about notices.
//! Invariant: if something is missing on a machine, the result is an error that says what to do,
//! never a panic.

pub mod autostart;
pub mod credentials;
pub mod doctor;
pub mod exit_reason;
pub mod launcher;
pub mod logging;
pub mod machine;
pub mod memory;
pub mod notify;
pub mod paths;
pub mod policy;
pub mod power;
pub mod proxies;
pub mod settings;
pub mod texts;
pub mod tray_host;
pub mod web_view;
