//! The first run: find the server, sign in, sign out.
//!
//! Invariants: nothing secret is sent to a host beside the one that the person typed or was shown
//! before the person has agreed to it by its name; settings and secret are stored only after the server has taken the secret, so a
//! failed attempt changes nothing. Whether there is a secret is found out by the engine, which
//! reads the keychain where it may wait.

use std::path::Path;
use std::sync::Arc;

use belfry_core::account::Account;
use belfry_core::error::{Failure, Fault};
use belfry_core::foreign_text;
use belfry_core::ports::{Credentials as _, NotAgreed, Secret};
use belfry_core::settings::origins::{self, AgreedOrigins};
use belfry_core::settings::{NetworkSettings, Settings};
use belfry_core::status::Kind;
use engine::net::discovery::{self, DiscoveredServer, DiscoveryError};
use engine::net::identity::Identity;
use engine::net::token;
use engine::runtime::data_dir::device_id;
use secrecy::SecretString;
use serde_json::Value;

use crate::controller::Controller;
use crate::controller::server_requests::refused;
use crate::gui::Gui;
use crate::ipc::{self, Chosen, CommandError, CommandErrorCode, ForeignHost, Server, Setup, SetupStep, SignedIn};
use crate::machine::Machine;
use crate::request::Reply;
use crate::task::{After, Checked, Outcome, SettingChanges, answer, blocking, report};

/// Longest name of a server that is shown, in characters.
const SERVER_NAME: usize = 100;

impl<G: Gui> Controller<G> {
    /// What is missing before anything can be received, as far as the engine has found out.
    pub(crate) fn missing(&self) -> Option<Setup> {
        // A keychain that is only locked is unlocked; that needs no new sign-in.
        let is_missing = self.session.account.is_none()
            || matches!(self.cause(), Some(Kind::NoCredential | Kind::NotAgreed | Kind::Keychain));
        is_missing.then(|| self.setup_again())
    }

    /// The sign-in of the account of the settings; the first step, where there is none.
    pub(crate) fn setup_again(&self) -> Setup {
        let Some(account) = &self.session.account else {
            return Setup { step: SetupStep::Address, is_managed: false, server: None, login: String::new() };
        };
        let settings = &self.session.settings;
        Setup {
            step: SetupStep::SignIn,
            is_managed: self.is_server_locked,
            server: Some(server_to_show(account.origin(), "", settings, &self.known_host(), true)),
            login: account.login().to_owned(),
        }
    }

    fn cause(&self) -> Option<Kind> {
        self.snapshot().status.cause.as_ref().map(|why| why.kind)
    }

    /// The host that needs no yes when the account of the settings signs in again: that of the
    /// endpoint which the page shows. None, where the settings have changed since the last sign-in.
    fn known_host(&self) -> String {
        let endpoints = &self.session.settings.server.endpoints;
        let shown = endpoints.first().filter(|_| self.cause() != Some(Kind::NotAgreed));
        shown.and_then(origins::host_of).unwrap_or_default()
    }

    pub(crate) fn discover(&mut self, address: String, reply: Reply<Server>) {
        self.discoveries += 1;
        let (number, file, machine) = (self.discoveries, self.machine.settings_file.clone(), self.machine.clone());
        self.spawn(|reporter| async move {
            // How this computer reaches the network is said by its own file, where it has one.
            let own = file.clone();
            let read = blocking(move || Ok(host::settings::unfinished(&own).ok())).await.ok().flatten();
            let network = read.map_or_else(NetworkSettings::default, |effective| effective.settings.network);
            let found = match machine.http_client(&network) {
                Ok(client) => discovery::discover(&client, &network, &address).await.map_err(CommandError::from),
                Err(failure) => Err(failure.into()),
            };
            match found {
                Ok(found) => {
                    let DiscoveredServer { name, settings, asked, is_discovered, .. } = &found;
                    let settings = with_changes(&file, settings, &found.keys).await;
                    let server = server_to_show(&address, name, &settings, asked, *is_discovered);
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
    pub(crate) fn sign_in(&mut self, server: Chosen, login: String, secret: SecretString, reply: Reply<SignedIn>) {
        let (mut changes, asked) = self.changes_for(&server);
        // Without a name it is the account of the settings that signs in again.
        if !login.is_empty() {
            changes.push(("auth.login".to_owned(), Some(login.into())));
        }
        let (attempt, machine) = (self.changes.next_attempt(), self.machine.clone());
        let task = self.spawn(|reporter| async move {
            let checked = check(&machine, changes, &asked, &server.agreed, secret).await.map(Box::new);
            report(&reporter, Outcome::Checked { attempt, checked });
        });
        self.changes.begin_check(attempt, reply, task);
    }

    /// What a sign-in to this server changes in the settings, and the host that needs no yes.
    pub(crate) fn changes_for(&self, server: &Chosen) -> (SettingChanges, String) {
        match &self.found {
            Some((address, found)) if *address == server.address => {
                let changes = found.keys.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
                (changes.collect(), found.asked.clone())
            }
            _ => (Vec::new(), self.known_host()),
        }
    }

    /// The server has accepted a sign-in, or has not. The answer to a sign-in that was ended
    /// meanwhile is dropped.
    pub(crate) fn handle_checked(&mut self, attempt: u64, checked: Result<Box<Checked>, CommandError>) {
        let Some(reply) = self.changes.take_check(attempt) else { return };
        let Checked { account, secret, agreed, changes } = match checked {
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
                blocking(move || Ok(credentials.store_or_keep_in_memory(&name, &secret, &agreed))).await
            };
            let settings = blocking(move || Ok(Box::new(host::settings::save(&file, &changes)?))).await;
            let signed_in = SignedIn { account: name, is_kept: stored.unwrap_or(false) };
            report(&reporter, Outcome::Applied { settings, after: After::SignedIn { signed_in, reply } });
        });
    }

    /// Begins a sign-out: forgets the secret. The engine will find no secret, which brings the
    /// sign-in page. The queues of this device are deleted after that, if the person wants it.
    pub(crate) fn sign_out(&mut self, forget_device: bool, reply: Reply<()>) {
        let Some(account) = &self.session.account else {
            answer(reply, Ok(()));
            return;
        };
        let (name, settings) = (account.name(), Box::new(self.session.settings.clone()));
        let credentials = Arc::clone(&self.machine.credentials);
        let server = forget_device.then(|| self.server());
        self.changes.begin_apply();
        self.spawn(|reporter| async move {
            let queues = match server {
                Some(Ok(server)) => server.device_queues().await.map(Some).map_err(refused),
                Some(Err(error)) => Err(error),
                None => Ok(None),
            };
            let (settings, queues) = match queues {
                Ok(queues) => {
                    let forget = move || {
                        credentials.forget(&name).map_err(|error| CommandError::new(CommandErrorCode::File, error))
                    };
                    (blocking(forget).await.map(|()| settings), queues)
                }
                Err(error) => (Err(error), None),
            };
            report(&reporter, Outcome::Applied { settings, after: After::SignedOut { queues, reply } });
        });
    }
}

/// The settings that a sign-in would use, and the changes that make them so. `asked` is the host that
/// the person has typed or is shown, `agreed` are the others that they have agreed to.
///
/// # Errors
/// [`CommandError`]: the settings cannot be used, or name a host that was not agreed to.
pub(crate) async fn proposed(
    machine: &Machine,
    changes: SettingChanges,
    asked: &str,
    agreed: &[String],
) -> Result<(Settings, SettingChanges), CommandError> {
    let file = machine.settings_file.clone();
    let read = blocking(move || {
        // What a server says of itself never stands against a policy.
        let changes = host::settings::unlocked(&file, changes)?;
        Ok((host::settings::preview(&file, &changes)?, changes))
    });
    let (settings, changes) = read.await?;
    let mut foreign = settings.foreign_hosts(asked);
    foreign.retain(|foreign| !agreed.contains(&foreign.host));
    if !foreign.is_empty() {
        let hosts = NotAgreed(foreign).hosts();
        let message = format!("the settings also name {hosts}: agree to these hosts first; nothing was sent");
        return Err(CommandError::new(CommandErrorCode::NotAgreed, message));
    }
    Ok((settings, changes))
}

/// Signs in with this, opens a session, and closes it. The arguments are those of [`proposed`].
async fn check(
    machine: &Machine,
    changes: SettingChanges,
    asked: &str,
    agreed: &[String],
    secret: SecretString,
) -> Result<Checked, CommandError> {
    let (settings, changes) = proposed(machine, changes, asked, agreed).await?;
    let account = Account::of(&settings)
        .ok_or_else(|| CommandError::new(CommandErrorCode::BadAddress, "find the server first"))?;
    let agreed = AgreedOrigins::of(&settings);
    let typed = Secret::of_stored(secret.clone(), settings.auth.mode);
    let (data_dir, machine_id) = (machine.data_dir.clone(), machine.machine_id.clone());
    let device = blocking(move || {
        device_id(&data_dir, &machine_id).map_err(|error| CommandError::new(CommandErrorCode::Store, error))
    });
    let identity = Identity::new(settings, account.clone(), device.await?, &machine.host_name);
    let client = machine.http_client(&identity.settings.network)?;
    token::check(&client, &Arc::new(identity), &typed).await?;
    Ok(Checked { account, secret, agreed, changes })
}

/// The settings that a sign-in with these discovered keys would use: what an administrator has set
/// stays as it is.
async fn with_changes(file: &Path, discovered: &Settings, keys: &[(String, Value)]) -> Settings {
    let file = file.to_owned();
    let changes: SettingChanges = keys.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    let preview = blocking(move || {
        let changes = host::settings::unlocked(&file, changes)?;
        Ok(host::settings::preview(&file, &changes)?)
    });
    // What is wrong with the file is said when the person signs in.
    preview.await.unwrap_or_else(|_| discovered.clone())
}

/// A server, as the window shows it. `asked` is the host that the person has typed or is shown.
fn server_to_show(address: &str, name: &str, settings: &Settings, asked: &str, is_discovered: bool) -> Server {
    Server {
        foreign: settings.foreign_hosts(asked).into_iter().map(ForeignHost::from).collect(),
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
            | Fault::TurnedAway
            | Fault::Silent => CommandErrorCode::Unreachable,
            Fault::Tls(_) => CommandErrorCode::Tls,
            Fault::Refused | Fault::Password | Fault::Status(401) => CommandErrorCode::Refused,
            Fault::Insecure => CommandErrorCode::Insecure,
            Fault::ProxyAuth
            | Fault::UnusableProxy
            | Fault::WrongAccount
            | Fault::NoCredential
            | Fault::NotAgreed
            | Fault::Expired
            | Fault::Locked
            | Fault::Keychain
            | Fault::Status(_)
            | Fault::Page(_)
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
