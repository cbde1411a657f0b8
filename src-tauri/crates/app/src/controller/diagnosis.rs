//! The steps of `belfryctl doctor`, for the window: each is reported as it ends.

use std::sync::Arc;

use belfry_core::ports::Credentials as _;
use engine::doctor::{Finding, Step, StepRun, Subject, examine};
use engine::net::identity::Identity;
use engine::net::token;
use jiff::tz::TimeZone;

use crate::controller::Controller;
use crate::gui::Gui;
use crate::ipc::DoctorStep;
use crate::machine::Machine;
use crate::request::Reply;
use crate::task::{answer, blocking};

impl<G: Gui> Controller<G> {
    pub(crate) fn diagnose(&self, mut on_step: Box<dyn FnMut(DoctorStep) + Send>, reply: Reply<()>) {
        let identity = self.session.engine.as_ref().map(|engine| Arc::clone(engine.identity()));
        let machine = self.machine.clone();
        self.spawn(|_| async move {
            run(&machine, identity, &mut |finding: Finding| on_step(finding.into())).await;
            answer(reply, Ok(()));
        });
    }
}

async fn run(machine: &Machine, identity: Option<Arc<Identity>>, tell: &mut (impl FnMut(Finding) + Send)) {
    let run = StepRun::start(Step::Settings);
    let file = machine.settings_file.display().to_string();
    let Some(identity) = identity else {
        return tell(run.fail(format!("{file}: no server is set"), "set up Belfry first"));
    };
    let client = match machine.http_client(&identity.settings.network) {
        Ok(client) => client,
        Err(failure) => return tell(run.failed(&failure)),
    };
    let (name, mode) = (identity.account.name(), identity.settings.auth.mode);
    tell(run.ok(format!("{file}: account {name}, device {}", identity.device)));
    let (credentials, account) = (Arc::clone(&machine.credentials), name);
    let stored = blocking(move || Ok(credentials.secret(&account, mode).ok().flatten())).await.unwrap_or_default();
    let stored = stored.and_then(|stored| stored.for_settings(&identity.settings).ok());
    let secret = match stored {
        Some(stored) => {
            let current = token::current(machine.credentials.clone(), &client, &identity, stored.clone()).await;
            // What stands in the way is found by the steps that need the secret.
            Some(current.unwrap_or(stored))
        }
        None => None,
    };
    let (data_dir, time_zone) = (machine.data_dir.clone(), TimeZone::system());
    let settings = identity.settings.clone();
    examine(&Subject { identity, client, secret, data_dir, time_zone }, tell).await;
    for check in machine.checks.iter().map(Arc::clone) {
        let settings = settings.clone();
        if let Ok(Some(finding)) = blocking(move || Ok(check(&settings))).await {
            tell(finding);
        }
    }
}
