//! `/.well-known/belfry.json`: a settings document, without secrets, for whoever knows only the server's address.
//!
//! Its keys are those of `settings.toml`. The two subscriptions are what gives a client every message once: personal
//! ones come on the personal queue, those to everybody on the broadcast topic (see `Broker::publish_record`).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::hub::{BROADCAST, Hub};

/// The personal destination a client is told to take; any other `/user/queue/NAME` does as well.
const PERSONAL: &str = "/user/queue/notices";

/// `GET /.well-known/belfry.json`.
pub(crate) async fn settings(State(hub): State<Arc<Hub>>, headers: HeaderMap) -> Json<Value> {
    let host = host(&headers, &hub);
    Json(json!({
        "server": {
            "endpoints": [format!("ws://{host}/ws")],
            "protocol": "stomp",
            "subscriptions": [
                { "destination": PERSONAL, "ack": "client-individual" },
                { "destination": BROADCAST, "ack": "client-individual" },
            ],
        },
        "api": { "base": format!("http://{host}/ecgapi") },
        "auth": { "mode": "password", "login_url": format!("http://{host}/login") },
    }))
}

/// The host and port under which the client reached us, which behind a forwarded port is not where we listen.
pub(crate) fn host(headers: &HeaderMap, hub: &Hub) -> String {
    let is_host = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte));
    let named = headers.get("host").and_then(|value| value.to_str().ok()).filter(is_host);
    named.map_or_else(|| hub.address.to_string(), str::to_owned)
}
