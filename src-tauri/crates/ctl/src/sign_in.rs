//! `sign-in` and `sign-out`: save the secret in the keychain, and remove it.
//!
//! A token or password is saved only after the server has accepted it, and only in the keychain;
//! without a keychain nothing is saved. So are the tokens of a sign-in in the browser. Deliberately absent: saving a token that the server issued
//! for a password. Invariant: a secret is never an argument, never echoed, never printed.

mod browser;

use std::{
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    sync::Arc,
};

use belfry_core::{
    ports::{Credentials as _, NotAgreed, Secret},
    settings::{
        AuthMode,
        origins::{AgreedOrigins, ForeignHost, host_of},
    },
};
use engine::{
    inbox::Inbox,
    net::{device_queues::DeviceQueues, token::check},
    runtime::data_dir::{account_dir, is_running},
};
use host::credentials::MAX_SECRET_BYTES;
use host::exit_reason::ExitReason;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::{
    args::{SignIn, SignOut},
    error::Error,
    output::{self, message},
    server::Server,
    setup::Setup,
};

/// Checks the secret with the server and saves it, with the origins that it was given for.
///
/// # Errors
/// [`ExitReason::SignIn`] if the server refuses it, [`ExitReason::Unreachable`],
/// [`ExitReason::Failed`] without a keychain, [`ExitReason::Usage`] if the settings name a host that
/// was not agreed to; then nothing is saved.
pub(crate) async fn sign_in(mut setup: Setup, args: &SignIn, json: bool) -> Result<(), Error> {
    let auth = &setup.settings.auth;
    let mode = auth.mode;
    let what = match mode {
        AuthMode::Password => "password",
        AuthMode::Token => "token",
        AuthMode::Oidc => "sign-in",
    };
    let mut changes = Vec::new();
    let secret = match setup.credentials.provided(mode)? {
        Some(Secret::Token(_)) if mode == AuthMode::Password && auth.login_url.is_some() => {
            let remedy = "give it with BELFRY_PASSWORD or on standard input, without BELFRY_TOKEN and --token-file";
            return Err(Error::new(
                ExitReason::Usage,
                format!("auth.mode is password, so sign-in needs a password: {remedy}"),
            ));
        }
        // A secret from the environment or a file is given for these settings.
        Some(provided) => provided,
        None => {
            agree(&setup, args)?;
            if mode == AuthMode::Oidc {
                let (secret, of_issuer) = browser::sign_in(&mut setup).await?;
                changes = of_issuer;
                secret
            } else {
                read_secret(&setup, what)?
            }
        }
    };
    let account = setup.account.name();
    check(&setup.http_client()?, &Arc::new(setup.identity()?), &secret).await?;
    browser::save(&setup, &changes)?;
    setup.credentials.keep(&account, &secret.to_stored(), &AgreedOrigins::of(&setup.settings))?;
    notify_running(&setup, &format!("uses the new {what} now"), &format!("restart it, so that it uses the new {what}"));
    let text = format!("signed in as {account}; the {what} was saved in the keychain");
    Ok(if json { output::json(&json!({ "account": account })) } else { output::lines([text]) }?)
}

/// Removes the secret, and the queues of this device if that was asked for.
///
/// # Errors
/// [`ExitReason::Failed`] if the keychain cannot be used; with `--forget-device` also those of a
/// request to the server, and [`ExitReason::InUse`] while Belfry runs; then nothing is removed.
pub(crate) async fn sign_out(setup: Setup, args: SignOut, json: bool) -> Result<(), Error> {
    let account = setup.account.name();
    let mut queues = None;
    if args.forget_device {
        if is_running(&setup.data_dir) {
            let remedy = "quit it first, or sign out in its window";
            return Err(Error::new(
                ExitReason::InUse,
                format!("Belfry is running, and would make the queue again: {remedy}"),
            ));
        }
        let Server { client, identity, token } = Server::new(&setup).await?;
        queues = Some(DeviceQueues::new(client, identity, token).delete().await?);
    }
    setup.credentials.forget(&account)?;
    notify_running(&setup, "disconnects now", "restart it, so that it disconnects");
    let text = format!("signed out of {account}; the secret was removed from the keychain");
    let deleted = queues.map(|queues| format!("deleted the queues of this device on the server: {queues}"));
    let mut answer = json!({ "account": account });
    if let (Some(queues), Some(members)) = (queues, answer.as_object_mut()) {
        members.insert("queues".to_owned(), queues.into());
    }
    Ok(if json { output::json(&answer) } else { output::lines(std::iter::once(text).chain(deleted)) }?)
}

/// Notifies a running Belfry of this account and prints what it does then, or the remedy if it
/// cannot be notified.
fn notify_running(setup: &Setup, reaction: &str, remedy: &str) {
    if !is_running(&setup.data_dir) {
        return;
    }
    // If this account has no inbox, the running Belfry uses another account.
    let Some(inbox) = Inbox::open(&account_dir(&setup.data_dir, &setup.account)).transpose() else { return };
    match inbox.and_then(|mut inbox| inbox.note_sign_in()) {
        Ok(()) => message(&format!("the running Belfry {reaction}")),
        Err(error) => message(&format!("the running Belfry could not be notified ({error}): {remedy}")),
    }
}

/// Makes sure that the person has agreed to every host that the settings name beside that of the
/// first endpoint: by an option, or by an answer on the terminal that follows the host's name.
fn agree(setup: &Setup, args: &SignIn) -> Result<(), Error> {
    let server = setup.settings.server.endpoints.first().and_then(host_of).unwrap_or_default();
    let is_agreed = |foreign: &ForeignHost| args.agree.iter().any(|host| host.eq_ignore_ascii_case(&foreign.host));
    let mut foreign = setup.settings.foreign_hosts(&server);
    // What the kept secret was not given for needs a yes too, even if it is the first endpoint. A
    // keychain that cannot be read is an error later, when the secret is saved.
    let kept = setup.credentials.secret(&setup.account.name(), setup.settings.auth.mode);
    if let Ok(Some(kept)) = kept
        && let Err(NotAgreed(missing)) = kept.for_settings(&setup.settings)
    {
        let is_new = |missing: &ForeignHost| !foreign.iter().any(|foreign| foreign.host == missing.host);
        let new: Vec<_> = missing.into_iter().filter(is_new).collect();
        foreign.extend(new);
    }
    foreign.retain(|foreign| !is_agreed(foreign));
    if foreign.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = foreign.iter().map(ToString::to_string).collect();
    let refused = |host: &str| {
        let why = format!("the settings also send the sign-in to {}, so nothing was sent", named.join(", "));
        let remedy = format!("if these settings are right, run belfryctl sign-in --agree {host}");
        Error::new(ExitReason::Usage, format!("{why}: {remedy}"))
    };
    let all = foreign.iter().map(|foreign| foreign.host.as_str()).collect::<Vec<_>>().join(" --agree ");
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(refused(&all));
    }
    for foreign in &foreign {
        let mut terminal = io::stderr();
        let question = format!("The settings also send the sign-in to {foreign}. Do you agree? [y/N] ");
        terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush())?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            return Err(refused(&all));
        }
    }
    Ok(())
}

fn read_secret(setup: &Setup, what: &str) -> Result<Secret, Error> {
    let failed = |error: io::Error| {
        Error::new(ExitReason::Usage, format!("standard input: the {what} cannot be read ({error})"))
    };
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{what} of {}: ", setup.account.name())).map_err(failed)?
    } else {
        let mut text = String::new();
        io::stdin().take(MAX_SECRET_BYTES).read_to_string(&mut text).map_err(failed)?;
        text
    };
    let secret = SecretString::from(text.trim_end_matches(['\r', '\n']));
    if secret.expose_secret().is_empty() {
        let others = setup.other_sources();
        return Err(Error::new(
            ExitReason::Usage,
            format!("standard input: it contains no {what}: give it there, or give {others}"),
        ));
    }
    Ok(Secret::of_stored(secret, setup.settings.auth.mode))
}
