//! Belfry's integration tests, in one program: real sockets, real brokers, real processes.
//!
//! One module per topic. Invariant: tests wait for events, never for time to pass. The `harness`
//! crate provides brokers and desktops; if one is missing on the machine, it prints `SKIPPED:`, and
//! fails under `CI=true`.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for what it is about, and fails on anything else")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod accounts;
mod app;
mod bad_input;
mod catchup;
mod crash;
mod doctor;
mod faults;
mod first_run;
mod fixtures;
mod harness_brokers;
mod keychain;
mod message_list;
mod notify;
mod notify_daemons;
mod oidc;
mod password;
mod power;
mod proxies;
mod rabbit;
mod rabbit_cluster;
mod rabbit_destinations;
mod rabbit_refusals;
mod raw_websocket;
mod reference;
mod refusals;
mod server_deletions;
mod servers;
mod settings_effect;
mod sockjs;
mod support;
mod terminal;
mod tls;
