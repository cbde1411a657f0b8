//! Belfry's integration tests, one program: real sockets, real brokers, real processes.
//!
//! A module for each theme. Tests wait for events and never for time to pass; what they need beyond the repository
//! comes from the `harness` crate, which skips loudly where it is missing and fails there under `CI=true`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod accounts;
mod app;
mod bad_input;
mod broker;
mod catchup;
mod crash;
mod doctor;
mod faults;
mod first_run;
mod keychain;
mod notify;
mod password;
mod power;
mod rabbit;
mod world;
