//! Quiet hours, pauses and a missing notification service: what they hold back becomes one popup when
//! they end, also if the machine slept or the program did not run then.

use std::time::Duration;

use belfry_core::{
    alerts::hold::Pause,
    clock::Now,
    notice::{Notice, Priority, State},
    pipeline::{Message, Pipeline, PipelineAction, PipelineConfig, PipelineInput, delivery::DeliveryAction},
    ports::{NotifyError, Popup, PopupId, PopupKind},
    settings::{Day, QuietHours, Rule, Settings, Show},
    storage::{Alert, Seq, Suppressed},
    texts::Language,
};
use jiff::{SignedDuration, Timestamp, civil::time, tz::TimeZone};

use crate::{
    clock,
    store::{
        Store,
        tests::{Steps, notice, version},
    },
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

struct Rig {
    pipeline: Pipeline,
    store: Store,
    settings: Settings,
    now: Now,
    shown: Vec<Popup>,
    lacks_service: bool,
}

/// Quiet from 22:00 to 07:00, in the nights after weekdays.
fn nights() -> Settings {
    let mut settings = Settings::default();
    settings.notifications.quiet_hours = QuietHours {
        from: Some(time(22, 0, 0, 0)),
        to: Some(time(7, 0, 0, 0)),
        days: [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri].into(),
        allow: Priority::Urgent,
    };
    settings
}

impl Rig {
    /// 20 November 2026 is a Friday.
    fn at(settings: Settings, wall: &str) -> Self {
        let now = Now { wall: wall.parse().unwrap(), ..clock::now() };
        Self::start(settings, Store::open_in_memory().unwrap(), now)
    }

    fn start(settings: Settings, mut store: Store, now: Now) -> Self {
        let config = PipelineConfig::new(&settings, Language::English, TimeZone::UTC);
        let recovered = store.recover().unwrap();
        let pipeline = Pipeline::new(config, None, None, 1, now);
        let mut rig = Self { pipeline, store, settings, now, shown: Vec::new(), lacks_service: false };
        rig.step(PipelineInput::Recovered(Box::new(recovered)));
        rig
    }

    /// The program ends, and is started after so many seconds.
    fn restart_after(mut self, seconds: u64) -> Self {
        self.set_clocks(seconds, seconds);
        Self::start(self.settings, self.store, self.now)
    }

    fn set_clocks(&mut self, wall: u64, mono: u64) {
        self.now.wall += SignedDuration::from_secs(wall as i64);
        self.now.mono += Duration::from_secs(mono);
    }

    fn step(&mut self, input: PipelineInput) {
        self.pipeline.step(input, self.now);
        while let Some(action) = self.pipeline.poll_action() {
            match action {
                PipelineAction::Delivery(DeliveryAction::Apply { ticket, writes }) => {
                    let result = Ok(self.store.apply(&writes).unwrap());
                    self.pipeline.step(PipelineInput::Applied { ticket, result }, self.now);
                }
                PipelineAction::Delivery(DeliveryAction::Show { show, .. }) if self.lacks_service => {
                    let result = Err(NotifyError::Unavailable("no service".to_owned()));
                    self.pipeline.step(PipelineInput::Shown { show, result, is_silenced: false }, self.now);
                }
                PipelineAction::Delivery(DeliveryAction::Show { show, popup }) => {
                    let result = Ok(PopupId(format!("popup {}", self.shown.len())));
                    self.shown.push(*popup);
                    self.pipeline.step(PipelineInput::Shown { show, result, is_silenced: false }, self.now);
                }
                _ => {}
            }
        }
    }

    fn receive(&mut self, notices: impl IntoIterator<Item = Notice>) {
        for notice in notices {
            self.step(PipelineInput::Message(Box::new(Message { notices: vec![notice], ..Message::default() })));
        }
    }

    /// Time passes; the timer fires when it is due, and never for longer than a minute too early.
    fn wait(&mut self, seconds: u64) {
        let end = self.now.mono + Duration::from_secs(seconds);
        while let Some(due) = self.pipeline.poll_timeout().filter(|due| *due <= end) {
            let passed = due.saturating_duration_since(self.now.mono);
            self.now.wall += SignedDuration::try_from(passed).unwrap();
            self.now.mono += passed;
            self.step(PipelineInput::Tick);
        }
        let rest = end - self.now.mono;
        self.now.wall += SignedDuration::try_from(rest).unwrap();
        self.now.mono = end;
    }

    fn titles(&self) -> Vec<&str> {
        self.shown.iter().map(|popup| popup.title.as_str()).collect()
    }

    fn alert(&self, seq: i64) -> Alert {
        self.store.at(Seq(seq)).alert
    }
}

#[test]
fn what_quiet_hours_hold_back_is_one_summary_when_they_end_in_the_morning() {
    let mut rig = Rig::at(nights(), "2026-11-20T23:00:00Z");
    rig.receive(["1", "2", "3", "4"].map(notice));
    rig.receive([Notice { priority: Priority::Urgent, title: "urgent".to_owned(), ..notice("5") }]);
    assert_eq!(rig.titles(), ["urgent"]);
    assert_eq!(rig.alert(1), Alert::Suppressed(Suppressed::QuietHours));
    // What is read or settled meanwhile is not part of it.
    rig.store.mark_read(Seq(1));
    rig.receive([Notice { state: State::Decided, ..version("2", 2, State::Decided) }]);
    rig.wait(8 * HOUR - MINUTE);
    assert_eq!(rig.titles(), ["urgent"]);
    rig.wait(2 * MINUTE);
    assert_eq!(rig.titles(), ["urgent", "2 new notices"]);
    assert_eq!(rig.alert(3), Alert::Shown);
    // The night after Saturday is not quiet.
    rig.wait(16 * HOUR);
    rig.receive([notice("6")]);
    assert_eq!(rig.titles()[2..], ["title of 6"]);
}

#[test]
fn what_becomes_urgent_while_it_is_held_back_is_shown_at_once_and_not_again_in_the_morning() {
    let mut rig = Rig::at(nights(), "2026-11-20T23:00:00Z");
    rig.receive([version("1", 1, State::Open), version("2", 1, State::Open), notice("3")]);
    rig.store.mark_read(Seq(2));
    let urgent = |id: &str| Notice { priority: Priority::Urgent, ..version(id, 2, State::Open) };
    rig.receive([urgent("1"), urgent("2")]);
    assert_eq!(rig.titles(), ["title 2"], "the other one was read");
    rig.receive([Notice { priority: Priority::Urgent, ..version("1", 3, State::Open) }]);
    assert_eq!(rig.shown.last().unwrap().kind, PopupKind::Update);
    rig.wait(9 * HOUR);
    assert_eq!(rig.titles(), ["title 2", "title 3", "title of 3"]);
}

#[test]
fn a_single_notice_that_was_held_back_is_shown_as_itself() {
    let mut rig = Rig::at(nights(), "2026-11-20T23:00:00Z");
    rig.receive([notice("1")]);
    rig.wait(9 * HOUR);
    assert_eq!(rig.titles(), ["title of 1"]);
}

#[test]
fn the_summary_comes_once_if_the_machine_slept_or_the_program_was_off_at_the_end_of_quiet_hours() {
    let mut rig = Rig::at(nights(), "2026-11-20T23:00:00Z");
    rig.receive(["1", "2"].map(notice));
    rig.wait(1);
    // The monotonic clock stops in sleep.
    rig.set_clocks(10 * HOUR, 0);
    rig.wait(MINUTE);
    assert_eq!(rig.titles(), ["2 new notices"]);

    let mut rig = Rig::at(nights(), "2026-11-20T23:00:00Z");
    rig.receive(["1", "2"].map(notice));
    let rig = rig.restart_after(HOUR);
    assert_eq!(rig.titles(), Vec::<&str>::new(), "it is still night");
    let rig = rig.restart_after(10 * HOUR);
    assert_eq!(rig.titles(), ["2 new notices"]);
    assert_eq!(rig.restart_after(HOUR).titles(), Vec::<&str>::new());
}

#[test]
fn a_pause_holds_until_it_ends_also_across_a_restart_and_then_there_is_one_summary() {
    let mut rig = Rig::at(Settings::default(), "2026-11-20T12:00:00Z");
    rig.step(PipelineInput::Pause(Some(Pause::HalfHour)));
    let end: Timestamp = "2026-11-20T12:30:00Z".parse().unwrap();
    assert_eq!(rig.pipeline.paused_until(), Some(end));
    rig.receive(["1", "2"].map(notice));
    let mut rig = rig.restart_after(20 * MINUTE);
    assert_eq!(rig.pipeline.paused_until(), Some(end));
    rig.receive([notice("3")]);
    assert_eq!((rig.titles(), rig.alert(3)), (vec![], Alert::Suppressed(Suppressed::Paused)));
    rig.wait(11 * MINUTE);
    assert_eq!((rig.titles(), rig.pipeline.paused_until()), (vec!["3 new notices"], None));
    assert_eq!(rig.restart_after(1).titles(), Vec::<&str>::new());
}

#[test]
fn a_pause_that_a_person_ends_releases_what_it_held_unless_quiet_hours_hold_it_too() {
    let mut rig = Rig::at(nights(), "2026-11-20T21:00:00Z");
    rig.step(PipelineInput::Pause(Some(Pause::UntilTomorrow)));
    rig.receive(["1", "2"].map(notice));
    rig.step(PipelineInput::Pause(None));
    assert_eq!(rig.titles(), ["2 new notices"]);
    rig.step(PipelineInput::Pause(Some(Pause::Hour)));
    rig.receive(["3", "4"].map(notice));
    rig.wait(2 * HOUR);
    assert_eq!(rig.titles(), ["2 new notices"], "it is night");
    rig.wait(9 * HOUR);
    assert_eq!(rig.titles(), ["2 new notices", "2 new notices"]);
}

#[test]
fn what_the_system_does_not_show_now_is_kept_as_silenced() {
    let mut rig = Rig::at(Settings::default(), "2026-11-20T12:00:00Z");
    rig.pipeline
        .step(PipelineInput::Message(Box::new(Message { notices: vec![notice("1")], ..Message::default() })), rig.now);
    while let Some(action) = rig.pipeline.poll_action() {
        let input = match action {
            PipelineAction::Delivery(DeliveryAction::Apply { ticket, writes }) => {
                PipelineInput::Applied { ticket, result: Ok(rig.store.apply(&writes).unwrap()) }
            }
            PipelineAction::Delivery(DeliveryAction::Show { show, .. }) => {
                PipelineInput::Shown { show, result: Ok(PopupId("1".to_owned())), is_silenced: true }
            }
            _ => continue,
        };
        rig.pipeline.step(input, rig.now);
    }
    assert_eq!((rig.alert(1), rig.store.at(Seq(1)).read), (Alert::Silenced, false));
}

#[test]
fn rules_by_kind_and_sender_mute_quieten_and_break_through_a_pause() {
    let mut settings = Settings::default();
    let rule = |kind: Option<&str>, sender: Option<&str>, show| Rule {
        kind: kind.map(str::to_owned),
        sender: sender.map(str::to_owned),
        show,
    };
    settings.notifications.rules =
        vec![rule(Some("3"), Some("boss"), Show::Urgent), rule(None, Some("robot*"), Show::Mute)];
    let mut rig = Rig::at(settings, "2026-11-20T12:00:00Z");
    rig.step(PipelineInput::Pause(Some(Pause::Hour)));
    let from = |id: &str, sender: &str| Notice { sender: sender.to_owned(), ..notice(id) };
    rig.receive([from("1", "boss"), from("2", "alice"), from("3", "robot 7")]);
    assert_eq!(rig.titles(), ["title of 1"]);
    rig.step(PipelineInput::Pause(None));
    assert_eq!(rig.titles(), ["title of 1", "title of 2"], "what is muted stays so");
    assert_eq!(rig.alert(3), Alert::Suppressed(Suppressed::Muted));
}

#[test]
fn what_finds_no_notification_service_is_shown_once_when_one_has_started() {
    let mut rig = Rig::at(nights(), "2026-11-20T12:00:00Z");
    rig.lacks_service = true;
    rig.receive(["1", "2", "3", "4", "5"].map(notice));
    rig.wait(HOUR);
    assert_eq!((rig.titles(), rig.alert(1)), (vec![], Alert::Suppressed(Suppressed::NoService)));
    // What is read or settled meanwhile is not part of it.
    rig.store.mark_read(Seq(1));
    rig.receive([version("2", 2, State::Decided)]);
    rig.lacks_service = false;
    rig.step(PipelineInput::ServiceStarted);
    assert_eq!((rig.titles(), rig.alert(3)), (vec!["3 new notices"], Alert::Shown));
    rig.step(PipelineInput::ServiceStarted);
    assert_eq!(rig.titles().len(), 1);

    // One that starts in a pause or at night shows what was held back when they end.
    rig.lacks_service = true;
    rig.receive([notice("6")]);
    rig.wait(9 * HOUR);
    rig.receive([notice("7")]);
    rig.lacks_service = false;
    rig.step(PipelineInput::ServiceStarted);
    assert_eq!(rig.titles().len(), 1, "it is night");
    rig.wait(9 * HOUR);
    assert_eq!(rig.titles()[1..], ["2 new notices"]);
}

#[test]
fn what_found_no_notification_service_comes_with_the_next_popup_and_after_a_restart_too() {
    let mut rig = Rig::at(Settings::default(), "2026-11-20T12:00:00Z");
    rig.lacks_service = true;
    rig.receive([notice("1")]);
    rig.lacks_service = false;
    rig.receive([notice("2")]);
    assert_eq!(rig.titles(), ["title of 2", "title of 1"], "a service that came unnoticed");

    rig.lacks_service = true;
    rig.receive(["3", "4"].map(notice));
    let rig = rig.restart_after(MINUTE);
    assert_eq!(rig.titles(), ["2 new notices"]);
    assert_eq!(rig.restart_after(MINUTE).titles(), Vec::<&str>::new());
}
