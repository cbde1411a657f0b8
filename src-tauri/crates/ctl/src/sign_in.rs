//! `sign-in` and `sign-out`: the secret's way into the keychain, and out of it.
//!
//! A token or password is kept only after the server has taken it, and only in the keychain; where there is none, nothing is
//! kept. A token that a password buys is not kept at all.
//! Invariant: it is never an argument, never echoed, never printed.

use std::io::{self, IsTerminal as _, Read as _};

use belfry_core::{
    ports::{Credentials as _, Secret},
    settings::AuthMode,
};
use engine::{
    inbox::Inbox,
    net::token::check,
    runtime::data_dir::{account_dir, is_running},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::{
    ending::{Code, Error},
    output::{self, note},
    setup::Setup,
};

/// Longest token taken, in bytes: the longest in use have a few thousand.
const LONGEST: u64 = 64 * 1024;

/// Checks the secret and keeps it.
///
/// # Errors
/// [`Code::SignIn`] when the server refuses it, [`Code::Unreachable`], [`Code::Failed`] without a keychain; nothing is
/// kept then.
pub(crate) async fn sign_in(setup: Setup, json: bool) -> Result<(), Error> {
    let account = setup.account.name();
    let auth = &setup.settings.auth;
    let what = if auth.mode == AuthMode::Password { "password" } else { "token" };
    let secret = match setup.credentials.given(auth.mode)? {
        Some(Secret::Token(_)) if auth.mode == AuthMode::Password && auth.login_url.is_some() => {
            let remedy = "give it with BELFRY_PASSWORD or on standard input, without BELFRY_TOKEN and --token-file";
            return Err(Error::new(Code::Usage, format!("auth.mode is password, so a password is kept: {remedy}")));
        }
        Some(given) => given,
        None => read_secret(&setup, what)?,
    };
    check(&setup.identity()?, &secret).await?;
    let (Secret::Token(kept) | Secret::Password(kept)) = &secret;
    setup.credentials.keep(&account, kept)?;
    tell_running(&setup, "uses it now", &format!("restart it, so that it uses this {what}"));
    let words = format!("signed in as {account}; the {what} is in the keychain");
    Ok(if json { output::json(&json!({ "account": account })) } else { output::lines([words]) }?)
}

/// Forgets the secret.
///
/// # Errors
/// [`Code::Failed`] when the keychain cannot be used.
pub(crate) fn sign_out(setup: &Setup, json: bool) -> Result<(), Error> {
    let account = setup.account.name();
    setup.credentials.forget(&account)?;
    tell_running(setup, "disconnects now", "it stays connected until it is restarted");
    let words = format!("signed out {account}; the keychain has no secret of it any more");
    Ok(if json { output::json(&json!({ "account": account })) } else { output::lines([words]) }?)
}

/// Tells a Belfry that runs for this account, and says what it does then; or what to do where it cannot be told.
fn tell_running(setup: &Setup, does: &str, otherwise: &str) {
    if !is_running(&setup.data_dir) {
        return;
    }
    // Where this account has no inbox, it runs for another one.
    let Some(inbox) = Inbox::open(&account_dir(&setup.data_dir, &setup.account)).transpose() else { return };
    match inbox.and_then(|mut inbox| inbox.note_sign_in()) {
        Ok(()) => note(&format!("a Belfry that runs for this account {does}")),
        Err(error) => note(&format!("a Belfry that runs could not be told ({error}): {otherwise}")),
    }
}

fn read_secret(setup: &Setup, what: &str) -> Result<Secret, Error> {
    let failed =
        |error: io::Error| Error::new(Code::Usage, format!("standard input: the {what} cannot be read ({error})"));
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{what} of {}: ", setup.account.name())).map_err(failed)?
    } else {
        let mut text = String::new();
        io::stdin().take(LONGEST).read_to_string(&mut text).map_err(failed)?;
        text
    };
    let secret = SecretString::from(text.trim_end_matches(['\r', '\n']));
    if secret.expose_secret().is_empty() {
        let given = setup.ways_to_give();
        return Err(Error::new(
            Code::Usage,
            format!("standard input: there is no {what} in it: give it there, or give {given}"),
        ));
    }
    Ok(if setup.settings.auth.mode == AuthMode::Password { Secret::Password(secret) } else { Secret::Token(secret) })
}
