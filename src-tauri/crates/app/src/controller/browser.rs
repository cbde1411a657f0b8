//! A sign-in in the system browser, up to the point where it has yielded tokens; from there on it is
//! checked, stored and applied as any other ([`super::account`]).
//!
//! Invariants: while the browser is open nothing else waits; one sign-in waits at most, and a later one
//! takes its place; what comes back for one that was ended is dropped.

use std::sync::Arc;

use belfry_core::account::Account;
use belfry_core::ports::Credentials as _;
use engine::net::oidc::browser::{BrowserIdentity, BrowserSignIn};
use host::texts::Language;
use tokio::task::AbortHandle;
use url::Url;

use crate::controller::Controller;
use crate::controller::account::proposed;
use crate::controller::change::Change;
use crate::gui::Gui;
use crate::ipc::{Chosen, CommandError, CommandErrorCode, SignedIn};
use crate::machine::Machine;
use crate::request::Reply;
use crate::task::{Outcome, Reporter, SettingChanges, answer, blocking, report};

/// A sign-in that waits for the browser.
pub(crate) struct BrowserWait {
    attempt: u64,
    server: Chosen,
    reply: Reply<SignedIn>,
    task: AbortHandle,
}

impl<G: Gui> Controller<G> {
    /// Opens the browser, and waits for it beside everything else.
    pub(crate) fn sign_in_in_browser(&mut self, server: Chosen, reply: Reply<SignedIn>) {
        self.end_browser_wait();
        let (changes, asked) = self.changes_for(&server);
        let (attempt, machine, language) = (self.changes.next_attempt(), self.machine.clone(), self.language());
        let agreed = server.agreed.clone();
        let task = self.spawn(|reporter| async move {
            let identity = browse(&machine, changes, &asked, &agreed, language, (attempt, &reporter)).await;
            report(&reporter, Outcome::Browsed { attempt, identity: identity.map(Box::new) });
        });
        self.browser = Some(BrowserWait { attempt, server, reply, task });
    }

    /// Opens the address of a sign-in that still waits.
    pub(crate) fn open_sign_in(&mut self, attempt: u64, url: &Url) {
        let Some(wait) = self.browser.take_if(|wait| wait.attempt == attempt) else { return };
        match self.gui.open_url(url) {
            Ok(()) => self.browser = Some(wait),
            Err(error) => {
                wait.task.abort();
                let message = format!("no browser could be started: {error}");
                answer(wait.reply, Err(CommandError::new(CommandErrorCode::NoBrowser, message)));
            }
        }
    }

    /// The browser has come back, or there was no sign-in.
    pub(crate) fn handle_browsed(&mut self, attempt: u64, identity: Result<Box<BrowserIdentity>, CommandError>) {
        let Some(wait) = self.browser.take_if(|wait| wait.attempt == attempt) else { return };
        let BrowserWait { server, reply, .. } = wait;
        match identity {
            Ok(identity) => {
                let BrowserIdentity { tokens, login } = *identity;
                self.change(Change::SignIn { server, login, secret: tokens.to_stored(), reply });
            }
            Err(error) => answer(reply, Err(error)),
        }
    }

    /// Stops waiting for the browser.
    pub(crate) fn end_browser_wait(&mut self) {
        if let Some(wait) = self.browser.take() {
            wait.task.abort();
            answer(wait.reply, Err(CommandError::new(CommandErrorCode::Offline, "this sign-in was ended")));
        }
    }
}

async fn browse(
    machine: &Machine,
    changes: SettingChanges,
    asked: &str,
    agreed: &[String],
    language: Language,
    (attempt, reporter): (u64, &Reporter),
) -> Result<BrowserIdentity, CommandError> {
    let (mut settings, _) = proposed(machine, changes, asked, agreed).await?;
    let client = machine.http_client(&settings.network)?;
    let waiting = BrowserSignIn::begin(&client, &settings, language).await?;
    report(reporter, Outcome::OpenSignIn { attempt, url: waiting.url().clone() });
    let identity = waiting.finish().await?;
    settings.auth.login.clone_from(&identity.login);
    if let Some(account) = Account::of(&settings) {
        let (credentials, mode) = (Arc::clone(&machine.credentials), settings.auth.mode);
        // A keychain that cannot be read holds no other person's sign-in.
        let kept = blocking(move || Ok(credentials.secret(&account.name(), mode).ok().flatten())).await?;
        identity.check_person(kept.as_ref())?;
    }
    Ok(identity)
}
