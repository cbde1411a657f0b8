//! What happens when the file cannot be used: an error says so, and the file is left as it is.

use std::fs;

use crate::{
    inbox::Inbox,
    store::{Store, StoreError, schema},
};

use super::{Steps, notice};

#[test]
fn a_database_of_a_newer_program_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(schema::FILE);
    let newer = rusqlite::Connection::open(&file).unwrap();
    newer.execute_batch("CREATE TABLE future (x); PRAGMA user_version = 99").unwrap();
    drop(newer);
    let before = fs::read(&file).unwrap();
    let error = Store::open(dir.path(), "alice").unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("newer version of the program"), "{error}");
    assert!(matches!(Inbox::open(dir.path()), Err(StoreError::Newer { .. })));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(schema::FILE);
    fs::write(&file, "this was once an inbox, long ago, before the disk broke".repeat(100)).unwrap();
    let before = fs::read(&file).unwrap();
    let error = Store::open(dir.path(), "alice").unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("inbox.sqlite3"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_file_broken_further_in_is_said_to_be_damaged_when_that_shows() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(schema::FILE);
    let mut store = Store::open(dir.path(), "alice").unwrap();
    let batch: Vec<_> = (0..500).map(|number| super::arrival(notice(&number.to_string()))).collect();
    store.all(&batch);
    drop(store);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xa5);
    fs::write(&file, &bytes).unwrap();
    let error = Store::open(dir.path(), "alice").and_then(|mut store| store.recover()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("nothing was deleted"), "{error}");
    assert_eq!(fs::metadata(&file).unwrap().len(), bytes.len() as u64);
}

#[test]
fn an_inbox_never_mixes_accounts() {
    let dir = tempfile::tempdir().unwrap();
    Store::open(dir.path(), "alice").unwrap().add(notice("1"));
    let error = Store::open(dir.path(), "bob").unwrap_err();
    assert!(matches!(&error, StoreError::OtherAccount { found, .. } if found == "alice"), "{error}");
    assert_eq!(Store::open(dir.path(), "alice").unwrap().total(), 1);
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let in_the_way = dir.path().join("file");
    fs::write(&in_the_way, "").unwrap();
    let error = Store::open(&in_the_way.join("account"), "alice").unwrap_err();
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
    assert!(error.to_string().contains("write access"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_named_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(dir.path().join("probe"), "").is_ok() {
        // Root is not bound by modes, but not even root can make a file in /proc.
        let error = Store::open(std::path::Path::new("/proc/self"), "alice").unwrap_err();
        assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
        return;
    }
    let error = Store::open(dir.path(), "alice").unwrap_err();
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_the_inbox() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("account");
    let mut store = Store::open(&folder, "alice").unwrap();
    store.add(notice("1"));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 3, "database, -wal and -shm: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn there_is_no_inbox_before_the_store_has_made_one() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Inbox::open(dir.path()).unwrap().is_none());
    fs::write(dir.path().join(schema::FILE), "").unwrap();
    assert!(Inbox::open(dir.path()).unwrap().is_none(), "a file that is just being made has no format yet");
    Store::open(dir.path(), "alice").unwrap();
    assert!(Inbox::open(dir.path()).unwrap().is_some());
}

#[test]
fn every_commit_is_synced_to_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), "alice").unwrap();
    let pragma = |name: &str| -> String {
        store
            .connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| format!("{value:?}"))
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), r#"Text("wal")"#);
    assert_eq!(pragma("synchronous"), "Integer(2)");
    assert_eq!(pragma("fullfsync"), "Integer(1)");
    assert_eq!(pragma("foreign_keys"), "Integer(1)");
    assert_eq!(pragma("secure_delete"), "Integer(1)");
}
