//! The order of delivery, with the real store and a desktop that takes everything.

use belfry_core::{
    alerts::Wording,
    clock::Now,
    event::{Event, NotificationType},
    notice::{Notice, State},
    pipeline::delivery::{Delivery, DeliveryAction, Received, ShowId, Ticket},
    ports::{Popup, PopupId, PopupKind},
    settings::NotificationSettings,
    storage::Applied,
    texts::Language,
};

use crate::{
    clock,
    store::{
        Store,
        tests::{arrival, notice, version},
    },
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
    fn on(store: Store) -> Self {
        Self::announcing(store, None)
    }

    fn announcing(mut store: Store, to_announce: Option<u64>) -> Self {
        let recovered = store.recover().unwrap();
        let delivery = Delivery::new(Wording::new(Language::English, NotificationSettings::default()), 5, to_announce);
        let (now, events, shown, retracted) = (clock::now(), Vec::new(), Vec::new(), Vec::new());
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
                DeliveryAction::Apply { ticket, writes } => {
                    let applied = Ok(self.store.apply(&writes).unwrap());
                    self.delivery.handle_applied(ticket, applied, false, self.now);
                }
                DeliveryAction::Show { show, popup } => {
                    self.shown.push(*popup);
                    match &mut self.waiting {
                        Some(waiting) => waiting.push(show),
                        None => self.delivery.handle_shown(show, Ok(self.name())),
                    }
                }
                DeliveryAction::Retract(popup) => self.retracted.push(popup),
                DeliveryAction::Emit(event) => self.events.push(event),
                DeliveryAction::Ack(_) => {}
            }
        }
    }

    /// What the desktop calls the last popup: an update keeps the name.
    fn name(&self) -> PopupId {
        let last = self.shown.last().unwrap();
        last.replaces.clone().unwrap_or_else(|| PopupId(last.title.clone()))
    }

    /// The announced notices, and whether as said before.
    fn announced(&self) -> Vec<(&str, bool)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Notice { id, replayed, .. } => Some((id.as_str(), *replayed)),
                _ => None,
            })
            .collect()
    }

    fn titles(&self) -> Vec<(PopupKind, &str)> {
        self.shown.iter().map(|popup| (popup.kind, popup.title.as_str())).collect()
    }
}

#[test]
fn what_waits_for_its_commit_is_counted_in_bytes() {
    let mut rig = Rig::new();
    let large = Notice { body: "x".repeat(4 << 20), ..notice("1") };
    rig.delivery.handle_received(Received { writes: vec![arrival(large)], ..Received::default() });
    let waiting = rig.delivery.backlog_bytes();
    assert!((4 << 20..5 << 20).contains(&waiting), "{waiting}");
    let mut many = notice("2");
    many.extra = (0..1_000).map(|number| (format!("field {number}"), number.into())).collect();
    rig.delivery.handle_received(Received { writes: vec![arrival(many)], ..Received::default() });
    assert!(rig.delivery.backlog_bytes() > waiting + 50_000, "small fields cost more than their text");
    rig.run();
    assert_eq!((rig.delivery.backlog(), rig.delivery.backlog_bytes()), (0, 0));
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
fn an_update_that_the_desktop_shows_under_another_id_replaces_its_popup_and_is_not_retracted() {
    let mut rig = Rig::new();
    rig.receive([version("1", 1, State::Open)]);
    let first = rig.name();
    rig.waiting = Some(Vec::new());
    rig.receive([Notice { title: "changed".to_owned(), ..version("1", 2, State::Open) }]);
    let update = rig.waiting.take().unwrap()[0];
    let second = PopupId("another".to_owned());
    rig.delivery.handle_shown(update, Ok(second.clone()));
    rig.run();
    assert_eq!(rig.retracted, [first], "only the popup with the old text leaves the screen");
    assert_eq!(rig.delivery.notices_of(&second).map(<[_]>::len), Some(1));
    let types: Vec<NotificationType> = rig
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Notification { r#type, .. } => Some(*r#type),
            _ => None,
        })
        .collect();
    assert_eq!(types, [NotificationType::Single, NotificationType::Update]);
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
fn only_what_is_unread_and_open_notifies_when_its_turn_comes() {
    let mut rig = Rig::new();
    rig.receive([notice("1"), Notice { state: State::Withdrawn, ..notice("2") }]);
    assert_eq!(rig.titles(), [(PopupKind::Single, "title of 1")]);
}

#[test]
fn what_is_more_than_a_run_was_to_announce_is_announced_by_the_next_and_not_as_said_before() {
    let mut rig = Rig::announcing(Store::open_in_memory().unwrap(), Some(2));
    rig.receive(["1", "2", "3", "4"].map(notice));
    rig.receive([notice("5")]);
    assert_eq!(rig.announced(), [("1", false), ("2", false)]);
    let rig = Rig::announcing(rig.store, Some(2));
    assert_eq!(rig.announced(), [("3", false), ("4", false)]);
    let mut rig = Rig::on(rig.store);
    assert_eq!(rig.announced(), [("5", false)]);
    rig.receive([notice("6")]);
    assert_eq!(Rig::on(rig.store).announced(), []);
}

#[test]
fn what_a_run_may_have_announced_before_it_died_is_said_again_as_such_by_the_next() {
    let mut store = Store::open_in_memory().unwrap();
    store.apply(&[arrival(notice("1"))]).unwrap();
    let rig = Rig::announcing(store, Some(1));
    assert_eq!(rig.announced(), [("1", true)]);
    // The next had one to say more than it was to, and the one after it died before it could note
    // what it had said.
    let mut store = Rig::announcing(rig.store, Some(0)).store;
    store.apply(&[arrival(notice("2"))]).unwrap();
    let mut rig = Rig::announcing(store, Some(0));
    assert_eq!(rig.announced(), []);
    rig.store.recover().unwrap();
    assert_eq!(Rig::on(rig.store).announced(), [("2", true)]);
}

#[test]
fn a_store_that_works_again_is_not_called_failing_whichever_write_shows_it() {
    let mut rig = Rig::new();
    // The driver's own notes have no ticket of ours.
    rig.delivery.handle_applied(Ticket(0), Err("disk full".to_owned()), false, rig.now);
    assert_eq!(rig.delivery.failing(), Some("disk full"));
    rig.delivery.handle_applied(Ticket(0), Ok(Applied::default()), false, rig.now);
    assert_eq!(rig.delivery.failing(), None);
}
