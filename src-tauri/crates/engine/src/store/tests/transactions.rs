//! All of a batch or nothing, also beside another process and across a crash.

use std::{path::Path, sync::mpsc, thread};

use crate::{
    inbox::Inbox,
    store::{Store, StoreError},
};
use belfry_core::storage::{Outcome, RejectReason, Write};

use super::{Steps, arrival, at, notice};

/// From here on a notice with the id `boom` cannot be written.
fn mine(store: &Store) {
    store
        .connection
        .execute_batch(
            "CREATE TEMP TRIGGER boom BEFORE INSERT ON notices WHEN NEW.id = 'boom' \
             BEGIN SELECT RAISE(ABORT, 'boom'); END",
        )
        .unwrap();
}

#[test]
fn the_cursor_rolls_back_with_its_rows() {
    let mut store = Store::open_in_memory().unwrap();
    store.all(&[arrival(notice("0")), Write::Cursor("c0".to_owned())]);
    mine(&store);
    let error = store
        .apply(&[
            Write::Cursor("c1".to_owned()),
            Write::StreamOffset { stream: "s".to_owned(), offset: 5 },
            Write::CompleteThrough(at(9)),
            arrival(notice("1")),
            arrival(notice("boom")),
        ])
        .unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error}");
    assert_eq!(store.cursor().unwrap().as_deref(), Some("c0"));
    assert!(store.stream_offsets().unwrap().is_empty());
    assert_eq!(store.complete_through().unwrap(), None);
    assert_eq!(store.total(), 1);
    // And the store works on.
    store.all(&[arrival(notice("1")), Write::Cursor("c1".to_owned())]);
    assert_eq!(store.cursor().unwrap().as_deref(), Some("c1"));
}

#[test]
fn the_marks_of_the_account_read_back() {
    let mut store = Store::open_in_memory().unwrap();
    assert_eq!(store.last_live().unwrap(), None);
    store.all(&[
        Write::LastLive(at(5)),
        Write::CompleteThrough(at(4)),
        Write::StreamOffset { stream: "s".to_owned(), offset: u64::MAX },
        Write::StreamOffset { stream: "t".to_owned(), offset: 7 },
        Write::StreamOffset { stream: "t".to_owned(), offset: 3 },
    ]);
    assert_eq!(store.last_live().unwrap(), Some(at(5)));
    assert_eq!(store.complete_through().unwrap(), Some(at(4)));
    let offsets = store.stream_offsets().unwrap();
    assert_eq!(offsets.get("s"), Some(&u64::MAX));
    assert_eq!(offsets.get("t"), Some(&3), "a stream made again counts from the beginning");
    assert_eq!(store.recover().unwrap().stream_offsets, offsets, "the next run goes on after them");
}

#[test]
fn rejected_messages_are_counted_for_ever_and_kept_within_bounds() {
    let mut store = Store::open_in_memory().unwrap();
    let rejected = Write::Rejected {
        reason: RejectReason::NotUtf8,
        destination: "/queue/a".to_owned(),
        head: vec![b'h'; 70_000],
        body: vec![0xff; 70_000],
        received_at: at(1),
    };
    store.all(&vec![rejected; 1_005]);
    assert_eq!(store.counts().unwrap().rejected, 1_005);
    let kept: (i64, i64, i64) = store
        .connection
        .query_row("SELECT count(*), max(length(head)), max(length(body)) FROM rejected", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(kept, (1_000, 65_536, 65_536));
}

#[test]
fn a_rejected_row_that_a_page_brings_again_is_one_and_a_message_of_a_subscription_is_another() {
    let mut store = Store::open_in_memory().unwrap();
    let rejected = |head: &[u8], body: &[u8]| Write::Rejected {
        reason: RejectReason::NotUsable,
        destination: "/api/message/collectMessage".to_owned(),
        head: head.to_vec(),
        body: body.to_vec(),
        received_at: at(1),
    };
    assert_eq!(store.one(rejected(b"", b"null")), Outcome::Done);
    assert_eq!(store.one(rejected(b"", b"null")), Outcome::KnownRejected);
    assert_eq!(store.one(rejected(b"", b"true")), Outcome::Done);
    for _ in 0..2 {
        assert_eq!(store.one(rejected(b"MESSAGE", b"null")), Outcome::Done);
    }
    assert_eq!(store.counts().unwrap().rejected, 4);
}

#[test]
fn unread_counts_all_and_the_badge_only_what_is_open() {
    let mut store = Store::open_in_memory().unwrap();
    let read = store.add(notice("1"));
    store.add(notice("2"));
    store.add(super::version("3", 1, belfry_core::notice::State::Decided));
    store.mark_read(read);
    let counts = store.counts().unwrap();
    assert_eq!((store.total(), counts.unread, counts.badge), (3, 2, 1));
}

#[test]
fn a_process_that_dies_within_a_transaction_leaves_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path(), "alice").unwrap();
    store.add(notice("0"));
    store.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.connection.execute("UPDATE account SET cursor = 'lost'", []).unwrap();
    store.connection.execute("DELETE FROM notices", []).unwrap();
    drop(store);
    let store = Store::open(dir.path(), "alice").unwrap();
    assert_eq!(store.cursor().unwrap(), None);
    assert_eq!(store.total(), 1);
}

#[test]
fn two_processes_write_at_once() {
    const EACH: usize = 60;
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path(), "alice").unwrap();
    let (added, arrived) = mpsc::channel();
    let folder = dir.path().to_path_buf();
    let reader = thread::spawn(move || {
        let mut inbox = Inbox::open(&folder).unwrap().expect("an inbox");
        for seq in arrived {
            assert_eq!(inbox.mark(&[seq], true).unwrap(), 1);
        }
    });
    for number in 0..EACH {
        added.send(store.add(notice(&number.to_string()))).unwrap();
    }
    drop(added);
    reader.join().unwrap();
    assert_eq!((store.total(), store.counts().unwrap().unread), (EACH as u64, 0));
}

#[test]
fn what_another_connection_changes_is_noticed_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path(), "alice").unwrap();
    let seq = store.add(notice("1"));
    store.show(&[seq], "a");
    assert!(!store.changed_elsewhere().unwrap(), "its own writes are no news");
    let mut inbox = Inbox::open(dir.path()).unwrap().expect("an inbox");
    inbox.mark(&inbox.find("1").unwrap(), true).unwrap();
    assert!(store.changed_elsewhere().unwrap());
    assert!(!store.changed_elsewhere().unwrap());
    assert_eq!(store.stale_popups().unwrap(), [super::popup("a")]);
}

#[test]
fn a_commit_survives_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let write = |dir: &Path, id: &str| Store::open(dir, "alice").unwrap().arrive(notice(id));
    assert!(matches!(write(dir.path(), "1"), Outcome::New { .. }));
    assert!(matches!(write(dir.path(), "1"), Outcome::Known { .. }));
}
