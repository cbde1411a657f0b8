//! From a row of `notices` to a [`Stored`] notice.
//!
//! The only place that knows the columns; every query of whole notices selects [`COLUMNS`].
//! Deliberately absent: rules of identity and versions ([`super::apply`]).

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::codes::{AsOrigin, AsWord, Json, Micros, unknown, word};
use belfry_core::storage::{ActionResult, Alert, Seq, Stored};
use belfry_core::{
    notice::{
        Identity, Notice, NoticeKey,
        copies::{Changed, Standing},
    },
    ports::PopupId,
};

/// The columns [`stored`] reads, for a `SELECT` from `notices`.
pub(crate) const COLUMNS: &str = "seq, scope, id, received_at, sent_at, read, state, priority, source, version, \
     undelivered, partial, alert, alert_why, kind, sender, title, link, destination, actions, body, extra, opening, \
     action_result, origin, settled_by";

/// Reads a row of [`COLUMNS`].
pub(crate) fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let Micros(received_at) = row.get("received_at")?;
    let Json(actions) = row.get("actions")?;
    let Json(extra) = row.get("extra")?;
    let AsOrigin(origin) = row.get("origin")?;
    let result: Option<Json<ActionResult>> = row.get("action_result")?;
    Ok(Stored {
        seq: Seq(row.get("seq")?),
        source: word(row, "source")?,
        received_at,
        read: row.get("read")?,
        alert: alert(row)?,
        opening: row.get("opening")?,
        action_result: result.map(|Json(result)| result),
        notice: Notice {
            key: NoticeKey { scope: row.get("scope")?, id: row.get("id")? },
            identity: Identity::Assigned,
            title: row.get("title")?,
            body: row.get("body")?,
            kind: row.get("kind")?,
            sender: row.get("sender")?,
            sent_at: time(row, "sent_at")?,
            link: row.get("link")?,
            priority: word(row, "priority")?,
            state: word(row, "state")?,
            has_state: true,
            version: row.get("version")?,
            actions,
            undelivered: row.get("undelivered")?,
            is_partial: row.get("partial")?,
            extra,
            destination: row.get("destination")?,
            origin,
        },
    })
}

/// Reads a column that may hold a time.
pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<Micros>>(column).map(|time| time.map(|Micros(time)| time))
}

fn alert(row: &Row<'_>) -> rusqlite::Result<Alert> {
    let mark: String = row.get("alert")?;
    Ok(match mark.as_str() {
        "due" => Alert::Due,
        "suppressed" => Alert::Suppressed(word(row, "alert_why")?),
        "claimed" => Alert::Claimed,
        "shown" => Alert::Shown,
        "silenced" => Alert::Silenced,
        "refused" => Alert::Refused(row.get("alert_why")?),
        "uncertain" => Alert::Uncertain,
        other => {
            let column = row.as_ref().column_index("alert")?;
            return Err(rusqlite::Error::FromSqlConversionFailure(
                column,
                rusqlite::types::Type::Text,
                unknown(other).into(),
            ));
        }
    })
}

/// One notice.
pub(crate) fn find(connection: &Connection, seq: Seq) -> rusqlite::Result<Option<Stored>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM notices WHERE seq = ?1"))?
        .query_row(params![seq.0], stored)
        .optional()
}

/// One notice with the beginning of its body and none of its own fields, for a list.
pub(crate) fn find_preview(connection: &Connection, seq: Seq, chars: usize) -> rusqlite::Result<Option<Stored>> {
    // The names of the columns stay those of `COLUMNS`.
    let columns = COLUMNS.replace("body, extra", "substr(body, 1, ?2) AS body, '{}' AS extra");
    connection
        .prepare_cached(&format!("SELECT {columns} FROM notices WHERE seq = ?1"))?
        .query_row(params![seq.0, chars], stored)
        .optional()
}

/// The notices that a popup stands for, oldest first.
pub(crate) fn keys_of(connection: &Connection, popup: &PopupId) -> rusqlite::Result<Vec<NoticeKey>> {
    connection
        .prepare_cached(
            "SELECT scope, id FROM notices WHERE popup = (SELECT id FROM popups WHERE name = ?1) ORDER BY seq",
        )?
        .query_map([&popup.0], |row| Ok(NoticeKey { scope: row.get(0)?, id: row.get(1)? }))?
        .collect()
}

/// Keeps what came of a button.
pub(crate) fn keep_action_result(tx: &Transaction<'_>, seq: Seq, result: &ActionResult) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE notices SET action_result = ?2 WHERE seq = ?1")?.execute(params![seq.0, Json(result)])?;
    Ok(())
}

/// What decides whether a copy changes the row, in `notices` or in a table with the same columns.
pub(super) fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    let AsOrigin(origin) = row.get("origin")?;
    Ok(Standing {
        origin,
        version: row.get("version")?,
        sent_at: time(row, "sent_at")?,
        state: word(row, "state")?,
        is_partial: row.get("partial")?,
        settled_by: settled_by(row)?,
    })
}

/// Reads the column of that name.
pub(super) fn settled_by(row: &Row<'_>) -> rusqlite::Result<Option<u64>> {
    row.get::<_, Option<i64>>("settled_by").map(|number| number.map(i64::cast_unsigned))
}

/// Replaces the content of a notice, in `notices` or in a table with the same columns. In a new
/// opening no button was pressed yet.
pub(super) fn update(tx: &Transaction<'_>, table: &str, seq: Seq, changed: &Changed) -> rusqlite::Result<()> {
    let Changed { notice, is_opening, settled_by } = changed;
    tx.prepare_cached(&format!(
        "UPDATE {table} SET sent_at = ?2, state = ?3, priority = ?4, version = ?5, undelivered = ?6, kind = ?7, \
         sender = ?8, title = ?9, link = ?10, destination = ?11, actions = ?12, body = ?13, extra = ?14, partial = ?15, \
         origin = ?16, settled_by = ?17, opening = opening + ?18, action_result = iif(?18, NULL, action_result) \
         WHERE seq = ?1"
    ))?
    .execute(params![
        seq.0,
        notice.sent_at.map(Micros),
        AsWord(notice.state),
        AsWord(notice.priority),
        notice.version,
        notice.undelivered,
        notice.kind,
        notice.sender,
        notice.title,
        notice.link,
        notice.destination,
        Json(&notice.actions),
        notice.body,
        Json(&notice.extra),
        notice.is_partial,
        AsOrigin(&notice.origin),
        settled_by.map(u64::cast_signed),
        is_opening,
    ])?;
    Ok(())
}
