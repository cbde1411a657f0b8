//! What Belfry's integration tests are built from: a real RabbitMQ, faults on the wire, a
//! certificate authority and TLS in front of any server, fakes for what real servers don't do,
//! Belfry's own programs as child processes, and a private desktop to run the app on.
//!
//! A helper that cannot do its work fails the test that uses it, so it panics; that is why the
//! lints against it are off here. Every process started here ends with the test process, however
//! that ends. Everything listens on loopback.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

pub mod amqp;
pub mod api;
pub mod broker;
pub mod certificates;
pub mod child_guard;
pub mod connect_proxy;
pub mod desktop;
pub mod http;
pub mod oidc;
pub mod ports;
pub mod processes;
pub mod program;
pub mod proxy;
pub mod pushd;
pub mod rabbit;
pub mod skip;
pub mod socks;
pub mod squid;
pub mod tls;
pub mod webdriver;
pub mod wire;

pub use amqp::Amqp;
pub use api::FakeApi;
pub use broker::FakeBroker;
pub use certificates::CertificateAuthority;
pub use connect_proxy::ConnectProxy;
pub use desktop::Desktop;
pub use oidc::Provider;
pub use program::{Home, Running};
pub use proxy::FaultProxy;
pub use pushd::Pushd;
pub use rabbit::RabbitMq;
pub use socks::{Names, Socks};
pub use squid::Squid;
pub use tls::TlsFront;
pub use webdriver::Page;
pub use wire::Wire;
