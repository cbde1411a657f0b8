//! How the driver learns that one of its tasks or threads has panicked.
//!
//! A task that is gone reports nothing: a page never comes, a connection is never lost. So the
//! engine ends with it, in order, and the owner of the engine starts another one.

use tokio::sync::mpsc::UnboundedSender;

/// Held by a task or a thread as long as it runs; reports when it panics.
#[derive(Debug, Clone)]
pub(crate) struct PanicGuard(pub(crate) UnboundedSender<()>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // A driver that has ended needs no report.
            let _ = self.0.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[tokio::test]
    async fn a_task_or_thread_that_panics_reports_it_and_one_that_ends_does_not() {
        let (panics, mut reported) = unbounded_channel();
        let guard = PanicGuard(panics);
        let hold = |is_broken: bool| {
            let guard = guard.clone();
            move || {
                let _guard = guard;
                assert!(!is_broken, "a panic on purpose");
            }
        };
        let (well, broken) = (hold(false), hold(true));
        std::thread::spawn(hold(false)).join().unwrap();
        tokio::spawn(async move { well() }).await.unwrap();
        assert!(reported.try_recv().is_err());
        std::thread::spawn(hold(true)).join().unwrap_err();
        assert_eq!(reported.try_recv(), Ok(()));
        // In a later step of the task than the first.
        let task = tokio::spawn(async move {
            tokio::task::yield_now().await;
            broken();
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(reported.try_recv(), Ok(()));
    }
}
