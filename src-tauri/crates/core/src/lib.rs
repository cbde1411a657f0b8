//! Every decision of Belfry: what a message means, what is new, what notifies, when to connect, and
//! what to say.
//!
//! The model ([`notice`], [`account`], [`status`], [`storage`], [`ports`]), the [`pipeline`] from
//! server to notification, the [`alerts`] and the [`settings`]. Deliberately absent: async, I/O,
//! the clock and the environment; time and randomness are arguments. The crate's list of
//! dependencies proves it. The engine executes what is decided here on a real machine; the
//! simulation executes it in a simulated world.

#![cfg_attr(
    test,
    expect(clippy::wildcard_enum_match_arm, reason = "a test looks for what it is about, and fails on anything else")
)]

pub mod account;
pub mod alerts;
pub mod app_link;
pub mod clock;
pub mod envelope;
pub mod error;
pub mod event;
pub mod foreign_text;
mod json;
pub mod notice;
pub mod oidc_tokens;
pub mod pipeline;
pub mod ports;
pub mod proxies;
pub mod raw_session;
pub mod settings;
pub mod status;
pub mod storage;
pub mod texts;
pub mod token_life;
pub mod url_policy;
pub mod words;
