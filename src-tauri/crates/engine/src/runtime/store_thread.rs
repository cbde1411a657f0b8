//! The thread that owns the store while an engine runs.
//!
//! It takes what is queued and makes it one transaction with one fsync, without a timer: alone, a message is committed at
//! once; in a burst, many share the cost. When idle it looks for what others changed, follows with the index and
//! lets go of what has outlived its retention. Absent: what to write (the [`belfry_core::pipeline::delivery`]).

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SendError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::UnboundedSender;

use crate::clock;
use crate::store::{Store, StoreError};
use belfry_core::{
    pipeline::{
        delivery::Ticket,
        group_commit::{GroupCommit, Job},
    },
    ports::PopupId,
    storage::{Applied, Counts, Write},
};

/// How often an idle writer looks whether somebody else has changed the inbox.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a delete can be taken back; longer than any window offers it.
const TRASH_KEPT: SignedDuration = SignedDuration::from_secs(20);
/// How often old notices are let go.
const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);
/// How many rows an idle writer indexes or lets go in one slice: a few milliseconds.
const SLICE: usize = 200;
/// Writes of one transaction; more wait for the next.
const BATCH: usize = 2_000;

/// What the writer tells the driver.
#[derive(Debug)]
pub(crate) enum Report {
    /// A batch is committed or has failed.
    Applied {
        /// Which.
        ticket: Ticket,
        /// What became of it.
        result: Result<Applied, String>,
    },
    /// Somebody else has changed the inbox; these popups speak for nothing any more.
    ChangedElsewhere(Vec<PopupId>),
    /// Another program has changed the account's secret.
    SignInsChanged,
    /// How many there are now.
    Counts(Counts),
}

/// The running writer.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Sender<Job>,
    reports: UnboundedSender<Report>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread. `retention` is how long notices are kept.
    ///
    /// # Errors
    /// The system's, when it has no thread to give.
    pub(crate) fn start(
        store: Store,
        retention: SignedDuration,
        reports: UnboundedSender<Report>,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = channel();
        let told = reports.clone();
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            let grouping = GroupCommit::default();
            Work { store, grouping, retention, reports, expire_at: Instant::now(), is_indexing: true }.run(&queue);
        })?;
        Ok(Self { jobs, reports: told, thread })
    }

    /// Queues a batch.
    pub(crate) fn apply(&self, job: Job) {
        if let Err(SendError(job)) = self.jobs.send(job) {
            // It is tried again, in vain, and people see why nothing arrives; the server keeps what is not acknowledged.
            let result = Err("the writer has ended: start Belfry again".to_owned());
            drop(self.reports.send(Report::Applied { ticket: job.ticket, result }));
        }
    }

    /// Commits what is queued, then ends. Blocks until then.
    pub(crate) fn finish(self) {
        drop(self.jobs);
        if self.thread.join().is_err() {
            tracing::error!("the writer ended in a panic");
        }
    }
}

struct Work {
    store: Store,
    grouping: GroupCommit,
    retention: SignedDuration,
    reports: UnboundedSender<Report>,
    expire_at: Instant,
    is_indexing: bool,
}

impl Work {
    fn run(mut self, queue: &Receiver<Job>) {
        self.tell_counts();
        loop {
            let idle = if self.is_indexing { Duration::ZERO } else { LOOK_EVERY };
            match queue.recv_timeout(idle) {
                Ok(first) => self.commit(first, queue),
                Err(RecvTimeoutError::Timeout) => self.tidy(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn commit(&mut self, first: Job, queue: &Receiver<Job>) {
        let mut size = first.writes.len();
        let mut jobs = vec![first];
        while size < BATCH
            && let Ok(job) = queue.try_recv()
        {
            size += job.writes.len();
            jobs.push(job);
        }
        let Self { store, grouping, .. } = self;
        let apply = |writes: &[Write]| {
            store.apply(writes).map_err(|error| {
                tracing::warn!(%error, "a batch was not committed");
                error.to_string()
            })
        };
        for (ticket, result) in grouping.commit(jobs, apply) {
            self.tell(Report::Applied { ticket, result });
        }
        self.is_indexing = true;
        self.tell_counts();
    }

    fn tidy(&mut self) {
        if let Err(error) = self.try_tidy() {
            tracing::warn!(%error, "the inbox could not be tidied");
            self.is_indexing = false;
        }
    }

    fn try_tidy(&mut self) -> Result<(), StoreError> {
        if self.store.changed_elsewhere()? {
            if self.store.sign_ins_changed()? {
                self.tell(Report::SignInsChanged);
            }
            let withdraw = self.store.stale_popups()?;
            self.tell(Report::ChangedElsewhere(withdraw));
            self.tell_counts();
        }
        let now = clock::now().wall;
        self.store.empty_trash(now.checked_sub(TRASH_KEPT).unwrap_or(Timestamp::MIN))?;
        if self.expire_at <= Instant::now() {
            let before = now.checked_sub(self.retention).unwrap_or(Timestamp::MIN);
            if self.store.expire(before, SLICE)? < SLICE {
                self.expire_at = Instant::now() + EXPIRE_EVERY;
            }
            self.tell_counts();
        }
        self.is_indexing = self.store.index_some(SLICE)? > 0;
        Ok(())
    }

    fn tell_counts(&self) {
        match self.store.counts() {
            Ok(counts) => self.tell(Report::Counts(counts)),
            Err(error) => tracing::warn!(%error, "the notices could not be counted"),
        }
    }

    fn tell(&self, report: Report) {
        // Nobody listens any more: the engine is ending, and what is committed stays committed.
        let _ = self.reports.send(report);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_writer_that_has_died_says_so_for_each_batch() {
        let (reports, mut reported) = tokio::sync::mpsc::unbounded_channel();
        let (jobs, _) = channel();
        let writer = Writer { jobs, reports, thread: std::thread::spawn(|| {}) };
        writer.apply(Job { ticket: Ticket(7), writes: Arc::default() });
        let said = reported.try_recv();
        assert!(matches!(said, Ok(Report::Applied { ticket: Ticket(7), result: Err(_) })), "{said:?}");
    }
}
