//! The settings of a person or an administrator: `settings.toml`, key by key as
//! `docs/reference/settings.md` lists them.
//!
//! The structs mirror the file one to one: section by section, field names are the keys,
//! [`Default`] is the built-in default. Reading (text in, [`Settings`] or every error of the file
//! out) is in the submodules; deliberately absent: finding and opening the file. Invariant: no
//! secret is ever part of a `Settings`, so it may be logged and shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use jiff::{SignedDuration, civil::Time};
use url::Url;

use self::action_url::ActionPrefix;
use crate::notice::{Origin, Priority};

pub mod action_url;
mod diagnostics;
mod edit;
pub mod endpoint;
mod expand;
mod insecure;
mod keys;
mod kind_names;
pub mod origins;
pub mod policy;
mod read;
mod spanned_value;
mod tables;
mod to_value;
mod units;
mod values;

pub use diagnostics::{SettingsError, SettingsErrorKind, SettingsErrors, Warning};
pub use edit::{EditError, edit};
pub use expand::{ExpandError, expand};
pub use insecure::InsecureEndpoint;
pub use keys::read_discovered;
pub use kind_names::{KindName, KindNames};
pub use policy::{ListedSetting, list};
pub use units::{format_duration, parse_duration};
pub use values::{
    AckMode, ApiMethod, AuthMode, Day, HostPattern, HttpSecret, Language, LogLevel, Pointer, Preview, Protocol, Proxy,
    Show, StompSecret, Theme, TimeZoneSetting,
};

/// All settings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// `[server]`: where messages come from.
    pub server: ServerSettings,
    /// `[api]`: the server's HTTP API, which fills the gaps.
    pub api: ApiSettings,
    /// `[auth]`: who signs in, and how the secret travels.
    pub auth: AuthSettings,
    /// `[network]`: proxy, trust, and where plain text is allowed.
    pub network: NetworkSettings,
    /// `[message]`: what stands where in a message.
    pub message: MessageSettings,
    /// `[notifications]`: what pops up.
    pub notifications: NotificationSettings,
    /// `[inbox]`: what is kept.
    pub inbox: InboxSettings,
    /// `[app]`: the window and the desktop.
    pub app: AppSettings,
    /// The names of the keys whose value an administrator has set, at any level. Not a section of the
    /// file: [`policy::resolve`] fills it.
    pub managed: BTreeSet<&'static str>,
}

/// `[server]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerSettings {
    /// ws, wss, http or https, without user or password; the first is preferred, the rest are
    /// failover. Never empty in settings that were read; empty in [`Default`].
    pub endpoints: Vec<Url>,
    /// The protocol of the endpoints.
    pub protocol: Protocol,
    /// STOMP `host` header: RabbitMQ's virtual host.
    pub host: String,
    /// Heart-beats offered in CONNECT.
    pub heart_beat: HeartBeat,
    /// Largest message taken, in bytes; above it a message is skipped and kept as rejected.
    pub max_message: u64,
    /// How often `api.collect` is polled while no WebSocket connection can be established; zero:
    /// never.
    pub poll_every: Duration,
    /// The first retry comes at a random time within this.
    pub reconnect_spread: Duration,
    /// What to subscribe to, in this order.
    pub subscriptions: Vec<Subscription>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            protocol: Protocol::Stomp,
            host: "/".to_owned(),
            heart_beat: HeartBeat::default(),
            max_message: 4 << 20,
            poll_every: Duration::from_secs(5),
            reconnect_spread: Duration::from_secs(2),
            subscriptions: Vec::new(),
        }
    }
}

impl ServerSettings {
    /// Whether messages that are published while there is no session are lost. The raw WebSocket
    /// sends them again.
    pub fn is_transient(&self) -> bool {
        self.protocol != Protocol::Websocket && self.subscriptions.iter().any(Subscription::is_transient)
    }
}

/// `server.heart_beat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeartBeat {
    /// Belfry sends something at least this often; zero: not offered.
    pub send: Duration,
    /// The server is asked to send something at least this often; zero: not asked.
    pub expect: Duration,
}

impl Default for HeartBeat {
    fn default() -> Self {
        Self { send: Duration::from_secs(10), expect: Duration::from_secs(10) }
    }
}

/// One of `[[server.subscriptions]]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subscription {
    /// Where to subscribe, before `{login}` and `{device}` are replaced.
    pub destination: String,
    /// Who acknowledges.
    pub ack: AckMode,
    /// Passed on SUBSCRIBE, before `{login}` and `{device}` are replaced in the values.
    pub headers: BTreeMap<String, String>,
    /// Part of the identity of its notices.
    pub scope: String,
}

impl Subscription {
    /// Whether what is published while there is no session is lost: neither a queue with a name nor
    /// a durable subscription holds it.
    pub fn is_transient(&self) -> bool {
        let has = |name: &str| self.headers.get(name).is_some_and(|value| !value.is_empty() && value != "false");
        let is_queue = ["/queue/", "/amq/queue/"].iter().any(|prefix| self.destination.starts_with(prefix));
        let is_held = ["x-queue-name", "durable", "persistent", "x-stream-offset"].into_iter().any(has);
        !is_queue && !is_held
    }

    /// Who can send through it: only a destination that names this person is personal.
    pub fn origin(&self) -> Origin {
        if self.destination.starts_with("/user/") || self.destination.contains("{login}") {
            Origin::Personal
        } else {
            Origin::Shared(self.destination.clone())
        }
    }
}

/// `[api]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiSettings {
    /// http or https; `None`: there is no HTTP API, catch-up is off.
    pub base: Option<Url>,
    /// Path of `collectMessage` under `base`.
    pub collect: String,
    /// Path of `getMessagePage`; empty where the server lacks it.
    pub history: String,
    /// Path of `deleteMessageById`; empty where the server lacks it.
    pub delete: String,
    /// Path of `getWebSocketClients`; empty where the server lacks it.
    pub clients: String,
    /// Path of `sendMessage`; empty where the server lacks it.
    pub send: String,
    /// How the calls are made.
    pub method: ApiMethod,
    /// Rows asked for at once.
    pub page: u32,
    /// How long the server may hold a collect; zero: short polling.
    pub wait: Duration,
    /// How often a live session is reconciled by a quiet collect; zero: never.
    pub reconcile_every: Duration,
    /// The array of rows in a response; empty: the usual places are tried.
    pub items: Pointer,
    /// The next cursor in a response; empty: the usual places are tried.
    pub cursor: Pointer,
    /// Part of the identity of the API's notices.
    pub scope: String,
}

impl Default for ApiSettings {
    fn default() -> Self {
        let path = |name: &str| format!("/api/message/{name}");
        Self {
            base: None,
            collect: path("collectMessage"),
            history: path("getMessagePage"),
            delete: path("deleteMessageById"),
            clients: path("getWebSocketClients"),
            send: path("sendMessage"),
            method: ApiMethod::Post,
            page: 200,
            wait: Duration::ZERO,
            reconcile_every: Duration::from_secs(600),
            items: Pointer::default(),
            cursor: Pointer::default(),
            scope: String::new(),
        }
    }
}

/// `[auth]`.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthSettings {
    /// What kind of credential there is.
    pub mode: AuthMode,
    /// The account name; empty until a person gives it.
    pub login: String,
    /// The name of this computer as people see it; empty: its host name.
    pub device: String,
    /// How the secret is sent in CONNECT.
    pub stomp: StompSecret,
    /// How the secret is sent with HTTP calls and the WebSocket handshake.
    pub http: HttpSecret,
    /// Mode `password`: the URL that issues a token; `None`: the password itself is the STOMP
    /// passcode.
    pub login_url: Option<Url>,
    /// Mode `password`: what is posted there; `{login}` and `{password}` are replaced.
    pub login_body: String,
    /// Mode `password`: where the token stands in the answer; empty: the usual places are tried.
    pub login_token: Pointer,
    /// Mode `oidc`.
    pub oidc: Oidc,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            mode: AuthMode::Token,
            login: String::new(),
            device: String::new(),
            stomp: StompSecret::Passcode,
            http: HttpSecret::Bearer,
            login_url: None,
            login_body: r#"{"login":"{login}","password":"{password}"}"#.to_owned(),
            login_token: Pointer::default(),
            oidc: Oidc::default(),
        }
    }
}

/// `auth.oidc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Issuer; `None` until it is set.
    pub issuer: Option<Url>,
    /// The public client's id.
    pub client_id: String,
    /// Scopes asked for.
    pub scopes: Vec<String>,
}

impl Default for Oidc {
    fn default() -> Self {
        Self { issuer: None, client_id: String::new(), scopes: vec!["openid".to_owned()] }
    }
}

/// `[network]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkSettings {
    /// Which proxy.
    pub proxy: Proxy,
    /// Extra roots in PEM.
    pub ca_bundle: Option<PathBuf>,
    /// Certificate and key in one PEM, for mutual TLS.
    pub client_cert: Option<PathBuf>,
    /// Where `ws://` and `http://` are allowed besides loopback.
    pub insecure_hosts: Vec<HostPattern>,
}

/// `[message]`: where things stand in a message. An empty pointer maps nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageSettings {
    /// The server's id.
    pub id: Pointer,
    /// First line.
    pub title: Pointer,
    /// The text; a string that holds a JSON object is read as one.
    pub body: Pointer,
    /// The server's type of message.
    pub kind: Pointer,
    /// Who sent it.
    pub sender: Pointer,
    /// When it was sent.
    pub sent_at: Pointer,
    /// A link to more information.
    pub link: Pointer,
    /// How urgent it is.
    pub priority: Pointer,
    /// The state of the matter.
    pub state: Pointer,
    /// Whether the server has delivered the message.
    pub status: Pointer,
    /// The values of `status` that mean "not yet delivered".
    pub undelivered: Vec<String>,
    /// Names that are shown for kinds.
    pub kinds: KindNames,
    /// The higher wins.
    pub version: Pointer,
    /// What a person may do.
    pub actions: Pointer,
    /// The time zone of times without an offset.
    pub time_zone: TimeZoneSetting,
}

impl Default for MessageSettings {
    fn default() -> Self {
        let at = |key: &str| Pointer::of_key(key);
        Self {
            id: at("id"),
            title: at("title"),
            body: at("content"),
            kind: at("type"),
            sender: at("sender"),
            sent_at: at("sendTime"),
            link: at("url"),
            priority: at("priority"),
            state: at("state"),
            status: at("status"),
            undelivered: ["undelivered", "未送达"].map(str::to_owned).to_vec(),
            kinds: KindNames::default(),
            version: at("version"),
            actions: at("actions"),
            time_zone: TimeZoneSetting::Local,
        }
    }
}

/// `[notifications]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationSettings {
    /// Whether anything pops up at all.
    pub enabled: bool,
    /// Name of the sound; empty for none.
    pub sound: String,
    /// How much of a notice popups and summaries show.
    pub preview: Preview,
    /// When only urgent notices pop up.
    pub quiet_hours: QuietHours,
    /// More new notices than this in one catch-up or one second become one summary. At least 1.
    pub burst: u32,
    /// The first that matches decides.
    pub rules: Vec<Rule>,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            sound: "default".to_owned(),
            preview: Preview::Full,
            quiet_hours: QuietHours::default(),
            burst: 5,
            rules: Vec::new(),
        }
    }
}

/// `notifications.quiet_hours`: off unless both ends are set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietHours {
    /// Start, local time. Set together with `to`, or not at all.
    pub from: Option<Time>,
    /// End, local time, exclusive; before `from`: the next morning.
    pub to: Option<Time>,
    /// The days on which the quiet hours start.
    pub days: BTreeSet<Day>,
    /// The lowest priority that still pops up.
    pub allow: Priority,
}

impl Default for QuietHours {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            days: [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri].into(),
            allow: Priority::Urgent,
        }
    }
}

/// One of `notifications.rules`. Without `kind` and `sender` it matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Exact, or a beginning followed by `*`; `None`: any.
    pub kind: Option<String>,
    /// Exact, or a beginning followed by `*`; `None`: any.
    pub sender: Option<String>,
    /// How it is shown.
    pub show: Show,
}

/// `[inbox]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxSettings {
    /// Older notices are deleted; their identity is kept.
    pub retention_days: u32,
    /// Whether deleting here deletes the server's record, for every receiver.
    pub delete_on_server: bool,
}

impl InboxSettings {
    /// How long a notice is kept.
    pub fn retention(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.retention_days))
    }
}

impl Default for InboxSettings {
    fn default() -> Self {
        Self { retention_days: 365, delete_on_server: false }
    }
}

/// `[app]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSettings {
    /// Of the window, the tray, the popups and `belfryctl`.
    pub language: Language,
    /// Of the window.
    pub theme: Theme,
    /// Whether the app starts with the desktop.
    pub start_at_login: bool,
    /// Hosts that links may open, as `HOST` (the port of the link's scheme) or `HOST:PORT`; empty:
    /// those of the endpoints and of `api.base`, with their schemes and ports. Lower case.
    pub allowed_link_hosts: Vec<String>,
    /// Where the buttons of messages may send a POST with the sign-in.
    pub action_urls: Vec<ActionPrefix>,
    /// How much Belfry's own crates log.
    pub log_level: LogLevel,
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            language: Language::Auto,
            theme: Theme::System,
            start_at_login: true,
            allowed_link_hosts: Vec::new(),
            action_urls: Vec::new(),
            log_level: LogLevel::Info,
        }
    }
}
