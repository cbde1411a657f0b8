//! The running program as the window sees it: the engine, its inbox, and the channel to the window.
//!
//! It answers commands and passes updates on. Deliberately absent: a copy of anything the engine or the inbox know.
//! Invariant: the inbox is read beside the engine, so the window works offline and while the engine is busy.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::engine::{Engine, Snapshot};
use engine::inbox::Inbox;
use engine::notice::NoticeKey;
use engine::settings::Settings;
use host::texts::Language;
use jiff::Timestamp;
use tauri::ipc::Channel;
use tokio::sync::{Notify, watch};

use crate::view::{Code, Problem, Start, Status, Update};

mod notices;

/// Everything the commands need.
pub(crate) struct Shell {
    /// Taken when the program ends.
    engine: Mutex<Option<Engine>>,
    settings: Settings,
    account: String,
    dir: PathBuf,
    snapshot: watch::Receiver<Snapshot>,
    language: Language,
    inbox: Mutex<Option<Inbox>>,
    window: Mutex<Option<Channel<Update>>>,
    to_open: Mutex<Option<i64>>,
    changed: Notify,
}

impl Shell {
    /// The program around a running engine.
    pub(crate) fn new(engine: Engine, language: Language) -> Self {
        let identity = engine.identity();
        Self {
            settings: identity.settings.clone(),
            account: identity.account.login().to_owned(),
            dir: engine.dir().to_owned(),
            snapshot: engine.snapshot(),
            language,
            engine: Mutex::new(Some(engine)),
            inbox: Mutex::default(),
            window: Mutex::default(),
            to_open: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// What there is to see of the engine.
    pub(crate) fn snapshot(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.clone()
    }

    /// What the tray and the window speak.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// How the window looks.
    pub(crate) fn theme(&self) -> engine::settings::Theme {
        self.settings.app.theme
    }

    /// Where the web view keeps what it must; the window itself keeps nothing there.
    pub(crate) fn web_dir(&self) -> PathBuf {
        self.dir.join("webview")
    }

    /// Takes the engine, to end it.
    pub(crate) fn take_engine(&self) -> Option<Engine> {
        lock(&self.engine).take()
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
            Ok(Some(seq)) if lock(&self.window).is_some() => self.tell(Update::Open { seq: seq.0 }),
            Ok(seq) => *lock(&self.to_open) = seq.map(|seq| seq.0),
            Err(problem) => tracing::warn!(problem = problem.message, "the notice of a notification was not found"),
        }
    }

    pub(crate) fn start(&self) -> Start {
        Start {
            language: self.language.into(),
            theme: self.settings.app.theme.into(),
            account: self.account.clone(),
            status: self.status(),
            open: lock(&self.to_open).take(),
        }
    }

    pub(crate) fn try_now(&self) {
        if let Some(engine) = lock(&self.engine).as_ref() {
            engine.try_now();
        }
    }

    fn status(&self) -> Status {
        Status::of(&self.snapshot.borrow(), &self.settings.server.endpoints, Timestamp::now())
    }

    /// Works on the inbox, which is opened when it is first needed and closed with the window.
    fn inbox<T>(&self, work: impl FnOnce(&mut Inbox) -> Result<T, Problem>) -> Result<T, Problem> {
        let mut kept = lock(&self.inbox);
        if kept.is_none() {
            *kept = Inbox::open(&self.dir)?;
        }
        match kept.as_mut() {
            Some(inbox) => work(inbox),
            None => Err(Problem::new(Code::Store, "the inbox file has gone; quit Belfry and start it again")),
        }
    }
}

/// A panic elsewhere leaves these values as good as they were.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
