//! Executes the line on a real machine: sockets, HTTP, the store's thread, the OS.
//!
//! One task owns the [`Pipeline`]; everything else answers it through channels, so nothing here waits inside an arm and a
//! sign-out works in the middle of anything. It decides nothing. It alone calls the ports.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::Client;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use crate::clock;
use crate::{
    net::{
        api::Api,
        connection::{self, Identity, Order},
        http,
        intake::Intake,
        token::Token,
    },
    runtime::{
        Snapshot,
        notifier_thread::{self, Popups},
        snapshot::Command,
        store_thread::{self, Writer},
    },
};
use belfry_core::{
    clock::SleepWatch,
    error::Failure,
    event::Event,
    pipeline::{
        Pipeline, PipelineAction, PipelineInput,
        catchup::{Page, PageRequest, PassId},
        delivery::{self, Ticket},
        group_commit::Job,
        link::{self, Generation, Refreshed},
    },
    ports::{Notifier, PopupEvent},
    status::{Connectivity, Status, StatusEvent, StatusSnapshot},
    storage::{Counts, Write},
};

/// So many uncommitted writes, and the socket is no longer read: memory stays bounded while the disk is full.
const MAX_BACKLOG: usize = 1_000;
/// How often the two clocks are compared.
const CLOCK_EVERY: Duration = Duration::from_secs(5);
/// How often "live now" is noted.
const NOTE_LIVE_EVERY: Duration = Duration::from_secs(60);
/// How long the end may take.
const END_LIMIT: Duration = Duration::from_secs(3);

type PageResult = (PassId, Result<Box<(Page, Vec<Write>)>, Failure>);

/// A running connection.
#[derive(Debug)]
struct Running {
    generation: Generation,
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) line: Pipeline,
    pub(crate) identity: Arc<Identity>,
    pub(crate) client: Result<Client, Failure>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) token: Arc<Token>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) writer: Writer,
    pub(crate) writer_reports: mpsc::UnboundedReceiver<store_thread::Report>,
    pub(crate) wishes: mpsc::UnboundedReceiver<Command>,
    pub(crate) snapshot: watch::Sender<Snapshot>,
    pub(crate) on_event: Box<dyn FnMut(Event) + Send>,
    pub(crate) offsets: HashMap<String, u64>,
    /// Where `belfryctl status` finds the state of a running engine.
    pub(crate) status_file: PathBuf,
}

/// The driver's task.
pub(crate) struct Driver {
    line: Pipeline,
    identity: Arc<Identity>,
    client: Result<Client, Failure>,
    intake: Arc<Intake>,
    token: Arc<Token>,
    writer: Writer,
    snapshot: watch::Sender<Snapshot>,
    on_event: Box<dyn FnMut(Event) + Send>,
    status_file: PathBuf,
    popups: Popups,
    running: Option<Running>,
    closing: Vec<JoinHandle<()>>,
    fetches: JoinSet<()>,
    reports: mpsc::Sender<connection::Report>,
    pages: mpsc::UnboundedSender<PageResult>,
    refreshed: mpsc::UnboundedSender<Refreshed>,
    counts: Counts,
    last_live: Option<Timestamp>,
    noted_live: Option<Instant>,
    told: Option<(Status, Option<Instant>)>,
    /// Stream offsets that are committed, and those that are on their way.
    offsets: Arc<Mutex<HashMap<String, u64>>>,
    moving: HashMap<Ticket, Vec<(String, u64)>>,
}

impl Driver {
    /// Runs until the end is wished for; resolves when everything is committed and closed.
    pub(crate) async fn run(parts: Parts) {
        let (reports, mut reported) = mpsc::channel(64);
        let (pages, mut paged) = mpsc::unbounded_channel();
        let (refreshed, mut refreshes) = mpsc::unbounded_channel();
        let (popup_reports, mut desktop) = mpsc::unbounded_channel();
        let popups = Popups::start(parts.notifier, popup_reports);
        let (mut wishes, mut written) = (parts.wishes, parts.writer_reports);
        let last_live = parts.snapshot.borrow().last_live;
        let mut driver = Self {
            line: parts.line,
            identity: parts.identity,
            client: parts.client,
            intake: parts.intake,
            token: parts.token,
            writer: parts.writer,
            snapshot: parts.snapshot,
            on_event: parts.on_event,
            status_file: parts.status_file,
            popups,
            running: None,
            closing: Vec::new(),
            fetches: JoinSet::new(),
            reports,
            pages,
            refreshed,
            counts: Counts::default(),
            last_live,
            noted_live: None,
            told: None,
            offsets: Arc::new(Mutex::new(parts.offsets)),
            moving: HashMap::new(),
        };
        let mut clocks = interval(CLOCK_EVERY);
        clocks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sleep_watch = SleepWatch::new(clock::now());
        let mut end: Option<oneshot::Sender<()>> = None;
        while end.is_none() {
            driver.execute();
            driver.publish();
            let deadline = driver.line.poll_timeout().map(Instant::from_std);
            let may_read = driver.line.backlog() < MAX_BACKLOG;
            tokio::select! {
                Some(wish) = wishes.recv() => match wish {
                    Command::Link(input) => driver.wish(input),
                    Command::End(done) => end = Some(done),
                },
                Some(report) = written.recv() => driver.handle_written(report),
                Some(report) = reported.recv(), if may_read => driver.handle_report(report),
                Some((pass, result)) = paged.recv() => driver.step(PipelineInput::Page { pass, result }),
                Some(refreshed) = refreshes.recv() => driver.step(PipelineInput::Link(link::LinkInput::Refreshed(refreshed))),
                Some(report) = desktop.recv() => driver.handle_desktop(report),
                () = wait_until(deadline) => driver.step(PipelineInput::Tick),
                _ = clocks.tick() => {
                    if sleep_watch.has_slept(clock::now()) {
                        driver.step(PipelineInput::Link(link::LinkInput::Woke));
                    }
                    driver.note_live();
                }
            }
        }
        driver.end(reported, written, desktop).await;
        if let Some(done) = end {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }

    fn step(&mut self, input: PipelineInput) {
        self.line.step(input, clock::now());
    }

    fn wish(&mut self, input: link::LinkInput) {
        if input == link::LinkInput::SignedIn {
            self.token.forget();
        }
        self.step(PipelineInput::Link(input));
    }

    fn handle_written(&mut self, report: store_thread::Report) {
        match report {
            store_thread::Report::Applied { ticket, result } => {
                if result.is_ok() {
                    let mut offsets = self.offsets.lock().unwrap_or_else(PoisonError::into_inner);
                    offsets.extend(self.moving.remove(&ticket).unwrap_or_default());
                }
                self.step(PipelineInput::Applied { ticket, result });
            }
            store_thread::Report::ChangedElsewhere(withdraw) => {
                self.step(PipelineInput::Withdraw(withdraw));
                self.snapshot.send_modify(|snapshot| snapshot.revision += 1);
            }
            store_thread::Report::SignInsChanged => {
                self.token.forget();
                self.step(PipelineInput::SecretChanged);
            }
            store_thread::Report::Counts(counts) => self.counts = counts,
        }
    }

    fn handle_report(&mut self, report: connection::Report) {
        let input = match report {
            connection::Report::Opened(generation) => PipelineInput::Link(link::LinkInput::Opened(generation)),
            connection::Report::Established(generation) => {
                PipelineInput::Link(link::LinkInput::Established(generation))
            }
            connection::Report::Message(message) => PipelineInput::Message(message),
            connection::Report::Lost(generation, failure) => {
                PipelineInput::Link(link::LinkInput::Lost(generation, failure))
            }
        };
        self.step(input);
    }

    fn handle_desktop(&mut self, report: notifier_thread::Report) {
        match report {
            notifier_thread::Report::Shown(show, result) => self.step(PipelineInput::Shown { show, result }),
            notifier_thread::Report::Event(PopupEvent::Activated { id, action, activation_token }) => {
                let notices = self.line.notices_of(&id).unwrap_or_default().to_vec();
                (self.on_event)(Event::Activated { notices, action, activation_token });
            }
            notifier_thread::Report::Event(PopupEvent::Closed { id }) => {
                self.step(PipelineInput::PopupClosed(id.clone()));
                self.popups.handle_closed(id);
            }
        }
    }

    fn execute(&mut self) {
        while let Some(action) = self.line.poll_action() {
            match action {
                PipelineAction::Link(action) => self.execute_link(action),
                PipelineAction::Fetch { pass, request } => self.fetch(pass, request),
                PipelineAction::Delivery(action) => self.deliver(action),
            }
        }
    }

    fn deliver(&mut self, action: delivery::DeliveryAction) {
        match action {
            delivery::DeliveryAction::Apply { ticket, writes } => {
                let offsets: Vec<(String, u64)> = writes
                    .iter()
                    .filter_map(|write| match write {
                        Write::StreamOffset { stream, offset } => Some((stream.clone(), *offset)),
                        _ => None,
                    })
                    .collect();
                if !offsets.is_empty() {
                    self.moving.insert(ticket, offsets);
                }
                self.writer.apply(Job { ticket, writes });
            }
            delivery::DeliveryAction::Ack(ack) => self.order(ack.generation, Order::Ack(ack.number)),
            delivery::DeliveryAction::Show { show, popup } => self.popups.show(show, popup),
            delivery::DeliveryAction::Retract(popup) => self.popups.retract(popup),
            delivery::DeliveryAction::Emit(event) => (self.on_event)(event),
        }
    }

    fn execute_link(&mut self, action: link::LinkAction) {
        match action {
            link::LinkAction::Open { generation, endpoint } => self.open(generation, endpoint),
            link::LinkAction::Close { generation, polite } => {
                if let Some(running) = self.running.take_if(|running| running.generation == generation) {
                    // If it has ended meanwhile there is nothing to close.
                    let _ = running.orders.send(Order::Close { polite });
                    self.closing.retain(|task| !task.is_finished());
                    self.closing.push(running.task);
                }
            }
            link::LinkAction::Probe(generation) => self.order(generation, Order::Probe),
            link::LinkAction::Refresh => {
                let (token, refreshed) = (Arc::clone(&self.token), self.refreshed.clone());
                tokio::spawn(async move {
                    // The driver may have ended meanwhile.
                    let _ = refreshed.send(token.refresh().await);
                });
            }
        }
    }

    fn open(&mut self, generation: Generation, endpoint: usize) {
        let (orders, mut received) = mpsc::unbounded_channel();
        let opening = connection::Opening {
            identity: Arc::clone(&self.identity),
            intake: Arc::clone(&self.intake),
            endpoint: self.identity.settings.server.endpoints.get(endpoint).cloned(),
            generation,
            offsets: self.offsets.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        let (client, token, reports) = (self.client.clone(), Arc::clone(&self.token), self.reports.clone());
        let task = tokio::spawn(async move {
            let ready = async { Ok((client?, token.get().await?)) };
            let ready = tokio::select! {
                ready = ready => ready,
                () = connection::closed(&mut received) => return,
            };
            match ready {
                Ok((client, token)) => connection::run(client, token, opening, received, reports).await,
                // The driver may have ended meanwhile.
                Err(failure) => drop(reports.send(connection::Report::Lost(generation, failure)).await),
            }
        });
        self.running = Some(Running { generation, orders, task });
    }

    fn order(&mut self, generation: Generation, order: Order) {
        if let Some(running) = self.running.as_ref().filter(|running| running.generation == generation) {
            // A connection that has ended takes no orders; its messages will come again.
            let _ = running.orders.send(order);
        }
    }

    fn fetch(&mut self, pass: PassId, request: PageRequest) {
        let (client, token, pages) = (self.client.clone(), Arc::clone(&self.token), self.pages.clone());
        let (identity, intake) = (Arc::clone(&self.identity), Arc::clone(&self.intake));
        while self.fetches.try_join_next().is_some() {}
        self.fetches.spawn(async move {
            let asked = async { Api::new(client?, identity, intake).page(&token.get().await?, &request).await };
            // The driver may have ended meanwhile.
            let _ = pages.send((pass, asked.await.map(Box::new)));
        });
    }

    /// Tells the state when it has changed: as an event, to those who watch, and to `belfryctl status`.
    fn publish(&mut self) {
        let now = clock::now();
        let status = self.line.status(now);
        let until = self.line.next_attempt().map(Instant::from_std);
        let is_same = self.told.as_ref().is_some_and(|(told, told_until)| {
            Status { retry_in: None, ..told.clone() } == Status { retry_in: None, ..status.clone() }
                && *told_until == until
        });
        if status.state == Connectivity::Live && self.last_live.is_none_or(|last| last < now.wall) {
            self.last_live = Some(now.wall);
        }
        if !is_same {
            let event = StatusEvent {
                state: status.state,
                endpoint: self.endpoint_text(status.endpoint),
                reason: status.reason(),
                remedy: status.remedy().to_owned(),
                retry_in_ms: status.retry_in.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
                since: status.since,
            };
            let noted = StatusSnapshot { status: event, kind: status.cause.as_ref().map(|why| why.kind) };
            self.write_status_file(&noted);
            (self.on_event)(Event::Status(noted.status));
            self.told = Some((status.clone(), until));
            self.noted_live = None;
            self.note_live();
        }
        let (counts, complete_through, last_live) = (self.counts, self.line.complete_through(), self.last_live);
        self.snapshot.send_if_modified(|snapshot| {
            let next = Snapshot {
                status: status.clone(),
                retry_at: until.map(|until| now.wall + until.saturating_duration_since(Instant::from_std(now.mono))),
                counts,
                complete_through,
                last_live,
                revision: snapshot.revision,
            };
            let is_new =
                !is_same || snapshot.counts != next.counts || snapshot.complete_through != next.complete_through;
            *snapshot = next;
            is_new
        });
    }

    /// Host, port and path of an endpoint; a path may hold a token only where the settings put it there, as a template.
    fn endpoint_text(&self, endpoint: usize) -> String {
        let url = self.identity.settings.server.endpoints.get(endpoint);
        url.map(|url| format!("{}://{}{}", url.scheme(), http::host_of(url), url.path())).unwrap_or_default()
    }

    fn write_status_file(&self, noted: &StatusSnapshot) {
        let result = serde_json::to_vec(noted).map_err(std::io::Error::other).and_then(|text| {
            let beside = self.status_file.with_extension("new");
            std::fs::write(&beside, text)?;
            std::fs::rename(beside, &self.status_file)
        });
        if let Err(error) = result {
            tracing::warn!(%error, "the state could not be noted for belfryctl status");
        }
    }

    /// Notes in the store that the session was live, now and then.
    fn note_live(&mut self) {
        let is_due = self.noted_live.is_none_or(|noted| noted.elapsed() >= NOTE_LIVE_EVERY);
        if let (true, Some(last_live)) = (is_due, self.last_live) {
            self.noted_live = Some(Instant::now());
            self.writer.apply(Job { ticket: Ticket(0), writes: Arc::new(vec![Write::LastLive(last_live)]) });
        }
    }

    /// Ends the session, then commits what was received and what became of popups; what was only under way comes again.
    async fn end(
        mut self,
        mut reported: mpsc::Receiver<connection::Report>,
        mut written: mpsc::UnboundedReceiver<store_thread::Report>,
        mut desktop: mpsc::UnboundedReceiver<notifier_thread::Report>,
    ) {
        self.step(PipelineInput::Link(link::LinkInput::Disconnect));
        self.execute();
        self.publish();
        self.fetches.abort_all();
        let mut closing = std::pin::pin!(join_all(std::mem::take(&mut self.closing)));
        let mut is_closed = false;
        let finish = async {
            while !is_closed || self.line.backlog() > 0 || self.line.is_showing() || !reported.is_empty() {
                tokio::select! {
                    () = &mut closing, if !is_closed => is_closed = true,
                    Some(report) = reported.recv() => self.handle_report(report),
                    Some(report) = written.recv() => self.handle_written(report),
                    Some(report) = desktop.recv() => self.handle_desktop(report),
                }
                self.execute();
            }
        };
        if timeout(END_LIMIT, finish).await.is_err() {
            tracing::warn!("the end took too long; what is missing will come again from the server");
        }
        let writer = self.writer;
        if let Err(error) = tokio::task::spawn_blocking(move || writer.finish()).await {
            tracing::error!(%error, "the writer ended badly");
        }
    }
}

async fn join_all(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!(%error, "a connection ended badly");
        }
    }
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
