//! `status`: the state of Belfry on this machine, for fleet tools.
//!
//! It reads the files on disk and the status that a running engine has written. Deliberately
//! absent: connecting. Invariant: if several exit codes apply, the first of store (6), sign-in (3)
//! and not live for more than a day (4) is used.

use std::process::ExitCode;

use belfry_core::status::{Connectivity, Fix, StatusSnapshot};
use engine::runtime::data_dir::running_status;
use host::exit_reason::ExitReason;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    error::Error,
    output::{self, Shape, clean, local, local_or_never, name, table},
    setup::Setup,
};

/// Not live for longer than this is unhealthy.
const MAX_TIME_NOT_LIVE: SignedDuration = SignedDuration::from_hours(24);

/// The printed report, with the keys of `docs/reference/commands.md`.
#[derive(Debug, Serialize)]
pub(crate) struct StatusReport {
    version: &'static str,
    state: Connectivity,
    last_live: Option<Timestamp>,
    complete_through: Option<Timestamp>,
    unread: u64,
    rejected: u64,
    policy_digest: String,
}

/// Prints the report.
///
/// # Errors
/// [`ExitReason::Store`].
pub(crate) fn status(setup: &Setup, json: bool) -> Result<ExitCode, Error> {
    let (report, running) = report(setup)?;
    // A running engine knows about the sign-in better than a look at the keychain.
    let secret = if running.is_some() { None } else { Some(setup.secret()) };
    let no_secret = secret.and_then(Result::err);
    if json {
        output::json(&report)?;
    } else {
        output::lines(status_lines(&report, running.as_ref(), no_secret.as_ref()))?;
    }
    Ok(verdict(&report, running.as_ref(), no_secret.is_none(), Timestamp::now())
        .map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// What is known of this account's inbox, and of the engine that fills it, if one runs.
///
/// # Errors
/// [`ExitReason::Store`].
pub(crate) fn report(setup: &Setup) -> Result<(StatusReport, Option<StatusSnapshot>), Error> {
    let stats = setup.inbox()?.stats()?;
    let running = running_status(&setup.data_dir, &setup.account);
    let report = StatusReport {
        version: env!("CARGO_PKG_VERSION"),
        state: running.as_ref().map_or(Connectivity::Offline, |running| running.status.state),
        last_live: stats.last_live,
        complete_through: stats.complete_through,
        unread: stats.unread,
        rejected: stats.rejected,
        policy_digest: setup.policy_digest.clone(),
    };
    Ok((report, running))
}

fn verdict(
    report: &StatusReport,
    running: Option<&StatusSnapshot>,
    has_secret: bool,
    now: Timestamp,
) -> Option<ExitReason> {
    let needs_sign_in = match running {
        Some(running) => {
            running.status.state == Connectivity::ActionNeeded
                && running.kind.is_some_and(|kind| matches!(kind.fix(), Fix::SignIn | Fix::Unlock))
        }
        None => !has_secret,
    };
    let is_live = report.state == Connectivity::Live;
    let was_live = report.last_live.is_some_and(|last| now.duration_since(last) <= MAX_TIME_NOT_LIVE);
    if needs_sign_in {
        Some(ExitReason::SignIn)
    } else if !is_live && !was_live {
        Some(ExitReason::Unreachable)
    } else {
        None
    }
}

fn status_lines(report: &StatusReport, running: Option<&StatusSnapshot>, no_secret: Option<&Error>) -> Vec<String> {
    let row = |name: &str, value: String| [name.to_owned(), value];
    let mut rows = vec![row("version", report.version.to_owned())];
    match running {
        Some(StatusSnapshot { status: running, .. }) => {
            rows.push(row("state", format!("{} since {}", name(&running.state), local(running.since))));
            rows.push(row("endpoint", clean(&running.endpoint, Shape::OneLine)));
            rows.push(row("reason", clean(&running.reason, Shape::OneLine)));
            rows.push(row("remedy", clean(&running.remedy, Shape::OneLine)));
        }
        None => {
            rows.push(row("state", "offline: Belfry is not running".to_owned()));
            rows.extend(no_secret.map(|error| row("reason", clean(&error.to_string(), Shape::OneLine))));
        }
    }
    rows.push(row("last live", local_or_never(report.last_live)));
    rows.push(row("complete through", local_or_never(report.complete_through)));
    rows.push(row("unread", report.unread.to_string()));
    rows.push(row("rejected", report.rejected.to_string()));
    rows.retain(|[_, value]| !value.is_empty());
    table(&rows)
}

#[cfg(test)]
mod tests {
    use belfry_core::status::{Kind, StatusEvent};

    use super::*;

    fn a_report(state: Connectivity, last_live: Option<&str>) -> StatusReport {
        StatusReport {
            version: "0",
            state,
            last_live: last_live.map(|time| time.parse().unwrap()),
            complete_through: None,
            unread: 0,
            rejected: 0,
            policy_digest: String::new(),
        }
    }

    fn running(state: Connectivity, kind: Option<Kind>) -> StatusSnapshot {
        let status = StatusEvent {
            state,
            endpoint: String::new(),
            reason: String::new(),
            remedy: String::new(),
            retry_in_ms: None,
            since: "2026-11-20T08:00:00Z".parse().unwrap(),
        };
        StatusSnapshot { status, kind }
    }

    #[test]
    fn sign_in_comes_before_not_live_in_the_exit_code() {
        let now = "2026-11-20T08:00:00Z".parse().unwrap();
        let (recent, old) = (Some("2026-11-19T09:00:00Z"), Some("2026-11-19T07:00:00Z"));
        for (state, last_live, running, has_secret, expected) in [
            (Connectivity::Offline, recent, None, true, None),
            (Connectivity::Offline, old, None, true, Some(ExitReason::Unreachable)),
            (Connectivity::Offline, None, None, true, Some(ExitReason::Unreachable)),
            (Connectivity::Offline, recent, None, false, Some(ExitReason::SignIn)),
            (Connectivity::Live, old, Some(running(Connectivity::Live, None)), false, None),
            (
                Connectivity::Polling,
                old,
                Some(running(Connectivity::Polling, None)),
                false,
                Some(ExitReason::Unreachable),
            ),
            (
                Connectivity::ActionNeeded,
                recent,
                Some(running(Connectivity::ActionNeeded, Some(Kind::Refused))),
                true,
                Some(ExitReason::SignIn),
            ),
            (
                Connectivity::ActionNeeded,
                recent,
                Some(running(Connectivity::ActionNeeded, Some(Kind::Store))),
                true,
                None,
            ),
        ] {
            let found = verdict(&a_report(state, last_live), running.as_ref(), has_secret, now);
            assert_eq!(found, expected, "{state:?} {last_live:?} {running:?} {has_secret}");
        }
    }

    #[test]
    fn the_report_has_exactly_the_keys_of_the_reference() {
        let json = serde_json::to_value(a_report(Connectivity::CatchingUp, None)).unwrap();
        let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = ["version", "state", "last_live", "complete_through", "unread", "rejected", "policy_digest"];
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(json["state"], "catching-up");
    }

    #[test]
    fn without_a_secret_the_text_says_why_the_exit_code_is_3() {
        let error = Error::new(ExitReason::SignIn, "alice@http://h: not signed in");
        let lines = status_lines(&a_report(Connectivity::Offline, None), None, Some(&error));
        assert!(lines.iter().any(|line| line.contains("alice@http://h: not signed in")), "{lines:?}");
    }
}
