//! `/.well-known/belfry.json`: a settings document, without secrets, for a person who knows only
//! the server's address.
//!
//! Its keys are those of `settings.toml` (see `docs/reference/settings.md`). The two subscriptions
//! are what gives a client every message once: personal ones come on the personal queue, those to
//! everybody on the broadcast topic (see `Broker::publish_record`). With `--demo`,
//! `app.action_urls` names where the buttons of its messages point to.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::demo;
use crate::destination::BROADCAST;
use crate::hub::Hub;

/// The personal destination a client is told to take; any other `/user/queue/NAME` does as well.
const PERSONAL: &str = "/user/queue/notices";

/// `GET /.well-known/belfry.json`.
pub(crate) async fn settings(State(hub): State<Arc<Hub>>) -> Json<Value> {
    let (http, ws) = (hub.rules.addresses.http(), hub.rules.addresses.ws());
    let mut settings = json!({
        "server": {
            "endpoints": [format!("{ws}/ws")],
            "protocol": "stomp",
            "subscriptions": [
                { "destination": PERSONAL, "ack": "client-individual" },
                { "destination": BROADCAST, "ack": "client-individual" },
            ],
        },
        "api": { "base": format!("{http}/ecgapi") },
        "auth": { "mode": "password", "login_url": format!("{http}/login") },
    });
    if hub.rules.is_demo
        && let Some(settings) = settings.as_object_mut()
    {
        settings.insert("app".to_owned(), json!({ "action_urls": [demo::action_url(&http)] }));
    }
    Json(settings)
}
