//! The running app without its desktop library: one task owns all state and answers requests.
//!
//! [`Controller`] owns the engine, the session, the inbox reader and the listening window. The
//! desktop library sends it [`Request`]s through an [`App`], and the controller acts on the desktop
//! through [`Gui`]. Work that waits (HTTP, the keychain, an export, ending an engine) runs in tasks
//! that report back. Deliberately absent: Tauri. This crate does not depend on it, so its tests run
//! without WebKit and without a display.

#![cfg_attr(
    test,
    expect(clippy::wildcard_enum_match_arm, reason = "a test looks for what it is about, and fails on anything else")
)]

mod app;
mod controller;
mod gui;
mod inbox_changes;
mod inbox_reader;
pub mod ipc;
mod machine;
mod request;
pub mod session_credentials;
mod task;
pub mod tray;

#[cfg(test)]
mod tests;

pub use crate::app::{App, Requests, channel};
pub use crate::controller::{Controller, Started};
pub use crate::gui::{Gui, WindowGone, WindowListener};
pub use crate::ipc::CommandError;
pub use crate::machine::{Check, DocumentsDir, Machine, StartAtLogin};
pub use crate::request::{Reply, Request, WindowToken};
