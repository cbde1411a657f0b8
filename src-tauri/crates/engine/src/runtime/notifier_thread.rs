//! The thread that talks to the desktop, in order: a notification service may take its time.
//!
//! It executes the [`PopupQueue`], which refuses an update of a popup that has left the screen
//! meanwhile. The queue learns of that here, at once, and not through the driver. Deliberately
//! absent: what is shown, and when ([`belfry_core::pipeline::delivery`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use tokio::sync::mpsc::UnboundedSender;

use crate::runtime::panic_guard::PanicGuard;
use belfry_core::{
    pipeline::delivery::ShowId,
    pipeline::popup_queue::{PopupQueue, PopupStep},
    ports::{Notifier, NotifyError, Popup, PopupEvent, PopupId},
};

/// What the notifier thread reports to the driver, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum NotifierReport {
    /// A popup was shown or refused; and whether the system does not disturb the person now.
    Shown(ShowId, Result<PopupId, NotifyError>, bool),
    /// A person did something to one.
    Event(PopupEvent),
}

/// The running thread, as the driver holds it.
#[derive(Debug)]
pub(crate) struct NotifierThread {
    queue: Arc<Mutex<PopupQueue>>,
    /// One for each entry of the queue. Dropping it ends the thread.
    wake: mpsc::Sender<()>,
}

impl NotifierThread {
    /// Starts the thread.
    pub(crate) fn start(
        notifier: Arc<dyn Notifier>,
        reports: UnboundedSender<NotifierReport>,
        guard: PanicGuard,
    ) -> Self {
        let (wake, woken) = mpsc::channel();
        let queue = Arc::new(Mutex::new(PopupQueue::default()));
        let work = {
            let queue = Arc::clone(&queue);
            move || {
                let _guard = guard;
                work(&*notifier, &woken, &queue, &reports);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("notifier".to_owned()).spawn(work) {
            tracing::error!(%error, "no thread for notifications");
        }
        Self { queue, wake }
    }

    /// Hands a popup over, then [`NotifierReport::Shown`].
    pub(crate) fn show(&self, show: ShowId, popup: Box<Popup>) {
        self.queue(|queue| queue.show(show, popup));
    }

    /// Takes a popup off the screen.
    pub(crate) fn retract(&self, popup: PopupId) {
        self.queue(|queue| queue.retract(popup));
    }

    /// The driver knows that this popup has left the screen, and orders no update of it any more.
    pub(crate) fn handle_closed(&self, popup: PopupId) {
        self.queue(|queue| queue.handle_known(popup));
    }

    fn queue(&self, add: impl FnOnce(&mut PopupQueue)) {
        add(&mut lock(&self.queue));
        if self.wake.send(()).is_err() {
            tracing::error!("the notification thread has ended");
        }
    }
}

fn work(
    notifier: &dyn Notifier,
    woken: &mpsc::Receiver<()>,
    queue: &Arc<Mutex<PopupQueue>>,
    reports: &UnboundedSender<NotifierReport>,
) {
    // If the driver has ended, no task can act on a click, and a claim stays without an outcome;
    // the next start marks it as uncertain.
    let send = |reports: &UnboundedSender<NotifierReport>, report| drop(reports.send(report));
    let (shared, event_reports) = (Arc::clone(queue), reports.clone());
    notifier.listen(Box::new(move |event| {
        if let PopupEvent::Closed { id } = &event {
            lock(&shared).handle_dismissed(id.clone());
        }
        send(&event_reports, NotifierReport::Event(event));
    }));
    while woken.recv().is_ok() {
        // The lock is released before the desktop is called: its answer may take long, and the
        // driver must not wait.
        let step = lock(queue).poll();
        match step {
            Some(PopupStep::Show(show, popup)) => {
                // Asked before: a person may answer the popup by turning it on.
                let is_silenced = notifier.is_silenced();
                send(reports, NotifierReport::Shown(show, notifier.show(&popup), is_silenced));
            }
            Some(PopupStep::Refused(show, why)) => send(reports, NotifierReport::Shown(show, Err(why), false)),
            Some(PopupStep::Retract(popup)) => notifier.retract(&popup),
            Some(PopupStep::Forgotten) | None => {}
        }
    }
}

fn lock(queue: &Mutex<PopupQueue>) -> MutexGuard<'_, PopupQueue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use belfry_core::{
        notice::{NoticeKeys, Priority},
        ports::{Loudness, PopupKind},
    };

    type Sink = Box<dyn Fn(PopupEvent) + Send + Sync>;

    /// A desktop that waits while `turn` is locked, and records what it is asked.
    #[derive(Default)]
    struct Desktop {
        turn: Arc<Mutex<()>>,
        asked: Arc<Mutex<Vec<String>>>,
        sink: Arc<Mutex<Option<Sink>>>,
    }

    impl Notifier for Desktop {
        fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError> {
            let _turn = self.turn.lock().unwrap();
            self.asked.lock().unwrap().push(popup.title.clone());
            Ok(popup.replaces.clone().unwrap_or_else(|| PopupId(popup.title.clone())))
        }

        fn retract(&self, id: &PopupId) {
            self.asked.lock().unwrap().push(format!("retract {}", id.0));
        }

        fn listen(&self, sink: Sink) {
            *self.sink.lock().unwrap() = Some(sink);
        }
    }

    fn popup(title: &str, replaces: Option<&str>) -> Box<Popup> {
        Box::new(Popup {
            kind: if replaces.is_some() { PopupKind::Update } else { PopupKind::Single },
            notices: NoticeKeys::default(),
            title: title.to_owned(),
            body: String::new(),
            loudness: Loudness::Normal,
            priority: Priority::Normal,
            sound: String::new(),
            buttons: Vec::new(),
            replaces: replaces.map(|name| PopupId(name.to_owned())),
        })
    }

    fn shown(reports: &mut UnboundedReceiver<NotifierReport>) -> Result<PopupId, NotifyError> {
        loop {
            if let NotifierReport::Shown(_, result, _) = reports.blocking_recv().unwrap() {
                return result;
            }
        }
    }

    /// A thread whose desktop is busy with a popup, while `happens`; then what it was asked, and
    /// what became of the last.
    fn busy(happens: impl FnOnce(&NotifierThread, &dyn Fn(PopupEvent))) -> (Vec<String>, Result<PopupId, NotifyError>) {
        let desktop = Desktop::default();
        let (turn, asked, sink) = (Arc::clone(&desktop.turn), Arc::clone(&desktop.asked), Arc::clone(&desktop.sink));
        let (told, mut reports) = unbounded_channel();
        let held = turn.lock().unwrap();
        let popups = NotifierThread::start(Arc::new(desktop), told, PanicGuard(unbounded_channel().0));
        while sink.lock().unwrap().is_none() {
            std::thread::yield_now();
        }
        popups.show(ShowId(1), popup("other", None));
        popups.show(ShowId(2), popup("update", Some("old")));
        happens(&popups, &|event| sink.lock().unwrap().as_ref().unwrap()(event));
        drop(held);
        shown(&mut reports).unwrap();
        let result = shown(&mut reports);
        popups.show(ShowId(3), popup("last", None));
        shown(&mut reports).unwrap();
        let asked = asked.lock().unwrap().clone();
        (asked, result)
    }

    #[test]
    fn an_update_that_waits_for_its_turn_does_not_bring_back_what_a_person_has_dismissed() {
        let (asked, result) = busy(|_, happened| happened(PopupEvent::Closed { id: PopupId("old".to_owned()) }));
        assert_eq!(asked, ["other", "last"]);
        assert!(result.unwrap_err().to_string().contains("has left the screen"));
    }

    #[test]
    fn an_update_that_waits_for_its_turn_does_not_flash_up_before_its_popup_is_taken_back() {
        let (asked, result) = busy(|popups, _| popups.retract(PopupId("old".to_owned())));
        assert_eq!(asked, ["other", "retract old", "last"]);
        assert!(result.is_err());
    }

    #[test]
    fn other_updates_are_handed_over() {
        let (asked, result) = busy(|_, happened| happened(PopupEvent::Closed { id: PopupId("third".to_owned()) }));
        assert_eq!(asked, ["other", "update", "last"]);
        assert_eq!(result, Ok(PopupId("old".to_owned())));
    }
}
