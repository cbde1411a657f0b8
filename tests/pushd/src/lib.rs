//! The reference push server: for trying, developing and testing Belfry, and a model for server
//! teams.
//!
//! A message goes in over HTTP (`sendMessage`), is recorded for each receiver, and reaches those
//! online over STOMP (`/ws`, or SockJS at `/sockjs`) or the raw WebSocket (`/websocket/{token}`);
//! people who were away collect it over HTTP. Beside that it is a small STOMP broker. It is made to
//! be read: one file per concern, no framework of its own. What it does is described in
//! `docs/reference/pushd.md`.
//!
//! Deliberately absent: TLS, clustering, an account store, throttling. A company has better ones in
//! front of it.

mod account;
mod addresses;
mod amqp;
mod answer;
mod api;
mod auth;
mod broker;
mod demo;
mod destination;
mod device;
mod discovery;
mod hub;
mod outbox;
mod records;
mod request;
mod server;
mod session;
mod sockjs;
mod store;
mod tokens;
mod websocket;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use addresses::{InvalidPublicUrl, PublicUrl};
pub use amqp::{AmqpError, AmqpUrl};
pub use server::{Config, SOCKJS_HEART_BEAT, Server, StartError, TOKEN_LIFETIME};
pub use store::StoreError;

/// The largest message and request body taken, in bytes.
const MAX_MESSAGE: usize = 32 * 1024 * 1024;

/// A random text of `bytes` random bytes, in hexadecimal: for ids and for secrets.
fn random_token(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut random);
    data_encoding::HEXLOWER.encode(&random)
}
