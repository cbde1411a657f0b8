//! The thread that compares the clocks, to notice that the machine has slept where the system does
//! not say so.
//!
//! Not a timer of the runtime: one that is due in seconds wakes the processor up to three times
//! (the levels of tokio's timer wheel), and this one runs as long as the program does. Deliberately
//! absent: what a sleep is ([`SleepWatch`]).

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Builder;
use std::time::Duration;

use belfry_core::clock::{Now, SleepWatch};
use tokio::sync::mpsc::UnboundedSender;

use crate::clock;
use crate::runtime::panic_guard::PanicGuard;

/// How often the clocks are compared.
const INTERVAL: Duration = Duration::from_secs(5);

/// The running thread. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct SleepThread {
    _alive: Sender<()>,
}

impl SleepThread {
    /// Starts the thread, which sends to `sleeps` when the machine seems to have slept.
    pub(crate) fn start(sleeps: UnboundedSender<()>, guard: PanicGuard) -> Self {
        let (alive, ended) = channel();
        let work = move || {
            let _guard = guard;
            compare(&sleeps, &ended, INTERVAL, clock::now);
        };
        if let Err(error) = Builder::new().name("sleep".to_owned()).spawn(work) {
            tracing::error!(%error, "no thread to notice that the machine has slept");
        }
        Self { _alive: alive }
    }
}

fn compare(sleeps: &UnboundedSender<()>, ended: &Receiver<()>, interval: Duration, mut now: impl FnMut() -> Now) {
    let mut watch = SleepWatch::new(now());
    while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
        if watch.has_slept(now()) {
            // A driver that has ended needs no report.
            let _ = sleeps.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[test]
    fn a_gap_between_the_clocks_is_reported_once_and_the_thread_ends_with_its_owner() {
        let (sleeps, mut slept) = unbounded_channel();
        let (alive, ended) = channel();
        let mut alive = Some(alive);
        let (start, mut readings) = (clock::now(), 0);
        let now = || {
            readings += 1;
            if readings == 5 {
                alive = None;
            }
            let asleep = SignedDuration::from_secs(if readings > 2 { 600 } else { 0 });
            Now { mono: start.mono, wall: start.wall + asleep }
        };
        compare(&sleeps, &ended, Duration::ZERO, now);
        assert_eq!((slept.try_recv(), slept.try_recv().is_err(), readings), (Ok(()), true, 5));
    }
}
