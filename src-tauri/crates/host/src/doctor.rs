//! The machine's side of `doctor`: keychain, notification service, tray.
//!
//! Nothing is shown and nothing is kept. The server's side is the engine's ([`engine::doctor`]).

use belfry_core::{
    error::{Failure, Fault},
    ports::{CredentialError, Credentials as _, NotifyError, Secret},
    settings::AuthMode,
};
use engine::doctor::{Finding, Step, StepRun};

use crate::{credentials::MachineCredentials, notify::Desktop, tray_host};

/// The secret of an account, and how it was come by.
pub fn keychain(credentials: &MachineCredentials, account: &str, mode: AuthMode) -> (Option<Secret>, Finding) {
    let run = StepRun::start(Step::Keychain);
    match credentials.given(mode) {
        Ok(Some(secret)) => {
            let how = "the secret was given by BELFRY_TOKEN, BELFRY_PASSWORD or --token-file";
            return (Some(secret), Finding::skipped(Step::Keychain, how));
        }
        Ok(None) => {}
        Err(error) => return (None, run.fail(error.to_string(), "mend the token file, or give another")),
    }
    match credentials.secret(account, mode) {
        Ok(Some(secret)) => (Some(secret), run.ok(format!("the secret of {account} is in the keychain"))),
        Ok(None) => (None, run.failed(&Failure::new(Fault::NoCredential, account))),
        Err(CredentialError::Locked(why)) => (None, run.failed(&Failure::new(Fault::Locked, why))),
        Err(CredentialError::Unavailable(why) | CredentialError::File(why)) => {
            (None, run.failed(&Failure::new(Fault::Keychain, why)))
        }
    }
}

/// Missing is a warning: `belfryctl` and the inbox do without.
pub fn notifications() -> Finding {
    let run = StepRun::start(Step::Notifications);
    match Desktop::new("").probe() {
        Ok(name) => run.ok(name),
        Err(NotifyError::Unavailable(why)) => run.warn(why, "without it nothing pops up; the inbox has everything"),
        Err(NotifyError::Refused(why)) => run.fail(why, "restart the desktop's notification service"),
    }
}

/// Missing is a warning too.
pub fn tray() -> Finding {
    let run = StepRun::start(Step::Tray);
    match tray_host::probe() {
        Ok(()) => run.ok("the desktop shows tray icons"),
        Err(why) => run.warn(why.to_string(), "without it Belfry keeps its window in the task bar"),
    }
}
