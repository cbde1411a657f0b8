//! What the tests share: settings, users with a token and a home folder, and checks of events.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::process::Command;

use harness::program::{Ended, run_to_end};
use harness::tls::TlsGateway;
use harness::{Home, Pushd, Running};
use serde_json::Value;

/// Settings for one server. A subscription is TOML lines, such as `destination = "/queue/x"`;
/// `more` is further sections.
pub(crate) fn settings(endpoint: &str, login: &str, subscriptions: &[&str], more: &str) -> String {
    let mut text = format!("[server]\nendpoints = [\"{endpoint}\"]\nreconnect_spread = \"1s\"\n");
    for subscription in subscriptions {
        write!(text, "\n[[server.subscriptions]]\nack = \"client-individual\"\n{subscription}\n").unwrap();
    }
    write!(text, "\n[auth]\nlogin = \"{login}\"\n\n{more}\n").unwrap();
    text
}

/// The same settings with another line in `[server]`.
pub(crate) fn with_server(settings: &str, line: &str) -> String {
    settings.replacen("[server]\n", &format!("[server]\n{line}\n"), 1)
}

/// `[api]` at `base`.
pub(crate) fn api(base: &str) -> String {
    format!("[api]\nbase = \"{base}\"\n")
}

/// What `belfry-pushd` offers every user: a personal queue, the broadcast topic, the message API.
pub(crate) fn pushd_settings(pushd: &Pushd, login: &str) -> String {
    let subscriptions = ["destination = \"/user/queue/notices\"", "destination = \"/topic/broadcast\""];
    settings(pushd.stomp(), login, &subscriptions, &api(&pushd.api_base()))
}

/// The same `belfry-pushd` over its raw WebSocket, at this address; `more` is further sections.
pub(crate) fn raw_settings(endpoint: &str, login: &str, more: &str) -> String {
    with_server(&settings(endpoint, login, &[], more), "protocol = \"websocket\"")
}

/// The same settings with sign-in by password: `login_url` is the server's `/login`, or a proxy of
/// it.
pub(crate) fn with_password(settings: &str, login_url: &str) -> String {
    settings.replacen("[auth]\n", &format!("[auth]\nmode = \"password\"\nlogin_url = \"{login_url}\"\n"), 1)
}

/// A user with a home folder.
pub(crate) struct Person {
    pub(crate) home: Home,
    pub(crate) token: String,
    pub(crate) gateway: TlsGateway,
}

impl Person {
    /// A user of these servers, with TLS in front of each.
    pub(crate) fn new(settings: &str, token: &str) -> Self {
        let gateway = TlsGateway::default();
        Self { home: Home::new(&gateway.secure(settings)), token: token.to_owned(), gateway }
    }

    /// A user of servers as they are: for what TLS in between would change or hide.
    pub(crate) fn without_tls(settings: &str, token: &str) -> Self {
        Self { home: Home::new(settings), token: token.to_owned(), gateway: TlsGateway::default() }
    }

    /// Replaces the settings, with TLS as in [`Self::new`].
    pub(crate) fn write_settings(&self, settings: &str) {
        self.home.write_settings(&self.gateway.secure(settings));
    }

    /// A user of `belfry-pushd`, whose password is `secret`.
    pub(crate) async fn of(pushd: &Pushd, login: &str) -> Self {
        Self::new(&pushd_settings(pushd, login), &pushd.login(login, "secret").await)
    }

    /// Starts `belfryctl run --json`.
    pub(crate) async fn run(&self) -> Running {
        let mut command = self.home.ctl(["run", "--json"]).await;
        command.env("BELFRY_TOKEN", &self.token);
        Running::spawn(command)
    }

    /// Starts it and waits until it is live.
    pub(crate) async fn run_live(&self) -> Running {
        let mut running = self.run().await;
        running.state("live").await;
        running
    }

    /// Runs `belfryctl` until it ends.
    pub(crate) async fn ctl(&self, args: &[&str]) -> Ended {
        let mut command = self.home.ctl(args).await;
        command.env("BELFRY_TOKEN", &self.token);
        run_to_end(command).await
    }

    /// The inbox, newest first.
    pub(crate) async fn inbox(&self) -> Vec<Value> {
        let ended = self.ctl(&["inbox", "list", "--json", "--limit", "100000"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.json().as_array().expect("an array").clone()
    }

    /// The ids in the inbox, sorted.
    pub(crate) async fn inbox_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.inbox().await.iter().map(|notice| text(notice, "id")).collect();
        ids.sort();
        ids
    }
}

/// Has the environment of a program name this proxy and no other.
pub(crate) fn set_proxy(command: &mut Command, proxy: Option<&str>) {
    for name in ["http_proxy", "all_proxy", "no_proxy", "ALL_PROXY", "NO_PROXY", "https_proxy", "HTTPS_PROXY"] {
        command.env_remove(name);
    }
    if let Some(proxy) = proxy {
        command.env("HTTPS_PROXY", proxy);
    }
}

/// A text member of a JSON object.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}")).to_owned()
}

/// The ids of `notice` events, sorted.
pub(crate) fn ids(notices: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> = notices.iter().map(|notice| text(notice, "id")).collect();
    ids.sort();
    ids
}

/// `PREFIX-1` to `PREFIX-COUNT`, sorted as text.
pub(crate) fn numbered(prefix: &str, count: usize) -> Vec<String> {
    let mut ids: Vec<String> = (1..=count).map(|n| format!("{prefix}-{n}")).collect();
    ids.sort();
    ids
}

/// No notice popped up twice, by itself or in a summary.
pub(crate) fn assert_no_second_popup(notifications: &[Value]) {
    let mut seen = HashSet::new();
    for notification in notifications.iter().filter(|it| it["type"] == "single" || it["type"] == "summary") {
        for id in notification["notices"].as_array().expect("ids") {
            assert!(seen.insert(id.clone()), "{id} popped up twice: {notification}");
        }
    }
}
