//! Belfry's engine: stay connected, lose nothing, alert once.
//!
//! One line runs through it: transport → stomp → [`notice`] → [`delivery`] → [`store`] → the [`ports::Notifier`].
//! The rules of that line are pure (time is an argument, no I/O); `driver` executes them on a real machine and the
//! simulation on a made-up one. No Tauri, no environment, no clock outside [`clock`].

pub mod account;
pub mod alerts;
pub mod backoff;
pub mod clock;
pub mod error;
pub mod inbox;
pub mod link;
pub mod notice;
pub mod ports;
pub mod settings;
pub mod store;
