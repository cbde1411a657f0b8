//! Whether missed messages can be collected: one page, into the store.
//!
//! Some servers mark as delivered what they serve, so a page that is not stored would be lost. Its
//! rows and its cursor are committed under the engine's lock, as a pass does it; the next engine
//! that starts announces them. Deliberately absent: further pages.

use jiff::Timestamp;
use secrecy::SecretString;

use super::{Finding, Step, StepRun, Subject};
use crate::clock;
use crate::{
    net::{
        api::{Api, PagePiece},
        intake::Intake,
    },
    runtime::{
        StartError,
        data_dir::{account_dir, create_private_dir, is_running, lock},
    },
    store::{Store, StoreError},
};
use belfry_core::{
    alerts::AlertContext,
    error::Failure,
    notice::copies::Arrival,
    pipeline::{
        catchup::{Pass, PassId, PassStart},
        notice_writes,
    },
    storage::{Outcome, Write},
};

/// Collects one page, unless a running engine does.
pub(super) async fn examine(subject: &Subject, token: Option<&SecretString>, report: &mut impl FnMut(Finding)) {
    let api = &subject.identity.settings.api;
    let why = if api.base.is_none() || api.collect.is_empty() {
        "catch-up is off: api.base or api.collect is not set"
    } else if is_running(&subject.data_dir) {
        "the Belfry that is running collects"
    } else {
        ""
    };
    let Some(token) = token.filter(|_| why.is_empty()) else {
        let why = if why.is_empty() { "there is no token" } else { why };
        return report(Finding::skipped(Step::Collect, why));
    };
    let run = StepRun::start(Step::Collect);
    report(match collect(subject, token).await {
        Ok(Collected { rows, new }) => run.ok(format!("{rows} rows, {new} of them new; they are in the inbox")),
        Err(Error::Api(failure)) => run.failed(&failure),
        Err(Error::Start(StartError::InUse(_))) => {
            Finding::skipped(Step::Collect, "the Belfry that has just started collects")
        }
        Err(Error::Start(error)) => run.failed_data_dir(error.to_string()),
    });
}

struct Collected {
    rows: usize,
    new: usize,
}

enum Error {
    Start(StartError),
    Api(Failure),
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Start(error.into())
    }
}

async fn collect(subject: &Subject, token: &SecretString) -> Result<Collected, Error> {
    let Subject { identity, client, data_dir, time_zone, .. } = subject;
    let _lock = lock(data_dir)?;
    let dir = account_dir(data_dir, &identity.account);
    create_private_dir(&dir).map_err(|source| StartError::DataDir { path: dir.clone(), source })?;
    let mut store = Store::open(&dir, &identity.account.name())?;
    let started = clock::now().wall;
    let start = PassStart {
        cursor: store.cursor()?,
        complete_through: store.complete_through()?,
        newest_sent: None,
        retention: started.checked_sub(identity.settings.inbox.retention()).unwrap_or(Timestamp::MIN),
        history: false,
        wait: false,
        started,
    };
    let mut pass = Pass::new(PassId(0), start);
    let Some(request) = pass.request() else { return Ok(Collected { rows: 0, new: 0 }) };
    let intake = Intake::new(&identity.settings, time_zone.clone());
    let api = Api::new(client.clone(), identity.clone(), intake.into());
    let mut answer = api.page(token, &request).await.map_err(Error::Api)?;
    let mut new = 0;
    loop {
        let (step, rejected, rows) = match answer.next_piece() {
            PagePiece::Rows(notices, rejected) => (pass.handle_rows(notices), rejected, None),
            PagePiece::Last(page, rejected) => {
                let rows = page.rows;
                (pass.handle_page(page), rejected, Some(rows))
            }
        };
        let notifications = &identity.settings.notifications;
        let arrival = Arrival { source: step.source, number: pass.requested_after() };
        let context = AlertContext {
            now: started,
            time_zone,
            is_first_run: pass.is_first_run(),
            seen_through: pass.seen_through(),
            paused_until: store.paused_until()?,
        };
        let mut writes = notice_writes(step.notices, arrival, &context, notifications);
        writes.extend(rejected);
        writes.extend(step.cursor.map(Write::Cursor));
        let applied = store.apply(&writes)?;
        new += applied.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::New { .. })).count();
        if let Some(rows) = rows {
            return Ok(Collected { rows, new });
        }
    }
}
