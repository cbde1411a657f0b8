//! Reduced plans that failed once: each fails again without the fix that it led to.
//!
//! A plan is printed by the simulation and kept here as a value, so it stays the same when
//! seeds define other plans. It runs with many seeds, since a failure may depend on a random choice.

use crate::plan::{
    Act::{
        self, Crash, CrashAt, Cut, DaemonSlow, Disconnect, Dismiss, Junk, NetworkDown, Publish, Read, Refuse, SignIn,
        StoreFails, StoreSlow, TryNow, Undo, Update,
    },
    Api, Collect,
    Delivery::{Queue, Stream, Topic},
    History,
    Moment::PartlyCommitted,
    Next, Noise, Plan, Refusal, Settings, Stamp, To,
};

const HONEST: Api = Api {
    collect: Collect::Honest,
    next: Next::Cursor,
    cap: 20,
    history: History::Paged,
    compacted: false,
    says_status: false,
    has_date: true,
    marks_written: false,
};

/// A plan in which nothing happens.
fn plain() -> Plan {
    Plan {
        seed: 0,
        delivery: Queue { prefetch: 200 },
        api: None,
        stamp: Stamp::Version,
        settings: Settings {
            endpoints: 1,
            reconnect_spread: 0,
            poll_every: 0,
            long_poll: false,
            reconcile_every: 0,
            burst: 5,
        },
        noise: Noise::default(),
        acts: Vec::new(),
        horizon: 30_000,
        is_raw: false,
        token_life: None,
    }
}

pub(crate) fn plans() -> Vec<(&'static str, Plan)> {
    vec![
        (
            "to try now while catching up does not change the pass of the connect",
            Plan {
                api: Some(HONEST),
                noise: Noise { lost_answers: 40, ..Noise::default() },
                acts: vec![(4_000, SignIn), (11_000, TryNow)],
                ..plain()
            },
        ),
        ("to try now where there is no api asks for nothing", Plan { acts: vec![(2_000, TryNow)], ..plain() }),
        (
            "a stream's offset does not pass a message that is not written",
            Plan {
                delivery: Stream,
                noise: Noise { failed_commits: 30, ..Noise::default() },
                acts: vec![
                    (0, CrashAt { moment: PartlyCommitted, down: 0 }),
                    (5_000, Publish { count: 4, array: false }),
                ],
                ..plain()
            },
        ),
        (
            "what a transaction withdraws is reported after all of it",
            Plan {
                acts: vec![
                    (1_000, Publish { count: 1, array: false }),
                    (2_000, StoreSlow { lasts: 5_000 }),
                    (2_000, Publish { count: 1, array: false }),
                    (2_100, Update { which: 0, to: To::Open }),
                    (2_200, Update { which: 0, to: To::Decided }),
                ],
                ..plain()
            },
        ),
        (
            "a popup that has left the screen is not updated",
            Plan {
                acts: vec![
                    (1_000, Publish { count: 1, array: false }),
                    (2_000, Dismiss { which: 0 }),
                    (2_000, StoreFails { lasts: 1_500 }),
                    (2_600, Update { which: 0, to: To::Open }),
                ],
                ..plain()
            },
        ),
        (
            "a popup that became stale just before a crash is withdrawn after the restart",
            Plan {
                acts: vec![
                    (1_000, Publish { count: 1, array: false }),
                    (4_000, Crash { actions: 2, down: 1_000 }),
                    (8_000, Read { which: 0, read: true }),
                ],
                ..plain()
            },
        ),
        (
            "rows that come meanwhile do not end the history",
            Plan {
                delivery: Topic { acked: false },
                api: Some(Api { collect: Collect::Destructive, cap: 1, ..HONEST }),
                noise: Noise { lost_answers: 40, ..Noise::default() },
                acts: vec![
                    (0, NetworkDown { lasts: 3_000, silent: false }),
                    (1_000, Publish { count: 5, array: false }),
                    (5_000, Publish { count: 1, array: false }),
                    (15_000, Publish { count: 1, array: false }),
                    (15_300, Publish { count: 1, array: false }),
                    (16_000, Publish { count: 1, array: false }),
                    (25_000, Publish { count: 1, array: false }),
                    (25_300, Publish { count: 1, array: false }),
                ],
                ..plain()
            },
        ),
        (
            "a long poll that is answered at once does not shorten the interval",
            Plan {
                delivery: Topic { acked: true },
                api: Some(Api { next: Next::NullAtEnd, ..HONEST }),
                settings: Settings { poll_every: 5, long_poll: true, ..plain().settings },
                acts: vec![
                    (1_000, NetworkDown { lasts: 40_000, silent: false }),
                    (2_000, Publish { count: 1, array: false }),
                    (3_000, Junk),
                ],
                horizon: 3_000,
                ..plain()
            },
        ),
        (
            "a notice restored while its popup was being shown is uncertain",
            Plan {
                acts: vec![
                    (1_000, DaemonSlow { lasts: 8_000 }),
                    (2_000, Publish { count: 1, array: false }),
                    (2_100, Undo { which: 0, after: 2_900 }),
                ],
                ..plain()
            },
        ),
        (
            "a pass that was abandoned makes the history due, also for polls",
            Plan {
                delivery: Topic { acked: false },
                api: Some(Api { collect: Collect::Destructive, ..HONEST }),
                settings: Settings { poll_every: 5, ..plain().settings },
                noise: Noise { failed_commits: 30, slow: 30, ..Noise::default() },
                acts: vec![
                    (500, Refuse { lasts: 40_000, how: Refusal::Denied, only_first: false }),
                    (600, Cut { drain: false }),
                    (5_000, Publish { count: 1, array: false }),
                    (7_000, Disconnect { lasts: 100 }),
                    (10_000, Publish { count: 1, array: false }),
                    (11_000, Disconnect { lasts: 100 }),
                    (15_000, Publish { count: 1, array: false }),
                    (18_000, Disconnect { lasts: 100 }),
                    (19_000, Publish { count: 1, array: false }),
                    (20_000, Disconnect { lasts: 100 }),
                ],
                ..plain()
            },
        ),
        (
            "a poll that is served after its time-out leaves nothing missing before complete_through",
            Plan {
                delivery: Topic { acked: false },
                api: Some(Api { collect: Collect::Destructive, ..HONEST }),
                settings: Settings { poll_every: 5, ..plain().settings },
                noise: Noise { stray_requests: 40, ..Noise::default() },
                acts: every_second(
                    [
                        (500, Refuse { lasts: 60_000, how: Refusal::Denied, only_first: false }),
                        (600, Cut { drain: false }),
                    ],
                    60,
                ),
                horizon: 60_000,
                ..plain()
            },
        ),
        (
            "what was written to a session that broke is not missing before complete_through",
            Plan {
                delivery: Topic { acked: false },
                api: Some(Api { collect: Collect::Destructive, marks_written: true, ..HONEST }),
                settings: Settings { poll_every: 5, ..plain().settings },
                acts: vec![
                    (20_000, Publish { count: 1, array: false }),
                    (20_001, Cut { drain: false }),
                    (20_001, Refuse { lasts: 60_000, how: Refusal::Denied, only_first: false }),
                ],
                horizon: 70_000,
                ..plain()
            },
        ),
        (
            "a queued update does not show again a popup that is dismissed meanwhile",
            Plan {
                acts: vec![
                    (1_000, Publish { count: 1, array: false }),
                    (2_000, DaemonSlow { lasts: 8_000 }),
                    (2_100, Update { which: 0, to: To::Open }),
                    (2_200, Dismiss { which: 0 }),
                ],
                ..plain()
            },
        ),
        (
            "an update that is shown while its popup is being dismissed is retracted",
            Plan {
                acts: vec![
                    (1_000, Publish { count: 1, array: false }),
                    (2_000, Update { which: 0, to: To::Open }),
                    (2_030, Dismiss { which: 0 }),
                ],
                ..plain()
            },
        ),
        (
            "a popup that is dismissed before its id is known is not updated",
            Plan {
                acts: vec![
                    (1_000, Publish { count: 1, array: false }),
                    (1_045, Dismiss { which: 0 }),
                    (3_000, Update { which: 0, to: To::Open }),
                ],
                ..plain()
            },
        ),
    ]
}

/// These acts, and a message every second.
fn every_second(acts: [(u64, Act); 2], seconds: u64) -> Vec<(u64, Act)> {
    let messages = (1..=seconds).map(|second| (second * 1_000, Publish { count: 1, array: false }));
    acts.into_iter().chain(messages).collect()
}
