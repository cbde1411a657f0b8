//! The running program as the window sees it: the engine, its inbox, and the channel to the window.
//!
//! It answers commands and passes updates on. Deliberately absent: a copy of anything the engine or the inbox know.
//! Invariants: the inbox is read beside the engine, so the window works offline and while the engine is busy; there is one
//! engine at most, and another one starts only when the last has ended.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use belfry_core::account::Account;
use belfry_core::event::Event;
use belfry_core::notice::NoticeKey;
use belfry_core::settings::Settings;
use belfry_core::status;
use belfry_core::storage::Counts;
use engine::inbox::Inbox;
use engine::net::discovery::DiscoveredServer;
use engine::net::requests::ServerRequests;
use engine::{Engine, Snapshot};
use host::texts::{self, Language};
use jiff::Timestamp;
use tauri::async_runtime::{self as runtime, JoinHandle};
use tauri::ipc::Channel;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, watch};

use crate::startup::Machine;
use crate::view::{Code, Offers, Problem, Start, Status, Update};

mod notices;
mod remote;
mod settings;
mod setup;

/// Everything the commands need.
pub(crate) struct Shell {
    machine: Machine,
    session: Mutex<Session>,
    /// Held while server, account or settings change.
    changing: tokio::sync::Mutex<()>,
    /// Of whichever engine runs.
    snapshot: watch::Sender<Snapshot>,
    inbox: Mutex<Option<Inbox>>,
    window: Mutex<Option<Channel<Update>>>,
    to_open: Mutex<Option<i64>>,
    changed: Notify,
    /// What was found at the address typed last.
    found: Mutex<Option<(String, DiscoveredServer)>>,
    /// Which page of the server's history comes next.
    older: tokio::sync::Mutex<u32>,
    /// The newest file that was written.
    exported: Mutex<Option<PathBuf>>,
    /// Told every event while a test notice is on its way.
    trial: Mutex<Option<UnboundedSender<Event>>>,
}

/// Whose inbox it is, and the engine that fills it.
struct Session {
    /// None before the first run is over, and when the program ends.
    engine: Option<Engine>,
    following: Option<JoinHandle<()>>,
    settings: Settings,
    account: Option<Account>,
    dir: PathBuf,
}

impl Shell {
    /// The program on this machine, around a running engine if there is one; `settings` hold until then.
    pub(crate) fn new(machine: Machine, settings: Settings, engine: Option<Engine>) -> Self {
        let (snapshot, _) = watch::channel(nothing_yet());
        let dir = machine.data_dir.clone();
        let session = Session { engine: None, following: None, settings, account: None, dir };
        let shell = Self {
            machine,
            session: Mutex::new(session),
            changing: tokio::sync::Mutex::default(),
            snapshot,
            inbox: Mutex::default(),
            window: Mutex::default(),
            to_open: Mutex::default(),
            changed: Notify::new(),
            found: Mutex::default(),
            older: tokio::sync::Mutex::new(1),
            exported: Mutex::default(),
            trial: Mutex::default(),
        };
        if let Some(engine) = engine {
            shell.install(engine);
        }
        shell
    }

    /// Goes on with this engine.
    fn install(&self, engine: Engine) {
        let (mut seen, shown) = (engine.snapshot(), self.snapshot.clone());
        shown.send_replace(seen.borrow_and_update().clone());
        let following = runtime::spawn(async move {
            while seen.changed().await.is_ok() {
                shown.send_replace(seen.borrow_and_update().clone());
            }
        });
        let identity = Arc::clone(engine.identity());
        {
            let mut session = lock(&self.session);
            *session = Session {
                settings: identity.settings.clone(),
                account: Some(identity.account.clone()),
                dir: engine.dir().to_owned(),
                engine: Some(engine),
                following: Some(following),
            };
        }
        *lock(&self.inbox) = None;
    }

    /// Ends the engine that runs, and goes on with these settings.
    ///
    /// # Errors
    /// What keeps an engine from starting; then none runs.
    async fn restart(&self, settings: Settings) -> Result<(), Problem> {
        if let Some(engine) = self.take_engine() {
            engine.end().await;
        }
        let engine = self.machine.engine(settings).map_err(|error| Problem::new(Code::Store, error))?;
        engine.connect();
        self.install(engine);
        self.note_change();
        Ok(())
    }

    /// Wishes something of the engine, if one runs.
    pub(crate) fn wish(&self, wish: impl FnOnce(&Engine)) {
        if let Some(engine) = lock(&self.session).engine.as_ref() {
            wish(engine);
        }
    }

    /// Whether somebody has said where the server is.
    pub(crate) fn has_account(&self) -> bool {
        lock(&self.session).account.is_some()
    }

    /// Where everything is kept.
    pub(crate) fn data_dir(&self) -> &std::path::Path {
        &self.machine.data_dir
    }

    /// What there is to see of the engine.
    pub(crate) fn snapshot(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    /// What the tray and the window speak.
    pub(crate) fn language(&self) -> Language {
        texts::language(lock(&self.session).settings.app.language)
    }

    /// How the window looks.
    pub(crate) fn theme(&self) -> belfry_core::settings::Theme {
        lock(&self.session).settings.app.theme
    }

    /// Where the web view keeps what it must; the window itself keeps nothing there.
    pub(crate) fn web_dir(&self) -> PathBuf {
        self.machine.data_dir.join("webview")
    }

    /// Takes the engine, to end it.
    pub(crate) fn take_engine(&self) -> Option<Engine> {
        let mut session = lock(&self.session);
        if let Some(following) = session.following.take() {
            following.abort();
        }
        session.engine.take()
    }

    /// From now on the window on `channel` is told.
    pub(crate) fn listen(&self, channel: Channel<Update>) {
        *lock(&self.window) = Some(channel);
    }

    /// The window is gone.
    pub(crate) fn forget_window(&self) {
        *lock(&self.window) = None;
        *lock(&self.inbox) = None;
    }

    /// Tells the window, if there is one.
    pub(crate) fn tell(&self, update: Update) {
        if let Some(channel) = lock(&self.window).as_ref()
            && let Err(error) = channel.send(update)
        {
            tracing::debug!(%error, "the window was not told; it is closing");
        }
    }

    /// Tells the window about the connection.
    pub(crate) fn tell_status(&self) {
        self.tell(Update::Status { status: self.status() });
    }

    /// An event of the engine's, for who waits for it.
    pub(crate) fn heard(&self, event: &Event) {
        if let Some(trial) = lock(&self.trial).as_ref() {
            // Whoever waited may have given up.
            let _ = trial.send(event.clone());
        }
    }

    /// The inbox has changed; see [`next_change`](Self::next_change).
    pub(crate) fn note_change(&self) {
        self.changed.notify_one();
    }

    /// Waits for the next change of the inbox; those that came since the last wait count as one.
    pub(crate) async fn next_change(&self) {
        self.changed.notified().await;
    }

    /// Remembers which notice to show: told at once to a window that listens, else found by the next one at its start.
    pub(crate) fn show_notice(&self, key: &NoticeKey) {
        let found = self.inbox(|inbox| {
            let seqs = inbox.find(&key.id)?;
            let of_scope =
                seqs.iter().find(|seq| inbox.show(**seq).is_ok_and(|d| d.is_some_and(|d| d.scope == key.scope)));
            Ok(of_scope.copied())
        });
        match found {
            Ok(seq) => self.point_to(seq.map(|seq| seq.0)),
            Err(problem) => tracing::warn!(problem = problem.message, "the notice of a notification was not found"),
        }
    }

    /// As [`show_notice`](Self::show_notice), for an id that came from outside: the newest notice that has it.
    pub(crate) fn show_id(&self, id: &str) {
        match self.inbox(|inbox| Ok(inbox.find(id)?.into_iter().max())) {
            Ok(seq) => self.point_to(seq.map(|seq| seq.0)),
            Err(problem) => tracing::warn!(problem = problem.message, "the notice of a link was not found"),
        }
    }

    fn point_to(&self, seq: Option<i64>) {
        match seq {
            Some(seq) if lock(&self.window).is_some() => self.tell(Update::Open { seq }),
            seq => *lock(&self.to_open) = seq,
        }
    }

    pub(crate) fn start(&self) -> Start {
        let account = lock(&self.session).account.as_ref().map(|account| account.login().to_owned());
        Start {
            language: self.language().into(),
            theme: self.theme().into(),
            account: account.unwrap_or_default(),
            status: self.status(),
            open: lock(&self.to_open).take(),
            setup: self.missing(),
        }
    }

    pub(crate) fn try_now(&self) {
        if let Some(engine) = lock(&self.session).engine.as_ref() {
            engine.try_now();
        }
    }

    fn status(&self) -> Status {
        let session = lock(&self.session);
        let offers = session.engine.as_ref().map(|engine| engine.server().offers());
        let may_delete = session.settings.inbox.delete_on_server;
        let offers = offers.map(|offers| Offers {
            history: offers.history,
            delete: offers.delete && may_delete,
            clients: offers.clients,
        });
        Status::of(&self.snapshot.borrow(), &session.settings.server.endpoints, offers, Timestamp::now())
    }

    /// The server of the engine that runs.
    fn server(&self) -> Result<ServerRequests, Problem> {
        let server = lock(&self.session).engine.as_ref().map(|engine| engine.server().clone());
        server.ok_or_else(|| Problem::new(Code::Offline, "there is no connection: set up Belfry first"))
    }

    /// Works on the inbox, which is opened when it is first needed and closed with the window. Before the first run is
    /// over it is empty.
    fn inbox<T>(&self, work: impl FnOnce(&mut Inbox) -> Result<T, Problem>) -> Result<T, Problem> {
        let (dir, has_account) = {
            let session = lock(&self.session);
            (session.dir.clone(), session.account.is_some())
        };
        let mut kept = lock(&self.inbox);
        if !has_account {
            return work(&mut Inbox::empty()?);
        }
        if kept.is_none() {
            *kept = Inbox::open(&dir)?;
        }
        match kept.as_mut() {
            Some(inbox) => work(inbox),
            None => Err(Problem::new(Code::Store, "the inbox file has gone; quit Belfry and start it again")),
        }
    }
}

/// What there is to see before there is an engine.
fn nothing_yet() -> Snapshot {
    let status = status::Status {
        state: status::Connectivity::Offline,
        since: Timestamp::now(),
        endpoint: 0,
        cause: None,
        retry_in: None,
    };
    Snapshot { status, retry_at: None, counts: Counts::default(), complete_through: None, last_live: None, revision: 0 }
}

/// A panic elsewhere leaves these values as good as they were.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
