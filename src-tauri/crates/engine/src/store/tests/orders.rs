//! Any order of arrivals, with doubles, ends in the same inbox.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::store::{Filter, Place, Store, marks, rows, select, tombstones};
use belfry_core::{
    notice::{Notice, NoticeKey, State},
    storage::{Outcome, Seq},
};

use super::{Steps, arrival, at, notice};

const STATES: [State; 4] = [State::Open, State::Expired, State::Withdrawn, State::Decided];

/// What a server may say of a notice: which notice, which version of it, which state. Two messages
/// that agree in these agree in everything, since a server that says two things under one version
/// has no last word.
type Said = (u8, i64, usize);

/// A server either counts versions or dates them.
fn message((id, step, state): Said, versioned: bool) -> Notice {
    let state = STATES[state];
    let title = format!("{id} {step} {state:?}");
    let notice = Notice { title, state, ..notice(&id.to_string()) };
    if versioned { Notice { version: Some(step), ..notice } } else { Notice { sent_at: Some(at(step)), ..notice } }
}

fn inbox(store: &Store) -> BTreeMap<NoticeKey, Notice> {
    let stored: Vec<Notice> = store
        .read(|connection| {
            connection
                .prepare(&format!("SELECT {} FROM notices", rows::COLUMNS))?
                .query_map([], rows::stored)?
                .map(|row| row.map(|stored| stored.notice))
                .collect()
        })
        .unwrap();
    let count = stored.len();
    let inbox: BTreeMap<_, _> = stored.into_iter().map(|notice| (notice.key.clone(), notice)).collect();
    assert_eq!(inbox.len(), count, "a key lies in the store twice");
    inbox
}

/// What may happen to an inbox.
#[derive(Debug, Clone)]
enum Deed {
    Arrive(Said),
    Mark(i64, bool),
    Delete(i64),
    Index(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0..8u8, 0..4i64, 0..4usize).prop_map(Deed::Arrive),
        2 => (1..12i64, any::<bool>()).prop_map(|(seq, read)| Deed::Mark(seq, read)),
        1 => (1..12i64).prop_map(Deed::Delete),
        2 => (1..4usize).prop_map(Deed::Index),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_order_with_doubles_ends_in_the_same_inbox(
        said in proptest::collection::vec((0..4u8, 0..4i64, 0..4usize), 1..24),
        shuffled in any::<prop::sample::Index>(),
        doubles in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        size in 1..8usize,
        versioned in any::<bool>(),
    ) {
        let mut straight = Store::open_in_memory().unwrap();
        for one in &said {
            straight.arrive(message(*one, versioned));
        }
        let mut order = said.clone();
        order.extend(doubles.iter().map(|index| said[index.index(said.len())]));
        order.reverse();
        let turn = shuffled.index(order.len());
        order.rotate_left(turn);
        let mut other = Store::open_in_memory().unwrap();
        let mut new = 0;
        for batch in order.chunks(size) {
            let batch: Vec<_> = batch.iter().map(|one| arrival(message(*one, versioned))).collect();
            let applied = other.all(&batch);
            new += applied.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::New { .. })).count();
        }
        prop_assert_eq!(inbox(&straight), inbox(&other));
        prop_assert_eq!(new, inbox(&other).len(), "new is said once for each key");
        prop_assert_eq!(other.total(), straight.total());
    }

    #[test]
    fn counts_and_index_are_right_whatever_happens(deeds in proptest::collection::vec(deed(), 1..40)) {
        let mut store = Store::open_in_memory().unwrap();
        let mut gone = BTreeSet::new();
        for deed in deeds {
            match deed {
                Deed::Arrive(said) => match store.arrive(message(said, true)) {
                    Outcome::New { key, .. } => prop_assert!(!gone.contains(&key.id), "a buried notice came back"),
                    Outcome::Deleted => prop_assert!(gone.contains(&said.0.to_string()), "a live notice is buried"),
                    _ => {}
                },
                Deed::Mark(seq, read) => drop(store.write(|tx| marks::mark(tx, &[Seq(seq)], read)).unwrap()),
                Deed::Delete(seq) => {
                    gone.extend(store.notice(Seq(seq)).unwrap().map(|stored| stored.notice.key.id));
                    store.write(|tx| tombstones::delete(tx, &[Seq(seq)])).unwrap();
                }
                Deed::Index(limit) => drop(store.index_some(limit).unwrap()),
            }
            let live = inbox(&store);
            prop_assert_eq!(store.total(), live.len() as u64);
            for (word, field) in [("Open", State::Open), ("Decided", State::Decided)] {
                let filter = Filter { text: Some(word), ..Filter::default() };
                let found =
                    store.read(|connection| select::seqs(connection, &filter, Place::Newest, 100)).unwrap();
                let found: BTreeSet<_> = found.into_iter().map(|seq| store.at(seq).notice.key).collect();
                let expected: BTreeSet<_> =
                    live.values().filter(|notice| notice.state == field).map(|notice| notice.key.clone()).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
