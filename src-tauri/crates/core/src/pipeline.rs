//! The pipeline from server to notice: link, catch-up and delivery joined, still without any I/O.
//!
//! [`Pipeline::step`] takes what happened and the time and says what to do. The driver does it with
//! sockets, SQLite and the OS; the simulation does it in a simulated world with the same code.
//! Invariants: subscribe, then catch up; commit, then acknowledge; claim, then show.

pub mod acks;
mod alerting;
pub mod backoff;
pub mod catchup;
pub mod delivery;
pub mod group_commit;
pub mod link;
mod passes;
pub mod popup_queue;
mod server_deletions;
mod shown_state;

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rand::{SeedableRng, rngs::SmallRng};

pub use self::alerting::notice_writes;
pub use self::passes::{SECOND_PASS_DELAY, STRAY_REQUEST_LIFETIME};
use self::{
    passes::{ApiState, HistoryState, PassPurpose, RunningPass},
    server_deletions::ServerDeletions,
};
use crate::{
    alerts::{Wording, hold::Pause},
    clock::Now,
    error::Failure,
    notice::{Notice, NoticeKey, NoticeKeys, Source},
    pipeline::{
        catchup::{Page, PageRequest, Pass, PassId},
        delivery::{AckId, Click, Delivery, DeliveryAction, Received, ShowId, Ticket},
        link::{Link, LinkAction, LinkInput, LinkState},
    },
    ports::{NotifyError, PopupId},
    settings::{NotificationSettings, Protocol, Settings},
    storage::{Applied, Recovered, Write},
    texts::Language,
};

/// The settings that the pipeline needs.
#[derive(Debug, Clone)]
pub struct PipelineConfig {
    /// How many endpoints there are.
    pub endpoints: usize,
    /// `server.protocol`.
    pub protocol: Protocol,
    /// `server.reconnect_spread`.
    pub reconnect_spread: Duration,
    /// Whether a session with a new token overlaps with the one that it replaces.
    pub overlap: bool,
    /// `server.poll_every`; zero: never.
    pub poll_every: Duration,
    /// Whether there is an API to collect from.
    pub collect: bool,
    /// Whether it has a history.
    pub history: bool,
    /// `api.wait`: how long the server may hold a collect; zero: not at all.
    pub wait: Duration,
    /// `api.reconcile_every`; zero: never.
    pub reconcile_every: Duration,
    /// Whether the API deletes records, and a person may ask for it.
    pub server_deletions: bool,
    /// `inbox.retention_days`.
    pub retention: SignedDuration,
    /// `[notifications]`.
    pub notifications: NotificationSettings,
    /// The machine's time zone.
    pub time_zone: TimeZone,
    /// How popups are worded.
    pub wording: Wording,
    /// How many notices are announced; `None`: all.
    pub to_announce: Option<u64>,
}

impl PipelineConfig {
    /// Takes what the pipeline needs from the settings.
    pub fn new(settings: &Settings, language: Language, time_zone: TimeZone) -> Self {
        let collect = settings.api.base.is_some() && !settings.api.collect.is_empty();
        let has_delete = settings.api.base.is_some() && !settings.api.delete.is_empty();
        Self {
            endpoints: settings.server.endpoints.len(),
            protocol: settings.server.protocol,
            reconnect_spread: settings.server.reconnect_spread,
            overlap: settings.server.is_transient(),
            poll_every: settings.server.poll_every,
            collect,
            history: collect && !settings.api.history.is_empty(),
            wait: settings.api.wait,
            reconcile_every: settings.api.reconcile_every,
            server_deletions: settings.inbox.delete_on_server && has_delete,
            retention: settings.inbox.retention(),
            wording: Wording::new(language, settings.notifications.clone())
                .with_kinds(settings.message.kinds.clone())
                .with_buttons(settings.clone()),
            notifications: settings.notifications.clone(),
            time_zone,
            to_announce: None,
        }
    }
}

/// A message of the session, mapped to notices.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Its notices; several if it was an array.
    pub notices: Vec<Notice>,
    /// The parts of it that cannot be used, as [`Write::Rejected`].
    pub rejected: Vec<Write>,
    /// What to acknowledge.
    pub ack: Option<AckId>,
    /// The stream that delivered it, and its offset there.
    pub offset: Option<(String, u64)>,
}

impl Message {
    /// About how much memory it takes, in bytes.
    pub fn size(&self) -> usize {
        let notices: usize = self.notices.iter().map(Notice::size).sum();
        notices + self.rejected.iter().map(Write::size).sum::<usize>()
    }
}

/// Something that happened.
#[derive(Debug)]
pub enum PipelineInput {
    /// What the last run left in the store. Comes first.
    Recovered(Box<Recovered>),
    /// To the link: a command of a person, a change on the machine, or the state of the connection.
    Link(LinkInput),
    /// A message of the session.
    Message(Box<Message>),
    /// The page that this pass requested, or why it failed; its rejected rows as
    /// [`Write::Rejected`]. To be given only while [`Pipeline::is_writing_rows`] is false.
    Page {
        /// The pass.
        pass: PassId,
        /// The page and its unusable rows.
        result: Result<Box<(Page, Vec<Write>)>, Failure>,
    },
    /// Rows of the page that this pass requested, of which others follow; its last piece comes as
    /// [`Self::Page`]. To be given only while [`Pipeline::is_writing_rows`] is false.
    Rows {
        /// The pass.
        pass: PassId,
        /// The rows, mapped to notices.
        notices: Vec<Notice>,
        /// The unusable rows, as [`Write::Rejected`].
        rejected: Vec<Write>,
    },
    /// A write is committed or has failed.
    Applied {
        /// Which one.
        ticket: Ticket,
        /// The result.
        result: Result<Applied, String>,
    },
    /// A popup was shown or refused.
    Shown {
        /// Which one.
        show: ShowId,
        /// The result.
        result: Result<PopupId, NotifyError>,
        /// The system does not disturb the person now.
        is_silenced: bool,
    },
    /// A person clicked a popup, or one of its buttons.
    Activated(Click),
    /// A popup left the screen.
    PopupClosed(PopupId),
    /// A notification service has started.
    ServiceStarted,
    /// Another process changed the inbox: no notice of these popups is unread and open any more.
    Withdraw(Vec<PopupId>),
    /// A person pauses notifications, or ends the pause.
    Pause(Option<Pause>),
    /// What a person has asked the server to delete, and when, as the store has it now, oldest first.
    ServerDeletions(Vec<(NoticeKey, Timestamp)>),
    /// The server has deleted this record or has none, or could not be asked.
    ServerDeleted {
        /// Which.
        key: NoticeKey,
        /// The result.
        result: Result<(), Failure>,
    },
    /// Another program has changed or removed the account's secret.
    SecretChanged,
    /// Time has passed.
    Tick,
}

/// Something to do.
#[derive(Debug)]
pub enum PipelineAction {
    /// To the connection or the credentials.
    Link(LinkAction),
    /// Ask for a page, then [`PipelineInput::Page`]; also while an earlier request of another pass is
    /// still running.
    Fetch {
        /// The pass.
        pass: PassId,
        /// What to ask for.
        request: PageRequest,
    },
    /// Delete the server's record of this message, then [`PipelineInput::ServerDeleted`].
    DeleteOnServer(NoticeKey),
    /// From delivery: commit, acknowledge, show, emit an event.
    Delivery(DeliveryAction),
}

/// The pipeline of one account.
#[derive(Debug)]
pub struct Pipeline {
    config: PipelineConfig,
    link: Link,
    delivery: Delivery,
    running: Option<RunningPass>,
    /// Passes that were abandoned while they waited for a page.
    abandoned: Vec<Pass>,
    next_pass: Option<(Instant, PassPurpose)>,
    passes: u64,
    /// How many live messages have arrived.
    messages: u64,
    api: ApiState,
    history: HistoryState,
    server_deletions: ServerDeletions,
    cursor: Option<String>,
    complete_through: Option<Timestamp>,
    /// The newest `sent_at` in the last complete pass that read the history.
    newest_sent: Option<Timestamp>,
    /// Until when a person has paused notifications.
    paused_until: Option<Timestamp>,
    /// When to look again whether notifications are held back.
    hold_check: Option<Instant>,
    rng: SmallRng,
    actions: VecDeque<PipelineAction>,
}

impl Pipeline {
    /// A pipeline that is off. `cursor` and `complete_through` as stored; `seed` is for the random
    /// waits.
    pub fn new(
        config: PipelineConfig,
        cursor: Option<String>,
        complete_through: Option<Timestamp>,
        seed: u64,
        now: Now,
    ) -> Self {
        Self {
            link: Link::new(config.endpoints, config.reconnect_spread, now).speaking(config.protocol, config.overlap),
            delivery: Delivery::new(config.wording.clone(), config.notifications.burst, config.to_announce),
            running: None,
            abandoned: Vec::new(),
            next_pass: None,
            passes: 0,
            messages: 0,
            api: ApiState::default(),
            // An earlier run may have sent a request just before it ended.
            history: HistoryState::due_until(now.mono + STRAY_REQUEST_LIFETIME + config.wait),
            server_deletions: ServerDeletions::default(),
            cursor,
            complete_through,
            newest_sent: None,
            paused_until: None,
            hold_check: None,
            rng: SmallRng::seed_from_u64(seed),
            actions: VecDeque::new(),
            config,
        }
    }

    /// Takes what happened; [`Self::poll_action`] says what to do.
    pub fn step(&mut self, input: PipelineInput, now: Now) {
        match input {
            PipelineInput::Recovered(mut recovered) => {
                self.server_deletions.handle_stored(std::mem::take(&mut recovered.server_deletions));
                self.paused_until = recovered.paused_until;
                self.delivery.handle_recovered(*recovered, now);
            }
            PipelineInput::Link(input) => self.handle_link(input, now),
            PipelineInput::Message(message) => self.handle_message(*message, now),
            PipelineInput::Page { pass, result } => self.handle_page(pass, result, now),
            PipelineInput::Rows { pass, notices, rejected } => self.handle_rows(pass, notices, rejected, now),
            PipelineInput::Applied { ticket, result } => {
                let hold_live = *self.link.state() == LinkState::CatchingUp;
                if let Some(page) = self.delivery.handle_applied(ticket, result, hold_live, now) {
                    self.drain_delivery();
                    self.handle_page_committed(page, now);
                }
            }
            PipelineInput::Shown { show, result, is_silenced } => {
                self.delivery.handle_shown(show, result, is_silenced, now)
            }
            PipelineInput::Activated(click) => self.delivery.handle_activated(click),
            PipelineInput::PopupClosed(popup) => self.delivery.handle_closed(popup),
            PipelineInput::ServiceStarted => self.delivery.handle_service_started(),
            PipelineInput::Withdraw(popups) => self.delivery.withdraw(popups),
            // Treated like a sign-in on this computer; without a secret the link then stops and
            // asks for one.
            PipelineInput::SecretChanged if *self.link.state() == LinkState::Off => {}
            PipelineInput::SecretChanged => self.handle_link(LinkInput::SignedIn, now),
            PipelineInput::Pause(pause) => {
                self.paused_until = pause.map(|pause| pause.end(now.wall, &self.config.time_zone));
                self.delivery.pause_until(self.paused_until);
            }
            PipelineInput::ServerDeletions(stored) => self.server_deletions.handle_stored(stored),
            PipelineInput::ServerDeleted { key, result } => self.handle_server_deleted(key, result, now),
            PipelineInput::Tick => {
                self.handle_link(LinkInput::Tick, now);
                self.delivery.handle_tick(now);
                self.tick_passes(now);
            }
        }
        self.check_hold(now);
        self.poll_server_deletions(now);
        if !self.awaits_rows() {
            self.delivery.mark_announced();
        }
        self.drain_delivery();
    }

    /// The next thing to do.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<PipelineAction> {
        self.actions.pop_front()
    }

    /// When [`PipelineInput::Tick`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next_pass = self.next_pass.map(|(due, _)| due);
        let (link, delivery) = (self.link.poll_timeout(), self.delivery.poll_timeout());
        let deletion = self.server_deletion_retry();
        [link, delivery, next_pass, self.api.retry, self.hold_check, deletion].into_iter().flatten().min()
    }

    /// The link, to read its state.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// No message that was sent before this time is missing.
    pub fn complete_through(&self) -> Option<Timestamp> {
        self.complete_through
    }

    /// Until when notifications are paused; `None` if they are not.
    pub fn paused_until(&self) -> Option<Timestamp> {
        self.paused_until
    }

    /// Whether rows of a page are not committed yet: the next ones have to wait, so that a page
    /// costs the memory of a piece.
    pub fn is_writing_rows(&self) -> bool {
        self.delivery.is_writing_rows()
    }

    /// How many writes are not committed yet.
    pub fn backlog(&self) -> usize {
        self.delivery.backlog()
    }

    /// About how many bytes of memory these writes take.
    pub fn backlog_bytes(&self) -> usize {
        self.delivery.backlog_bytes()
    }

    /// The last committed offset of each stream: what a connection that is opened now subscribes after.
    pub fn stream_offsets(&self) -> &HashMap<String, u64> {
        self.delivery.stream_offsets()
    }

    /// Whether a popup was handed to the OS and its result is not known yet.
    pub fn is_showing(&self) -> bool {
        self.delivery.is_showing()
    }

    /// The notices that a popup on the screen stands for.
    pub fn notices_of(&self, popup: &PopupId) -> Option<&NoticeKeys> {
        self.delivery.notices_of(popup)
    }

    fn handle_link(&mut self, input: LinkInput, now: Now) {
        let (before, had_session) = (self.link.generation(), self.link.has_session());
        match input {
            LinkInput::Refreshed(ref refreshed) if self.api.refreshing => {
                self.handle_refreshed(refreshed.clone(), now);
            }
            LinkInput::SignedIn => self.reset_api(now),
            LinkInput::TryNow => {
                self.reset_api(now);
                if self.config.collect && self.link.has_session() {
                    self.try_pass(now);
                }
            }
            LinkInput::Connect
            | LinkInput::Disconnect
            | LinkInput::Opened(_)
            | LinkInput::Established(_)
            | LinkInput::CaughtUp(_)
            | LinkInput::Lost(..)
            | LinkInput::Refreshed(_)
            | LinkInput::Token(..)
            | LinkInput::Renewed(_)
            | LinkInput::NetworkChanged
            | LinkInput::Woke
            | LinkInput::Polled { .. }
            | LinkInput::Tick => {}
        }
        let actions = self.link.step(input, now, &mut self.rng);
        if actions.iter().any(|action| matches!(action, LinkAction::Close { .. })) {
            // The server may count what it wrote to that session as delivered.
            self.history.require(now.mono);
        }
        self.actions.extend(actions.into_iter().map(PipelineAction::Link));
        if self.link.has_session() && (!had_session || before != self.link.generation()) {
            // A refusal of the history holds until the next connect.
            self.history.is_off = false;
            self.server_deletions.handle_connected();
            if self.config.collect {
                self.start_pass(PassPurpose::Connect(self.link.generation()), now);
            } else {
                self.end_connect_pass_early(now);
            }
        } else if had_session && !self.link.has_session() {
            self.next_pass = None;
            // The server may count what it wrote to that session as delivered.
            self.history.require(now.mono);
        }
        if *self.link.state() == LinkState::Off {
            self.abandon_pass();
            self.next_pass = None;
            self.api.retry = None;
        } else if self.link.wants_polling() && self.may_poll() && self.next_pass.is_none() && self.running.is_none() {
            self.next_pass = Some((now.mono, PassPurpose::Poll));
        }
    }

    fn handle_message(&mut self, message: Message, now: Now) {
        let Message { notices, rejected, ack, offset } = message;
        self.messages += 1;
        let mut writes = self.writes(notices, Source::Live, None, now);
        writes.extend(rejected);
        writes.extend(offset.map(|(stream, offset)| Write::StreamOffset { stream, offset }));
        if writes.is_empty() {
            self.actions.extend(ack.map(|ack| PipelineAction::Delivery(DeliveryAction::Ack(ack))));
        } else {
            self.delivery.handle_received(Received { writes, ack, ..Received::default() });
        }
    }

    fn step_link(&mut self, input: LinkInput, now: Now) {
        for action in self.link.step(input, now, &mut self.rng) {
            self.actions.push_back(PipelineAction::Link(action));
        }
    }

    fn drain_delivery(&mut self) {
        self.actions.extend(std::iter::from_fn(|| self.delivery.poll_action()).map(PipelineAction::Delivery));
    }
}
