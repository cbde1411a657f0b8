//! Memory, wake-ups and start of the programs, read from `/proc`, beside another tray program and an
//! empty page of Chromium.

use std::path::Path;
use std::time::{Duration, Instant};

use harness::desktop::Desktop;
use harness::{FaultProxy, Home, Pushd, Running};
use serde_json::json;

use crate::peers::{Peers, chromium};
use crate::processes::{Memory, processor_time, wake_ups};
use crate::report::{Figure, Report, Rounds};

const SECTION: &str = "footprint";
/// Until a program that has started is quiet.
const SETTLE: Duration = Duration::from_secs(10);
/// How long it is watched then.
const WATCH: Duration = Duration::from_secs(60);
const STARTS: usize = 7;
/// Most bytes in [`WATCH`]: heart-beats each 10 s, of 7 bytes from the client and 3 from the server,
/// and one more each that may fall into it.
const HEART_BEATS: f64 = 7.0 * 10.0;

/// Measures `belfryctl run`, then the app in the tray.
pub(crate) async fn measure(report: &mut Report, out: &Path, messages: usize) {
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let token = pushd.login("alice", "secret").await;
    let home = Home::new(&settings(pushd.stomp(), &pushd.api_base()));
    let mut command = home.ctl(["run", "--json"]).await;
    command.env("BELFRY_TOKEN", &token);
    let mut running = Running::spawn(command);
    running.state("live").await;
    let first = watch(report, "belfryctl run", &mut running, 12.0).await;
    for number in 0..messages {
        let message =
            json!({"title": format!("Number {number}"), "content": "text", "type": "1", "receiver": ["alice"]});
        pushd.call(&token, "sendMessage", &message).await;
    }
    running.events_of("notice", messages).await;
    tokio::time::sleep(WATCH).await;
    let growth = Memory::of(running.id()).unique - first.unique;
    report.add(
        Figure::new(
            SECTION,
            format!("belfryctl run: more unique memory a minute after {messages} messages"),
            growth,
            "MB",
        )
        .at_most(3.0),
    );
    running.end();
    drop(pushd);
    measure_app(report, out).await;
}

fn settings(endpoint: &str, api: &str) -> String {
    format!(
        "[server]\nendpoints = [\"{endpoint}\"]\n\n\
         [[server.subscriptions]]\ndestination = \"/user/queue/notices\"\n\n\
         [api]\nbase = \"{api}\"\n\n[auth]\nlogin = \"alice\"\n\n[app]\nlanguage = \"en\"\n"
    )
}

async fn measure_app(report: &mut Report, out: &Path) {
    let Some(mut desktop) = Desktop::start().await else { return };
    // Another server: each start is that of a person who has missed nothing.
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let token = pushd.login("alice", "secret").await;
    let line = FaultProxy::start(pushd.http().trim_start_matches("http://")).await;
    let (endpoint, api) = (format!("ws://{}/ws", line.address()), format!("http://{}/ecgapi", line.address()));
    let mut starts = Vec::new();
    for start in 0..STARTS {
        let home = Home::new(&settings(&endpoint, &api));
        let Some(mut command) = home.app(&desktop, ["--hidden"]).await else { return };
        command.env("BELFRY_TOKEN", &token);
        let began = Instant::now();
        let mut app = Running::spawn(command);
        desktop.tray().wait_for("Connected").await;
        starts.push(began.elapsed().as_secs_f64() * 1e3);
        if start + 1 == STARTS {
            watch(report, "belfry in the tray", &mut app, 20.0).await;
            watch_line(report, "belfry in the tray", &line).await;
            compare(report, &mut desktop, out, &mut app).await;
        }
        app.terminate().await;
    }
    let starts = Rounds::new(starts);
    report.add(
        Figure::new(SECTION, "belfry --hidden: start to live", starts.median(), "ms").spread(&starts).at_most(300.0),
    );
}

/// Memory of other programs on the same desktop, all running at the same time.
async fn compare(report: &mut Report, desktop: &mut Desktop, out: &Path, app: &mut Running) {
    let peers = Peers::installed(out);
    let mut server = Running::spawn(peers.gotify_server());
    let port = server.event_of("ready").await["port"].as_u64().expect("a port");
    let mut gotify = Running::spawn(peers.gotify_tray(port, |command| desktop.admit(command)));
    server.event_of("connected").await;
    let mut chromium = Running::spawn(chromium(out, |command| desktop.admit(command)));
    desktop.screen.wait_for("Chromium", |windows| !windows.is_empty()).await;
    tokio::time::sleep(SETTLE).await;
    let [own, tray, page] = [app.id(), gotify.id(), chromium.id()].map(|id| Memory::of_tree(id).proportional);
    for (name, memory) in [("belfry", own), ("gotify-tray", tray), ("an empty page of Chromium", page)] {
        let what = format!("side by side, {name}: proportional memory");
        report.add(Figure::new(SECTION, what, memory, "MB"));
    }
    report.add(Figure::new(SECTION, "belfry in the tray, times gotify-tray", own / tray, "×").at_most(1.0));
    for mut program in [chromium, gotify, server] {
        program.end();
    }
}

/// Memory, wake-ups and processor time of a program that has nothing to do.
async fn watch(report: &mut Report, name: &str, program: &mut Running, limit: f64) -> Memory {
    tokio::time::sleep(SETTLE).await;
    let id = program.id();
    let (woken, used) = (wake_ups(id), processor_time(id));
    tokio::time::sleep(WATCH).await;
    let seconds = WATCH.as_secs_f64();
    let memory = Memory::of(id);
    report.add(Figure::new(SECTION, format!("{name}: unique memory"), memory.unique, "MB").at_most(limit));
    report.add(Figure::new(SECTION, format!("{name}: proportional memory"), memory.proportional, "MB"));
    report.add(Figure::new(SECTION, format!("{name}: wake-ups"), (wake_ups(id) - woken) / seconds, "/s").at_most(1.0));
    let share = (processor_time(id) - used) / seconds * 100.0;
    report.add(Figure::new(SECTION, format!("{name}: processor"), share, "% of a core").at_most(0.1));
    memory
}

/// What a program that has nothing to do sends and receives.
async fn watch_line(report: &mut Report, name: &str, line: &FaultProxy) {
    let (accepted, passed) = (line.accepted(), line.passed());
    tokio::time::sleep(WATCH).await;
    let (opened, bytes) = ((line.accepted() - accepted) as f64, (line.passed() - passed) as f64);
    report.add(Figure::new(SECTION, format!("{name}: connections opened in a minute"), opened, "").at_most(0.0));
    report.add(Figure::new(SECTION, format!("{name}: on the line in a minute"), bytes, "bytes").at_most(HEART_BEATS));
}
