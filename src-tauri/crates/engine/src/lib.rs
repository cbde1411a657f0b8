//! Belfry's engine: the I/O around the decisions of `belfry-core`.
//!
//! [`net`] talks to servers, [`store`] writes what arrived and [`inbox`] reads it, [`runtime`]
//! executes the pipeline with both, [`doctor`] examines one step after the other. Deliberately
//! absent: decisions (belfry-core), and the desktop: notifications, the keychain and the
//! environment are passed in as ports.

#![cfg_attr(
    test,
    expect(clippy::wildcard_enum_match_arm, reason = "a test looks for what it is about, and fails on anything else")
)]

mod clock;
pub mod doctor;
pub mod inbox;
pub mod net;
pub mod runtime;
pub mod store;

pub use crate::runtime::{Engine, EngineConfig, Snapshot, StartError};
