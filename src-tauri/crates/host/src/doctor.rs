//! The machine's part of `doctor`: keychain, notification service, tray, web view.
//!
//! Deliberately absent: the server's part ([`engine::doctor`]). Invariant: no notification is shown
//! and nothing is stored.

use belfry_core::{
    account::Account,
    error::{Failure, Fault},
    ports::{CredentialError, Credentials as _, NotifyError, Secret},
    settings::Settings,
    texts::Language,
};
use engine::doctor::{Finding, Step, StepRun};

use crate::{credentials::MachineCredentials, notify::Desktop, tray_host, web_view};

/// The secret of the account of these settings, and a finding that says where it came from.
pub fn keychain(credentials: &MachineCredentials, settings: &Settings) -> (Option<Secret>, Finding) {
    let run = StepRun::start(Step::Keychain);
    let (account, mode) = (Account::of(settings).map(|account| account.name()).unwrap_or_default(), settings.auth.mode);
    match credentials.provided(mode) {
        Ok(Some(secret)) => {
            let source = "the secret comes from BELFRY_TOKEN, BELFRY_PASSWORD or --token-file";
            return (Some(secret), Finding::skipped(Step::Keychain, source));
        }
        Ok(None) => {}
        Err(error) => return (None, run.fail(error.to_string(), "correct the token file, or give another one")),
    }
    match credentials.secret(&account, mode) {
        Ok(Some(stored)) => match stored.for_settings(settings) {
            Ok(secret) => (Some(secret), run.ok(format!("the secret of {account} is in the keychain"))),
            Err(not_agreed) => (None, run.failed(&Failure::new(Fault::NotAgreed, not_agreed.hosts()))),
        },
        Ok(None) => (None, run.failed(&Failure::new(Fault::NoCredential, account))),
        Err(CredentialError::Locked(why)) => (None, run.failed(&Failure::new(Fault::Locked, why))),
        Err(CredentialError::Unavailable(why) | CredentialError::File(why)) => {
            (None, run.failed(&Failure::new(Fault::Keychain, why)))
        }
    }
}

/// A missing service is a warning: `belfryctl` and the inbox work without it.
pub fn notifications() -> Finding {
    let run = StepRun::start(Step::Notifications);
    match Desktop::new(Language::English).probe() {
        Ok(name) => run.ok(name),
        Err(NotifyError::Unavailable(why)) => {
            run.warn(why, "without it Belfry shows no notifications; the inbox has every notice")
        }
        Err(NotifyError::Refused(why)) => run.fail(why, "restart the desktop's notification service"),
    }
}

/// A missing tray is a warning.
pub fn tray() -> Finding {
    let run = StepRun::start(Step::Tray);
    match tray_host::probe() {
        Ok(()) => run.ok("the desktop shows tray icons"),
        Err(why) => run.warn(why.to_string(), "without a tray Belfry keeps its window in the task bar"),
    }
}

/// A missing web view is a warning: the tray, the notifications and `belfryctl` work without it.
/// None where it is part of the system or of the package.
pub fn web_view() -> Option<Finding> {
    let run = StepRun::start(Step::WebView);
    Some(match web_view::probe()? {
        Ok(version) => run.ok(format!("WebView2 {version}")),
        Err(why) => run.warn(why.to_string(), web_view::REMEDY),
    })
}
