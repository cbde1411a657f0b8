//! `sign-in` with `auth.mode = "oidc"`: opens the system browser, and waits until it comes back.
//!
//! Deliberately absent: the protocol ([`engine::net::oidc`]) and storing what it yields. Invariant: the
//! address is also printed, since there may be no browser on this computer that can be opened.

use belfry_core::{
    account::Account,
    ports::{Credentials as _, Secret},
};
use engine::net::oidc::browser::BrowserSignIn;
use host::{exit_reason::ExitReason, texts};
use serde_json::Value;

use crate::{error::Error, output::message, setup::Setup};

/// Changes of the settings file.
pub(super) type Changes = Vec<(String, Option<Value>)>;

/// Signs in. The account is named by `auth.login`, or else by the issuer: then the setup is that of
/// this account, and the changes that make it so are returned, to be saved once the server has
/// accepted the sign-in.
///
/// # Errors
/// [`ExitReason::SignIn`] if it is declined in the browser, [`ExitReason::Unreachable`],
/// [`ExitReason::Usage`] if the settings or the issuer's metadata cannot be used.
pub(super) async fn sign_in(setup: &mut Setup) -> Result<(Secret, Changes), Error> {
    let client = setup.http_client()?;
    let language = texts::language(setup.settings.app.language);
    let waiting = BrowserSignIn::begin(&client, &setup.settings, language).await?;
    message(match open::that_detached(waiting.url().as_str()) {
        Ok(()) => "sign in in the browser; if none has opened, open this address on this computer:",
        Err(_) => "no browser could be opened: open this address in a browser on this computer:",
    });
    message(waiting.url().as_str());
    let identity = waiting.finish().await?;
    let mut changes = Changes::new();
    if setup.settings.auth.login != identity.login {
        let login = vec![("auth.login".to_owned(), Some(Value::from(identity.login.as_str())))];
        // An administrator's empty login stays empty.
        changes = host::settings::unlocked(&setup.settings_file, login).map_err(not_saved)?;
    }
    if !changes.is_empty() {
        setup.settings.auth.login.clone_from(&identity.login);
        setup.account = Account::of(&setup.settings).unwrap_or_else(|| setup.account.clone());
    }
    // A keychain that cannot be read is an error later, when the sign-in is saved.
    let kept = setup.credentials.secret(&setup.account.name(), setup.settings.auth.mode).ok().flatten();
    identity.check_person(kept.as_ref())?;
    Ok((Secret::Oidc(identity.tokens), changes))
}

/// Saves what [`sign_in`] has returned.
///
/// # Errors
/// [`ExitReason::Failed`] if the settings file cannot be changed.
pub(super) fn save(setup: &Setup, changes: &Changes) -> Result<(), Error> {
    if !changes.is_empty() {
        host::settings::save(&setup.settings_file, changes).map_err(not_saved)?;
    }
    Ok(())
}

fn not_saved(error: impl std::fmt::Display) -> Error {
    Error::new(ExitReason::Failed, format!("auth.login cannot be saved: {error}"))
}
