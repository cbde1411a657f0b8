//! Belfry's engine: stay connected, lose nothing, alert once.
//!
//! One line runs through it: transport → stomp → [`notice`] → [`delivery`] → [`store`] → the [`ports::Notifier`].
//! The rules of that line are pure (time is an argument, no I/O); `driver` executes them on a real machine and the
//! simulation on a made-up one. No Tauri, no environment, no clock outside [`clock`].

pub mod account;
pub mod alerts;
pub mod api;
mod auth;
pub mod backoff;
pub mod catchup;
pub mod clock;
pub mod connection;
pub mod delivery;
pub mod discovery;
pub mod doctor;
mod driver;
pub mod engine;
pub mod errand;
pub mod error;
pub mod event;
pub mod grouping;
pub mod inbox;
pub mod intake;
pub mod line;
pub mod link;
mod login;
pub mod network;
pub mod notice;
pub mod popups;
pub mod ports;
pub mod server;
pub mod settings;
pub mod settings_file;
pub mod sign_in;
pub mod status;
pub mod store;
pub mod texts;
mod transport;
mod writer;
