//! The line from server to notice: link, catch-up and delivery joined, still without any I/O.
//!
//! [`Line::step`] takes what happened and the time and says what to do. The driver does it with sockets, SQLite and the OS;
//! the simulation does it in a made-up world with the same code. It keeps the order that nothing may break: subscribe,
//! then catch up; commit, then acknowledge; claim, then show.

pub mod acks;
pub mod backoff;
pub mod catchup;
pub mod delivery;
pub mod group_commit;
pub mod link;
mod passes;
pub mod popup_queue;

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rand::{SeedableRng, rngs::SmallRng};

use self::passes::{Api, History, Purpose, Running};
pub use self::passes::{SECOND_PASS, STRAY};
use crate::{
    alerts::{self, Wording},
    clock::Now,
    error::Failure,
    notice::{Notice, Source},
    pipeline::{
        catchup::{Page, Pass, PassId, Request},
        delivery::{AckId, Delivery, Received, ShowId, Ticket},
        link::{Link, State as LinkState, StopReason},
    },
    ports::{NotifyError, PopupId},
    settings::{NotificationSettings, Settings},
    status::{Connectivity, Kind, Status, Why},
    storage::{Applied, Recovered, Write},
    texts::Language,
};

/// What the line needs to know of the settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many endpoints there are.
    pub endpoints: usize,
    /// `server.reconnect_spread`.
    pub reconnect_spread: Duration,
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

impl Config {
    /// The line's part of the settings.
    pub fn new(settings: &Settings, language: Language, time_zone: TimeZone) -> Self {
        let collect = settings.api.base.is_some() && !settings.api.collect.is_empty();
        Self {
            endpoints: settings.server.endpoints.len(),
            reconnect_spread: settings.server.reconnect_spread,
            poll_every: settings.server.poll_every,
            collect,
            history: collect && !settings.api.history.is_empty(),
            wait: settings.api.wait,
            reconcile_every: settings.api.reconcile_every,
            retention: SignedDuration::from_hours(24 * i64::from(settings.inbox.retention_days)),
            wording: Wording::new(language, settings.notifications.clone()),
            notifications: settings.notifications.clone(),
            time_zone,
            to_announce: None,
        }
    }
}

/// A message of the session, mapped.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Its notices; several if it was an array.
    pub notices: Vec<Notice>,
    /// What could not be used of it, as [`Write::Rejected`].
    pub rejected: Vec<Write>,
    /// What to acknowledge.
    pub ack: Option<AckId>,
    /// The stream it came by, and its offset there.
    pub offset: Option<(String, u64)>,
}

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// What the last run left in the store. Comes first.
    Recovered(Box<Recovered>),
    /// To the link: people's wishes, the machine's news, the connection's fate.
    Link(link::Input),
    /// A message of the session.
    Message(Box<Message>),
    /// The page this pass asked for, or why there is none; its rejected rows as [`Write::Rejected`].
    Page {
        /// The pass.
        pass: PassId,
        /// The page and its unusable rows.
        result: Result<Box<(Page, Vec<Write>)>, Failure>,
    },
    /// A write is committed or has failed.
    Applied {
        /// Which.
        ticket: Ticket,
        /// What became of it.
        result: Result<Applied, String>,
    },
    /// A popup was shown or refused.
    Shown {
        /// Which.
        show: ShowId,
        /// What became of it.
        result: Result<PopupId, NotifyError>,
    },
    /// A popup left the screen.
    PopupClosed(PopupId),
    /// Somebody else changed the inbox: these popups speak for nothing any more.
    Withdraw(Vec<PopupId>),
    /// Another program has changed the account's secret, or has taken it away.
    SecretChanged,
    /// Time has passed.
    Tick,
}

/// Something to do.
#[derive(Debug)]
pub enum Action {
    /// To the connection or the credentials.
    Link(link::Action),
    /// Ask for a page, then [`Input::Page`]; also when an earlier request is still under way.
    Fetch {
        /// The pass.
        pass: PassId,
        /// What to ask for.
        request: Request,
    },
    /// What delivery orders: commit, acknowledge, show, tell.
    Delivery(delivery::Action),
}

/// The line of one account.
#[derive(Debug)]
pub struct Line {
    config: Config,
    link: Link,
    delivery: Delivery,
    running: Option<Running>,
    /// Passes that were left while they waited for a page.
    left: Vec<Pass>,
    next_pass: Option<(Instant, Purpose)>,
    passes: u64,
    api: Api,
    history: History,
    cursor: Option<String>,
    complete_through: Option<Timestamp>,
    random: SmallRng,
    actions: VecDeque<Action>,
}

impl Line {
    /// A line that is off. `cursor` and `complete_through` as stored; `seed` for the waits.
    pub fn new(
        config: Config,
        cursor: Option<String>,
        complete_through: Option<Timestamp>,
        seed: u64,
        now: Now,
    ) -> Self {
        Self {
            link: Link::new(config.endpoints, config.reconnect_spread, now),
            delivery: Delivery::new(config.wording.clone(), config.notifications.burst, config.to_announce),
            running: None,
            left: Vec::new(),
            next_pass: None,
            passes: 0,
            api: Api::default(),
            // An earlier run may have asked for something just before its end.
            history: History::due_until(now.mono + STRAY + config.wait),
            cursor,
            complete_through,
            random: SmallRng::seed_from_u64(seed),
            actions: VecDeque::new(),
            config,
        }
    }

    /// Takes what happened; [`Self::poll_action`] says what to do.
    pub fn step(&mut self, input: Input, now: Now) {
        match input {
            Input::Recovered(recovered) => self.delivery.handle_recovered(*recovered, now),
            Input::Link(input) => self.handle_link(input, now),
            Input::Message(message) => self.handle_message(*message, now),
            Input::Page { pass, result } => self.handle_page(pass, result, now),
            Input::Applied { ticket, result } => {
                let hold_live = *self.link.state() == LinkState::CatchingUp;
                if let Some(page) = self.delivery.handle_applied(ticket, result, hold_live, now) {
                    self.drain_delivery();
                    self.handle_page_committed(page, now);
                }
            }
            Input::Shown { show, result } => self.delivery.handle_shown(show, result),
            Input::PopupClosed(popup) => self.delivery.handle_closed(popup),
            Input::Withdraw(popups) => self.delivery.withdraw(popups),
            // As if somebody had signed in here; without a secret that ends where a person is asked for one.
            Input::SecretChanged if *self.link.state() == LinkState::Off => {}
            Input::SecretChanged => self.handle_link(link::Input::SignedIn, now),
            Input::Tick => {
                self.handle_link(link::Input::Tick, now);
                self.delivery.handle_tick(now);
                self.tick_passes(now);
            }
        }
        self.drain_delivery();
    }

    /// The next thing to do.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Input::Tick`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.link.poll_timeout(), self.delivery.poll_timeout(), self.next_pass.map(|(due, _)| due), self.api.retry]
            .into_iter()
            .flatten()
            .min()
    }

    /// The link, for those who look.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Nothing sent before this is missing.
    pub fn complete_through(&self) -> Option<Timestamp> {
        self.complete_through
    }

    /// How many writes wait for their commit.
    pub fn backlog(&self) -> usize {
        self.delivery.backlog()
    }

    /// The last committed offset of each stream: what a connection that is opened now subscribes after.
    pub fn stream_offsets(&self) -> &HashMap<String, u64> {
        self.delivery.stream_offsets()
    }

    /// Whether a popup is on its way to the OS.
    pub fn is_showing(&self) -> bool {
        self.delivery.is_showing()
    }

    /// The notices a popup on the screen speaks for.
    pub fn notices_of(&self, popup: &PopupId) -> Option<&[crate::notice::NoticeKey]> {
        self.delivery.notices_of(popup)
    }

    /// When the next attempt to connect is planned.
    pub fn next_attempt(&self) -> Option<Instant> {
        match self.link.state() {
            LinkState::Waiting { until, .. } | LinkState::Polling { until, .. } => Some(*until),
            LinkState::Stopped(StopReason::Halted { retry, .. }) => Some(*retry),
            LinkState::Off
            | LinkState::Connecting { .. }
            | LinkState::Handshake { .. }
            | LinkState::CatchingUp
            | LinkState::Live
            | LinkState::Stopped(StopReason::SignIn(_)) => None,
        }
    }

    /// The state people see.
    pub fn status(&self, now: Now) -> Status {
        let (mut state, mut failure) = match self.link.state() {
            LinkState::Off => (Connectivity::Offline, None),
            LinkState::Connecting { .. } | LinkState::Handshake { .. } => (Connectivity::Connecting, None),
            LinkState::CatchingUp => (Connectivity::CatchingUp, None),
            LinkState::Live => (Connectivity::Live, self.api.problem.as_ref()),
            LinkState::Waiting { why, .. } => (Connectivity::Offline, Some(why)),
            LinkState::Polling { why, .. } => (Connectivity::Polling, Some(why)),
            LinkState::Stopped(StopReason::SignIn(failure) | StopReason::Halted { failure, .. }) => {
                (Connectivity::ActionNeeded, Some(failure))
            }
        };
        if self.link.is_polling() {
            state = Connectivity::Polling;
        }
        if self.api.needs_person && state != Connectivity::Offline {
            (state, failure) = (Connectivity::ActionNeeded, self.api.problem.as_ref());
        }
        let mut why = failure.map(Why::from);
        if let Some(failing) = self.delivery.failing() {
            state = Connectivity::ActionNeeded;
            why = Some(Why { detail: failing.to_owned(), ..Why::of(Kind::Store) });
        } else if state == Connectivity::Live {
            why = match why {
                Some(Why { kind, detail, .. }) => {
                    let kind = if kind == Kind::Status { Kind::ApiMissing } else { kind };
                    Some(Why { kind, detail, is_catch_up: true })
                }
                None if !self.config.collect => Some(Why::of(Kind::NoApi)),
                None if self.history.is_off => Some(Why::of(Kind::NoHistory)),
                None => None,
            };
        }
        Status {
            state,
            since: self.link.since(),
            endpoint: self.link.endpoint(),
            why,
            retry_in: self.next_attempt().map(|until| until.saturating_duration_since(now.mono)),
        }
    }

    fn handle_link(&mut self, input: link::Input, now: Now) {
        let (before, had_session) = (self.link.generation(), self.link.has_session());
        match input {
            link::Input::Refreshed(ref refreshed) if self.api.refreshing => {
                self.handle_refreshed(refreshed.clone(), now);
            }
            link::Input::SignedIn => self.ask_api_anew(now),
            link::Input::TryNow => {
                self.ask_api_anew(now);
                if self.config.collect && self.link.has_session() {
                    self.try_pass(now);
                }
            }
            _ => {}
        }
        for action in self.link.step(input, now, &mut self.random) {
            self.actions.push_back(Action::Link(action));
        }
        if self.link.has_session() && (!had_session || before != self.link.generation()) {
            if self.config.collect {
                self.start_pass(Purpose::Connect(self.link.generation()), now);
            } else {
                self.give_way(now);
            }
        } else if had_session && !self.link.has_session() {
            self.next_pass = None;
            // What the server had written to it may count as delivered.
            self.history.require(now.mono);
        }
        if *self.link.state() == LinkState::Off {
            self.abandon_pass();
            self.next_pass = None;
            self.api.retry = None;
        } else if self.link.wants_polling() && self.may_poll() && self.next_pass.is_none() && self.running.is_none() {
            self.next_pass = Some((now.mono, Purpose::Poll));
        }
    }

    fn handle_message(&mut self, message: Message, now: Now) {
        let Message { notices, rejected, ack, offset } = message;
        let mut writes = self.writes(notices, Source::Live, None, now);
        writes.extend(rejected);
        writes.extend(offset.map(|(stream, offset)| Write::StreamOffset { stream, offset }));
        if writes.is_empty() {
            self.actions.extend(ack.map(|ack| Action::Delivery(delivery::Action::Ack(ack))));
        } else {
            self.delivery.handle_received(Received { writes, ack, pass: None });
        }
    }

    /// What is to be written of what arrived; `pass` if it came in one.
    fn writes(&self, notices: Vec<Notice>, source: Source, pass: Option<&Pass>, now: Now) -> Vec<Write> {
        notice_writes(notices, source, pass, &self.config.notifications, &self.config.time_zone, now.wall)
    }

    fn step_link(&mut self, input: link::Input, now: Now) {
        for action in self.link.step(input, now, &mut self.random) {
            self.actions.push_back(Action::Link(action));
        }
    }

    fn drain_delivery(&mut self) {
        self.actions.extend(std::iter::from_fn(|| self.delivery.poll_action()).map(Action::Delivery));
    }
}

/// What is to be written of notices that arrived at `received_at`, each with its alert mark; `pass` if they came in one.
pub fn notice_writes(
    notices: Vec<Notice>,
    source: Source,
    pass: Option<&Pass>,
    notifications: &NotificationSettings,
    time_zone: &TimeZone,
    received_at: Timestamp,
) -> Vec<Write> {
    let context = alerts::Context {
        now: received_at,
        time_zone,
        is_first_run: pass.is_some_and(Pass::is_first_run),
        complete_through: pass.and_then(Pass::complete_through),
    };
    notices
        .into_iter()
        .map(|notice| {
            let alert = alerts::decide(&notice, source, &context, notifications);
            Write::Notice { notice: Box::new(notice), source, received_at, alert }
        })
        .collect()
}
