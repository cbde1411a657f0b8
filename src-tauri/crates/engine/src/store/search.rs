//! The search index: what is in it, how it follows, and how it is asked.
//!
//! A burst of notices is stored first and indexed later, in slices; the account remembers how far. Deliberately absent:
//! ranking (hits come in the order of the inbox) and marks in the text. Invariant: the index holds the newest version of
//! each notice up to that point and of nothing else; a search that cannot write looks through the rest by itself, with
//! the same cut and the same tokenizer.

use std::ops::Range;

use rusqlite::{CachedStatement, Connection, Transaction, params};

use super::{
    codes::Json,
    rows,
    text::{characters, cut, query, readable},
    types::{Seq, Stored},
};
use crate::notice::Notice;

/// How many notices a search without a hit in the index looks through at once, so that memory stays small.
const SLICE: i64 = 500;

/// A temporary twin of the index, for what is not in it yet.
const REST: &str = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.rest USING fts5 (\
     title, body, sender, extra, characters, \
     content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2')";

/// Indexes the next notices, at most `limit`, the oldest first; how many.
pub(crate) fn index_some(tx: &Transaction<'_>, limit: usize) -> rusqlite::Result<usize> {
    let through = indexed_through(tx)?;
    let mut select =
        tx.prepare_cached("SELECT seq, title, body, sender, extra FROM notices WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let (count, last) = fill(&mut select, params![through, limit], &mut insert(tx, "search")?)?;
    if let Some(last) = last {
        tx.prepare_cached("UPDATE account SET indexed_through = ?1")?.execute(params![last])?;
    }
    Ok(count)
}

/// Whether something is not in the index yet.
pub(crate) fn is_behind(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM notices WHERE seq > (SELECT indexed_through FROM account)")?.exists([])
}

/// Follows a notice that changed. One that is not in the index yet will come in its newest version.
pub(super) fn follow(tx: &Transaction<'_>, seq: Seq, notice: &Notice) -> rusqlite::Result<()> {
    if seq > indexed_through(tx)? {
        return Ok(());
    }
    remove(tx, seq)?;
    put(&mut insert(tx, "search")?, seq, &notice.title, &notice.body, &notice.sender, &readable(&notice.extra))
}

/// Forgets a notice; nothing happens if it is not in the index.
pub(super) fn remove(tx: &Transaction<'_>, seq: Seq) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM search WHERE rowid = ?1")?.execute(params![seq])?;
    Ok(())
}

/// The notices below `before` that hold what a person typed and of which `unread_only` is true, newest first, at most
/// `limit`.
pub(crate) fn find(
    connection: &Connection,
    typed: &str,
    unread_only: bool,
    before: Seq,
    limit: usize,
) -> rusqlite::Result<Vec<Stored>> {
    let Some(query) = query(typed) else { return Ok(Vec::new()) };
    let mut hits = Vec::new();
    let through = indexed_through(connection)?;
    // Newest first: what is not indexed yet comes before what is.
    let newest: i64 =
        connection
            .query_row("SELECT coalesce(max(seq), 0) FROM notices WHERE seq < ?1", params![before], |row| row.get(0))?;
    let mut upper = newest + 1;
    while upper > through.0 + 1 && hits.len() < limit {
        let lower = (upper - SLICE).max(through.0 + 1);
        look_through(connection, lower..upper)?;
        ask(connection, "rest", &query, unread_only, lower..upper, limit - hits.len(), &mut hits)?;
        upper = lower;
    }
    if hits.len() < limit {
        let indexed = 0..before.0.min(through.0.saturating_add(1));
        ask(connection, "search", &query, unread_only, indexed, limit - hits.len(), &mut hits)?;
    }
    Ok(hits)
}

/// Puts the notices of a range, and nothing else, into the twin.
fn look_through(connection: &Connection, range: Range<i64>) -> rusqlite::Result<()> {
    connection.execute_batch(REST)?;
    connection.prepare_cached("INSERT INTO rest (rest) VALUES ('delete-all')")?.execute([])?;
    let mut select = connection
        .prepare_cached("SELECT seq, title, body, sender, extra FROM notices WHERE seq >= ?1 AND seq < ?2")?;
    fill(&mut select, params![range.start, range.end], &mut insert(connection, "rest")?)?;
    Ok(())
}

fn ask(
    connection: &Connection,
    index: &str,
    query: &str,
    unread_only: bool,
    range: Range<i64>,
    limit: usize,
    hits: &mut Vec<Stored>,
) -> rusqlite::Result<()> {
    let unread = if unread_only { "AND notices.read = 0" } else { "" };
    // CROSS JOIN keeps this order: the index streams its hits by rowid, and the limit ends it early.
    let mut select = connection.prepare_cached(&format!(
        "SELECT notices.* FROM {index} CROSS JOIN notices ON notices.seq = {index}.rowid \
         WHERE {index} MATCH ?1 AND {index}.rowid >= ?2 AND {index}.rowid < ?3 {unread} \
         ORDER BY {index}.rowid DESC LIMIT ?4"
    ))?;
    for hit in select.query_map(params![query, range.start, range.end, limit], rows::stored)? {
        hits.push(hit?);
    }
    Ok(())
}

fn indexed_through(connection: &Connection) -> rusqlite::Result<Seq> {
    connection.prepare_cached("SELECT indexed_through FROM account")?.query_row([], |row| row.get(0))
}

fn insert<'c>(connection: &'c Connection, index: &str) -> rusqlite::Result<CachedStatement<'c>> {
    connection.prepare_cached(&format!(
        "INSERT INTO {index} (rowid, title, body, sender, extra, characters) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    ))
}

/// Indexes what `select` returns; how many, and the last one.
fn fill(
    select: &mut CachedStatement<'_>,
    which: impl rusqlite::Params,
    insert: &mut CachedStatement<'_>,
) -> rusqlite::Result<(usize, Option<Seq>)> {
    let mut rows = select.query(which)?;
    let (mut count, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        let seq = row.get(0)?;
        let (title, body, sender): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let Json(extra) = row.get(4)?;
        put(insert, seq, &title, &body, &sender, &readable(&extra))?;
        (count, last) = (count + 1, Some(seq));
    }
    Ok((count, last))
}

fn put(
    insert: &mut CachedStatement<'_>,
    seq: Seq,
    title: &str,
    body: &str,
    sender: &str,
    extra: &str,
) -> rusqlite::Result<()> {
    let characters = characters(&[title, body, sender, extra]);
    insert.execute(params![seq, cut(title), cut(body), cut(sender), cut(extra), characters])?;
    Ok(())
}
