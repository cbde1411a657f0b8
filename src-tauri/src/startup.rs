//! From a command line to a running engine, or to what is wrong and the exit code that says so.
//!
//! Deliberately absent: anything of Tauri. Invariant: nothing is written before the settings were read without an error.

use std::process::ExitCode;
use std::sync::Arc;

use engine::engine::{Config, Engine, StartError};
use engine::event::Event;
use host::credentials::MachineCredentials;
use host::settings::ReadError;
use host::texts::{self, Language};
use host::{machine, notify, paths};
use jiff::tz::TimeZone;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

use crate::args::Args;

/// What is wrong, for the log and for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened, where, and what to do.
    pub(crate) message: String,
    /// As of `belfryctl`: 2 settings, 3 sign-in, 4 server unreachable, 5 data directory in use, 6 store unusable, 1 anything else.
    pub(crate) code: u8,
}

impl Failure {
    /// A failure that has no exit code of its own.
    pub(crate) fn other(message: impl ToString) -> Self {
        Self { message: message.to_string(), code: 1 }
    }

    /// For the system.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let code = if matches!(error, ReadError::NoHome(_)) { 1 } else { 2 };
        Self { message: error.to_string(), code }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::NoServer => 2,
            StartError::InUse(_) => 5,
            StartError::DataDir { .. } | StartError::Store(_) => 6,
            StartError::Thread(_) => 1,
        };
        Self { message: error.to_string(), code }
    }
}

/// What a start has brought.
pub(crate) struct Started {
    /// Off until it is told to connect.
    pub(crate) engine: Engine,
    /// To speak.
    pub(crate) language: Language,
    /// The same one that the engine shows popups with.
    pub(crate) notifier: Arc<notify::Desktop>,
}

/// Starts the engine; it connects when it is told to. Events go to `events`.
///
/// # Errors
/// [`Failure`], before anything is connected.
pub(crate) fn start(args: &Args, runtime: &Handle, events: UnboundedSender<Event>) -> Result<Started, Failure> {
    let (settings, warnings) = host::settings::read(args.config.as_deref())?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let data_dir = args.data_dir.clone().map_or_else(paths::data_dir, Ok).map_err(Failure::other)?;
    let language = texts::language(settings.app.language);
    let notifier = Arc::new(notify::Desktop::new(language.text("popup.open")));
    let config = Config {
        data_dir,
        machine_id: machine::machine_id(),
        time_zone: TimeZone::system(),
        language,
        notifier: notifier.clone(),
        credentials: Arc::new(MachineCredentials::from_environment(None)),
        on_event: Box::new(move |event| {
            // Nobody listens any more once the program is ending.
            let _ = events.send(event);
        }),
        settings,
    };
    Ok(Started { engine: Engine::start(config, runtime)?, language, notifier })
}
