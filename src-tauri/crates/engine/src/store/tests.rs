//! The rules of the store, one test each.

use jiff::Timestamp;
use serde_json::Map;

use super::Store;
use belfry_core::{
    notice::{Identity, Notice, NoticeKey, Origin, Priority, Source, State, copies::Arrival},
    ports::PopupId,
    storage::{AlertMark, Applied, Counts, Opening, Outcome, Seq, Stored, Write},
};

mod alerts;
mod identity;
mod opening;
mod openings;
mod orders;
mod origins;
mod searching;
mod server_deletions;
mod transactions;

/// A moment: this many seconds after the first of January 2026.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

pub(crate) fn notice(id: &str) -> Notice {
    Notice {
        key: NoticeKey { scope: String::new(), id: id.to_owned() },
        identity: Identity::Assigned,
        title: format!("title of {id}"),
        body: format!("body of {id}"),
        kind: "3".to_owned(),
        sender: "payments".to_owned(),
        sent_at: Some(at(0)),
        link: String::new(),
        priority: Priority::Normal,
        state: State::Open,
        has_state: true,
        version: None,
        actions: Vec::new(),
        undelivered: None,
        is_partial: false,
        extra: Map::new(),
        destination: "/user/queue/approvals".to_owned(),
        origin: Origin::Personal,
    }
}

pub(crate) fn version(id: &str, version: i64, state: State) -> Notice {
    Notice { version: Some(version), state, title: format!("title {version}"), ..notice(id) }
}

pub(crate) fn content(id: &str, identity: Identity) -> Notice {
    Notice { identity, ..notice(id) }
}

/// The arrival of a notice that owes a popup.
pub(crate) fn arrival(notice: Notice) -> Write {
    came(notice, Source::Live, 1)
}

/// The arrival of a notice that owes a popup: as the live message of this number, or in a page that
/// was requested after it.
pub(crate) fn came(notice: Notice, source: Source, number: u64) -> Write {
    Write::Notice {
        notice: Box::new(notice),
        arrival: Arrival { source, number },
        received_at: at(1),
        alert: AlertMark::Due,
        alert_if_opened: AlertMark::Due,
    }
}

/// The first openings of these.
pub(crate) fn first(seqs: &[Seq]) -> Vec<Opening> {
    seqs.iter().map(|seq| Opening { seq: *seq, number: 1 }).collect()
}

pub(crate) fn popup(name: &str) -> PopupId {
    PopupId(name.to_owned())
}

pub(crate) trait Steps {
    fn one(&mut self, write: Write) -> Outcome;
    fn all(&mut self, batch: &[Write]) -> Applied;
    fn arrive(&mut self, notice: Notice) -> Outcome;
    /// The place of a notice that must be new.
    fn add(&mut self, notice: Notice) -> Seq;
    /// Claims and shows one popup for these.
    fn show(&mut self, seqs: &[Seq], name: &str) -> Applied;
    fn at(&self, seq: Seq) -> Stored;
    /// How many notices there are; all counts are compared with what is there.
    fn total(&self) -> u64;
    fn delete(&mut self, seq: Seq);
    fn mark_read(&mut self, seq: Seq);
}

impl Steps for Store {
    fn one(&mut self, write: Write) -> Outcome {
        self.all(&[write]).outcomes.remove(0)
    }

    fn all(&mut self, batch: &[Write]) -> Applied {
        let applied = self.apply(batch).unwrap();
        assert_eq!(applied.outcomes.len(), batch.len());
        applied
    }

    fn arrive(&mut self, notice: Notice) -> Outcome {
        self.one(arrival(notice))
    }

    fn add(&mut self, notice: Notice) -> Seq {
        match self.arrive(notice) {
            Outcome::New { seq, .. } => seq,
            other => panic!("not new: {other:?}"),
        }
    }

    fn show(&mut self, seqs: &[Seq], name: &str) -> Applied {
        assert_eq!(self.one(Write::Claim(first(seqs))), Outcome::Claimed(first(seqs)));
        self.all(&[Write::Shown { openings: first(seqs), popup: popup(name), is_silenced: false }])
    }

    fn at(&self, seq: Seq) -> Stored {
        self.notice(seq).unwrap().expect("the notice is there")
    }

    fn total(&self) -> u64 {
        let counted = Store::read(self, |connection| {
            connection.query_row(
                "SELECT count(*), count(*) FILTER (WHERE read = 0), \
                 count(*) FILTER (WHERE read = 0 AND state = 'open') FROM notices",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
        });
        let Counts { notices, unread, badge, rejected: _ } = self.counts().unwrap();
        assert_eq!((notices, unread, badge), counted.unwrap(), "the counts are right");
        let is_right = "SELECT (SELECT waiting FROM account) = \
             (SELECT count(*) FROM notices WHERE state = 'open' AND actions <> '[]') AND NOT EXISTS \
             (SELECT * FROM kinds EXCEPT SELECT kind, count(*) FROM notices GROUP BY kind) AND NOT EXISTS \
             (SELECT kind, count(*) FROM notices GROUP BY kind EXCEPT SELECT * FROM kinds)";
        let is_right = Store::read(self, |connection| connection.query_row(is_right, [], |row| row.get::<_, bool>(0)));
        assert!(is_right.unwrap(), "so are those of kinds and of what needs an action");
        notices
    }

    fn delete(&mut self, seq: Seq) {
        let deleted = self.write(|tx| super::tombstones::delete(tx, &[seq])).unwrap();
        assert_eq!(deleted, 1);
    }

    fn mark_read(&mut self, seq: Seq) {
        let changed = self.write(|tx| super::marks::mark(tx, &[seq], true)).unwrap();
        assert_eq!(changed, 1);
    }
}
