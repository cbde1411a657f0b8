//! From a command line to a running engine, or to what is wrong and the exit code that says so.
//!
//! Deliberately absent: anything of Tauri. Invariant: nothing is written before the settings were
//! read without an error.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use belfry_app::session_credentials::SessionCredentials;
use belfry_app::{Check, Machine, StartAtLogin, Started};
use belfry_core::settings::Settings;
use engine::StartError;
use host::credentials::MachineCredentials;
use host::exit_reason::ExitReason;
use host::paths::NoHome;
use host::proxies::MachineProxies;
use host::settings::ReadError;
use host::{autostart, doctor, logging, machine, notify, paths, texts};
use tokio::runtime::Handle;
use tokio::sync::mpsc::unbounded_channel;

use crate::args::Args;
use crate::platform::instance::ClaimError;

/// What is wrong, for the log and for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened, where, and what to do.
    pub(crate) message: String,
    /// The exit code, as of `belfryctl`.
    pub(crate) reason: ExitReason,
}

impl Failure {
    pub(crate) fn new(reason: ExitReason, message: impl ToString) -> Self {
        Self { reason, message: message.to_string() }
    }

    /// A failure without an exit code of its own.
    pub(crate) fn other(message: impl ToString) -> Self {
        Self::new(ExitReason::Failed, message)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::new(ExitReason::from(&error), error)
    }
}

impl From<NoHome> for Failure {
    fn from(error: NoHome) -> Self {
        Self::new(ExitReason::from(&error), error)
    }
}

impl From<ClaimError> for Failure {
    fn from(error: ClaimError) -> Self {
        let reason = match &error {
            ClaimError::DataDir(_) => ExitReason::Store,
            ClaimError::Silent(_) => ExitReason::InUse,
        };
        Self::new(reason, error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::new(ExitReason::from(&error), error)
    }
}

/// Where everything but the settings is kept.
///
/// # Errors
/// [`Failure`]: no folder was given, and there is no usual place.
pub(crate) fn data_dir(args: &Args) -> Result<PathBuf, Failure> {
    args.data_dir.clone().map_or_else(paths::data_dir, Ok).map_err(Failure::from)
}

/// Starts the engine; it connects when it is told to. While no settings file names a server there
/// is no engine: that is the first run, except for `--smoke-test`. What was chosen on its first
/// page before holds in it.
///
/// # Errors
/// [`Failure`], before anything is connected.
pub(crate) fn start(args: &Args, data_dir: PathBuf, runtime: &Handle) -> Result<Started, Failure> {
    let settings_file = args.config.clone().map_or_else(paths::settings_file, Ok)?;
    let (settings, is_set_up) = match host::settings::read(Some(&settings_file)) {
        Ok((settings, warnings)) => {
            for warning in warnings {
                tracing::warn!("{warning}");
            }
            (settings, true)
        }
        Err(ReadError::Missing(_)) if !args.smoke_test => (unfinished(&settings_file).unwrap_or_default(), false),
        Err(error) => {
            let may_be_unfinished = matches!(error, ReadError::Invalid(_)) && !args.smoke_test;
            let Some(settings) = may_be_unfinished.then(|| unfinished(&settings_file)).flatten() else {
                for warning in error.warnings() {
                    tracing::warn!("{warning}");
                }
                return Err(error.into());
            };
            (settings, false)
        }
    };
    logging::set_level(settings.app.log_level);
    let start_at_login = start_at_login(args);
    if is_set_up {
        start_at_login(settings.app.start_at_login);
    }
    let is_server_locked = host::settings::is_locked(&settings_file, "server.endpoints");
    let language = texts::language(settings.app.language);
    let (sender, events) = unbounded_channel();
    let credentials = Arc::new(MachineCredentials::from_environment(None, data_dir.clone()));
    let machine = Machine {
        settings_file,
        documents_dir: Arc::new(paths::documents_dir),
        machine_id: machine::machine_id(),
        host_name: machine::host_name(),
        notifier: Arc::new(notify::Desktop::new(language)),
        checks: checks(&credentials),
        credentials: Arc::new(SessionCredentials::new(credentials)),
        proxies: Arc::new(MachineProxies),
        data_dir,
        start_at_login,
        events: sender,
        runtime: runtime.clone(),
    };
    let engine = if is_set_up { Some(machine.start_engine(settings.clone())?) } else { None };
    Ok(Started { machine, settings, is_server_locked, engine, events })
}

/// The machine's steps of the diagnosis.
fn checks(credentials: &Arc<MachineCredentials>) -> Vec<Check> {
    let credentials = Arc::clone(credentials);
    vec![
        Arc::new(move |settings: &Settings| Some(doctor::keychain(&credentials, settings).1)),
        Arc::new(|_: &Settings| Some(doctor::notifications())),
        Arc::new(|_: &Settings| Some(doctor::tray())),
        Arc::new(|_: &Settings| doctor::web_view()),
    ]
}

/// What was chosen on the first page of the first run, if there is nothing else wrong with the
/// file.
fn unfinished(file: &Path) -> Option<Settings> {
    host::settings::unfinished(file).ok().map(|effective| effective.settings)
}

/// Makes the start-up entry what the setting says. A program that is not installed, or that was
/// given its own settings or data, is being tried out, and leaves the machine as it is.
fn start_at_login(args: &Args) -> StartAtLogin {
    if args.smoke_test || args.config.is_some() || args.data_dir.is_some() {
        return Arc::new(|_| ());
    }
    Arc::new(|wanted| {
        let Some(program) = autostart::installed() else {
            tracing::debug!("the start-up list is left alone, since this program is not installed");
            return;
        };
        if let Err(error) = autostart::apply(&program, wanted) {
            tracing::warn!(%error, "the start-up list could not be changed; it stays as it is");
        }
    })
}
