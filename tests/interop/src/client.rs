//! `belfryctl` of one person at one server.

use std::collections::HashSet;
use std::time::Duration;

use harness::program::{Ended, run_to_end};
use harness::{Home, Running};
use serde_json::Value;

use crate::server::{Audience, Server, message};

/// How long a message may take before another one is published to see whether the subscription has
/// taken effect.
const ARRIVAL_TIMEOUT: Duration = Duration::from_millis(500);

/// The person whose inbox it is.
pub(crate) const LOGIN: &str = "alice";

/// A home folder with settings, and a token.
#[derive(Debug)]
pub(crate) struct Client {
    home: Home,
    token: String,
}

impl Client {
    pub(crate) fn new(settings: &str, token: &str) -> Self {
        Self { home: Home::new(settings), token: token.to_owned() }
    }

    /// Starts `belfryctl run --json`.
    pub(crate) async fn run(&self) -> Running {
        let mut command = self.home.ctl(["run", "--json"]).await;
        command.env("BELFRY_TOKEN", &self.token);
        Running::spawn(command)
    }

    /// Runs `belfryctl` until it ends.
    pub(crate) async fn ctl(&self, args: &[&str]) -> Ended {
        let mut command = self.home.ctl(args).await;
        command.env("BELFRY_TOKEN", &self.token);
        run_to_end(command).await
    }
}

/// Publishes until the first message arrives: a server may apply SUBSCRIBE late, and without a
/// history it loses what was published before.
pub(crate) async fn wait_until_subscribed(server: &impl Server, running: &mut Running, to: Audience, prefix: &str) {
    wait_for_probe(running, prefix, async |message| server.publish(to, &message).await).await;
}

/// The same for any way to publish.
///
/// # Panics
/// If nothing arrives.
pub(crate) async fn wait_for_probe(running: &mut Running, prefix: &str, publish: impl AsyncFn(Value)) {
    let mut sent = HashSet::new();
    loop {
        let id = format!("{prefix}-probe-{}", sent.len());
        publish(message(&id)).await;
        sent.insert(id);
        assert!(sent.len() < 120, "nothing of {sent:?} arrives: {}", running.stdout());
        let arrived = running.event("a probe", |event| notice_id(event).is_some_and(|id| sent.contains(id)));
        if tokio::time::timeout(ARRIVAL_TIMEOUT, arrived).await.is_ok() {
            return;
        }
    }
}

/// The id of a `notice` event.
pub(crate) fn notice_id(event: &Value) -> Option<&str> {
    event.get("id").and_then(Value::as_str).filter(|_| event["event"] == "notice")
}

/// A text member of an event.
pub(crate) fn text<'a>(event: &'a Value, name: &str) -> &'a str {
    event.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The ids of all notices so far, none of them twice.
///
/// # Panics
/// If one came twice.
pub(crate) fn notices_once(running: &mut Running) -> HashSet<String> {
    let notices = running.all_of("notice");
    let ids: HashSet<String> = notices.iter().filter_map(notice_id).map(str::to_owned).collect();
    assert_eq!(ids.len(), notices.len(), "a notice came twice: {notices:?}");
    ids
}
