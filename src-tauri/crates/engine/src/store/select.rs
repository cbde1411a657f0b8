//! Which notices a list shows: filters, places and counts, at a million notices as at ten.
//!
//! Each filter is answered by an index that covers it; each count by a number that the database
//! maintains, by an index alone, or, for a search with many hits, by an estimate that is marked as
//! one. Deliberately absent: the notices' contents. Invariant: a list is in the order of the
//! places, newest first, in whichever direction it was read.

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::{
    codes,
    filter::{Filter, MatchCount, Place},
    search,
};
use belfry_core::storage::Seq;

/// How many hits of a search are counted; the number of the others is estimated from their density.
const SAMPLE: usize = 500;

/// The places of a page: at most `limit`, newest first. To be called in a transaction, so that the
/// parts of a search agree.
pub(crate) fn seqs(
    connection: &Connection,
    filter: &Filter<'_>,
    place: Place,
    limit: usize,
) -> rusqlite::Result<Vec<Seq>> {
    let mut found: Vec<Seq> = match filter.text {
        Some(text) => search::find(connection, text, filter, place, limit)?,
        None => {
            let (above, below, is_downwards) = place.bounds();
            let order = if is_downwards { "DESC" } else { "ASC" };
            // The formatted values are numbers; only the kind is text, and it is a parameter.
            let select = format!(
                "SELECT seq FROM notices {} AND seq > {above} AND seq < {below} ORDER BY seq {order} LIMIT {limit}",
                filter.index()
            );
            connection
                .prepare(&select)?
                .query_map(params_from_iter(filter.parameters()), codes::seq)?
                .collect::<rusqlite::Result<_>>()?
        }
    };
    if matches!(place, Place::After(_)) {
        found.reverse();
    }
    Ok(found)
}

/// How many notices match. To be called in a transaction.
pub(crate) fn count(connection: &Connection, filter: &Filter<'_>) -> rusqlite::Result<MatchCount> {
    let exact = |number| Ok(MatchCount { number, is_exact: true });
    let kept = |column: &str| connection.query_row(&format!("SELECT {column} FROM account"), [], |row| row.get(0));
    match *filter {
        Filter { text: Some(_), .. } => estimate(connection, filter),
        Filter { kind: None, unread: false, needs_action: false, .. } => exact(kept("notices")?),
        Filter { kind: None, unread: true, needs_action: false, .. } => exact(kept("unread")?),
        Filter { kind: None, unread: false, needs_action: true, .. } => exact(kept("waiting")?),
        Filter { kind: Some(kind), unread: false, needs_action: false, .. } => {
            let of_kind = connection
                .query_row("SELECT notices FROM kinds WHERE kind = ?1", [kind], |row| row.get(0))
                .optional()?;
            exact(of_kind.unwrap_or(0))
        }
        _ => {
            let select = format!("SELECT count(*) FROM notices {}", filter.index());
            exact(connection.query_row(&select, params_from_iter(filter.parameters()), |row| row.get(0))?)
        }
    }
}

/// Counts the newest hits of a search; if there are more, the same density is assumed for all
/// notices below.
fn estimate(connection: &Connection, filter: &Filter<'_>) -> rusqlite::Result<MatchCount> {
    let sample = seqs(connection, filter, Place::Newest, SAMPLE)?;
    let counted = sample.len() as u64;
    let (Some(last), true) = (sample.last(), sample.len() == SAMPLE) else {
        return Ok(MatchCount { number: counted, is_exact: true });
    };
    // One query each: for both in one, SQLite scans the whole table.
    let end = |which: &str| {
        connection.query_row(&format!("SELECT coalesce({which}(seq), 0) FROM notices"), [], |row| row.get::<_, i64>(0))
    };
    let (oldest, newest) = (end("min")?, end("max")?);
    let (all, walked) = (newest.abs_diff(oldest) + 1, newest.abs_diff(last.0) + 1);
    let number = u128::from(counted) * u128::from(all) / u128::from(walked);
    let most = count(connection, &filter.without_text())?.number;
    Ok(MatchCount {
        number: u64::try_from(number).unwrap_or(u64::MAX).clamp(counted, most.max(counted)),
        is_exact: false,
    })
}

/// The kinds there are with how many notices each, the most frequent first, at most `limit`;
/// notices of no kind are left out.
pub(crate) fn kinds(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<(String, u64)>> {
    connection
        .prepare_cached("SELECT kind, notices FROM kinds WHERE kind <> '' ORDER BY notices DESC, kind LIMIT ?1")?
        .query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
