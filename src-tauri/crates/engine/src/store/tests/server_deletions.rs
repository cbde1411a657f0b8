//! What waits for the server survives the row of its notice and a restart, and ends with it.

use jiff::Timestamp;

use super::{arrival, notice};
use crate::{inbox::Inbox, store::Store};
use belfry_core::{
    notice::NoticeKey,
    status::Kind,
    storage::{DeletionRefusal, Outcome, Seq, Write},
};

fn key(id: &str) -> NoticeKey {
    NoticeKey { scope: String::new(), id: id.to_owned() }
}

#[test]
fn a_deletion_on_the_server_survives_a_restart_and_the_row_of_its_notice() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), "alice").unwrap();
    store.apply(&["1", "2"].map(|id| arrival(notice(id)))).unwrap();
    let mut inbox = Inbox::open(folder.path()).unwrap().unwrap();
    let asked = [Seq(1), Seq(2), Seq(99)];
    assert_eq!(inbox.delete_on_server(&asked, Timestamp::UNIX_EPOCH).unwrap(), 2);
    inbox.delete(&[Seq(2)]).unwrap();
    drop(store);
    let mut store = Store::open(folder.path(), "alice").unwrap();
    let asked = |id| (key(id), Timestamp::UNIX_EPOCH);
    assert_eq!(store.recover().unwrap().server_deletions, [asked("1"), asked("2")]);
    assert_eq!(inbox.keep_on_server(&[Seq(1)]).unwrap(), 1);
    assert_eq!(inbox.keep_on_server(&[Seq(1)]).unwrap(), 0);
    assert_eq!(store.server_deletions().unwrap(), [asked("2")]);
}

#[test]
fn what_the_server_has_deleted_leaves_the_inbox_and_the_trash_and_stays_away() {
    let mut store = Store::open_in_memory().unwrap();
    store.apply(&["1", "2"].map(|id| arrival(notice(id)))).unwrap();
    let mut inbox = Inbox::open_beside(&store).unwrap();
    inbox.delete_on_server(&[Seq(1), Seq(2)], Timestamp::UNIX_EPOCH).unwrap();
    let (_, removal) = inbox.remove(&[Seq(2)], Timestamp::now()).unwrap();
    let applied = store.apply(&["1", "2"].map(|id| Write::ServerDeleted(key(id)))).unwrap();
    assert_eq!(applied.outcomes, [Outcome::ServerDeletion, Outcome::ServerDeletion]);
    assert!(store.server_deletions().unwrap().is_empty() && inbox.show(Seq(1)).unwrap().is_none());
    assert_eq!(inbox.restore(removal).unwrap(), 0);
    assert_eq!(store.apply(&[arrival(notice("1"))]).unwrap().outcomes, [Outcome::Deleted]);
}

#[test]
fn a_refusal_is_kept_until_the_person_asks_again() {
    let mut store = Store::open_in_memory().unwrap();
    store.apply(&["1", "2"].map(|id| arrival(notice(id)))).unwrap();
    let mut inbox = Inbox::open_beside(&store).unwrap();
    inbox.delete_on_server(&[Seq(1), Seq(2)], Timestamp::UNIX_EPOCH).unwrap();
    let why = DeletionRefusal { kind: Kind::Declined, detail: "not now".to_owned() };
    store.apply(&[Write::ServerDeletionsRefused { key: Some(key("1")), why: why.clone() }]).unwrap();
    let refused = |inbox: &Inbox, seq| inbox.show(seq).unwrap().unwrap().server_deletion.unwrap().refused;
    assert_eq!([refused(&inbox, Seq(1)), refused(&inbox, Seq(2))], [Some(why.clone()), None]);
    store.apply(&[Write::ServerDeletionsRefused { key: None, why: why.clone() }]).unwrap();
    assert_eq!(refused(&inbox, Seq(2)), Some(why));
    inbox.delete_on_server(&[Seq(2)], Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(refused(&inbox, Seq(2)), None);
}
