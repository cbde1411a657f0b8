//! The order of delivery: received → committed → acknowledged and due → claimed → shown or refused.
//!
//! Pure: [`Delivery`] takes what happened and queues what to do; the driver and the simulation do
//! it. Invariants: nothing is acknowledged or announced before it is committed; nothing is shown
//! before its claim is committed; a write that failed is tried again, and its notices stay in
//! memory until then. Deliberately absent: sockets, SQL, the OS.

mod due;
mod popups;

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use self::due::Due;
use self::popups::{OnScreen, OpenSummary, Showing};
use crate::{
    alerts::{
        Wording,
        planner::{Batch, BatchKind, Planner},
    },
    clock::Now,
    event::Event,
    notice::{Notice, NoticeKeys, Source, State},
    pipeline::{catchup::PassId, link::Generation},
    ports::{Popup, PopupId},
    storage::{AlertMark, Applied, Opening, Outcome, Recovered, Seq, Stored, Suppressed, Write},
};

/// How long after a failed write it is tried again.
pub const WRITE_RETRY: Duration = Duration::from_secs(1);

/// Numbers the writes of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Ticket(pub u64);

/// Numbers the popups of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ShowId(pub u64);

/// A message that waits for its acknowledgement, as its connection numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AckId {
    /// The connection that delivered it; the number is valid only there.
    pub generation: Generation,
    /// Its number there.
    pub number: u64,
}

/// A message or a page, to be written in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// Its notices and rejected messages, with the cursor or the offset.
    pub writes: Vec<Write>,
    /// The message to acknowledge after the commit.
    pub ack: Option<AckId>,
    /// The pass whose page it is.
    pub pass: Option<PassId>,
    /// Whether other rows of that page follow.
    pub is_piece: bool,
}

/// Something to do.
#[derive(Debug, Clone)]
pub enum DeliveryAction {
    /// Commit these in one transaction, then [`Delivery::handle_applied`].
    Apply {
        /// Names the write in the answer.
        ticket: Ticket,
        /// What to write.
        writes: Arc<Vec<Write>>,
    },
    /// Acknowledge: it is committed.
    Ack(AckId),
    /// Hand it to the OS, then [`Delivery::handle_shown`].
    Show {
        /// Names the popup in the answer.
        show: ShowId,
        /// What to show.
        popup: Box<Popup>,
    },
    /// Take it off the screen.
    Retract(PopupId),
    /// Emit an event.
    Emit(Event),
}

/// The page of a pass is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageCommitted {
    /// The pass.
    pub pass: PassId,
    /// Rows that were new.
    pub new: u64,
    /// Whether other rows of the page follow.
    pub is_piece: bool,
}

/// Why something is written.
#[derive(Debug, Clone)]
enum WritePurpose {
    Arrival { ack: Option<AckId>, pass: Option<PassId>, is_piece: bool },
    Claim(Batch),
    Release,
    Bookkeeping,
}

#[derive(Debug)]
struct Pending {
    writes: Arc<Vec<Write>>,
    /// About how many bytes of memory they take.
    size: usize,
    purpose: WritePurpose,
}

/// What a person clicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// The popup.
    pub popup: PopupId,
    /// `default` for its body, or the id of the button.
    pub action: String,
    /// Lets a window take the focus (XDG).
    pub activation_token: Option<String>,
}

/// The delivery of one account.
#[derive(Debug)]
pub struct Delivery {
    wording: Wording,
    planner: Planner,
    due: Due,
    pending: BTreeMap<Ticket, Pending>,
    /// The sizes of all that is pending.
    pending_bytes: usize,
    retries: VecDeque<(Instant, Ticket)>,
    failing: Option<String>,
    showing: HashMap<ShowId, Showing>,
    on_screen: HashMap<PopupId, OnScreen>,
    /// Popups that left the screen while another show was running: it may be the same popup, whose
    /// id is not known here yet.
    closed: HashSet<PopupId>,
    /// Popups that were taken off the screen while an update of them was running: it says nothing of
    /// a popup that is still there.
    withdrawn: HashSet<PopupId>,
    /// Clicks on popups whose id is not known here yet, while shows were running.
    early_clicks: Vec<Click>,
    summaries: HashMap<BatchKind, OpenSummary>,
    /// Alerts are held back, and are to be released when nothing holds them any more.
    has_held: bool,
    /// The desktop has no notification service, so that nothing is released.
    lacks_service: bool,
    /// One has started while a popup was on its way: that one may have found none.
    has_service_started: bool,
    announced: Option<Seq>,
    /// The last committed offset of each stream.
    stream_offsets: HashMap<String, u64>,
    /// How many notices are still to be announced; `None`: no limit.
    to_announce: Option<u64>,
    has_reached_limit: bool,
    issued: u64,
    actions: VecDeque<DeliveryAction>,
}

impl Delivery {
    /// A delivery that words its popups with `wording`, shows at most `burst` single ones at a
    /// time, and announces at most `to_announce` notices (`None`: no limit). The next run announces
    /// the rest.
    pub fn new(wording: Wording, burst: u32, to_announce: Option<u64>) -> Self {
        Self {
            wording,
            planner: Planner::new(burst),
            due: Due::new(burst),
            pending: BTreeMap::new(),
            pending_bytes: 0,
            retries: VecDeque::new(),
            failing: None,
            showing: HashMap::new(),
            on_screen: HashMap::new(),
            closed: HashSet::new(),
            withdrawn: HashSet::new(),
            early_clicks: Vec::new(),
            summaries: HashMap::new(),
            has_held: false,
            lacks_service: false,
            has_service_started: false,
            announced: None,
            stream_offsets: HashMap::new(),
            to_announce,
            has_reached_limit: false,
            issued: 0,
            actions: VecDeque::new(),
        }
    }

    /// Takes over from the last run: events that were not emitted, or may not have been, are
    /// emitted now; alerts that are still due are decided as one batch.
    pub fn handle_recovered(&mut self, recovered: Recovered, now: Now) {
        for Stored { seq, notice, source, .. } in recovered.unannounced {
            self.announce(
                seq,
                &notice,
                source,
                recovered.first_unannounced.is_none_or(|first_unannounced| seq < first_unannounced),
            );
        }
        self.stream_offsets = recovered.stream_offsets;
        self.has_held = recovered.has_held;
        let popups = recovered.popups.into_iter();
        self.on_screen.extend(popups.map(|(popup, notices)| (popup, OnScreen::of_the_last_run(&notices))));
        self.withdraw(recovered.withdraw);
        for Stored { seq, opening, notice, .. } in recovered.due {
            self.add_due(Opening { seq, number: opening }, notice, true, now);
        }
        self.planner.end_catch_up(true, now.mono);
        self.mark_announced();
        self.poll_planner(now);
    }

    /// A message or a page was received: commit it.
    pub fn handle_received(&mut self, received: Received) {
        let Received { mut writes, ack, pass, is_piece } = received;
        // That of the page before needs no commit of its own then.
        writes.extend(self.announced.take().map(Write::Announced));
        self.apply(writes, WritePurpose::Arrival { ack, pass, is_piece });
    }

    /// A write is committed, or has failed. Alerts of a pass wait for the batch of the pass. With
    /// `hold_live` the alerts of live notices wait for it too: right after a connect a person sees
    /// both as one backlog. Returns the committed page, if it was one, after the actions that
    /// follow from it are queued. That its events were emitted is recorded with the rows that follow;
    /// if none do, [`Self::mark_announced`] has to be called.
    pub fn handle_applied(
        &mut self,
        ticket: Ticket,
        result: Result<Applied, String>,
        hold_live: bool,
        now: Now,
    ) -> Option<PageCommitted> {
        let applied = match result {
            Ok(applied) => applied,
            Err(error) => {
                self.failing = Some(error);
                self.retries.push_back((now.mono + WRITE_RETRY, ticket));
                return None;
            }
        };
        // Any successful write shows that the store works again.
        self.failing = None;
        let Applied { outcomes, withdraw } = applied;
        let Pending { writes, size, purpose } = self.pending.remove(&ticket)?;
        self.pending_bytes = self.pending_bytes.saturating_sub(size);
        let mut page = None;
        match purpose {
            WritePurpose::Arrival { ack, pass, is_piece } => {
                let new = self.handle_committed(&writes, &outcomes, hold_live, now);
                if let Some(ack) = ack {
                    self.actions.push_back(DeliveryAction::Ack(ack));
                }
                page = pass.map(|pass| PageCommitted { pass, new, is_piece });
            }
            WritePurpose::Claim(batch) => self.show_claimed(batch, &outcomes),
            WritePurpose::Release => self.handle_released(outcomes),
            // Not before: a release that overtakes it would not find them.
            WritePurpose::Bookkeeping => self.has_held |= writes.iter().any(|it| matches!(it, Write::NoService(_))),
        }
        self.withdraw(withdraw);
        self.poll_planner(now);
        if page.is_none() {
            self.mark_announced();
        }
        page
    }

    /// The pass has ended: what it found is shown as one batch. With `is_over` the catch-up has ended
    /// too, and what the next pass finds is another batch.
    pub fn end_catch_up(&mut self, is_over: bool, now: Now) {
        self.planner.end_catch_up(is_over, now.mono);
        self.poll_planner(now);
    }

    /// Whether alerts are held back.
    pub fn has_held(&self) -> bool {
        self.has_held
    }

    /// A notification service has started.
    pub fn handle_service_started(&mut self) {
        self.lacks_service = false;
        self.has_service_started = self.is_showing();
    }

    /// Neither quiet hours nor a pause hold alerts back any more: those that were held back become one
    /// popup, unless there is nothing to show it.
    pub fn release(&mut self) {
        if !self.lacks_service && std::mem::take(&mut self.has_held) {
            self.apply(vec![Write::Release], WritePurpose::Release);
        }
    }

    /// A person pauses notifications until this time, or ends the pause.
    pub fn pause_until(&mut self, until: Option<Timestamp>) {
        self.apply(vec![Write::PauseUntil(until)], WritePurpose::Bookkeeping);
    }

    /// Time has passed.
    pub fn handle_tick(&mut self, now: Now) {
        while let Some((_, ticket)) = self.retries.pop_front_if(|(due, _)| *due <= now.mono) {
            if let Some(pending) = self.pending.get(&ticket) {
                self.actions.push_back(DeliveryAction::Apply { ticket, writes: Arc::clone(&pending.writes) });
            }
        }
        self.poll_planner(now);
    }

    /// When [`Self::handle_tick`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.planner.poll_timeout().into_iter().chain(self.retries.front().map(|(due, _)| *due)).min()
    }

    /// The next thing to do.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<DeliveryAction> {
        self.actions.pop_front()
    }

    /// Whether a popup was handed to the OS and its result is not known yet.
    pub fn is_showing(&self) -> bool {
        !self.showing.is_empty()
    }

    /// The notices that a popup on the screen stands for.
    pub fn notices_of(&self, popup: &PopupId) -> Option<&NoticeKeys> {
        self.on_screen.get(popup).map(|on_screen| &on_screen.notices)
    }

    /// The store's last error; `None` after a write has succeeded.
    pub fn failing(&self) -> Option<&str> {
        self.failing.as_deref()
    }

    /// Whether rows of a page are not committed yet.
    pub fn is_writing_rows(&self) -> bool {
        self.pending.values().any(|pending| matches!(pending.purpose, WritePurpose::Arrival { pass: Some(_), .. }))
    }

    /// How many writes are not committed yet.
    pub fn backlog(&self) -> usize {
        self.pending.len()
    }

    /// About how many bytes of memory these writes take: the driver stops reading from the socket
    /// when there are too many.
    pub fn backlog_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// The last committed offset of each stream: a new subscription goes on after it.
    pub fn stream_offsets(&self) -> &HashMap<String, u64> {
        &self.stream_offsets
    }

    fn apply(&mut self, writes: Vec<Write>, purpose: WritePurpose) {
        self.issued += 1;
        let (ticket, writes) = (Ticket(self.issued), Arc::new(writes));
        self.actions.push_back(DeliveryAction::Apply { ticket, writes: Arc::clone(&writes) });
        let size = writes.iter().map(Write::size).sum();
        self.pending_bytes += size;
        self.pending.insert(ticket, Pending { writes, size, purpose });
    }

    fn handle_committed(&mut self, writes: &[Write], outcomes: &[Outcome], hold_live: bool, now: Now) -> u64 {
        let mut new = 0;
        for (write, outcome) in writes.iter().zip(outcomes) {
            match (write, outcome) {
                (Write::Notice { notice, arrival, alert, .. }, Outcome::New { seq, key }) => {
                    new += 1;
                    let notice = Notice { key: key.clone(), ..(**notice).clone() };
                    self.announce(*seq, &notice, arrival.source, false);
                    let hold = hold_live || arrival.source != Source::Live;
                    self.plan(Opening { seq: *seq, number: 1 }, *alert, notice, hold, now);
                }
                (Write::Notice { arrival, .. }, Outcome::Changed { opening, alert, notice, fields, popup }) => {
                    self.actions.push_back(DeliveryAction::Emit(Event::Changed {
                        id: notice.key.id.clone(),
                        state: notice.state,
                        fields: fields.clone(),
                    }));
                    if let Some(alert) = alert {
                        // What has returned has a new place, and was announced at its first one.
                        if !self.has_reached_limit {
                            self.announced = self.announced.max(Some(opening.seq));
                        }
                        let hold = hold_live || arrival.source != Source::Live;
                        self.plan(*opening, *alert, (**notice).clone(), hold, now);
                        continue;
                    }
                    if notice.state != State::Open {
                        self.summaries.values_mut().for_each(|open| open.summary.forget_name(&notice.key));
                    }
                    let is_visible =
                        fields.iter().any(|field| matches!(*field, "title" | "body" | "priority" | "actions"));
                    if is_visible || notice.state != State::Open {
                        self.refresh(*opening, notice, popup.as_ref());
                    }
                    self.due.update(*opening, notice, self.wording.rank(notice));
                }
                (Write::StreamOffset { stream, offset }, _) => {
                    self.stream_offsets.insert(stream.clone(), *offset);
                }
                (Write::Rejected { reason, destination, .. }, Outcome::Done) => {
                    self.actions.push_back(DeliveryAction::Emit(Event::Rejected {
                        reason: *reason,
                        destination: destination.clone(),
                    }));
                }
                _ => {}
            }
        }
        new
    }

    /// What was held back is due.
    fn handle_released(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            let Outcome::Released(released) = outcome else { continue };
            for Stored { seq, opening, notice, .. } in released {
                let opening = Opening { seq, number: opening };
                self.due.add(opening, notice);
                self.planner.add_held([opening]);
            }
        }
    }

    /// The alert of an opening is decided.
    fn plan(&mut self, opening: Opening, alert: AlertMark, notice: Notice, hold: bool, now: Now) {
        match alert {
            AlertMark::Due => self.add_due(opening, notice, hold, now),
            AlertMark::Suppressed(Suppressed::QuietHours | Suppressed::Paused) => self.has_held = true,
            AlertMark::Suppressed(_) => {}
        }
    }

    fn announce(&mut self, seq: Seq, notice: &Notice, source: Source, replayed: bool) {
        if let Some(left) = &mut self.to_announce {
            if *left == 0 {
                if !std::mem::replace(&mut self.has_reached_limit, true) {
                    self.apply(vec![Write::FirstUnannounced(seq)], WritePurpose::Bookkeeping);
                }
                return;
            }
            *left -= 1;
        }
        self.actions.push_back(DeliveryAction::Emit(Event::Notice {
            id: notice.key.id.clone(),
            title: notice.title.clone(),
            kind: notice.kind.clone(),
            source,
            sent_at: notice.sent_at,
            replayed,
        }));
        self.announced = self.announced.max(Some(seq));
    }

    /// Records which events were emitted, so that a restart does not repeat them.
    pub fn mark_announced(&mut self) {
        if let Some(seq) = self.announced.take() {
            self.apply(vec![Write::Announced(seq)], WritePurpose::Bookkeeping);
        }
    }

    fn poll_planner(&mut self, now: Now) {
        for batch in self.planner.poll_batches(now.mono) {
            self.planner.set_busy(batch.kind, batch.is_summary);
            if batch.kind == BatchKind::CatchUp {
                self.due.begin_batch();
            }
            let mut writes = vec![Write::Claim(batch.openings.clone())];
            writes.extend(self.announced.take().map(Write::Announced));
            self.apply(writes, WritePurpose::Claim(batch));
        }
    }
}
