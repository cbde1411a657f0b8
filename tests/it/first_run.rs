//! The first run and the window's requests to a server, through the engine's public API: from an
//! address to a test notice.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use belfry_core::account::Account;
use belfry_core::error::Fault;
use belfry_core::event::Event;
use belfry_core::ports::{
    CredentialError, Credentials, Notifier, NotifyError, Popup, PopupEvent, PopupId, ProvidedAgreement, Secret,
    StoredSecret,
};
use belfry_core::settings::{AuthMode, NetworkSettings, Settings, origins::AgreedOrigins};
use belfry_core::storage::ActionOutcome;
use engine::inbox::{Filter, Inbox, Place};
use engine::net::api::ActionCall;
use engine::net::discovery::{DiscoveredServer, DiscoveryError, discover};
use engine::net::identity::Identity;
use engine::{Engine, EngineConfig, runtime::data_dir::device_id};
use engine::{
    net::{http, token},
    runtime::settings_file,
};
use harness::api::{Answer, CLIENTS};
use harness::http::Response;
use harness::{FakeApi, Pushd};
use host::proxies::MachineProxies;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::fixtures::text;

/// Only a failure takes this long.
const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Credentials with one fixed secret.
struct FixedCredentials(Secret);

impl Credentials for FixedCredentials {
    fn secret(&self, _: &str, _: AuthMode) -> Result<Option<StoredSecret>, CredentialError> {
        Ok(Some(StoredSecret::provided(self.0.clone(), &ProvidedAgreement::default())))
    }
    fn keep(&self, _: &str, _: &SecretString, _: &AgreedOrigins) -> Result<(), CredentialError> {
        Ok(())
    }
    fn forget(&self, _: &str) -> Result<(), CredentialError> {
        Ok(())
    }
}

/// A notifier that accepts every popup and numbers it.
#[derive(Default)]
struct CountingNotifier(Mutex<u32>);

impl Notifier for CountingNotifier {
    fn show(&self, _: &Popup) -> Result<PopupId, NotifyError> {
        let mut shown = self.0.lock().unwrap();
        *shown += 1;
        Ok(PopupId(shown.to_string()))
    }
    fn retract(&self, _: &PopupId) {}
    fn listen(&self, _: Box<dyn Fn(PopupEvent) + Send + Sync>) {}
}

/// A running engine, and its events.
struct RunningEngine {
    engine: Engine,
    events: UnboundedReceiver<Event>,
}

impl RunningEngine {
    fn start(settings: Settings, data_dir: &Path, secret: Secret) -> Self {
        let (sender, events) = unbounded_channel();
        let config = EngineConfig {
            settings,
            data_dir: data_dir.to_owned(),
            machine_id: "a machine".to_owned(),
            host_name: "desk".to_owned(),
            time_zone: TimeZone::UTC,
            language: belfry_core::texts::Language::English,
            notifier: Arc::new(CountingNotifier::default()),
            credentials: Arc::new(FixedCredentials(secret)),
            proxies: Arc::new(MachineProxies),
            to_announce: None,
            on_event: Box::new(move |event| drop(sender.send(event))),
            trim_memory: || {},
        };
        let engine = Engine::start(config, &Handle::current()).unwrap();
        engine.connect();
        Self { engine, events }
    }

    async fn wait_for(&mut self, what: &str, is_wanted: impl Fn(&Event) -> bool) {
        let found = async { while !is_wanted(&self.events.recv().await.expect("the engine runs")) {} };
        timeout(EVENT_TIMEOUT, found).await.unwrap_or_else(|_| panic!("no {what} came"));
    }

    async fn live(&mut self) {
        let is_live = |event: &Event| serde_json::to_value(event).is_ok_and(|event| event["state"] == "live");
        self.wait_for("live state", is_live).await;
    }

    fn inbox(&self) -> Inbox {
        Inbox::open(self.engine.dir()).unwrap().expect("an inbox")
    }

    /// The ids in the inbox, newest first.
    fn ids(&self) -> Vec<String> {
        let page = self.inbox().page(&Filter::default(), Place::Newest, 100).unwrap();
        page.rows.into_iter().map(|detail| detail.row.id).collect()
    }
}

async fn pushd() -> Pushd {
    Pushd::start(["--user", "alice:secret", "--user", "bob:secret"]).await
}

async fn found(pushd: &Pushd) -> DiscoveredServer {
    let network = NetworkSettings::default();
    let client = http::client(&network, Arc::new(MachineProxies)).unwrap();
    discover(&client, &network, pushd.http().strip_prefix("http://").unwrap()).await.unwrap()
}

/// Signed in to the discovered server, with settings that were written to a file.
async fn signed_in(pushd: &Pushd, folder: &Path, login: &str) -> RunningEngine {
    let mut changes: Vec<_> = found(pushd).await.keys.into_iter().map(|(key, value)| (key, Some(value))).collect();
    changes.push(("auth.login".to_owned(), Some(json!(login))));
    let settings = settings_file::save(&folder.join("settings.toml"), &changes).unwrap();
    let mut running = RunningEngine::start(settings, &folder.join("data"), Secret::Password("secret".into()));
    running.live().await;
    running
}

#[tokio::test]
async fn from_an_address_to_a_test_notice_through_the_whole_chain() {
    let pushd = pushd().await;
    let folder = tempfile::tempdir().unwrap();
    let mut alice = signed_in(&pushd, folder.path(), "alice").await;
    let id = alice.engine.server().send_to_self("A test", "from end to end").await.unwrap().expect("an id");
    alice.wait_for("notice", |event| matches!(event, Event::Notice { id: arrived, .. } if *arrived == id)).await;
    alice
        .wait_for("notification", |event| {
            matches!(event, Event::Notification { notices, .. } if notices.only().is_some_and(|key| key.id == id))
        })
        .await;
    assert_eq!(alice.ids(), [id]);
    alice.engine.end().await;
}

#[tokio::test]
async fn a_password_is_checked_at_the_login_url_and_a_token_on_a_session_before_anything_is_saved() {
    let pushd = pushd().await;
    let mut changes: Vec<_> = found(&pushd).await.keys.into_iter().map(|(key, value)| (key, Some(value))).collect();
    changes.push(("auth.login".to_owned(), Some(json!("alice"))));
    let check = async |secret: Secret, more: (&str, Value)| {
        let folder = tempfile::tempdir().unwrap();
        let changes: Vec<_> = changes.iter().cloned().chain([(more.0.to_owned(), Some(more.1))]).collect();
        let settings = settings_file::save(&folder.path().join("settings.toml"), &changes).unwrap();
        let account = Account::of(&settings).unwrap();
        let device = device_id(folder.path(), "a machine").unwrap();
        let identity = Arc::new(Identity::new(settings, account, device, "desk"));
        let client = http::client(&identity.settings.network, Arc::new(MachineProxies)).unwrap();
        token::check(&client, &identity, &secret).await.map_err(|failure| failure.fault)
    };
    let password = |text: &str| Secret::Password(text.into());
    let usual = || ("auth.device", json!(""));
    assert_eq!(check(password("secret"), usual()).await, Ok(()));
    assert_eq!(check(password("wrong"), usual()).await, Err(Fault::Password));
    assert_eq!(check(Secret::Token("wrong".into()), usual()).await, Err(Fault::Refused));
    let nowhere = ("auth.login_url", json!(format!("{}/nowhere", pushd.http())));
    assert_eq!(check(password("secret"), nowhere).await, Err(Fault::Settings));
    assert_eq!(check(password("secret"), ("auth.login_token", json!("/no/token"))).await, Err(Fault::Settings));
    let plain = ("auth.login_url", json!("http://push.example.com/login"));
    assert_eq!(check(password("secret"), plain).await, Err(Fault::Insecure), "before anything is sent");
}

#[tokio::test]
async fn the_discovery_document_of_a_server_becomes_settings_with_its_sign_in_mode() {
    let pushd = pushd().await;
    let DiscoveredServer { settings, keys, is_discovered, .. } = found(&pushd).await;
    assert!(is_discovered);
    assert_eq!(settings.server.endpoints[0].as_str(), pushd.stomp());
    assert_eq!(settings.server.subscriptions.len(), 2);
    assert_eq!(settings.auth.mode, belfry_core::settings::AuthMode::Password);
    assert!(settings.auth.login_url.is_some(), "the password is not a token, a token is issued there");
    assert!(keys.iter().all(|(key, _)| ["server.", "api.", "auth."].iter().any(|section| key.starts_with(section))));
}

#[tokio::test]
async fn an_unreachable_address_and_one_of_another_service_are_different_errors() {
    let network = NetworkSettings::default();
    let client = http::client(&network, Arc::new(MachineProxies)).unwrap();
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = discover(&client, &network, &free.to_string()).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Unreachable(_)), "{error}");
    let api = FakeApi::start().await;
    let error = discover(&client, &network, &format!("http://{}", api.address())).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Nothing(_)), "{error}");
}

#[tokio::test]
async fn a_notice_deleted_on_the_server_is_gone_for_every_receiver() {
    let pushd = pushd().await;
    let folder = tempfile::tempdir().unwrap();
    let mut alice = signed_in(&pushd, folder.path(), "alice").await;
    let bob = pushd.login("bob", "secret").await;
    let message = json!({"title": "one", "content": "text", "type": "1", "receiver": ["alice", "bob"]});
    let id = text(&pushd.call(&bob, "sendMessage", &message).await, "id");
    alice.wait_for("notice", |event| matches!(event, Event::Notice { .. })).await;
    let server = alice.engine.server();
    assert!(server.offers().delete && server.offers().history && server.offers().clients);
    assert!(server.delete(&id).await.unwrap());
    assert!(!server.delete(&id).await.unwrap(), "it was deleted already");
    let left = pushd.call(&bob, "getMessagePage", &json!({"pageNum": 1, "pageSize": 10})).await;
    assert!(!left.to_string().contains(&id), "{left}");
    alice.engine.end().await;
}

#[tokio::test]
async fn this_device_is_first_among_those_that_are_signed_in() {
    let pushd = pushd().await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = signed_in(&pushd, folders[0].path(), "alice").await;
    let bob = signed_in(&pushd, folders[1].path(), "bob").await;
    let clients = bob.engine.server().clients().await.unwrap();
    let seen: Vec<_> = clients.iter().map(|client| (client.login.as_str(), client.is_this)).collect();
    assert_eq!(seen, [("bob", true), ("alice", false)]);
    assert!(!clients[0].since.is_empty());
    alice.engine.end().await;
    bob.engine.end().await;
}

#[tokio::test]
async fn older_history_is_read_on_demand_and_never_what_may_still_notify() {
    let pushd = pushd().await;
    let folder = tempfile::tempdir().unwrap();
    let mut alice = signed_in(&pushd, folder.path(), "alice").await;
    let id = alice.engine.server().send_to_self("now", "text").await.unwrap().expect("an id");
    alice.wait_for("notice", |event| matches!(event, Event::Notice { .. })).await;
    let server = alice.engine.server();
    let day = jiff::SignedDuration::from_hours(24);
    let now = Timestamp::now();
    let page = server.history(1, now, now - day).await.unwrap();
    assert_eq!(page.notices, [], "what was sent a moment ago arrives through the session");
    let page = server.history(1, now + day, now - day).await.unwrap();
    assert_eq!((page.notices.len(), page.is_last), (1, false));
    assert_eq!(alice.inbox().add_older(&page.notices, now).unwrap(), 0, "it is known: {id}");
    let page = server.history(1, now + day, now + day / 2).await.unwrap();
    assert!(page.notices.is_empty() && page.is_last, "what retention removes is not read");
    assert!(server.history(2, now, now - day).await.unwrap().is_last);
    alice.engine.end().await;
}

#[tokio::test]
async fn the_request_of_a_button_carries_the_secret_and_its_answer_says_what_came_of_it() {
    let pushd = pushd().await;
    let folder = tempfile::tempdir().unwrap();
    let alice = signed_in(&pushd, folder.path(), "alice").await;
    let server = alice.engine.server();
    let act = |path: &str| {
        let call = ActionCall {
            url: format!("{}{path}", pushd.http()).parse().unwrap(),
            id: "7".to_owned(),
            action: "approve".to_owned(),
            idempotency_key: "key".to_owned(),
        };
        async move { server.act(&call).await.unwrap().outcome }
    };
    let clients = "/ecgapi/api/message/getWebSocketClients";
    assert_eq!(act(clients).await, ActionOutcome::Done, "it needs a sign-in, so the secret was there");
    assert_eq!(act("/nothing").await, ActionOutcome::Refused);
    alice.engine.end().await;
}

#[tokio::test]
async fn a_request_is_repeated_once_with_a_new_token_when_the_first_has_expired() {
    let (pushd, service) = (pushd().await, FakeApi::start().await);
    let folder = tempfile::tempdir().unwrap();
    let mut changes: Vec<_> = found(&pushd).await.keys.into_iter().map(|(key, value)| (key, Some(value))).collect();
    changes.push(("auth.login".to_owned(), Some(json!("alice"))));
    changes.push(("api.base".to_owned(), Some(json!(service.url()))));
    let settings = settings_file::save(&folder.path().join("settings.toml"), &changes).unwrap();
    let mut alice = RunningEngine::start(settings, &folder.path().join("data"), Secret::Password("secret".into()));
    alice.live().await;
    let expired = || Answer::Instead(Response::json(401, &Value::Null));
    service.next(CLIENTS, expired());
    assert_eq!(alice.engine.server().clients().await, Ok(Vec::new()));
    let requests = service.requests(CLIENTS);
    assert!(requests.len() == 2 && requests[0].header("authorization") != requests[1].header("authorization"));
    service.next(CLIENTS, expired());
    service.next(CLIENTS, expired());
    let failure = alice.engine.server().clients().await.unwrap_err();
    assert_eq!((failure.fault, service.requests(CLIENTS).len()), (Fault::Status(401), 4), "once");
    alice.engine.end().await;
}

#[tokio::test]
async fn a_test_notice_is_not_sent_when_the_settings_have_no_login() {
    let pushd = pushd().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = found(&pushd).await.settings;
    let running = RunningEngine::start(settings, folder.path(), Secret::Token("no token".into()));
    let failure = running.engine.server().send_to_self("A test", "").await.unwrap_err();
    assert_eq!(failure.fault, Fault::Settings);
    let bob = pushd.login("bob", "secret").await;
    let record: Value = pushd.call(&bob, "getMessagePage", &json!({"pageNum": 1, "pageSize": 10})).await;
    assert!(!record.to_string().contains("A test"), "{record}");
    running.engine.end().await;
}
