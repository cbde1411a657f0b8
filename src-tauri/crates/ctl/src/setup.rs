//! What every command needs first: the settings, the folders, the account and its secret.
//!
//! Deliberately absent: writing anything. Invariant: an error in the settings ends the command
//! before anything is changed.

use std::{path::PathBuf, sync::Arc};

use belfry_core::{
    account::Account,
    error::{Failure, Fault},
    ports::{CredentialError, Credentials, Secret},
    settings::{AuthMode, Settings},
};
use engine::{
    inbox::Inbox,
    net::{http, identity::Identity},
    runtime::data_dir::{account_dir, device_id},
};
use host::exit_reason::ExitReason;
use host::{credentials::MachineCredentials, machine, paths, proxies::MachineProxies, texts};

use crate::{args::Global, error::Error};

/// One account on one machine.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    pub(crate) settings_file: PathBuf,
    /// Values without effect, in the settings file and in managed settings, one message each.
    pub(crate) warnings: Vec<String>,
    /// The digest of the managed settings in effect.
    pub(crate) policy_digest: String,
    pub(crate) account: Account,
    pub(crate) data_dir: PathBuf,
    /// Where the log's files are.
    pub(crate) log_folder: PathBuf,
    pub(crate) credentials: Arc<MachineCredentials>,
}

impl Setup {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ExitReason::Usage`] with every error of the file.
    pub(crate) fn read(global: &Global) -> Result<Self, Error> {
        let settings_file = global.config.clone().map_or_else(paths::settings_file, Ok)?;
        let effective = host::settings::effective(Some(&settings_file))?;
        let warnings = effective.warnings.iter().map(ToString::to_string).chain(effective.violations()).collect();
        let policy_digest = effective.policy_digest();
        let settings = effective.settings;
        let data_dir = global.data_dir.clone().map_or_else(paths::data_dir, Ok)?;
        let log_folder = host::logging::folder(global.data_dir.as_deref())?;
        let account = Account::of(&settings).ok_or(engine::StartError::NoServer)?;
        Ok(Self {
            settings,
            settings_file,
            warnings,
            policy_digest,
            account,
            credentials: Arc::new(MachineCredentials::from_environment(global.token_file.clone(), data_dir.clone())),
            data_dir,
            log_folder,
        })
    }

    /// The secret.
    ///
    /// # Errors
    /// [`ExitReason::SignIn`] if there is none, [`ExitReason::Usage`] if the given token file
    /// cannot be used.
    pub(crate) fn secret(&self) -> Result<Secret, Error> {
        let (name, others) = (self.account.name(), self.other_sources());
        let error = match self.credentials.secret(&name, self.settings.auth.mode) {
            Ok(Some(stored)) => match stored.for_settings(&self.settings) {
                Ok(secret) => return Ok(secret),
                Err(not_agreed) => {
                    return Err(Failure::new(Fault::NotAgreed, not_agreed.hosts()).into());
                }
            },
            Ok(None) => {
                format!("{name}: not signed in, the keychain has no secret: run belfryctl sign-in, or give {others}")
            }
            Err(error @ CredentialError::File(_)) => return Err(error.into()),
            Err(error) => format!("{name}: {error}, or give {others}"),
        };
        Err(Error::new(ExitReason::SignIn, error))
    }

    /// The HTTP client for these settings.
    ///
    /// # Errors
    /// [`Failure`] when a file that they name cannot be used.
    pub(crate) fn http_client(&self) -> Result<http::Client, Failure> {
        http::client(&self.settings.network, Arc::new(MachineProxies))
    }

    /// The ways to provide a secret without a keychain.
    pub(crate) fn other_sources(&self) -> &'static str {
        match self.settings.auth.mode {
            AuthMode::Password => {
                "the password with BELFRY_PASSWORD, or a token with --token-file FILE or BELFRY_TOKEN"
            }
            AuthMode::Token | AuthMode::Oidc => "the token with --token-file FILE or BELFRY_TOKEN",
        }
    }

    /// Account, device and settings for a connection. Creates the device id of this machine, if it
    /// has none yet.
    ///
    /// # Errors
    /// [`ExitReason::Store`] if the device id cannot be read or saved.
    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        let device = device_id(&self.data_dir, &machine::machine_id())?;
        Ok(Identity::new(self.settings.clone(), self.account.clone(), device, &machine::host_name()))
    }

    /// The account's inbox; an empty one if it does not exist yet.
    ///
    /// # Errors
    /// [`ExitReason::Store`].
    pub(crate) fn inbox(&self) -> Result<Inbox, Error> {
        let inbox = Inbox::open(&account_dir(&self.data_dir, &self.account))?.map_or_else(Inbox::empty, Ok)?;
        let language = texts::language(self.settings.app.language);
        Ok(inbox.naming_kinds(self.settings.message.kinds.clone(), language))
    }
}
