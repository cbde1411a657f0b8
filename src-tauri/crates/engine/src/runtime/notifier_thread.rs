//! The thread that talks to the desktop, in order: a notification service may take its time.
//!
//! It decides one thing, because nobody else can in time: an update of a popup that has left the screen meanwhile is not
//! handed over, since it would pop up anew. Absent: what is shown, and when (the [`belfry_core::pipeline::delivery`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use tokio::sync::mpsc::UnboundedSender;

use belfry_core::{
    pipeline::delivery::ShowId,
    pipeline::popup_queue::Dismissed,
    ports::{Notifier, NotifyError, Popup, PopupEvent, PopupId},
};

/// What the desktop tells the driver, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum Report {
    /// A popup was shown or refused.
    Shown(ShowId, Result<PopupId, NotifyError>),
    /// A person did something to one.
    Event(PopupEvent),
}

#[derive(Debug)]
enum Job {
    Show(ShowId, Box<Popup>),
    Retract(PopupId),
    Forget(PopupId),
}

/// The running thread, as the driver holds it.
#[derive(Debug)]
pub(crate) struct Popups {
    jobs: mpsc::Sender<Job>,
    gone: Arc<Mutex<Dismissed>>,
}

impl Popups {
    /// Starts the thread.
    pub(crate) fn start(notifier: Arc<dyn Notifier>, reports: UnboundedSender<Report>) -> Self {
        let (jobs, queue) = mpsc::channel();
        let gone = Arc::new(Mutex::new(Dismissed::default()));
        let work = {
            let gone = Arc::clone(&gone);
            move || work(&*notifier, &queue, &gone, &reports)
        };
        if let Err(error) = std::thread::Builder::new().name("notifier".to_owned()).spawn(work) {
            tracing::error!(%error, "no thread for notifications");
        }
        Self { jobs, gone }
    }

    /// Hands a popup over, then [`Report::Shown`].
    pub(crate) fn show(&self, show: ShowId, popup: Box<Popup>) {
        self.queue(Job::Show(show, popup));
    }

    /// Takes a popup off the screen.
    pub(crate) fn retract(&self, popup: PopupId) {
        lock(&self.gone).handle_closed(popup.clone());
        self.queue(Job::Retract(popup));
    }

    /// The driver knows that this one has left the screen, and orders no update of it any more.
    pub(crate) fn handle_closed(&self, popup: PopupId) {
        self.queue(Job::Forget(popup));
    }

    fn queue(&self, job: Job) {
        if self.jobs.send(job).is_err() {
            tracing::error!("the notification thread has ended");
        }
    }
}

fn work(
    notifier: &dyn Notifier,
    queue: &mpsc::Receiver<Job>,
    gone: &Arc<Mutex<Dismissed>>,
    reports: &UnboundedSender<Report>,
) {
    // The driver may have ended: then nobody can act on a click, and a claim stays without an outcome, which a restart
    // knows how to read.
    let tell = |reports: &UnboundedSender<Report>, report| drop(reports.send(report));
    let (left, told) = (Arc::clone(gone), reports.clone());
    notifier.listen(Box::new(move |event| {
        if let PopupEvent::Closed { id } = &event {
            lock(&left).handle_closed(id.clone());
        }
        tell(&told, Report::Event(event));
    }));
    while let Ok(job) = queue.recv() {
        match job {
            Job::Show(show, popup) => {
                let checked = lock(gone).check(&popup);
                tell(reports, Report::Shown(show, checked.and_then(|()| notifier.show(&popup))));
            }
            Job::Retract(popup) => {
                notifier.retract(&popup);
                lock(gone).forget(&popup);
            }
            Job::Forget(popup) => lock(gone).forget(&popup),
        }
    }
}

fn lock(gone: &Mutex<Dismissed>) -> MutexGuard<'_, Dismissed> {
    gone.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use belfry_core::{
        notice::Priority,
        ports::{Loudness, PopupKind},
    };

    type Sink = Box<dyn Fn(PopupEvent) + Send + Sync>;

    /// A desktop that is held up for as long as `turn` is, and notes what it is asked.
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
            notices: Vec::new(),
            title: title.to_owned(),
            body: String::new(),
            loudness: Loudness::Normal,
            priority: Priority::Normal,
            sound: String::new(),
            replaces: replaces.map(|name| PopupId(name.to_owned())),
        })
    }

    fn shown(reports: &mut UnboundedReceiver<Report>) -> Result<PopupId, NotifyError> {
        loop {
            if let Report::Shown(_, result) = reports.blocking_recv().unwrap() {
                return result;
            }
        }
    }

    /// A thread whose desktop is busy with a popup, while `happens`; then what it was asked, and what became of the last.
    fn busy(happens: impl FnOnce(&Popups, &dyn Fn(PopupEvent))) -> (Vec<String>, Result<PopupId, NotifyError>) {
        let desktop = Desktop::default();
        let (turn, asked, sink) = (Arc::clone(&desktop.turn), Arc::clone(&desktop.asked), Arc::clone(&desktop.sink));
        let (told, mut reports) = unbounded_channel();
        let held = turn.lock().unwrap();
        let popups = Popups::start(Arc::new(desktop), told);
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
