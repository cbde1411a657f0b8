//! The order of delivery, with the real store and a desktop that takes everything.

use super::*;
use crate::{
    settings::NotificationSettings,
    store::{
        Store,
        tests::{arrival, notice, version},
    },
    texts::Language,
};

struct Rig {
    delivery: Delivery,
    store: Store,
    now: Now,
    events: Vec<Event>,
    shown: Vec<Popup>,
    retracted: Vec<PopupId>,
    /// Popups that the desktop has not answered yet, if it is asked to wait.
    waiting: Option<Vec<ShowId>>,
}

impl Rig {
    fn new() -> Self {
        Self::on(Store::open_in_memory().unwrap())
    }

    /// The next run on the same store.
    fn on(mut store: Store) -> Self {
        let recovered = store.recover().unwrap();
        let delivery = Delivery::new(Wording::new(Language::English, NotificationSettings::default()), 5);
        let (now, events, shown, retracted) = (Now::read(), Vec::new(), Vec::new(), Vec::new());
        let mut rig = Self { delivery, store, now, events, shown, retracted, waiting: None };
        rig.delivery.handle_recovered(recovered, now);
        rig.run();
        rig
    }

    fn receive(&mut self, notices: impl IntoIterator<Item = Notice>) {
        let writes = notices.into_iter().map(arrival).collect();
        self.delivery.handle_received(Received { writes, ..Received::default() });
        self.run();
    }

    fn run(&mut self) {
        while let Some(action) = self.delivery.poll_action() {
            match action {
                Action::Apply { ticket, writes } => {
                    let applied = Ok(self.store.apply(&writes).unwrap());
                    self.delivery.handle_applied(ticket, applied, false, self.now);
                }
                Action::Show { show, popup } => {
                    self.shown.push(*popup);
                    match &mut self.waiting {
                        Some(waiting) => waiting.push(show),
                        None => self.delivery.handle_shown(show, Ok(self.name())),
                    }
                }
                Action::Retract(popup) => self.retracted.push(popup),
                Action::Emit(event) => self.events.push(event),
                Action::Ack(_) => {}
            }
        }
    }

    /// What the desktop calls the last popup: an update keeps the name.
    fn name(&self) -> PopupId {
        let last = self.shown.last().unwrap();
        last.replaces.clone().unwrap_or_else(|| PopupId(last.title.clone()))
    }

    fn titles(&self) -> Vec<(PopupKind, &str)> {
        self.shown.iter().map(|popup| (popup.kind, popup.title.as_str())).collect()
    }
}

#[test]
fn a_popup_is_updated_with_what_the_notice_says_now_when_that_is_to_be_seen() {
    let mut rig = Rig::new();
    let word = Notice { is_partial: true, title: "version: 3".to_owned(), ..version("1", 3, State::Open) };
    rig.receive([word]);
    // The fuller copy is older: its text counts, nothing else.
    rig.receive([version("1", 1, State::Open)]);
    let expected = [(PopupKind::Single, "version: 3"), (PopupKind::Update, "title 1")];
    assert_eq!(rig.titles(), expected);
    // Word that says nothing of the text does not make the popup move.
    rig.receive([Notice { is_partial: true, title: "version: 4".to_owned(), ..version("1", 4, State::Open) }]);
    assert_eq!(rig.titles(), expected);
    assert!(matches!(rig.events.last(), Some(Event::Changed { fields, .. }) if *fields == ["version"]));
}

#[test]
fn a_popup_that_was_dismissed_before_its_name_was_known_is_not_on_the_screen() {
    let mut rig = Rig::new();
    rig.waiting = Some(Vec::new());
    rig.receive([version("1", 1, State::Open)]);
    let show = rig.waiting.take().unwrap()[0];
    let popup = rig.name();
    rig.delivery.handle_closed(popup.clone());
    rig.delivery.handle_shown(show, Ok(popup.clone()));
    rig.run();
    assert_eq!(rig.delivery.notices_of(&popup), None);
    assert_eq!(rig.store.keys_of(&popup).unwrap(), [], "nor in the next run");
    rig.receive([version("1", 2, State::Open)]);
    assert_eq!(rig.titles(), [(PopupKind::Single, "title 1")]);
}

#[test]
fn what_is_unread_and_open_is_the_only_thing_that_rings_when_its_turn_comes() {
    let mut rig = Rig::new();
    rig.receive([notice("1"), Notice { state: State::Withdrawn, ..notice("2") }]);
    assert_eq!(rig.titles(), [(PopupKind::Single, "title of 1")]);
}
