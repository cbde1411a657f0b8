//! What needs the server: deleting there, older history, who is signed in, actions, a test notice, the diagnosis.
//!
//! Nothing is tried again behind a person's back: what fails is said.

use std::time::Duration;

use belfry_core::error::{Failure, Fault};
use belfry_core::event::{Event, NotificationType};
use belfry_core::ports::Credentials as _;
use belfry_core::storage::Alert;
use engine::doctor::{Finding, Step, StepRun, Subject, examine};
use engine::inbox::{Detail, Seq};
use engine::net::http;
use host::doctor;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tauri::async_runtime as runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use super::{Shell, lock};
use crate::links;
use crate::view::{Client, Code, DoctorStep, Older, Problem, TestFailure, TestStep, Update};

/// How long a test notice may take from step to step.
const TEST_LIMIT: Duration = Duration::from_secs(15);
/// So many pages of history are read at once, at most.
const OLDER_PAGES: u32 = 20;

impl Shell {
    pub(crate) async fn remove_on_server(&self, seqs: &[i64]) -> Result<usize, Problem> {
        if !lock(&self.session).settings.inbox.delete_on_server {
            return Err(Problem::new(Code::Setting, "inbox.delete_on_server = false"));
        }
        let server = self.server()?;
        let mut deleted = 0;
        for seq in seqs {
            let Some(detail) = self.inbox(|inbox| Ok(inbox.show(Seq(*seq))?))? else { continue };
            deleted += usize::from(server.delete(&detail.row.id).await.map_err(refused)?);
            self.inbox(|inbox| Ok(inbox.delete(&[Seq(*seq)])?))?;
            self.note_change();
        }
        Ok(deleted)
    }

    pub(crate) async fn act(&self, seq: i64, action: &str) -> Result<(), Problem> {
        let gone = || Problem::new(Code::Gone, "this notice, or what could be done with it, is no longer there");
        let detail = self.detail(seq)?.ok_or_else(gone)?;
        let action = detail.actions.iter().find(|offered| offered.id == action).ok_or_else(gone)?;
        if action.method.is_empty() {
            return self.open(&action.url);
        }
        self.server()?.act(action, &detail.row.id).await.map_err(refused)
    }

    fn detail(&self, seq: i64) -> Result<Option<Detail>, Problem> {
        self.inbox(|inbox| Ok(inbox.show(Seq(seq))?))
    }

    /// Opens an address in the browser, if it may be opened.
    pub(super) fn open(&self, link: &str) -> Result<(), Problem> {
        let url = links::allowed(link, &lock(&self.session).settings)
            .map_err(|refused| Problem::new(Code::LinkRefused, refused))?;
        links::open(&url).map_err(|e| Problem::new(Code::NoBrowser, format!("no browser could be started: {e}")))
    }

    pub(crate) async fn load_older(&self) -> Result<Older, Problem> {
        let server = self.server()?;
        let through = self.snapshot().borrow().complete_through;
        let through = through.ok_or_else(|| Problem::new(Code::Offline, "the first catch-up is still under way"))?;
        let days = lock(&self.session).settings.inbox.retention_days;
        let kept = SignedDuration::from_hours(24 * i64::from(days));
        let oldest = Timestamp::now().checked_sub(kept).unwrap_or(Timestamp::MIN);
        let mut page = self.older.lock().await;
        for _ in 0..OLDER_PAGES {
            let read = server.history(*page, through, oldest).await.map_err(refused)?;
            let added = self.inbox(|inbox| Ok(inbox.add_older(&read.notices, Timestamp::now())?))?;
            if !read.is_last {
                *page += 1;
            }
            if added > 0 || read.is_last {
                self.note_change();
                return Ok(Older { added, has_more: !read.is_last });
            }
        }
        Ok(Older { added: 0, has_more: true })
    }

    pub(crate) async fn clients(&self) -> Result<Vec<Client>, Problem> {
        let clients = self.server()?.clients().await.map_err(refused)?;
        Ok(clients.into_iter().map(Into::into).collect())
    }

    pub(crate) async fn test_notice(&self) -> Result<(), Problem> {
        let server = self.server()?;
        let (events, heard) = unbounded_channel();
        *lock(&self.trial) = Some(events);
        let language = self.language();
        let title = format!("{} {}", language.text("app.name"), Timestamp::now().strftime("%H:%M:%S"));
        let sent = server.send_to_self(&title, language.text("setup.test.text")).await;
        match sent {
            Ok(id) => {
                self.passed(TestStep::Sent);
                self.follow_test(heard, id.as_deref(), &title).await;
            }
            Err(failure) => self.failed(TestStep::Sent, TestFailure::NotSent { problem: refused(failure) }),
        }
        *lock(&self.trial) = None;
        Ok(())
    }

    async fn follow_test(&self, mut heard: UnboundedReceiver<Event>, id: Option<&str>, title: &str) {
        let deadline = Instant::now() + TEST_LIMIT;
        let mut stored: Option<String> = None;
        while let Ok(Some(event)) = timeout_at(deadline, heard.recv()).await {
            match event {
                Event::Notice { id: arrived, title: named, .. } if id.map_or(named == title, |id| id == arrived) => {
                    self.passed(TestStep::Delivered);
                    self.passed(TestStep::Stored);
                    if let Some(why) = self.silence(&arrived) {
                        return self.failed(TestStep::Shown, why);
                    }
                    stored = Some(arrived);
                }
                Event::Notification { r#type, notices, .. }
                    if r#type != NotificationType::Retract
                        && stored.as_ref().is_some_and(|stored| notices.contains(stored)) =>
                {
                    return self.passed(TestStep::Shown);
                }
                _ => {}
            }
        }
        let seconds = TEST_LIMIT.as_secs();
        match stored.map(|id| self.silence(&id)) {
            None => self.failed(TestStep::Delivered, TestFailure::NothingCame { seconds }),
            Some(None) => self.failed(TestStep::Shown, TestFailure::NothingShown { seconds }),
            Some(Some(why)) => self.failed(TestStep::Shown, why),
        }
    }

    /// Why a notice makes no popup; `None` if it does.
    fn silence(&self, id: &str) -> Option<TestFailure> {
        let found = self.inbox(|inbox| match inbox.find(id)?.first() {
            Some(seq) => Ok(inbox.show(*seq)?),
            None => Ok(None),
        });
        match found.ok()??.alert {
            Alert::Suppressed(why) => Some(TestFailure::HeldBack { why: why.into() }),
            Alert::Refused(why) => Some(TestFailure::NotTaken { why }),
            Alert::Due | Alert::Claimed | Alert::Shown | Alert::Uncertain => None,
        }
    }

    fn passed(&self, step: TestStep) {
        self.tell(Update::Test { step, failure: None });
    }

    fn failed(&self, step: TestStep, failure: TestFailure) {
        self.tell(Update::Test { step, failure: Some(failure) });
    }

    /// The steps of `belfryctl doctor`, each told as it ends.
    pub(crate) async fn diagnose(&self, tell: &mut (impl FnMut(DoctorStep) + Send)) -> Result<(), Problem> {
        let mut tell = |finding: Finding| tell(finding.into());
        let identity = lock(&self.session).engine.as_ref().map(|engine| engine.identity().clone());
        let run = StepRun::start(Step::Settings);
        let file = self.machine.settings_file.display().to_string();
        let Some(identity) = identity else {
            tell(run.fail(format!("{file}: no server is set"), "set up Belfry first"));
            return Ok(());
        };
        let client = match http::client(&identity.settings.network) {
            Ok(client) => client,
            Err(failure) => {
                tell(run.failed(&failure));
                return Ok(());
            }
        };
        tell(run.ok(format!("{file}: account {}, device {}", identity.account.name(), identity.device)));
        let (keeping, name) = (self.machine.keeping.clone(), identity.account.name());
        let mode = identity.settings.auth.mode;
        let looked = runtime::spawn_blocking(move || {
            (keeping.secret(&name, mode).ok().flatten(), doctor::keychain(keeping.machine(), &name, mode).1)
        });
        let (secret, keychain) =
            looked.await.unwrap_or_else(|error| (None, Finding::skipped(Step::Keychain, error.to_string())));
        let (data_dir, time_zone) = (self.machine.data_dir.clone(), TimeZone::system());
        examine(&Subject { identity, client, secret, data_dir, time_zone }, &mut tell).await;
        tell(keychain);
        for look in [doctor::notifications, doctor::tray] {
            if let Ok(finding) = runtime::spawn_blocking(look).await {
                tell(finding);
            }
        }
        Ok(())
    }
}

/// For who asks something of a server that is connected.
fn refused(failure: Failure) -> Problem {
    let code = match failure.fault {
        Fault::Unreachable | Fault::TimedOut | Fault::Broken | Fault::Closed | Fault::Silent | Fault::NoCredential => {
            Code::Offline
        }
        _ => Code::Server,
    };
    Problem::of(code, &failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_no_is_told_from_one_that_cannot_be_reached() {
        assert_eq!(refused(Failure::new(Fault::Status(403), "h answered HTTP 403")).code, Code::Server);
        assert_eq!(refused(Failure::new(Fault::Closed, "")).code, Code::Offline);
    }
}
