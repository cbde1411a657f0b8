//! `doctor`: what stands between this computer and its messages, from the settings to the tray.
//!
//! The server's side is the engine's ([`engine::doctor`]); the settings before it and the machine after it are looked at
//! here. People read each finding as it comes; scripts get one array. Invariant: the exit code is that of the first step
//! that failed.

use std::{io, process::ExitCode, sync::Arc};

use belfry_core::{ports::Secret, status::Fix};
use engine::{
    doctor::{Finding, Step, StepRun, Subject, Verdict, examine},
    net::http,
};
use host::doctor;
use jiff::tz::TimeZone;

use crate::{
    ending::{Code, Error},
    output::{self, name, spoken},
    setup::Setup,
};

/// The steps on the server's side.
const SERVER: [Step; 8] =
    [Step::Dns, Step::Tcp, Step::Proxy, Step::Tls, Step::Websocket, Step::Stomp, Step::Subscribe, Step::Collect];

/// Examines everything.
///
/// # Errors
/// Of standard output only; what is wrong with settings and all else is a finding.
pub(crate) async fn doctor(setup: Result<Setup, Error>, json: bool) -> Result<ExitCode, Error> {
    let mut report = Report { json, findings: Vec::new(), broken: None };
    let setup = match setup {
        Ok(setup) => Some(setup),
        Err(error) => {
            let text = error.to_string().lines().collect::<Vec<_>>().join("; ");
            report.tell(
                StepRun::start(Step::Settings).fail(text, "correct the settings file, or give another with --config"),
            );
            None
        }
    };
    let (secret, keychain) = match &setup {
        Some(setup) => doctor::keychain(&setup.credentials, &setup.account.name(), setup.settings.auth.mode),
        None => (None, Finding::skipped(Step::Keychain, "the settings do not say whose secret it would be")),
    };
    match setup.as_ref().and_then(|setup| settings(setup, secret, &mut report)) {
        Some(subject) => examine(&subject, &mut |finding| report.tell(finding)).await,
        None => {
            for step in SERVER.into_iter().chain([Step::Clock]) {
                report.tell(Finding::skipped(step, "the settings come first"));
            }
        }
    }
    report.tell(keychain);
    report.tell(doctor::notifications());
    report.tell(doctor::tray());
    report.end()
}

/// Whether everything the settings name can be used; then, who is to be examined.
fn settings(setup: &Setup, secret: Option<Secret>, report: &mut Report) -> Option<Subject> {
    let run = StepRun::start(Step::Settings);
    let file = setup.settings_file.display();
    let urls = setup.settings.server.endpoints.iter().chain(&setup.settings.api.base);
    let refused = urls.map(|url| setup.settings.network.is_allowed(url)).find_map(Result::err);
    let remedy = "correct the settings; nothing was sent";
    if let Some(refused) = refused {
        report.tell(run.fail(format!("{file}: {refused}"), remedy));
        return None;
    }
    let client = match http::client(&setup.settings.network) {
        Ok(client) => client,
        Err(failure) => {
            report.tell(run.fail(format!("{file}: {}", failure.reason()), remedy));
            return None;
        }
    };
    let identity = match setup.identity() {
        Ok(identity) => Arc::new(identity),
        Err(error) => {
            report.tell(run.fail(error.to_string(), "mend the data folder, or give another with --data-dir"));
            return None;
        }
    };
    report.tell(match setup.warnings.as_slice() {
        [] => run.ok(format!("{file}: account {}, device {}", setup.account.name(), identity.device)),
        warnings => run.warn(warnings.join("; "), "correct the name of the key, or remove it"),
    });
    let (data_dir, time_zone) = (setup.data_dir.clone(), TimeZone::system());
    Some(Subject { identity, client, secret, data_dir, time_zone })
}

/// What was found so far.
struct Report {
    json: bool,
    findings: Vec<Finding>,
    /// Why nothing more is printed.
    broken: Option<io::Error>,
}

impl Report {
    fn tell(&mut self, finding: Finding) {
        if !self.json && self.broken.is_none() {
            self.broken = output::lines(lines(&finding)).err();
        }
        self.findings.push(finding);
    }

    fn end(self) -> Result<ExitCode, Error> {
        if let Some(error) = self.broken {
            return Err(error.into());
        }
        if self.json {
            output::json(&self.findings)?;
        }
        let failed = self.findings.iter().find(|finding| finding.verdict == Verdict::Fail);
        Ok(failed.map_or(ExitCode::SUCCESS, |finding| code(finding).into()))
    }
}

fn code(finding: &Finding) -> Code {
    match finding.step {
        _ if finding.why.as_ref().is_some_and(|why| matches!(why.kind.fix(), Fix::SignIn | Fix::Unlock)) => {
            Code::SignIn
        }
        Step::Settings => Code::Usage,
        Step::Keychain => Code::SignIn,
        Step::Dns | Step::Tcp | Step::Proxy | Step::Tls | Step::Websocket => Code::Unreachable,
        Step::Stomp | Step::Subscribe | Step::Collect | Step::Clock | Step::Notifications | Step::Tray => Code::Failed,
    }
}

fn lines(finding: &Finding) -> Vec<String> {
    let (verdict, step) = (name(&finding.verdict), name(&finding.step));
    let mut first = format!("{verdict:<8} {step:<14} {}", spoken(&finding.detail));
    if finding.ms > 0 {
        first.push_str(&format!("  ({} ms)", finding.ms));
    }
    let indent = " ".repeat(24);
    let mut lines = vec![first];
    if !finding.remedy.is_empty() {
        lines.push(format!("{indent}→ {}", spoken(&finding.remedy)));
    }
    lines
}
