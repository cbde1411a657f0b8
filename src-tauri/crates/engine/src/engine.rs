//! The engine of one account, as app and `belfryctl` hold it: start, watch, wish, end.
//!
//! [`Engine::start`] takes the lock of the data folder, opens the account's store and starts the driver. Everything
//! that can be wrong before a connection is tried is wrong here, with its own error. Reading the inbox needs no engine:
//! that is [`crate::inbox`].

use std::{
    collections::HashMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use rand::RngExt as _;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
};

use crate::{
    account::{Account, DeviceId},
    clock::Now,
    connection::{Identity, stream_name},
    driver::{Driver, Parts},
    event::Event,
    intake::Intake,
    line::{self, Input, Line},
    link, network,
    ports::{Credentials, Notifier},
    server::Server,
    settings::Settings,
    sign_in::Token,
    status::{Noted, Status},
    store::{Counts, Store, StoreError},
    texts::Language,
    writer::Writer,
};

/// Name of the lock file in the data folder.
const LOCK_FILE: &str = "engine.lock";
/// Name of the file with the device id in the data folder.
const DEVICE_FILE: &str = "device";
/// Name of the file in the account's folder that says how a running engine fares.
pub const STATUS_FILE: &str = "status.json";

/// What an engine is started with.
pub struct Config {
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

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings name no server.
    #[error("server.endpoints is empty: set the address of the push server")]
    NoServer,
    /// Another engine runs on this data folder.
    #[error("{}: another Belfry is running with this data folder: use that one, or give another --data-dir", .0.display())]
    InUse(PathBuf),
    /// The data folder cannot be used.
    #[error("{}: the data folder cannot be used ({source}): allow Belfry to write there, or give another --data-dir", path.display())]
    DataDir {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The inbox cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system has no thread to give.
    #[error("no thread could be started: {0}")]
    Thread(io::Error),
}

/// What there is to see of a running engine; the latest value counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The state people see.
    pub status: Status,
    /// When the next attempt is due, as the wall clock showed it when it was planned.
    pub retry_at: Option<Timestamp>,
    /// How many notices of each kind.
    pub counts: Counts,
    /// Nothing sent before this is missing.
    pub complete_through: Option<Timestamp>,
    /// When the session was last live.
    pub last_live: Option<Timestamp>,
    /// Goes up when somebody else has changed the inbox.
    pub revision: u64,
}

/// What is wished of the driver.
pub(crate) enum Wish {
    /// To the link.
    Link(link::Input),
    /// The end; answered when all is committed and closed.
    End(oneshot::Sender<()>),
}

/// A running engine. Dropping it ends the driver without a good-bye; [`Self::end`] is the polite way.
pub struct Engine {
    identity: Arc<Identity>,
    server: Server,
    dir: PathBuf,
    wishes: mpsc::UnboundedSender<Wish>,
    snapshot: watch::Receiver<Snapshot>,
    /// Held for as long as the engine lives: the lock.
    _lock: File,
}

impl Engine {
    /// Starts an engine on this runtime. It is off until [`Self::connect`].
    ///
    /// # Errors
    /// [`StartError`]; nothing was connected then.
    pub fn start(config: Config, runtime: &Handle) -> Result<Self, StartError> {
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
        let now = Now::read();
        let mut line_config = line::Config::new(&config.settings, config.language, config.time_zone.clone());
        line_config.to_announce = config.to_announce;
        let retention = line_config.retention;
        let seed = rand::rng().random();
        let mut line = Line::new(line_config, store.cursor()?, store.complete_through()?, seed, now);
        let snapshot = Snapshot {
            status: line.status(now),
            retry_at: None,
            counts: store.counts()?,
            complete_through: store.complete_through()?,
            last_live: store.last_live()?,
            revision: 0,
        };
        line.step(Input::Recovered(Box::new(recovered)), now);

        let intake = Arc::new(Intake::new(&config.settings, config.time_zone));
        let client = network::client(&config.settings.network);
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
        self.wish(link::Input::Connect);
    }

    /// Disconnects politely, and stays so.
    pub fn disconnect(&self) {
        self.wish(link::Input::Disconnect);
    }

    /// Somebody has signed in: the token is read anew.
    pub fn signed_in(&self) {
        self.wish(link::Input::SignedIn);
    }

    /// Tries now what would be tried later.
    pub fn try_now(&self) {
        self.wish(link::Input::TryNow);
    }

    /// A network came up or changed.
    pub fn network_changed(&self) {
        self.wish(link::Input::NetworkChanged);
    }

    /// The machine woke up.
    pub fn woke(&self) {
        self.wish(link::Input::Woke);
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
        if self.wishes.send(Wish::End(done)).is_ok() {
            let _ = ended.await;
        }
    }

    fn wish(&self, input: link::Input) {
        if self.wishes.send(Wish::Link(input)).is_err() {
            tracing::error!("the engine has ended");
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("account", &self.identity.account.name()).finish_non_exhaustive()
    }
}

/// The folder of an account's inbox within the data folder.
pub fn account_dir(data_dir: &Path, account: &Account) -> PathBuf {
    data_dir.join("accounts").join(account.dir_name())
}

/// Whether an engine runs on this data folder. False, too, when there is no such folder.
pub fn is_running(data_dir: &Path) -> bool {
    File::open(data_dir.join(LOCK_FILE)).is_ok_and(|file| file.try_lock_shared().is_err())
}

/// What the engine that runs for this account says of itself; `None` when none runs, or it has not said anything yet.
pub fn running_status(data_dir: &Path, account: &Account) -> Option<Noted> {
    if !is_running(data_dir) {
        return None;
    }
    let text = std::fs::read(account_dir(data_dir, account).join(STATUS_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The device id of this data folder on this machine; made on the first call, with the folder.
///
/// # Errors
/// [`StartError::DataDir`] when it cannot be read or kept.
pub fn device_id(data_dir: &Path, machine_id: &str) -> Result<DeviceId, StartError> {
    let path = data_dir.join(DEVICE_FILE);
    let failed = |source| StartError::DataDir { path: path.clone(), source };
    let stored = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let (device, line) = DeviceId::load_or_new(stored.as_deref(), machine_id, &mut rand::rng());
    if stored.as_deref() != Some(line.as_str()) {
        create_private_dir(data_dir).and_then(|()| std::fs::write(&path, line)).map_err(failed)?;
    }
    Ok(device)
}

pub(crate) fn lock(data_dir: &Path) -> Result<File, StartError> {
    let failed = |source| StartError::DataDir { path: data_dir.to_owned(), source };
    create_private_dir(data_dir).map_err(failed)?;
    let file =
        File::options().create(true).truncate(false).write(true).open(data_dir.join(LOCK_FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::InUse(data_dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// A folder nobody else may look into.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests;
