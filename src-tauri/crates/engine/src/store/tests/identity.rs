//! Which notices are the same, and which version of one holds.

use crate::store::Store;
use belfry_core::{
    notice::{Confirm, Identity, Source, State, copies::Arrival},
    storage::{AlertMark, Outcome, Seq, Write},
};

use super::{Steps, arrival, at, content, first, notice, version};

fn id_of(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::New { key, .. } => &key.id,
        other => panic!("not new: {other:?}"),
    }
}

#[test]
fn a_key_is_stored_once_however_often_it_arrives() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(notice("1"));
    let again = store.all(&[arrival(notice("1")), arrival(notice("2")), arrival(notice("2"))]);
    assert_eq!(again.outcomes[0], Outcome::Known { seq });
    assert!(matches!(again.outcomes[1], Outcome::New { .. }));
    assert!(matches!(again.outcomes[2], Outcome::Known { .. }));
    assert_eq!(store.total(), 2);
}

#[test]
fn two_scopes_keep_the_same_id_apart() {
    let mut store = Store::open_in_memory().unwrap();
    let mut other = notice("1");
    other.key.scope = "payroll".to_owned();
    store.add(notice("1"));
    let seq = store.add(other.clone());
    assert_eq!(store.at(seq).notice, other);
    assert_eq!(store.total(), 2);
}

#[test]
fn what_is_stored_is_what_arrived() {
    let mut store = Store::open_in_memory().unwrap();
    let mut sent = version("00018446744073709551616", 7, State::Open);
    sent.body = "费用审批\n\u{0}tail".to_owned();
    sent.link = "https://example.com/x?y=1".to_owned();
    sent.undelivered = Some(false);
    sent.extra.insert("amount".to_owned(), serde_json::json!({"value": 12.5, "currency": "CNY"}));
    sent.actions.push(belfry_core::notice::Action {
        id: "approve".to_owned(),
        label: "Approve".to_owned(),
        url: "https://example.com/approve".to_owned(),
        method: "POST".to_owned(),
        confirm: Confirm::Question("Approve 12 EUR?".to_owned()),
    });
    let seq = store.add(sent.clone());
    let stored = store.at(seq);
    assert_eq!(stored.notice, sent);
    assert_eq!(stored.received_at, at(1));
    assert!(!stored.read);
}

#[test]
fn equal_content_delivered_afresh_is_a_new_notice_with_a_number() {
    let mut store = Store::open_in_memory().unwrap();
    let fresh = || content("sha256:ab", Identity::FreshContent);
    let ids: Vec<_> = (0..20).map(|_| id_of(&store.arrive(fresh())).to_owned()).collect();
    let mut expected = vec!["sha256:ab".to_owned()];
    expected.extend((2..=20).map(|number| format!("sha256:ab#{number}")));
    assert_eq!(ids, expected);
}

#[test]
fn a_number_is_not_given_again_after_its_notice_was_deleted() {
    let mut store = Store::open_in_memory().unwrap();
    let fresh = || content("sha256:ab", Identity::FreshContent);
    for _ in 0..4 {
        store.add(fresh());
    }
    let last = store.add(fresh());
    store.delete(last);
    assert_eq!(id_of(&store.arrive(fresh())), "sha256:ab#6");
}

#[test]
fn equal_content_from_a_source_that_repeats_itself_is_known() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(content("sha256:ab", Identity::FreshContent));
    assert_eq!(store.arrive(content("sha256:ab", Identity::Content)), Outcome::Known { seq });
}

#[test]
fn a_deleted_notice_that_is_sent_again_stays_away() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Open));
    store.delete(seq);
    assert_eq!(store.arrive(version("1", 1, State::Open)), Outcome::Deleted);
    assert_eq!(store.arrive(version("1", 2, State::Open)), Outcome::Deleted, "also when it is newer");
    assert_eq!(store.arrive(version("1", 3, State::Decided)), Outcome::Deleted);
    assert_eq!(store.total(), 0);
    assert_eq!(store.recover().unwrap().due, [], "it does not ring either");
}

#[test]
fn an_expired_notice_that_is_sent_again_stays_away() {
    let mut store = Store::open_in_memory().unwrap();
    store.add(notice("old"));
    let later = Write::Notice {
        notice: Box::new(notice("young")),
        arrival: Arrival { source: Source::Live, number: 2 },
        received_at: at(100),
        alert: AlertMark::Due,
        alert_if_opened: AlertMark::Due,
    };
    store.one(later);
    assert_eq!(store.expire(at(100), 10).unwrap(), 1);
    assert_eq!(store.arrive(notice("old")), Outcome::Deleted);
    assert_eq!(store.total(), 1);
    assert_eq!(store.expire(at(100), 10).unwrap(), 0);
}

#[test]
fn retention_works_in_slices_from_the_oldest() {
    let mut store = Store::open_in_memory().unwrap();
    let batch: Vec<_> = (0..25).map(|n| arrival(notice(&n.to_string()))).collect();
    store.all(&batch);
    let removed: Vec<_> = std::iter::repeat_with(|| store.expire(at(2), 10).unwrap()).take(4).collect();
    assert_eq!(removed, [10, 10, 5, 0]);
}

#[test]
fn an_arrival_number_is_never_used_twice() {
    let mut store = Store::open_in_memory().unwrap();
    let first = store.add(notice("1"));
    store.delete(first);
    assert!(store.add(notice("2")) > first);
}

#[test]
fn a_newer_version_replaces_what_the_notice_says() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Open));
    let newer = version("1", 2, State::Decided);
    let outcome = store.arrive(newer.clone());
    let fields = vec!["title", "state", "version"];
    let opening = first(&[seq])[0];
    assert_eq!(
        outcome,
        Outcome::Changed { opening, alert: None, notice: Box::new(newer.clone()), fields, popup: None }
    );
    assert_eq!(store.at(seq).notice, newer);
}

#[test]
fn a_late_open_after_decided_changes_nothing() {
    for (decided, open) in [
        (version("1", 2, State::Decided), version("1", 1, State::Open)),
        (version("1", 2, State::Decided), version("1", 2, State::Open)),
        (belfry_core::notice::Notice { state: State::Decided, ..notice("1") }, notice("1")),
    ] {
        let mut store = Store::open_in_memory().unwrap();
        let seq = store.add(decided.clone());
        assert_eq!(store.arrive(open), Outcome::Known { seq });
        assert_eq!(store.at(seq).notice, decided);
    }
}

#[test]
fn an_equal_copy_is_known_even_if_its_time_is_finer_than_the_store_keeps() {
    let mut store = Store::open_in_memory().unwrap();
    let mut sent = notice("1");
    sent.sent_at = Some("2026-01-01T00:00:00.123456789Z".parse().unwrap());
    let seq = store.add(sent.clone());
    assert_eq!(store.arrive(sent), Outcome::Known { seq });
}

#[test]
fn a_notice_that_was_read_stays_read_when_a_newer_version_comes() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Open));
    store.mark_read(seq);
    assert!(matches!(store.arrive(version("1", 2, State::Open)), Outcome::Changed { .. }));
    assert!(store.at(seq).read);
}

#[test]
fn what_a_message_without_title_and_text_does_not_say_stays() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(version("1", 1, State::Open));
    let about = belfry_core::notice::Notice {
        is_partial: true,
        title: "fallback".to_owned(),
        body: "state: decided".to_owned(),
        sender: String::new(),
        ..version("1", 2, State::Decided)
    };
    let Outcome::Changed { fields, .. } = store.one(arrival(about)) else { panic!() };
    assert_eq!(fields, ["state", "version"]);
    let stored = store.notice(seq).unwrap().unwrap().notice;
    assert_eq!((stored.title.as_str(), stored.sender.as_str()), ("title 1", "payments"));
}

/// Word about a notice that leaves open what it says.
fn word(id: &str, number: i64, state: State) -> belfry_core::notice::Notice {
    belfry_core::notice::Notice {
        is_partial: true,
        title: format!("version: {number}"),
        body: format!("version: {number}"),
        kind: String::new(),
        sender: String::new(),
        sent_at: None,
        ..version(id, number, state)
    }
}

#[test]
fn word_about_a_notice_that_comes_before_it_is_filled_in_when_it_comes() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(word("1", 2, State::Decided));
    assert_eq!(store.at(seq).notice.title, "version: 2");
    let Outcome::Changed { fields, notice, .. } = store.arrive(version("1", 1, State::Open)) else { panic!() };
    assert_eq!(fields, ["title", "body", "kind", "sender", "sent_at"]);
    assert_eq!((notice.title.as_str(), notice.state, notice.version), ("title 1", State::Decided, Some(2)));
    assert_eq!(store.at(seq).notice, *notice);
    // It is full now, and an older copy is what it always was.
    assert_eq!(store.arrive(version("1", 1, State::Open)), Outcome::Known { seq });
    assert_eq!(store.arrive(word("1", 2, State::Decided)), Outcome::Known { seq });
}

#[test]
fn in_whatever_order_copies_come_the_notice_says_the_same() {
    let copies = [version("1", 1, State::Open), word("1", 2, State::Open), word("1", 3, State::Decided)];
    let mut all = Vec::new();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut store = Store::open_in_memory().unwrap();
        let seq = store.add(copies[order[0]].clone());
        order[1..].iter().for_each(|next| drop(store.arrive(copies[*next].clone())));
        all.push(store.at(seq).notice);
    }
    assert_eq!((all[0].title.as_str(), all[0].state, all[0].version), ("title 1", State::Decided, Some(3)));
    all.iter().for_each(|other| assert_eq!(*other, all[0]));
}

#[test]
fn word_about_a_deleted_notice_is_filled_in_too_before_it_is_taken_back() {
    let mut store = Store::open_in_memory().unwrap();
    let seq = store.add(word("1", 2, State::Open));
    let removal = store.write(|tx| super::super::trash::remove(tx, &[seq], at(5))).unwrap().1;
    assert_eq!(store.arrive(version("1", 1, State::Open)), Outcome::Deleted);
    store.write(|tx| super::super::trash::restore(tx, removal)).unwrap();
    assert_eq!(store.at(seq).notice.title, "title 1");
}

#[test]
fn a_batch_is_what_its_writes_are_one_after_the_other() {
    let [mut together, mut apart] = [(), ()].map(|()| Store::open_in_memory().unwrap());
    for store in [&mut together, &mut apart] {
        let [known, deleted] = ["known", "deleted"].map(|id| store.add(version(id, 1, State::Open)));
        assert!(known < deleted);
        store.delete(deleted);
    }
    let new = |from: usize, to: usize| (from..to).map(|number| arrival(version(&number.to_string(), 1, State::Open)));
    let mut batch: Vec<Write> = new(0, 30).collect();
    batch.extend(["known", "deleted", "7", "7"].map(|id| arrival(version(id, 1, State::Open))));
    batch.extend(new(28, 90));
    batch.push(arrival(version("60", 2, State::Decided)));
    batch.extend([1, 2].map(|_| arrival(content("same", Identity::FreshContent))));
    batch.extend(new(90, 95));
    batch.push(arrival(content("same", Identity::Content)));
    batch.push(Write::Claim(first(&[Seq(3)])));
    batch.extend(new(95, 150));
    let one_by_one: Vec<Outcome> = batch.iter().map(|write| apart.one(write.clone())).collect();
    assert_eq!(together.all(&batch).outcomes, one_by_one);
    let stored = |store: &Store| (1..=200).filter_map(|seq| store.notice(Seq(seq)).unwrap()).collect::<Vec<_>>();
    assert_eq!(stored(&together), stored(&apart));
    assert_eq!((together.total(), together.total()), (153, apart.total()));
}
