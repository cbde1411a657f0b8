//! `sign-in` and `sign-out`: the token's way into the keychain, and out of it.
//!
//! A token is kept only after the server has taken it, and only in the keychain; where there is none, nothing is kept.
//! Invariant: it is never an argument, never echoed, never printed.

use std::io::{self, IsTerminal as _, Read as _};

use engine::{engine::is_running, ports::Credentials as _, sign_in::check};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::{
    ending::{Code, Error},
    output::{self, note},
    setup::Setup,
};

/// Longest token taken, in bytes: the longest in use have a few thousand.
const LONGEST: u64 = 64 * 1024;

/// Checks the token and keeps it.
///
/// # Errors
/// [`Code::SignIn`] when the server refuses it, [`Code::Unreachable`], [`Code::Failed`] without a keychain; nothing is
/// kept then.
pub(crate) async fn sign_in(setup: Setup, json: bool) -> Result<(), Error> {
    let account = setup.account.name();
    let token = match setup.credentials.given()? {
        Some(token) => token,
        None => read_token(&account)?,
    };
    check(&setup.identity()?, &token).await?;
    setup.credentials.keep(&account, &token)?;
    if is_running(&setup.data_dir) {
        note("restart the Belfry that is running, so that it uses this token");
    }
    let words = format!("signed in as {account}; the token is in the keychain");
    Ok(if json { output::json(&json!({ "account": account })) } else { output::lines([words]) }?)
}

/// Forgets the token.
///
/// # Errors
/// [`Code::Failed`] when the keychain cannot be used.
pub(crate) fn sign_out(setup: &Setup, json: bool) -> Result<(), Error> {
    let account = setup.account.name();
    setup.credentials.forget(&account)?;
    if is_running(&setup.data_dir) {
        note("a running Belfry stays connected until it is restarted");
    }
    let words = format!("signed out {account}; the keychain has no token of it any more");
    Ok(if json { output::json(&json!({ "account": account })) } else { output::lines([words]) }?)
}

fn read_token(account: &str) -> Result<SecretString, Error> {
    let failed =
        |error: io::Error| Error::new(Code::Usage, format!("standard input: the token cannot be read ({error})"));
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("token of {account}: ")).map_err(failed)?
    } else {
        let mut text = String::new();
        io::stdin().take(LONGEST).read_to_string(&mut text).map_err(failed)?;
        text
    };
    let token = SecretString::from(text.trim_end_matches(['\r', '\n']));
    if token.expose_secret().is_empty() {
        let remedy = "give it there, with --token-file FILE, or with BELFRY_TOKEN";
        return Err(Error::new(Code::Usage, format!("standard input: there is no token in it: {remedy}")));
    }
    Ok(token)
}
