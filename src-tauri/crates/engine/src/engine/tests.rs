//! An engine with everything but a server: its endpoint refuses each connection, its keychain and its desktop are here.

use std::sync::Mutex;

use secrecy::SecretString;

use super::*;
use crate::{
    inbox::Inbox,
    ports::{CredentialError, NotifyError, Popup, PopupEvent, PopupId, Secret},
    settings::AuthMode,
    status::Connectivity,
};

/// A keychain, and how often a secret was asked of it.
#[derive(Default)]
struct Keychain {
    secret: Mutex<Option<String>>,
    asked: watch::Sender<u64>,
}

impl Keychain {
    fn hold(&self, secret: Option<&str>) {
        *self.secret.lock().unwrap() = secret.map(str::to_owned);
    }
}

impl Credentials for Keychain {
    fn secret(&self, _account: &str, _mode: AuthMode) -> Result<Option<Secret>, CredentialError> {
        self.asked.send_modify(|asked| *asked += 1);
        let secret = self.secret.lock().unwrap().clone();
        Ok(secret.map(|secret| Secret::Token(SecretString::from(secret))))
    }

    fn keep(&self, _account: &str, _secret: &SecretString) -> Result<(), CredentialError> {
        Ok(())
    }

    fn forget(&self, _account: &str) -> Result<(), CredentialError> {
        Ok(())
    }
}

struct Desktop;

impl Notifier for Desktop {
    fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError> {
        Ok(PopupId(popup.title.clone()))
    }

    fn retract(&self, _id: &PopupId) {}

    fn listen(&self, _sink: Box<dyn Fn(PopupEvent) + Send + Sync>) {}
}

fn start(data_dir: &Path, keychain: &Arc<Keychain>) -> Engine {
    // Nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = format!("[server]\nendpoints = [\"ws://127.0.0.1:{port}/ws\"]\n[auth]\nlogin = \"alice\"\n");
    let config = Config {
        settings: Settings::parse(&settings, "settings.toml").unwrap().0,
        data_dir: data_dir.to_owned(),
        machine_id: "machine".to_owned(),
        time_zone: TimeZone::UTC,
        language: Language::English,
        notifier: Arc::new(Desktop),
        credentials: Arc::<Keychain>::clone(keychain),
        to_announce: None,
        on_event: Box::new(|_| {}),
    };
    Engine::start(config, &Handle::current()).unwrap()
}

async fn until(engine: &Engine, wanted: impl Fn(&Status) -> bool) {
    engine.snapshot().wait_for(|snapshot| wanted(&snapshot.status)).await.unwrap();
}

/// What `belfryctl sign-in` and `sign-out` do beside a running engine.
fn tell(engine: &Engine) {
    Inbox::open(engine.dir()).unwrap().unwrap().note_sign_in().unwrap();
}

#[tokio::test]
async fn an_engine_that_needs_a_sign_in_takes_the_one_of_another_program_and_its_sign_out() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::new(Keychain::default()));
    let engine = start(folder.path(), &keychain);
    engine.connect();
    let needs_person = |status: &Status| status.state == Connectivity::ActionNeeded;
    until(&engine, needs_person).await;
    keychain.hold(Some("token"));
    tell(&engine);
    // It has a token now, and tries: that nobody is there is another matter.
    until(&engine, |status| status.state == Connectivity::Offline).await;
    keychain.hold(None);
    tell(&engine);
    until(&engine, needs_person).await;
    engine.end().await;
}

#[tokio::test]
async fn an_engine_that_was_disconnected_stays_so_whoever_signs_in_and_uses_the_new_token_later() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::new(Keychain::default()));
    keychain.hold(Some("old"));
    let engine = start(folder.path(), &keychain);
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
