//! What every command begins with: the settings, the folders, the account and where its token is.
//!
//! Nothing is written here. Absent: managed settings. Invariant: settings with an error end the command before anything
//! is touched.

use std::{path::PathBuf, sync::Arc};

use engine::{
    account::Account,
    connection::Identity,
    engine::{account_dir, device_id},
    inbox::Inbox,
    ports::Credentials,
    settings::Settings,
};
use host::{credentials::MachineCredentials, machine, paths};
use secrecy::SecretString;

use crate::{
    args::Global,
    ending::{Code, Error},
};

/// One account on one machine.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) settings: Settings,
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
        let data_dir = global.data_dir.clone().map_or_else(paths::data_dir, Ok)?;
        let name = settings_file.display().to_string();
        let text = std::fs::read_to_string(&settings_file).map_err(|error| {
            let what = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no settings file here".to_owned(),
                _ => format!("the settings file cannot be read ({error})"),
            };
            Error::new(Code::Usage, format!("{name}: {what}: write one with server.endpoints, or give --config FILE"))
        })?;
        let (settings, warnings) =
            Settings::parse(&text, &name).map_err(|errors| Error::new(Code::Usage, errors.to_string()))?;
        let account = Account::of(&settings).ok_or(engine::engine::StartError::NoServer)?;
        Ok(Self {
            settings,
            warnings: warnings.iter().map(ToString::to_string).collect(),
            account,
            data_dir,
            credentials: Arc::new(MachineCredentials::from_environment(global.token_file.clone())),
        })
    }

    /// The token.
    ///
    /// # Errors
    /// [`Code::SignIn`] when there is none, [`Code::Usage`] when the file it was to come from cannot be used.
    pub(crate) fn token(&self) -> Result<SecretString, Error> {
        let remedy = "run belfryctl sign-in, or give the token with --token-file FILE or BELFRY_TOKEN";
        let none = |why: &str| Error::new(Code::SignIn, format!("{}: {why}: {remedy}", self.account.name()));
        match self.credentials.token(&self.account.name()) {
            Ok(Some(token)) => Ok(token),
            Ok(None) => Err(none("nobody has signed in")),
            Err(error @ engine::ports::CredentialError::File(_)) => Err(error.into()),
            Err(error) => Err(none(&error.to_string())),
        }
    }

    /// Who connects; this machine gets its device id if it has none yet.
    ///
    /// # Errors
    /// [`Code::Store`] when the device id cannot be read or kept.
    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        let device = device_id(&self.data_dir, &machine_id())?;
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

/// What the system calls this machine; empty where it has no name, so that a copied profile is not noticed there.
pub(crate) fn machine_id() -> String {
    machine::machine_id().unwrap_or_else(|error| {
        tracing::warn!(%error, "a copied profile will not be noticed");
        String::new()
    })
}
