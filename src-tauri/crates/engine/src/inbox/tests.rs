//! What windows and scripts see.

use std::path::Path;

use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Detail, Filter, Format, Inbox, InboxPage, MatchCount, Place, Removal};
use crate::store::{
    Store, schema,
    tests::{Steps, arrival, at, first, notice, version},
};
use belfry_core::{
    notice::{Action, Confirm, Notice, Priority, Source, State, copies::Arrival},
    settings::{KindName, KindNames},
    storage::{ActionOutcome, ActionResult, Alert, AlertMark, Outcome, RejectReason, Seq, Suppressed, Write},
    texts::Language,
};

const ALL: Filter<'static> = Filter { text: None, unread: false, needs_action: false, kind: None };
const UNREAD: Filter<'static> = Filter { unread: true, ..ALL };
const WAITING: Filter<'static> = Filter { needs_action: true, ..ALL };

fn saying(text: &str) -> Filter<'_> {
    Filter { text: Some(text), ..ALL }
}

fn of_kind(kind: &str) -> Filter<'_> {
    Filter { kind: Some(kind), ..ALL }
}

fn beside(dir: &Path) -> Inbox {
    Inbox::open(dir).unwrap().expect("an inbox")
}

/// An account's folder with a store and an inbox on it, as when app and `belfryctl` run at once.
fn both() -> (TempDir, Store, Inbox) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), "alice").unwrap();
    let inbox = beside(dir.path());
    (dir, store, inbox)
}

fn ids(page: &InboxPage) -> Vec<&str> {
    page.rows.iter().map(|detail| detail.row.id.as_str()).collect()
}

fn rows(page: InboxPage) -> Vec<super::InboxRow> {
    page.rows.into_iter().map(|detail| detail.row).collect()
}

/// What one asks of a person.
fn asking(id: &str) -> Notice {
    let action = Action {
        id: "approve".to_owned(),
        label: "Approve".to_owned(),
        url: "/approve".to_owned(),
        method: "POST".to_owned(),
        confirm: Confirm::Asked(false),
    };
    Notice { actions: vec![action], ..notice(id) }
}

#[test]
fn a_row_has_exactly_the_fields_scripts_rely_on() {
    let (_dir, mut store, mut inbox) = both();
    store.add(Notice { sent_at: None, priority: Priority::Urgent, ..notice("007") });
    let rows = rows(inbox.page(&ALL, Place::Newest, 100).unwrap());
    let expected = json!([{
        "id": "007", "title": "title of 007", "body": "body of 007", "kind": "3", "sender": "payments",
        "sent_at": null, "received_at": "2026-01-01T00:00:01Z", "read": false, "state": "open",
        "priority": "urgent", "link": "", "source": "live",
    }]);
    assert_eq!(serde_json::to_value(&rows).unwrap(), expected);
}

#[test]
fn a_list_reads_the_beginning_of_each_body_and_a_search_the_whole_of_it() {
    let (_dir, mut store, mut inbox) = both();
    let body = format!("é{}needle", "x".repeat(2 << 20));
    let extra = serde_json::Map::from_iter([("field".to_owned(), json!("value"))]);
    store.add(Notice { body: body.clone(), extra, ..asking("1") });
    let of = |detail: Detail| (detail.row.body.chars().count(), detail.extra.len(), detail.actions.len());
    let mut page = |filter| inbox.previews(&filter, Place::Newest, 10, of).unwrap().rows;
    assert_eq!(page(ALL), [(super::PREVIEW_CHARS, 0, 1)]);
    assert_eq!(page(saying("value")), [(body.chars().count(), 1, 1)]);
}

#[test]
fn pages_come_newest_first_and_join_without_gap_or_double() {
    let (_dir, mut store, mut inbox) = both();
    for id in ["1", "2", "3", "4", "5"] {
        store.add(notice(id));
    }
    let first = inbox.page(&ALL, Place::Newest, 2).unwrap();
    assert_eq!((ids(&first), first.has_newer), (vec!["5", "4"], false));
    store.add(notice("6"));
    let second = inbox.page(&ALL, Place::Before(first.next.unwrap()), 2).unwrap();
    assert_eq!((ids(&second), second.has_newer), (vec!["3", "2"], true), "what arrives meanwhile moves nothing");
    let last = inbox.page(&ALL, Place::Before(second.next.unwrap()), 2).unwrap();
    assert_eq!((ids(&last), last.next), (vec!["1"], None));
    let up = inbox.page(&ALL, Place::After(second.rows[0].row.seq), 2).unwrap();
    assert_eq!((ids(&up), up.has_newer, up.next), (vec!["5", "4"], true, Some(Seq(4))));
    let top = inbox.page(&ALL, Place::After(Seq(5)), 2).unwrap();
    assert_eq!((ids(&top), top.has_newer), (vec!["6"], false));
    inbox.mark(&[Seq(5), Seq(3)], true).unwrap();
    assert_eq!(ids(&inbox.page(&UNREAD, Place::Newest, 2).unwrap()), ["6", "4"]);
    assert_eq!(ids(&inbox.page(&UNREAD, Place::Before(Seq(4)), 9).unwrap()), ["2", "1"]);
}

#[test]
fn a_page_at_an_empty_place_knows_what_lies_on_both_sides() {
    let (_dir, mut store, mut inbox) = both();
    let ends = |page: InboxPage| (page.rows.len(), page.has_newer, page.next);
    assert_eq!(ends(inbox.page(&ALL, Place::Newest, 9).unwrap()), (0, false, None));
    assert_eq!(ends(inbox.page(&ALL, Place::Before(Seq(9)), 9).unwrap()), (0, false, None));
    let seqs = ["1", "2", "3"].map(|id| store.add(notice(id)));
    assert_eq!(ends(inbox.page(&ALL, Place::Before(seqs[0]), 9).unwrap()), (0, true, None));
    assert_eq!(ends(inbox.page(&ALL, Place::After(seqs[2]), 9).unwrap()), (0, false, Some(Seq(4))));
    inbox.delete(&[seqs[1]]).unwrap();
    assert_eq!(ends(inbox.page(&ALL, Place::Before(Seq(2)), 9).unwrap()), (1, true, None));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_page_is_the_part_of_the_whole_list_that_it_says(
        kinds in proptest::collection::vec((0..3_u8, any::<bool>(), any::<bool>()), 0..24),
        (unread, needs_action, kind, is_search) in any::<(bool, bool, Option<bool>, bool)>(),
        (at, limit, is_up) in (0..26_i64, 1..6_usize, any::<bool>()),
    ) {
        let (_dir, mut store, mut inbox) = both();
        let kind = kind.map(|first| if first { "0" } else { "1" });
        let filter = Filter { text: is_search.then_some("body"), unread, needs_action, kind };
        let mut expected = Vec::new();
        for (number, (kind, is_read, asks)) in kinds.iter().enumerate() {
            let base = if *asks { asking(&number.to_string()) } else { notice(&number.to_string()) };
            let seq = store.add(Notice { kind: kind.to_string(), ..base });
            if *is_read {
                inbox.mark(&[seq], true).unwrap();
            }
            let is_match = (!unread || !is_read) && (!needs_action || *asks)
                && filter.kind.is_none_or(|wanted| wanted == kind.to_string());
            if is_match {
                expected.insert(0, seq.0);
            }
        }
        let place = if is_up { Place::After(Seq(at)) } else { Place::Before(Seq(at)) };
        let page = inbox.page(&filter, place, limit).unwrap();
        let found: Vec<i64> = page.rows.iter().map(|detail| detail.row.seq.0).collect();
        let beyond: Vec<i64> = expected.iter().copied().filter(|seq| if is_up { *seq > at } else { *seq < at }).collect();
        let wanted = if is_up { &beyond[beyond.len().saturating_sub(limit)..] } else { &beyond[..beyond.len().min(limit)] };
        prop_assert_eq!(&found, wanted);
        let (top, bottom) = match (found.first(), found.last()) {
            (Some(first), Some(last)) => (*first, *last),
            _ if is_up => (i64::MAX, at + 1),
            _ => (at - 1, i64::MIN),
        };
        prop_assert_eq!(page.has_newer, expected.iter().any(|seq| *seq > top));
        prop_assert_eq!(page.next.is_some(), expected.iter().any(|seq| *seq < bottom));
        prop_assert_eq!(inbox.count(&filter).unwrap(), MatchCount { number: expected.len() as u64, is_exact: true });
        let seqs: Vec<i64> = inbox.seqs(&filter, 100).unwrap().into_iter().map(|seq| seq.0).collect();
        prop_assert_eq!(&seqs, &expected);
    }
}

#[test]
fn a_search_with_many_hits_is_counted_by_an_honest_estimate() {
    let (_dir, mut store, mut inbox) = both();
    let batch: Vec<_> = (0..6_000)
        .map(|n| {
            arrival(if n % 2 == 0 {
                notice(&n.to_string())
            } else {
                Notice { title: "other".to_owned(), ..notice(&n.to_string()) }
            })
        })
        .collect();
    store.all(&batch);
    let MatchCount { number, is_exact } = inbox.count(&saying("title")).unwrap();
    assert!(!is_exact && (2_950..=3_050).contains(&number), "{number}");
    inbox.mark(&inbox.find("0").unwrap(), true).unwrap();
    assert_eq!(inbox.count(&saying("nothing")).unwrap(), MatchCount { number: 0, is_exact: true });
    assert_eq!(inbox.count(&ALL).unwrap(), MatchCount { number: 6_000, is_exact: true });
}

#[test]
fn kinds_are_counted_as_notices_come_change_and_go() {
    let (_dir, mut store, mut inbox) = both();
    let count = |inbox: &Inbox| inbox.kinds(9).unwrap();
    let own = |kind: &str, count| (kind.to_owned(), count);
    for (id, kind) in [("1", "a"), ("2", "b"), ("3", "b"), ("4", "")] {
        store.add(Notice { kind: kind.to_owned(), version: Some(1), ..notice(id) });
    }
    assert_eq!(count(&inbox), [own("b", 2), own("a", 1)]);
    store.arrive(Notice { kind: "c".to_owned(), version: Some(2), ..notice("1") });
    assert_eq!(count(&inbox), [own("b", 2), own("c", 1)]);
    inbox.delete(&[Seq(2)]).unwrap();
    assert_eq!(count(&inbox), [own("b", 1), own("c", 1)]);
    assert_eq!(ids(&inbox.page(&of_kind("b"), Place::Newest, 9).unwrap()), ["3"]);
}

#[test]
fn what_needs_an_action_is_open_and_has_one() {
    let (_dir, mut store, mut inbox) = both();
    store.add(asking("1"));
    store.add(notice("2"));
    store.add(Notice { state: State::Decided, ..asking("3") });
    assert_eq!(ids(&inbox.page(&WAITING, Place::Newest, 9).unwrap()), ["1"]);
    store.arrive(Notice { state: State::Decided, version: Some(2), ..asking("1") });
    assert_eq!(inbox.count(&WAITING).unwrap(), MatchCount { number: 0, is_exact: true });
}

#[test]
fn marking_all_covers_what_matches_and_was_there() {
    let (_dir, mut store, mut inbox) = both();
    let seqs = ["1", "2", "3"].map(|id| store.add(notice(id)));
    store.add(Notice { kind: "other".to_owned(), ..notice("4") });
    assert_eq!(inbox.mark_all_read(&of_kind("3"), seqs[1]).unwrap(), 2);
    assert_eq!(ids(&inbox.page(&UNREAD, Place::Newest, 9).unwrap()), ["4", "3"]);
    assert_eq!(inbox.mark_all_read(&saying("title"), Seq(99)).unwrap(), 2);
}

#[test]
fn what_was_removed_comes_back_as_it_was_and_does_not_notify() {
    for indexed in [false, true] {
        let (_dir, mut store, mut inbox) = both();
        let seqs = ["1", "2", "3"].map(|id| store.add(notice(id)));
        store.show(&[seqs[0]], "a");
        inbox.mark(&[seqs[1]], true).unwrap();
        if indexed {
            store.index_some(9).unwrap();
        }
        let before: Vec<Detail> = inbox.page(&ALL, Place::Newest, 9).unwrap().rows;
        let (count, removal) = inbox.remove(&seqs, at(50)).unwrap();
        assert_eq!((count, ids(&inbox.page(&ALL, Place::Newest, 9).unwrap()).len()), (3, 0));
        assert_eq!(store.stale_popups().unwrap().len(), 1, "its popup leaves the screen");
        assert_eq!(store.arrive(notice("1")), Outcome::Deleted, "a copy stays away meanwhile");
        assert_eq!(inbox.page(&saying("title"), Place::Newest, 9).unwrap().rows, []);
        assert_eq!(inbox.restore(removal).unwrap(), 3);
        let mut after = inbox.page(&ALL, Place::Newest, 9).unwrap().rows;
        assert_eq!(after[0].alert, Alert::Suppressed(Suppressed::Read), "no popup is owed any more");
        after[0].alert = Alert::Due;
        assert_eq!(after, before);
        assert_eq!(store.one(Write::Claim(first(&seqs))), Outcome::Claimed(Vec::new()));
        assert_eq!(store.recover().unwrap().due, []);
        assert_eq!(inbox.page(&saying("title"), Place::Newest, 9).unwrap().rows.len(), 3);
        assert_eq!(inbox.restore(removal).unwrap(), 0, "once");
        store.total();
        assert_eq!(store.arrive(notice("1")), Outcome::Known { seq: seqs[0] });
    }
}

#[test]
fn each_removal_is_taken_back_by_itself_and_only_in_time() {
    let (_dir, mut store, mut inbox) = both();
    let seqs = ["1", "2", "3"].map(|id| store.add(notice(id)));
    let removals = seqs.map(|seq| inbox.remove(&[seq], at(50)).unwrap().1);
    assert_eq!(inbox.restore(removals[1]).unwrap(), 1);
    assert_eq!(ids(&inbox.page(&ALL, Place::Newest, 9).unwrap()), ["2"]);
    assert_eq!(store.empty_trash(at(50)).unwrap(), 0);
    assert_eq!(store.empty_trash(at(51)).unwrap(), 2);
    assert_eq!(inbox.restore(removals[0]).unwrap(), 0);
    assert_eq!(inbox.restore(Removal(7)).unwrap(), 0);
    assert_eq!(store.arrive(notice("1")), Outcome::Deleted, "what is final stays away");
}

#[test]
fn what_is_decided_while_it_is_removed_comes_back_decided() {
    let (_dir, mut store, mut inbox) = both();
    let seq = store.add(version("1", 1, State::Open));
    let (_, removal) = inbox.remove(&[seq], at(50)).unwrap();
    store.arrive(version("1", 2, State::Decided));
    store.arrive(version("1", 1, State::Open));
    inbox.restore(removal).unwrap();
    assert_eq!(inbox.show(seq).unwrap().expect("it is back").row.state, State::Decided);
}

#[test]
fn older_history_goes_below_everything_and_owes_no_popup() {
    let (_dir, mut store, mut inbox) = both();
    store.add(notice("new"));
    let deleted = store.add(notice("deleted"));
    inbox.delete(&[deleted]).unwrap();
    let older = |ids: &[&str]| ids.iter().map(|id| notice(id)).collect::<Vec<_>>();
    assert_eq!(inbox.add_older(&older(&["new", "o1", "deleted", "o2"]), at(50)).unwrap(), 2);
    assert_eq!(inbox.add_older(&older(&["o2", "o3"]), at(51)).unwrap(), 1);
    store.add(notice("newest"));
    for is_search in [false, true] {
        let filter = if is_search { saying("title") } else { ALL };
        let page = inbox.page(&filter, Place::Newest, 9).unwrap();
        assert_eq!(ids(&page), ["newest", "new", "o1", "o2", "o3"], "search: {is_search}");
    }
    let last = inbox.page(&saying("o3"), Place::Newest, 9).unwrap().rows.remove(0);
    assert_eq!(
        (last.row.seq, last.row.source, last.alert),
        (Seq(-2), Source::History, Alert::Suppressed(Suppressed::OldNews))
    );
    assert_eq!(store.recover().unwrap().due.len(), 2, "only what came by itself rings");
    inbox.delete(&[last.row.seq]).unwrap();
    assert_eq!(inbox.add_older(&older(&["o4"]), at(52)).unwrap(), 1);
    assert_eq!(inbox.find("o4").unwrap(), [Seq(-3)], "no place is used twice");
    store.total();
}

#[test]
fn marks_and_deletes_count_what_they_changed() {
    let (_dir, mut store, mut inbox) = both();
    let [one, two] = ["1", "2"].map(|id| store.add(notice(id)));
    assert_eq!(inbox.mark(&[one, two, Seq(99)], true).unwrap(), 2);
    assert_eq!(inbox.mark(&[one, two], true).unwrap(), 0);
    assert_eq!(inbox.mark(&[two], false).unwrap(), 1);
    assert_eq!(inbox.delete(&[one, one, Seq(99)]).unwrap(), 1);
    assert_eq!(inbox.find("1").unwrap(), []);
    assert_eq!(store.arrive(notice("1")), Outcome::Deleted);
}

#[test]
fn an_id_means_the_notices_of_every_scope() {
    let (_dir, mut store, inbox) = both();
    let mut other = notice("1");
    other.key.scope = "payroll".to_owned();
    let seqs = [store.add(notice("1")), store.add(other)];
    assert_eq!(inbox.find("1").unwrap(), [seqs[1], seqs[0]]);
    assert_eq!(inbox.show(seqs[1]).unwrap().expect("it is there").scope, "payroll");
}

#[test]
fn the_detail_says_why_a_notice_notified_or_not() {
    let (_dir, mut store, inbox) = both();
    let mut sent = notice("1");
    sent.extra.insert("amount".to_owned(), json!(12));
    let quiet = Write::Notice {
        notice: Box::new(sent),
        arrival: Arrival { source: Source::Collected, number: 0 },
        received_at: at(1),
        alert: AlertMark::Suppressed(Suppressed::QuietHours),
        alert_if_opened: AlertMark::Due,
    };
    store.one(quiet);
    let shown = store.add(notice("2"));
    store.show(&[shown], "a");
    let [refused, due] = ["3", "4"].map(|id| store.add(notice(id)));
    store.one(Write::Claim(first(&[refused])));
    store.one(Write::Refused { openings: first(&[refused]), why: "no bus".to_owned() });
    let alert = |id: &str| {
        let seq = inbox.find(id).unwrap()[0];
        serde_json::to_value(inbox.show(seq).unwrap().expect("it is there")).unwrap()["alert"].clone()
    };
    assert_eq!(alert("1"), json!({"mark": "suppressed", "why": "quiet-hours"}));
    assert_eq!(alert("2"), json!({"mark": "shown"}));
    assert_eq!(alert("3"), json!({"mark": "refused", "why": "no bus"}));
    assert_eq!(alert("4"), json!({"mark": "due"}));
    let detail = inbox.show(inbox.find("1").unwrap()[0]).unwrap().expect("it is there");
    let value = serde_json::to_value(&detail).unwrap();
    assert_eq!(
        (&value["id"], &value["extra"], &value["source"]),
        (&json!("1"), &json!({"amount": 12}), &json!("collected"))
    );
    assert_eq!(inbox.show(Seq(due.0 + 1)).unwrap(), None);
}

#[test]
fn a_search_brings_the_index_up_to_date_and_filters() {
    let (_dir, mut store, mut inbox) = both();
    let [one, _] = ["1", "2"].map(|id| store.add(notice(id)));
    inbox.mark(&[one], true).unwrap();
    assert_eq!(ids(&inbox.page(&saying("title"), Place::Newest, 9).unwrap()), ["2", "1"]);
    let unread = Filter { unread: true, ..saying("title") };
    assert_eq!(ids(&inbox.page(&unread, Place::Newest, 9).unwrap()), ["2"]);
    assert_eq!(store.index_some(9).unwrap(), 0, "the search has done it");
    store.add(notice("3"));
    assert_eq!(ids(&inbox.page(&saying("title"), Place::Newest, 1).unwrap()), ["3"]);
}

#[test]
fn a_search_finds_all_while_another_program_holds_the_write_lock() {
    let (dir, mut store, mut inbox) = both();
    store.add(notice("1"));
    let holder = Connection::open(dir.path().join(schema::FILE)).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(ids(&inbox.page(&saying("title"), Place::Newest, 9).unwrap()), ["1"]);
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.index_some(9).unwrap(), 1, "the index was left as it was");
}

#[test]
fn a_search_finds_all_when_the_disk_is_full() {
    let (_dir, mut store, mut inbox) = both();
    let long = "x ".repeat(4_000);
    store.add(Notice { body: format!("{long} needle"), ..notice("1") });
    inbox.connection.pragma_update(None, "max_page_count", 1).unwrap();
    assert_eq!(ids(&inbox.page(&saying("needle"), Place::Newest, 9).unwrap()), ["1"]);
    assert_eq!(store.index_some(9).unwrap(), 1, "the index was left as it was");
}

#[test]
fn an_inbox_opened_read_only_can_be_read_and_searched() {
    let (dir, mut store, _) = both();
    store.add(notice("1"));
    let place = dir.path().join(schema::FILE);
    let connection = Connection::open_with_flags(&place, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut inbox = Inbox::of(connection, place);
    assert_eq!(ids(&inbox.page(&ALL, Place::Newest, 9).unwrap()), ["1"]);
    assert_eq!(ids(&inbox.page(&saying("title"), Place::Newest, 9).unwrap()), ["1"]);
    let error = inbox.delete(&[Seq(1)]).unwrap_err();
    assert!(error.to_string().contains("write access"), "{error}");
}

#[test]
fn an_export_as_json_is_what_the_list_shows() {
    let (_dir, mut store, mut inbox) = both();
    for empty in [true, false] {
        if !empty {
            store.add(notice("1"));
            store.add(version("2", 3, State::Decided));
        }
        let mut out = Vec::new();
        let count = inbox.export(Format::Json, &mut out).unwrap();
        let exported: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(exported, serde_json::to_value(rows(inbox.page(&ALL, Place::Newest, 9).unwrap())).unwrap());
        assert_eq!(count, if empty { 0 } else { 2 });
    }
}

#[test]
fn an_export_as_csv_has_the_same_fields_and_runs_no_formula() {
    let (_dir, mut store, inbox) = both();
    let mut out = Vec::new();
    inbox.export(Format::Csv, &mut out).unwrap();
    let header = "\u{feff}\"id\",\"title\",\"body\",\"kind\",\"sender\",\"sent_at\",\"received_at\",\"read\",\"state\",\
                  \"priority\",\"link\",\"source\",\"kind_name\"\n";
    assert_eq!(String::from_utf8(out).unwrap(), header);
    store.add(Notice {
        title: "=HYPERLINK(\"http://evil\")".to_owned(),
        body: "费用, \"two\"\nlines".to_owned(),
        sent_at: None,
        ..notice("1")
    });
    let mut out = Vec::new();
    inbox.export(Format::Csv, &mut out).unwrap();
    let expected = format!(
        "{header}\"1\",\"'=HYPERLINK(\"\"http://evil\"\")\",\"费用, \"\"two\"\"\nlines\",\"3\",\"payments\",\"\",\
         \"2026-01-01T00:00:01Z\",\"false\",\"open\",\"normal\",\"\",\"live\",\"\"\n"
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn kinds_are_named_in_rows_details_and_exports_and_stay_as_they_are_in_filters() {
    let (_dir, mut store, inbox) = both();
    let seq = store.add(notice("1"));
    let names = KindNames([("3".to_owned(), KindName::Plain("=Expense".to_owned()))].into());
    let mut inbox = inbox.naming_kinds(names, Language::English);
    let row = inbox.page(&of_kind("3"), Place::Newest, 9).unwrap().rows.remove(0).row;
    assert_eq!((row.kind.as_str(), row.kind_name.as_deref()), ("3", Some("=Expense")));
    assert_eq!(inbox.show(seq).unwrap().unwrap().row.kind_name.as_deref(), Some("=Expense"));
    let export = |format| {
        let mut out = Vec::new();
        inbox.export(format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert!(export(Format::Json).contains(r#""kind_name":"=Expense""#));
    assert!(export(Format::Csv).ends_with(",\"live\",\"'=Expense\"\n"));
}

#[test]
fn a_settled_notice_offers_no_buttons_and_a_reopened_one_has_no_result_of_the_last_opening() {
    let (_dir, mut store, mut inbox) = both();
    let action = Action {
        id: "ok".to_owned(),
        label: "Approve".to_owned(),
        url: "https://h/a".to_owned(),
        method: "POST".to_owned(),
        confirm: Confirm::Asked(true),
    };
    let copy = |number, state| Notice { actions: vec![action.clone()], ..version("1", number, state) };
    let seq = store.add(copy(1, State::Open));
    let result = ActionResult {
        fault: None,
        action: "ok".to_owned(),
        label: "Approve".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        outcome: ActionOutcome::Refused,
        detail: "409: already decided by bob".to_owned(),
    };
    inbox.keep_action_result(seq, &result).unwrap();
    // Word that is no more than a state keeps the old actions in the store.
    for state in [State::Expired, State::Withdrawn, State::Decided] {
        let word = Notice { is_partial: true, actions: Vec::new(), ..version("1", 2 + state as i64, state) };
        store.apply(&[arrival(word)]).unwrap();
        let detail = inbox.show(seq).unwrap().unwrap();
        assert_eq!((detail.row.state, detail.actions.len(), detail.opening), (state, 0, 1));
        assert_eq!(detail.action_result.as_ref(), Some(&result), "it stays readable");
    }
    store.apply(&[arrival(copy(9, State::Open))]).unwrap();
    let detail = inbox.show(seq).unwrap().unwrap();
    assert_eq!((detail.actions.len(), detail.opening, detail.action_result), (1, 2, None));
}

#[test]
fn some_notices_are_exported_in_the_order_asked_for() {
    let (_dir, mut store, inbox) = both();
    let [one, two] = ["1", "2"].map(|id| store.add(notice(id)));
    let mut out = Vec::new();
    assert_eq!(inbox.export_some(Format::Json, &[one, Seq(99), two], &mut out).unwrap(), 2);
    let exported: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!([&exported[0]["id"], &exported[1]["id"]], [&json!("1"), &json!("2")]);
}

#[test]
fn an_export_says_when_it_could_not_be_written() {
    struct Broken;
    impl std::io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("no space"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (_dir, mut store, inbox) = both();
    store.add(notice("1"));
    for format in [Format::Json, Format::Csv] {
        let error = inbox.export(format, Broken).unwrap_err();
        assert!(error.to_string().contains("could not be written (no space)"), "{error}");
    }
}

#[test]
fn the_numbers_add_up() {
    let (_dir, mut store, inbox) = both();
    let [one, two] = ["1", "2"].map(|id| store.add(notice(id)));
    store.add(version("3", 1, State::Decided));
    store.add(version("4", 1, State::Expired));
    store.mark_read(one);
    store.one(Write::Claim(first(&[two])));
    store.recover().unwrap();
    store.all(&[
        Write::LastLive(at(8)),
        Write::CompleteThrough(at(7)),
        Write::Rejected {
            reason: RejectReason::TooLarge,
            destination: String::new(),
            head: Vec::new(),
            body: Vec::new(),
            received_at: at(1),
        },
    ]);
    let expected = json!({
        "total": 4, "unread": 3, "badge": 1, "open": 2, "decided": 1, "withdrawn": 0, "expired": 1, "uncertain": 1,
        "rejected": 1, "last_live": "2026-01-01T00:00:08Z", "complete_through": "2026-01-01T00:00:07Z",
    });
    assert_eq!(serde_json::to_value(inbox.stats().unwrap()).unwrap(), expected);
}
