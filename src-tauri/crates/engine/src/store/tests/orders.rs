//! Any order of arrivals, with doubles, ends in the same inbox.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::{
    notice::{Notice, NoticeKey, State},
    store::{Outcome, Store},
};

use super::{Steps, arrival, at, notice};

const STATES: [State; 4] = [State::Open, State::Expired, State::Withdrawn, State::Decided];

/// What a server may say of a notice: which notice, which version of it, which state. Two messages that agree in these
/// agree in everything, since a server that says two things under one version has no last word.
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
                .prepare(&format!("SELECT {} FROM notices", super::super::rows::COLUMNS))?
                .query_map([], super::super::rows::stored)?
                .map(|row| row.map(|stored| stored.notice))
                .collect()
        })
        .unwrap();
    let count = stored.len();
    let inbox: BTreeMap<_, _> = stored.into_iter().map(|notice| (notice.key.clone(), notice)).collect();
    assert_eq!(inbox.len(), count, "a key lies in the store twice");
    inbox
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
    }
}
