//! Reopening: an explicit open state in a newer copy is another opening, which notifies once more.

use crate::store::Store;
use belfry_core::{
    notice::{Notice, Priority, State},
    storage::{Alert, AlertMark, Opening, Outcome, Seq, Suppressed, Write},
};

use super::{Steps, arrival, at, first, notice, popup, version};

/// A message that does not say its state.
fn without_state(number: i64) -> Notice {
    Notice { has_state: false, ..version("1", number, State::Open) }
}

/// The opening and the mark of a copy that must open the matter once more.
fn opened(outcome: Outcome) -> (Opening, AlertMark) {
    match outcome {
        Outcome::Changed { opening, alert: Some(alert), popup: None, .. } => (opening, alert),
        other => panic!("not opened: {other:?}"),
    }
}

fn second(seq: Seq) -> Opening {
    Opening { seq, number: 2 }
}

#[test]
fn a_copy_that_states_neither_version_nor_time_leaves_both_so_that_a_newer_one_opens_the_notice() {
    let mut store = Store::open_in_memory().unwrap();
    let sent = Notice { sent_at: Some(at(1)), ..version("1", 1, State::Open) };
    let seq = store.add(sent.clone());
    store.arrive(Notice { version: None, sent_at: None, state: State::Decided, ..sent.clone() });
    let stored = store.at(seq).notice;
    assert_eq!((stored.state, stored.version, stored.sent_at), (State::Decided, Some(1), Some(at(1))));
    assert_eq!(store.arrive(sent.clone()), Outcome::Known { seq }, "an older copy");
    let returned = Notice { version: Some(2), sent_at: Some(at(3)), ..sent };
    assert_eq!(opened(store.arrive(returned)), (second(seq), AlertMark::Due));
}

#[test]
fn a_copy_with_a_version_updates_an_open_notice_without_one_and_opens_no_settled_one() {
    let mut store = Store::open_in_memory().unwrap();
    let without = Notice { version: None, ..version("1", 0, State::Open) };
    let seq = store.add(without.clone());
    let urgent = Notice { priority: Priority::Urgent, ..version("1", 2, State::Open) };
    assert!(matches!(store.arrive(urgent.clone()), Outcome::Changed { alert: None, .. }));
    assert_eq!(store.at(seq).notice.priority, Priority::Urgent);
    assert_eq!(store.arrive(urgent), Outcome::Known { seq }, "only once");
    assert_eq!(store.arrive(without), Outcome::Known { seq }, "one without is not newer");

    let settled = store.add(Notice { version: None, ..version("2", 0, State::Decided) });
    assert_eq!(store.arrive(version("2", 9, State::Open)), Outcome::Known { seq: settled });
}

#[test]
fn a_settled_notice_that_a_newer_copy_opens_is_unread_and_notifies_once_more() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Open));
    store.show(&[seq], "first");
    store.mark_read(seq);
    store.arrive(version("1", 2, State::Decided));
    store.one(Write::PopupClosed(popup("first")));
    assert_eq!(opened(store.arrive(version("1", 3, State::Open))), (second(seq), AlertMark::Due));
    let stored = store.at(seq);
    assert_eq!((stored.read, stored.opening, stored.alert), (false, 2, Alert::Due));
    assert_eq!(store.one(Write::Claim(first(&[seq]))), Outcome::Claimed(vec![]), "the first opening is over");
    assert_eq!(store.one(Write::Claim(vec![second(seq)])), Outcome::Claimed(vec![second(seq)]));
    assert_eq!(store.one(Write::Claim(vec![second(seq)])), Outcome::Claimed(vec![]));
    assert_eq!(store.arrive(version("1", 3, State::Open)), Outcome::Known { seq }, "sent again");
    assert_eq!(store.one(Write::Claim(vec![second(seq)])), Outcome::Claimed(vec![]));
    store.total();
}

#[test]
fn neither_a_missing_state_nor_an_older_copy_reopens() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Open));
    store.arrive(version("1", 3, State::Decided));
    assert_eq!(store.arrive(version("1", 2, State::Open)), Outcome::Known { seq });
    let Outcome::Changed { alert, .. } = store.arrive(without_state(4)) else { panic!("it is newer") };
    assert_eq!(alert, None);
    let stored = store.at(seq);
    assert_eq!((stored.notice.state, stored.notice.version, stored.opening), (State::Decided, Some(4), 1));
    let new = store.add(Notice { has_state: false, ..notice("2") });
    assert_eq!(store.at(new).notice.state, State::Open);
}

#[test]
fn the_outcome_of_a_popup_of_an_earlier_opening_is_not_taken_for_that_of_this_one() {
    let mut store = Store::open_in_memory().unwrap();
    let [shown, refused] = ["1", "2"].map(|id| store.add(version(id, 1, State::Open)));
    store.one(Write::Claim(first(&[shown, refused])));
    for id in ["1", "2"] {
        store.arrive(version(id, 2, State::Decided));
        opened(store.arrive(version(id, 3, State::Open)));
    }
    store.one(Write::Claim(vec![second(shown), second(refused)]));
    let late = [
        Write::Shown { openings: first(&[shown]), popup: popup("late"), is_silenced: false },
        Write::Refused { openings: first(&[refused]), why: "late".to_owned() },
    ];
    assert_eq!(store.all(&late).withdraw, [popup("late")]);
    assert_eq!([store.at(shown).alert, store.at(refused).alert], [Alert::Claimed, Alert::Claimed]);
    let now = Write::Shown { openings: vec![second(shown)], popup: popup("now"), is_silenced: false };
    assert!(!store.all(&[now]).withdraw.contains(&popup("now")));
    assert_eq!(store.at(shown).alert, Alert::Shown);
}

#[test]
fn a_new_opening_takes_the_mark_that_is_decided_for_it() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Decided));
    let mut quiet = arrival(version("1", 2, State::Open));
    let Write::Notice { alert_if_opened, .. } = &mut quiet else { unreachable!() };
    *alert_if_opened = AlertMark::Suppressed(Suppressed::QuietHours);
    opened(store.one(quiet));
    assert_eq!(store.at(seq).alert, Alert::Suppressed(Suppressed::QuietHours));
}

#[test]
fn what_was_deleted_while_it_was_open_stays_away_even_if_it_is_reopened() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Open));
    store.delete(seq);
    for (number, state) in [(2, State::Decided), (3, State::Open), (4, State::Decided), (5, State::Open)] {
        assert_eq!(store.arrive(version("1", number, state)), Outcome::Deleted, "{number}");
    }
    assert_eq!(store.total(), 0);
}

#[test]
fn what_was_deleted_or_expired_after_it_was_settled_returns_when_it_is_reopened() {
    for is_expired in [false, true] {
        let mut store = Store::open_in_memory().unwrap();
        let seq = store.add(version("1", 1, State::Open));
        store.arrive(version("1", 2, State::Decided));
        if is_expired {
            assert_eq!(store.expire(at(100), 10).unwrap(), 1);
        } else {
            store.delete(seq);
        }
        for gone in [version("1", 1, State::Open), version("1", 4, State::Withdrawn), version("1", 3, State::Open)] {
            assert_eq!(store.arrive(gone.clone()), Outcome::Deleted, "{gone:?}");
        }
        assert_eq!(store.arrive(without_state(5)), Outcome::Deleted, "it does not say that it is open");
        let (opening, alert) = opened(store.arrive(version("1", 6, State::Open)));
        assert_eq!((opening.number, alert, store.total()), (2, AlertMark::Due, 1));
        assert_eq!(store.one(Write::Claim(vec![opening])), Outcome::Claimed(vec![opening]));
        assert_eq!(store.arrive(version("1", 6, State::Open)), Outcome::Known { seq: opening.seq });
        assert_eq!(store.at(opening.seq).opening, 2, "its buttons are pressed in another opening");
    }
}

#[test]
fn undoing_a_deletion_after_the_notice_has_returned_restores_only_the_others() {
    let mut store = Store::open_in_memory().unwrap();
    let seqs = ["1", "2"].map(|id| store.add(version(id, 1, State::Decided)));
    let removal = store.write(|tx| crate::store::trash::remove(tx, &seqs, at(5))).unwrap().1;
    opened(store.arrive(version("1", 2, State::Open)));
    assert_eq!(store.write(|tx| crate::store::trash::restore(tx, removal)).unwrap(), 1);
    assert_eq!(store.total(), 2);
}

#[test]
fn an_opening_while_a_notice_is_deleted_does_not_take_the_outcome_of_the_one_before() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Open));
    store.show(&[seq], "first");
    let removal = store.write(|tx| crate::store::trash::remove(tx, &[seq], at(5))).unwrap().1;
    store.arrive(version("1", 2, State::Decided));
    store.arrive(version("1", 3, State::Open));
    store.write(|tx| crate::store::trash::restore(tx, removal)).unwrap();
    let stored = store.at(seq);
    assert_eq!((stored.opening, stored.alert), (2, Alert::Suppressed(Suppressed::Read)));
}
