//! The test notice: the server sends one to this account, and the window is told how far it comes.
//!
//! Invariant: one test is shown at a time; what an earlier one still reports is dropped.

use std::time::Duration;

use belfry_core::event::{Event, NotificationType};
use belfry_core::storage::Alert;
use engine::net::requests::ServerRequests;
use host::texts::Language;
use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use super::server_requests::refused;
use crate::controller::Controller;
use crate::gui::Gui;
use crate::inbox_reader::InboxReader;
use crate::ipc::{TestFailure, TestStep, Update};
use crate::request::Reply;
use crate::task::{Outcome, Reporter, TestProgress, answer, report};

/// How long a test notice may take from the server's answer to its notification.
const LIMIT: Duration = Duration::from_secs(15);

/// The test that is under way, if one is.
#[derive(Debug)]
pub(crate) struct TestNotice {
    /// Tests so far; the newest is the one that counts.
    number: u64,
    events: Option<UnboundedSender<Event>>,
    pub(crate) limit: Duration,
}

impl Default for TestNotice {
    fn default() -> Self {
        Self { number: 0, events: None, limit: LIMIT }
    }
}

/// A test, as its task sees it.
struct Test {
    number: u64,
    reporter: Reporter,
    server: ServerRequests,
    inbox: InboxReader,
    events: UnboundedReceiver<Event>,
    limit: Duration,
}

impl TestNotice {
    /// Hands an event to the test that waits for it.
    pub(crate) fn handle_event(&self, event: &Event) {
        if let Some(events) = &self.events {
            // The test may have ended.
            drop(events.send(event.clone()));
        }
    }

    /// What the window is told.
    pub(crate) fn handle_progress(&mut self, progress: TestProgress) -> Option<Update> {
        if progress.number != self.number {
            return None;
        }
        if progress.update.is_none() {
            self.events = None;
        }
        progress.update
    }
}

impl<G: Gui> Controller<G> {
    pub(crate) fn test_notice(&mut self, reply: Reply<()>) {
        let server = match self.server() {
            Ok(server) => server,
            Err(error) => return answer(reply, Err(error)),
        };
        let (sender, events) = unbounded_channel();
        self.test.number += 1;
        self.test.events = Some(sender);
        let (number, limit, inbox, language) = (self.test.number, self.test.limit, self.inbox.clone(), self.language());
        self.spawn(|reporter| async move {
            Test { number, reporter, server, inbox, events, limit }.run(language).await;
            answer(reply, Ok(()));
        });
    }
}

impl Test {
    async fn run(mut self, language: Language) {
        let title = format!("{} {}", language.text("app.name"), Timestamp::now().strftime("%H:%M:%S"));
        match self.server.send_to_self(&title, language.text("setup.test.text")).await {
            Ok(id) => {
                self.passed(TestStep::Sent);
                self.follow(id.as_deref(), &title).await;
            }
            Err(failure) => self.failed(TestStep::Sent, TestFailure::NotSent { error: refused(failure) }),
        }
        report(&self.reporter, Outcome::Test(TestProgress { number: self.number, update: None }));
    }

    async fn follow(&mut self, id: Option<&str>, title: &str) {
        let deadline = Instant::now() + self.limit;
        let mut stored: Option<String> = None;
        while let Ok(Some(event)) = timeout_at(deadline, self.events.recv()).await {
            match event {
                Event::Notice { id: arrived, title: named, .. } if id.map_or(named == title, |id| id == arrived) => {
                    self.passed(TestStep::Delivered);
                    self.passed(TestStep::Stored);
                    if let Some(why) = self.why_silent(&arrived).await {
                        return self.failed(TestStep::Shown, why);
                    }
                    stored = Some(arrived);
                }
                Event::Notification { r#type, notices, .. }
                    if r#type != NotificationType::Retract
                        && stored.as_ref().is_some_and(|stored| notices.iter().any(|key| key.id == stored)) =>
                {
                    return self.passed(TestStep::Shown);
                }
                Event::Status(_)
                | Event::Notice { .. }
                | Event::Changed { .. }
                | Event::CaughtUp { .. }
                | Event::Notification { .. }
                | Event::Rejected { .. }
                | Event::Activated { .. } => {}
            }
        }
        let seconds = self.limit.as_secs();
        match stored {
            None => self.failed(TestStep::Delivered, TestFailure::NothingCame { seconds }),
            Some(id) => {
                let why = self.why_silent(&id).await;
                self.failed(TestStep::Shown, why.unwrap_or(TestFailure::NothingShown { seconds }));
            }
        }
    }

    /// Why a notice makes no popup; `None` if it does.
    async fn why_silent(&self, id: &str) -> Option<TestFailure> {
        let id = id.to_owned();
        let found = self.inbox.read(move |inbox| match inbox.find(&id)?.first() {
            Some(seq) => Ok(inbox.show(*seq)?),
            None => Ok(None),
        });
        match found.await.ok()??.alert {
            Alert::Suppressed(why) => Some(TestFailure::HeldBack { why: why.into() }),
            Alert::Refused(why) => Some(TestFailure::NotTaken { why }),
            Alert::Due | Alert::Claimed | Alert::Shown | Alert::Silenced | Alert::Uncertain => None,
        }
    }

    fn passed(&self, step: TestStep) {
        self.report(Update::Test { step, failure: None });
    }

    fn failed(&self, step: TestStep, failure: TestFailure) {
        self.report(Update::Test { step, failure: Some(failure) });
    }

    fn report(&self, update: Update) {
        report(&self.reporter, Outcome::Test(TestProgress { number: self.number, update: Some(update) }));
    }
}
