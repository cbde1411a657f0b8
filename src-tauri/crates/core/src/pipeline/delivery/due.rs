//! What is due: alerts that wait to be claimed, with what their popups need of the notices.
//!
//! A catch-up can find a hundred thousand notices before its batch is shown. They become one
//! summary, which names three: so only the most urgent and the newest are kept as they are, and of
//! the others the key. Deliberately absent: when they are claimed ([`crate::alerts::planner`]), and
//! the text of a popup.

use std::collections::{BTreeSet, HashMap};

use crate::{
    alerts::Rank,
    notice::{KeyPlace, Notice, NoticeKey, NoticeKeys},
    storage::Opening,
};

/// How many notices of a batch of catch-up are kept as they are, at least. A summary names fewer, but
/// some may be read before it is shown.
const MIN_KEPT: usize = 64;

/// What is known of a notice whose alert is due.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DueNotice {
    /// All of it.
    Whole(Box<Notice>),
    /// Which it is, and how urgent.
    Brief(NoticeKey, Rank),
}

/// All alerts that are due.
#[derive(Debug)]
pub(super) struct Due {
    whole: HashMap<Opening, Box<Notice>>,
    /// Those of `whole` that wait for the batch of a catch-up, the least urgent and oldest first.
    displaceable: BTreeSet<(Rank, Opening)>,
    /// The other ones of that batch: their places in `keys`.
    brief: HashMap<Opening, (KeyPlace, Rank)>,
    keys: NoticeKeys,
    /// How many of a batch of catch-up are kept as they are.
    kept: usize,
}

impl Due {
    /// None. Up to `burst` (`notifications.burst`) notices may get a popup each, and are kept for it.
    pub(super) fn new(burst: u32) -> Self {
        Self {
            whole: HashMap::new(),
            displaceable: BTreeSet::new(),
            brief: HashMap::new(),
            keys: NoticeKeys::default(),
            kept: MIN_KEPT.max(burst as usize),
        }
    }

    /// An alert is due.
    pub(super) fn add(&mut self, opening: Opening, notice: Notice) {
        self.whole.insert(opening, Box::new(notice));
    }

    /// An alert is due, and waits for the batch of a catch-up.
    pub(super) fn add_to_catch_up(&mut self, opening: Opening, notice: Notice, rank: Rank) {
        self.add(opening, notice);
        self.displaceable.insert((rank, opening));
        if self.displaceable.len() > self.kept
            && let Some((rank, least)) = self.displaceable.pop_first()
            && let Some(notice) = self.whole.remove(&least)
        {
            self.brief.insert(least, (self.keys.push(&notice.key), rank));
        }
    }

    /// The batch of a catch-up is being claimed: what is added from now on is part of the next one.
    pub(super) fn begin_batch(&mut self) {
        self.displaceable.clear();
    }

    /// A notice has changed.
    pub(super) fn update(&mut self, opening: Opening, notice: &Notice, new: Rank) {
        if let Some(due) = self.whole.get_mut(&opening) {
            (**due).clone_from(notice);
        } else if let Some((_, rank)) = self.brief.get_mut(&opening) {
            *rank = new;
        }
    }

    /// Removes an alert; `None` if it is not due.
    pub(super) fn take(&mut self, opening: Opening) -> Option<DueNotice> {
        if let Some(notice) = self.whole.remove(&opening) {
            return Some(DueNotice::Whole(notice));
        }
        let (place, rank) = self.brief.remove(&opening)?;
        let key = self.keys.get(place).map(|key| key.to_key());
        if self.brief.is_empty() {
            (self.brief, self.keys) = Default::default();
        }
        key.map(|key| DueNotice::Brief(key, rank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        notice::{Identity, Origin, Priority, State},
        ports::Loudness,
        storage::Seq,
    };

    fn opening(seq: i64) -> Opening {
        Opening { seq: Seq(seq), number: 1 }
    }

    fn notice(seq: i64) -> Notice {
        Notice {
            key: NoticeKey { scope: "hr".to_owned(), id: seq.to_string() },
            identity: Identity::Assigned,
            title: format!("title {seq}"),
            body: String::new(),
            kind: String::new(),
            sender: String::new(),
            sent_at: None,
            link: String::new(),
            priority: Priority::Normal,
            state: State::Open,
            has_state: true,
            version: None,
            actions: Vec::new(),
            undelivered: None,
            is_partial: false,
            extra: serde_json::Map::new(),
            destination: String::new(),
            origin: Origin::Personal,
        }
    }

    const NORMAL: Rank = (Loudness::Normal, Priority::Normal);
    const URGENT: Rank = (Loudness::Urgent, Priority::Urgent);

    fn is_whole(due: Option<DueNotice>) -> bool {
        matches!(due, Some(DueNotice::Whole(_)))
    }

    #[test]
    fn of_a_large_batch_the_most_urgent_and_the_newest_are_kept_whole_and_the_key_of_the_others() {
        let mut due = Due::new(5);
        let count = 1_000;
        for seq in 1..=count {
            due.add_to_catch_up(opening(seq), notice(seq), if seq == 2 { URGENT } else { NORMAL });
        }
        assert_eq!(due.whole.len(), MIN_KEPT);
        due.update(opening(7), &notice(7), URGENT);
        let key = |seq: i64| notice(seq).key;
        assert_eq!(due.take(opening(1)), Some(DueNotice::Brief(key(1), NORMAL)));
        assert_eq!(due.take(opening(1)), None, "it was taken");
        assert!(is_whole(due.take(opening(2))), "it is urgent");
        assert_eq!(due.take(opening(7)), Some(DueNotice::Brief(key(7), URGENT)), "it has become urgent");
        assert!(is_whole(due.take(opening(count))), "it is the newest");
        (1..=count).for_each(|seq| drop(due.take(opening(seq))));
        assert!(due.whole.is_empty() && due.brief.is_empty() && due.keys.is_empty(), "{due:?}");
    }

    #[test]
    fn what_is_shown_one_by_one_and_what_is_being_claimed_is_kept_whole() {
        let mut due = Due::new(500);
        for seq in 1..=500 {
            due.add_to_catch_up(opening(seq), notice(seq), NORMAL);
        }
        due.begin_batch();
        for seq in 501..=600 {
            due.add(opening(seq), notice(seq));
        }
        for seq in 1_001..=2_000 {
            due.add_to_catch_up(opening(seq), notice(seq), NORMAL);
        }
        assert!((1..=600).all(|seq| is_whole(due.take(opening(seq)))));
        assert_eq!(due.whole.len(), 500);
    }
}
