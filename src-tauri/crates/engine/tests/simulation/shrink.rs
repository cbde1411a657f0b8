//! Reduces a failing plan to what the failure needs.
//!
//! Acts are removed first, in large groups and then one by one; then noise, settings and the
//! server's behaviour become ordinary, and times round. A reduced plan draws other random numbers,
//! so each candidate may try a few seeds.

use crate::plan::{Act, Delivery, Noise, Plan, Stamp};

/// How many seeds a candidate may try.
const SEEDS: u64 = 4;

/// The smallest plan found that still fails.
pub(crate) fn shrink(plan: Plan, fails: &dyn Fn(&Plan) -> bool) -> Plan {
    let mut smallest = plan;
    loop {
        let before = smallest.clone();
        cut_acts(&mut smallest, fails);
        for simplify in SIMPLER {
            let mut candidate = smallest.clone();
            simplify(&mut candidate);
            attempt(&mut smallest, candidate, fails);
        }
        for index in 0..smallest.acts.len() {
            for act in simpler_acts(smallest.acts[index].1) {
                let mut candidate = smallest.clone();
                candidate.acts[index].1 = act;
                attempt(&mut smallest, candidate, fails);
            }
            for unit in [1_000, 100, 10] {
                let mut candidate = smallest.clone();
                candidate.acts[index].0 = candidate.acts[index].0 / unit * unit;
                attempt(&mut smallest, candidate, fails);
            }
        }
        if smallest == before {
            return smallest;
        }
    }
}

/// Keeps a candidate that differs and still fails, with one of a few seeds.
fn attempt(smallest: &mut Plan, candidate: Plan, fails: &dyn Fn(&Plan) -> bool) -> bool {
    if candidate == *smallest {
        return false;
    }
    for seed in (0..SEEDS).map(|more| candidate.seed.wrapping_add(more)) {
        let candidate = Plan { seed, ..candidate.clone() };
        if fails(&candidate) {
            *smallest = candidate;
            return true;
        }
    }
    false
}

fn cut_acts(smallest: &mut Plan, fails: &dyn Fn(&Plan) -> bool) {
    let mut size = smallest.acts.len().next_power_of_two();
    while size > 0 {
        let mut start = 0;
        while start < smallest.acts.len() {
            let mut candidate = smallest.clone();
            candidate.acts.drain(start..(start + size).min(candidate.acts.len()));
            if !attempt(smallest, candidate, fails) {
                start += size;
            }
        }
        size /= 2;
    }
}

/// Each makes a plan more ordinary.
const SIMPLER: [fn(&mut Plan); 23] = [
    |plan| plan.noise = Noise::default(),
    |plan| plan.noise.duplicates = 0,
    |plan| plan.noise.reorder = 0,
    |plan| plan.noise.late_subscribe = 0,
    |plan| plan.noise.early_messages = 0,
    |plan| plan.noise.slow = 0,
    |plan| plan.noise.lost_answers = 0,
    |plan| plan.noise.stray_requests = 0,
    |plan| plan.noise.failed_commits = 0,
    |plan| plan.noise.refused_popups = 0,
    |plan| plan.settings.endpoints = 1,
    |plan| plan.settings.reconnect_spread = 0,
    |plan| plan.settings.poll_every = 0,
    |plan| plan.settings.long_poll = false,
    |plan| plan.token_life = None,
    |plan| plan.settings.reconcile_every = 0,
    |plan| plan.settings.burst = 5,
    |plan| plan.stamp = Stamp::Version,
    |plan| plan.is_raw = false,
    |plan| {
        if !matches!(plan.delivery, Delivery::Topic { .. }) {
            plan.api = None;
        }
    },
    |plan| {
        if let Some(api) = &mut plan.api {
            api.cap = 20;
        }
    },
    |plan| {
        if let Some(api) = &mut plan.api {
            (api.compacted, api.says_status, api.has_date) = (false, false, true);
            api.marks_written = false;
        }
    },
    |plan| plan.horizon = plan.acts.last().map_or(0, |(at, _)| at / 1_000 * 1_000 + 1_000).min(plan.horizon),
];

/// Simpler variants of an act.
fn simpler_acts(act: Act) -> Vec<Act> {
    match act {
        Act::Publish { count, .. } => [1, 2, 3, count / 2]
            .into_iter()
            .filter(|fewer| (1..count).contains(fewer))
            .map(|count| Act::Publish { count, array: false })
            .chain([Act::Publish { count, array: false }])
            .collect(),
        Act::Update { to, .. } => vec![Act::Update { which: 0, to }],
        Act::OldCopy { .. } => vec![Act::OldCopy { which: 0 }],
        Act::Copy { .. } => vec![Act::Copy { which: 0 }],
        Act::Read { read, .. } => vec![Act::Read { which: 0, read }],
        Act::Delete { .. } => vec![Act::Delete { which: 0 }],
        Act::Undo { after, .. } => vec![Act::Undo { which: 0, after }],
        Act::Dismiss { .. } => vec![Act::Dismiss { which: 0 }],
        Act::StaleReport { .. } => vec![Act::StaleReport { which: 0 }],
        Act::Crash { down, .. } => vec![Act::Crash { actions: 0, down }, Act::Crash { actions: 0, down: 0 }],
        Act::CrashAt { moment, .. } => vec![Act::CrashAt { moment, down: 0 }],
        _ => Vec::new(),
    }
}
