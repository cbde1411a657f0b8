//! Applies a batch of writes: the rules of identity, versions, alert marks and popups, inside one
//! transaction.
//!
//! Deliberately absent: opening and committing that transaction
//! ([`Store::apply`](super::Store::apply)), and deciding whether a notice notifies (the caller
//! passes the mark). Invariants: a key is in `notices` or in `seen`, never in both and never twice;
//! an alert mark goes forward only: due → suppressed | claimed → shown | refused | uncertain.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    codes::{AsWord, Json, Micros, word},
    marks, rows, search, trash,
};
use belfry_core::storage::{AlertMark, Applied, MAX_REJECTED_BYTES, Outcome, RejectReason, Seq, Suppressed, Write};
use belfry_core::{
    notice::{Identity, Notice, NoticeKey, Source, State},
    ports::PopupId,
};

/// How many rejected messages are kept.
const REJECTED_KEPT: i64 = 1_000;

/// Applies the writes in order.
pub(super) fn apply(tx: &Transaction<'_>, batch: &[Write]) -> rusqlite::Result<Applied> {
    let outcomes = batch.iter().map(|write| apply_one(tx, write)).collect::<rusqlite::Result<_>>()?;
    Ok(Applied { outcomes, withdraw: stale_popups(tx)? })
}

fn apply_one(tx: &Transaction<'_>, write: &Write) -> rusqlite::Result<Outcome> {
    match write {
        Write::Notice { notice, source, received_at, alert } => {
            return receive(tx, None, notice, *source, *received_at, *alert);
        }
        Write::Claim(seqs) => return claim(tx, seqs),
        Write::Rejected { reason, destination, head, body, received_at } => {
            reject(tx, *reason, destination, head, body, *received_at)?;
        }
        Write::Cursor(cursor) => {
            tx.prepare_cached("UPDATE account SET cursor = ?1")?.execute(params![cursor])?;
        }
        Write::CompleteThrough(time) => {
            tx.prepare_cached("UPDATE account SET complete_through = ?1")?.execute(params![Micros(*time)])?;
        }
        Write::LastLive(time) => {
            tx.prepare_cached("UPDATE account SET last_live = ?1")?.execute(params![Micros(*time)])?;
        }
        Write::StreamOffset { stream, offset } => {
            tx.prepare_cached(
                r#"INSERT INTO streams (stream, "offset") VALUES (?1, ?2)
                   ON CONFLICT (stream) DO UPDATE SET "offset" = excluded."offset""#,
            )?
            .execute(params![stream, offset.cast_signed()])?;
        }
        Write::Shown { seqs, popup } => shown(tx, seqs, popup)?,
        Write::Refused { seqs, why } => {
            let mut refuse = tx.prepare_cached(
                "UPDATE notices SET alert = 'refused', alert_why = ?2 WHERE seq = ?1 AND alert = 'claimed'",
            )?;
            for seq in seqs {
                refuse.execute(params![seq.0, why])?;
            }
        }
        Write::PopupClosed(popup) => {
            tx.prepare_cached("DELETE FROM popups WHERE name = ?1")?.execute(params![popup.0])?;
        }
        Write::Announced(seq) => {
            tx.prepare_cached("UPDATE account SET announced = max(announced, ?1)")?.execute(params![seq.0])?;
        }
        Write::FirstUnannounced(seq) => {
            tx.prepare_cached("UPDATE account SET first_unannounced = ?1")?.execute(params![seq.0])?;
        }
    }
    Ok(Outcome::Done)
}

/// Stores a notice from a server: it is new, a newer version, known, or deleted before. A new one
/// gets `place`, or the next place.
pub(super) fn receive(
    tx: &Transaction<'_>,
    place: Option<Seq>,
    notice: &Notice,
    source: Source,
    received_at: Timestamp,
    alert: AlertMark,
) -> rusqlite::Result<Outcome> {
    if notice.identity == Identity::FreshContent {
        let key = free_key(tx, &notice.key)?;
        return insert(tx, place, notice, key, source, received_at, alert);
    }
    let known = tx
        .prepare_cached("SELECT seq, version, sent_at, state, partial FROM notices WHERE scope = ?1 AND id = ?2")?
        .query_row(params![notice.key.scope, notice.key.id], |row| {
            let sent_at = rows::time(row, "sent_at")?;
            Ok((Seq(row.get("seq")?), row.get("version")?, sent_at, word(row, "state")?, row.get("partial")?))
        })
        .optional()?;
    let Some((seq, version, sent_at, state, is_partial)) = known else {
        if has_tombstone(tx, &notice.key)? {
            trash::update(tx, notice)?;
            return Ok(Outcome::Deleted);
        }
        return insert(tx, place, notice, notice.key.clone(), source, received_at, alert);
    };
    // Columns hold microseconds: what is finer is no difference.
    let same_time = notice.sent_at.map(Timestamp::as_microsecond) == sent_at.map(Timestamp::as_microsecond);
    if notice.supersedes(version, if same_time { notice.sent_at } else { sent_at }, state) {
        update(tx, seq, |old| notice.over(old))
    } else if is_partial {
        update(tx, seq, |word| word.over(notice))
    } else {
        Ok(Outcome::Known { seq })
    }
}

fn insert(
    tx: &Transaction<'_>,
    place: Option<Seq>,
    notice: &Notice,
    key: NoticeKey,
    source: Source,
    received_at: Timestamp,
    alert: AlertMark,
) -> rusqlite::Result<Outcome> {
    let (mark, why) = match alert {
        AlertMark::Suppressed(why) => ("suppressed", Some(why)),
        AlertMark::Due if notice.state != State::Open => ("suppressed", Some(Suppressed::NotOpen)),
        AlertMark::Due => ("due", None),
    };
    let seq = tx
        .prepare_cached(
            "INSERT INTO notices (scope, id, received_at, sent_at, state, priority, source, version, undelivered, \
             alert, alert_why, kind, sender, title, link, destination, actions, body, extra, seq, partial) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
        )?
        .insert(params![
            key.scope,
            key.id,
            Micros(received_at),
            notice.sent_at.map(Micros),
            AsWord(notice.state),
            AsWord(notice.priority),
            AsWord(source),
            notice.version,
            notice.undelivered,
            mark,
            why.map(AsWord),
            notice.kind,
            notice.sender,
            notice.title,
            notice.link,
            notice.destination,
            Json(&notice.actions),
            notice.body,
            Json(&notice.extra),
            place.map(|place| place.0),
            notice.is_partial,
        ])?;
    Ok(Outcome::New { seq: Seq(seq), key })
}

/// Joins a stored notice with another copy of it. Its first arrival, its read mark and its alert
/// mark stay; but an alert that is still due is suppressed if the notice is no longer open.
fn update(tx: &Transaction<'_>, seq: Seq, join: impl FnOnce(&Notice) -> Notice) -> rusqlite::Result<Outcome> {
    let old = rows::find(tx, seq)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let notice = Box::new(join(&old.notice));
    let fields = changed_fields(&old.notice, &notice);
    if fields.is_empty() && notice.is_partial == old.notice.is_partial {
        return Ok(Outcome::Known { seq });
    }
    rows::update(tx, "notices", seq, &notice)?;
    if fields.is_empty() {
        return Ok(Outcome::Known { seq });
    }
    search::update(tx, seq, &notice)?;
    if notice.state != State::Open {
        marks::suppress_if_due(tx, seq, Suppressed::NotOpen)?;
    }
    let popup = if notice.state == State::Open && !old.read { own_popup(tx, seq)? } else { None };
    Ok(Outcome::Changed { seq, notice, fields, popup })
}

fn changed_fields(old: &Notice, new: &Notice) -> Vec<&'static str> {
    let micros = |notice: &Notice| notice.sent_at.map(Timestamp::as_microsecond);
    [
        ("title", old.title != new.title),
        ("body", old.body != new.body),
        ("kind", old.kind != new.kind),
        ("sender", old.sender != new.sender),
        ("sent_at", micros(old) != micros(new)),
        ("state", old.state != new.state),
        ("priority", old.priority != new.priority),
        ("link", old.link != new.link),
        ("version", old.version != new.version),
        ("actions", old.actions != new.actions),
        ("extra", old.extra != new.extra),
    ]
    .into_iter()
    .filter_map(|(name, changed)| changed.then_some(name))
    .collect()
}

/// The popup that stands for this notice and no other.
fn own_popup(tx: &Transaction<'_>, seq: Seq) -> rusqlite::Result<Option<PopupId>> {
    tx.prepare_cached(
        "SELECT p.name FROM notices n JOIN popups p ON p.id = n.popup WHERE n.seq = ?1 \
         AND NOT EXISTS (SELECT 1 FROM notices other WHERE other.popup = n.popup AND other.seq <> n.seq)",
    )?
    .query_row(params![seq.0], |row| row.get(0).map(PopupId))
    .optional()
}

fn has_tombstone(tx: &Transaction<'_>, key: &NoticeKey) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT 1 FROM seen WHERE scope = ?1 AND id = ?2")?.exists(params![key.scope, key.id])
}

fn is_used(tx: &Transaction<'_>, key: &NoticeKey) -> rusqlite::Result<bool> {
    let stored =
        tx.prepare_cached("SELECT 1 FROM notices WHERE scope = ?1 AND id = ?2")?.exists(params![key.scope, key.id])?;
    Ok(stored || has_tombstone(tx, key)?)
}

/// The first of `id`, `id#2`, `id#3` … that was never used. The numbers in use have no gap, since
/// identity outlives the row; so doubling and halving finds the end in a few steps, however often a
/// server repeats an id.
fn free_key(tx: &Transaction<'_>, key: &NoticeKey) -> rusqlite::Result<NoticeKey> {
    let numbered = |number: u64| NoticeKey { scope: key.scope.clone(), id: format!("{}#{number}", key.id) };
    if !is_used(tx, key)? {
        return Ok(key.clone());
    }
    let (mut used, mut free) = (1, 2);
    while is_used(tx, &numbered(free))? {
        (used, free) = (free, free * 2);
    }
    while free - used > 1 {
        let middle = used + (free - used) / 2;
        if is_used(tx, &numbered(middle))? { used = middle } else { free = middle }
    }
    Ok(numbered(free))
}

fn claim(tx: &Transaction<'_>, seqs: &[Seq]) -> rusqlite::Result<Outcome> {
    let mut claim = tx.prepare_cached(
        "UPDATE notices SET alert = 'claimed' WHERE seq = ?1 AND alert = 'due' AND read = 0 AND state = 'open'",
    )?;
    let mut claimed = Vec::with_capacity(seqs.len());
    for seq in seqs {
        if claim.execute(params![seq.0])? == 1 {
            claimed.push(*seq);
        }
    }
    Ok(Outcome::Claimed(claimed))
}

/// Records a popup, even if it stands for no unread and open notice any more: then it is withdrawn
/// at once. A second popup for a notice (an update under another name) replaces the first.
fn shown(tx: &Transaction<'_>, seqs: &[Seq], popup: &PopupId) -> rusqlite::Result<()> {
    let id: i64 = tx
        .prepare_cached(
            "INSERT INTO popups (name) VALUES (?1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
        )?
        .query_row(params![popup.0], |row| row.get(0))?;
    let mut show = tx.prepare_cached(
        "UPDATE notices SET alert = 'shown', popup = ?2 WHERE seq = ?1 AND alert IN ('claimed', 'shown')",
    )?;
    for seq in seqs {
        show.execute(params![seq.0, id])?;
    }
    Ok(())
}

/// Popups that stand for no unread and open notice, oldest first.
pub(super) fn stale_popups(connection: &rusqlite::Connection) -> rusqlite::Result<Vec<PopupId>> {
    connection
        .prepare_cached(
            "SELECT name FROM popups p WHERE NOT EXISTS \
             (SELECT 1 FROM notices n WHERE n.popup = p.id AND n.read = 0 AND n.state = 'open') ORDER BY id",
        )?
        .query_map([], |row| row.get(0).map(PopupId))?
        .collect()
}

fn reject(
    tx: &Transaction<'_>,
    reason: RejectReason,
    destination: &str,
    head: &[u8],
    body: &[u8],
    received_at: Timestamp,
) -> rusqlite::Result<()> {
    let head = head.get(..MAX_REJECTED_BYTES).unwrap_or(head);
    let body = body.get(..MAX_REJECTED_BYTES).unwrap_or(body);
    let number = tx
        .prepare_cached(
            "INSERT INTO rejected (reason, destination, received_at, head, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .insert(params![AsWord(reason), destination, Micros(received_at), head, body])?;
    tx.prepare_cached("DELETE FROM rejected WHERE number <= ?1")?.execute(params![number - REJECTED_KEPT])?;
    tx.prepare_cached("UPDATE account SET rejected = rejected + 1")?.execute([])?;
    Ok(())
}
