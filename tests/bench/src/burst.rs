//! Benchmark of a burst: thousands of notices at once, with the window open.
//!
//! The notices wait behind a proxy until all are sent, so that they arrive as fast as the app reads
//! them and the sender does not compete for the processors. The same is measured before, with
//! nothing arriving: what that shows is the machine's own noise.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::desktop::{Desktop, Parts, RecordedCall, Recorder};
use harness::proxy::Faults;
use harness::{FaultProxy, Home, Page, Pushd};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::page::Watch;
use crate::processes::{Memory, process, processor_time};
use crate::report::{Figure, Report};

const SECTION: &str = "burst";
/// How many arrive.
const NOTICES: usize = 5_000;
/// How many bursts: memory that the first one needs for good does not grow with the second.
const BURSTS: usize = 2;
/// How many are sent at a time, while they cannot arrive.
const SENDERS: usize = 16;
/// Until a window that has just opened is quiet.
const SETTLE: Duration = Duration::from_secs(5);
/// How long nothing arrives: longer than until the second pass of catch-up.
const IDLE: Duration = Duration::from_secs(10);
/// The time between two looks at the memory.
const LOOK: Duration = Duration::from_millis(100);
/// How long the window may take to show what has arrived.
const LAST_UPDATE: Duration = Duration::from_secs(2);
/// How long after the burst the memory is read once more.
const AFTERWARDS: Duration = Duration::from_secs(30);

/// Sends the bursts.
pub(crate) async fn measure(report: &mut Report) {
    let pushd = Arc::new(Pushd::start(["--user", "alice:secret"]).await);
    let proxy = FaultProxy::start(pushd.http().trim_start_matches("http://")).await;
    let parts = Parts { popups: false, ..Parts::ALL };
    let Some(desktop) = Desktop::with(parts).await else { return };
    let mut popups = Recorder::start(desktop.bus(), &["actions", "body"]);
    let home = Home::new(&format!(
        "[server]\nendpoints = [\"ws://{}/ws\"]\n[[server.subscriptions]]\ndestination = \"/user/queue/notices\"\n\
         [api]\nbase = \"{}\"\n[auth]\nlogin = \"alice\"\n[app]\nlanguage = \"en\"\n",
        proxy.address(),
        pushd.api_base()
    ));
    let Some(mut app) = home.app(&desktop, [] as [&str; 0]).await else { return };
    let token = pushd.login("alice", "secret").await;
    app.env("BELFRY_TOKEN", &token);
    let Some(mut page) = Page::open(app).await else { return };
    desktop.tray().wait_for("Connected").await;
    let programs = [("belfry", process("belfry")), ("the page", process("WebKitWebProces"))];

    sleep(SETTLE).await;
    let watch = Watch::begin(&mut page, programs[1].1).await;
    sleep(IDLE).await;
    watch.end(&mut page, report, SECTION, "nothing arrives").await;

    let mut afterwards = Vec::new();
    for burst in 1..=BURSTS {
        let name = format!("burst {burst} of {NOTICES}");
        let unread = format!("{} unread", burst * NOTICES);
        proxy.set(Faults { hole_to_client: true, ..Faults::default() }).await;
        send_all(&pushd, &token, burst).await;

        let watch = Watch::begin(&mut page, programs[1].1).await;
        let used = processor_time(programs[0].1);
        let began = Instant::now();
        proxy.heal().await;
        let mut most = [0.0_f64; 2];
        let arrived = desktop.tray().wait_for(&unread);
        tokio::pin!(arrived);
        while tokio::time::timeout(LOOK, &mut arrived).await.is_err() {
            for (most, (_, id)) in most.iter_mut().zip(programs) {
                *most = most.max(Memory::of(id).unique);
            }
        }
        let what = format!("{name}: all in the inbox and counted by the tray");
        report.add(Figure::new(SECTION, what, began.elapsed().as_secs_f64(), "s"));
        let used = processor_time(programs[0].1) - used;
        report.add(Figure::new(SECTION, format!("{name}: processor time of belfry"), used, "s"));
        // The window is told of changes at most every 250 ms.
        sleep(LAST_UPDATE).await;
        watch.end(&mut page, report, SECTION, &name).await;
        sleep(AFTERWARDS).await;
        let after = programs.map(|(_, id)| Memory::of(id).unique);
        for ((program, _), (most, after)) in programs.iter().zip(most.into_iter().zip(after)) {
            report.add(Figure::new(SECTION, format!("{name}: most unique memory of {program}"), most, "MB"));
            report.add(Figure::new(SECTION, format!("{name}: unique memory of {program} 30 s later"), after, "MB"));
        }
        afterwards.push(after);
        add_popups(report, &name, &mut popups).await;
    }
    for (index, (program, _)) in programs.iter().enumerate() {
        let growth = afterwards[BURSTS - 1][index] - afterwards[0][index];
        let what = format!("more unique memory of {program} after the last burst than after the first");
        report.add(Figure::new(SECTION, what, growth, "MB").at_most(5.0));
    }
}

/// Counts what the notification service was asked for since the last time.
async fn add_popups(report: &mut Report, name: &str, popups: &mut Recorder) {
    let (mut singles, mut summaries, mut updates) = (0, 0, 0);
    while !popups.is_quiet() {
        match popups.call().await {
            RecordedCall::Notify(popup) if popup.replaces != 0 => updates += 1,
            RecordedCall::Notify(popup) if popup.title.contains("new notices") => summaries += 1,
            RecordedCall::Notify(_) => singles += 1,
            RecordedCall::Close(_) => {}
        }
    }
    report.add(Figure::new(SECTION, format!("{name}: popups of one notice"), f64::from(singles), "").at_most(5.0));
    report.add(Figure::new(SECTION, format!("{name}: summaries"), f64::from(summaries), "").at_most(1.0));
    report.add(Figure::new(SECTION, format!("{name}: updates of the summary"), f64::from(updates), ""));
}

async fn send_all(pushd: &Arc<Pushd>, token: &str, burst: usize) {
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (pushd, token) = (Arc::clone(pushd), token.to_owned());
        senders.spawn(async move {
            for number in (sender..NOTICES).step_by(SENDERS) {
                let message = json!({"id": format!("{burst}-{number}"), "title": format!("Approval {number}"),
                    "content": "480.00 EUR for a hotel, to be decided by Friday", "type": "1", "receiver": ["alice"]});
                pushd.call(&token, "sendMessage", &message).await;
            }
        });
    }
    senders.join_all().await;
}
