//! Applies a batch of writes: the rules of identity, versions, alert marks and popups, inside one
//! transaction.
//!
//! Deliberately absent: opening and committing that transaction
//! ([`Store::apply`](super::Store::apply)), and deciding whether a notice notifies (the caller
//! passes the marks) or what a copy may change ([`belfry_core::notice::copies`]). Invariants: a key
//! is in `notices` or in `seen`, never in both and never twice; within an opening an alert mark goes
//! forward only: due → suppressed | claimed → shown | refused | uncertain; but what was held back, and
//! what found no notification service, becomes due again.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    codes::{self, AsWord, Micros},
    marks,
    new_notices::{NewNotice, NewNotices, mark_of},
    rows, search, server_deletions, tombstones, trash,
};
use belfry_core::storage::{
    Alert, AlertMark, Applied, MAX_REJECTED_BYTES, Opening, Outcome, RejectReason, Seq, Stored, Suppressed, Write,
};
use belfry_core::{
    notice::{
        Identity, Notice, NoticeKey, State,
        copies::{AfterDelete, Arrival, Change, Changed, Standing},
    },
    ports::PopupId,
};

/// How many rejected messages are kept.
const REJECTED_KEPT: i64 = 1_000;

/// How many alerts one statement marks: SQLite keeps a copy of what it changes until it ends.
const RUN: usize = 100;

/// Alerts that are held back: the condition of their index.
const HELD: &str =
    "alert = 'suppressed' AND alert_why IN ('quiet-hours', 'paused', 'no-service') AND read = 0 AND state = 'open'";

/// Applies the writes in order. New notices are written together, but before anything that could
/// look at them.
pub(super) fn apply(tx: &Transaction<'_>, batch: &[Write]) -> rusqlite::Result<Applied> {
    let (mut outcomes, mut new) = (Vec::with_capacity(batch.len()), NewNotices::default());
    for write in batch {
        match find(tx, write, &new)? {
            Found::Nothing(notice) => new.push(notice, &mut outcomes),
            Found::Known(seq) => outcomes.push(Outcome::Known { seq }),
            Found::Other => {
                new.write(tx, &mut outcomes)?;
                outcomes.push(apply_one(tx, write)?);
            }
        }
    }
    new.write(tx, &mut outcomes)?;
    Ok(Applied { outcomes, withdraw: stale_popups(tx)? })
}

/// What the database has of a write.
enum Found<'a> {
    /// Nothing yet of this notice.
    Nothing(NewNotice<'a>),
    /// All of it.
    Known(Seq),
    /// What makes it one of the other cases.
    Other,
}

fn find<'a>(tx: &Transaction<'_>, write: &'a Write, new: &NewNotices<'_>) -> rusqlite::Result<Found<'a>> {
    let Write::Notice { notice, arrival, received_at, alert, .. } = write else { return Ok(Found::Other) };
    if notice.identity == Identity::FreshContent || new.contains(&notice.key) {
        return Ok(Found::Other);
    }
    Ok(match standing(tx, &notice.key)? {
        Some((seq, standing)) if standing.change(notice, *arrival) == Change::Nothing => Found::Known(seq),
        None if !has_tombstone(tx, &notice.key)? => Found::Nothing(NewNotice {
            place: None,
            notice,
            key: &notice.key,
            source: arrival.source,
            received_at: *received_at,
            alert: *alert,
            opening: 1,
        }),
        Some(_) | None => Found::Other,
    })
}

fn apply_one(tx: &Transaction<'_>, write: &Write) -> rusqlite::Result<Outcome> {
    match write {
        Write::Notice { notice, arrival, received_at, alert, alert_if_opened } => {
            return receive(tx, None, notice, *arrival, *received_at, [*alert, *alert_if_opened]);
        }
        Write::Claim(openings) => return claim(tx, openings),
        Write::Release => return release(tx),
        Write::ServerDeleted(key) => {
            server_deletions::done(tx, key)?;
            return Ok(Outcome::ServerDeletion);
        }
        Write::ServerDeletionsRefused { key, why } => {
            server_deletions::refuse(tx, key.as_ref(), why)?;
            return Ok(Outcome::ServerDeletion);
        }
        Write::PauseUntil(until) => {
            tx.prepare_cached("UPDATE account SET paused_until = ?1")?.execute(params![until.map(Micros)])?;
        }
        Write::Rejected { reason, destination, head, body, received_at } => {
            return reject(tx, *reason, destination, head, body, *received_at);
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
        Write::Shown { openings, popup, is_silenced } => shown(tx, openings, popup, *is_silenced)?,
        Write::Refused { openings, why } => {
            let mut refuse = tx.prepare_cached(
                "UPDATE notices SET alert = 'refused', alert_why = ?4 \
                 WHERE seq BETWEEN ?1 AND ?2 AND opening = ?3 AND alert = 'claimed'",
            )?;
            for Run { first, last, number } in runs(openings) {
                refuse.execute(params![first.0, last.0, number, why])?;
            }
        }
        Write::NoService(openings) => {
            let mut hold = tx.prepare_cached(
                "UPDATE notices SET alert = 'suppressed', \
                 alert_why = CASE WHEN state <> 'open' THEN 'not-open' WHEN read THEN 'read' ELSE 'no-service' END \
                 WHERE seq BETWEEN ?1 AND ?2 AND opening = ?3 AND alert = 'claimed'",
            )?;
            for Run { first, last, number } in runs(openings) {
                hold.execute(params![first.0, last.0, number])?;
            }
        }
        Write::PopupReplaced { old, new } => {
            tx.prepare_cached(
                "UPDATE notices SET popup = (SELECT id FROM popups WHERE name = ?2) \
                 WHERE popup = (SELECT id FROM popups WHERE name = ?1)",
            )?
            .execute(params![old.0, new.0])?;
            tx.prepare_cached("DELETE FROM popups WHERE name = ?1")?.execute(params![old.0])?;
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

/// Stores a notice from a server: it is new, it changes the stored one, it is known, or it was
/// deleted. A new one gets `place`, or the next place. The marks are for a new notice and for
/// another opening of a known one.
pub(super) fn receive(
    tx: &Transaction<'_>,
    place: Option<Seq>,
    notice: &Notice,
    arrival: Arrival,
    received_at: Timestamp,
    [alert, alert_if_opened]: [AlertMark; 2],
) -> rusqlite::Result<Outcome> {
    let new = NewNotice { place, notice, key: &notice.key, source: arrival.source, received_at, alert, opening: 1 };
    if notice.identity == Identity::FreshContent {
        let key = free_key(tx, &notice.key)?;
        let seq = NewNotice { key: &key, ..new }.insert(tx)?;
        return Ok(Outcome::New { seq, key });
    }
    if let Some((seq, standing)) = standing(tx, &notice.key)? {
        let change = standing.change(notice, arrival);
        if change == Change::Nothing {
            return Ok(Outcome::Known { seq });
        }
        let old = rows::find(tx, seq)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let changed = change.apply(&old.notice, standing.settled_by, notice, arrival);
        return match changed {
            Some(changed) => update(tx, &old, &standing, changed, alert_if_opened),
            None => Ok(Outcome::Known { seq }),
        };
    }
    let Some(tombstone) = tombstones::find(tx, &notice.key)? else {
        return Ok(Outcome::New { seq: new.insert(tx)?, key: notice.key.clone() });
    };
    match tombstone.standing.after_delete(tombstone.content_hash.as_deref(), notice, arrival) {
        AfterDelete::Stays => {}
        AfterDelete::StaysAs(standing) => tombstones::update(tx, &notice.key, &standing)?,
        AfterDelete::Returns => {
            tombstones::remove(tx, &notice.key)?;
            trash::forget(tx, &notice.key)?;
            let number = tombstone.opening + 1;
            let seq = NewNotice { place: None, alert: alert_if_opened, opening: number, ..new }.insert(tx)?;
            return Ok(Outcome::Changed {
                opening: Opening { seq, number },
                alert: Some(alert_if_opened),
                notice: Box::new(notice.clone()),
                fields: vec!["state"],
                popup: None,
            });
        }
    }
    trash::update(tx, notice, arrival)?;
    Ok(Outcome::Deleted)
}

/// A stored notice, as far as it decides what a copy of it may change.
fn standing(tx: &Transaction<'_>, key: &NoticeKey) -> rusqlite::Result<Option<(Seq, Standing)>> {
    tx.prepare_cached(
        "SELECT seq, version, sent_at, state, partial, origin, settled_by FROM notices WHERE scope = ?1 AND id = ?2",
    )?
    .query_row(params![key.scope, key.id], |row| Ok((Seq(row.get("seq")?), rows::standing(row)?)))
    .optional()
}

/// Joins a stored notice with another copy of it. Its first arrival, its read mark and its alert
/// mark stay; but an alert that is still due is suppressed if the notice is no longer open, one that is
/// held back has the mark `alert` if that is due, and a new opening is unread and has the mark `alert`.
fn update(
    tx: &Transaction<'_>,
    old: &Stored,
    standing: &Standing,
    changed: Changed,
    alert: AlertMark,
) -> rusqlite::Result<Outcome> {
    let Stored { seq, opening: number, .. } = *old;
    let fields = changed_fields(&old.notice, &changed.notice);
    let is_same = changed.notice.is_partial == standing.is_partial
        && changed.notice.origin == standing.origin
        && changed.settled_by == standing.settled_by;
    if !fields.is_empty() || !is_same {
        rows::update(tx, "notices", seq, &changed)?;
    }
    if fields.is_empty() {
        return Ok(Outcome::Known { seq });
    }
    let Changed { notice, is_opening, .. } = changed;
    // It was held back, and has become so urgent that it is not held back any more.
    let is_held = matches!(
        old.alert,
        Alert::Suppressed(Suppressed::QuietHours | Suppressed::Paused | Suppressed::NoService) if !old.read
    );
    let is_due_now = !is_opening && notice.state == State::Open && is_held && alert == AlertMark::Due;
    search::update(tx, seq, &notice)?;
    if is_opening {
        let (mark, why) = mark_of(alert);
        // Without its popup, which belongs to the opening before and is withdrawn.
        tx.prepare_cached("UPDATE notices SET alert = ?2, alert_why = ?3, read = 0, popup = NULL WHERE seq = ?1")?
            .execute(params![seq.0, mark, why])?;
    } else if notice.state != State::Open {
        marks::suppress_if_due(tx, seq, Suppressed::NotOpen)?;
    } else if is_due_now {
        let (mark, why) = mark_of(alert);
        tx.prepare_cached("UPDATE notices SET alert = ?2, alert_why = ?3 WHERE seq = ?1")?
            .execute(params![seq.0, mark, why])?;
    }
    let popup = if notice.state == State::Open && !is_opening && !old.read { own_popup(tx, seq)? } else { None };
    let opening = Opening { seq, number: number + u32::from(is_opening) };
    let alert = (is_opening || is_due_now).then_some(alert);
    Ok(Outcome::Changed { opening, alert, notice: Box::new(notice), fields, popup })
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

/// Openings of the same number in consecutive places: one statement marks them together.
struct Run {
    first: Seq,
    last: Seq,
    number: u32,
}

/// The openings as runs, in their order; [`RUN`] at most in each.
fn runs(openings: &[Opening]) -> impl Iterator<Item = Run> {
    openings
        .chunk_by(|one, next| one.seq.0.checked_add(1) == Some(next.seq.0) && one.number == next.number)
        .flat_map(|run| run.chunks(RUN))
        .filter_map(|run| Some(Run { first: run.first()?.seq, last: run.last()?.seq, number: run.first()?.number }))
}

fn claim(tx: &Transaction<'_>, openings: &[Opening]) -> rusqlite::Result<Outcome> {
    let mut claim = tx.prepare_cached(
        "UPDATE notices SET alert = 'claimed' WHERE seq BETWEEN ?1 AND ?2 AND opening = ?3 \
         AND alert = 'due' AND read = 0 AND state = 'open' RETURNING seq",
    )?;
    let mut claimed = Vec::with_capacity(openings.len());
    for Run { first, last, number } in runs(openings) {
        let begin = claimed.len();
        for seq in claim.query_map(params![first.0, last.0, number], codes::seq)? {
            claimed.push(Opening { seq: seq?, number });
        }
        // SQLite promises no order.
        claimed.get_mut(begin..).unwrap_or_default().sort_unstable();
    }
    Ok(Outcome::Claimed(claimed))
}

/// Makes due what quiet hours, a pause or the lack of a notification service have held back.
fn release(tx: &Transaction<'_>) -> rusqlite::Result<Outcome> {
    let held: Vec<Seq> = tx
        .prepare_cached(&format!("SELECT seq FROM notices WHERE {HELD} ORDER BY seq"))?
        .query_map([], codes::seq)?
        .collect::<rusqlite::Result<_>>()?;
    let mut release = tx.prepare_cached("UPDATE notices SET alert = 'due', alert_why = NULL WHERE seq = ?1")?;
    let mut released = Vec::with_capacity(held.len());
    for seq in held {
        release.execute(params![seq.0])?;
        released.extend(rows::find(tx, seq)?);
    }
    Ok(Outcome::Released(released))
}

/// Whether there is anything to [`release`].
pub(super) fn has_held(tx: &Transaction<'_>) -> rusqlite::Result<bool> {
    tx.prepare_cached(&format!("SELECT 1 FROM notices WHERE {HELD}"))?.exists([])
}

/// Records a popup, even if it stands for no unread and open notice any more: then it is withdrawn
/// at once. A second popup for a notice (an update under another name) replaces the first.
fn shown(tx: &Transaction<'_>, openings: &[Opening], popup: &PopupId, is_silenced: bool) -> rusqlite::Result<()> {
    let id: i64 = tx
        .prepare_cached(
            "INSERT INTO popups (name) VALUES (?1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
        )?
        .query_row(params![popup.0], |row| row.get(0))?;
    let mut show = tx.prepare_cached(
        "UPDATE notices SET alert = ?5, popup = ?4 \
         WHERE seq BETWEEN ?1 AND ?2 AND opening = ?3 AND alert IN ('claimed', 'shown', 'silenced')",
    )?;
    let mark = if is_silenced { "silenced" } else { "shown" };
    for Run { first, last, number } in runs(openings) {
        show.execute(params![first.0, last.0, number, id, mark])?;
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
) -> rusqlite::Result<Outcome> {
    let head = head.get(..MAX_REJECTED_BYTES).unwrap_or(head);
    let body = body.get(..MAX_REJECTED_BYTES).unwrap_or(body);
    // Without headers, equal content is the same message (`docs/reference/messages.md`, "Identity").
    let is_known = head.is_empty()
        && tx
            .prepare_cached(
                "SELECT 1 FROM rejected \
                 WHERE length(body) = length(?3) AND destination = ?2 AND reason = ?1 AND head = x'' AND body = ?3",
            )?
            .exists(params![AsWord(reason), destination, body])?;
    if is_known {
        return Ok(Outcome::KnownRejected);
    }
    let number = tx
        .prepare_cached(
            "INSERT INTO rejected (reason, destination, received_at, head, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .insert(params![AsWord(reason), destination, Micros(received_at), head, body])?;
    tx.prepare_cached("DELETE FROM rejected WHERE number <= ?1")?.execute(params![number - REJECTED_KEPT])?;
    tx.prepare_cached("UPDATE account SET rejected = rejected + 1")?.execute([])?;
    Ok(Outcome::Done)
}
