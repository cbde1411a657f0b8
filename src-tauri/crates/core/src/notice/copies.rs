//! What another copy of a notice may change: by who could have sent it, and by which is the newer.
//!
//! A copy from the same source changes a notice if it is newer. A copy from a personal source
//! replaces what a shared one brought. A copy from a shared source may only settle what another
//! source brought, until a page that is requested later says that the notice is still open.
//! Deliberately absent: whether the notice notifies. Invariant: nothing that others can publish
//! decides what a personal source's notice says, or hides it for good.

use std::cmp::Ordering;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Notice, Source, State};

/// Who can send through the source of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Origin {
    /// Only the server, to this person: the API, the raw WebSocket, and subscriptions to this
    /// person's own destinations.
    #[default]
    Personal,
    /// Possibly others too: the subscription with this destination, as the settings spell it.
    Shared(String),
}

/// What a stored notice is, as far as it decides what another copy may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Who brought its content.
    pub origin: Origin,
    /// Its version.
    pub version: Option<i64>,
    /// When the server says it was sent.
    pub sent_at: Option<Timestamp>,
    /// Its state.
    pub state: State,
    /// Whether only word about it has come so far.
    pub is_partial: bool,
    /// The [`Arrival::number`] of the copy that settled it, if that came from a shared source which
    /// may change nothing else of it.
    pub settled_by: Option<u64>,
}

/// How a copy arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Over the session or in a page.
    pub source: Source,
    /// Of a live message: its number in this run. Of a row: the number of the last message before
    /// its page was requested.
    pub number: u64,
}

/// What a copy changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// It is newer: it replaces the notice, or what it says of it.
    Supersede,
    /// The stored one is only word about the notice: the copy fills in the rest.
    FillIn,
    /// It only settles the notice.
    Settle,
    /// It is the first copy of a personal source: it replaces what a shared one brought.
    TakeOver,
    /// It says that the notice is still open, and was requested after a shared source settled it.
    Restore,
}

/// A notice after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// What it says now.
    pub notice: Notice,
    /// Whether this is a new opening of the matter, which may notify once more.
    pub is_opening: bool,
    /// The new [`Standing::settled_by`].
    pub settled_by: Option<u64>,
}

impl Standing {
    /// What a copy changes.
    pub fn change(&self, copy: &Notice, arrival: Arrival) -> Change {
        if copy.origin == Origin::Personal && self.origin != Origin::Personal {
            return Change::TakeOver;
        }
        let order = copy.order(self.version, self.sent_at);
        let is_newer = copy.supersedes(self.version, self.sent_at, self.state);
        if copy.origin != self.origin {
            let settles = is_newer && self.state == State::Open && copy.state != State::Open;
            return if settles { Change::Settle } else { Change::Nothing };
        }
        // A live copy that is no newer may have been sent before the notice was settled.
        let is_later =
            arrival.source != Source::Live && self.settled_by.is_some_and(|settled| settled <= arrival.number);
        // What a shared source has settled is settled for good once this source says so too.
        let confirms = self.settled_by.is_some() && order.is_ge() && copy.state != State::Open;
        if is_newer || confirms {
            Change::Supersede
        } else if is_later && order.is_ge() && copy.state == State::Open && copy.has_state {
            Change::Restore
        } else if self.is_partial {
            Change::FillIn
        } else {
            Change::Nothing
        }
    }
}

/// What a copy of a notice that was deleted changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterDelete {
    /// Nothing: it stays away.
    Stays,
    /// It stays away, and this is what is remembered of it from now on.
    StaysAs(Standing),
    /// It returns, as a new opening.
    Returns,
}

impl Standing {
    /// What a copy changes after the notice was deleted as `self`, by a person or by the retention
    /// period. `content_hash` is that of its content then, if a shared source brought it.
    pub fn after_delete(&self, content_hash: Option<&str>, copy: &Notice, arrival: Arrival) -> AfterDelete {
        let newer = || {
            AfterDelete::StaysAs(Self {
                origin: copy.origin.clone(),
                version: copy.version.or(self.version),
                sent_at: copy.sent_at.or(self.sent_at),
                state: if copy.has_state { copy.state } else { self.state },
                settled_by: None,
                ..self.clone()
            })
        };
        let opens = copy.state == State::Open;
        match self.change(copy, arrival) {
            Change::TakeOver if content_hash == Some(copy.content_hash().as_str()) => AfterDelete::StaysAs(Self {
                version: copy.version,
                sent_at: copy.sent_at,
                origin: Origin::Personal,
                ..self.clone()
            }),
            Change::TakeOver if opens => AfterDelete::Returns,
            Change::TakeOver => newer(),
            // What was deleted while it was open stays away.
            Change::Supersede | Change::Restore if self.state != State::Open => {
                if opens && copy.has_state {
                    AfterDelete::Returns
                } else {
                    newer()
                }
            }
            Change::Nothing | Change::FillIn | Change::Settle | Change::Supersede | Change::Restore => {
                AfterDelete::Stays
            }
        }
    }
}

impl Change {
    /// The notice after this change of `old` by `copy`; `None` if it stays as it is.
    pub fn apply(self, old: &Notice, settled_by: Option<u64>, copy: &Notice, arrival: Arrival) -> Option<Changed> {
        let notice = match self {
            Self::Nothing => return None,
            Self::Supersede | Self::Restore => copy.over(old),
            Self::FillIn => old.over(copy),
            Self::Settle => Notice { state: copy.state, ..old.clone() },
            Self::TakeOver => copy.instead_of(old),
        };
        let is_opening = match self {
            // Equal content was announced when the shared source brought it.
            Self::TakeOver => notice.state == State::Open && notice.content_hash() != old.content_hash(),
            Self::Nothing | Self::Supersede | Self::FillIn | Self::Settle | Self::Restore => {
                notice.state == State::Open && old.state != State::Open
            }
        };
        let settled_by = match self {
            Self::Settle if old.origin == Origin::Personal => Some(arrival.number),
            // A newer copy without a state says nothing about what a shared source has settled.
            Self::Supersede if notice.state != State::Open && !copy.has_state => settled_by,
            Self::Settle | Self::FillIn if notice.state != State::Open => settled_by,
            Self::Nothing | Self::Supersede | Self::FillIn | Self::Settle | Self::TakeOver | Self::Restore => None,
        };
        Some(Changed { notice, is_opening, settled_by })
    }
}

impl Notice {
    /// Whether `self`, just received, replaces a stored notice with the same key: the higher
    /// version wins; without versions on both sides the later `sent_at`; on a tie the later state,
    /// and then a version over none (`docs/reference/settings.md`, `message.version`). An equal copy
    /// does not.
    pub fn supersedes(&self, version: Option<i64>, sent_at: Option<Timestamp>, state: State) -> bool {
        let has_version = || self.version.is_some().cmp(&version.is_some());
        self.order(version, sent_at).then_with(|| self.state.cmp(&state)).then_with(has_version).is_gt()
    }

    /// How new `self` is, compared with a copy of this version and time.
    fn order(&self, version: Option<i64>, sent_at: Option<Timestamp>) -> Ordering {
        match (self.version, version) {
            (Some(mine), Some(theirs)) => mine.cmp(&theirs),
            _ => match (self.sent_at, sent_at) {
                // The store keeps microseconds: what is finer is no difference.
                (Some(mine), Some(theirs)) => mine.as_microsecond().cmp(&theirs.as_microsecond()),
                _ => Ordering::Equal,
            },
        }
    }

    /// The merged notice after `self` has superseded `old`: fields that a partial message does not
    /// have keep their old value. So do a state, a version and a time that `self` does not state:
    /// what comes next is compared with them.
    pub fn over(&self, old: &Self) -> Self {
        let mut new = self.clone();
        if !self.has_state {
            new.state = old.state;
        }
        new.sent_at = self.sent_at.or(old.sent_at);
        new.version = self.version.or(old.version);
        if self.is_partial {
            new.is_partial = old.is_partial;
            new.keep_text_of(old);
            if new.link.is_empty() {
                new.link.clone_from(&old.link);
            }
            if new.actions.is_empty() {
                new.actions.clone_from(&old.actions);
            }
            let mut extra = old.extra.clone();
            extra.extend(std::mem::take(&mut new.extra));
            new.extra = extra;
        }
        new
    }

    /// `self` from a personal source in place of what a shared one brought. Of that only the text
    /// stays, where `self` has none: never its links and buttons.
    fn instead_of(&self, old: &Self) -> Self {
        let mut new = self.clone();
        if self.is_partial {
            new.keep_text_of(old);
        }
        new
    }

    fn keep_text_of(&mut self, old: &Self) {
        if !old.is_partial {
            self.title.clone_from(&old.title);
            self.body.clone_from(&old.body);
        }
        for (text, old) in [(&mut self.kind, &old.kind), (&mut self.sender, &old.sender)] {
            if text.is_empty() {
                text.clone_from(old);
            }
        }
    }

    /// Names what a person sees of it and can do with it: copies with equal content are one message
    /// that came twice.
    pub fn content_hash(&self) -> String {
        let content = (&self.title, &self.body, &self.kind, &self.sender, &self.link, &self.actions);
        let mut hash = Sha256::new();
        // Texts and lists of texts can always be written as JSON.
        hash.update(serde_json::to_vec(&content).unwrap_or_default());
        hash.update([self.priority as u8, self.state as u8]);
        data_encoding::BASE32_NOPAD.encode(&hash.finalize())
    }
}
