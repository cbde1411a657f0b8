//! A person's computer, as far as the app knows it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use belfry_core::ports::{
    CredentialError, Credentials, Notifier, NotifyError, Popup, PopupEvent, PopupId, PopupKind, Secret, StoredSecret,
};
use belfry_core::settings::origins::AgreedOrigins;
use belfry_core::settings::{AuthMode, Settings, Theme};
use belfry_core::texts::Language;
use host::proxies::MachineProxies;
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use url::Url;

use crate::gui::{Gui, WindowGone, WindowListener};
use crate::ipc::{Chosen, CommandError, Connectivity, Server, SignedIn, Update};
use crate::session_credentials::SessionCredentials;
use crate::tray::Tray;
use crate::{App, Controller, Machine, Request, Started};

/// Only a failure takes that long.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the desktop was told to do.
#[derive(Debug)]
pub(super) enum Did {
    Tray(Tray),
    Window,
    /// The window is to come to the front with this permission of the desktop; then [`Did::Window`].
    Focus(String),
    PlacementSaved,
    Url(Url),
    Folder(PathBuf),
    Exit(u8),
}

pub(super) struct FakeGui(UnboundedSender<Did>);

impl FakeGui {
    fn note(&self, did: Did) {
        drop(self.0.send(did));
    }
}

impl Gui for FakeGui {
    fn show_tray(&mut self, tray: Tray) {
        self.note(Did::Tray(tray));
    }
    fn show_window(&mut self, _: Theme, token: Option<String>) {
        if let Some(token) = token {
            self.note(Did::Focus(token));
        }
        self.note(Did::Window);
    }
    fn save_window_placement(&mut self) {
        self.note(Did::PlacementSaved);
    }
    fn open_url(&mut self, url: &Url) -> io::Result<()> {
        self.note(Did::Url(url.clone()));
        Ok(())
    }
    fn open_folder(&mut self, folder: &Path) -> io::Result<()> {
        self.note(Did::Folder(folder.to_owned()));
        Ok(())
    }
    fn exit(&mut self, code: u8) {
        self.note(Did::Exit(code));
    }
}

struct FakeWindow(UnboundedSender<Update>);

impl WindowListener for FakeWindow {
    fn send(&self, update: Update) -> Result<(), WindowGone> {
        self.0.send(update).map_err(|error| WindowGone(error.to_string()))
    }
}

/// Keeps secrets in memory, by account.
#[derive(Default)]
pub(super) struct FakeKeychain(Mutex<HashMap<String, (String, AgreedOrigins)>>);

impl FakeKeychain {
    pub(super) fn accounts(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }
}

impl Credentials for FakeKeychain {
    fn secret(&self, account: &str, mode: AuthMode) -> Result<Option<StoredSecret>, CredentialError> {
        let stored = self.0.lock().unwrap().get(account).cloned();
        Ok(stored.map(|(secret, agreed)| StoredSecret::kept(Secret::of_stored(secret.into(), mode), agreed)))
    }
    fn keep(&self, account: &str, secret: &SecretString, agreed: &AgreedOrigins) -> Result<(), CredentialError> {
        let kept = (secret.expose_secret().to_owned(), agreed.clone());
        self.0.lock().unwrap().insert(account.to_owned(), kept);
        Ok(())
    }
    fn forget(&self, account: &str) -> Result<(), CredentialError> {
        self.0.lock().unwrap().remove(account);
        Ok(())
    }
}

/// What the notification service was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Show(Box<Popup>, PopupId),
    Retract(PopupId),
}

/// What the app did.
#[derive(Debug)]
pub(super) enum Happened {
    Did(Did),
    Asked(Asked),
}

pub(super) type Sink = Box<dyn Fn(PopupEvent) + Send + Sync>;

/// Shows everything, numbers it and notes it.
struct FakeNotifier {
    asked: UnboundedSender<Asked>,
    shown: Mutex<u32>,
    sink: watch::Sender<Option<Sink>>,
    has_buttons: AtomicBool,
    /// A person who presses the first button before the service has answered.
    is_pressed_at_once: AtomicBool,
    panics_at_next: AtomicBool,
    language: Mutex<Option<Language>>,
}

impl Notifier for FakeNotifier {
    fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError> {
        assert!(!self.panics_at_next.swap(false, Ordering::Relaxed), "a panic on purpose");
        if popup.kind == PopupKind::Question && !self.has_buttons.load(Ordering::Relaxed) {
            return Err(NotifyError::Refused("no buttons".to_owned()));
        }
        let mut shown = self.shown.lock().unwrap();
        *shown += 1;
        let id = PopupId(shown.to_string());
        drop(self.asked.send(Asked::Show(Box::new(popup.clone()), id.clone())));
        if let Some(button) = popup.buttons.first()
            && self.is_pressed_at_once.swap(false, Ordering::Relaxed)
        {
            let (id, action) = (id.clone(), button.key.clone());
            let sink = self.sink.borrow();
            sink.as_ref().unwrap()(PopupEvent::Activated { id, action, activation_token: None });
        }
        Ok(id)
    }
    fn retract(&self, popup: &PopupId) {
        drop(self.asked.send(Asked::Retract(popup.clone())));
    }
    fn set_language(&self, language: Language) {
        *self.language.lock().unwrap() = Some(language);
    }
    fn listen(&self, sink: Sink) {
        self.sink.send_replace(Some(sink));
    }
}

/// A running app with a window that listens.
pub(super) struct World {
    pub(super) app: App,
    pub(super) keychain: Arc<FakeKeychain>,
    folder: TempDir,
    did: UnboundedReceiver<Did>,
    updates: UnboundedReceiver<Update>,
    controller: JoinHandle<()>,
    notifier: Arc<FakeNotifier>,
    asked: UnboundedReceiver<Asked>,
    starts_at_login: UnboundedReceiver<bool>,
}

impl World {
    /// Right after the installation.
    pub(super) async fn first_run() -> Self {
        Self::start(None, |_| ()).await
    }

    /// Set up with these settings; every account's secret is `secret`.
    pub(super) async fn set_up(settings: &str, change: impl FnOnce(&mut Controller<FakeGui>)) -> Self {
        Self::start(Some(settings), change).await
    }

    async fn start(settings: Option<&str>, change: impl FnOnce(&mut Controller<FakeGui>)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let documents = folder.path().join("documents");
        std::fs::create_dir(&documents).unwrap();
        let keychain = Arc::new(FakeKeychain::default());
        let (sender, events) = unbounded_channel();
        let (note_popup, asked) = unbounded_channel();
        let (note_start, starts_at_login) = unbounded_channel();
        let notifier = Arc::new(FakeNotifier {
            asked: note_popup,
            shown: Mutex::default(),
            sink: watch::Sender::default(),
            has_buttons: AtomicBool::new(true),
            is_pressed_at_once: AtomicBool::default(),
            panics_at_next: AtomicBool::default(),
            language: Mutex::default(),
        });
        let machine = Machine {
            settings_file: folder.path().join("settings.toml"),
            data_dir: folder.path().join("data"),
            documents_dir: Arc::new(move || Ok(documents.clone())),
            machine_id: "a machine".to_owned(),
            host_name: "desk".to_owned(),
            notifier: Arc::<FakeNotifier>::clone(&notifier),
            credentials: Arc::new(SessionCredentials::new(Arc::<FakeKeychain>::clone(&keychain))),
            proxies: Arc::new(MachineProxies),
            checks: Vec::new(),
            start_at_login: Arc::new(move |wanted| {
                let _ = note_start.send(wanted);
            }),
            events: sender,
            runtime: Handle::current(),
        };
        let mut started =
            Started { machine, settings: Settings::default(), is_server_locked: false, engine: None, events };
        if let Some(text) = settings {
            std::fs::write(&started.machine.settings_file, text).unwrap();
            let settings = Settings::parse(text, "settings.toml").unwrap().0;
            let account = belfry_core::account::Account::of(&settings).unwrap();
            keychain.keep(&account.name(), &"secret".into(), &AgreedOrigins::of(&settings)).unwrap();
            let engine = started.machine.start_engine(settings).unwrap();
            engine.connect();
            started.engine = Some(engine);
        }
        let (app, requests) = crate::channel();
        let (note, did) = unbounded_channel();
        let mut controller = Controller::new(requests, FakeGui(note), started).unwrap();
        change(&mut controller);
        let controller = tokio::spawn(controller.run());
        let (tell, updates) = unbounded_channel();
        app.ask(|reply| Request::Listen { listener: Box::new(FakeWindow(tell)), reply }).await.unwrap();
        Self { app, keychain, folder, did, updates, controller, notifier, asked, starts_at_login }
    }

    pub(super) fn settings_file(&self) -> PathBuf {
        self.folder.path().join("settings.toml")
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(super) fn documents_dir(&self) -> PathBuf {
        self.folder.path().join("documents")
    }

    /// The next thing the notification service was asked for.
    pub(super) async fn asked(&mut self) -> Asked {
        timeout(TIMEOUT, self.asked.recv()).await.expect("no popup").expect("the app has ended")
    }

    /// What the start-up list is made to say next.
    pub(super) async fn starts_at_login(&mut self) -> bool {
        timeout(TIMEOUT, self.starts_at_login.recv()).await.expect("no change").expect("the app has ended")
    }

    /// The next popup.
    pub(super) async fn popup(&mut self) -> (Popup, PopupId) {
        loop {
            if let Asked::Show(popup, id) = self.asked().await {
                return (*popup, id);
            }
        }
    }

    /// The next thing that the desktop or the notification service was told.
    pub(super) async fn next(&mut self) -> Happened {
        let next = async {
            tokio::select! {
                did = self.did.recv() => did.map(Happened::Did),
                asked = self.asked.recv() => asked.map(Happened::Asked),
            }
        };
        timeout(TIMEOUT, next).await.expect("nothing happened").expect("the app has ended")
    }

    /// What a person does to a popup. `action` is what a button says, or `default`.
    pub(super) fn press(&self, popup: &(Popup, PopupId), action: &str) {
        self.press_with(popup, action, None);
    }

    /// As [`press`](Self::press), on a desktop that gives a permission to take the focus.
    pub(super) fn press_with(&self, (popup, id): &(Popup, PopupId), action: &str, token: Option<&str>) {
        let button = popup.buttons.iter().find(|button| button.label == action);
        let action = button.map_or_else(|| action.to_owned(), |button| button.key.clone());
        let (sink, activation_token) = (self.notifier.sink.borrow(), token.map(str::to_owned));
        sink.as_ref().unwrap()(PopupEvent::Activated { id: id.clone(), action, activation_token });
    }

    /// Whom presses reach; it changes with each engine.
    pub(super) fn listener(&self) -> watch::Receiver<Option<Sink>> {
        self.notifier.sink.subscribe()
    }

    /// The language of what the notification service adds to popups.
    pub(super) fn language_of_popups(&self) -> Option<Language> {
        *self.notifier.language.lock().unwrap()
    }

    /// The notification service shows no buttons any more.
    pub(super) fn take_buttons_away(&self) {
        self.notifier.has_buttons.store(false, Ordering::Relaxed);
    }

    /// The next popup ends in a panic of the engine's thread.
    pub(super) fn panic_at_next(&self) {
        self.notifier.panics_at_next.store(true, Ordering::Relaxed);
    }

    /// A person presses the first button of the next popup before the service has answered.
    pub(super) fn press_next_at_once(&self) {
        self.notifier.is_pressed_at_once.store(true, Ordering::Relaxed);
    }

    /// The next thing the desktop was told.
    pub(super) async fn did(&mut self) -> Did {
        timeout(TIMEOUT, self.did.recv()).await.expect("nothing was done").expect("the controller has ended")
    }

    /// The next address that the browser was given.
    pub(super) async fn opened(&mut self) -> String {
        loop {
            if let Did::Url(url) = self.did().await {
                return url.into();
            }
        }
    }

    pub(super) async fn wait_for(&mut self, is_it: impl Fn(&Did) -> bool) {
        while !is_it(&self.did().await) {}
    }

    /// The first update that this makes something of.
    pub(super) async fn update<T>(&mut self, of: impl Fn(Update) -> Option<T>) -> T {
        loop {
            let update = timeout(TIMEOUT, self.updates.recv()).await.expect("no such update");
            if let Some(it) = of(update.expect("the controller has ended")) {
                return it;
            }
        }
    }

    /// What the window was told and nothing has asked for yet.
    pub(super) fn updates_until_now(&mut self) -> Vec<Update> {
        std::iter::from_fn(|| self.updates.try_recv().ok()).collect()
    }

    pub(super) async fn live(&mut self) {
        self.update(|update| match update {
            Update::Status { status } => (status.state == Connectivity::Live).then_some(()),
            _ => None,
        })
        .await;
    }

    pub(super) async fn ended(&mut self) {
        timeout(TIMEOUT, &mut self.controller).await.expect("the controller goes on").unwrap();
    }

    pub(super) async fn discover(&self, address: &str) -> Result<Server, CommandError> {
        self.app.ask(|reply| Request::Discover { address: address.to_owned(), reply }).await
    }

    pub(super) async fn sign_in(&self, address: &str, login: &str, secret: &str) -> Result<SignedIn, CommandError> {
        self.sign_in_agreeing(&[], address, login, secret).await
    }

    /// Signs in with a yes to these hosts.
    pub(super) async fn sign_in_agreeing(
        &self,
        agreed: &[&str],
        address: &str,
        login: &str,
        secret: &str,
    ) -> Result<SignedIn, CommandError> {
        let agreed = agreed.iter().map(|&host| host.to_owned()).collect();
        let server = Chosen { address: address.to_owned(), agreed };
        let (login, secret) = (login.to_owned(), secret.into());
        self.app.ask(|reply| Request::SignIn { server, login, secret, reply }).await
    }

    pub(super) async fn sign_out(&self) -> Result<(), CommandError> {
        self.app.ask(|reply| Request::SignOut { forget_device: false, reply }).await
    }
}
