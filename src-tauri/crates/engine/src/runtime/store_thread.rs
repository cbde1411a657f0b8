//! The thread that owns the store while an engine runs.
//!
//! It commits everything that is queued as one transaction with one fsync, without a timer: a
//! single message is committed at once, and the messages of a burst share the cost. When idle it
//! looks for changes by other programs, updates the search index and removes notices older than the
//! retention. The index costs more than the notices, so it waits for the end of a burst, but not for
//! ever; and it makes way for a batch. Deliberately absent: what to write
//! ([`belfry_core::pipeline::delivery`]).

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
const CHANGE_CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// How long a delete can be undone; longer than the window offers it
/// ([`crate::inbox::UNDO_OFFERED`]).
const UNDO_KEPT: SignedDuration = SignedDuration::from_secs(20);
/// How often notices older than the retention are removed.
const EXPIRE_INTERVAL: Duration = Duration::from_secs(3_600);
/// How many rows the idle thread removes in one transaction, or indexes during a burst: a few
/// milliseconds.
const IDLE_SLICE: usize = 200;
/// How many rows the idle thread indexes in one transaction, if no batch comes: the fewer at once,
/// the more often SQLite merges them.
const INDEX_SLICE: usize = 2_000;
/// So long after the last batch the burst is over, and what it has brought is indexed.
const BURST_GAP: Duration = Duration::from_millis(20);
/// A burst that lasts longer is indexed between its batches.
const LONG_BURST: Duration = Duration::from_secs(10);
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

/// What the driver asks of the thread.
#[derive(Debug)]
enum Request {
    /// Commit this.
    Apply(Job),
    /// Check now whether others have changed the inbox.
    CheckForChanges,
}

/// The running thread, as the driver holds it.
#[derive(Debug)]
pub(crate) struct StoreThread {
    requests: Sender<Request>,
    reports: UnboundedSender<StoreReport>,
    thread: JoinHandle<()>,
}

impl StoreThread {
    /// Starts the thread. `retention` is how long notices are kept; `trim_memory` gives freed memory
    /// back to the system.
    ///
    /// # Errors
    /// The system's, when it has no thread to give.
    pub(crate) fn start(
        store: Store,
        retention: SignedDuration,
        trim_memory: fn(),
        reports: UnboundedSender<StoreReport>,
        guard: PanicGuard,
    ) -> std::io::Result<Self> {
        let (requests, queue) = channel();
        let own_reports = reports.clone();
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            let _guard = guard;
            StoreWorker::new(store, retention, trim_memory, reports).run(&queue);
        })?;
        Ok(Self { requests, reports: own_reports, thread })
    }

    /// Queues a batch.
    pub(crate) fn apply(&self, job: Job) {
        if let Err(SendError(Request::Apply(job))) = self.requests.send(Request::Apply(job)) {
            // The pipeline retries and shows this text as the reason. The server keeps what is not
            // acknowledged.
            let result = Err("the store thread has ended: start Belfry again".to_owned());
            drop(self.reports.send(StoreReport::Applied { ticket: job.ticket, result }));
        }
    }

    /// Checks now whether others have changed the inbox.
    pub(crate) fn check_for_changes(&self) {
        // A thread that has ended is reported when something is to be committed.
        let _ = self.requests.send(Request::CheckForChanges);
    }

    /// Commits what is queued, then ends. Blocks until then.
    pub(crate) fn finish(self) {
        drop(self.requests);
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
    index: IndexState,
    trim_memory: fn(),
    /// Memory was used since the last time that it was given back.
    has_worked: bool,
    /// What came while the index was updated or a group was made.
    next: Option<Request>,
}

/// How far the search index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IndexState {
    /// It has every notice.
    Complete,
    /// Some are missing since then, and the burst that brought them may not be over.
    Waiting(Instant),
    /// It is being updated, until a batch comes.
    Updating,
}

impl StoreWorker {
    fn new(store: Store, retention: SignedDuration, trim_memory: fn(), reports: UnboundedSender<StoreReport>) -> Self {
        Self {
            store,
            group_commit: GroupCommit::default(),
            retention,
            reports,
            expire_at: Instant::now(),
            // The last run may have ended before the index was complete.
            index: IndexState::Updating,
            trim_memory,
            has_worked: true,
            next: None,
        }
    }

    fn run(mut self, queue: &Receiver<Request>) {
        self.report_counts();
        loop {
            let next = match self.next.take() {
                Some(next) => Ok(next),
                None => queue.recv_timeout(self.timeout()),
            };
            match next {
                Ok(Request::Apply(first)) => self.commit(first, queue),
                Ok(Request::CheckForChanges) => self.maintain(queue),
                Err(RecvTimeoutError::Timeout) => self.handle_timeout(queue),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// How long to wait for a batch before other work is done.
    fn timeout(&self) -> Duration {
        match self.index {
            IndexState::Updating => Duration::ZERO,
            IndexState::Waiting(since) if since.elapsed() >= LONG_BURST => Duration::ZERO,
            IndexState::Waiting(_) => BURST_GAP,
            IndexState::Complete => CHANGE_CHECK_INTERVAL,
        }
    }

    /// No batch has come meanwhile. A burst leaves SQLite's copies of pages, and free pieces between
    /// those that are kept: they are given back once, when the thread is idle.
    fn handle_timeout(&mut self, queue: &Receiver<Request>) {
        let is_idle = self.index == IndexState::Complete;
        self.maintain(queue);
        if is_idle && std::mem::take(&mut self.has_worked) {
            if let Err(error) = self.store.shrink_memory() {
                tracing::warn!(%error, "the memory of the inbox was not freed");
            }
            (self.trim_memory)();
        }
    }

    fn commit(&mut self, first: Job, queue: &Receiver<Request>) {
        self.has_worked = true;
        let (mut count, mut bytes) = (first.writes.len(), bytes_of(&first));
        let mut jobs = vec![first];
        while count < MAX_GROUP_WRITES
            && bytes < MAX_GROUP_BYTES
            && let Ok(request) = queue.try_recv()
        {
            match request {
                Request::Apply(job) => {
                    count += job.writes.len();
                    bytes += bytes_of(&job);
                    jobs.push(job);
                }
                Request::CheckForChanges => {
                    self.next = Some(Request::CheckForChanges);
                    break;
                }
            }
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
        self.report_counts();
        if has_changed {
            self.report(StoreReport::NoticesChanged);
        }
        if (has_changed && self.index == IndexState::Complete) || self.index == IndexState::Updating {
            self.index = IndexState::Waiting(Instant::now());
        }
    }

    fn maintain(&mut self, queue: &Receiver<Request>) {
        if let Err(error) = self.try_maintain(queue) {
            tracing::warn!(%error, "the maintenance of the inbox failed");
            self.index = IndexState::Complete;
        }
    }

    fn try_maintain(&mut self, queue: &Receiver<Request>) -> Result<(), StoreError> {
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
        self.update_index(queue)
    }

    /// Indexes a slice. Between the batches of a long burst all of it, so that the index gets on;
    /// otherwise a batch ends it.
    fn update_index(&mut self, queue: &Receiver<Request>) -> Result<(), StoreError> {
        let is_in_burst = matches!(self.index, IndexState::Waiting(since) if since.elapsed() >= LONG_BURST);
        let limit = if is_in_burst { IDLE_SLICE } else { INDEX_SLICE };
        let mut next = None;
        let indexed = self.store.index_while(limit, || {
            next = if is_in_burst { None } else { queue.try_recv().ok() };
            next.is_none()
        });
        self.next = next;
        self.index = match (indexed?, self.index) {
            (0, _) => IndexState::Complete,
            (_, waiting) if is_in_burst => waiting,
            _ => IndexState::Updating,
        };
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
        Outcome::Known { .. } | Outcome::Deleted | Outcome::KnownRejected | Outcome::Claimed(_) | Outcome::Done => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::mpsc::UnboundedReceiver;

    use super::*;
    use crate::inbox::Inbox;
    use crate::store::Filter;
    use crate::store::tests::{arrival, notice};

    fn worker() -> (StoreWorker, UnboundedReceiver<StoreReport>) {
        let (reports, reported) = tokio::sync::mpsc::unbounded_channel();
        let store = Store::open_in_memory().unwrap();
        (StoreWorker::new(store, SignedDuration::from_hours(1_000_000), || {}, reports), reported)
    }

    fn job(ids: &[&str]) -> Job {
        Job { ticket: Ticket(1), writes: Arc::new(ids.iter().map(|id| arrival(notice(id))).collect()) }
    }

    fn request(ids: &[&str]) -> Request {
        Request::Apply(job(ids))
    }

    #[test]
    fn a_burst_is_indexed_when_it_is_over_unless_it_lasts() {
        let (mut worker, _reported) = worker();
        let (requests, queue) = channel();
        worker.maintain(&queue);
        assert_eq!((worker.index, worker.timeout()), (IndexState::Complete, CHANGE_CHECK_INTERVAL));
        worker.commit(job(&["1", "2"]), &queue);
        assert!(matches!(worker.index, IndexState::Waiting(_)), "{:?}", worker.index);
        let burst = worker.index;
        worker.commit(job(&["3"]), &queue);
        assert_eq!((worker.index, worker.timeout()), (burst, BURST_GAP), "it is the same burst");
        // Nothing has come for a while.
        worker.maintain(&queue);
        assert_eq!((worker.index, worker.timeout()), (IndexState::Updating, Duration::ZERO));
        worker.maintain(&queue);
        assert_eq!(worker.index, IndexState::Complete);

        let long = IndexState::Waiting(Instant::now().checked_sub(LONG_BURST).unwrap());
        worker.commit(job(&["4", "5"]), &queue);
        worker.index = long;
        assert_eq!(worker.timeout(), Duration::ZERO, "only while nothing is queued");
        requests.send(request(&["6"])).unwrap();
        worker.maintain(&queue);
        assert_eq!((worker.index, worker.store.index_some(9).unwrap()), (long, 0), "a batch does not end the slice");
        assert!(worker.next.is_none() && queue.try_recv().is_ok(), "it waits in the queue");
    }

    #[test]
    fn a_batch_ends_the_indexing_and_is_committed_next() {
        let (mut worker, mut reported) = worker();
        let (requests, queue) = channel();
        worker.commit(job(&["1", "2", "3"]), &queue);
        requests.send(request(&["4"])).unwrap();
        worker.maintain(&queue);
        assert!(worker.next.is_some());
        assert_eq!(worker.store.index_some(9).unwrap(), 2, "after one notice");
        drop(requests);
        worker.run(&queue);
        let mut counts = Vec::new();
        while let Ok(report) = reported.try_recv() {
            counts.extend(if let StoreReport::Counts(counts) = report { Some(counts.notices) } else { None });
        }
        assert_eq!(counts.last(), Some(&4));
    }

    #[test]
    fn every_commit_that_changes_a_notice_is_reported_also_where_the_counts_stay_equal() {
        let (mut worker, mut reported) = worker();
        let (requests, queue) = channel();
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
        let job = |id: &str| job(&[id]);
        worker.commit(job("1"), &queue);
        assert_eq!(last(), (Some(1), 1));
        worker.commit(job("1"), &queue);
        assert_eq!(last(), (Some(1), 0), "it is known");
        // One expires, another one arrives: the counts are what they were.
        worker.retention = SignedDuration::from_hours(-1);
        worker.maintain(&queue);
        worker.commit(job("2"), &queue);
        assert_eq!(last(), (Some(1), 2));
        drop(requests);
    }

    #[test]
    fn memory_is_given_back_once_after_a_burst_when_nothing_is_left_to_do() {
        static TIMES: AtomicUsize = AtomicUsize::new(0);
        let (mut worker, _reported) = worker();
        worker.trim_memory = || {
            TIMES.fetch_add(1, Ordering::Relaxed);
        };
        let (_requests, queue) = channel();
        let mut after = |batch: Option<&str>, timeouts: usize| {
            if let Some(id) = batch {
                worker.commit(job(&[id]), &queue);
            }
            (0..timeouts).for_each(|_| worker.handle_timeout(&queue));
            (worker.index, TIMES.load(Ordering::Relaxed))
        };
        assert_eq!(after(Some("1"), 2), (IndexState::Complete, 0), "it was indexed meanwhile");
        assert_eq!(after(None, 1), (IndexState::Complete, 1));
        assert_eq!(after(None, 9), (IndexState::Complete, 1));
        assert_eq!(after(Some("2"), 3), (IndexState::Complete, 2));
    }

    #[test]
    fn a_check_for_changes_behind_a_batch_that_changes_nothing_is_carried_out() {
        let (mut worker, mut reported) = worker();
        worker.commit(job(&["1"]), &channel().1);
        let mut inbox = Inbox::open_beside(&worker.store).unwrap();
        let seqs = inbox.seqs(&Filter::default(), 1).unwrap();
        assert_eq!(inbox.mark(&seqs, true).unwrap(), 1);
        worker.index = IndexState::Complete;
        let (requests, queue) = channel();
        for request in [request(&["1"]), Request::CheckForChanges] {
            requests.send(request).unwrap();
        }
        drop(requests);
        worker.run(&queue);
        let mut is_reported = false;
        while let Ok(report) = reported.try_recv() {
            is_reported |= matches!(report, StoreReport::ChangedElsewhere { .. });
        }
        assert!(is_reported);
    }

    #[test]
    fn a_store_thread_that_has_ended_reports_it_for_each_batch() {
        let (reports, mut reported) = tokio::sync::mpsc::unbounded_channel();
        let (requests, _) = channel();
        let store_thread = StoreThread { requests, reports, thread: std::thread::spawn(|| {}) };
        store_thread.apply(Job { ticket: Ticket(7), writes: Arc::default() });
        let report = reported.try_recv();
        assert!(matches!(report, Ok(StoreReport::Applied { ticket: Ticket(7), result: Err(_) })), "{report:?}");
    }
}
