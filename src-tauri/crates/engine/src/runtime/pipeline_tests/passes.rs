//! The pipeline, step by step, on a clock that the test moves; with the real store, and everything
//! else at hand.

use std::time::Duration;

use belfry_core::{
    clock::Now,
    envelope::NextCursor,
    error::{Failure, Fault},
    notice::{
        Notice, Origin, State,
        parse::{Incoming, Parsed, Via, parse},
    },
    pipeline::{
        Message, Pipeline, PipelineAction, PipelineConfig, PipelineInput,
        catchup::{Page, PageRequest, PassId},
        delivery,
        link::{self, LinkState},
    },
    ports::{Popup, PopupId},
    settings::Settings,
    status::{Connectivity, Kind},
    storage::{Seq, Write},
    texts::Language,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{clock, store::Store};

const SECOND: Duration = Duration::from_secs(1);

fn notice(id: &str) -> Notice {
    let body = format!(r#"{{"id":"{id}","title":"t"}}"#);
    let incoming = Incoming {
        body: body.as_bytes(),
        destination: "/queue/test",
        scope: "",
        amqp_message_id: None,
        redelivered: None,
        via: Via::Page,
        origin: &Origin::Personal,
    };
    match parse(&incoming, &Settings::default().message, &TimeZone::UTC) {
        Parsed::Notices(notices) => notices.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

struct Rig {
    pipeline: Pipeline,
    store: Store,
    now: Now,
    /// Whether the API answers, with pages that have nothing on them.
    answers: bool,
    asked: Vec<(PassId, PageRequest)>,
    /// What the desktop has shown, under the title of its first version.
    popups: Vec<Popup>,
}

impl Rig {
    /// A pipeline that polls every 5 s, with a history.
    fn new() -> Self {
        let mut settings = Settings::default();
        settings.server.poll_every = 5 * SECOND;
        settings.api.reconcile_every = 600 * SECOND;
        let mut config = PipelineConfig::new(&settings, Language::English, TimeZone::UTC);
        (config.endpoints, config.collect, config.history) = (1, true, true);
        let now = clock::now();
        let pipeline = Pipeline::new(config, None, None, 1, now);
        let mut rig = Self {
            pipeline,
            store: Store::open_in_memory().unwrap(),
            now,
            answers: true,
            asked: Vec::new(),
            popups: Vec::new(),
        };
        rig.step(PipelineInput::Recovered(Box::default()));
        rig.step(PipelineInput::Link(link::LinkInput::Connect));
        rig
    }

    fn step(&mut self, input: PipelineInput) {
        self.pipeline.step(input, self.now);
        let mut is_asked = false;
        loop {
            match self.pipeline.poll_action() {
                Some(PipelineAction::Fetch { pass, request }) => {
                    self.asked.push((pass, request));
                    is_asked = self.answers;
                }
                Some(PipelineAction::Delivery(delivery::DeliveryAction::Apply { ticket, writes })) => {
                    let result = Ok(self.store.apply(&writes).unwrap());
                    self.pipeline.step(PipelineInput::Applied { ticket, result }, self.now);
                }
                Some(PipelineAction::Delivery(delivery::DeliveryAction::Show { show, popup })) => {
                    let result = Ok(popup.replaces.clone().unwrap_or_else(|| PopupId(popup.title.clone())));
                    self.popups.push(*popup);
                    self.pipeline.step(PipelineInput::Shown { show, result, is_silenced: false }, self.now);
                }
                Some(_) => {}
                // After the rows before it are written, as in the driver.
                None if std::mem::take(&mut is_asked) => self.answer(),
                None => return,
            }
        }
    }

    /// The last request is answered: there is nothing.
    fn answer(&mut self) {
        let page =
            Page { notices: Vec::new(), rows: 0, next: NextCursor::Null, server_time: Some(self.now.wall), earlier: 0 };
        self.page(Ok(Box::new((page, Vec::new()))));
    }

    fn page(&mut self, result: Result<Box<(Page, Vec<Write>)>, Failure>) {
        let pass = self.asked.last().unwrap().0;
        self.pipeline.step(PipelineInput::Page { pass, result }, self.now);
    }

    fn refuse(&mut self, status: u16, retry_after: Option<Duration>) {
        self.page(Err(Failure { retry_after, ..Failure::new(Fault::Status(status), "test") }));
        self.step(PipelineInput::Tick);
    }

    /// Time passes; what is due is done when it is. Attempts to connect fail.
    fn wait(&mut self, time: Duration) {
        let end = self.now.mono + time;
        loop {
            let due = self.pipeline.poll_timeout().filter(|due| *due <= end);
            let until = due.unwrap_or(end).max(self.now.mono);
            self.now.wall += SignedDuration::try_from(until - self.now.mono).unwrap();
            self.now.mono = until;
            if due.is_none() {
                return;
            }
            self.step(PipelineInput::Tick);
            if matches!(self.pipeline.link().state(), LinkState::Connecting { .. }) {
                self.lose();
            }
        }
    }

    fn lose(&mut self) {
        let generation = self.pipeline.link().generation();
        self.step(PipelineInput::Link(link::LinkInput::Lost(generation, Failure::new(Fault::Unreachable, "test"))));
    }

    fn establish(&mut self) {
        let generation = self.pipeline.link().generation();
        self.step(PipelineInput::Link(link::LinkInput::Opened(generation)));
        self.step(PipelineInput::Link(link::LinkInput::Established(generation)));
    }

    /// What is asked for while this happens: c for a page of collect, h for one of the history.
    fn asked(&mut self, happens: impl FnOnce(&mut Self)) -> String {
        self.asked.clear();
        happens(self);
        let letter = |(_, request): &(PassId, PageRequest)| match request {
            PageRequest::Collect { .. } => 'c',
            PageRequest::History { .. } => 'h',
        };
        self.asked.iter().map(letter).collect()
    }

    /// A rig that has polled for so long that what it asks for is only what is new.
    fn polling() -> Self {
        let mut rig = Self::new();
        rig.lose();
        rig.wait(60 * SECOND);
        assert_eq!(rig.asked(|rig| rig.wait(15 * SECOND)), "ccc");
        rig
    }

    fn complete(&self) -> Timestamp {
        self.pipeline.complete_through().unwrap()
    }
}

#[test]
fn one_absence_is_one_popup_also_when_a_page_fails_or_the_session_is_lost_between_its_pages() {
    for is_lost in [false, true] {
        let mut rig = Rig::new();
        rig.answers = false;
        rig.establish();
        let mut rows = (1..=40).map(|id| notice(&id.to_string()));
        for _ in 0..2 {
            let notices: Vec<Notice> = rows.by_ref().take(20).collect();
            let next = NextCursor::Cursor("next".to_owned() + &notices[0].key.id);
            let page = Page { rows: 20, notices, next, server_time: Some(rig.now.wall), earlier: 0 };
            rig.page(Ok(Box::new((page, Vec::new()))));
            rig.step(PipelineInput::Tick);
            if is_lost {
                rig.lose();
                rig.wait(SECOND);
                rig.establish();
            } else {
                rig.refuse(500, None);
                rig.wait(2 * SECOND);
            }
        }
        rig.wait(3 * SECOND);
        let said: Vec<_> = rig.popups.iter().map(|popup| (&popup.title[..], popup.replaces.is_some())).collect();
        assert_eq!(said.iter().filter(|(_, is_update)| !is_update).count(), 1, "lost: {is_lost}: {said:?}");
        assert_eq!(said.last().unwrap().0, "40 new notices", "lost: {is_lost}: {said:?}");
    }
}

#[test]
fn polls_read_the_history_until_what_was_given_up_can_be_served_no_more() {
    let mut rig = Rig::polling();
    rig.answers = false;
    assert_eq!(rig.asked(|rig| rig.wait(5 * SECOND)), "c");
    rig.answers = true;
    // It fails, and a second later it is requested again.
    rig.refuse(504, None);
    assert_eq!(rig.asked(|rig| rig.wait(SECOND)), "ch");
    assert_eq!(rig.asked(|rig| rig.wait(15 * SECOND)), "chchch");
    assert_eq!(rig.asked(|rig| rig.wait(15 * SECOND)), "ccc");
}

#[test]
fn a_poll_of_the_first_seconds_reads_the_history_since_an_earlier_run_may_have_asked() {
    let mut rig = Rig::new();
    rig.lose();
    rig.wait(10 * SECOND);
    assert!(rig.asked(|rig| rig.wait(5 * SECOND)).contains('h'));
}

#[test]
fn what_a_poll_without_history_finds_is_not_taken_for_complete() {
    let mut rig = Rig::polling();
    let before = rig.complete();
    assert_eq!(rig.asked(|rig| rig.wait(100 * SECOND)), "c".repeat(20));
    assert_eq!(rig.complete(), before);
    // One in ten minutes reads it.
    let asked = rig.asked(|rig| rig.wait(600 * SECOND));
    assert_eq!(asked.matches('h').count(), 1, "{asked}");
    assert!(rig.complete() > before);
}

#[test]
fn the_first_poll_after_a_session_reads_the_history_for_what_was_written_to_it_in_vain() {
    let mut rig = Rig::polling();
    // An attempt is due before long, and works.
    while !matches!(rig.pipeline.link().state(), LinkState::Connecting { .. }) {
        let due = rig.pipeline.poll_timeout().unwrap();
        rig.now.mono = rig.now.mono.max(due);
        rig.step(PipelineInput::Tick);
    }
    assert_eq!(rig.asked(Rig::establish), "ch");
    rig.wait(100 * SECOND);
    let asked = rig.asked(|rig| {
        rig.lose();
        rig.wait(40 * SECOND);
    });
    assert!(asked.starts_with("chc"), "{asked}");
    assert_eq!(asked.matches('h').count(), 1, "{asked}");
}

/// A rig that has just left a poll while it waited for its page, and the poll.
fn leaving() -> (Rig, PassId) {
    let mut rig = Rig::polling();
    rig.answers = false;
    rig.wait(5 * SECOND);
    rig.answers = true;
    rig.step(PipelineInput::Link(link::LinkInput::Disconnect));
    rig.step(PipelineInput::Link(link::LinkInput::Connect));
    let left = rig.asked.last().unwrap().0;
    (rig, left)
}

#[test]
fn what_a_pass_that_was_left_has_asked_for_is_kept_when_it_comes() {
    let (mut rig, left) = leaving();
    let page = Page {
        notices: vec![notice("late")],
        rows: 1,
        next: NextCursor::Cursor("9".to_owned()),
        server_time: Some(rig.now.wall),
        earlier: 0,
    };
    rig.step(PipelineInput::Page { pass: left, result: Ok(Box::new((page, Vec::new()))) });
    assert_eq!(rig.store.counts().unwrap().notices, 1);
    assert_eq!(rig.store.cursor().unwrap(), None, "its rows are true, its place is not");
}

#[test]
fn when_what_a_pass_that_was_left_has_asked_for_does_not_come_the_history_is_due() {
    let (mut rig, left) = leaving();
    rig.lose();
    rig.wait(20 * SECOND);
    assert_eq!(rig.asked(|rig| rig.wait(10 * SECOND)), "cc");
    rig.step(PipelineInput::Page { pass: left, result: Err(Failure::new(Fault::Unreachable, "test")) });
    let asked = rig.asked(|rig| rig.wait(60 * SECOND));
    assert!(asked.starts_with("chch") && asked.ends_with("cccc"), "{asked}");
}

#[test]
fn the_apis_retry_after_is_kept_across_a_reconnect_and_holds_up_no_session() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.establish();
    rig.refuse(429, Some(120 * SECOND));
    rig.answers = true;
    rig.lose();
    let asked = rig.asked(|rig| {
        rig.wait(20 * SECOND);
        rig.step(PipelineInput::Link(link::LinkInput::Disconnect));
        rig.step(PipelineInput::Link(link::LinkInput::Connect));
        rig.establish();
        assert_eq!(*rig.pipeline.link().state(), LinkState::Live);
        rig.wait(99 * SECOND);
    });
    assert_eq!(asked, "");
    assert_eq!(rig.asked(|rig| rig.wait(SECOND)), "ch");
    // A person who wants it tried is not told to wait.
    rig.wait(10 * SECOND);
    rig.answers = false;
    rig.step(PipelineInput::Link(link::LinkInput::TryNow));
    rig.refuse(429, Some(120 * SECOND));
    rig.answers = true;
    assert_eq!(rig.asked(|rig| rig.step(PipelineInput::Link(link::LinkInput::TryNow))), "ch");
}

#[test]
fn a_server_without_the_api_is_said_with_the_apis_settings_and_not_the_endpoints() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.establish();
    rig.refuse(404, None);
    let status = rig.pipeline.status(rig.now);
    assert_eq!(status.state, Connectivity::Live);
    let why = status.cause.unwrap();
    assert!(why.is_catch_up && why.kind.remedy().contains("api.base"), "{why:?}");
}

#[test]
fn a_history_that_was_refused_is_read_again_after_the_next_connect() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.establish();
    rig.answer();
    rig.step(PipelineInput::Tick);
    rig.refuse(403, None);
    assert_eq!(rig.pipeline.status(rig.now).cause.unwrap().kind, Kind::NoHistory);
    rig.answers = true;
    assert_eq!(rig.asked(|rig| rig.wait(6 * SECOND)), "c", "the second pass");
    rig.lose();
    rig.now.mono += 60 * SECOND;
    rig.step(PipelineInput::Tick);
    assert_eq!(rig.asked(Rig::establish), "ch");
    assert_eq!(rig.pipeline.status(rig.now).cause, None);
}

#[test]
fn a_page_in_pieces_is_written_piece_by_piece_and_its_cursor_with_the_last() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.establish();
    let pass = rig.asked.last().unwrap().0;
    rig.step(PipelineInput::Rows { pass, notices: vec![notice("1"), notice("2")], rejected: Vec::new() });
    assert_eq!((rig.store.counts().unwrap().notices, rig.store.cursor().unwrap()), (2, None));
    assert_eq!(rig.asked.len(), 1, "the page has not come whole");
    // The connection is replaced meanwhile; the rest is still stored, and its cursor not followed.
    rig.lose();
    rig.now.mono += 60 * SECOND;
    rig.step(PipelineInput::Tick);
    rig.establish();
    rig.step(PipelineInput::Rows { pass, notices: vec![notice("3")], rejected: Vec::new() });
    let page = |id: &str| {
        let next = NextCursor::Cursor(id.to_owned());
        Ok(Box::new((Page { notices: vec![notice(id)], rows: 4, next, server_time: None, earlier: 7 }, Vec::new())))
    };
    rig.step(PipelineInput::Page { pass, result: page("4") });
    assert_eq!((rig.store.counts().unwrap().notices, rig.store.cursor().unwrap()), (4, None));
    let pass = rig.asked.last().unwrap().0;
    rig.step(PipelineInput::Rows { pass, notices: vec![notice("5")], rejected: Vec::new() });
    rig.step(PipelineInput::Page { pass, result: page("6") });
    assert_eq!((rig.store.counts().unwrap().notices, rig.store.cursor().unwrap().as_deref()), (6, Some("6")));
    let PageRequest::Collect { after, .. } = &rig.asked.last().unwrap().1 else { panic!("{:?}", rig.asked) };
    assert_eq!(after.as_deref(), Some("6"), "the next page is asked for");
}

#[test]
fn a_page_of_the_history_is_asked_for_while_the_last_one_is_written_and_a_collected_one_only_after_that() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.establish();
    let pass = rig.asked.last().unwrap().0;
    // What is asked for before the writes, and after them.
    let mut bring = |ids: &[&str], next: &str| {
        let next = if next.is_empty() { NextCursor::Null } else { NextCursor::Cursor(next.to_owned()) };
        let notices = ids.iter().map(|id| notice(id)).collect();
        let page = Page { notices, rows: ids.len(), next, server_time: None, earlier: 0 };
        rig.pipeline.step(PipelineInput::Page { pass, result: Ok(Box::new((page, Vec::new()))) }, rig.now);
        let (mut asked, mut writing) = ((None, None), None);
        while let Some(action) = rig.pipeline.poll_action() {
            match action {
                PipelineAction::Fetch { request, .. } => assert_eq!(asked.0.replace(request), None),
                PipelineAction::Delivery(delivery::DeliveryAction::Apply { ticket, writes }) => {
                    assert!(writing.replace((ticket, writes)).is_none());
                }
                _ => {}
            }
        }
        let (ticket, writes) = writing.unwrap();
        let result = Ok(rig.store.apply(&writes).unwrap());
        rig.pipeline.step(PipelineInput::Applied { ticket, result }, rig.now);
        while let Some(action) = rig.pipeline.poll_action() {
            if let PipelineAction::Fetch { request, .. } = action {
                assert_eq!(asked.1.replace(request), None);
            }
        }
        asked
    };
    let collect = |after: &str| PageRequest::Collect { after: Some(after.to_owned()), wait: false };
    assert_eq!(bring(&["1", "2"], "2"), (None, Some(collect("2"))));
    assert_eq!(bring(&["3"], "3"), (None, Some(collect("3"))));
    assert_eq!(bring(&[], ""), (Some(PageRequest::History { page: 1 }), None));
    assert_eq!(bring(&["3", "2"], ""), (Some(PageRequest::History { page: 2 }), None));
    assert_eq!(bring(&["1"], ""), (Some(PageRequest::History { page: 3 }), None));
    assert_eq!(bring(&[], ""), (None, None), "that was all");
}

#[test]
fn a_page_asked_for_ahead_that_comes_after_its_pass_was_left_is_kept() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.establish();
    rig.answer();
    let pass = rig.asked.last().unwrap().0;
    let page = |id: &str| {
        let page = Page { notices: vec![notice(id)], rows: 1, next: NextCursor::Null, server_time: None, earlier: 0 };
        PipelineInput::Page { pass, result: Ok(Box::new((page, Vec::new()))) }
    };
    rig.step(PipelineInput::Tick);
    // The next one is asked for; then the connection is lost, while this one is written.
    rig.pipeline.step(page("1"), rig.now);
    let generation = rig.pipeline.link().generation();
    let lost = link::LinkInput::Lost(generation, Failure::new(Fault::Unreachable, "test"));
    rig.pipeline.step(PipelineInput::Link(lost), rig.now);
    rig.pipeline.step(PipelineInput::Link(link::LinkInput::Disconnect), rig.now);
    rig.step(PipelineInput::Tick);
    assert_eq!(rig.asked.last().unwrap(), &(pass, PageRequest::History { page: 2 }));
    rig.step(page("2"));
    assert_eq!(rig.store.counts().unwrap().notices, 2);
}

#[test]
fn a_page_of_known_rows_that_comes_in_pieces_is_one_page() {
    let mut rig = Rig::new();
    rig.establish();
    rig.answers = false;
    let asked = rig.asked(|rig| {
        rig.step(PipelineInput::Link(link::LinkInput::TryNow));
        rig.answer();
        rig.step(PipelineInput::Tick);
        let pass = rig.asked.last().unwrap().0;
        let sent_at = Some(rig.now.wall - jiff::SignedDuration::from_hours(8));
        let rows = || vec![Notice { sent_at, ..notice("1") }];
        for _ in 0..3 {
            for _ in 0..3 {
                rig.step(PipelineInput::Rows { pass, notices: rows(), rejected: Vec::new() });
            }
            let page = Page { notices: rows(), rows: 4, next: NextCursor::Absent, server_time: None, earlier: 7 };
            rig.step(PipelineInput::Page { pass, result: Ok(Box::new((page, Vec::new()))) });
        }
    });
    assert_eq!(asked, "chhh", "the second and the third page bring nothing new");
    assert_eq!((rig.store.counts().unwrap().notices, rig.store.cursor().unwrap()), (1, None));
}

#[test]
fn that_the_events_of_a_page_were_emitted_is_recorded_with_the_next_page_or_when_none_follows() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.establish();
    // What a run after a crash would emit again.
    let again = |rig: &mut Rig| -> Vec<String> {
        let recovered = rig.store.recover().unwrap();
        recovered.unannounced.into_iter().map(|stored| stored.notice.key.id).collect()
    };
    let bring = |rig: &mut Rig, id: &str| {
        let next = NextCursor::Cursor(id.to_owned());
        let page = Page { notices: vec![notice(id)], rows: 1, next, server_time: None, earlier: 0 };
        let pass = rig.asked.last().unwrap().0;
        rig.step(PipelineInput::Page { pass, result: Ok(Box::new((page, Vec::new()))) });
    };
    bring(&mut rig, "1");
    assert_eq!(again(&mut rig), ["1"]);
    bring(&mut rig, "2");
    assert_eq!(again(&mut rig), ["2"]);
    let live = Message { notices: vec![notice("live")], ..Message::default() };
    rig.step(PipelineInput::Message(Box::new(live)));
    assert!(again(&mut rig).is_empty(), "a message of the session is recorded at once");
    bring(&mut rig, "3");
    rig.refuse(503, None);
    assert!(again(&mut rig).is_empty(), "no page follows for now");
    rig.wait(2 * SECOND);
    bring(&mut rig, "4");
    assert_eq!(again(&mut rig), ["4"]);
    rig.step(PipelineInput::Link(link::LinkInput::Disconnect));
    assert!(again(&mut rig).is_empty(), "the end is not a crash");
}

#[test]
fn what_is_undelivered_is_taken_in_however_long_ago_it_says_it_was_sent() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.establish();
    let old = |id: &str, undelivered| Notice { sent_at: Some(Timestamp::UNIX_EPOCH), undelivered, ..notice(id) };
    let notices = vec![old("1", Some(true)), old("2", Some(false)), old("3", None)];
    let page = Page { rows: notices.len(), notices, next: NextCursor::Null, server_time: None, earlier: 0 };
    rig.page(Ok(Box::new((page, Vec::new()))));
    rig.step(PipelineInput::Tick);
    assert_eq!(rig.store.counts().unwrap().notices, 1);
}

#[test]
fn a_connection_goes_on_in_a_stream_after_what_is_committed_and_no_further() {
    let mut rig = Rig::new();
    let message = |offset| {
        let message = Message {
            notices: vec![notice(&format!("n{offset}"))],
            offset: Some(("stream".to_owned(), offset)),
            ..Message::default()
        };
        PipelineInput::Message(Box::new(message))
    };
    rig.step(message(7));
    assert_eq!(rig.pipeline.stream_offsets().get("stream"), Some(&7));

    // Taken, but not committed yet; and then it fails.
    rig.pipeline.step(message(8), rig.now);
    assert_eq!(rig.pipeline.stream_offsets().get("stream"), Some(&7));
    let writes: Vec<_> = std::iter::from_fn(|| rig.pipeline.poll_action()).collect();
    let [PipelineAction::Delivery(delivery::DeliveryAction::Apply { ticket, .. })] = writes[..] else {
        panic!("{writes:?}")
    };
    rig.pipeline.step(PipelineInput::Applied { ticket, result: Err("disk full".to_owned()) }, rig.now);
    assert_eq!(rig.pipeline.stream_offsets().get("stream"), Some(&7));

    // A stream that was deleted and made again counts from the beginning.
    rig.step(message(2));
    assert_eq!(rig.pipeline.stream_offsets().get("stream"), Some(&2));

    let mut next_run = Rig::new();
    next_run.step(PipelineInput::Recovered(Box::new(rig.store.recover().unwrap())));
    assert_eq!(next_run.pipeline.stream_offsets().get("stream"), Some(&2));
}

#[test]
fn an_api_that_refuses_a_secret_which_the_session_accepted_is_asked_again_after_15_minutes() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.establish();
    rig.refuse(403, None);
    assert_eq!(rig.pipeline.status(rig.now).state, Connectivity::ActionNeeded);
    rig.answers = true;
    assert_eq!(rig.asked(|rig| rig.wait(link::REFUSED_RETRY - SECOND)), "");
    assert_eq!(rig.asked(|rig| rig.wait(SECOND)), "ch");
    assert_eq!(rig.pipeline.status(rig.now).state, Connectivity::Live);
}

#[test]
fn people_see_no_change_while_a_refused_secret_is_tried_again() {
    let mut rig = Rig::new();
    rig.establish();
    let lost = |rig: &mut Rig, fault| {
        let lost = link::LinkInput::Lost(rig.pipeline.link().generation(), Failure::new(fault, "test"));
        rig.step(PipelineInput::Link(lost));
    };
    lost(&mut rig, Fault::Status(403));
    let before = rig.pipeline.status(rig.now);
    assert_eq!((before.state, before.retry_in), (Connectivity::ActionNeeded, Some(link::REFUSED_RETRY)));
    rig.now.mono += link::REFUSED_RETRY;
    rig.step(PipelineInput::Tick);
    assert!(matches!(rig.pipeline.link().state(), LinkState::Connecting { .. }));
    let during = rig.pipeline.status(rig.now);
    assert_eq!((during.state, during.since, &during.cause), (before.state, before.since, &before.cause));
    lost(&mut rig, Fault::Unreachable);
    let after = rig.pipeline.status(rig.now);
    assert_eq!((after.state, after.cause, after.retry_in), (before.state, before.cause, before.retry_in));
}

#[test]
fn history_with_times_hours_behind_is_read_until_two_pages_in_a_row_are_known() {
    let mut rig = Rig::new();
    rig.establish();
    let history = |rig: &mut Rig, ids: &[&str]| {
        let sent_at = Some(rig.now.wall - jiff::SignedDuration::from_hours(8));
        let notices: Vec<Notice> = ids.iter().map(|id| Notice { sent_at, ..notice(id) }).collect();
        let page = Page { rows: notices.len(), notices, next: NextCursor::Absent, server_time: None, earlier: 0 };
        rig.page(Ok(Box::new((page, Vec::new()))));
        rig.step(PipelineInput::Tick);
    };
    rig.answers = false;
    let asked = rig.asked(|rig| {
        rig.step(PipelineInput::Link(link::LinkInput::TryNow));
        rig.answer();
        rig.step(PipelineInput::Tick);
        for page in [["1", "2"], ["3", "4"], ["3", "4"], ["5", "6"], ["5", "6"], ["1", "2"]] {
            history(rig, &page);
        }
    });
    assert_eq!(asked, "chhhhhh");
    assert_eq!(rig.store.counts().unwrap().notices, 6);
}

#[test]
fn what_only_the_history_brings_notifies_also_where_the_servers_clock_is_hours_behind() {
    let mut rig = Rig::new();
    rig.answers = false;
    let pass = |rig: &mut Rig, ids: &[&str]| {
        rig.establish();
        rig.answer();
        rig.step(PipelineInput::Tick);
        let sent_at = Some(rig.now.wall - jiff::SignedDuration::from_hours(8));
        for ids in [ids, &[]] {
            let notices: Vec<Notice> = ids.iter().map(|id| Notice { sent_at, ..notice(id) }).collect();
            let next = NextCursor::Absent;
            let page = Page { rows: notices.len(), notices, next, server_time: Some(rig.now.wall), earlier: 0 };
            rig.page(Ok(Box::new((page, Vec::new()))));
            rig.step(PipelineInput::Tick);
        }
        rig.wait(3 * SECOND);
    };
    pass(&mut rig, &["1", "2"]);
    assert_eq!(rig.popups, [], "the first run shows what is there");
    rig.lose();
    rig.wait(3600 * SECOND);
    rig.popups.clear();
    pass(&mut rig, &["3", "2", "1"]);
    let shown: Vec<_> = rig.popups.iter().flat_map(|popup| popup.notices.iter()).collect();
    assert_eq!(shown.len(), 1, "{:?}", rig.popups);
}

#[test]
fn only_a_page_requested_after_a_topic_settled_a_notice_restores_it() {
    let mut rig = Rig::new();
    let approval = Notice { has_state: true, ..notice("1") };
    let answer = |rig: &mut Rig| {
        let page = Page {
            notices: vec![approval.clone()],
            rows: 1,
            next: NextCursor::Null,
            server_time: Some(rig.now.wall),
            earlier: 0,
        };
        rig.page(Ok(Box::new((page, Vec::new()))));
        rig.step(PipelineInput::Tick);
        rig.store.notice(Seq(1)).unwrap().map(|stored| (stored.notice.state, stored.opening))
    };
    rig.answers = false;
    rig.establish();
    assert_eq!(answer(&mut rig), Some((State::Open, 1)));
    // The page of the history is requested; then the topic settles the notice.
    let forged = Notice {
        state: State::Decided,
        version: Some(i64::MAX),
        origin: Origin::Shared("/topic/all".to_owned()),
        ..approval.clone()
    };
    rig.step(PipelineInput::Message(Box::new(Message { notices: vec![forged], ..Message::default() })));
    assert_eq!(answer(&mut rig), Some((State::Decided, 1)), "this page may be older than the decision");
    assert_eq!(answer(&mut rig), Some((State::Open, 2)));
}
