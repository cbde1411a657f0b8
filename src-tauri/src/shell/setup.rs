//! The first run: find the server, sign in, sign out.
//!
//! Invariants: settings and secret are kept only after the server has taken the secret, so a failed attempt changes nothing.
//! Whether somebody is signed in is the engine's to find out, which reads the keychain where it may wait.

use std::sync::Arc;

use belfry_core::account::Account;
use belfry_core::error::{Failure, Fault};
use belfry_core::ports::{Credentials as _, Secret};
use belfry_core::settings::{AuthMode, NetworkSettings, Settings};
use belfry_core::status::Kind;
use engine::net::connection::Identity;
use engine::net::discovery::{self, DiscoveryError};
use engine::runtime::data_dir::device_id;
use engine::{
    net::{http, token},
    runtime::settings_file,
};
use host::machine;
use secrecy::SecretString;
use serde_json::Value;
use tauri::async_runtime as runtime;

use super::{Shell, lock};
use crate::view::{self, Chosen, Code, Problem, Server, Setup, SetupStep, SignedIn};

impl Shell {
    /// What is missing before anything can be received, as far as the engine has found out.
    pub(crate) fn missing(&self) -> Option<Setup> {
        let (settings, account) = {
            let session = lock(&self.session);
            (session.settings.clone(), session.account.clone())
        };
        let Some(account) = account else {
            return Some(Setup { step: SetupStep::Address, is_managed: false, server: None, login: String::new() });
        };
        let kind = self.snapshot.borrow().status.why.as_ref().map(|why| why.kind);
        // One that is only locked is unlocked, not signed in to anew.
        matches!(kind, Some(Kind::NoCredential | Kind::Keychain)).then(|| Setup {
            step: SetupStep::SignIn,
            is_managed: false,
            server: Some(shown(account.origin(), "", &settings, true)),
            login: account.login().to_owned(),
        })
    }

    pub(crate) async fn discover(&self, address: String) -> Result<Server, Problem> {
        // How this computer reaches the network is said by its own file, where it has one.
        let network = host::settings::read(Some(&self.machine.settings_file))
            .map_or_else(|_| NetworkSettings::default(), |(settings, _)| settings.network);
        let client = http::client(&network)?;
        let found = discovery::discover(&client, &network, &address).await?;
        let server = shown(&address, &found.name, &found.settings, found.is_discovered);
        *lock(&self.found) = Some((address, found));
        Ok(server)
    }

    pub(crate) async fn sign_in(&self, server: Chosen, login: &str, secret: SecretString) -> Result<SignedIn, Problem> {
        let _changing = self.changing.lock().await;
        let mut changes: Vec<(String, Option<Value>)> = match lock(&self.found).as_ref() {
            Some((address, found)) if *address == server.address => {
                found.keys.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect()
            }
            _ => Vec::new(),
        };
        // Who signs in again is who the settings say.
        if !login.is_empty() {
            changes.push(("auth.login".to_owned(), Some(login.into())));
        }
        let settings = settings_file::preview(&self.machine.settings_file, &changes)?;
        let account = Account::of(&settings).ok_or_else(|| Problem::new(Code::BadAddress, "find the server first"))?;
        let typed = match settings.auth.mode {
            AuthMode::Password => Secret::Password(secret.clone()),
            AuthMode::Token | AuthMode::Oidc => Secret::Token(secret.clone()),
        };
        self.check(&settings, &account, &typed).await?;
        let (keeping, name) = (Arc::clone(&self.machine.keeping), account.name());
        let kept = runtime::spawn_blocking(move || keeping.keep_or_hold(&name, &secret)).await;
        let settings = settings_file::save(&self.machine.settings_file, &changes)?;
        self.restart(settings).await?;
        self.tell_status();
        Ok(SignedIn { account: account.name(), is_kept: kept.unwrap_or(false) })
    }

    /// Signs in with this, opens a session, and says good-bye.
    async fn check(&self, settings: &Settings, account: &Account, secret: &Secret) -> Result<(), Problem> {
        let device = device_id(&self.machine.data_dir, &machine::machine_id())
            .map_err(|error| Problem::new(Code::Store, error))?;
        let identity = Identity { settings: settings.clone(), account: account.clone(), device };
        Ok(token::check(&identity, secret).await?)
    }

    pub(crate) async fn sign_out(&self) -> Result<(), Problem> {
        let _changing = self.changing.lock().await;
        let (settings, account) = {
            let session = lock(&self.session);
            (session.settings.clone(), session.account.clone())
        };
        let Some(account) = account else { return Ok(()) };
        let keeping = Arc::clone(&self.machine.keeping);
        let forgotten = runtime::spawn_blocking(move || keeping.forget(&account.name())).await;
        match forgotten {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Problem::new(Code::File, error)),
            Err(error) => return Err(Problem::new(Code::File, error)),
        }
        // The engine will find that nobody is signed in, which brings the sign-in page.
        self.restart(settings).await
    }
}

fn shown(address: &str, name: &str, settings: &Settings, is_discovered: bool) -> Server {
    Server {
        address: address.to_owned(),
        endpoint: settings.server.endpoints.first().map(view::address).unwrap_or_default(),
        name: host::foreign_text::one_line(name, 100),
        mode: settings.auth.mode.into(),
        is_discovered,
    }
}

impl From<DiscoveryError> for Problem {
    fn from(error: DiscoveryError) -> Self {
        let code = match &error {
            DiscoveryError::BadAddress => Code::BadAddress,
            DiscoveryError::Insecure(_) => Code::Insecure,
            DiscoveryError::Unreachable(_) if error.is_tls() => Code::Tls,
            DiscoveryError::Unreachable(_) => Code::Unreachable,
            DiscoveryError::Nothing(_) | DiscoveryError::Wrong(_) => Code::NotDiscovered,
        };
        Self::new(code, error)
    }
}

/// For who wants to connect.
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let code = match failure.fault {
            Fault::Unreachable | Fault::TimedOut | Fault::Broken | Fault::Closed | Fault::Silent => Code::Unreachable,
            Fault::Tls => Code::Tls,
            Fault::Refused | Fault::Password | Fault::Status(401) => Code::Refused,
            Fault::Insecure => Code::Insecure,
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
            | Fault::Declined => Code::Server,
        };
        Self::of(code, &failure)
    }
}
