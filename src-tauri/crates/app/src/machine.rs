//! The machine that the app runs on: its folders, its ports for the engine, its own steps of the
//! diagnosis.
//!
//! Plain data that the shell fills for a real desktop, and a test with fakes. Deliberately absent:
//! anything of the window.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use belfry_core::error::Failure;
use belfry_core::event::Event;
use belfry_core::ports::{Notifier, SystemProxies};
use belfry_core::settings::{NetworkSettings, Settings};
use engine::doctor::Finding;
use engine::net::http;
use engine::{Engine, EngineConfig, StartError};
use host::paths::NoHome;
use host::texts;
use jiff::tz::TimeZone;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

use crate::session_credentials::SessionCredentials;

/// A step of the diagnosis that examines the machine; none where this machine has nothing to
/// examine. It may block.
pub type Check = Arc<dyn Fn(&Settings) -> Option<Finding> + Send + Sync>;

/// Makes the system's start-up list what `app.start_at_login` says. It may block.
pub type StartAtLogin = Arc<dyn Fn(bool) + Send + Sync>;

/// The folder that exports go to; looked up for every export.
pub type DocumentsDir = Arc<dyn Fn() -> Result<PathBuf, NoHome> + Send + Sync>;

/// What engines run on: this machine, and where this run reads and keeps its files.
#[derive(Clone)]
pub struct Machine {
    /// The person's settings.
    pub settings_file: PathBuf,
    /// Where everything else is kept.
    pub data_dir: PathBuf,
    /// Where exports go.
    pub documents_dir: DocumentsDir,
    /// What the system calls this machine.
    pub machine_id: String,
    /// The name that people know this machine by.
    pub host_name: String,
    /// Shows popups.
    pub notifier: Arc<dyn Notifier>,
    /// Reads and stores the secret.
    pub credentials: Arc<SessionCredentials>,
    /// Says which proxies the system wants to be used.
    pub proxies: Arc<dyn SystemProxies>,
    /// The machine's own steps of the diagnosis, in their order.
    pub checks: Vec<Check>,
    /// Starts this program at login, or not.
    pub start_at_login: StartAtLogin,
    /// Where engines send their events.
    pub events: UnboundedSender<Event>,
    /// What engines run on.
    pub runtime: Handle,
}

impl Machine {
    /// The HTTP client for these settings.
    ///
    /// # Errors
    /// [`Failure`] when a file that the settings name cannot be used.
    pub(crate) fn http_client(&self, network: &NetworkSettings) -> Result<http::Client, Failure> {
        http::client(network, Arc::clone(&self.proxies))
    }

    /// Starts an engine. It connects when it is told to. May block while the store is opened.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start_engine(&self, settings: Settings) -> Result<Engine, StartError> {
        let events = self.events.clone();
        let language = texts::language(settings.app.language);
        self.notifier.set_language(language);
        let config = EngineConfig {
            data_dir: self.data_dir.clone(),
            machine_id: self.machine_id.clone(),
            host_name: self.host_name.clone(),
            time_zone: TimeZone::system(),
            language,
            notifier: Arc::clone(&self.notifier),
            credentials: Arc::<SessionCredentials>::clone(&self.credentials),
            proxies: Arc::clone(&self.proxies),
            to_announce: None,
            on_event: Box::new(move |event| {
                // The controller no longer receives events once the program is ending.
                let _ = events.send(event);
            }),
            trim_memory: host::memory::trim,
            settings,
        };
        Engine::start(config, &self.runtime)
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}
