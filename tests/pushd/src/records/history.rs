//! `getMessagePage`: what a person received or sent, newest first.

use jiff::Timestamp;
use rusqlite::{ToSql, named_params};
use serde::Serialize;

use super::{PAGE_DEFAULT, PAGE_LIMIT, Served, Status, served};
use crate::store::{Store, StoreError};

/// What to look for; every filter that is there has to fit.
///
/// `status` is that of the device that asks, if it names itself; otherwise a record is delivered to
/// a person as soon as one of their devices has it. For its sender a record is delivered when every
/// receiver has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct HistoryQuery {
    /// From 1.
    pub(crate) page_num: Option<u32>,
    pub(crate) page_size: Option<u32>,
    pub(crate) status: Option<Status>,
    /// A login.
    pub(crate) sender: Option<String>,
    /// A login.
    pub(crate) receiver: Option<String>,
    /// The text of `type`, which may be a number.
    pub(crate) kind: Option<String>,
    /// Inclusive.
    pub(crate) from: Option<Timestamp>,
    /// Inclusive.
    pub(crate) to: Option<Timestamp>,
}

/// A page of history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct HistoryPage {
    pub(crate) records: Vec<Served>,
    /// How many records fit the query on all pages.
    pub(crate) total: i64,
}

/// The records that fit everything but the page.
const MATCHING: &str = "
    WITH mine AS (
        SELECT r.position, r.json, NOT EXISTS (
            SELECT 1 FROM recipient q
            WHERE q.position = r.position AND (q.user = :user OR r.sender = :user)
            AND NOT EXISTS (
                SELECT 1 FROM delivered d WHERE d.position = q.position AND d.user = q.user
                AND (:device = '' OR q.user <> :user OR d.device = :device))
            AND NOT EXISTS (
                SELECT 1 FROM collected c WHERE c.user = q.user AND c.through >= q.position
                AND (:device = '' OR q.user <> :user OR c.device = :device))) AS status
        FROM record r
        WHERE (r.sender = :user
               OR EXISTS (SELECT 1 FROM recipient p WHERE p.user = :user AND p.position = r.position))
        AND (:sender IS NULL OR r.sender = :sender)
        AND (:receiver IS NULL
             OR EXISTS (SELECT 1 FROM recipient p WHERE p.user = :receiver AND p.position = r.position))
        AND (:kind IS NULL OR CAST(json_extract(r.json, '$.type') AS TEXT) = :kind)
        AND (:from IS NULL OR r.sent_ms >= :from)
        AND (:to IS NULL OR r.sent_ms <= :to)),
    matching AS (SELECT * FROM mine WHERE :status IS NULL OR status = :status)
    ";

impl Store {
    /// What a person received or sent, newest first; `device` is "" for a caller that does not name
    /// it.
    pub(crate) fn history(&self, user: &str, device: &str, query: &HistoryQuery) -> Result<HistoryPage, StoreError> {
        let status = query.status.map(|status| status == Status::Delivered);
        let (from, to) = (query.from.map(Timestamp::as_millisecond), query.to.map(Timestamp::as_millisecond));
        let filters: &[(&str, &dyn ToSql)] = named_params! {
            ":user": user, ":device": device, ":sender": query.sender, ":receiver": query.receiver,
            ":kind": query.kind, ":from": from, ":to": to, ":status": status,
        };
        let mut count = self.db.prepare_cached(&format!("{MATCHING} SELECT count(*) FROM matching"))?;
        let total = count.query_row(filters, |row| row.get(0))?;
        let size = query.page_size.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_LIMIT);
        let offset = i64::from(size) * i64::from(query.page_num.unwrap_or(1).max(1) - 1);
        let mut page = self.db.prepare_cached(&format!(
            "{MATCHING} SELECT position, json, status FROM matching ORDER BY position DESC LIMIT :size OFFSET :offset"
        ))?;
        let place: &[(&str, &dyn ToSql)] = named_params! { ":size": size, ":offset": offset };
        let rows = page.query_and_then(&*[filters, place].concat(), served)?;
        Ok(HistoryPage { records: rows.collect::<Result<_, _>>()?, total })
    }
}
