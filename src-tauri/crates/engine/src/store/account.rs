//! Reads the values of the account as a whole: cursor, times and counts.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};

use super::rows;
use belfry_core::storage::Counts;

/// The cursor of `api.collect`.
pub(super) fn cursor(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached("SELECT cursor FROM account")?.query_row([], |row| row.get(0))
}

/// Nothing sent before this is missing.
pub(crate) fn complete_through(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT complete_through FROM account")?
        .query_row([], |row| rows::time(row, "complete_through"))
}

/// When the session was live for the last time.
pub(crate) fn last_live(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    connection.prepare_cached("SELECT last_live FROM account")?.query_row([], |row| rows::time(row, "last_live"))
}

/// Until when a person has paused notifications.
pub(super) fn paused_until(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    connection.prepare_cached("SELECT paused_until FROM account")?.query_row([], |row| rows::time(row, "paused_until"))
}

/// The last offset stored of each stream.
pub(super) fn stream_offsets(connection: &Connection) -> rusqlite::Result<HashMap<String, u64>> {
    connection
        .prepare_cached(r#"SELECT stream, "offset" FROM streams"#)?
        // SQLite has no unsigned numbers: the bits are kept as they are.
        .query_map([], |row| Ok((row.get(0)?, row.get(1).map(i64::cast_unsigned)?)))?
        .collect()
}

/// How often another program has changed the account's secret.
pub(super) fn sign_ins(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT sign_ins FROM account")?.query_row([], |row| row.get(0))
}

/// Another program has changed the account's secret.
pub(crate) fn note_sign_in(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    tx.execute("UPDATE account SET sign_ins = sign_ins + 1", []).map(drop)
}

/// How many notices and rejected messages there are.
pub(crate) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    connection.prepare_cached("SELECT notices, unread, badge, rejected FROM account")?.query_row([], |row| {
        Ok(Counts { notices: row.get(0)?, unread: row.get(1)?, badge: row.get(2)?, rejected: row.get(3)? })
    })
}
