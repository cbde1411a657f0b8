//! What windows and scripts see.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Filter, Format, Inbox};
use crate::{
    notice::{Notice, Priority, Source, State},
    store::{
        AlertMark, Outcome, RejectReason, Seq, Store, Suppressed, Write, schema,
        tests::{Steps, at, notice, version},
    },
};

const UNREAD: Filter = Filter { unread: true };
const ALL: Filter = Filter { unread: false };

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

fn ids(rows: &[super::Row]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

#[test]
fn a_row_has_exactly_the_fields_scripts_rely_on() {
    let (_dir, mut store, inbox) = both();
    store.add(Notice { sent_at: None, priority: Priority::Urgent, ..notice("007") });
    let rows = inbox.page(ALL, None, 100).unwrap();
    let expected = json!([{
        "id": "007", "title": "title of 007", "body": "body of 007", "kind": "3", "sender": "payments",
        "sent_at": null, "received_at": "2026-01-01T00:00:01Z", "read": false, "state": "open",
        "priority": "urgent", "link": "", "source": "live",
    }]);
    assert_eq!(serde_json::to_value(&rows).unwrap(), expected);
}

#[test]
fn pages_come_newest_first_and_join_without_gap_or_double() {
    let (_dir, mut store, mut inbox) = both();
    for id in ["1", "2", "3", "4", "5"] {
        store.add(notice(id));
    }
    let first = inbox.page(ALL, None, 2).unwrap();
    assert_eq!(ids(&first), ["5", "4"]);
    store.add(notice("6"));
    let second = inbox.page(ALL, Some(first[1].seq), 2).unwrap();
    assert_eq!(ids(&second), ["3", "2"], "what arrives meanwhile moves nothing");
    inbox.mark(&[first[0].seq, second[0].seq], true).unwrap();
    assert_eq!(ids(&inbox.page(UNREAD, None, 2).unwrap()), ["6", "4"]);
    assert_eq!(ids(&inbox.page(UNREAD, Some(first[1].seq), 9).unwrap()), ["2", "1"]);
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
    assert_eq!(store.arrive(notice("1")), Outcome::Buried);
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
fn the_detail_says_why_somebody_was_or_was_not_notified() {
    let (_dir, mut store, inbox) = both();
    let mut sent = notice("1");
    sent.extra.insert("amount".to_owned(), json!(12));
    let quiet = Write::Notice {
        notice: Box::new(sent),
        source: Source::Collected,
        received_at: at(1),
        alert: AlertMark::Suppressed(Suppressed::QuietHours),
    };
    store.one(quiet);
    let shown = store.add(notice("2"));
    store.show(&[shown], "a");
    let [refused, due] = ["3", "4"].map(|id| store.add(notice(id)));
    store.one(Write::Claim(vec![refused]));
    store.one(Write::Refused { seqs: vec![refused], why: "no bus".to_owned() });
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
    assert_eq!(ids(&inbox.search("title", ALL, None, 9).unwrap()), ["2", "1"]);
    assert_eq!(ids(&inbox.search("title", UNREAD, None, 9).unwrap()), ["2"]);
    assert_eq!(store.index_some(9).unwrap(), 0, "the search has done it");
    store.add(notice("3"));
    assert_eq!(ids(&inbox.search("title", ALL, None, 1).unwrap()), ["3"]);
}

#[test]
fn a_search_finds_all_while_another_program_holds_the_write_lock() {
    let (dir, mut store, mut inbox) = both();
    store.add(notice("1"));
    let holder = Connection::open(dir.path().join(schema::FILE)).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(ids(&inbox.search("title", ALL, None, 9).unwrap()), ["1"]);
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.index_some(9).unwrap(), 1, "the index was left as it was");
}

#[test]
fn a_search_finds_all_when_the_disk_is_full() {
    let (_dir, mut store, mut inbox) = both();
    let long = "x ".repeat(4_000);
    store.add(Notice { body: format!("{long} needle"), ..notice("1") });
    inbox.connection.pragma_update(None, "max_page_count", 1).unwrap();
    assert_eq!(ids(&inbox.search("needle", ALL, None, 9).unwrap()), ["1"]);
    assert_eq!(store.index_some(9).unwrap(), 1, "the index was left as it was");
}

#[test]
fn an_inbox_opened_read_only_can_be_read_and_searched() {
    let (dir, mut store, _) = both();
    store.add(notice("1"));
    let place = dir.path().join(schema::FILE);
    let connection = Connection::open_with_flags(&place, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut inbox = Inbox { connection, place };
    assert_eq!(ids(&inbox.page(ALL, None, 9).unwrap()), ["1"]);
    assert_eq!(ids(&inbox.search("title", ALL, None, 9).unwrap()), ["1"]);
    let error = inbox.delete(&[Seq(1)]).unwrap_err();
    assert!(error.to_string().contains("write access"), "{error}");
}

#[test]
fn an_export_as_json_is_what_the_list_shows() {
    let (_dir, mut store, inbox) = both();
    for empty in [true, false] {
        if !empty {
            store.add(notice("1"));
            store.add(version("2", 3, State::Decided));
        }
        let mut out = Vec::new();
        let count = inbox.export(Format::Json, &mut out).unwrap();
        let exported: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(exported, serde_json::to_value(inbox.page(ALL, None, 9).unwrap()).unwrap());
        assert_eq!(count, if empty { 0 } else { 2 });
    }
}

#[test]
fn an_export_as_csv_has_the_same_fields_and_runs_no_formula() {
    let (_dir, mut store, inbox) = both();
    let mut out = Vec::new();
    inbox.export(Format::Csv, &mut out).unwrap();
    let header = "id,title,body,kind,sender,sent_at,received_at,read,state,priority,link,source\n";
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
        "{header}1,\"'=HYPERLINK(\"\"http://evil\"\")\",\"费用, \"\"two\"\"\nlines\",3,payments,,2026-01-01T00:00:01Z,\
         false,open,normal,,live\n"
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
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
    store.one(Write::Claim(vec![two]));
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
