//! The search index: what is in it, how it follows, and how it is asked.
//!
//! A burst of notices is stored first and indexed later, in slices; the account remembers how far. The index is a row of
//! tables, each over an equal range of arrival numbers: hits come in the order of the inbox, so a search ends with the
//! newest part that fills its page, and an unfinished word, which costs time for every place it stands in, costs it in
//! that part only. Deliberately absent: ranking, and marks in the text. Invariant: the index holds the newest version of
//! each notice up to where it is, and nothing else; what is beyond, a search looks through by itself, with the same cut
//! and the same tokenizer.

use std::ops::Range;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, params};

use super::{
    codes::Json,
    rows,
    text::{characters, cut, query, readable},
    types::{Seq, Stored},
};
use crate::notice::Notice;

/// How many arrival numbers a part covers. Part of the file format.
const PART: i64 = 65_536;

/// How many notices outside the index are looked through at once, so that memory stays small.
const SLICE: i64 = 500;

/// What a part is. The text is cut in Rust; `characters` holds each CJK character of a notice once.
const FTS5: &str = "fts5 (title, body, sender, extra, characters, \
     content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2')";

/// Indexes the next notices, at most `limit`, the oldest first; how many, 0 only when there are no more.
pub(crate) fn index_some(tx: &Transaction<'_>, limit: usize) -> rusqlite::Result<usize> {
    let through = indexed_through(tx)?;
    let next: Option<Seq> = tx
        .prepare_cached("SELECT seq FROM notices WHERE seq > ?1 ORDER BY seq LIMIT 1")?
        .query_row(params![through], |row| row.get(0))
        .optional()?;
    let Some(next) = next else { return Ok(0) };
    let part = part_of(next);
    if tx.prepare_cached("INSERT OR IGNORE INTO search_parts (part) VALUES (?1)")?.execute(params![part])? == 1 {
        tx.execute_batch(&format!("CREATE VIRTUAL TABLE {} USING {FTS5}", table(part)))?;
    }
    let mut select = tx.prepare_cached(
        "SELECT seq, title, body, sender, extra FROM notices WHERE seq >= ?1 AND seq < ?2 ORDER BY seq LIMIT ?3",
    )?;
    let end = (part + 1) * PART;
    let (count, last) = fill(&mut select, params![next, end, limit], &mut insert(tx, &table(part))?)?;
    if let Some(last) = last {
        tx.prepare_cached("UPDATE account SET indexed_through = ?1")?.execute(params![last])?;
    }
    Ok(count)
}

/// Lets go of the parts that every notice has left, with all the words in them.
pub(super) fn drop_empty_parts(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    let oldest: Option<Seq> = tx.query_row("SELECT min(seq) FROM notices", [], |row| row.get(0))?;
    let kept = part_of(match oldest {
        Some(oldest) => oldest,
        None => indexed_through(tx)?,
    });
    let empty: Vec<i64> = tx
        .prepare_cached("DELETE FROM search_parts WHERE part < ?1 RETURNING part")?
        .query_map(params![kept], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    empty.into_iter().try_for_each(|part| tx.execute_batch(&format!("DROP TABLE {}", table(part))))
}

fn part_of(seq: Seq) -> i64 {
    seq.0.div_euclid(PART)
}

fn table(part: i64) -> String {
    format!("search_{part}")
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
    let mut insert = insert(tx, &table(part_of(seq)))?;
    put(&mut insert, seq, &notice.title, &notice.body, &notice.sender, &readable(&notice.extra))
}

/// Forgets a notice that is in the inbox; nothing happens if it is not in the index yet.
pub(super) fn remove(tx: &Transaction<'_>, seq: Seq) -> rusqlite::Result<()> {
    if seq <= indexed_through(tx)? {
        let remove = format!("DELETE FROM {} WHERE rowid = ?1", table(part_of(seq)));
        tx.prepare_cached(&remove)?.execute(params![seq])?;
    }
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
    // One snapshot, so that no part goes away and no notice moves into the index between two questions.
    let connection = connection.unchecked_transaction()?;
    let mut hits = Vec::new();
    let through = indexed_through(&connection)?;
    // Newest first: what is not indexed yet comes before what is.
    let newest: i64 = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM notices WHERE seq < ?1")?
        .query_row(params![before], |row| row.get(0))?;
    let mut upper = newest + 1;
    while upper > through.0 + 1 && hits.len() < limit {
        let lower = (upper - SLICE).max(through.0 + 1);
        look_through(&connection, lower..upper)?;
        ask(&connection, "rest", &query, unread_only, upper, limit - hits.len(), &mut hits)?;
        upper = lower;
    }
    let below = before.0.min(through.0.saturating_add(1));
    let parts: Vec<i64> = connection
        .prepare_cached("SELECT part FROM search_parts WHERE part * ?1 < ?2 ORDER BY part DESC")?
        .query_map(params![PART, below], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for part in parts {
        if hits.len() == limit {
            break;
        }
        ask(&connection, &table(part), &query, unread_only, below, limit - hits.len(), &mut hits)?;
    }
    connection.commit()?;
    Ok(hits)
}

/// Puts the notices of a range, and nothing else, into the twin.
fn look_through(connection: &Connection, range: Range<i64>) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("CREATE VIRTUAL TABLE IF NOT EXISTS temp.rest USING {FTS5}"))?;
    connection.prepare_cached("INSERT INTO rest (rest) VALUES ('delete-all')")?.execute([])?;
    let mut select = connection
        .prepare_cached("SELECT seq, title, body, sender, extra FROM notices WHERE seq >= ?1 AND seq < ?2")?;
    fill(&mut select, params![range.start, range.end], &mut insert(connection, "rest")?)?;
    Ok(())
}

/// Adds the hits of one table below `before`, newest first, at most `limit`.
fn ask(
    connection: &Connection,
    index: &str,
    query: &str,
    unread_only: bool,
    before: i64,
    limit: usize,
    hits: &mut Vec<Stored>,
) -> rusqlite::Result<()> {
    let unread = if unread_only { "AND notices.read = 0" } else { "" };
    // CROSS JOIN keeps this order: the index streams its hits by rowid, and the limit ends it early.
    let mut select = connection.prepare_cached(&format!(
        "SELECT notices.* FROM {index} CROSS JOIN notices ON notices.seq = {index}.rowid \
         WHERE {index} MATCH ?1 AND {index}.rowid < ?2 {unread} ORDER BY {index}.rowid DESC LIMIT ?3"
    ))?;
    for hit in select.query_map(params![query, before, limit], rows::stored)? {
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
