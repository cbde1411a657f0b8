//! What an alert owes, and which popups are to leave the screen.

use crate::store::Store;
use belfry_core::{
    notice::{Source, State, copies::Arrival},
    storage::{Alert, AlertMark, Outcome, Seq, Suppressed, Write},
};

use super::{Steps, at, first, notice, popup, version};

#[test]
fn only_what_is_due_unread_and_open_can_be_claimed_and_only_once() {
    let mut store = Store::open_in_memory().unwrap();
    let [plain, read, decided, deleted] = ["1", "2", "3", "4"].map(|id| store.add(version(id, 1, State::Open)));
    let old = AlertMark::Suppressed(Suppressed::OldNews);
    let quiet = Write::Notice {
        notice: Box::new(notice("5")),
        arrival: Arrival { source: Source::History, number: 0 },
        received_at: at(1),
        alert: old,
        alert_if_opened: old,
    };
    let Outcome::New { seq: quiet, .. } = store.one(quiet) else { panic!("not new") };
    store.mark_read(read);
    store.arrive(version("3", 2, State::Decided));
    store.delete(deleted);
    let all = vec![plain, read, decided, deleted, quiet, Seq(999)];
    assert_eq!(store.one(Write::Claim(first(&all))), Outcome::Claimed(first(&[plain])));
    assert_eq!(store.one(Write::Claim(first(&all))), Outcome::Claimed(first(&[])));
    assert_eq!(store.at(read).alert, Alert::Suppressed(Suppressed::Read));
    assert_eq!(store.at(decided).alert, Alert::Suppressed(Suppressed::NotOpen));
    assert_eq!(store.at(quiet).alert, Alert::Suppressed(Suppressed::OldNews));
}

#[test]
fn a_notice_that_arrives_decided_owes_no_popup_whatever_the_caller_says() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Withdrawn));
    assert_eq!(store.at(seq).alert, Alert::Suppressed(Suppressed::NotOpen));
}

#[test]
fn reading_before_the_popup_holds_even_when_marked_unread_again() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(notice("1"));
    store.mark_read(seq);
    store.write(|tx| crate::store::marks::mark(tx, &[seq], false)).unwrap();
    assert_eq!(store.one(Write::Claim(first(&[seq]))), Outcome::Claimed(first(&[])));
}

#[test]
fn a_popup_is_withdrawn_when_its_notice_is_decided_read_or_deleted() {
    let mut store = Store::open_in_memory().unwrap();
    let [decided, read, deleted] = ["1", "2", "3"].map(|id| store.add(version(id, 1, State::Open)));
    for (seq, name) in [(decided, "a"), (read, "b"), (deleted, "c")] {
        assert_eq!(store.show(&[seq], name).withdraw, []);
    }
    store.mark_read(read);
    store.delete(deleted);
    assert_eq!(store.stale_popups().unwrap(), [popup("b"), popup("c")]);
    let applied = store.all(&[super::arrival(version("1", 2, State::Decided))]);
    assert_eq!(applied.withdraw, [popup("a"), popup("b"), popup("c")]);
    let gone = ["a", "b", "c"].map(|name| Write::PopupClosed(popup(name)));
    assert_eq!(store.all(&gone).withdraw, []);
    assert_eq!(store.at(decided).alert, Alert::Shown, "that it was shown stays known");
}

#[test]
fn a_summary_stays_while_one_of_its_notices_is_unread_and_open() {
    let mut store = Store::open_in_memory().unwrap();
    let [one, two] = ["1", "2"].map(|id| store.add(version(id, 1, State::Open)));
    store.show(&[one, two], "sum");
    assert_eq!(store.keys_of(&popup("sum")).unwrap().len(), 2);
    store.mark_read(one);
    assert_eq!(store.stale_popups().unwrap(), []);
    assert_eq!(store.all(&[super::arrival(version("2", 2, State::Expired))]).withdraw, [popup("sum")]);
}

#[test]
fn a_popup_that_comes_too_late_is_withdrawn_at_once() {
    let mut store = Store::open_in_memory().unwrap();
    let [decided, deleted] = ["1", "2"].map(|id| store.add(version(id, 1, State::Open)));
    store.one(Write::Claim(first(&[decided, deleted])));
    store.arrive(version("1", 2, State::Decided));
    store.delete(deleted);
    let applied = store.all(&[
        Write::Shown { openings: first(&[decided]), popup: popup("a"), is_silenced: false },
        Write::Shown { openings: first(&[deleted]), popup: popup("b"), is_silenced: false },
    ]);
    assert_eq!(applied.withdraw, [popup("a"), popup("b")]);
}

#[test]
fn a_change_names_the_popup_that_speaks_for_the_notice_alone() {
    let mut store = Store::open_in_memory().unwrap();
    let [single, one, two] = ["1", "2", "3"].map(|id| store.add(version(id, 1, State::Open)));
    store.show(&[single], "single");
    store.show(&[one, two], "sum");
    let popup_of = |outcome| match outcome {
        Outcome::Changed { popup, .. } => popup,
        other => panic!("not changed: {other:?}"),
    };
    assert_eq!(popup_of(store.arrive(version("1", 2, State::Open))), Some(popup("single")));
    assert_eq!(popup_of(store.arrive(version("2", 2, State::Open))), None);
    assert_eq!(popup_of(store.arrive(version("1", 3, State::Decided))), None, "to be withdrawn, not updated");
}

#[test]
fn an_update_shown_under_another_name_takes_the_first_ones_place() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Open));
    store.show(&[seq], "first");
    store.arrive(version("1", 2, State::Open));
    let applied = store.all(&[Write::Shown { openings: first(&[seq]), popup: popup("second"), is_silenced: false }]);
    assert_eq!(applied.withdraw, [popup("first")]);
}

#[test]
fn a_refused_popup_leaves_the_notice_unread_with_the_reason() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(notice("1"));
    store.one(Write::Claim(first(&[seq])));
    store.one(Write::Refused { openings: first(&[seq]), why: "no service".to_owned() });
    let stored = store.at(seq);
    assert_eq!((stored.read, stored.alert), (false, Alert::Refused("no service".to_owned())));
}

#[test]
fn a_claim_without_outcome_is_uncertain_after_a_restart_and_never_pops_again() {
    let mut store = Store::open_in_memory().unwrap();
    let [claimed, due] = ["1", "2"].map(|id| store.add(notice(id)));
    store.one(Write::Claim(first(&[claimed])));
    let recovered = store.recover().unwrap();
    assert_eq!(recovered.uncertain, 1);
    assert_eq!(recovered.due.iter().map(|stored| stored.seq).collect::<Vec<_>>(), [due]);
    assert_eq!(store.at(claimed).alert, Alert::Uncertain);
    assert!(!store.at(claimed).read);
    assert_eq!(store.one(Write::Claim(first(&[claimed]))), Outcome::Claimed(first(&[])));
    assert_eq!(store.recover().unwrap().uncertain, 0);
}

#[test]
fn a_restart_hands_out_what_was_not_announced_and_the_popups_on_the_screen() {
    let mut store = Store::open_in_memory().unwrap();
    let [one, two] = ["1", "2"].map(|id| store.add(notice(id)));
    store.show(&[one], "a");
    store.one(Write::Announced(one));
    store.one(Write::Announced(Seq(0)));
    let recovered = store.recover().unwrap();
    assert_eq!(recovered.unannounced.iter().map(|stored| stored.seq).collect::<Vec<_>>(), [two]);
    let speaks_for = notice("1").key;
    assert_eq!(recovered.popups, [(popup("a"), vec![speaks_for])]);
}

#[test]
fn what_was_read_or_deleted_while_it_was_held_back_is_not_released_any_more() {
    let mut store = Store::open_in_memory().unwrap();
    let held = AlertMark::Suppressed(Suppressed::QuietHours);
    let seqs = ["1", "2", "3"].map(|id| {
        let mut arrival = super::arrival(notice(id));
        let Write::Notice { alert, .. } = &mut arrival else { unreachable!() };
        *alert = held;
        match store.one(arrival) {
            Outcome::New { seq, .. } => seq,
            other => panic!("not new: {other:?}"),
        }
    });
    assert!(store.recover().unwrap().has_held);
    store.mark_read(seqs[0]);
    store.write(|tx| crate::store::marks::mark(tx, &seqs[..1], false)).unwrap();
    let removal = store.write(|tx| crate::store::trash::remove(tx, &seqs[1..2], at(5))).unwrap().1;
    store.write(|tx| crate::store::trash::restore(tx, removal)).unwrap();
    let Outcome::Released(released) = store.one(Write::Release) else { panic!("released") };
    assert_eq!(released.iter().map(|stored| stored.seq).collect::<Vec<_>>(), [seqs[2]]);
    assert_eq!(store.at(seqs[0]).alert, Alert::Suppressed(Suppressed::Read));
    assert_eq!(store.one(Write::Claim(first(&seqs))), Outcome::Claimed(first(&seqs[2..])));
    assert!(!store.recover().unwrap().has_held);
}

#[test]
fn of_many_alerts_at_once_those_are_claimed_and_shown_that_are_due_in_this_opening() {
    let mut store = Store::open_in_memory().unwrap();
    let seqs: Vec<Seq> = (0..250).map(|number| store.add(version(&number.to_string(), 1, State::Open))).collect();
    let [read, deleted, reopened] = [60, 120, 180].map(|place| seqs[place]);
    store.mark_read(read);
    store.delete(deleted);
    store.arrive(version("180", 2, State::Decided));
    store.arrive(version("180", 3, State::Open));
    // With one that is not there, and without one between the others.
    let asked: Vec<Seq> = seqs.iter().copied().filter(|seq| *seq != seqs[200]).chain([Seq(999)]).collect();
    let due: Vec<Seq> =
        asked.iter().copied().filter(|seq| ![read, deleted, reopened, Seq(999)].contains(seq)).collect();
    assert_eq!(store.one(Write::Claim(first(&asked))), Outcome::Claimed(first(&due)));
    let shown = Write::Shown { openings: first(&asked), popup: popup("summary"), is_silenced: false };
    assert_eq!(store.one(shown), Outcome::Done);
    assert_eq!(store.keys_of(&popup("summary")).unwrap().len(), due.len());
    assert_eq!((store.at(seqs[0]).alert, store.at(seqs[249]).alert), (Alert::Shown, Alert::Shown));
    assert_eq!((store.at(reopened).alert, store.at(seqs[200]).alert), (Alert::Due, Alert::Due));
    let due: Vec<Seq> = store.recover().unwrap().due.into_iter().map(|stored| stored.seq).collect();
    assert_eq!(due, [reopened, seqs[200]]);
}
