//! The server as its clients meet it: over real sockets, in this process, on a free port.

mod client;
mod delivery;
mod demo;
mod http;
#[cfg(unix)]
mod rabbit;
mod security;
mod service;
mod sockjs;
mod stomp_sessions;

use std::path::Path;

use serde_json::{Value, json};

use crate::{Account, Config, SOCKJS_HEART_BEAT, Server, TOKEN_LIFETIME};
use client::Api;

/// A server with alice, bob and carol, whose password is their name.
async fn server(change: impl FnOnce(&mut Config)) -> Server {
    let mut config = config();
    change(&mut config);
    Server::start(config).await.unwrap()
}

fn config() -> Config {
    let account = |name: &str| Account { login: name.to_owned(), password: name.to_owned() };
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        data: None,
        amqp: None,
        accounts: ["alice", "bob", "carol"].map(account).to_vec(),
        destructive_collect: false,
        token_lifetime: TOKEN_LIFETIME,
        sockjs_heart_beat: SOCKJS_HEART_BEAT,
        demo: false,
    }
}

fn keeping(folder: &Path) -> impl FnOnce(&mut Config) {
    let folder = folder.to_owned();
    |config| config.data = Some(folder)
}

/// bob sends alice a message.
async fn tell_alice(bob: &Api, id: &str) {
    bob.message("sendMessage", json!({"id": id, "title": id, "content": "c", "type": "1", "receiver": ["alice"]}))
        .await;
}

/// The ids of a page's records.
fn ids(data: &Value) -> Vec<&str> {
    data["records"].as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap()).collect()
}
