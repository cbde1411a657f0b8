//! The machine's side of `doctor`: keychain, notification service, tray.
//!
//! Nothing is shown and nothing is kept. The server's side is the engine's ([`engine::doctor`]).

use belfry_core::{
    error::{Failure, Fault},
    ports::{CredentialError, Credentials as _, NotifyError, Secret},
    settings::AuthMode,
};
use engine::doctor::{Finding, Look, Step};

use crate::{credentials::MachineCredentials, notify::Desktop, tray_host};

/// The secret of an account, and how it was come by.
pub fn keychain(credentials: &MachineCredentials, account: &str, mode: AuthMode) -> (Option<Secret>, Finding) {
    let look = Look::at(Step::Keychain);
    match credentials.given(mode) {
        Ok(Some(secret)) => {
            let how = "the secret was given by BELFRY_TOKEN, BELFRY_PASSWORD or --token-file";
            return (Some(secret), Finding::skipped(Step::Keychain, how));
        }
        Ok(None) => {}
        Err(error) => return (None, look.fail(error.to_string(), "mend the token file, or give another")),
    }
    match credentials.secret(account, mode) {
        Ok(Some(secret)) => (Some(secret), look.ok(format!("the secret of {account} is in the keychain"))),
        Ok(None) => (None, look.failed(&Failure::new(Fault::NoCredential, account))),
        Err(CredentialError::Locked(why)) => (None, look.failed(&Failure::new(Fault::Locked, why))),
        Err(CredentialError::Unavailable(why) | CredentialError::File(why)) => {
            (None, look.failed(&Failure::new(Fault::Keychain, why)))
        }
    }
}

/// Missing is a warning: `belfryctl` and the inbox do without.
pub fn notifications() -> Finding {
    let look = Look::at(Step::Notifications);
    match Desktop::new("").probe() {
        Ok(name) => look.ok(name),
        Err(NotifyError::Unavailable(why)) => look.warn(why, "without it nothing pops up; the inbox has everything"),
        Err(NotifyError::Refused(why)) => look.fail(why, "restart the desktop's notification service"),
    }
}

/// Missing is a warning too.
pub fn tray() -> Finding {
    let look = Look::at(Step::Tray);
    match tray_host::probe() {
        Ok(()) => look.ok("the desktop shows tray icons"),
        Err(why) => look.warn(why.to_string(), "without it Belfry keeps its window in the task bar"),
    }
}
