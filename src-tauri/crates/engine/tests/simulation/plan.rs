//! What a seed means: the server's behaviour, the settings, and which event happens when.
//!
//! A plan is a value: it can be reduced until only what makes a run fail is left, printed, and kept
//! as a test. Random choices that are not worth reducing (latencies, which of two simultaneous
//! events comes first) are made while the plan runs, from [`Plan::seed`]. Each plan has only a few
//! kinds of fault: a run with all of them would show little.

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};

/// Everything that defines a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// Seed of the random number generator of the run.
    pub seed: u64,
    /// How live messages are delivered.
    pub delivery: Delivery,
    /// The HTTP API, if there is one.
    pub api: Option<Api>,
    /// How the newer of two versions of a notice is recognized.
    pub stamp: Stamp,
    /// The settings that matter.
    pub settings: Settings,
    /// How often something ordinary goes wrong.
    pub noise: Noise,
    /// The events, each with its time in milliseconds after the start.
    pub acts: Vec<(u64, Act)>,
    /// When the faults end, in milliseconds; after that everything has to recover.
    pub horizon: u64,
    /// The raw WebSocket: the server sends at each connect what it has not delivered, and counts as
    /// delivered what it has written.
    pub is_raw: bool,
    /// How long a token is good, in seconds; `None`: for the whole run.
    pub token_life: Option<u64>,
}

/// How live messages are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// A durable queue: messages that are not acknowledged are sent again.
    Queue { prefetch: usize },
    /// A message is lost for a client that is not subscribed at that moment.
    Topic { acked: bool },
    /// A log that is read from the stored offset on.
    Stream,
}

/// The behaviour of the HTTP API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Api {
    pub collect: Collect,
    pub next: Next,
    /// Rows of a page, whatever was asked for.
    pub cap: usize,
    pub history: History,
    /// An update takes its old row's place; otherwise both stay.
    pub compacted: bool,
    /// Rows say whether they were delivered.
    pub says_status: bool,
    /// Answers carry `Date`.
    pub has_date: bool,
    /// A message that was written to a session without ACKs counts as delivered.
    pub marks_written: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collect {
    /// Rows after the cursor.
    Honest,
    /// Everything, every time.
    IgnoresCursor,
    /// Undelivered rows; serving a row marks it as delivered.
    Destructive,
}

/// What a page says about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Always a cursor.
    Cursor,
    /// A cursor, or null on the last page.
    NullAtEnd,
    /// Nothing: the last row's id is the cursor. Rows then keep their place when they change.
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum History {
    Missing,
    Paged,
    /// Everything on every page.
    IgnoresPage,
}

/// How the newer of two versions of a notice is recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// By a version number.
    Version,
    /// By the time of each version.
    Time,
    /// By the state alone: decided beats open.
    State,
}

/// Settings, durations in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    pub endpoints: usize,
    pub reconnect_spread: u64,
    pub poll_every: u64,
    pub long_poll: bool,
    pub reconcile_every: u64,
    pub burst: u32,
}

/// How often something ordinary goes wrong, in percent of the cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Noise {
    /// A message is sent twice.
    pub duplicates: u32,
    /// A message overtakes others.
    pub reorder: u32,
    /// A SUBSCRIBE takes effect up to 4 s late.
    pub late_subscribe: u32,
    /// A message is published within the first seconds of a session.
    pub early_messages: u32,
    /// Something takes seconds instead of milliseconds.
    pub slow: u32,
    /// The answer of the API is lost.
    pub lost_answers: u32,
    /// A request is delayed by up to 14 s before it reaches the server, even if it timed out.
    pub stray_requests: u32,
    /// A commit fails.
    pub failed_commits: u32,
    /// The desktop refuses a popup.
    pub refused_popups: u32,
}

/// An event. Durations are milliseconds; `which` is an index into the existing items, modulo their
/// number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// New messages, perhaps as one array.
    Publish { count: usize, array: bool },
    /// A newer version of a notice.
    Update { which: usize, to: To },
    /// The first version of a notice, once more.
    OldCopy { which: usize },
    /// The newest version of a notice, once more.
    Copy { which: usize },
    /// Somebody publishes a copy of a notice, or of the next one, to a topic that all subscribe to.
    Forge { which: usize, to: To },
    /// A message that cannot be used.
    Junk,
    /// The session breaks; what was sent arrives first, or is lost.
    Cut { drain: bool },
    /// The session breaks silently.
    Silence,
    /// No network; connections fail at once or time out silently.
    NetworkDown { lasts: u64, silent: bool },
    /// The endpoints refuse, or only the first does.
    Refuse { lasts: u64, how: Refusal, only_first: bool },
    /// The token expires; there may be a newer one.
    TokenExpires { newer: bool },
    /// The API fails.
    ApiFails { lasts: u64, how: ApiFault },
    /// Commits fail.
    StoreFails { lasts: u64 },
    /// Commits take up to three seconds.
    StoreSlow { lasts: u64 },
    /// The program is killed, at once or after so many more actions, and is started again.
    Crash { actions: u32, down: u64 },
    /// The program is killed right after the next such moment.
    CrashAt { moment: Moment, down: u64 },
    /// The machine sleeps.
    Sleep { lasts: u64 },
    /// The clock is set, by so many seconds.
    SetClock { by: i64 },
    /// A network came up or changed.
    NetworkChanged,
    /// A person signs in.
    SignIn,
    /// A person wants it tried now.
    TryNow,
    /// A person disconnects for a while.
    Disconnect { lasts: u64 },
    /// A person reads a notice, or marks it unread.
    Read { which: usize, read: bool },
    /// A person deletes a notice.
    Delete { which: usize },
    /// A person has the server delete its record of a notice.
    DeleteOnServer { which: usize },
    /// A person takes that back, where it is not done yet.
    KeepOnServer { which: usize },
    /// A person deletes a notice and undoes that.
    Undo { which: usize, after: u64 },
    /// A person pauses notifications for half an hour, or ends the pause.
    Pause { on: bool },
    /// A person dismisses a popup.
    Dismiss { which: usize },
    /// The notification daemon restarts.
    DaemonRestarts,
    /// The notification daemon goes, and another one starts later.
    DaemonGone { lasts: u64 },
    /// The notification daemon takes up to three seconds for each popup.
    DaemonSlow { lasts: u64 },
    /// A report of an earlier connection arrives late.
    StaleReport { which: usize },
}

impl Act {
    /// Whether it happens on the machine, so only while that is awake.
    pub(crate) fn is_local(self) -> bool {
        !matches!(
            self,
            Self::Publish { .. }
                | Self::Update { .. }
                | Self::OldCopy { .. }
                | Self::Copy { .. }
                | Self::Junk
                | Self::Forge { .. }
                | Self::NetworkDown { .. }
                | Self::Refuse { .. }
                | Self::TokenExpires { .. }
                | Self::ApiFails { .. }
        )
    }
}

/// The new state of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Open,
    Decided,
    Withdrawn,
    Expired,
}

/// A moment between two steps that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Committed, and not yet reported.
    Committed,
    /// Of several batches some are committed and some have failed.
    PartlyCommitted,
    /// A popup has been handed to the OS, and its name has not come back.
    Handed,
    /// An ACK has been sent.
    Acknowledged,
    /// A page has arrived, and nothing of it is written.
    Answered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unavailable,
    RetryAfter,
    NotFound,
    Denied,
    /// 403: the account has no access.
    Forbidden,
    /// The socket opens, but the session is never established.
    Hangs,
    /// The session ends right after the subscriptions.
    Dies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiFault {
    Unauthorized,
    Forbidden,
    TooMany,
    Broken,
    /// The answer is truncated; the server has marked its rows as delivered.
    Truncated,
    /// The answer is lost; the server has marked its rows as delivered.
    Lost,
    NoHistory,
}

/// Kinds of fault; a plan uses some of them.
const FAULT_KINDS: usize = 21;

impl Plan {
    /// The plan of a seed.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let delivery = match rng.random_range(0..5) {
            0 | 1 => Delivery::Queue { prefetch: pick(&mut rng, &[1, 3, 200]) },
            2 => Delivery::Stream,
            _ => Delivery::Topic { acked: rng.random() },
        };
        let has_api = matches!(delivery, Delivery::Topic { .. }) || rng.random_ratio(2, 3);
        let mut api = has_api.then(|| Api::draw(&mut rng));
        let horizon = rng.random_range(20_000..90_000);
        let kinds: Vec<usize> = (0..FAULT_KINDS).filter(|_| rng.random_ratio(1, 3)).collect();
        let mut acts: Vec<(u64, Act)> = (0..rng.random_range(6..50))
            .map(|_| {
                let at = rng.random_range(0..horizon);
                let act = match rng.random_range(0..10) {
                    0..3 => Act::Publish { count: few(&mut rng), array: rng.random_ratio(1, 5) },
                    3 => update(&mut rng),
                    _ if kinds.is_empty() => Act::Publish { count: few(&mut rng), array: false },
                    _ => {
                        let kind = kinds[rng.random_range(0..kinds.len())];
                        fault_act(kind, &mut rng)
                    }
                };
                (at, act)
            })
            .collect();
        // With a generator of its own, so that the other acts of a seed stay what they are.
        let mut forger = SmallRng::seed_from_u64(seed ^ 0x0f0e);
        if forger.random_ratio(1, 3) {
            acts.extend((0..forger.random_range(1..6)).map(|_| {
                let to = pick(&mut forger, &[To::Open, To::Decided, To::Withdrawn, To::Expired]);
                (forger.random_range(0..horizon), Act::Forge { which: forger.random_range(0..1_000), to })
            }));
        }
        if forger.random_ratio(1, 5) {
            let pause = |forger: &mut SmallRng| Act::Pause { on: forger.random_ratio(2, 3) };
            acts.extend((0..forger.random_range(1..5)).map(|_| (forger.random_range(0..horizon), pause(&mut forger))));
        }
        let mut deleter = SmallRng::seed_from_u64(seed ^ 0xde1e);
        if deleter.random_ratio(1, 4) {
            acts.extend((0..deleter.random_range(1..6)).map(|_| {
                let which = deleter.random_range(0..1_000);
                let is_asked = deleter.random_ratio(3, 4);
                let act = if is_asked { Act::DeleteOnServer { which } } else { Act::KeepOnServer { which } };
                (deleter.random_range(0..horizon), act)
            }));
        }
        acts.sort_by_key(|(at, _)| *at);
        if let Some(api) = &mut api {
            // Without `Date` only the machine's clock is left: if that is wrong, no client is correct.
            api.has_date |= acts.iter().any(|(_, act)| matches!(act, Act::SetClock { .. }));
        }
        Self {
            seed,
            delivery,
            api,
            stamp: match api {
                // The history of such a server is ordered by a time that an update does not change.
                Some(Api { collect: Collect::Destructive, .. }) => pick(&mut rng, &[Stamp::Version, Stamp::Time]),
                _ => pick(&mut rng, &[Stamp::Version, Stamp::Time, Stamp::State]),
            },
            settings: Settings {
                endpoints: rng.random_range(1..=2),
                reconnect_spread: pick(&mut rng, &[0, 2]),
                poll_every: pick(&mut rng, &[0, 5]),
                long_poll: rng.random_ratio(1, 8),
                reconcile_every: pick(&mut rng, &[0, 45, 600]),
                burst: pick(&mut rng, &[1, 2, 5]),
            },
            noise: Noise::draw(&mut rng),
            acts,
            horizon,
            is_raw: delivery == Delivery::Topic { acked: false } && rng.random(),
            token_life: (rng.random_range(0..6) == 1).then(|| pick(&mut rng, &[12, 20, 45])),
        }
    }
}

impl Api {
    fn draw(rng: &mut SmallRng) -> Self {
        let collect = match rng.random_range(0..6) {
            0..3 => Collect::Honest,
            3 => Collect::IgnoresCursor,
            _ => Collect::Destructive,
        };
        Self {
            collect,
            // A row that is served once and then changes would name a page that was already
            // requested.
            next: match collect {
                Collect::Destructive => pick(rng, &[Next::Cursor, Next::NullAtEnd]),
                _ => pick(rng, &[Next::Cursor, Next::NullAtEnd, Next::Absent]),
            },
            cap: pick(rng, &[1, 3, 5, 8, 20, 20]),
            history: pick(rng, &[History::Missing, History::Paged, History::Paged, History::IgnoresPage]),
            compacted: rng.random(),
            says_status: rng.random(),
            has_date: rng.random_ratio(4, 5),
            marks_written: rng.random(),
        }
    }
}

impl Noise {
    fn draw(rng: &mut SmallRng) -> Self {
        let mut percent = |often: &[u32]| if rng.random_ratio(1, 3) { pick(rng, often) } else { 0 };
        Self {
            duplicates: percent(&[5, 30]),
            reorder: percent(&[10, 40]),
            late_subscribe: percent(&[50, 100]),
            early_messages: percent(&[50, 100]),
            slow: percent(&[5, 20]),
            lost_answers: percent(&[10, 40]),
            stray_requests: percent(&[10, 40]),
            failed_commits: percent(&[5, 30]),
            refused_popups: percent(&[10]),
        }
    }
}

fn fault_act(kind: usize, rng: &mut SmallRng) -> Act {
    let which = rng.random_range(0..1_000);
    match kind {
        0 => Act::OldCopy { which },
        1 => Act::Copy { which },
        2 => Act::Junk,
        3 => Act::Cut { drain: rng.random() },
        4 => Act::Silence,
        5 => Act::NetworkDown { lasts: rng.random_range(100..40_000), silent: rng.random() },
        6 => {
            let how = [
                Refusal::Unavailable,
                Refusal::RetryAfter,
                Refusal::NotFound,
                Refusal::Denied,
                Refusal::Forbidden,
                Refusal::Hangs,
                Refusal::Dies,
            ];
            let lasts = rng.random_range(1_000..40_000);
            Act::Refuse { lasts, how: pick(rng, &how), only_first: rng.random() }
        }
        7 => Act::TokenExpires { newer: rng.random() },
        8 => {
            let how = [
                ApiFault::Unauthorized,
                ApiFault::Forbidden,
                ApiFault::TooMany,
                ApiFault::Broken,
                ApiFault::Truncated,
                ApiFault::Lost,
                ApiFault::NoHistory,
            ];
            Act::ApiFails { lasts: rng.random_range(1_000..20_000), how: pick(rng, &how) }
        }
        9 => Act::StoreFails { lasts: rng.random_range(100..8_000) },
        10 => Act::StoreSlow { lasts: rng.random_range(1_000..20_000) },
        11 => {
            let moments = [
                Moment::Committed,
                Moment::PartlyCommitted,
                Moment::PartlyCommitted,
                Moment::Handed,
                Moment::Acknowledged,
                Moment::Answered,
            ];
            let down = rng.random_range(0..8_000);
            match rng.random() {
                true => Act::Crash { actions: rng.random_range(0..12), down },
                false => Act::CrashAt { moment: pick(rng, &moments), down },
            }
        }
        12 => Act::Sleep { lasts: pick(rng, &[3_000, 30_000, 3_600_000]) },
        13 => Act::SetClock { by: pick(rng, &[-7_200, -60, -3, 3, 60, 7_200]) },
        14 => pick(rng, &[Act::NetworkChanged, Act::TryNow, Act::SignIn]),
        15 => Act::Disconnect { lasts: rng.random_range(100..10_000) },
        16 => Act::Read { which, read: rng.random_ratio(3, 4) },
        17 => Act::Delete { which },
        18 => Act::Undo { which, after: rng.random_range(1..3_000) },
        19 => {
            let gone = Act::DaemonGone { lasts: 20_000 };
            pick(rng, &[Act::Dismiss { which }, Act::DaemonRestarts, Act::DaemonSlow { lasts: 8_000 }, gone])
        }
        _ => Act::StaleReport { which },
    }
}

fn update(rng: &mut SmallRng) -> Act {
    let to = pick(rng, &[To::Open, To::Decided, To::Withdrawn, To::Expired]);
    Act::Update { which: rng.random_range(0..1_000), to }
}

/// Mostly one, sometimes a burst.
fn few(rng: &mut SmallRng) -> usize {
    match rng.random_range(0..10) {
        0..6 => 1,
        6..9 => rng.random_range(2..5),
        _ => rng.random_range(5..12),
    }
}

fn pick<T: Copy>(rng: &mut SmallRng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}
