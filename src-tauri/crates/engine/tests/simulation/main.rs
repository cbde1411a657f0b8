//! The made-up world: the line, the real store and made-up everything else, on a clock that is only counted.
//!
//! Each seed is a server with its own manners, a machine, a person, and mishaps at any moment ([`plan`]). Nothing here
//! waits: a run of some virtual minutes takes milliseconds. After every step the [`oracle`] holds what was committed,
//! acknowledged, told and shown against the invariants:
//!
//! 1. nothing is acknowledged before it is committed;
//! 2. a popup for a notice is handed to the OS at most once, over all lives of the program, after its committed claim;
//! 3. a notice is in the inbox once; a deleted one neither returns nor rings;
//! 4. a settled one is never open again, does not ring, and its popup goes;
//! 5. no row that the stored cursor covers is missing;
//! 6. `notice` events come after the commit, once, and again only after a crash;
//! 7. no row from before `complete_through` is missing, and in the end nothing is missing that the server still had;
//! 8. what an earlier connection says has no effect on the link;
//! 9. bounds: backlog, attempts, requests of a pass; a refused sign-in is not tried again; in the end the line is live.
//!
//! `BELFRY_SIM_SEEDS=20000` runs more seeds than usual, `BELFRY_SIM_SEED=7` prints what happens in one.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the lint's leave for tests does not reach the functions they share"
)]

mod machine;
mod oracle;
mod plan;
mod server;
mod world;

use std::{
    env,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::{
    plan::Plan,
    world::{Run, World},
};

#[test]
fn whatever_happens_nothing_is_lost_and_nothing_rings_twice() {
    if let Some(seed) = number("BELFRY_SIM_SEED") {
        let plan = Plan::draw(seed);
        let run = World::run(&plan, true);
        run.trace.iter().for_each(|line| println!("{line}"));
        println!("{plan:#?}");
        assert_eq!(run.complaint, None);
        return;
    }
    let seeds = number("BELFRY_SIM_SEEDS").unwrap_or(3_000);
    let start = std::time::Instant::now();
    let next = AtomicU64::new(0);
    let failed = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    let Run { complaint, .. } = World::run(&Plan::draw(seed), false);
                    if let Some(complaint) = complaint {
                        failed.lock().unwrap().push((seed, complaint));
                    }
                }
            });
        }
    });
    println!("{seeds} in {:?}", start.elapsed());
    let failed = failed.into_inner().unwrap();
    for (seed, complaint) in failed.iter().take(40) {
        println!("{seed}: {complaint}");
    }
    assert!(failed.is_empty(), "{} seeds failed", failed.len());
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap())
}
