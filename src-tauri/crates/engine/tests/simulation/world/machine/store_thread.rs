//! The simulated store thread: what is queued shares a commit, late or not at all.

use std::sync::Arc;

use belfry_core::{pipeline::group_commit::Job, storage::Write};

use super::trace::brief_result;
use crate::{
    oracle::Verdict,
    plan::Moment,
    world::{Local, World},
};

impl World<'_> {
    pub(super) fn write_soon(&mut self) {
        let is_slow = self.faults.slow_store > self.now;
        let after = if is_slow { self.rng.millis(5..3_000) } else { self.rng.millis(0..4) };
        if let Some(machine) = &mut self.machine
            && !machine.is_writing
            && !machine.jobs.is_empty()
        {
            machine.is_writing = true;
            self.push_local(after, Local::Commit);
        }
    }

    /// Commits what is queued as one transaction; if that fails, each batch as its own.
    pub(super) fn commit(&mut self) -> Verdict {
        let (fails, noise) = (self.faults.store > self.now, self.noise().failed_commits);
        let Some(machine) = &mut self.machine else { return Ok(()) };
        machine.is_writing = false;
        let jobs: Vec<Job> = machine.jobs.drain(..).collect();
        let written: Vec<Arc<Vec<Write>>> = jobs.iter().map(|job| Arc::clone(&job.writes)).collect();
        let Self { store, rng, .. } = self;
        let apply = |writes: &[Write]| {
            if fails || rng.happens(noise) {
                return Err("disk full".to_owned());
            }
            store.apply(writes).map_err(|error| error.to_string())
        };
        let results = machine.group_commit.commit(jobs, apply);
        for ((ticket, result), writes) in results.iter().zip(written) {
            self.note(|| format!("  committed {ticket:?}: {}", brief_result(result)));
            if result.is_err() {
                self.oracle.count("a commit that failed");
            }
            if let Ok(applied) = result {
                self.oracle.handle_commit(&writes, applied, &self.server)?;
            }
        }
        if results.iter().any(|(_, result)| result.is_ok()) {
            self.crash_if_due(Moment::Committed)?;
            if results.iter().any(|(_, result)| result.is_err()) {
                self.crash_if_due(Moment::PartlyCommitted)?;
            }
        }
        let after = self.rng.millis(0..3);
        let Some(machine) = &mut self.machine else { return Ok(()) };
        machine.reported = machine.reported.max(self.now + after) + 1;
        let after = machine.reported - self.now;
        self.push_local(after, Local::Applied(results));
        self.write_soon();
        Ok(())
    }
}
