//! The engine of one account, as app and `belfryctl` hold it: start, watch, command, end.
//!
//! [`Engine::start`] takes the lock of the data folder, opens the account's store and starts the
//! driver. Everything that can fail before a connection is tried fails here, each with its own
//! error. Deliberately absent: reading the inbox, which needs no engine ([`crate::inbox`]).

use std::{
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
        http,
        identity::Identity,
        intake::Intake,
        requests::{RefusedRequests, ServerRequests},
        token::Token,
    },
    runtime::{
        data_dir::{STATUS_FILE, account_dir, create_private_dir, device_id, lock},
        snapshot::{Command, Snapshot},
        start_error::StartError,
    },
    runtime::{
        driver::{Driver, Parts},
        panic_guard::PanicGuard,
        store_thread::StoreThread,
    },
    store::Store,
};
use belfry_core::{
    account::Account,
    alerts::hold::Pause,
    event::Event,
    pipeline::{self, Pipeline, PipelineInput, link},
    ports::{Credentials, Notifier, SystemProxies},
    settings::Settings,
    texts::Language,
};

/// What an engine is started with.
pub struct EngineConfig {
    /// All settings.
    pub settings: Settings,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The system's id of this machine; the device id is bound to it.
    pub machine_id: String,
    /// The name of this machine, for lists of devices where `auth.device` is empty.
    pub host_name: String,
    /// The machine's time zone.
    pub time_zone: TimeZone,
    /// The language of popups.
    pub language: Language,
    /// Shows notifications.
    pub notifier: Arc<dyn Notifier>,
    /// Where the secret is stored.
    pub credentials: Arc<dyn Credentials>,
    /// Says which proxies the system wants to be used.
    pub proxies: Arc<dyn SystemProxies>,
    /// How many notices to announce, and no more: the next engine announces the rest. `None`: all.
    pub to_announce: Option<u64>,
    /// Called with every event, in order, on the driver's thread: a notice is marked as announced
    /// only after this has returned.
    pub on_event: Box<dyn FnMut(Event) + Send>,
    /// Gives freed memory back to the system. Called when nothing has been written for ten seconds, if
    /// anything was before.
    pub trim_memory: fn(),
}

/// A running engine. Dropping it aborts the session without DISCONNECT; [`Self::end`] ends it in
/// order.
pub struct Engine {
    identity: Arc<Identity>,
    server: ServerRequests,
    dir: PathBuf,
    commands: mpsc::UnboundedSender<Command>,
    snapshot: watch::Receiver<Snapshot>,
    /// The lock of the data folder, held until the engine is dropped.
    _lock: File,
}

impl Engine {
    /// Starts an engine on this runtime. It does not connect before [`Self::connect`].
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
        let mut pipeline_config =
            pipeline::PipelineConfig::new(&config.settings, config.language, config.time_zone.clone());
        pipeline_config.to_announce = config.to_announce;
        let retention = pipeline_config.retention;
        let seed = rand::rng().random();
        let mut pipeline = Pipeline::new(pipeline_config, store.cursor()?, store.complete_through()?, seed, now);
        let snapshot = Snapshot {
            status: pipeline.status(now),
            retry_at: None,
            counts: store.counts()?,
            complete_through: store.complete_through()?,
            last_live: store.last_live()?,
            revision: 0,
            paused_until: recovered.paused_until.filter(|until| now.wall < *until),
            refused: RefusedRequests::default(),
        };
        pipeline.step(PipelineInput::Recovered(Box::new(recovered)), now);

        let intake = Arc::new(Intake::new(&config.settings, config.time_zone));
        let client = http::client(&config.settings.network, config.proxies);
        let identity = Arc::new(Identity::new(config.settings, account, device, &config.host_name));
        let token = Arc::new(Token::new(config.credentials, Arc::clone(&identity), client.clone()));
        let (written, store_reports) = mpsc::unbounded_channel();
        let (panicked, panics) = mpsc::unbounded_channel();
        let guard = PanicGuard(panicked);
        let store_thread = StoreThread::start(store, retention, config.trim_memory, written, guard.clone())
            .map_err(StartError::Thread)?;
        let server = ServerRequests {
            client: client.clone(),
            identity: Arc::clone(&identity),
            intake: Arc::clone(&intake),
            token: Arc::clone(&token),
            refused: watch::Sender::default(),
        };
        let (commands, command_receiver) = mpsc::unbounded_channel();
        let (shown, watched) = watch::channel(snapshot);
        runtime.spawn(Driver::run(Parts {
            pipeline,
            identity: Arc::clone(&identity),
            client,
            intake,
            token,
            notifier: config.notifier,
            store_thread,
            store_reports,
            guard,
            panics,
            commands: command_receiver,
            snapshot: shown,
            on_event: config.on_event,
            server: server.clone(),
            status_file: dir.join(STATUS_FILE),
        }));
        Ok(Self { identity, server, dir, commands, snapshot: watched, _lock: lock })
    }

    /// Connects, and stays connected from now on.
    pub fn connect(&self) {
        self.send(link::LinkInput::Connect);
    }

    /// Disconnects, with DISCONNECT and its receipt, and stays disconnected.
    pub fn disconnect(&self) {
        self.send(link::LinkInput::Disconnect);
    }

    /// A person has signed in: the token is read again.
    pub fn signed_in(&self) {
        self.send(link::LinkInput::SignedIn);
    }

    /// Connects, or collects, now instead of at the planned time.
    pub fn try_now(&self) {
        self.send(link::LinkInput::TryNow);
    }

    /// A network came up or changed.
    pub fn network_changed(&self) {
        self.send(link::LinkInput::NetworkChanged);
    }

    /// The machine woke up.
    pub fn woke(&self) {
        self.send(link::LinkInput::Woke);
    }

    /// Pauses notifications: what is below `notifications.quiet_hours.allow` becomes one summary when
    /// the pause ends, also in a later run. `None` ends it now.
    pub fn pause(&self, pause: Option<Pause>) {
        self.command(Command::Pause(pause));
    }

    /// This program has changed the inbox itself ([`crate::inbox`]): counts and popups follow at
    /// once. A change by another program is found without it, within seconds.
    pub fn inbox_changed(&self) {
        self.command(Command::InboxChanged);
    }

    /// The latest snapshot, which also tells when it changes. When it can no longer change, the
    /// engine has ended: because of [`Self::end`], or because a part of it has panicked.
    pub fn snapshot(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.clone()
    }

    /// Settings, account and device of this engine.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// Requests to the server beside the session.
    pub fn server(&self) -> &ServerRequests {
        &self.server
    }

    /// The account's folder, for [`crate::inbox::Inbox::open`].
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends: DISCONNECT with a receipt (at most 2 s), everything received committed. Then the data
    /// folder is free.
    pub async fn end(self) {
        let (done, ended) = oneshot::channel();
        // If the driver has ended already, there is nothing to wait for.
        if self.commands.send(Command::End(done)).is_ok() {
            let _ = ended.await;
        }
    }

    fn send(&self, input: link::LinkInput) {
        self.command(Command::Link(input));
    }

    fn command(&self, command: Command) {
        if self.commands.send(command).is_err() {
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
