//! The engine of one account, as app and `belfryctl` hold it: start, watch, wish, end.
//!
//! [`Engine::start`] takes the lock of the data folder, opens the account's store and starts the driver. Everything
//! that can be wrong before a connection is tried is wrong here, with its own error. Reading the inbox needs no engine:
//! that is [`crate::inbox`].

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::tz::TimeZone;
use rand::RngExt as _;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
};

use crate::clock;
use crate::{
    net::{
        connection::{Identity, stream_name},
        http,
        intake::Intake,
        requests::Server,
        token::Token,
    },
    runtime::{
        data_dir::{STATUS_FILE, account_dir, create_private_dir, device_id, lock},
        snapshot::{Command, Snapshot},
        start_error::StartError,
    },
    runtime::{
        driver::{Driver, Parts},
        store_thread::Writer,
    },
    store::Store,
};
use belfry_core::{
    account::Account,
    event::Event,
    pipeline::{self, Pipeline, PipelineInput, link},
    ports::{Credentials, Notifier},
    settings::Settings,
    texts::Language,
};

/// What an engine is started with.
pub struct EngineConfig {
    /// All settings.
    pub settings: Settings,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// What the system calls this machine; binds the device id to it.
    pub machine_id: String,
    /// The machine's time zone.
    pub time_zone: TimeZone,
    /// The language of popups.
    pub language: Language,
    /// Shows popups.
    pub notifier: Arc<dyn Notifier>,
    /// Has the secret.
    pub credentials: Arc<dyn Credentials>,
    /// How many notices to announce, and no more: the next engine announces the rest. `None`: all.
    pub to_announce: Option<u64>,
    /// Told every event, in order, on the driver's thread: a notice is marked as announced only after this has returned.
    pub on_event: Box<dyn FnMut(Event) + Send>,
}

/// A running engine. Dropping it ends the driver without a good-bye; [`Self::end`] is the polite way.
pub struct Engine {
    identity: Arc<Identity>,
    server: Server,
    dir: PathBuf,
    wishes: mpsc::UnboundedSender<Command>,
    snapshot: watch::Receiver<Snapshot>,
    /// Held for as long as the engine lives: the lock.
    _lock: File,
}

impl Engine {
    /// Starts an engine on this runtime. It is off until [`Self::connect`].
    ///
    /// # Errors
    /// [`StartError`]; nothing was connected then.
    pub fn start(config: EngineConfig, runtime: &Handle) -> Result<Self, StartError> {
        let account = Account::of(&config.settings).ok_or(StartError::NoServer)?;
        let lock = lock(&config.data_dir)?;
        let device = device_id(&config.data_dir, &config.machine_id)?;
        let dir = account_dir(&config.data_dir, &account);
        create_private_dir(&dir).map_err(|source| StartError::DataDir { path: dir.clone(), source })?;
        let mut store = Store::open(&dir, &account.name())?;
        let recovered = store.recover()?;
        if recovered.uncertain > 0 {
            tracing::warn!(count = recovered.uncertain, "popups of the last run may or may not have been seen");
        }
        let now = clock::now();
        let mut line_config =
            pipeline::PipelineConfig::new(&config.settings, config.language, config.time_zone.clone());
        line_config.to_announce = config.to_announce;
        let retention = line_config.retention;
        let seed = rand::rng().random();
        let mut line = Pipeline::new(line_config, store.cursor()?, store.complete_through()?, seed, now);
        let snapshot = Snapshot {
            status: line.status(now),
            retry_at: None,
            counts: store.counts()?,
            complete_through: store.complete_through()?,
            last_live: store.last_live()?,
            revision: 0,
        };
        line.step(PipelineInput::Recovered(Box::new(recovered)), now);

        let intake = Arc::new(Intake::new(&config.settings, config.time_zone));
        let client = http::client(&config.settings.network);
        let identity = Arc::new(Identity { settings: config.settings, account, device });
        let token = Arc::new(Token::new(config.credentials, Arc::clone(&identity), client.clone()));
        let mut offsets = HashMap::new();
        for index in 0..identity.settings.server.subscriptions.len() {
            if let Some(stream) = stream_name(&identity, index)
                && let Some(offset) = store.stream_offset(&stream)?
            {
                offsets.insert(stream, offset);
            }
        }
        let (written, writer_reports) = mpsc::unbounded_channel();
        let writer = Writer::start(store, retention, written).map_err(StartError::Thread)?;
        let server = Server {
            client: client.clone(),
            identity: Arc::clone(&identity),
            intake: Arc::clone(&intake),
            token: Arc::clone(&token),
        };
        let (wishes, wished) = mpsc::unbounded_channel();
        let (shown, watched) = watch::channel(snapshot);
        runtime.spawn(Driver::run(Parts {
            line,
            identity: Arc::clone(&identity),
            client,
            intake,
            token,
            notifier: config.notifier,
            writer,
            writer_reports,
            wishes: wished,
            snapshot: shown,
            on_event: config.on_event,
            offsets,
            status_file: dir.join(STATUS_FILE),
        }));
        Ok(Self { identity, server, dir, wishes, snapshot: watched, _lock: lock })
    }

    /// Connects, and stays connected from now on.
    pub fn connect(&self) {
        self.wish(link::LinkInput::Connect);
    }

    /// Disconnects politely, and stays so.
    pub fn disconnect(&self) {
        self.wish(link::LinkInput::Disconnect);
    }

    /// Somebody has signed in: the token is read anew.
    pub fn signed_in(&self) {
        self.wish(link::LinkInput::SignedIn);
    }

    /// Tries now what would be tried later.
    pub fn try_now(&self) {
        self.wish(link::LinkInput::TryNow);
    }

    /// A network came up or changed.
    pub fn network_changed(&self) {
        self.wish(link::LinkInput::NetworkChanged);
    }

    /// The machine woke up.
    pub fn woke(&self) {
        self.wish(link::LinkInput::Woke);
    }

    /// What there is to see, now and whenever it changes.
    pub fn snapshot(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.clone()
    }

    /// Who is connected, and how.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// What can be asked of the server beside the session.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The account's folder, for [`crate::inbox::Inbox::open`].
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends: DISCONNECT with a receipt (at most 2 s), everything received committed. Then the data folder is free.
    pub async fn end(self) {
        let (done, ended) = oneshot::channel();
        // A driver that is gone has nothing left to end.
        if self.wishes.send(Command::End(done)).is_ok() {
            let _ = ended.await;
        }
    }

    fn wish(&self, input: link::LinkInput) {
        if self.wishes.send(Command::Link(input)).is_err() {
            tracing::error!("the engine has ended");
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("account", &self.identity.account.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
