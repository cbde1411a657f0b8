//! `status`: how Belfry fares on this machine, for fleet tools.
//!
//! Read from what lies on the disk and what a running engine has noted; nothing is connected. Invariant: the exit code is
//! the worst of what is true: store (6), sign-in (3), not live for more than a day (4).

use std::process::ExitCode;

use belfry_core::status::{Connectivity, Fix, StatusSnapshot};
use data_encoding::HEXLOWER;
use engine::runtime::data_dir::running_status;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    ending::{Code, Error},
    output::{self, local, local_or_never, name, table},
    setup::Setup,
};

/// Without having been live for so long, something is wrong.
const LONGEST_GAP: SignedDuration = SignedDuration::from_hours(24);

/// What is said, in the words of `docs/reference/commands.md`.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    state: Connectivity,
    last_live: Option<Timestamp>,
    complete_through: Option<Timestamp>,
    unread: u64,
    rejected: u64,
    policy_digest: String,
}

/// Says how it fares.
///
/// # Errors
/// [`Code::Store`].
pub(crate) fn status(setup: &Setup, json: bool) -> Result<ExitCode, Error> {
    let stats = setup.inbox()?.stats()?;
    let running = running_status(&setup.data_dir, &setup.account);
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        state: running.as_ref().map_or(Connectivity::Offline, |running| running.status.state),
        last_live: stats.last_live,
        complete_through: stats.complete_through,
        unread: stats.unread,
        rejected: stats.rejected,
        policy_digest: policy_digest(),
    };
    if json {
        output::json(&report)?;
    } else {
        output::lines(described(&report, running.as_ref()))?;
    }
    let has_secret = || setup.secret().is_ok();
    Ok(verdict(&report, running.as_ref(), has_secret, Timestamp::now()).map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// Of all managed settings in effect, as canonical JSON from dotted names to values; there are none.
fn policy_digest() -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(b"{}")))
}

fn verdict(
    report: &Report,
    running: Option<&StatusSnapshot>,
    has_secret: impl FnOnce() -> bool,
    now: Timestamp,
) -> Option<Code> {
    let needs_sign_in = match running {
        Some(running) => {
            running.status.state == Connectivity::ActionNeeded
                && running.kind.is_some_and(|kind| matches!(kind.fix(), Fix::SignIn | Fix::Unlock))
        }
        None => !has_secret(),
    };
    let is_live = report.state == Connectivity::Live;
    let was_live = report.last_live.is_some_and(|last| now.duration_since(last) <= LONGEST_GAP);
    if needs_sign_in {
        Some(Code::SignIn)
    } else if !is_live && !was_live {
        Some(Code::Unreachable)
    } else {
        None
    }
}

fn described(report: &Report, running: Option<&StatusSnapshot>) -> Vec<String> {
    let row = |name: &str, value: String| [name.to_owned(), value];
    let mut rows = vec![row("version", report.version.to_owned())];
    match running {
        Some(StatusSnapshot { status: running, .. }) => {
            rows.push(row("state", format!("{} since {}", name(&running.state), local(running.since))));
            rows.push(row("endpoint", running.endpoint.clone()));
            rows.push(row("reason", running.reason.clone()));
            rows.push(row("remedy", running.remedy.clone()));
        }
        None => rows.push(row("state", "offline: Belfry is not running".to_owned())),
    }
    rows.push(row("last live", local_or_never(report.last_live)));
    rows.push(row("complete through", local_or_never(report.complete_through)));
    rows.push(row("unread", report.unread.to_string()));
    rows.push(row("not usable", report.rejected.to_string()));
    rows.retain(|[_, value]| !value.is_empty());
    table(&rows)
}

#[cfg(test)]
mod tests {
    use belfry_core::status::{Kind, StatusEvent};

    use super::*;

    fn report(state: Connectivity, last_live: Option<&str>) -> Report {
        Report {
            version: "0",
            state,
            last_live: last_live.map(|time| time.parse().unwrap()),
            complete_through: None,
            unread: 0,
            rejected: 0,
            policy_digest: policy_digest(),
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
    fn the_exit_code_is_the_worst_of_what_is_true() {
        let now = "2026-11-20T08:00:00Z".parse().unwrap();
        let (recent, old) = (Some("2026-11-19T09:00:00Z"), Some("2026-11-19T07:00:00Z"));
        for (state, last_live, running, has_secret, expected) in [
            (Connectivity::Offline, recent, None, true, None),
            (Connectivity::Offline, old, None, true, Some(Code::Unreachable)),
            (Connectivity::Offline, None, None, true, Some(Code::Unreachable)),
            (Connectivity::Offline, recent, None, false, Some(Code::SignIn)),
            (Connectivity::Live, old, Some(running(Connectivity::Live, None)), false, None),
            (Connectivity::Polling, old, Some(running(Connectivity::Polling, None)), false, Some(Code::Unreachable)),
            (
                Connectivity::ActionNeeded,
                recent,
                Some(running(Connectivity::ActionNeeded, Some(Kind::Refused))),
                true,
                Some(Code::SignIn),
            ),
            (
                Connectivity::ActionNeeded,
                recent,
                Some(running(Connectivity::ActionNeeded, Some(Kind::Store))),
                true,
                None,
            ),
        ] {
            let found = verdict(&report(state, last_live), running.as_ref(), || has_secret, now);
            assert_eq!(found, expected, "{state:?} {last_live:?} {running:?} {has_secret}");
        }
    }

    #[test]
    fn the_report_has_exactly_the_keys_of_the_contract() {
        let json = serde_json::to_value(report(Connectivity::CatchingUp, None)).unwrap();
        let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = ["version", "state", "last_live", "complete_through", "unread", "rejected", "policy_digest"];
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(json["state"], "catching-up");
    }
}
