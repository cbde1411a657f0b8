//! The owner of the running app's state, as one task.
//!
//! It takes requests, the engine's events and snapshots, and the outcomes of tasks it has started,
//! one after the other, and waits for nothing else. Requests that belong together are in files of
//! their own below: `account`, `notices`, `history`, … Invariants: at most one engine runs, and the next
//! one starts only when the last has ended; the outcome of a task that was started for an earlier
//! session or attempt changes nothing.

mod account;
mod browser;
mod change;
mod diagnosis;
mod export;
mod history;
mod notices;
mod popup_buttons;
mod recovery;
mod server_requests;
mod settings;
mod started;
mod test_notice;
mod tray;
mod window;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use belfry_core::account::Account;
use belfry_core::event::Event;
use belfry_core::settings::Settings;
use belfry_core::status::Connectivity;
use engine::net::discovery::DiscoveredServer;
use engine::net::requests::ServerRequests;
use engine::{Engine, Snapshot};
use host::power::Hint;
use host::texts::{self, Language};
use tokio::sync::{mpsc, watch};

use crate::app::Requests;
use crate::gui::{Gui, WindowListener};
use crate::inbox_changes::InboxChanges;
use crate::inbox_reader::InboxReader;
use crate::ipc::{CommandError, CommandErrorCode, Status, Update};
use crate::machine::Machine;
use crate::request::{Request, WindowToken};
use crate::task::{NoticeToShow, Outcome, Reporter, answer, report};
use crate::tray::TrayAction;

pub use started::Started;

use browser::BrowserWait;
use change::{Change, Changes};
use history::History;
use popup_buttons::Buttons;
use recovery::Recovery;
use test_notice::TestNotice;
use tray::ShownTray;

/// Owns the state of the running app. See the module's documentation.
pub struct Controller<G> {
    pub(crate) gui: G,
    pub(crate) machine: Machine,
    pub(crate) session: Session,
    pub(crate) inbox: InboxReader,
    pub(crate) changes: Changes,
    /// The sign-in that waits for the browser.
    pub(crate) browser: Option<BrowserWait>,
    /// What was found at the address typed last, and how many addresses were asked.
    pub(crate) found: Option<(String, DiscoveredServer)>,
    pub(crate) discoveries: u64,
    pub(crate) history: History,
    /// The newest file that was written.
    pub(crate) exported: Option<PathBuf>,
    pub(crate) test: TestNotice,
    /// Whether an administrator has decided the server's address.
    pub(crate) is_server_locked: bool,
    pub(crate) buttons: Buttons,
    pub(crate) tray: ShownTray,
    pub(crate) recovery: Recovery,
    /// The exit code, once the program is ending.
    pub(crate) ending: Option<u8>,
    window: Option<Box<dyn WindowListener>>,
    /// The notice that the next window shows.
    to_open: Option<NoticeToShow>,
    /// Whether the next window shows the settings.
    settings_to_open: bool,
    inbox_changes: InboxChanges,
    /// What the window was last told about the connection. A burst of notices does not change it.
    told_status: Option<Status>,
    /// What the window was last told about a missing sign-in.
    is_setup_shown: bool,
    is_over: bool,
    requests: mpsc::UnboundedReceiver<Request>,
    events: mpsc::UnboundedReceiver<Event>,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
    reporter: Reporter,
    /// Of the engine that runs.
    followed: Option<watch::Receiver<Snapshot>>,
    /// The same for everybody else, over all engines.
    published: watch::Sender<Snapshot>,
}

/// Whose inbox it is, and the engine that fills it.
pub(crate) struct Session {
    /// Names this session; each engine has its own.
    pub(crate) generation: u64,
    /// None before the first run is over, while another one starts, and when the program ends.
    pub(crate) engine: Option<Engine>,
    pub(crate) settings: Settings,
    pub(crate) account: Option<Account>,
    /// The account's folder, or the data folder before there is an account.
    pub(crate) dir: PathBuf,
}

impl<G: Gui> Controller<G> {
    /// A controller for `requests`, which begins with [`run`](Self::run).
    ///
    /// # Errors
    /// The system has no thread to give for reading the inbox.
    pub fn new(requests: Requests, gui: G, started: Started) -> io::Result<Self> {
        let Started { machine, settings, is_server_locked, engine, events } = started;
        let (reporter, outcomes) = mpsc::unbounded_channel();
        let dir = machine.data_dir.clone();
        let mut controller = Self {
            gui,
            machine,
            session: Session { generation: 0, engine: None, settings, account: None, dir },
            inbox: InboxReader::start()?,
            changes: Changes::default(),
            browser: None,
            found: None,
            discoveries: 0,
            history: History::default(),
            exported: None,
            test: TestNotice::default(),
            is_server_locked,
            buttons: Buttons::default(),
            tray: ShownTray::default(),
            recovery: Recovery::default(),
            ending: None,
            window: None,
            to_open: None,
            settings_to_open: false,
            inbox_changes: InboxChanges::new(),
            told_status: None,
            is_setup_shown: false,
            is_over: false,
            requests: requests.requests,
            events,
            outcomes,
            reporter,
            followed: None,
            published: requests.snapshot,
        };
        if let Some(engine) = engine {
            controller.install(engine);
        }
        Ok(controller)
    }

    /// Serves until a [`Request::Quit`] has been carried out, or every [`App`](crate::App) is gone.
    pub async fn run(mut self) {
        self.show_tray();
        while !self.is_over {
            tokio::select! {
                request = self.requests.recv() => match request {
                    Some(request) => self.handle_request(request),
                    None => break,
                },
                Some(event) = self.events.recv() => self.handle_event(event),
                Some(outcome) = self.outcomes.recv() => self.handle_outcome(outcome),
                is_alive = changed(&mut self.followed) => {
                    if is_alive {
                        self.handle_snapshot();
                    } else {
                        self.followed = None;
                        self.handle_engine_lost();
                    }
                }
                () = self.inbox_changes.due() => {
                    self.inbox_changes.told();
                    self.tell(Update::Inbox);
                    self.show_tray();
                    self.read_latest();
                }
            }
        }
    }

    fn handle_request(&mut self, request: Request) {
        match request {
            Request::Listen { listener, reply } => {
                self.window = Some(listener);
                self.told_status = None;
                answer(reply, Ok(()));
            }
            Request::Start { reply } => {
                let start = self.start();
                answer(reply, Ok(start));
            }
            Request::Page { query, reply } => self.page(query, reply),
            Request::Seqs { filter, limit, reply } => self.seqs(filter, limit, reply),
            Request::Kinds { reply } => self.kinds(reply),
            Request::Notice { seq, text, reply } => self.notice(seq, text, reply),
            Request::SetRead { seqs, read, reply } => self.set_read(seqs, read, reply),
            Request::SetAllRead { filter, through, reply } => self.set_all_read(filter, through, reply),
            Request::Remove { seqs, reply } => self.remove(seqs, reply),
            Request::Restore { undo, reply } => self.restore(undo, reply),
            Request::OpenLink { seq, reply } => self.open_link(seq, reply),
            Request::TryNow { reply } => {
                self.handle_tray(TrayAction::TryNow, WindowToken(None));
                answer(reply, Ok(()));
            }
            Request::Pause { pause, reply } => self.pause(pause, reply),
            Request::RemoveOnServer { seqs, reply } => self.remove_on_server(seqs, reply),
            Request::KeepOnServer { seqs, reply } => self.keep_on_server(seqs, reply),
            Request::Act { seq, action, confirmed, reply } => self.act(seq, action, confirmed, reply),
            Request::LoadOlder { reply } => self.load_older(reply),
            Request::Export { format, filter, seqs, reply } => self.export(format, filter, seqs, reply),
            Request::ShowExport { reply } => self.show_export(reply),
            Request::Discover { address, reply } => self.discover(address, reply),
            Request::SignIn { server, login, secret, reply } => {
                self.change(Change::SignIn { server, login, secret, reply });
            }
            Request::SignInInBrowser { server, reply } => self.sign_in_in_browser(server, reply),
            Request::CancelSignIn { reply } => {
                self.cancel_sign_in();
                answer(reply, Ok(()));
            }
            Request::SignInAgain { reply } => {
                let setup = self.setup_again();
                answer(reply, Ok(setup));
            }
            Request::SignOut { forget_device, reply } => self.change(Change::SignOut { forget_device, reply }),
            Request::TestNotice { reply } => self.test_notice(reply),
            Request::Settings { reply } => self.settings(reply),
            Request::SaveSettings { values, reply } => self.change(Change::Save { values, reply }),
            Request::Clients { reply } => self.clients(reply),
            Request::Diagnose { on_step, reply } => self.diagnose(on_step, reply),
            Request::About { reply } => self.about(reply),
            Request::WindowClosed => {
                self.window = None;
                self.inbox.close();
            }
            Request::ShowWindow { token } => self.show_window(token),
            Request::OpenAddress { link, window } => self.open_address(link, window),
            Request::Tray { action, token } => self.handle_tray(action, token),
            Request::Power(hint) => self.command(match hint {
                Hint::Woke => Engine::woke,
                Hint::NetworkChanged => Engine::network_changed,
            }),
            Request::SettingsChanged => self.change(Change::Reload),
            Request::Quit { code } => self.quit(code),
        }
    }

    fn handle_event(&mut self, event: Event) {
        self.test.handle_event(&event);
        match event {
            Event::Activated { notices, action, popup, activation_token } => {
                self.handle_activated(&notices, action, &popup, activation_token);
            }
            Event::Changed { id, .. } => self.review_questions(&id),
            // The snapshot tells these too.
            Event::Status(_)
            | Event::Notice { .. }
            | Event::CaughtUp { .. }
            | Event::Notification { .. }
            | Event::Rejected { .. } => {}
        }
    }

    fn handle_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::InboxChanged => self.handle_inbox_changed(),
            Outcome::NoticeFound { found, window } => {
                match found {
                    Ok(Some(NoticeToShow { seq, ask })) => self.point_to(Some(seq), ask),
                    Ok(None) => self.point_to(None, None),
                    Err(error) => {
                        tracing::warn!(error = error.message, "the notice to be shown was not found");
                    }
                }
                if let Some(WindowToken(token)) = window {
                    self.show_window(token);
                }
            }
            Outcome::OpenUrl { link, reply } => {
                let opened = self.open_url(&link);
                answer(reply, opened);
            }
            Outcome::Discovered { number, address, found } => self.handle_discovered(number, address, *found),
            Outcome::OpenSignIn { attempt, url } => self.open_sign_in(attempt, &url),
            Outcome::Browsed { attempt, identity } => self.handle_browsed(attempt, identity),
            Outcome::Checked { attempt, checked } => self.handle_checked(attempt, checked),
            Outcome::Applied { settings, after } => self.handle_applied(settings, after),
            Outcome::Restarted { engine, after } => self.handle_restarted(engine, after),
            Outcome::OlderRead(read) => self.handle_older_read(read),
            Outcome::Exported { written, reply } => self.handle_exported(written, reply),
            Outcome::Test(progress) => {
                if let Some(update) = self.test.handle_progress(progress) {
                    self.tell(update);
                }
            }
            Outcome::Pressed { found, key, token } => self.handle_pressed(found, &key, token),
            Outcome::Asked { name, shown, token } => self.handle_asked(&name, shown, token),
            Outcome::NoLongerOffered { question, says } => self.drop_question(&question, says.as_ref()),
            Outcome::CarriedOut { notice, label, carried } => self.handle_carried_out(&notice, &label, carried),
            Outcome::ButtonDone { seq } => drop(self.buttons.running.remove(&seq)),
            Outcome::Said { seq, shown } => self.handle_said(seq, shown),
            Outcome::LatestRead { generation, latest } => self.handle_latest_read(generation, latest),
            Outcome::EngineDue => self.handle_engine_due(),
            Outcome::EngineEnded => self.exit(),
        }
    }

    /// Shows in tray and window what the engine says of itself.
    fn handle_snapshot(&mut self) {
        let Some(snapshot) = self.followed.as_mut().map(|followed| followed.borrow_and_update().clone()) else {
            return;
        };
        let (state, revision) = (snapshot.status.state, snapshot.revision);
        let before = self.published.send_replace(snapshot);
        self.tell_status();
        // An attempt between two that found nothing is not reported: the sign-in page opens once.
        if state != Connectivity::Connecting {
            let missing = self.missing();
            if !std::mem::replace(&mut self.is_setup_shown, missing.is_some()) && missing.is_some() {
                self.tell(Update::Setup { setup: missing });
            }
        }
        if before.revision == revision || before.status.state != state {
            self.show_tray();
        }
        // The numbers wait with the window's rows: each picture of the tray is drawn and sent to the panel.
        if before.revision != revision {
            self.note_inbox_change();
        }
    }

    /// Goes on with this engine.
    pub(crate) fn install(&mut self, engine: Engine) {
        let identity = Arc::clone(engine.identity());
        self.followed = Some(engine.snapshot());
        self.session = Session {
            generation: self.session.generation + 1,
            settings: identity.settings.clone(),
            account: Some(identity.account.clone()),
            dir: engine.dir().to_owned(),
            engine: Some(engine),
        };
        self.recovery.is_done();
        self.tray.forget_notices();
        self.inbox.close();
        self.inbox = self.inbox.for_folder(Some(self.session.dir.clone()));
        self.handle_snapshot();
        // Its revision counts from the beginning.
        self.note_inbox_change();
        self.restart_history();
    }

    /// Takes the engine, to end it.
    pub(crate) fn take_engine(&mut self) -> Option<Engine> {
        self.followed = None;
        self.drop_all_questions();
        self.session.engine.take()
    }

    fn quit(&mut self, code: u8) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(code);
        self.gui.save_window_placement();
        match self.take_engine() {
            Some(engine) => self.end(engine),
            // The engine is on its way, and is ended when it comes.
            None if self.changes.is_restarting() => {}
            None => self.exit(),
        }
    }

    /// Ends the last engine, then the program.
    pub(crate) fn end(&mut self, engine: Engine) {
        self.spawn(|reporter| async move {
            engine.end().await;
            report(&reporter, Outcome::EngineEnded);
        });
    }

    pub(crate) fn exit(&mut self) {
        self.is_over = true;
        self.gui.exit(self.ending.unwrap_or_default());
    }

    /// This program has changed the inbox beside the engine.
    pub(crate) fn handle_inbox_changed(&mut self) {
        self.note_inbox_change();
        self.command(Engine::inbox_changed);
    }

    /// The inbox has changed; the window is told soon.
    pub(crate) fn note_inbox_change(&mut self) {
        self.inbox_changes.note();
    }

    /// Sends a command to the engine, if one runs.
    pub(crate) fn command(&self, command: impl FnOnce(&Engine)) {
        if let Some(engine) = &self.session.engine {
            command(engine);
        }
    }

    /// What the tray and the window speak.
    pub(crate) fn language(&self) -> Language {
        texts::language(self.session.settings.app.language)
    }

    /// The newest state of the engine.
    pub(crate) fn snapshot(&self) -> watch::Ref<'_, Snapshot> {
        self.published.borrow()
    }

    /// The server of the engine that runs.
    pub(crate) fn server(&self) -> Result<ServerRequests, CommandError> {
        let server = self.session.engine.as_ref().map(|engine| engine.server().clone());
        server
            .ok_or_else(|| CommandError::new(CommandErrorCode::Offline, "there is no connection: set up Belfry first"))
    }

    /// How a task reports back.
    pub(crate) fn reporter(&self) -> Reporter {
        self.reporter.clone()
    }

    /// Starts a task that reports back.
    pub(crate) fn spawn<F>(&self, task: impl FnOnce(Reporter) -> F) -> tokio::task::AbortHandle
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.machine.runtime.spawn(task(self.reporter())).abort_handle()
    }
}

/// Waits for the next snapshot; false when the engine has ended.
async fn changed(followed: &mut Option<watch::Receiver<Snapshot>>) -> bool {
    match followed {
        Some(followed) => followed.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}
