//! `doctor`: checks everything between this computer and its messages, from the settings to the
//! tray.
//!
//! People see each finding at once; scripts get one array. Deliberately absent: the server's part
//! ([`engine::doctor`]) and the machine's part ([`host::doctor`]). Invariant: the exit code is that
//! of the first step that failed.

use std::{io, process::ExitCode, sync::Arc};

use belfry_core::{ports::Secret, status::Fix};
use engine::{
    doctor::{Finding, Step, StepRun, Subject, Verdict, examine},
    net::token,
};
use host::doctor;
use host::exit_reason::ExitReason;
use jiff::tz::TimeZone;

use crate::{
    error::Error,
    output::{self, Shape, clean, name},
    setup::Setup,
};

/// The steps of the server's part.
const SERVER: [Step; 8] =
    [Step::Dns, Step::Tcp, Step::Proxy, Step::Tls, Step::Websocket, Step::Stomp, Step::Subscribe, Step::Collect];

/// Checks everything.
///
/// # Errors
/// Only of standard output; every other error is a finding.
pub(crate) async fn doctor(setup: Result<Setup, Error>, json: bool) -> Result<ExitCode, Error> {
    let mut report = DoctorReport { json, findings: Vec::new(), write_error: None };
    examine_all(setup.as_ref(), &mut |finding| report.add(finding)).await;
    report.finish()
}

/// Examines every step, and reports each finding at once. An error of the settings is the first one.
pub(crate) async fn examine_all(setup: Result<&Setup, &Error>, report: &mut impl FnMut(Finding)) {
    let setup = match setup {
        Ok(setup) => Some(setup),
        Err(error) => {
            let text = error.to_string().lines().collect::<Vec<_>>().join("; ");
            report(
                StepRun::start(Step::Settings)
                    .fail(text, "correct the settings file, or give another one with --config"),
            );
            None
        }
    };
    let (secret, keychain) = match setup {
        Some(setup) => doctor::keychain(&setup.credentials, &setup.settings),
        None => (None, Finding::skipped(Step::Keychain, "the account is unknown without valid settings")),
    };
    match setup.and_then(|setup| Some((setup, settings(setup, secret, report)?))) {
        Some((setup, mut subject)) => {
            if let Some(secret) = &subject.secret {
                let credentials = setup.credentials.clone();
                let current = token::current(credentials, &subject.client, &subject.identity, secret.clone()).await;
                // What stands in the way is found by the steps that need the secret.
                subject.secret = current.ok().or(subject.secret);
            }
            examine(&subject, report).await;
        }
        None => {
            for step in SERVER.into_iter().chain([Step::Clock]) {
                report(Finding::skipped(step, "not checked without valid settings"));
            }
        }
    }
    report(keychain);
    report(doctor::notifications());
    report(doctor::tray());
    if let Some(finding) = doctor::web_view() {
        report(finding);
    }
}

/// Checks that everything in the settings can be used. Returns what to examine, or `None` after a
/// failed finding.
fn settings(setup: &Setup, secret: Option<Secret>, report: &mut impl FnMut(Finding)) -> Option<Subject> {
    let run = StepRun::start(Step::Settings);
    let file = setup.settings_file.display();
    let urls = setup.settings.server.endpoints.iter().chain(&setup.settings.api.base);
    let refused = urls.map(|url| setup.settings.network.is_allowed(url)).find_map(Result::err);
    let remedy = "correct the settings; nothing was sent";
    if let Some(refused) = refused {
        report(run.fail(format!("{file}: {refused}"), remedy));
        return None;
    }
    let client = match setup.http_client() {
        Ok(client) => client,
        Err(failure) => {
            report(run.fail(format!("{file}: {}", failure.reason()), remedy));
            return None;
        }
    };
    let identity = match setup.identity() {
        Ok(identity) => Arc::new(identity),
        Err(error) => {
            report(run.failed_data_dir(error.to_string()));
            return None;
        }
    };
    report(match setup.warnings.as_slice() {
        [] => run.ok(format!("{file}: account {}, device {}", setup.account.name(), identity.device)),
        warnings => run.warn(warnings.join("; "), "correct the key, or remove it"),
    });
    let (data_dir, time_zone) = (setup.data_dir.clone(), TimeZone::system());
    Some(Subject { identity, client, secret, data_dir, time_zone })
}

/// The findings so far.
struct DoctorReport {
    json: bool,
    findings: Vec<Finding>,
    /// The error of standard output; after it nothing more is printed.
    write_error: Option<io::Error>,
}

impl DoctorReport {
    fn add(&mut self, finding: Finding) {
        if !self.json && self.write_error.is_none() {
            self.write_error = output::lines(lines(&finding)).err();
        }
        self.findings.push(finding);
    }

    fn finish(self) -> Result<ExitCode, Error> {
        if let Some(error) = self.write_error {
            return Err(error.into());
        }
        if self.json {
            output::json(&self.findings)?;
        }
        let failed = self.findings.iter().find(|finding| finding.verdict == Verdict::Fail);
        Ok(failed.map_or(ExitCode::SUCCESS, |finding| exit_reason(finding).into()))
    }
}

fn exit_reason(finding: &Finding) -> ExitReason {
    match finding.step {
        _ if finding.why.as_ref().is_some_and(|why| matches!(why.kind.fix(), Fix::SignIn | Fix::Unlock)) => {
            ExitReason::SignIn
        }
        _ if finding.is_data_dir => ExitReason::Store,
        Step::Settings => ExitReason::Usage,
        Step::Keychain => ExitReason::SignIn,
        Step::Dns | Step::Tcp | Step::Proxy | Step::Tls | Step::Websocket => ExitReason::Unreachable,
        Step::Stomp
        | Step::Subscribe
        | Step::Collect
        | Step::Clock
        | Step::Notifications
        | Step::Tray
        | Step::WebView => ExitReason::Failed,
    }
}

fn lines(finding: &Finding) -> Vec<String> {
    let (verdict, step) = (name(&finding.verdict), name(&finding.step));
    let mut first = format!("{verdict:<8} {step:<14} {}", clean(&finding.detail, Shape::OneLine));
    if finding.ms > 0 {
        first.push_str(&format!("  ({} ms)", finding.ms));
    }
    let indent = " ".repeat(24);
    let mut lines = vec![first];
    if !finding.remedy.is_empty() {
        lines.push(format!("{indent}→ {}", clean(&finding.remedy, Shape::OneLine)));
    }
    lines
}
