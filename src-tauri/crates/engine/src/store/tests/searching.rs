//! The search index follows the inbox, and finds what is there.

use proptest::prelude::*;

use crate::store::{Filter, Place, Store, select};
use belfry_core::{
    notice::{Notice, State},
    storage::{Seq, Write},
};

use super::{Steps, arrival, at, notice, version};

const ALL: Seq = Seq(i64::MAX);

fn found(store: &Store, typed: &str) -> Vec<i64> {
    found_below(store, typed, ALL, 100)
}

fn found_below(store: &Store, typed: &str, before: Seq, limit: usize) -> Vec<i64> {
    let filter = Filter { text: Some(typed), ..Filter::default() };
    let seqs = store.read(|connection| select::seqs(connection, &filter, Place::Before(before), limit)).unwrap();
    let all = |place| store.read(|connection| select::seqs(connection, &filter, place, 100_000)).unwrap();
    if limit == 100 && before == ALL && seqs.len() < limit {
        assert_eq!(all(Place::After(Seq(i64::MIN))), seqs, "upwards as downwards");
    }
    seqs.into_iter().map(|seq| seq.0).collect()
}

fn index_all(store: &mut Store) {
    while store.index_some(2).unwrap() > 0 {}
}

fn saying(id: &str, body: &str) -> Notice {
    Notice { title: String::new(), sender: String::new(), body: body.to_owned(), ..notice(id) }
}

/// Runs a check with everything in the index, with nothing in it, and with a part.
fn however_far_the_index_is(bodies: &[&str], check: impl Fn(&Store)) {
    for indexed in [0, 1, bodies.len()] {
        let mut store = Store::open_in_memory().unwrap();
        let batch: Vec<_> = bodies.iter().enumerate().map(|(n, body)| arrival(saying(&n.to_string(), body))).collect();
        store.all(&batch);
        if indexed > 0 {
            assert_eq!(store.index_some(indexed).unwrap(), indexed);
        }
        check(&store);
    }
}

#[test]
fn words_are_found_whatever_their_case_and_accents() {
    let bodies = ["The Report on Café Zürich", "another report", "nothing of it"];
    however_far_the_index_is(&bodies, |store| {
        assert_eq!(found(store, "report"), [2, 1], "newest first");
        assert_eq!(found(store, "REPORT cafe"), [1]);
        assert_eq!(found(store, "zurich report"), [1], "in any order");
        assert_eq!(found(store, "repo"), [2, 1], "the last word may be unfinished");
        assert_eq!(found(store, "repo the"), [0; 0], "the others not");
        assert_eq!(found(store, "eport"), [0; 0]);
    });
}

#[test]
fn chinese_is_found_by_any_part_of_it_even_by_one_or_two_characters() {
    let bodies = ["您的费用审批已通过", "报费，费用", "OA系统升级", "３月ＯＡ report 审"];
    however_far_the_index_is(&bodies, |store| {
        assert_eq!(found(store, "审批"), [1]);
        assert_eq!(found(store, "费用"), [2, 1]);
        assert_eq!(found(store, "用"), [2, 1]);
        assert_eq!(found(store, "审"), [4, 1]);
        assert_eq!(found(store, "费用审批已通过"), [1]);
        assert_eq!(found(store, "费用通过"), [0; 0], "a part is contiguous");
        assert_eq!(found(store, "报费用"), [0; 0], "also across punctuation");
        assert_eq!(found(store, "审批 费用"), [1], "words apart may come in any order");
        assert_eq!(found(store, "oa系"), [3]);
        assert_eq!(found(store, "OA系统"), [3]);
        assert_eq!(found(store, "oa"), [4, 3]);
        assert_eq!(found(store, "3月OA"), [4]);
    });
}

#[test]
fn title_sender_and_unmapped_fields_are_searched_too() {
    let mut store = Store::open_in_memory().unwrap();
    let mut sent = saying("1", "");
    sent.title = "Expense".to_owned();
    sent.sender = "财务部".to_owned();
    sent.extra.insert("detail".to_owned(), serde_json::json!({"city": ["Nanjing"], "amount": 4711}));
    store.add(sent);
    for indexed in [false, true] {
        if indexed {
            index_all(&mut store);
        }
        for typed in ["expense", "财务", "nanjing", "4711"] {
            assert_eq!(found(&store, typed), [1], "{typed}, indexed: {indexed}");
        }
        assert_eq!(found(&store, "amount"), [0; 0], "the names of fields are not searched");
    }
}

#[test]
fn what_a_query_language_would_read_as_its_own_is_only_text() {
    however_far_the_index_is(&["say \"so\" AND title:x* (NOT) -y ^z"], |store| {
        for typed in ["AND", "\"so\"", "title:x*", "(NOT)", "-y ^z", "x'); --"] {
            assert_eq!(found(store, typed), [1], "{typed}");
        }
        for typed in ["so\" OR \"so", "NEAR(say so)", "say NOT q", "body:say"] {
            assert_eq!(found(store, typed), [0; 0], "{typed}");
        }
        for nothing in ["", " ", "\"", "*", "…", "\u{0}", "🎉"] {
            assert_eq!(found(store, nothing), [0; 0], "{nothing:?}");
        }
    });
}

#[test]
fn a_change_is_found_by_its_new_words_and_no_more_by_its_old() {
    for indexed_before in [false, true] {
        let mut store = Store::open_in_memory().unwrap();
        store.add(version("1", 1, State::Open));
        if indexed_before {
            index_all(&mut store);
        }
        let newer = Notice { title: "sealed".to_owned(), body: "费用".to_owned(), ..version("1", 2, State::Open) };
        store.arrive(newer);
        for indexed_after in [false, true] {
            if indexed_after {
                index_all(&mut store);
            }
            assert_eq!(found(&store, "sealed"), [1]);
            assert_eq!(found(&store, "费用"), [1]);
            assert_eq!(found(&store, "title"), [0; 0]);
        }
    }
}

#[test]
fn a_deleted_notice_is_not_found_and_not_in_the_index() {
    for indexed in [false, true] {
        let mut store = Store::open_in_memory().unwrap();
        let seq = store.add(notice("1"));
        store.add(notice("2"));
        if indexed {
            index_all(&mut store);
        }
        store.delete(seq);
        assert_eq!(found(&store, "title"), [2]);
        index_all(&mut store);
        assert_eq!(found(&store, "title"), [2]);
        let left: i64 = store
            .read(|connection| {
                let count = "SELECT count(*) FROM search_0 WHERE search_0 MATCH 'title'";
                connection.query_row(count, [], |row| row.get(0))
            })
            .unwrap();
        assert_eq!(left, 1);
    }
}

#[test]
fn pages_of_hits_join_without_gap_or_double_wherever_the_index_ends() {
    const COUNT: i64 = 1_300;
    let mut store = Store::open_in_memory().unwrap();
    let batch: Vec<_> = (0..COUNT).map(|n| arrival(notice(&n.to_string()))).collect();
    store.all(&batch);
    for indexed in [0, 70, COUNT - 70] {
        store.index_some(usize::try_from(indexed).unwrap()).unwrap();
        let mut pages = Vec::new();
        let mut before = ALL;
        loop {
            let page = found_below(&store, "body", before, 200);
            let Some(last) = page.last() else { break };
            before = Seq(*last);
            pages.extend(page);
        }
        let expected: Vec<i64> = (1..=COUNT).rev().collect();
        assert_eq!(pages, expected);
    }
}

/// Lets the next arrival have this number, as if so many had come before.
fn go_on_from(store: &Store, seq: i64) {
    store.connection.execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'notices'", [seq - 1]).unwrap();
}

fn parts(store: &Store) -> Vec<i64> {
    store
        .read(|connection| {
            connection
                .prepare("SELECT part FROM search_parts ORDER BY part")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
        .unwrap()
}

#[test]
fn a_search_goes_on_from_one_part_of_the_index_to_the_next() {
    let mut store = Store::open_in_memory().unwrap();
    store.add(notice("0"));
    for (number, start) in [65_534, 3 * 65_536 - 2].into_iter().enumerate() {
        go_on_from(&store, start);
        for id in 0..4 {
            store.add(notice(&format!("{number}.{id}")));
        }
    }
    let expected = [196_609, 196_608, 196_607, 196_606, 65_537, 65_536, 65_535, 65_534, 1];
    index_all(&mut store);
    assert_eq!(parts(&store), [0, 1, 2, 3]);
    assert_eq!(found(&store, "title"), expected);
    assert_eq!(found_below(&store, "title", Seq(196_608), 3), [196_607, 196_606, 65_537], "a page across parts");
    assert_eq!(found_below(&store, "title", Seq(65_536), 9), [65_535, 65_534, 1]);
    store.delete(Seq(65_536));
    assert_eq!(found_below(&store, "title", Seq(65_538), 2), [65_537, 65_535]);
}

#[test]
fn a_part_that_all_notices_have_left_is_dropped_with_its_words() {
    let mut store = Store::open_in_memory().unwrap();
    store.add(notice("old"));
    index_all(&mut store);
    go_on_from(&store, 65_536);
    let mut young = arrival(notice("young"));
    let Write::Notice { received_at, .. } = &mut young else { unreachable!() };
    *received_at = at(50);
    store.one(young);
    index_all(&mut store);
    assert_eq!(parts(&store), [0, 1]);
    assert_eq!(store.expire(at(50), 10).unwrap(), 1);
    assert_eq!(parts(&store), [1]);
    assert_eq!(found(&store, "title"), [65_536]);
    assert_eq!(store.expire(at(51), 10).unwrap(), 1);
    store.add(notice("next"));
    index_all(&mut store);
    assert_eq!(found(&store, "title"), [65_537]);
}

#[test]
fn the_index_is_built_in_slices_and_then_rests() {
    let mut store = Store::open_in_memory().unwrap();
    let batch: Vec<_> = (0..5).map(|n| arrival(notice(&n.to_string()))).collect();
    store.all(&batch);
    let slices: Vec<_> = std::iter::repeat_with(|| store.index_some(2).unwrap()).take(4).collect();
    assert_eq!(slices, [2, 2, 1, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_run_of_characters_is_found_exactly_where_it_stands(
        bodies in proptest::collection::vec("[甲乙丙，、a ]{0,10}", 1..6),
        typed in "[甲乙丙]{1,4}",
        indexed in 0..6usize,
    ) {
        let mut store = Store::open_in_memory().unwrap();
        let batch: Vec<_> = bodies.iter().enumerate().map(|(n, body)| arrival(saying(&n.to_string(), body))).collect();
        store.all(&batch);
        store.index_some(indexed).unwrap();
        let expected: Vec<i64> =
            (1..).zip(&bodies).filter(|(_, body)| body.contains(&typed)).map(|(seq, _)| seq).collect();
        let mut found = found(&store, &typed);
        found.reverse();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_query_is_an_error(typed in "\\PC{0,40}", body in "\\PC{0,40}") {
        let mut store = Store::open_in_memory().unwrap();
        store.add(saying("1", &body));
        found(&store, &typed);
        index_all(&mut store);
        found(&store, &typed);
    }
}
