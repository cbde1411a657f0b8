//! When to show in window and tray that the inbox has changed: at once, and not more often than a
//! person can read.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Shortest time between two updates, so that a burst of changes costs little. Each one lays the
/// window's list out again, and draws the tray's picture; a person reads no more than a few of them
/// a second.
const PAUSE: Duration = Duration::from_millis(250);

/// Changes that window and tray do not show yet.
#[derive(Debug)]
pub(crate) struct InboxChanges {
    is_pending: bool,
    not_before: Instant,
}

impl InboxChanges {
    pub(crate) fn new() -> Self {
        Self { is_pending: false, not_before: Instant::now() }
    }

    /// Something has changed.
    pub(crate) fn note(&mut self) {
        self.is_pending = true;
    }

    /// Returns when they are to be shown; dropping this loses nothing.
    pub(crate) async fn due(&self) {
        if !self.is_pending {
            std::future::pending::<()>().await;
        }
        sleep_until(self.not_before).await;
    }

    /// They are shown now.
    pub(crate) fn told(&mut self) {
        *self = Self { is_pending: false, not_before: Instant::now() + PAUSE };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_of_changes_is_told_at_once_and_then_once_more_after_the_pause() {
        let mut changes = InboxChanges::new();
        changes.note();
        changes.due().await;
        let told = Instant::now();
        changes.told();
        for _ in 0..100 {
            changes.note();
        }
        changes.due().await;
        assert!(told.elapsed() >= PAUSE);
        changes.told();
        tokio::select! {
            biased;
            () = changes.due() => panic!("nothing has changed"),
            () = std::future::ready(()) => {}
        }
    }
}
