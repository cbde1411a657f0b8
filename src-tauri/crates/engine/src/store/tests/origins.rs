//! Who may change what: publishing to a shared topic neither rewrites nor hides what a personal
//! source brings.

use crate::store::Store;
use belfry_core::{
    notice::{Action, Confirm, Notice, Origin, Source, State},
    storage::{Alert, AlertMark, Opening, Outcome, Seq, Write},
};

use super::{Steps, came, first, popup, version};

const HUGE: i64 = i64::MAX;

fn button(url: &str) -> Action {
    Action {
        id: "approve".to_owned(),
        label: "Show photo".to_owned(),
        url: url.to_owned(),
        method: "POST".to_owned(),
        confirm: Confirm::Asked(false),
    }
}

/// The approval, from the person's own queue or from the API.
fn personal(number: i64, state: State) -> Notice {
    Notice { actions: vec![button("https://push.example.com/approve")], ..version("1", number, state) }
}

/// What a colleague publishes under the same id to the topic that all subscribe to.
fn forged(number: i64, state: State) -> Notice {
    Notice {
        title: "Lunch".to_owned(),
        actions: vec![button("https://push.example.com/delete")],
        origin: Origin::Shared("/topic/all".to_owned()),
        ..version("1", number, state)
    }
}

fn elsewhere(notice: Notice) -> Notice {
    Notice { origin: Origin::Shared("/topic/other".to_owned()), ..notice }
}

fn is_alerted(store: &mut Store, outcome: &Outcome) -> bool {
    let Outcome::Changed { opening, alert: Some(AlertMark::Due), .. } = outcome else { return false };
    store.one(Write::Claim(vec![*opening])) == Outcome::Claimed(vec![*opening])
}

fn says_what_the_person_was_sent(store: &Store, seq: Seq, number: i64) {
    let stored = store.at(seq);
    assert_eq!(stored.notice, personal(number, State::Open));
    assert!(!stored.read);
}

#[test]
fn a_topic_that_takes_an_id_first_keeps_neither_the_alert_nor_the_buttons_from_the_personal_copy() {
    for (first_copy, is_read) in [
        (forged(1, State::Open), false),
        (forged(HUGE, State::Open), true),
        (forged(HUGE, State::Decided), false),
        (Notice { is_partial: true, ..forged(HUGE, State::Expired) }, true),
    ] {
        let mut store = Store::open_in_memory().unwrap();
        let seq = store.add(first_copy.clone());
        if first_copy.state == State::Open {
            store.show(&[seq], "theirs");
        }
        if is_read {
            store.mark_read(seq);
        }
        let outcome = store.arrive(personal(1, State::Open));
        assert!(is_alerted(&mut store, &outcome), "{outcome:?} after {first_copy:?}");
        says_what_the_person_was_sent(&store, seq, 1);
        let expected = if first_copy.state == State::Open { vec![popup("theirs")] } else { Vec::new() };
        assert_eq!(store.stale_popups().unwrap(), expected, "their popup is taken off the screen");
    }
}

#[test]
fn what_was_deleted_as_a_topic_brought_it_returns_when_a_person_is_sent_something_else_under_its_id() {
    for state in [State::Open, State::Decided] {
        let mut store = Store::open_in_memory().unwrap();
        let theirs = store.add(forged(HUGE, state));
        store.delete(theirs);
        assert_eq!(store.arrive(forged(HUGE, State::Withdrawn)), Outcome::Deleted);
        let outcome = store.arrive(personal(1, State::Open));
        assert!(is_alerted(&mut store, &outcome), "{outcome:?}");
        let Outcome::Changed { opening, .. } = outcome else { unreachable!() };
        says_what_the_person_was_sent(&store, opening.seq, 1);
    }
}

#[test]
fn a_shared_copy_changes_nothing_of_a_personal_notice_except_that_it_may_settle_it() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(personal(5, State::Open));
    for nothing in
        [forged(HUGE, State::Open), forged(4, State::Decided), Notice { has_state: false, ..forged(HUGE, State::Open) }]
    {
        assert_eq!(store.arrive(nothing), Outcome::Known { seq });
    }
    says_what_the_person_was_sent(&store, seq, 5);
    let Outcome::Changed { fields, .. } = store.arrive(forged(HUGE, State::Decided)) else { panic!("settled") };
    assert_eq!(fields, ["state"]);
    assert_eq!(store.at(seq).notice, personal(5, State::Decided), "with its own text, version, time and buttons");
    assert_eq!(store.arrive(forged(HUGE, State::Open)), Outcome::Known { seq }, "and it never reopens it");
}

#[test]
fn a_page_requested_later_that_still_says_open_restores_what_a_topic_has_settled() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(personal(5, State::Open));
    store.show(&[seq], "mine");
    store.one(came(forged(HUGE, State::Decided), Source::Live, 7));
    for (copy, source, number) in [
        (personal(5, State::Open), Source::Collected, 6),
        (personal(5, State::Open), Source::Live, 8),
        (personal(4, State::Open), Source::Collected, 8),
        (Notice { has_state: false, ..personal(5, State::Open) }, Source::Collected, 8),
    ] {
        assert_eq!(store.one(came(copy, source, number)), Outcome::Known { seq }, "{source:?} {number}");
    }
    let outcome = store.one(came(personal(5, State::Open), Source::History, 7));
    assert!(is_alerted(&mut store, &outcome), "{outcome:?}");
    says_what_the_person_was_sent(&store, seq, 5);
    assert_eq!(store.one(came(personal(5, State::Open), Source::Collected, 9)), Outcome::Known { seq }, "only once");
    assert_eq!(store.at(seq).opening, 2);
}

#[test]
fn a_page_of_the_next_run_is_later_than_what_a_topic_settled_in_this_one_also_if_it_was_deleted() {
    for is_deleted in [false, true] {
        let mut store = Store::open_in_memory().unwrap();
        let seq = store.add(personal(5, State::Open));
        store.one(came(forged(HUGE, State::Decided), Source::Live, 7));
        if is_deleted {
            store.delete(seq);
        }
        store.recover().unwrap();
        let outcome = store.one(came(personal(5, State::Open), Source::Collected, 0));
        assert!(is_alerted(&mut store, &outcome), "{outcome:?}");
    }
}

#[test]
fn what_a_personal_source_settles_is_not_restored_by_an_equal_copy() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(personal(5, State::Open));
    store.one(came(forged(HUGE, State::Decided), Source::Live, 7));
    store.one(came(personal(6, State::Decided), Source::Collected, 7));
    assert_eq!(store.one(came(personal(6, State::Open), Source::Collected, 9)), Outcome::Known { seq });
}

#[test]
fn the_same_message_from_a_topic_and_from_the_api_notifies_once_and_is_personal_then() {
    let mut store = Store::open_in_memory().unwrap();
    let broadcast = Notice { origin: Origin::Shared("/topic/all".to_owned()), ..personal(2, State::Open) };
    let seq = store.add(broadcast.clone());
    store.show(&[seq], "mine");
    assert_eq!(store.one(came(personal(2, State::Open), Source::Collected, 1)), Outcome::Known { seq });
    assert_eq!((store.at(seq).alert, store.at(seq).opening), (Alert::Shown, 1));
    assert_eq!(store.stale_popups().unwrap(), []);
    assert_eq!(store.arrive(forged(HUGE, State::Open)), Outcome::Known { seq }, "others cannot change it any more");
    // Deleted in between, it stays away.
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(broadcast);
    store.delete(seq);
    assert_eq!(store.one(came(personal(2, State::Open), Source::Collected, 1)), Outcome::Deleted);
    assert_eq!(store.arrive(personal(3, State::Open)), Outcome::Deleted, "also when it is newer");
}

#[test]
fn a_shared_source_changes_what_it_brought_itself_and_only_settles_what_another_one_brought() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(forged(1, State::Open));
    assert_eq!(store.arrive(elsewhere(forged(2, State::Open))), Outcome::Known { seq });
    assert!(matches!(store.arrive(forged(2, State::Open)), Outcome::Changed { .. }));
    let Outcome::Changed { fields, .. } = store.arrive(elsewhere(forged(9, State::Withdrawn))) else { panic!() };
    assert_eq!(fields, ["state"]);
    assert_eq!(store.arrive(elsewhere(forged(10, State::Open))), Outcome::Known { seq });
    let outcome = store.arrive(forged(3, State::Open));
    assert!(is_alerted(&mut store, &outcome), "its own source reopens it: {outcome:?}");
}

#[test]
fn word_from_a_personal_source_keeps_of_a_topics_notice_only_the_text_until_the_rest_comes() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(forged(HUGE, State::Open));
    let word =
        Notice { is_partial: true, actions: Vec::new(), title: "version: 2".to_owned(), ..personal(2, State::Open) };
    store.arrive(word);
    let stored = store.at(seq).notice;
    assert_eq!((stored.title.as_str(), stored.actions.len(), stored.version), ("Lunch", 0, Some(2)));
    store.arrive(personal(1, State::Open));
    let stored = store.at(seq).notice;
    assert_eq!(
        (stored.title.as_str(), stored.actions, stored.version),
        ("title 1", personal(1, State::Open).actions, Some(2))
    );
    assert_eq!(store.one(Write::Claim(first(&[seq]))), Outcome::Claimed(vec![]));
    let opening = Opening { seq, number: 2 };
    assert_eq!(store.one(Write::Claim(vec![opening])), Outcome::Claimed(vec![opening]));
}
