//! The thread that owns the store while an engine runs.
//!
//! It commits everything that is queued as one transaction with one fsync, without a timer: a
//! single message is committed at once, and the messages of a burst share the cost. When idle it
//! looks for changes by other programs, updates the search index and removes notices older than the
//! retention. Deliberately absent: what to write ([`belfry_core::pipeline::delivery`]).

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SendError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::UnboundedSender;

use crate::clock;
use crate::runtime::panic_guard::PanicGuard;
use crate::store::{Store, StoreError};
use belfry_core::{
    notice::NoticeKey,
    pipeline::{
        delivery::Ticket,
        group_commit::{GroupCommit, Job},
    },
    ports::PopupId,
    storage::{Applied, Counts, Outcome, Write},
};

/// How often the idle thread checks whether another program has changed the inbox.
const CHANGE_CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// How long a delete can be undone; longer than the window offers it
/// ([`crate::inbox::UNDO_OFFERED`]).
const UNDO_KEPT: SignedDuration = SignedDuration::from_secs(20);
/// How often notices older than the retention are removed.
const EXPIRE_INTERVAL: Duration = Duration::from_secs(3_600);
/// How many rows the idle thread indexes or removes in one transaction: a few milliseconds.
const IDLE_SLICE: usize = 200;
/// Most writes of one transaction; the others wait for the next.
const MAX_GROUP_WRITES: usize = 2_000;
/// Most bytes of one transaction, which are copied to be written together; a larger batch is
/// written on its own.
const MAX_GROUP_BYTES: usize = 4 << 20;

/// What the store thread reports to the driver.
#[derive(Debug)]
pub(crate) enum StoreReport {
    /// A batch is committed or has failed.
    Applied {
        /// Which.
        ticket: Ticket,
        /// What became of it.
        result: Result<Applied, String>,
    },
    /// Another program has changed the inbox.
    ChangedElsewhere {
        /// None of these popups stands for an unread, open notice any more.
        withdraw: Vec<PopupId>,
        /// What a person has asked the server to delete.
        server_deletions: Vec<(NoticeKey, Timestamp)>,
    },
    /// Another program has changed the account's secret.
    SignInsChanged,
    /// How many notices there are now.
    Counts(Counts),
    /// A commit of this thread has added, changed or removed a notice; after its counts.
    NoticesChanged,
}

/// What the driver wants of the thread.
#[derive(Debug)]
enum Order {
    /// Commit this.
    Apply(Job),
    /// Look for changes by others now.
    Look,
}

/// The running thread, as the driver holds it.
#[derive(Debug)]
pub(crate) struct StoreThread {
    orders: Sender<Order>,
    reports: UnboundedSender<StoreReport>,
    thread: JoinHandle<()>,
}

impl StoreThread {
    /// Starts the thread. `retention` is how long notices are kept.
    ///
    /// # Errors
    /// The system's, when it has no thread to give.
    pub(crate) fn start(
        store: Store,
        retention: SignedDuration,
        reports: UnboundedSender<StoreReport>,
        guard: PanicGuard,
    ) -> std::io::Result<Self> {
        let (orders, queue) = channel();
        let own_reports = reports.clone();
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            let _guard = guard;
            let group_commit = GroupCommit::default();
            StoreWorker { store, group_commit, retention, reports, expire_at: Instant::now(), is_indexing: true }
                .run(&queue);
        })?;
        Ok(Self { orders, reports: own_reports, thread })
    }

    /// Queues a batch.
    pub(crate) fn apply(&self, job: Job) {
        if let Err(SendError(Order::Apply(job))) = self.orders.send(Order::Apply(job)) {
            // The pipeline retries and shows this text as the reason. The server keeps what is not
            // acknowledged.
            let result = Err("the store thread has ended: start Belfry again".to_owned());
            drop(self.reports.send(StoreReport::Applied { ticket: job.ticket, result }));
        }
    }

    /// Looks for changes by others now.
    pub(crate) fn look(&self) {
        // A thread that has ended is reported when something is to be committed.
        let _ = self.orders.send(Order::Look);
    }

    /// Commits what is queued, then ends. Blocks until then.
    pub(crate) fn finish(self) {
        drop(self.orders);
        if self.thread.join().is_err() {
            tracing::error!("the store thread ended in a panic");
        }
    }
}

struct StoreWorker {
    store: Store,
    group_commit: GroupCommit,
    retention: SignedDuration,
    reports: UnboundedSender<StoreReport>,
    expire_at: Instant,
    is_indexing: bool,
}

impl StoreWorker {
    fn run(mut self, queue: &Receiver<Order>) {
        self.report_counts();
        loop {
            let idle = if self.is_indexing { Duration::ZERO } else { CHANGE_CHECK_INTERVAL };
            match queue.recv_timeout(idle) {
                Ok(Order::Apply(first)) => self.commit(first, queue),
                Ok(Order::Look) | Err(RecvTimeoutError::Timeout) => self.maintain(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn commit(&mut self, first: Job, queue: &Receiver<Order>) {
        let (mut count, mut bytes) = (first.writes.len(), bytes_of(&first));
        let mut jobs = vec![first];
        // A request to look ends the group. It needs no more: a commit is followed by a look.
        while count < MAX_GROUP_WRITES
            && bytes < MAX_GROUP_BYTES
            && let Ok(Order::Apply(job)) = queue.try_recv()
        {
            count += job.writes.len();
            bytes += bytes_of(&job);
            jobs.push(job);
        }
        let Self { store, group_commit, .. } = self;
        let apply = |writes: &[Write]| {
            store.apply(writes).map_err(|error| {
                tracing::warn!(%error, "a batch was not committed");
                error.to_string()
            })
        };
        let mut has_changed = false;
        for (ticket, result) in group_commit.commit(jobs, apply) {
            has_changed |= result.as_ref().is_ok_and(|applied| applied.outcomes.iter().any(changes_a_notice));
            self.report(StoreReport::Applied { ticket, result });
        }
        self.is_indexing = true;
        self.report_counts();
        if has_changed {
            self.report(StoreReport::NoticesChanged);
        }
    }

    fn maintain(&mut self) {
        if let Err(error) = self.try_maintain() {
            tracing::warn!(%error, "the maintenance of the inbox failed");
            self.is_indexing = false;
        }
    }

    fn try_maintain(&mut self) -> Result<(), StoreError> {
        if self.store.changed_elsewhere()? {
            if self.store.sign_ins_changed()? {
                self.report(StoreReport::SignInsChanged);
            }
            let (withdraw, server_deletions) = (self.store.stale_popups()?, self.store.server_deletions()?);
            // First, so that who reads the inbox again because of the change finds the new counts.
            self.report_counts();
            self.report(StoreReport::ChangedElsewhere { withdraw, server_deletions });
        }
        let now = clock::now().wall;
        self.store.empty_trash(now.checked_sub(UNDO_KEPT).unwrap_or(Timestamp::MIN))?;
        if self.expire_at <= Instant::now() {
            let before = now.checked_sub(self.retention).unwrap_or(Timestamp::MIN);
            let expired = self.store.expire(before, IDLE_SLICE)?;
            if expired < IDLE_SLICE {
                self.expire_at = Instant::now() + EXPIRE_INTERVAL;
            }
            self.report_counts();
            if expired > 0 {
                self.report(StoreReport::NoticesChanged);
            }
        }
        self.is_indexing = self.store.index_some(IDLE_SLICE)? > 0;
        Ok(())
    }

    fn report_counts(&self) {
        match self.store.counts() {
            Ok(counts) => self.report(StoreReport::Counts(counts)),
            Err(error) => tracing::warn!(%error, "the notices could not be counted"),
        }
    }

    fn report(&self, report: StoreReport) {
        // If the driver has ended, the report is not needed: what is committed stays committed.
        let _ = self.reports.send(report);
    }
}

fn bytes_of(job: &Job) -> usize {
    job.writes.iter().map(Write::size).sum()
}

/// Whether a window that shows the inbox has to read it again after this.
fn changes_a_notice(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::New { .. } | Outcome::Changed { .. } | Outcome::Released(_) | Outcome::ServerDeletion => true,
        Outcome::Known { .. } | Outcome::Deleted | Outcome::Claimed(_) | Outcome::Done => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inbox::Inbox;
    use crate::store::Filter;
    use crate::store::tests::{arrival, notice};

    #[test]
    fn every_commit_that_changes_a_notice_is_reported_also_where_the_counts_stay_equal() {
        let (reports, mut reported) = tokio::sync::mpsc::unbounded_channel();
        let (orders, queue) = channel();
        let mut worker = worker(Store::open_in_memory().unwrap(), reports);
        let mut last = || {
            let (mut counts, mut changes) = (None, 0);
            while let Ok(report) = reported.try_recv() {
                match report {
                    StoreReport::Counts(now) => counts = Some(now.notices),
                    StoreReport::NoticesChanged => changes += 1,
                    StoreReport::Applied { result, .. } => drop(result.unwrap()),
                    other => panic!("{other:?}"),
                }
            }
            (counts, changes)
        };
        let job = |id: &str| Job { ticket: Ticket(1), writes: Arc::new(vec![arrival(notice(id))]) };
        worker.commit(job("1"), &queue);
        assert_eq!(last(), (Some(1), 1));
        worker.commit(job("1"), &queue);
        assert_eq!(last(), (Some(1), 0), "it is known");
        // One expires, another one arrives: the counts are what they were.
        worker.retention = SignedDuration::from_hours(-1);
        worker.maintain();
        worker.commit(job("2"), &queue);
        assert_eq!(last(), (Some(1), 2));
        drop(orders);
    }

    #[test]
    fn what_another_connection_has_changed_is_reported_when_it_is_asked_for() {
        let (reports, mut reported) = tokio::sync::mpsc::unbounded_channel();
        let mut store = Store::open_in_memory().unwrap();
        store.apply(&[arrival(notice("1"))]).unwrap();
        let mut inbox = Inbox::open_beside(&store).unwrap();
        let seqs = inbox.seqs(&Filter::default(), 1).unwrap();
        let (orders, queue) = channel();
        orders.send(Order::Look).unwrap();
        drop(orders);
        inbox.mark(&seqs, true).unwrap();
        let worker = worker(store, reports);
        worker.run(&queue);
        let mut is_reported = false;
        while let Ok(report) = reported.try_recv() {
            is_reported |= matches!(report, StoreReport::ChangedElsewhere { .. });
        }
        assert!(is_reported);
    }

    fn worker(store: Store, reports: UnboundedSender<StoreReport>) -> StoreWorker {
        StoreWorker {
            store,
            group_commit: GroupCommit::default(),
            retention: SignedDuration::from_hours(1_000_000),
            reports,
            expire_at: Instant::now(),
            is_indexing: false,
        }
    }

    #[test]
    fn a_store_thread_that_has_ended_reports_it_for_each_batch() {
        let (reports, mut reported) = tokio::sync::mpsc::unbounded_channel();
        let (orders, _) = channel();
        let store_thread = StoreThread { orders, reports, thread: std::thread::spawn(|| {}) };
        store_thread.apply(Job { ticket: Ticket(7), writes: Arc::default() });
        let report = reported.try_recv();
        assert!(matches!(report, Ok(StoreReport::Applied { ticket: Ticket(7), result: Err(_) })), "{report:?}");
    }
}
