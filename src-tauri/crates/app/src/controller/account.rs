//! The first run: find the server, sign in, sign out.
//!
//! Invariants: settings and secret are stored only after the server has taken the secret, so a
//! failed attempt changes nothing. Whether there is a secret is found out by the engine, which
//! reads the keychain where it may wait.

use std::sync::Arc;

use belfry_core::account::Account;
use belfry_core::error::{Failure, Fault};
use belfry_core::foreign_text;
use belfry_core::ports::{Credentials as _, Secret};
use belfry_core::settings::{AuthMode, NetworkSettings, Settings};
use belfry_core::status::Kind;
use engine::net::discovery::{self, DiscoveredServer, DiscoveryError};
use engine::net::identity::Identity;
use engine::net::{http, token};
use engine::runtime::data_dir::device_id;
use secrecy::SecretString;

use crate::controller::Controller;
use crate::gui::Gui;
use crate::ipc::{self, Chosen, CommandError, CommandErrorCode, Server, Setup, SetupStep, SignedIn};
use crate::machine::Machine;
use crate::request::Reply;
use crate::task::{After, Checked, Outcome, SettingChanges, answer, blocking, report};

/// Longest name of a server that is shown, in characters.
const SERVER_NAME: usize = 100;

impl<G: Gui> Controller<G> {
    /// What is missing before anything can be received, as far as the engine has found out.
    pub(crate) fn missing(&self) -> Option<Setup> {
        let Some(account) = &self.session.account else {
            return Some(Setup { step: SetupStep::Address, is_managed: false, server: None, login: String::new() });
        };
        let kind = self.snapshot().status.cause.as_ref().map(|why| why.kind);
        // A keychain that is only locked is unlocked; that needs no new sign-in.
        matches!(kind, Some(Kind::NoCredential | Kind::Keychain)).then(|| Setup {
            step: SetupStep::SignIn,
            is_managed: self.is_server_locked,
            server: Some(server_to_show(account.origin(), "", &self.session.settings, true)),
            login: account.login().to_owned(),
        })
    }

    pub(crate) fn discover(&mut self, address: String, reply: Reply<Server>) {
        self.discoveries += 1;
        let (number, file) = (self.discoveries, self.machine.settings_file.clone());
        self.spawn(|reporter| async move {
            // How this computer reaches the network is said by its own file, where it has one.
            let read = blocking(move || Ok(host::settings::unfinished(&file).ok())).await.ok().flatten();
            let network = read.map_or_else(NetworkSettings::default, |effective| effective.settings.network);
            let found = match http::client(&network) {
                Ok(client) => discovery::discover(&client, &network, &address).await.map_err(CommandError::from),
                Err(failure) => Err(failure.into()),
            };
            match found {
                Ok(found) => {
                    let server = server_to_show(&address, &found.name, &found.settings, found.is_discovered);
                    report(&reporter, Outcome::Discovered { number, address, found: Box::new(found) });
                    answer(reply, Ok(server));
                }
                Err(error) => answer(reply, Err(error)),
            }
        });
    }

    /// Remembers what was found, unless another address was asked meanwhile.
    pub(crate) fn handle_discovered(&mut self, number: u64, address: String, found: DiscoveredServer) {
        if number == self.discoveries {
            self.found = Some((address, found));
        }
    }

    /// Begins a sign-in: checks it with the server.
    pub(crate) fn sign_in(&mut self, server: &Chosen, login: String, secret: SecretString, reply: Reply<SignedIn>) {
        let mut changes: SettingChanges = match &self.found {
            Some((address, found)) if *address == server.address => {
                found.keys.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect()
            }
            _ => Vec::new(),
        };
        // Without a name it is the account of the settings that signs in again.
        if !login.is_empty() {
            changes.push(("auth.login".to_owned(), Some(login.into())));
        }
        let (attempt, machine) = (self.changes.next_attempt(), self.machine.clone());
        let task = self.spawn(|reporter| async move {
            let checked = check(&machine, changes, secret).await.map(Box::new);
            report(&reporter, Outcome::Checked { attempt, checked });
        });
        self.changes.begin_check(attempt, reply, task);
    }

    /// The server has accepted a sign-in, or has not. The answer to a sign-in that was ended
    /// meanwhile is dropped.
    pub(crate) fn handle_checked(&mut self, attempt: u64, checked: Result<Box<Checked>, CommandError>) {
        let Some(reply) = self.changes.take_check(attempt) else { return };
        let Checked { account, secret, changes } = match checked {
            Ok(checked) => *checked,
            Err(error) => {
                answer(reply, Err(error));
                return self.end_change();
            }
        };
        self.changes.begin_apply();
        let (credentials, file) = (Arc::clone(&self.machine.credentials), self.machine.settings_file.clone());
        self.spawn(|reporter| async move {
            let name = account.name();
            let stored = {
                let name = name.clone();
                blocking(move || Ok(credentials.store_or_keep_in_memory(&name, &secret))).await
            };
            let settings = blocking(move || Ok(Box::new(host::settings::save(&file, &changes)?))).await;
            let signed_in = SignedIn { account: name, is_kept: stored.unwrap_or(false) };
            report(&reporter, Outcome::Applied { settings, after: After::SignedIn { signed_in, reply } });
        });
    }

    /// Begins a sign-out: forgets the secret. The engine will find no secret, which brings the
    /// sign-in page.
    pub(crate) fn sign_out(&mut self, reply: Reply<()>) {
        let Some(account) = &self.session.account else {
            answer(reply, Ok(()));
            return;
        };
        let (name, settings) = (account.name(), Box::new(self.session.settings.clone()));
        let credentials = Arc::clone(&self.machine.credentials);
        self.changes.begin_apply();
        self.spawn(|reporter| async move {
            let forget =
                move || credentials.forget(&name).map_err(|error| CommandError::new(CommandErrorCode::File, error));
            let settings = blocking(forget).await.map(|()| settings);
            report(&reporter, Outcome::Applied { settings, after: After::SignedOut { reply } });
        });
    }
}

/// Signs in with this, opens a session, and closes it.
async fn check(machine: &Machine, changes: SettingChanges, secret: SecretString) -> Result<Checked, CommandError> {
    let file = machine.settings_file.clone();
    let read = blocking(move || {
        // What a server says of itself never stands against a policy.
        let changes = host::settings::unlocked(&file, changes)?;
        Ok((host::settings::preview(&file, &changes)?, changes))
    });
    let (settings, changes) = read.await?;
    let account = Account::of(&settings)
        .ok_or_else(|| CommandError::new(CommandErrorCode::BadAddress, "find the server first"))?;
    let typed = match settings.auth.mode {
        AuthMode::Password => Secret::Password(secret.clone()),
        AuthMode::Token | AuthMode::Oidc => Secret::Token(secret.clone()),
    };
    let (data_dir, machine_id) = (machine.data_dir.clone(), machine.machine_id.clone());
    let device = blocking(move || {
        device_id(&data_dir, &machine_id).map_err(|error| CommandError::new(CommandErrorCode::Store, error))
    });
    let identity = Identity::new(settings, account.clone(), device.await?, &machine.host_name);
    token::check(&identity, &typed).await?;
    Ok(Checked { account, secret, changes })
}

fn server_to_show(address: &str, name: &str, settings: &Settings, is_discovered: bool) -> Server {
    Server {
        address: address.to_owned(),
        endpoint: settings.server.endpoints.first().map(ipc::address).unwrap_or_default(),
        name: foreign_text::one_line(name, SERVER_NAME),
        mode: settings.auth.mode.into(),
        is_discovered,
    }
}

impl From<DiscoveryError> for CommandError {
    fn from(error: DiscoveryError) -> Self {
        let code = match &error {
            DiscoveryError::BadAddress => CommandErrorCode::BadAddress,
            DiscoveryError::Insecure(_) => CommandErrorCode::Insecure,
            DiscoveryError::Unreachable(_) if error.is_tls() => CommandErrorCode::Tls,
            DiscoveryError::Unreachable(_) => CommandErrorCode::Unreachable,
            DiscoveryError::Nothing(_) | DiscoveryError::Wrong(_) => CommandErrorCode::NotDiscovered,
        };
        Self::new(code, error)
    }
}

/// For a person who wants to connect.
impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        let code = match failure.fault {
            Fault::Unreachable
            | Fault::TimedOut
            | Fault::Broken
            | Fault::Closed
            | Fault::Restarting
            | Fault::Silent => CommandErrorCode::Unreachable,
            Fault::Tls => CommandErrorCode::Tls,
            Fault::Refused | Fault::Password | Fault::Status(401) => CommandErrorCode::Refused,
            Fault::Insecure => CommandErrorCode::Insecure,
            Fault::ProxyAuth
            | Fault::WrongAccount
            | Fault::NoCredential
            | Fault::Locked
            | Fault::Keychain
            | Fault::Status(_)
            | Fault::Denied
            | Fault::Died
            | Fault::Protocol
            | Fault::Settings
            | Fault::BadAnswer
            | Fault::Declined
            | Fault::NotPermitted => CommandErrorCode::Server,
        };
        Self::of(code, &failure)
    }
}
