//! Changes of server, account or settings: one after the other, each in steps that tasks carry out.
//!
//! A change is first *checked* with the server (sign-in only; nothing is changed yet), then
//! *applied* to files and keychain, then the engine is *restarted*. Invariants: a sign-out ends a
//! sign-in that is still being checked, and the server's late answer is dropped; once a change is
//! being applied it is completed, and later ones wait.

use std::collections::VecDeque;

use belfry_core::account::Account;
use belfry_core::settings::Settings;
use engine::Engine;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::task::AbortHandle;

use crate::app::is_ending;
use crate::controller::Controller;
use crate::controller::server_requests::refused;
use crate::gui::Gui;
use crate::ipc::{Chosen, CommandError, CommandErrorCode, Setting, SignedIn, Update};
use crate::request::Reply;
use crate::task::{After, Outcome, answer, blocking, report};

/// A change that was asked for.
pub(crate) enum Change {
    SignIn {
        server: Chosen,
        login: String,
        secret: SecretString,
        reply: Reply<SignedIn>,
    },
    SignOut {
        forget_device: bool,
        reply: Reply<()>,
    },
    Save {
        values: Map<String, Value>,
        reply: Reply<Vec<Setting>>,
    },
    /// The settings may have changed outside of this program.
    Reload,
    /// The engine has ended by itself.
    Recover,
}

/// The change that is being made, and those that wait for it.
#[derive(Default)]
pub(crate) struct Changes {
    step: Step,
    waiting: VecDeque<Change>,
    attempts: u64,
}

#[derive(Default)]
enum Step {
    #[default]
    Idle,
    /// A sign-in is being checked; nothing has been changed.
    Checking { attempt: u64, reply: Reply<SignedIn>, task: AbortHandle },
    /// Files and keychain are being written.
    Applying,
    /// No engine runs until the next one has started.
    Restarting,
}

impl Changes {
    /// Whether an engine is about to start.
    pub(crate) fn is_restarting(&self) -> bool {
        matches!(self.step, Step::Restarting)
    }

    /// Names the next sign-in.
    pub(crate) fn next_attempt(&mut self) -> u64 {
        self.attempts += 1;
        self.attempts
    }

    pub(crate) fn begin_check(&mut self, attempt: u64, reply: Reply<SignedIn>, task: AbortHandle) {
        self.step = Step::Checking { attempt, reply, task };
    }

    pub(crate) fn begin_apply(&mut self) {
        self.step = Step::Applying;
    }

    /// Where the answer to this sign-in goes; `None` for one that was ended meanwhile.
    pub(crate) fn take_check(&mut self, of: u64) -> Option<Reply<SignedIn>> {
        if let Step::Checking { attempt, .. } = &self.step
            && *attempt == of
            && let Step::Checking { reply, .. } = std::mem::take(&mut self.step)
        {
            return Some(reply);
        }
        None
    }

    /// Ends every sign-in that has changed nothing yet.
    fn cancel_sign_ins(&mut self) {
        let ended = || Err(CommandError::new(CommandErrorCode::Offline, "this sign-in was ended"));
        if matches!(self.step, Step::Checking { .. })
            && let Step::Checking { reply, task, .. } = std::mem::take(&mut self.step)
        {
            task.abort();
            answer(reply, ended());
        }
        for change in std::mem::take(&mut self.waiting) {
            if let Change::SignIn { reply, .. } = change {
                answer(reply, ended());
            } else {
                self.waiting.push_back(change);
            }
        }
    }
}

impl<G: Gui> Controller<G> {
    /// Makes a change when those before it are done.
    pub(crate) fn change(&mut self, change: Change) {
        if matches!(change, Change::SignOut { .. }) {
            self.end_browser_wait();
            self.changes.cancel_sign_ins();
        }
        self.changes.waiting.push_back(change);
        self.begin_next_change();
    }

    /// Ends a sign-in that has changed nothing yet.
    pub(crate) fn cancel_sign_in(&mut self) {
        self.end_browser_wait();
        self.changes.cancel_sign_ins();
        self.begin_next_change();
    }

    fn begin_next_change(&mut self) {
        while matches!(self.changes.step, Step::Idle) && self.ending.is_none() {
            match self.changes.waiting.pop_front() {
                Some(Change::SignIn { server, login, secret, reply }) => self.sign_in(server, login, secret, reply),
                Some(Change::SignOut { forget_device, reply }) => self.sign_out(forget_device, reply),
                Some(Change::Save { values, reply }) => self.save(values, reply),
                Some(Change::Reload) => self.reload(),
                Some(Change::Recover) => self.recover(),
                None => return,
            }
        }
    }

    /// The change is made, or has failed.
    pub(crate) fn end_change(&mut self) {
        self.changes.step = Step::Idle;
        self.begin_next_change();
    }

    fn save(&mut self, values: Map<String, Value>, reply: Reply<Vec<Setting>>) {
        self.changes.begin_apply();
        let file = self.machine.settings_file.clone();
        let changes: Vec<_> =
            values.into_iter().map(|(key, value)| (key, Some(value).filter(|value| !value.is_null()))).collect();
        self.spawn(|reporter| async move {
            let settings = blocking(move || Ok(Box::new(host::settings::save(&file, &changes)?))).await;
            report(&reporter, Outcome::Applied { settings, after: After::Saved { reply } });
        });
    }

    /// Reads the settings again. Where they are as before, nothing is done; where they cannot be
    /// used, those before hold.
    fn reload(&mut self) {
        self.changes.begin_apply();
        let file = self.machine.settings_file.clone();
        self.spawn(|reporter| async move {
            let read = blocking(move || {
                let read = host::settings::read(Some(&file));
                let (settings, _) = read.map_err(|error| CommandError::new(CommandErrorCode::Setting, error))?;
                Ok((Box::new(settings), host::settings::is_locked(&file, "server.endpoints")))
            });
            let read = read.await;
            let is_server_locked = read.as_ref().is_ok_and(|(_, is_locked)| *is_locked);
            let settings = read.map(|(settings, _)| settings);
            report(&reporter, Outcome::Applied { settings, after: After::Reloaded { is_server_locked } });
        });
    }

    /// Files and keychain are as the change wants them; or they are as they were.
    pub(crate) fn handle_applied(&mut self, settings: Result<Box<Settings>, CommandError>, after: After) {
        let settings = match settings {
            Ok(_) if self.ending.is_some() => return self.fail(after, is_ending()),
            Ok(settings) => *settings,
            Err(error) => return self.fail(after, error),
        };
        host::logging::set_level(settings.app.log_level);
        if let After::Reloaded { is_server_locked } = after {
            self.is_server_locked = is_server_locked;
            if settings == self.session.settings {
                return self.end_change();
            }
            tracing::info!("the settings have changed; the session starts again with them");
        }
        if Account::of(&settings).is_none() {
            // The first run goes on with them.
            self.session.settings = settings;
            return self.complete(after);
        }
        self.restart(settings, after);
    }

    /// Ends the engine, and starts the next one with these settings.
    pub(crate) fn restart(&mut self, settings: Settings, after: After) {
        self.changes.step = Step::Restarting;
        let (last, machine) = (self.take_engine(), self.machine.clone());
        self.spawn(|reporter| async move {
            if let Some(engine) = last {
                engine.end().await;
            }
            let start = move || {
                (machine.start_at_login)(settings.app.start_at_login);
                machine.start_engine(settings).map_err(|error| CommandError::new(CommandErrorCode::Store, error))
            };
            let engine = blocking(move || Ok(Box::new(start()?))).await;
            report(&reporter, Outcome::Restarted { engine, after });
        });
    }

    /// Another engine runs, or none does.
    pub(crate) fn handle_restarted(&mut self, engine: Result<Box<Engine>, CommandError>, after: After) {
        match engine {
            Ok(engine) if self.ending.is_some() => {
                self.fail(after, is_ending());
                self.end(*engine);
            }
            Ok(engine) => {
                engine.connect();
                self.install(*engine);
                self.note_inbox_change();
                self.complete(after);
            }
            Err(error) => {
                self.fail(after, error);
                if self.ending.is_some() {
                    self.exit();
                }
            }
        }
    }

    fn complete(&mut self, after: After) {
        match after {
            After::SignedIn { signed_in, reply } => {
                self.tell_status();
                answer(reply, Ok(signed_in));
            }
            After::SignedOut { queues: None, reply } => answer(reply, Ok(())),
            // No engine has a secret any more that would make the queues again.
            After::SignedOut { queues: Some(queues), reply } => drop(self.spawn(|_| async move {
                let deleted = queues.delete().await.map_err(refused);
                answer(reply, deleted.map(drop));
            })),
            After::Saved { reply } => {
                self.tell_look();
                self.settings(reply);
            }
            After::Reloaded { .. } => self.tell_look(),
            After::Recovered => self.tell_status(),
        }
        self.end_change();
    }

    fn fail(&mut self, after: After, error: CommandError) {
        match after {
            After::SignedIn { reply, .. } => answer(reply, Err(error)),
            After::SignedOut { reply, .. } => answer(reply, Err(error)),
            After::Saved { reply } => answer(reply, Err(error)),
            After::Reloaded { .. } => {
                tracing::warn!(error = error.message, "the changed settings cannot be used; those before them hold");
            }
            After::Recovered => {
                tracing::warn!(error = error.message, "no other engine could be started");
                if self.ending.is_none() {
                    self.handle_engine_lost();
                }
            }
        }
        self.end_change();
    }

    fn tell_look(&mut self) {
        let (language, theme) = (self.language().into(), self.session.settings.app.theme.into());
        self.tell(Update::Look { language, theme });
        self.tell_status();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    fn under_way(changes: &mut Changes) -> (u64, oneshot::Receiver<Result<SignedIn, CommandError>>) {
        let (reply, answer) = oneshot::channel();
        let attempt = changes.next_attempt();
        changes.begin_check(attempt, reply, tokio::spawn(std::future::pending::<()>()).abort_handle());
        (attempt, answer)
    }

    #[tokio::test]
    async fn the_late_answer_to_a_sign_in_that_was_ended_is_dropped() {
        let mut changes = Changes::default();
        let (first, mut answer) = under_way(&mut changes);
        changes.cancel_sign_ins();
        assert!(answer.try_recv().unwrap().is_err());
        assert!(changes.take_check(first).is_none());
        let (second, _answer) = under_way(&mut changes);
        assert!(changes.take_check(first).is_none(), "it is not the answer to the next one either");
        assert!(changes.take_check(second).is_some());
    }

    #[tokio::test]
    async fn a_sign_out_ends_the_sign_ins_that_wait_and_nothing_else() {
        let mut changes = Changes::default();
        let ((reply, mut signed_in), (save, mut saved)) = (oneshot::channel(), oneshot::channel());
        let server = Chosen { address: String::new(), agreed: Vec::new() };
        changes.waiting.push_back(Change::SignIn { server, login: String::new(), secret: "x".into(), reply });
        changes.waiting.push_back(Change::Save { values: Map::new(), reply: save });
        changes.cancel_sign_ins();
        assert!(signed_in.try_recv().unwrap().is_err());
        assert!(saved.try_recv().is_err() && changes.waiting.len() == 1);
    }
}
