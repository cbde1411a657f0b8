//! Deletions on the server that wait for it: when they are sent, how often, and what stops them.

use std::time::Duration;

use belfry_core::{
    clock::Now,
    error::{Failure, Fault},
    notice::NoticeKey,
    pipeline::{
        Pipeline, PipelineAction, PipelineConfig, PipelineInput,
        delivery::DeliveryAction,
        link::{LinkAction, LinkInput},
    },
    settings::Settings,
    status::Kind,
    storage::Seq,
    texts::Language,
};
use jiff::tz::TimeZone;

use crate::{
    clock,
    inbox::Inbox,
    store::{
        Store,
        tests::{arrival, notice},
    },
};

struct Rig {
    pipeline: Pipeline,
    store: Store,
    inbox: Inbox,
    now: Now,
    /// The ids that the server was asked to delete.
    sent: Vec<String>,
}

impl Rig {
    /// The notices `1`, `2` and `3`, of which a person wants the first two deleted on the server.
    fn new() -> Self {
        let mut store = Store::open_in_memory().unwrap();
        store.apply(&["1", "2", "3"].map(|id| arrival(notice(id)))).unwrap();
        let mut inbox = Inbox::open_beside(&store).unwrap();
        inbox.delete_on_server(&[Seq(1), Seq(2)], clock::now().wall).unwrap();
        let mut rig = Self::start(store);
        rig.step(PipelineInput::Link(LinkInput::Connect));
        rig
    }

    fn start(mut store: Store) -> Self {
        let mut settings = Settings::default();
        settings.inbox.delete_on_server = true;
        settings.api.base = Some("http://127.0.0.1:1".parse().unwrap());
        settings.api.collect.clear();
        let mut config = PipelineConfig::new(&settings, Language::English, TimeZone::UTC);
        config.endpoints = 1;
        let (now, recovered) = (clock::now(), store.recover().unwrap());
        let inbox = Inbox::open_beside(&store).unwrap();
        let pipeline = Pipeline::new(config, None, None, 1, now);
        let mut rig = Self { pipeline, store, inbox, now, sent: Vec::new() };
        rig.step(PipelineInput::Recovered(Box::new(recovered)));
        rig
    }

    fn step(&mut self, input: PipelineInput) {
        self.pipeline.step(input, self.now);
        while let Some(action) = self.pipeline.poll_action() {
            match action {
                PipelineAction::DeleteOnServer(key) => self.sent.push(key.id),
                PipelineAction::Delivery(DeliveryAction::Apply { ticket, writes }) => {
                    let result = Ok(self.store.apply(&writes).unwrap());
                    self.pipeline.step(PipelineInput::Applied { ticket, result }, self.now);
                }
                PipelineAction::Link(LinkAction::Open { generation, .. }) => {
                    self.pipeline.step(PipelineInput::Link(LinkInput::Opened(generation)), self.now);
                }
                _ => {}
            }
        }
    }

    fn connected(&mut self) {
        let generation = self.pipeline.link().generation();
        self.step(PipelineInput::Link(LinkInput::Established(generation)));
    }

    fn reconnect(&mut self) {
        self.step(PipelineInput::Link(LinkInput::Disconnect));
        self.step(PipelineInput::Link(LinkInput::Connect));
        self.connected();
    }

    fn answer(&mut self, id: &str, result: Result<(), Fault>) {
        let result = result.map_err(|fault| Failure::new(fault, "the server's words"));
        let key = NoticeKey { scope: String::new(), id: id.to_owned() };
        self.step(PipelineInput::ServerDeleted { key, result });
    }

    fn changed_elsewhere(&mut self) {
        self.step(PipelineInput::ServerDeletions(self.store.server_deletions().unwrap()));
    }

    fn wait(&mut self, time: Duration) {
        self.now.mono += time;
        self.step(PipelineInput::Tick);
    }
}

#[test]
fn deletions_are_sent_one_after_the_other_once_there_is_a_session_and_each_notice_goes_with_its_answer() {
    let mut rig = Rig::new();
    assert!(rig.sent.is_empty(), "not before there is a session");
    rig.connected();
    assert_eq!(rig.sent, ["1"]);
    assert!(rig.inbox.show(Seq(1)).unwrap().unwrap().server_deletion.is_some());
    rig.answer("1", Ok(()));
    assert_eq!(rig.sent, ["1", "2"]);
    assert!(rig.inbox.show(Seq(1)).unwrap().is_none() && rig.inbox.show(Seq(2)).unwrap().is_some());
    rig.answer("2", Ok(()));
    rig.reconnect();
    assert_eq!(rig.sent, ["1", "2"], "what was answered is not sent again");
    assert!(rig.store.server_deletions().unwrap().is_empty());
    let mut rig = Rig::start(rig.store);
    rig.step(PipelineInput::Link(LinkInput::Connect));
    rig.connected();
    assert!(rig.sent.is_empty(), "not by the next run either");
}

#[test]
fn a_list_that_was_read_before_the_answer_was_committed_does_not_repeat_a_deletion() {
    let mut rig = Rig::new();
    let before = rig.store.server_deletions().unwrap();
    rig.connected();
    rig.answer("1", Ok(()));
    rig.step(PipelineInput::ServerDeletions(before));
    rig.answer("2", Ok(()));
    assert_eq!(rig.sent, ["1", "2"]);
}

#[test]
fn a_deletion_without_an_answer_is_sent_again_with_back_off_and_by_the_next_run() {
    let mut rig = Rig::new();
    rig.connected();
    rig.answer("1", Err(Fault::TimedOut));
    assert_eq!(rig.sent, ["1"]);
    rig.wait(Duration::from_secs(1));
    rig.answer("1", Err(Fault::Status(503)));
    rig.wait(Duration::from_secs(1));
    assert_eq!(rig.sent, ["1", "1"], "the second wait is longer");
    rig.wait(Duration::from_secs(1));
    assert_eq!(rig.sent, ["1", "1", "1"]);
    let mut rig = Rig::start(rig.store);
    rig.step(PipelineInput::Link(LinkInput::Connect));
    rig.connected();
    assert_eq!(rig.sent, ["1"]);
}

#[test]
fn what_the_server_does_not_permit_stops_all_until_the_next_connect_and_the_notices_say_so() {
    let mut rig = Rig::new();
    rig.connected();
    rig.answer("1", Err(Fault::NotPermitted));
    rig.wait(Duration::from_secs(3_600));
    assert_eq!(rig.sent, ["1"]);
    for seq in [Seq(1), Seq(2)] {
        let refused = rig.inbox.show(seq).unwrap().unwrap().server_deletion.unwrap().refused.unwrap();
        assert_eq!((refused.kind, &*refused.detail), (Kind::NotPermitted, "the server's words"));
    }
    rig.reconnect();
    assert_eq!(rig.sent, ["1", "1"]);
}

#[test]
fn one_that_the_server_refuses_is_set_aside_until_the_next_connect_and_the_others_go_on() {
    let mut rig = Rig::new();
    rig.connected();
    rig.answer("1", Err(Fault::Declined));
    assert_eq!(rig.sent, ["1", "2"]);
    rig.answer("2", Ok(()));
    rig.changed_elsewhere();
    rig.wait(Duration::from_secs(3_600));
    assert_eq!(rig.sent, ["1", "2"]);
    assert!(rig.inbox.show(Seq(1)).unwrap().unwrap().server_deletion.unwrap().refused.is_some());
    rig.reconnect();
    assert_eq!(rig.sent, ["1", "2", "1"]);
}

#[test]
fn one_that_was_refused_is_sent_again_at_once_when_a_person_asks_for_it_again() {
    let mut rig = Rig::new();
    rig.connected();
    let later = |seconds| rig.now.wall + jiff::SignedDuration::from_secs(seconds);
    let (again, meanwhile) = (later(1), later(2));
    rig.answer("1", Err(Fault::Declined));
    rig.inbox.delete_on_server(&[Seq(1)], again).unwrap();
    rig.changed_elsewhere();
    rig.inbox.delete_on_server(&[Seq(2)], meanwhile).unwrap();
    rig.changed_elsewhere();
    rig.answer("2", Err(Fault::Declined));
    assert_eq!(rig.sent, ["1", "2", "2"], "a refusal of what was asked before does not count");
    rig.answer("2", Err(Fault::Declined));
    assert_eq!(rig.sent, ["1", "2", "2", "1"]);
}

#[test]
fn what_is_taken_back_while_it_waits_is_not_sent_and_what_is_asked_meanwhile_is() {
    let mut rig = Rig::new();
    rig.inbox.keep_on_server(&[Seq(1)]).unwrap();
    rig.inbox.delete_on_server(&[Seq(3)], rig.now.wall + jiff::SignedDuration::from_secs(1)).unwrap();
    rig.changed_elsewhere();
    rig.connected();
    rig.answer("2", Err(Fault::TimedOut));
    rig.inbox.keep_on_server(&[Seq(2)]).unwrap();
    rig.changed_elsewhere();
    rig.wait(Duration::from_secs(60));
    assert_eq!(rig.sent, ["2", "3"]);
    assert!(rig.inbox.show(Seq(1)).unwrap().unwrap().server_deletion.is_none());
}

#[test]
fn nothing_is_sent_where_the_settings_do_not_allow_it() {
    let mut rig = Rig::new();
    let mut config = PipelineConfig::new(&Settings::default(), Language::English, TimeZone::UTC);
    config.endpoints = 1;
    rig.pipeline = Pipeline::new(config, None, None, 1, rig.now);
    let recovered = rig.store.recover().unwrap();
    rig.step(PipelineInput::Recovered(Box::new(recovered)));
    rig.step(PipelineInput::Link(LinkInput::Connect));
    rig.connected();
    assert!(rig.sent.is_empty() && rig.store.server_deletions().unwrap().len() == 2);
}
