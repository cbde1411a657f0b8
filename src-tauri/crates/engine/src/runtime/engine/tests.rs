//! An engine with everything but a server: its endpoint refuses each connection, its keychain and
//! its desktop are here.

use std::sync::{Barrier, Mutex, OnceLock};

use secrecy::SecretString;

use super::*;
use crate::{
    inbox::Inbox,
    net::proxy_finder::tests::NoSystem,
    store::tests::{arrival, notice},
};
use belfry_core::status::Status;
use belfry_core::{
    ports::{CredentialError, NotifyError, Popup, PopupEvent, PopupId, Secret, StoredSecret},
    settings::{AuthMode, origins::AgreedOrigins},
    status::{Connectivity, Kind},
};

/// A keychain, and how often a secret was asked of it.
#[derive(Default)]
struct Keychain {
    secret: Mutex<Option<String>>,
    agreed: Mutex<AgreedOrigins>,
    asked: watch::Sender<u64>,
}

impl Keychain {
    fn hold(&self, secret: Option<&str>) {
        *self.secret.lock().unwrap() = secret.map(str::to_owned);
    }
}

impl Credentials for Keychain {
    fn secret(&self, _account: &str, _mode: AuthMode) -> Result<Option<StoredSecret>, CredentialError> {
        self.asked.send_modify(|asked| *asked += 1);
        let secret = self.secret.lock().unwrap().clone();
        let secret = secret.map(|secret| Secret::Token(SecretString::from(secret)));
        Ok(secret.map(|secret| StoredSecret::kept(secret, self.agreed.lock().unwrap().clone())))
    }

    fn keep(&self, _account: &str, _secret: &SecretString, _agreed: &AgreedOrigins) -> Result<(), CredentialError> {
        Ok(())
    }

    fn forget(&self, _account: &str) -> Result<(), CredentialError> {
        Ok(())
    }
}

/// A desktop that holds a popup until another thread comes to the gate too.
#[derive(Default)]
struct Desktop {
    gate: Option<Arc<Barrier>>,
    is_broken: bool,
}

impl Notifier for Desktop {
    fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError> {
        assert!(!self.is_broken, "a panic on purpose");
        if let Some(gate) = &self.gate {
            gate.wait();
        }
        Ok(PopupId(popup.title.clone()))
    }

    fn retract(&self, _id: &PopupId) {}

    fn listen(&self, _sink: Box<dyn Fn(PopupEvent) + Send + Sync>) {}
}

fn start(data_dir: &Path, keychain: &Arc<Keychain>, desktop: Desktop) -> Engine {
    // No program listens on a port that was just given back. It is part of the account's name, so
    // it is the same for all tests.
    static PORT: OnceLock<u16> = OnceLock::new();
    let port = PORT.get_or_init(|| std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
    let settings = format!("[server]\nendpoints = [\"ws://127.0.0.1:{port}/ws\"]\n[auth]\nlogin = \"alice\"\n");
    let settings = Settings::parse(&settings, "settings.toml").unwrap().0;
    *keychain.agreed.lock().unwrap() = AgreedOrigins::of(&settings);
    start_with(settings, data_dir, keychain, desktop)
}

fn start_with(settings: Settings, data_dir: &Path, keychain: &Arc<Keychain>, desktop: Desktop) -> Engine {
    let config = EngineConfig {
        settings,
        data_dir: data_dir.to_owned(),
        machine_id: "machine".to_owned(),
        host_name: "desk".to_owned(),
        time_zone: TimeZone::UTC,
        language: Language::English,
        notifier: Arc::new(desktop),
        credentials: Arc::<Keychain>::clone(keychain),
        proxies: Arc::new(NoSystem),
        to_announce: None,
        on_event: Box::new(|_| {}),
        trim_memory: || {},
    };
    Engine::start(config, &Handle::current()).unwrap()
}

async fn until(engine: &Engine, wanted: impl Fn(&Status) -> bool) {
    engine.snapshot().wait_for(|snapshot| wanted(&snapshot.status)).await.unwrap();
}

#[tokio::test]
async fn settings_that_name_another_origin_need_a_sign_in_before_anything_is_sent_there() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::new(Keychain::default()));
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let own = "[server]\nendpoints = [\"ws://push.invalid/ws\"]\n[network]\ninsecure_hosts = [\"push.invalid\"]\n";
    let api = format!("{own}[api]\nbase = \"http://{}\"\n", other.local_addr().unwrap());
    let settings = |text: &str| Settings::parse(text, "settings.toml").unwrap().0;
    keychain.hold(Some("token"));
    *keychain.agreed.lock().unwrap() = AgreedOrigins::of(&settings(own));
    let engine = start_with(settings(&api), folder.path(), &keychain, Desktop::default());
    engine.connect();
    until(&engine, |status| {
        let cause = status.cause.as_ref().filter(|_| status.state == Connectivity::ActionNeeded);
        cause.is_some_and(|cause| cause.kind == Kind::NotAgreed && cause.detail == "localhost (api.base)")
    })
    .await;
    other.set_nonblocking(true).unwrap();
    assert_eq!(other.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nothing was sent");
    // Signing in agrees to what the settings name now.
    *keychain.agreed.lock().unwrap() = AgreedOrigins::of(&settings(&api));
    engine.signed_in();
    until(&engine, |status| status.state == Connectivity::Offline).await;
    engine.end().await;
}

/// What `belfryctl sign-in` and `sign-out` do beside a running engine.
fn tell(engine: &Engine) {
    Inbox::open(engine.dir()).unwrap().unwrap().note_sign_in().unwrap();
}

#[tokio::test]
async fn an_engine_that_needs_a_sign_in_takes_the_one_of_another_program_and_its_sign_out() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::new(Keychain::default()));
    let engine = start(folder.path(), &keychain, Desktop::default());
    engine.connect();
    let needs_person = |status: &Status| status.state == Connectivity::ActionNeeded;
    until(&engine, needs_person).await;
    keychain.hold(Some("token"));
    tell(&engine);
    // It has a token now and tries to connect; no server is there, so it is offline.
    until(&engine, |status| status.state == Connectivity::Offline).await;
    keychain.hold(None);
    tell(&engine);
    until(&engine, needs_person).await;
    engine.end().await;
}

#[tokio::test]
async fn an_engine_that_was_disconnected_stays_so_when_another_program_signs_in_and_uses_the_new_token_later() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::new(Keychain::default()));
    keychain.hold(Some("old"));
    let engine = start(folder.path(), &keychain, Desktop::default());
    engine.connect();
    until(&engine, |status| status.retry_in.is_some()).await;
    engine.disconnect();
    until(&engine, |status| status.retry_in.is_none() && status.state == Connectivity::Offline).await;
    let revision = engine.snapshot().borrow().revision;
    let mut asked = keychain.asked.subscribe();
    let before = *asked.borrow_and_update();
    tell(&engine);
    let told = engine.snapshot().wait_for(|snapshot| snapshot.revision > revision).await.unwrap().clone();
    assert_eq!((told.status.state, *asked.borrow()), (Connectivity::Offline, before));
    engine.connect();
    asked.wait_for(|asked| *asked > before).await.unwrap();
    engine.end().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_state_of_an_engine_can_be_read_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::new(Keychain::default()));
    let engine = start(folder.path(), &keychain, Desktop::default());
    let file = engine.dir().join(STATUS_FILE);
    // It is published at the start, and again when the engine has a reason to stay offline.
    engine.connect();
    until(&engine, |status| status.state == Connectivity::ActionNeeded).await;
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    engine.end().await;
}

#[tokio::test]
async fn a_popup_that_is_on_its_way_at_the_end_is_waited_for_and_known_to_the_next_run() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::new(Keychain::default()));
    let engine = start(folder.path(), &keychain, Desktop::default());
    let (dir, account) = (engine.dir().to_owned(), engine.identity().account.name());
    engine.end().await;
    Store::open(&dir, &account).unwrap().apply(&[arrival(notice("1"))]).unwrap();

    let gate = Arc::new(Barrier::new(2));
    // It is due, and so on its way at once.
    let engine = start(folder.path(), &keychain, Desktop { gate: Some(Arc::clone(&gate)), is_broken: false });
    let ended = tokio::spawn(engine.end());
    tokio::task::spawn_blocking(move || gate.wait()).await.unwrap();
    ended.await.unwrap();
    let mut store = Store::open(&dir, &account).unwrap();
    let recovered = store.recover().unwrap();
    assert_eq!((recovered.uncertain, recovered.popups.len()), (0, 1));
}

#[tokio::test]
async fn an_engine_whose_part_panics_ends_and_frees_its_folder_for_the_next_which_does_not_repeat_it() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::new(Keychain::default()));
    let engine = start(folder.path(), &keychain, Desktop::default());
    let (dir, account) = (engine.dir().to_owned(), engine.identity().account.name());
    engine.end().await;
    Store::open(&dir, &account).unwrap().apply(&[arrival(notice("1"))]).unwrap();

    // Its popup is due, and so it panics at once.
    let engine = start(folder.path(), &keychain, Desktop { is_broken: true, gate: None });
    let mut snapshot = engine.snapshot();
    while snapshot.changed().await.is_ok() {}
    engine.end().await;
    let engine = start(folder.path(), &keychain, Desktop { is_broken: true, gate: None });
    let mut snapshot = engine.snapshot();
    engine.connect();
    let until = |status: &Status| status.state != Connectivity::Offline || status.retry_in.is_some();
    snapshot.wait_for(|snapshot| until(&snapshot.status)).await.unwrap();
    engine.end().await;
    let recovered = Store::open(&dir, &account).unwrap().recover().unwrap();
    assert_eq!((recovered.uncertain, recovered.popups.len()), (0, 0), "it may have been seen");
}
