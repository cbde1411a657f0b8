//! Which notices a list shows, and where its page begins: conditions, as SQL for an index that
//! covers them.
//!
//! Deliberately absent: running a query, and the text of a search ([`super::search`]).

use belfry_core::storage::Seq;
use rusqlite::ToSql;

/// Which notices. All conditions hold together; the default is every notice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    /// As a person types it: every word in title, body, sender or unmapped fields. The last word
    /// may be unfinished; where words are written without spaces any part of one is found. Nothing
    /// is found by punctuation alone.
    pub text: Option<&'a str>,
    /// Only those not read.
    pub unread: bool,
    /// Only those that are open and have at least one action.
    pub needs_action: bool,
    /// Only those of exactly this kind.
    pub kind: Option<&'a str>,
}

/// Where a page begins. Its rows are always newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// At the newest notice.
    #[default]
    Newest,
    /// Right below this place, which may be empty.
    Before(Seq),
    /// Right above this place, which may be empty.
    After(Seq),
}

/// How many notices match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchCount {
    /// The number.
    pub number: u64,
    /// False if the number is an estimate.
    pub is_exact: bool,
}

impl<'a> Filter<'a> {
    /// The index that answers this filter, with the conditions; the kind, if asked for, is the
    /// parameter `?1`.
    pub(super) fn index(&self) -> String {
        let unread = if self.unread { " AND read = 0" } else { "" };
        let kind = if self.kind.is_some() { " AND kind = ?1" } else { "" };
        match (self.needs_action, self.kind, self.unread) {
            (true, ..) => {
                format!("INDEXED BY notices_waiting WHERE state = 'open' AND actions <> '[]'{unread}{kind}")
            }
            (false, Some(_), _) => format!("INDEXED BY notices_kind WHERE kind = ?1{unread}"),
            (false, None, true) => "INDEXED BY notices_unread WHERE read = 0".to_owned(),
            (false, None, false) => "WHERE TRUE".to_owned(),
        }
    }

    /// The conditions without the text, on a row of `notices`; the kind, if asked for, is the
    /// parameter `?1`.
    pub(super) fn conditions(&self) -> Option<String> {
        let conditions: Vec<&str> = [
            (self.unread, "notices.read = 0"),
            (self.needs_action, "notices.state = 'open' AND notices.actions <> '[]'"),
            (self.kind.is_some(), "notices.kind = ?1"),
        ]
        .into_iter()
        .filter_map(|(is_asked, condition)| is_asked.then_some(condition))
        .collect();
        (!conditions.is_empty()).then(|| conditions.join(" AND "))
    }

    /// What `?1` is.
    pub(super) fn parameters(&self) -> Vec<&dyn ToSql> {
        self.kind.iter().map(|kind| kind as &dyn ToSql).collect()
    }

    pub(super) fn without_text(self) -> Filter<'a> {
        Filter { text: None, ..self }
    }
}

impl Place {
    /// The open interval it allows, and whether the notices next to its upper end are wanted.
    pub(super) fn bounds(self) -> (i64, i64, bool) {
        match self {
            Self::Newest => (i64::MIN, i64::MAX, true),
            Self::Before(Seq(below)) => (i64::MIN, below, true),
            Self::After(Seq(above)) => (above, i64::MAX, false),
        }
    }
}
