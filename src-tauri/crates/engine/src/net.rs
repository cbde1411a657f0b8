//! Everything that crosses the network: the session, the HTTP API, sign-in and discovery.
//!
//! [`transport`] alone names the WebSocket library, and only this folder names the HTTP client.
//! Deliberately absent: when to connect and what an answer means for the inbox; that is the
//! pipeline's decision. Invariant: a secret is written into a header by [`auth`] and nowhere else.

pub(crate) mod address;
pub mod api;
mod auth;
pub mod connection;
pub mod device_queues;
pub mod discovery;
pub mod http;
pub mod identity;
pub mod intake;
mod issued;
mod login;
pub mod oidc;
pub mod one_shot;
pub(crate) mod proxy_finder;
mod redaction;
pub mod requests;
pub mod token;
mod transport;
