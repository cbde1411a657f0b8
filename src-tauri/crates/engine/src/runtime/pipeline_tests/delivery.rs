//! The order of delivery, with the real store and a desktop that takes everything.

use std::time::Duration;

use belfry_core::{
    alerts::Wording,
    clock::Now,
    event::{Event, NotificationType},
    notice::{Notice, NoticeKey, NoticeKeys, Priority, Source, State},
    pipeline::delivery::{Click, Delivery, DeliveryAction, Received, ShowId, Ticket},
    ports::{NotifyError, Popup, PopupId, PopupKind},
    settings::NotificationSettings,
    storage::Applied,
    texts::Language,
};

use crate::{
    clock,
    store::{
        Store,
        tests::{arrival, came, notice, version},
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
                        None => {
                            let name = self.name();
                            self.delivery.handle_shown(show, Ok(name), false, self.now);
                        }
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
fn a_popup_that_is_updated_makes_another_sound_only_if_it_is_louder_than_ever() {
    use Priority::{Low, Normal, Urgent};
    let mut rig = Rig::new();
    for (number, priority) in [Low, Normal, Normal, Urgent, Normal, Urgent].into_iter().enumerate() {
        rig.receive([Notice { priority, ..version("1", i64::try_from(number).unwrap(), State::Open) }]);
    }
    let sounds: Vec<bool> = rig.shown.iter().map(|popup| !popup.sound.is_empty()).collect();
    assert_eq!(sounds, [false, true, false, true, false, false]);
}

#[test]
fn a_summary_that_is_updated_does_not_name_what_was_settled_meanwhile() {
    let mut rig = Rig::new();
    rig.collect(
        ["1", "2", "3", "4", "5", "6"].map(|id| Notice { title: id.to_owned(), ..version(id, 1, State::Open) }),
    );
    rig.pass_time(2_000);
    rig.receive([version("6", 2, State::Decided)]);
    rig.collect([Notice { title: "7".to_owned(), ..version("7", 1, State::Open) }]);
    rig.pass_time(2_000);
    let last = rig.shown.last().unwrap();
    assert_eq!((last.kind, last.title.as_str()), (PopupKind::Update, "7 new notices"), "so many have come");
    assert_eq!(last.body, "payments: 7\npayments: 5\npayments: 4\nand 4 more");
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
    rig.delivery.handle_shown(update, Ok(second.clone()), false, rig.now);
    rig.run();
    assert_eq!(rig.retracted, [first], "only the popup with the old text leaves the screen");
    assert_eq!(rig.delivery.notices_of(&second).map(NoticeKeys::len), Some(1));
    assert_eq!(notifications(&rig), [(NotificationType::Single, 1), (NotificationType::Update, 1)]);
}

#[test]
fn a_notice_that_is_settled_while_its_popup_is_updated_is_retracted_once() {
    for has_another_id in [false, true] {
        let mut rig = Rig::new();
        rig.receive([version("1", 1, State::Open)]);
        let first = rig.name();
        rig.waiting = Some(Vec::new());
        rig.receive([Notice { title: "changed".to_owned(), ..version("1", 2, State::Open) }]);
        let update = rig.waiting.take().unwrap()[0];
        rig.receive([version("1", 3, State::Decided)]);
        assert_eq!(rig.retracted, std::slice::from_ref(&first));
        let named = if has_another_id { PopupId("another".to_owned()) } else { first.clone() };
        rig.delivery.handle_shown(update, Ok(named.clone()), false, rig.now);
        rig.run();
        let expected = if has_another_id { vec![first, named.clone()] } else { vec![first] };
        assert_eq!(rig.retracted, expected);
        assert_eq!(rig.delivery.notices_of(&named), None);
        assert_eq!(rig.store.keys_of(&named).unwrap(), [], "nor in the next run");
        assert_eq!(notifications(&rig), [(NotificationType::Single, 1), (NotificationType::Retract, 1)]);
    }
}

#[test]
fn what_is_added_to_a_summary_that_is_read_meanwhile_becomes_a_new_one() {
    let mut rig = Rig::new();
    rig.collect(["1", "2", "3", "4", "5", "6"].map(notice));
    rig.pass_time(2_000);
    let first = rig.name();
    rig.waiting = Some(Vec::new());
    rig.collect(["7", "8"].map(notice));
    rig.pass_time(2_000);
    let update = rig.waiting.take().unwrap()[0];
    assert_eq!(rig.shown.last().unwrap().replaces, Some(first.clone()));
    rig.receive(["1", "2", "3", "4", "5", "6"].map(|id| version(id, 2, State::Decided)));
    assert_eq!(rig.retracted, std::slice::from_ref(&first));
    rig.delivery.handle_shown(update, Ok(first), false, rig.now);
    rig.run();
    let last = rig.shown.last().unwrap();
    assert_eq!((last.kind, &last.replaces, last.notices.len()), (PopupKind::Summary, &None, 2));
}

#[test]
fn a_notice_that_changes_before_its_popup_has_a_name_updates_the_popup_then() {
    for is_settled in [false, true] {
        let mut rig = Rig::new();
        rig.waiting = Some(Vec::new());
        rig.receive([version("1", 1, State::Open)]);
        let show = rig.waiting.take().unwrap()[0];
        let popup = rig.name();
        rig.receive([Notice { title: "changed".to_owned(), ..version("1", 2, State::Open) }]);
        if is_settled {
            rig.receive([version("1", 3, State::Decided)]);
        }
        assert_eq!(rig.shown.len(), 1);
        rig.delivery.handle_shown(show, Ok(popup.clone()), false, rig.now);
        rig.run();
        let updates: Vec<_> = rig.shown[1..].iter().map(|popup| (popup.title.as_str(), &popup.replaces)).collect();
        if is_settled {
            assert_eq!((updates, &rig.retracted), (vec![], &vec![popup]));
        } else {
            assert_eq!((updates, &rig.retracted), (vec![("changed", &Some(popup))], &vec![]));
        }
    }
}

#[test]
fn a_popup_that_was_dismissed_before_its_name_was_known_is_not_on_the_screen() {
    let mut rig = Rig::new();
    rig.waiting = Some(Vec::new());
    rig.receive([version("1", 1, State::Open)]);
    let show = rig.waiting.take().unwrap()[0];
    let popup = rig.name();
    rig.delivery.handle_closed(popup.clone());
    rig.delivery.handle_shown(show, Ok(popup.clone()), false, rig.now);
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

/// The type of each notification event, and how many notices it has.
fn notifications(rig: &Rig) -> Vec<(NotificationType, usize)> {
    rig.events
        .iter()
        .filter_map(|event| match event {
            Event::Notification { r#type, notices, .. } => Some((*r#type, notices.len())),
            _ => None,
        })
        .collect()
}

impl Rig {
    fn pass_time(&mut self, millis: u64) {
        self.now.mono += Duration::from_millis(millis);
        self.delivery.handle_tick(self.now);
        self.run();
    }

    fn collect(&mut self, notices: impl IntoIterator<Item = Notice>) {
        let writes = notices.into_iter().map(|notice| came(notice, Source::Collected, 0)).collect();
        self.delivery.handle_received(Received { writes, ..Received::default() });
        self.run();
    }
}

#[test]
fn a_catch_up_of_a_hundred_thousand_rows_is_one_popup_that_is_updated_in_place() {
    let mut rig = Rig::new();
    // 150 pages in 15 s.
    for page in 0..150 {
        rig.collect((0..667).map(|row| notice(&format!("{page}-{row}"))));
        rig.pass_time(100);
    }
    rig.delivery.end_catch_up(true, rig.now);
    rig.run();
    let notifications = notifications(&rig);
    assert_eq!(notifications[0].0, NotificationType::Summary);
    assert!(notifications[1..].iter().all(|(r#type, _)| *r#type == NotificationType::Update), "{notifications:?}");
    assert!(notifications.len() <= 9, "one in two seconds: {notifications:?}");
    assert_eq!(notifications.last().unwrap().1, 100_050);
    assert_eq!(rig.shown.last().unwrap().title, "100050 new notices");
    assert!(rig.shown[1..].iter().all(|popup| popup.sound.is_empty()), "it makes one sound");
    assert_eq!(rig.store.keys_of(&PopupId(rig.shown[0].title.clone())).unwrap().len(), 100_050);
    assert_eq!(rig.retracted, []);
    // The next absence is another popup.
    rig.collect((0..10).map(|row| notice(&format!("later-{row}"))));
    rig.delivery.end_catch_up(true, rig.now);
    rig.run();
    assert_eq!(notifications_after(&rig, notifications.len()), [(NotificationType::Summary, 10)]);
}

fn notifications_after(rig: &Rig, count: usize) -> Vec<(NotificationType, usize)> {
    notifications(rig).split_off(count)
}

#[test]
fn five_thousand_live_notices_are_five_popups_and_one_summary_that_is_updated() {
    let mut rig = Rig::new();
    for group in 0..50 {
        rig.receive((0..100).map(|number| notice(&format!("{group}-{number}"))));
        rig.pass_time(50);
    }
    rig.pass_time(1_000);
    let notifications = notifications(&rig);
    let of = |wanted: NotificationType| notifications.iter().filter(|(r#type, _)| *r#type == wanted).count();
    assert_eq!([of(NotificationType::Single), of(NotificationType::Summary), of(NotificationType::Retract)], [5, 1, 0]);
    assert!(of(NotificationType::Update) <= 3, "{notifications:?}");
    assert_eq!(notifications.last().unwrap().1, 4_995);
}

#[test]
fn what_would_have_updated_a_summary_that_was_dismissed_becomes_a_new_one() {
    for is_refused in [false, true] {
        let mut rig = Rig::new();
        rig.collect((0..10).map(|row| notice(&format!("a{row}"))));
        rig.pass_time(2_000);
        let first = rig.name();
        if is_refused {
            rig.waiting = Some(Vec::new());
        } else {
            rig.delivery.handle_closed(first.clone());
        }
        rig.collect((0..10).map(|row| notice(&format!("b{row}"))));
        rig.pass_time(2_000);
        if let Some(waiting) = rig.waiting.take() {
            let left = NotifyError::Refused("the popup to update has left the screen".to_owned());
            rig.delivery.handle_shown(waiting[0], Err(left), false, rig.now);
            rig.run();
        }
        let summaries = [(NotificationType::Summary, 10), (NotificationType::Summary, 10)];
        assert_eq!(notifications(&rig), summaries, "{is_refused}");
    }
}

#[test]
fn the_notices_of_a_summary_that_the_desktop_renames_stay_with_it() {
    let mut rig = Rig::new();
    rig.collect((0..10).map(|row| notice(&format!("a{row}"))));
    rig.pass_time(2_000);
    rig.waiting = Some(Vec::new());
    rig.collect((0..10).map(|row| notice(&format!("b{row}"))));
    rig.pass_time(2_000);
    let show = rig.waiting.take().unwrap()[0];
    rig.delivery.handle_shown(show, Ok(PopupId("renamed".to_owned())), false, rig.now);
    rig.run();
    assert_eq!(rig.retracted.len(), 1);
    assert_eq!(rig.store.keys_of(&PopupId("renamed".to_owned())).unwrap().len(), 20);
}

#[test]
fn a_click_that_overtakes_the_name_of_its_popup_opens_its_notice() {
    let mut rig = Rig::new();
    rig.waiting = Some(Vec::new());
    rig.receive([notice("1")]);
    let show = rig.waiting.take().unwrap()[0];
    let popup = rig.name();
    let click = Click { popup: popup.clone(), action: "default".to_owned(), activation_token: None };
    let clicked = |rig: &Rig| -> Vec<Vec<NoticeKey>> {
        let clicks = rig.events.iter().filter_map(|event| match event {
            Event::Activated { notices, .. } => Some(notices.clone()),
            _ => None,
        });
        clicks.collect()
    };
    rig.delivery.handle_activated(click.clone());
    // The desktop takes away what was clicked.
    rig.delivery.handle_closed(popup.clone());
    rig.run();
    assert_eq!(clicked(&rig), Vec::<Vec<NoticeKey>>::new());
    rig.delivery.handle_shown(show, Ok(popup), false, rig.now);
    rig.run();
    assert_eq!(clicked(&rig), [[notice("1").key]]);
    // Of a popup that nothing is known about, it opens the window.
    rig.delivery.handle_activated(Click { popup: PopupId("unknown".to_owned()), ..click });
    rig.run();
    assert_eq!(clicked(&rig), [vec![notice("1").key], Vec::new()]);
}
