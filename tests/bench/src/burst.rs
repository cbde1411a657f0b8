//! Benchmark of a burst: thousands of notices at once, with the window open.
//!
//! The notices wait behind a proxy until all are sent, so that they arrive as fast as the app reads
//! them and the sender does not compete for the processors. The same is measured before, with
//! nothing arriving: what that shows is the machine's own noise.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::desktop::{Desktop, Parts, RecordedCall, Recorder};
use harness::processes::{Process, descendants};
use harness::proxy::Faults;
use harness::{FaultProxy, Home, Page, Pushd};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many arrive.
const NOTICES: usize = 5_000;
/// How many bursts: memory that the first one needs for good does not grow with the second.
const BURSTS: usize = 2;
/// How many are sent at a time, while they cannot arrive.
const SENDERS: usize = 16;
/// How long nothing arrives: longer than until the second pass of catch-up.
const IDLE: Duration = Duration::from_secs(10);
/// The time between two looks at the memory.
const LOOK: Duration = Duration::from_millis(100);
/// How long the window may take to show what has arrived.
const LAST_UPDATE: Duration = Duration::from_secs(2);
/// How long after the burst the memory is read once more.
const AFTERWARDS: Duration = Duration::from_secs(30);
/// A task of the page that takes longer delays what a person does.
const LONG: f64 = 50.0;

/// Notes the time between two turns of the page's event loop, and between two frames. WebKit has no
/// `longtask` entries. A timer is due after 4 ms at the earliest, so a gap is a task and 4 ms.
const WATCH: &str = r"
const seen = { turns: [], frames: [] };
window.belfrySeen = seen;
const watch = (gaps, again) => {
  let last = performance.now();
  const turn = () => {
    if (window.belfrySeen !== seen) return;
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    again(turn);
  };
  again(turn);
};
watch(seen.turns, (turn) => setTimeout(turn, 0));
watch(seen.frames, requestAnimationFrame);
";

const END_WATCH: &str = "const seen = window.belfrySeen; window.belfrySeen = null; return seen";

/// The page's main thread: time on a processor, and time it was ready and waited for one.
#[derive(Clone, Copy)]
struct Used {
    at: Instant,
    run: Duration,
    waited: Duration,
}

/// Sends the burst and prints what it costs.
pub(crate) async fn measure() {
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
    let [belfry, web] = ["belfry", "WebKitWebProces"].map(process);

    page.run(WATCH, json!([])).await;
    let before = used(&web);
    sleep(IDLE).await;
    report("with nothing arriving", &page.run(END_WATCH, json!([])).await, before, &web);
    print_memory("before", &belfry, &web);

    for burst in 1..=BURSTS {
        let arrived = format!("{} unread", burst * NOTICES);
        proxy.set(Faults { hole_to_client: true, ..Faults::default() }).await;
        let began = Instant::now();
        send_all(&pushd, &token, burst).await;
        println!("burst {burst}: {NOTICES} notices sent in {:.1} s, none has arrived", began.elapsed().as_secs_f64());

        page.run(WATCH, json!([])).await;
        let (before, ticks) = (used(&web), processor_ticks(&belfry));
        let began = Instant::now();
        proxy.heal().await;
        let (mut most_belfry, mut most_web) = (0, 0);
        let arrived = desktop.tray().wait_for(&arrived);
        tokio::pin!(arrived);
        while tokio::time::timeout(LOOK, &mut arrived).await.is_err() {
            most_belfry = most_belfry.max(private_kib(&belfry));
            most_web = most_web.max(private_kib(&web));
        }
        println!(
            "burst {burst}: all in the inbox and counted by the tray after {:.1} s",
            began.elapsed().as_secs_f64()
        );
        println!("burst {burst}: {} ms of processor time in belfry", (processor_ticks(&belfry) - ticks) * 10);
        // The window is told of changes at most every 100 ms.
        sleep(LAST_UPDATE).await;
        report("while they arrived", &page.run(END_WATCH, json!([])).await, before, &web);
        println!("burst {burst}: private memory, the most seen: belfry {most_belfry} KiB, page {most_web} KiB");
        sleep(AFTERWARDS).await;
        print_memory("30 s later", &belfry, &web);
        print_popups(&mut popups).await;
    }
}

/// Counts what the notification service was asked for since the last time.
async fn print_popups(popups: &mut Recorder) {
    let (mut singles, mut summaries, mut updates) = (0, 0, 0);
    while !popups.is_quiet() {
        match popups.call().await {
            RecordedCall::Notify(popup) if popup.replaces != 0 => updates += 1,
            RecordedCall::Notify(popup) if popup.title.contains("new notices") => summaries += 1,
            RecordedCall::Notify(_) => singles += 1,
            RecordedCall::Close(_) => {}
        }
    }
    println!("burst: {singles} single popups, {summaries} summary, updated {updates} times");
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

fn process(name: &str) -> Process {
    let mut all = descendants(std::process::id()).into_iter();
    all.find(|process| process.name == name).unwrap_or_else(|| panic!("{name} does not run"))
}

fn report(when: &str, seen: &Value, before: Used, web: &Process) {
    for (key, what) in [("turns", "turn of the event loop"), ("frames", "frame")] {
        let gaps: Vec<f64> = seen[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let long = gaps.iter().filter(|gap| **gap > LONG).count();
        let longest = gaps.iter().copied().fold(0.0, f64::max);
        println!("burst, {when}: {} gaps of a {what}, longest {longest:.0} ms, {long} over 50 ms", gaps.len());
    }
    let now = used(web);
    println!(
        "burst, {when}: the page's main thread ran {:.2} s and waited {:.2} s for a processor, of {:.1} s",
        (now.run - before.run).as_secs_f64(),
        (now.waited - before.waited).as_secs_f64(),
        (now.at - before.at).as_secs_f64()
    );
}

/// `/proc/PID/schedstat` is that of the main thread; nanoseconds.
fn used(process: &Process) -> Used {
    let text = fs::read_to_string(format!("/proc/{0}/task/{0}/schedstat", process.id)).expect("the page runs");
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [run, waited, ..] = numbers[..] else { panic!("unknown format: {text}") };
    Used { at: Instant::now(), run: Duration::from_nanos(run), waited: Duration::from_nanos(waited) }
}

/// User and system time of all threads, proc_pid_stat(5).
fn processor_ticks(process: &Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id)).expect("the app runs");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

/// Memory that no other process shares.
fn private_kib(process: &Process) -> u64 {
    rollup(process, "Private_")
}

fn rollup(process: &Process, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id)).expect("the program runs");
    let lines = text.lines().filter(|line| line.starts_with(field));
    lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

fn print_memory(when: &str, belfry: &Process, web: &Process) {
    for (name, process) in [("belfry", belfry), ("the page", web)] {
        let (private, resident) = (private_kib(process), rollup(process, "Rss"));
        println!("burst, memory of {name} {when}: {private} KiB private, {resident} KiB resident");
    }
}
