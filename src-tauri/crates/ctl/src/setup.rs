//! What every command begins with: the settings, the folders, the account and where its secret is.
//!
//! Nothing is written here. Absent: managed settings. Invariant: settings with an error end the command before anything
//! is touched.

use std::{path::PathBuf, sync::Arc};

use belfry_core::{
    account::Account,
    ports::{CredentialError, Credentials, Secret},
    settings::{AuthMode, Settings},
};
use engine::{
    inbox::Inbox,
    net::connection::Identity,
    runtime::data_dir::{account_dir, device_id},
};
use host::{credentials::MachineCredentials, machine, paths};

use crate::{
    args::Global,
    ending::{Code, Error},
};

/// One account on one machine.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    pub(crate) settings_file: PathBuf,
    /// What the settings file has that nobody knows, one a line.
    pub(crate) warnings: Vec<String>,
    pub(crate) account: Account,
    pub(crate) data_dir: PathBuf,
    pub(crate) credentials: Arc<MachineCredentials>,
}

impl Setup {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Code::Usage`] with every error of the file.
    pub(crate) fn read(global: &Global) -> Result<Self, Error> {
        let settings_file = global.config.clone().map_or_else(paths::settings_file, Ok)?;
        let (settings, warnings) = host::settings::read(Some(&settings_file))?;
        let data_dir = global.data_dir.clone().map_or_else(paths::data_dir, Ok)?;
        let account = Account::of(&settings).ok_or(engine::StartError::NoServer)?;
        Ok(Self {
            settings,
            settings_file,
            warnings: warnings.iter().map(ToString::to_string).collect(),
            account,
            credentials: Arc::new(MachineCredentials::from_environment(global.token_file.clone(), data_dir.clone())),
            data_dir,
        })
    }

    /// The secret.
    ///
    /// # Errors
    /// [`Code::SignIn`] when there is none, [`Code::Usage`] when the file it was to come from cannot be used.
    pub(crate) fn secret(&self) -> Result<Secret, Error> {
        let (name, given) = (self.account.name(), self.ways_to_give());
        let error = match self.credentials.secret(&name, self.settings.auth.mode) {
            Ok(Some(secret)) => return Ok(secret),
            Ok(None) => format!("{name}: nobody has signed in: run belfryctl sign-in, or give {given}"),
            Err(error @ CredentialError::File(_)) => return Err(error.into()),
            Err(error) => format!("{name}: {error}, or give {given}"),
        };
        Err(Error::new(Code::SignIn, error))
    }

    /// How a secret comes here without a keychain.
    pub(crate) fn ways_to_give(&self) -> &'static str {
        match self.settings.auth.mode {
            AuthMode::Password => {
                "the password with BELFRY_PASSWORD, or a token with --token-file FILE or BELFRY_TOKEN"
            }
            AuthMode::Token | AuthMode::Oidc => "the token with --token-file FILE or BELFRY_TOKEN",
        }
    }

    /// Who connects; this machine gets its device id if it has none yet.
    ///
    /// # Errors
    /// [`Code::Store`] when the device id cannot be read or kept.
    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        let device = device_id(&self.data_dir, &machine::machine_id())?;
        Ok(Identity { settings: self.settings.clone(), account: self.account.clone(), device })
    }

    /// The account's inbox; an empty one when it has none yet.
    ///
    /// # Errors
    /// [`Code::Store`].
    pub(crate) fn inbox(&self) -> Result<Inbox, Error> {
        Ok(Inbox::open(&account_dir(&self.data_dir, &self.account))?.map_or_else(Inbox::empty, Ok)?)
    }
}
