//! Group commit: how queued batches share one transaction, and the result of each if it fails.
//!
//! Pure; deliberately absent: the transaction itself, which is the caller's. Invariants: results
//! come in the order of the batches; a batch that cannot be written does not delay the others,
//! except those that would move the offset of its stream past its rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    pipeline::delivery::Ticket,
    storage::{Applied, Write},
};

/// A batch to commit.
#[derive(Debug)]
pub struct Job {
    /// Names it in the answer.
    pub ticket: Ticket,
    /// What to write.
    pub writes: Arc<Vec<Write>>,
}

impl Job {
    fn streams(&self) -> impl Iterator<Item = &String> {
        self.writes.iter().filter_map(|write| {
            let Write::StreamOffset { stream, .. } = write else { return None };
            Some(stream)
        })
    }
}

/// Commits batches together.
#[derive(Debug, Default)]
pub struct GroupCommit {
    /// Batches that have failed and not been committed since, by the stream whose offset they move.
    failed: BTreeMap<String, BTreeSet<Ticket>>,
}

impl GroupCommit {
    /// Commits the batches as one transaction with `apply`; if that fails, each as its own. Returns
    /// the result of each.
    pub fn commit(
        &mut self,
        jobs: Vec<Job>,
        mut apply: impl FnMut(&[Write]) -> Result<Applied, String>,
    ) -> Vec<(Ticket, Result<Applied, String>)> {
        if jobs.len() > 1 && self.failed.is_empty() {
            let all: Vec<Write> = jobs.iter().flat_map(|job| job.writes.iter().cloned()).collect();
            if let Ok(applied) = apply(&all) {
                return share(&jobs, applied);
            }
        }
        jobs.into_iter()
            .map(|job| {
                let result = if self.is_held(&job) {
                    Err("an earlier message of the same stream is not written yet".to_owned())
                } else {
                    apply(&job.writes)
                };
                self.record(&job, result.is_ok());
                (job.ticket, result)
            })
            .collect()
    }

    /// Whether this batch would move an offset past rows that are not written.
    fn is_held(&self, job: &Job) -> bool {
        job.streams().filter_map(|stream| self.failed.get(stream)?.first()).any(|first| *first < job.ticket)
    }

    fn record(&mut self, job: &Job, is_written: bool) {
        for stream in job.streams() {
            if is_written {
                if let Some(failed) = self.failed.get_mut(stream) {
                    failed.remove(&job.ticket);
                }
            } else {
                self.failed.entry(stream.clone()).or_default().insert(job.ticket);
            }
        }
        self.failed.retain(|_, failed| !failed.is_empty());
    }
}

/// Gives each batch its part of the transaction's result. Which popups to withdraw is known only
/// after the whole transaction, so the last batch gets them.
fn share(jobs: &[Job], applied: Applied) -> Vec<(Ticket, Result<Applied, String>)> {
    let Applied { outcomes, withdraw } = applied;
    let mut outcomes = outcomes.into_iter();
    let mut shared: Vec<(Ticket, Result<Applied, String>)> = jobs
        .iter()
        .map(|job| {
            let outcomes = outcomes.by_ref().take(job.writes.len()).collect();
            (job.ticket, Ok(Applied { outcomes, withdraw: Vec::new() }))
        })
        .collect();
    if let Some((_, Ok(last))) = shared.last_mut() {
        last.withdraw = withdraw;
    }
    shared
}
