//! Executes the pipeline on a real machine: sockets, HTTP, the store's thread, the OS.
//!
//! One task owns the pipeline; everything else answers it through channels, so no arm of its loop
//! waits and a sign-out works at any moment. Only the driver calls the ports. Deliberately absent:
//! decisions.

mod publish;

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use crate::clock::{self, wait_until};
use crate::{
    net::{
        api::{Api, PagePiece},
        connection::{self, ConnectionCommand, ConnectionReport},
        http::Client,
        identity::Identity,
        intake::Intake,
        requests::{RefusedRequests, ServerRequests},
        token::Token,
    },
    runtime::{
        Snapshot,
        notifier_thread::{NotifierReport, NotifierThread},
        panic_guard::PanicGuard,
        sleep_thread::SleepThread,
        snapshot::Command,
        store_thread::{StoreReport, StoreThread},
    },
};
use belfry_core::{
    error::Failure,
    event::Event,
    notice::NoticeKey,
    pipeline::{
        Pipeline, PipelineAction, PipelineInput,
        catchup::{PageRequest, PassId},
        delivery::{self, Click},
        group_commit::Job,
        link::{self, Generation},
    },
    ports::{Notifier, PopupEvent},
    status::Status,
    storage::Counts,
};

/// With this many bytes of uncommitted writes the socket is no longer read: memory stays bounded
/// while the disk is full.
const MAX_BACKLOG_BYTES: usize = 64 << 20;
/// How often the store records that the session is live.
const RECORD_LIVE_INTERVAL: Duration = Duration::from_secs(60);
/// How long [`Driver::end`] may take.
const END_TIMEOUT: Duration = Duration::from_secs(3);

/// A running connection.
#[derive(Debug)]
struct RunningConnection {
    generation: Generation,
    commands: mpsc::UnboundedSender<ConnectionCommand>,
    task: JoinHandle<()>,
}

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) pipeline: Pipeline,
    pub(crate) identity: Arc<Identity>,
    pub(crate) client: Result<Client, Failure>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) token: Arc<Token>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) store_thread: StoreThread,
    pub(crate) store_reports: mpsc::UnboundedReceiver<StoreReport>,
    /// For tasks and threads, and what they report.
    pub(crate) guard: PanicGuard,
    pub(crate) panics: mpsc::UnboundedReceiver<()>,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) snapshot: watch::Sender<Snapshot>,
    pub(crate) on_event: Box<dyn FnMut(Event) + Send>,
    /// Where `belfryctl status` finds the state of a running engine.
    pub(crate) status_file: PathBuf,
    /// Requests beside the session, and which of them the server has refused.
    pub(crate) server: ServerRequests,
}

/// The driver's task.
pub(crate) struct Driver {
    pipeline: Pipeline,
    identity: Arc<Identity>,
    client: Result<Client, Failure>,
    intake: Arc<Intake>,
    token: Arc<Token>,
    store_thread: StoreThread,
    snapshot: watch::Sender<Snapshot>,
    on_event: Box<dyn FnMut(Event) + Send>,
    status_file: PathBuf,
    server: ServerRequests,
    notifier: NotifierThread,
    guard: PanicGuard,
    /// The current connection, and beside it one that replaces it or that it has replaced.
    running: Vec<RunningConnection>,
    closing: Vec<JoinHandle<()>>,
    fetches: JoinSet<()>,
    reports: mpsc::Sender<ConnectionReport>,
    pages: mpsc::Sender<PipelineInput>,
    tokens: mpsc::UnboundedSender<link::LinkInput>,
    deleted: mpsc::UnboundedSender<PipelineInput>,
    counts: Counts,
    last_live: Option<Timestamp>,
    published: Option<(Status, Option<Instant>)>,
}

impl Driver {
    /// Runs until [`Command::End`], or until one of its tasks or threads panics; resolves when
    /// everything is committed and closed.
    pub(crate) async fn run(parts: Parts) {
        let (reports, mut reported) = mpsc::channel(64);
        let (pages, mut paged) = mpsc::channel(1);
        let (tokens, mut token_reports) = mpsc::unbounded_channel();
        let (deleted, mut server_deleted) = mpsc::unbounded_channel();
        let (notifier_reports, mut notified) = mpsc::unbounded_channel();
        let (sleeps, mut slept) = mpsc::unbounded_channel();
        let notifier = NotifierThread::start(parts.notifier, notifier_reports, parts.guard.clone());
        let _sleep_thread = SleepThread::start(sleeps, parts.guard.clone());
        let (mut commands, mut stored, mut panics) = (parts.commands, parts.store_reports, parts.panics);
        let last_live = parts.snapshot.borrow().last_live;
        let mut driver = Self {
            pipeline: parts.pipeline,
            identity: parts.identity,
            client: parts.client,
            intake: parts.intake,
            token: parts.token,
            store_thread: parts.store_thread,
            snapshot: parts.snapshot,
            on_event: parts.on_event,
            status_file: parts.status_file,
            server: parts.server,
            notifier,
            guard: parts.guard,
            running: Vec::new(),
            closing: Vec::new(),
            fetches: JoinSet::new(),
            reports,
            pages,
            tokens,
            deleted,
            counts: Counts::default(),
            last_live,
            published: None,
        };
        let mut live_records = interval(RECORD_LIVE_INTERVAL);
        live_records.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut refusals = driver.server.refused.subscribe();
        let mut end: Option<oneshot::Sender<()>> = None;
        while end.is_none() {
            driver.execute();
            driver.publish();
            let deadline = driver.pipeline.poll_timeout().map(Instant::from_std);
            // The rows of a page wait for those before them, so that it costs the memory of a piece.
            let may_take_rows = !driver.pipeline.is_writing_rows();
            let may_read = driver.pipeline.backlog_bytes() < MAX_BACKLOG_BYTES;
            tokio::select! {
                Some(()) = panics.recv() => {
                    tracing::error!("a part of the engine has panicked; the engine ends");
                    break;
                }
                Some(command) = commands.recv() => match command {
                    Command::Link(input) => driver.handle_command(input),
                    Command::Pause(pause) => driver.step(PipelineInput::Pause(pause)),
                    Command::InboxChanged => driver.store_thread.check_for_changes(),
                    Command::End(done) => end = Some(done),
                },
                Some(report) = stored.recv() => driver.handle_store_report(report),
                Some(report) = reported.recv(), if may_read => driver.handle_connection_report(report),
                Some(input) = paged.recv(), if may_take_rows => driver.step(input),
                Some(input) = server_deleted.recv() => driver.step(input),
                Some(report) = token_reports.recv() => driver.step(PipelineInput::Link(report)),
                Some(report) = notified.recv() => driver.handle_notifier_report(report),
                // It is published above.
                Ok(()) = refusals.changed() => {}
                () = wait_until(deadline) => driver.step(PipelineInput::Tick),
                Some(()) = slept.recv() => driver.step(PipelineInput::Link(link::LinkInput::Woke)),
                _ = live_records.tick() => driver.record_live(),
            }
        }
        driver.end(reported, stored, notified).await;
        if let Some(done) = end {
            // The caller may no longer wait for it.
            let _ = done.send(());
        }
    }

    fn step(&mut self, input: PipelineInput) {
        self.pipeline.step(input, clock::now());
    }

    fn handle_command(&mut self, input: link::LinkInput) {
        if input == link::LinkInput::SignedIn {
            self.token.forget();
        }
        self.step(PipelineInput::Link(input));
    }

    fn handle_store_report(&mut self, report: StoreReport) {
        match report {
            StoreReport::Applied { ticket, result } => {
                self.step(PipelineInput::Applied { ticket, result });
            }
            StoreReport::ChangedElsewhere { withdraw, server_deletions } => {
                self.step(PipelineInput::Withdraw(withdraw));
                self.step(PipelineInput::ServerDeletions(server_deletions));
                self.handle_notices_changed();
            }
            StoreReport::NoticesChanged => self.handle_notices_changed(),
            StoreReport::SignInsChanged => {
                self.token.forget();
                self.step(PipelineInput::SecretChanged);
            }
            StoreReport::Counts(counts) => self.counts = counts,
        }
    }

    fn handle_notices_changed(&mut self) {
        let counts = self.counts;
        self.snapshot.send_modify(|snapshot| {
            snapshot.revision += 1;
            snapshot.counts = counts;
        });
    }

    fn handle_connection_report(&mut self, report: ConnectionReport) {
        let input = match report {
            ConnectionReport::Opened(generation) => PipelineInput::Link(link::LinkInput::Opened(generation)),
            ConnectionReport::Established(generation) => {
                self.server.refused.send_replace(RefusedRequests::default());
                PipelineInput::Link(link::LinkInput::Established(generation))
            }
            ConnectionReport::Message(message, _) => PipelineInput::Message(message),
            ConnectionReport::Lost(generation, failure) => {
                self.running.retain(|running| running.generation != generation);
                PipelineInput::Link(link::LinkInput::Lost(generation, failure))
            }
        };
        self.step(input);
    }

    fn handle_notifier_report(&mut self, report: NotifierReport) {
        match report {
            NotifierReport::Shown(show, result, is_silenced) => {
                if let Err(error) = &result {
                    tracing::warn!(%error, "a notification was not shown");
                }
                self.step(PipelineInput::Shown { show, result, is_silenced });
            }
            NotifierReport::Event(PopupEvent::Activated { id, action, activation_token }) => {
                self.step(PipelineInput::Activated(Click { popup: id, action, activation_token }));
            }
            NotifierReport::Event(PopupEvent::ServiceStarted) => self.step(PipelineInput::ServiceStarted),
            NotifierReport::Event(PopupEvent::Closed { id }) => {
                self.step(PipelineInput::PopupClosed(id.clone()));
                self.notifier.handle_closed(id);
            }
        }
    }

    fn execute(&mut self) {
        while let Some(action) = self.pipeline.poll_action() {
            match action {
                PipelineAction::Link(action) => self.execute_link(action),
                PipelineAction::Fetch { pass, request } => self.fetch(pass, request),
                PipelineAction::DeleteOnServer(key) => self.delete_on_server(key),
                PipelineAction::Delivery(action) => self.deliver(action),
            }
        }
    }

    fn deliver(&mut self, action: delivery::DeliveryAction) {
        match action {
            delivery::DeliveryAction::Apply { ticket, writes } => {
                self.store_thread.apply(Job { ticket, writes });
            }
            delivery::DeliveryAction::Ack(ack) => self.command(ack.generation, ConnectionCommand::Ack(ack.number)),
            delivery::DeliveryAction::Show { show, popup } => self.notifier.show(show, popup),
            delivery::DeliveryAction::Retract(popup) => self.notifier.retract(popup),
            delivery::DeliveryAction::Emit(event) => (self.on_event)(event),
        }
    }

    fn execute_link(&mut self, action: link::LinkAction) {
        match action {
            link::LinkAction::Open { generation, endpoint } => self.open(generation, endpoint),
            link::LinkAction::Close { generation, polite } => {
                if let Some(index) = self.running.iter().position(|running| running.generation == generation) {
                    let running = self.running.swap_remove(index);
                    // If it has already ended there is nothing to close.
                    let _ = running.commands.send(ConnectionCommand::Close { polite });
                    self.closing.retain(|task| !task.is_finished());
                    self.closing.push(running.task);
                }
            }
            link::LinkAction::Probe(generation) => self.command(generation, ConnectionCommand::Probe),
            link::LinkAction::Refresh => {
                let (token, tokens, guard) = (Arc::clone(&self.token), self.tokens.clone(), self.guard.clone());
                tokio::spawn(async move {
                    let _guard = guard;
                    // The driver may have ended meanwhile.
                    let _ = tokens.send(link::LinkInput::Refreshed(token.refresh().await));
                });
            }
            link::LinkAction::Renew => {
                let (token, tokens, guard) = (Arc::clone(&self.token), self.tokens.clone(), self.guard.clone());
                tokio::spawn(async move {
                    let _guard = guard;
                    // The driver may have ended meanwhile.
                    let _ = tokens.send(link::LinkInput::Renewed(token.renew().await));
                });
            }
        }
    }

    fn open(&mut self, generation: Generation, endpoint: usize) {
        let (commands, mut received) = mpsc::unbounded_channel();
        let opening = connection::Opening {
            identity: Arc::clone(&self.identity),
            intake: Arc::clone(&self.intake),
            endpoint: self.identity.settings.server.endpoints.get(endpoint).cloned(),
            generation,
            offsets: self.pipeline.stream_offsets().clone(),
        };
        let (client, token, reports) = (self.client.clone(), Arc::clone(&self.token), self.reports.clone());
        let (tokens, guard) = (self.tokens.clone(), self.guard.clone());
        let task = tokio::spawn(async move {
            let _guard = guard;
            let ready = async { Ok((client?, token.issued().await?)) };
            let ready = tokio::select! {
                ready = ready => ready,
                () = connection::closed(&mut received) => return,
            };
            match ready {
                Ok((client, issued)) => {
                    // The driver may have ended meanwhile.
                    let _ = tokens.send(link::LinkInput::Token(generation, issued.life));
                    connection::run(client, issued.token, opening, received, reports).await;
                }
                // The driver may have ended meanwhile.
                Err(failure) => drop(reports.send(ConnectionReport::Lost(generation, failure)).await),
            }
        });
        self.running.push(RunningConnection { generation, commands, task });
    }

    fn command(&mut self, generation: Generation, command: ConnectionCommand) {
        if let Some(running) = self.running.iter().find(|running| running.generation == generation) {
            // A connection that has ended takes no commands. The server will send its
            // unacknowledged messages again.
            let _ = running.commands.send(command);
        }
    }

    fn fetch(&mut self, pass: PassId, request: PageRequest) {
        let (client, token, pages) = (self.client.clone(), Arc::clone(&self.token), self.pages.clone());
        let (identity, intake) = (Arc::clone(&self.identity), Arc::clone(&self.intake));
        while self.fetches.try_join_next().is_some() {}
        let guard = self.guard.clone();
        self.fetches.spawn(async move {
            let _guard = guard;
            let asked = async { Api::new(client?, identity, intake).page(&token.get().await?, &request).await };
            let mut answer = match asked.await {
                Ok(answer) => answer,
                // The driver may have ended meanwhile.
                Err(failure) => {
                    return drop(pages.send(PipelineInput::Page { pass, result: Err(failure) }).await);
                }
            };
            loop {
                let (input, is_last) = match answer.next_piece() {
                    PagePiece::Rows(notices, rejected) => (PipelineInput::Rows { pass, notices, rejected }, false),
                    PagePiece::Last(page, rejected) => {
                        (PipelineInput::Page { pass, result: Ok(Box::new((page, rejected))) }, true)
                    }
                };
                if pages.send(input).await.is_err() || is_last {
                    return;
                }
            }
        });
    }

    fn delete_on_server(&mut self, key: NoticeKey) {
        let (server, deleted, guard) = (self.server.clone(), self.deleted.clone(), self.guard.clone());
        self.fetches.spawn(async move {
            let _guard = guard;
            // A record that the server does not have needs no deletion.
            let result = server.delete(&key.id).await.map(|_had_record| ());
            // The driver may have ended meanwhile.
            let _ = deleted.send(PipelineInput::ServerDeleted { key, result });
        });
    }

    /// Ends the session, then commits what was received and the outcomes of popups. What had not
    /// arrived yet comes again from the server.
    async fn end(
        mut self,
        mut reported: mpsc::Receiver<ConnectionReport>,
        mut stored: mpsc::UnboundedReceiver<StoreReport>,
        mut notified: mpsc::UnboundedReceiver<NotifierReport>,
    ) {
        self.step(PipelineInput::Link(link::LinkInput::Disconnect));
        self.execute();
        self.publish();
        self.fetches.abort_all();
        let mut closing = std::pin::pin!(join_all(std::mem::take(&mut self.closing)));
        let mut is_closed = false;
        let finish = async {
            while !is_closed || self.pipeline.backlog() > 0 || self.pipeline.is_showing() || !reported.is_empty() {
                tokio::select! {
                    () = &mut closing, if !is_closed => is_closed = true,
                    Some(report) = reported.recv() => self.handle_connection_report(report),
                    Some(report) = stored.recv() => self.handle_store_report(report),
                    Some(report) = notified.recv() => self.handle_notifier_report(report),
                }
                self.execute();
            }
        };
        if timeout(END_TIMEOUT, finish).await.is_err() {
            tracing::warn!("the end took too long; what is not committed will come again from the server");
        }
        let store_thread = self.store_thread;
        if let Err(error) = tokio::task::spawn_blocking(move || store_thread.finish()).await {
            tracing::error!(%error, "the store thread ended in a panic");
        }
    }
}

async fn join_all(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!(%error, "a connection task ended in a panic");
        }
    }
}
