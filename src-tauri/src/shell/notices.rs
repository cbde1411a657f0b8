//! What the window asks of the inbox, page by page and mark by mark.
//!
//! Nothing is kept between two questions. Everything here works offline.

use engine::inbox::{Inbox, Highlighter, Removal, Seq, UNDO_OFFERED};
use jiff::Timestamp;

use super::Shell;
use crate::view::{Ask, Code, Detail, Filter, Kind, Page, Problem, Removed, Row};

/// Longest page the window gets, in rows.
const MAX_PAGE: usize = 500;
/// So many kinds are told.
const MAX_KINDS: usize = 50;
/// So many notices can be selected at once.
const MAX_SELECTED: usize = 10_000;

impl Shell {
    pub(crate) fn page(&self, ask: &Ask) -> Result<Page, Problem> {
        let filter = ask.filter.asked();
        let marker = filter.text.and_then(Highlighter::of);
        let unread = self.snapshot().borrow().counts.unread;
        self.inbox(|inbox| {
            let matching = inbox.count(&filter)?;
            let page = inbox.page(&filter, ask.place(), ask.limit.clamp(1, MAX_PAGE))?;
            Ok(Page {
                rows: page.rows.iter().map(|detail| Row::of(detail, marker.as_ref())).collect(),
                next: page.next.map(|next| next.0),
                has_newer: page.has_newer,
                matching: matching.number,
                is_exact: matching.is_exact,
                unread,
            })
        })
    }

    pub(crate) fn seqs(&self, filter: &Filter, limit: usize) -> Result<Vec<i64>, Problem> {
        let seqs = self.inbox(|inbox| Ok(inbox.seqs(&filter.asked(), limit.min(MAX_SELECTED))?))?;
        Ok(seqs.into_iter().map(|seq| seq.0).collect())
    }

    pub(crate) fn kinds(&self) -> Result<Vec<Kind>, Problem> {
        let kinds = self.inbox(|inbox| Ok(inbox.kinds(MAX_KINDS)?))?;
        Ok(kinds.into_iter().filter_map(Kind::of).collect())
    }

    pub(crate) fn notice(&self, seq: i64, text: &str) -> Result<Option<Detail>, Problem> {
        let detail = self.inbox(|inbox| Ok(inbox.show(Seq(seq))?))?;
        Ok(detail.map(|detail| Detail::of(detail, Highlighter::of(text).as_ref())))
    }

    pub(crate) fn set_read(&self, seqs: &[i64], read: bool) -> Result<(), Problem> {
        self.change(|inbox| Ok(inbox.mark(&places(seqs), read).map(drop)?))
    }

    pub(crate) fn set_all_read(&self, filter: &Filter, through: i64) -> Result<(), Problem> {
        self.change(|inbox| Ok(inbox.mark_all_read(&filter.asked(), Seq(through)).map(drop)?))
    }

    pub(crate) fn remove(&self, seqs: &[i64]) -> Result<Removed, Problem> {
        let (count, Removal(removal)) = self.change(|inbox| Ok(inbox.remove(&places(seqs), Timestamp::now())?))?;
        let undo_ms = u64::try_from(UNDO_OFFERED.as_millis()).unwrap_or(u64::MAX);
        Ok(Removed { count, undo: (count > 0).then_some(removal), undo_ms })
    }

    pub(crate) fn restore(&self, undo: i64) -> Result<(), Problem> {
        match self.change(|inbox| Ok(inbox.restore(Removal(undo))?))? {
            0 => Err(Problem::new(Code::Gone, "it is too late to bring these notices back")),
            _ => Ok(()),
        }
    }

    pub(crate) fn open_link(&self, seq: i64) -> Result<(), Problem> {
        let detail = self.inbox(|inbox| Ok(inbox.show(Seq(seq))?))?;
        let detail = detail.ok_or_else(|| Problem::new(Code::Gone, "this notice is no longer in the inbox"))?;
        self.open(&detail.row.link)
    }

    /// Changes the inbox, and lets the window know.
    fn change<T>(&self, work: impl FnOnce(&mut Inbox) -> Result<T, Problem>) -> Result<T, Problem> {
        let answer = self.inbox(work)?;
        self.note_change();
        Ok(answer)
    }
}

fn places(seqs: &[i64]) -> Vec<Seq> {
    seqs.iter().copied().map(Seq).collect()
}
