//! The search index: what is in it, how it is updated, and how it is searched.
//!
//! A burst of notices is stored first and indexed later, in slices; `indexed_through` says how far.
//! The index is a series of tables (parts), each over an equal range of arrival numbers. Hits come
//! in the order of the inbox, so a search ends with the newest part that fills its page; and an
//! unfinished word, which costs time for each of its occurrences, costs it in that part only.
//! Notices that are not indexed yet are searched through a scratch index, a temporary table with
//! the same text and tokenizer. Deliberately absent: ranking, and highlighting
//! ([`crate::inbox::Highlighter`]). Invariant: the index holds the newest version of each notice up
//! to `indexed_through`, and nothing else.

use std::ops::Range;

use rusqlite::{CachedStatement, Connection, OptionalExtension, ToSql, Transaction, params};

use super::{
    codes::{self, Json},
    filter::{Filter, Place},
    text::{characters, cut, query, readable},
};
use belfry_core::notice::Notice;
use belfry_core::storage::Seq;

/// How many arrival numbers a part covers. Part of the file format.
const PART: i64 = 65_536;

/// How many notices the scratch index holds at once, so that memory stays small.
const SLICE: usize = 500;

/// The definition of a part. The text is cut in Rust; `characters` holds each CJK character of a
/// notice once.
const FTS5: &str = "fts5 (title, body, sender, extra, characters, \
     content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2')";

/// Indexes the next notices, at most `limit`, the oldest first, while `goes_on`, which is called
/// after each of them, says so; how many, 0 only when there are no more.
pub(crate) fn index_while(
    tx: &Transaction<'_>,
    limit: usize,
    goes_on: &mut dyn FnMut() -> bool,
) -> rusqlite::Result<usize> {
    let through = indexed_through(tx)?;
    let next: Option<Seq> = tx
        .prepare_cached("SELECT seq FROM notices WHERE seq > ?1 ORDER BY seq LIMIT 1")?
        .query_row(params![through.0], codes::seq)
        .optional()?;
    let Some(next) = next else { return Ok(0) };
    let part = part_of(next);
    make_part(tx, part)?;
    let mut select = tx.prepare_cached(
        "SELECT seq, title, body, sender, extra FROM notices WHERE seq >= ?1 AND seq < ?2 ORDER BY seq LIMIT ?3",
    )?;
    let end = (part + 1) * PART;
    let (count, last) = fill(&mut select, params![next.0, end, limit], &mut insert(tx, &table(part))?, goes_on)?;
    if let Some(last) = last {
        tx.prepare_cached("UPDATE account SET indexed_through = ?1")?.execute(params![last.0])?;
    }
    Ok(count)
}

/// Makes a part, if it is not there.
fn make_part(tx: &Transaction<'_>, part: i64) -> rusqlite::Result<()> {
    if tx.prepare_cached("INSERT OR IGNORE INTO search_parts (part) VALUES (?1)")?.execute(params![part])? == 1 {
        tx.execute_batch(&format!("CREATE VIRTUAL TABLE {} USING {FTS5}", table(part)))?;
    }
    Ok(())
}

/// Drops the oldest parts that contain no notice any more, with all their words.
pub(super) fn drop_empty_parts(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    let oldest: Option<i64> = tx.query_row("SELECT min(seq) FROM notices", [], |row| row.get::<_, Option<i64>>(0))?;
    let kept = part_of(match oldest {
        Some(oldest) => Seq(oldest),
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

/// The name of a part's table; older history has negative parts.
fn table(part: i64) -> String {
    if part < 0 { format!("search_below_{}", part.unsigned_abs()) } else { format!("search_{part}") }
}

/// Whether something is not in the index yet.
pub(crate) fn is_behind(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM notices WHERE seq > (SELECT indexed_through FROM account)")?.exists([])
}

/// Updates the index for a notice that changed, or that was put below `indexed_through`. A notice
/// above it is indexed later, in its newest version.
pub(super) fn update(tx: &Transaction<'_>, seq: Seq, notice: &Notice) -> rusqlite::Result<()> {
    if seq > indexed_through(tx)? {
        return Ok(());
    }
    make_part(tx, part_of(seq))?;
    remove(tx, seq)?;
    let mut insert = insert(tx, &table(part_of(seq)))?;
    put(&mut insert, seq, &notice.title, &notice.body, &notice.sender, &readable(&notice.extra))
}

/// Removes a notice, which must still be in the inbox, from the index; does nothing if it is not
/// indexed yet.
pub(super) fn remove(tx: &Transaction<'_>, seq: Seq) -> rusqlite::Result<()> {
    if seq <= indexed_through(tx)? {
        let remove = format!("DELETE FROM {} WHERE rowid = ?1", table(part_of(seq)));
        tx.prepare_cached(&remove)?.execute(params![seq.0])?;
    }
    Ok(())
}

/// The places of notices that contain what a person typed and match the other conditions of the
/// filter: at most `limit`, from `place` on. To be called in a transaction, so that no part is
/// dropped and no notice moves into the index between two queries.
pub(super) fn find(
    connection: &Connection,
    typed: &str,
    filter: &Filter<'_>,
    place: Place,
    limit: usize,
) -> rusqlite::Result<Vec<Seq>> {
    let Some(query) = query(typed) else { return Ok(Vec::new()) };
    let (above, below, is_downwards) = place.bounds();
    let mut run = SearchRun { connection, query, filter, above, below, is_downwards, limit, hits: Vec::new() };
    // What is not indexed yet is newer than what is.
    if is_downwards {
        run.search_unindexed()?;
        run.search_parts()?;
    } else {
        run.search_parts()?;
        run.search_unindexed()?;
    }
    Ok(run.hits)
}

/// A search that is running.
struct SearchRun<'a> {
    connection: &'a Connection,
    query: String,
    filter: &'a Filter<'a>,
    above: i64,
    below: i64,
    is_downwards: bool,
    limit: usize,
    hits: Vec<Seq>,
}

impl SearchRun<'_> {
    fn search_parts(&mut self) -> rusqlite::Result<()> {
        let through = indexed_through(self.connection)?;
        let (above, below) = (self.above, self.below.min(through.0.saturating_add(1)));
        let order = if self.is_downwards { "DESC" } else { "ASC" };
        let parts: Vec<i64> = self
            .connection
            .prepare_cached(&format!(
                "SELECT part FROM search_parts WHERE part >= ?1 AND part <= ?2 ORDER BY part {order}"
            ))?
            .query_map(params![part_of(Seq(above)), part_of(Seq(below))], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        parts.into_iter().try_for_each(|part| self.search_table(&table(part), above, below))
    }

    /// Searches the notices that are not in the index yet.
    fn search_unindexed(&mut self) -> rusqlite::Result<()> {
        let through = indexed_through(self.connection)?.0;
        let (first, newest): (Option<i64>, Option<i64>) = self
            .connection
            .prepare_cached("SELECT min(seq), max(seq) FROM notices WHERE seq > ?1 AND seq < ?2")?
            .query_row(params![self.above.max(through), self.below], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(first), Some(newest)) = (first, newest) else { return Ok(()) };
        let slices: Vec<i64> = (first..=newest).step_by(SLICE).collect();
        let ordered: &mut dyn Iterator<Item = &i64> =
            if self.is_downwards { &mut slices.iter().rev() } else { &mut slices.iter() };
        for start in ordered {
            if self.hits.len() >= self.limit {
                break;
            }
            let end = start.saturating_add(SLICE as i64).min(newest + 1);
            fill_scratch(self.connection, *start..end)?;
            self.search_table("scratch", start - 1, end)?;
        }
        Ok(())
    }

    /// Adds the hits of one table between two places.
    fn search_table(&mut self, index: &str, above: i64, below: i64) -> rusqlite::Result<()> {
        let missing = self.limit - self.hits.len();
        if missing == 0 {
            return Ok(());
        }
        let mut parameters = self.filter.parameters();
        parameters.push(&self.query);
        let query = parameters.len();
        let order = if self.is_downwards { "DESC" } else { "ASC" };
        // CROSS JOIN keeps this order: the index streams its hits by rowid, and the limit ends it
        // early. Without other conditions the index is enough, since it holds what is in the inbox
        // and nothing else.
        let (join, conditions) = match self.filter.conditions() {
            Some(conditions) => {
                (format!("CROSS JOIN notices ON notices.seq = {index}.rowid"), format!("AND {conditions}"))
            }
            None => Default::default(),
        };
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {index}.rowid FROM {index} {join} WHERE {index} MATCH ?{query} AND {index}.rowid > ?{} \
             AND {index}.rowid < ?{} {conditions} ORDER BY {index}.rowid {order} LIMIT ?{}",
            query + 1,
            query + 2,
            query + 3
        ))?;
        parameters.extend([&above as &dyn ToSql, &below, &missing]);
        for hit in select.query_map(parameters.as_slice(), codes::seq)? {
            self.hits.push(hit?);
        }
        Ok(())
    }
}

/// Fills the scratch index with the notices of a range, and nothing else.
fn fill_scratch(connection: &Connection, range: Range<i64>) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("CREATE VIRTUAL TABLE IF NOT EXISTS temp.scratch USING {FTS5}"))?;
    connection.prepare_cached("INSERT INTO scratch (scratch) VALUES ('delete-all')")?.execute([])?;
    let mut select = connection
        .prepare_cached("SELECT seq, title, body, sender, extra FROM notices WHERE seq >= ?1 AND seq < ?2")?;
    fill(&mut select, params![range.start, range.end], &mut insert(connection, "scratch")?, &mut || true)?;
    Ok(())
}

fn indexed_through(connection: &Connection) -> rusqlite::Result<Seq> {
    connection.prepare_cached("SELECT indexed_through FROM account")?.query_row([], codes::seq)
}

fn insert<'c>(connection: &'c Connection, index: &str) -> rusqlite::Result<CachedStatement<'c>> {
    connection.prepare_cached(&format!(
        "INSERT INTO {index} (rowid, title, body, sender, extra, characters) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    ))
}

/// Indexes the rows of `select` while `goes_on` says so; returns how many, and the last one.
fn fill(
    select: &mut CachedStatement<'_>,
    which: impl rusqlite::Params,
    insert: &mut CachedStatement<'_>,
    goes_on: &mut dyn FnMut() -> bool,
) -> rusqlite::Result<(usize, Option<Seq>)> {
    let mut rows = select.query(which)?;
    let (mut count, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        let seq = Seq(row.get(0)?);
        let (title, body, sender): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let Json(extra) = row.get(4)?;
        put(insert, seq, &title, &body, &sender, &readable(&extra))?;
        (count, last) = (count + 1, Some(seq));
        if !goes_on() {
            break;
        }
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
    insert.execute(params![seq.0, cut(title), cut(body), cut(sender), cut(extra), characters])?;
    Ok(())
}
