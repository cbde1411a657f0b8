//! Ten thousand messages a second for a minute, from a scripted server to `belfryctl run`.
//!
//! A message counts when its acknowledgement is back, which follows the commit of its notice.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use harness::child_guard::ChildGuard;
use harness::{FakeBroker, Home, Wire};
use stomp::Command;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::live::message;
use crate::plot::{Plot, Scale, draw};
use crate::processes::{Memory, processor_time};
use crate::report::{Figure, Report, Rounds};

const SECTION: &str = "sustained";
/// Messages a second.
const RATE: usize = 10_000;
/// Messages that are sent at once.
const BATCH: usize = 100;
/// How long after the last message the last of them may be committed.
const BEHIND: f64 = 1.0;

/// What the server saw.
struct Seen {
    /// From the first message to the last.
    sent_in: Duration,
    /// From the first message to the last acknowledgement.
    acknowledged_in: Duration,
    /// The most messages that were sent and not acknowledged.
    most_open: usize,
}

/// Sends for so many seconds.
pub(crate) async fn measure(report: &mut Report, folder: &Path, seconds: usize) {
    let (seen, mut done) = mpsc::unbounded_channel();
    let broker = FakeBroker::start(move |_, wire| flood(wire, RATE * seconds, seen.clone())).await;
    let home = Home::new(&format!(
        "[server]\nendpoints = [\"{}\"]\n[[server.subscriptions]]\ndestination = \"/queue/test\"\n\
         ack = \"client-individual\"\n[auth]\nlogin = \"alice\"\n",
        broker.url()
    ));
    let mut command = home.ctl(["run", "--json"]).await;
    command.env("BELFRY_TOKEN", "secret").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut program = ChildGuard::spawn(&mut command).expect("belfryctl starts");
    let id = program.child().id();
    let (began, mut memory) = (Instant::now(), Vec::new());
    let mut looks = interval(Duration::from_secs(1));
    let seen: Seen = loop {
        tokio::select! {
            seen = done.recv() => break seen.expect("the script runs"),
            _ = looks.tick() => memory.push((began.elapsed().as_secs_f64(), Memory::of(id).unique)),
        }
    };
    let name = format!("{} messages at {RATE}/s", RATE * seconds);
    let sent = Figure::new(SECTION, format!("{name}: sent in"), seen.sent_in.as_secs_f64(), "s");
    report.add(sent.at_most(seconds as f64 + BEHIND));
    let committed = Figure::new(SECTION, format!("{name}: committed in"), seen.acknowledged_in.as_secs_f64(), "s");
    report.add(committed.at_most(seconds as f64 + BEHIND));
    report.add(Figure::new(SECTION, format!("{name}: most not yet committed"), seen.most_open as f64, "messages"));
    report.add(Figure::new(SECTION, format!("{name}: processor time of belfryctl"), processor_time(id), "s"));
    let quarter = memory.len() / 4;
    let median = |part: usize| {
        let looks = memory.iter().skip(part * quarter).take(quarter.max(1));
        Rounds::new(looks.map(|(_, unique)| *unique).collect()).median()
    };
    report.add(Figure::new(SECTION, "unique memory in the last quarter", median(3), "MB"));
    let growth = median(3) - median(1);
    report.add(Figure::new(SECTION, "more unique memory than in the second quarter", growth, "MB").at_most(3.0));
    let curves = [("belfryctl run".to_owned(), memory)];
    let title = format!("Unique memory at {RATE} messages a second");
    let plot = Plot { title: &title, x: "seconds", y: "MB", scale: Scale::Linear, curves: &curves };
    draw(&folder.join("sustained.svg"), &plot);
}

async fn flood(mut wire: Wire, total: usize, seen: mpsc::UnboundedSender<Seen>) {
    wire.welcome().await;
    let subscription = wire.serve_until(Command::Subscribe).await;
    let subscription = subscription.header("id").expect("an id").into_owned();
    let mut batches = interval(Duration::from_secs(1) * BATCH as u32 / RATE as u32);
    // What was late is sent at once.
    batches.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (began, mut sent_in) = (Instant::now(), Duration::ZERO);
    let (mut sent, mut acknowledged, mut most_open) = (0, 0, 0);
    while acknowledged < total {
        tokio::select! {
            frame = wire.receive() => {
                let frame = frame.expect("the program runs");
                acknowledged += usize::from(frame.command() == Command::Ack);
            }
            _ = batches.tick(), if sent < total => {
                for number in sent..sent + BATCH {
                    let id = number.to_string();
                    wire.message(&subscription, &id, message(&id)).await;
                }
                sent += BATCH;
                most_open = most_open.max(sent - acknowledged);
                sent_in = began.elapsed();
            }
        }
    }
    // The benchmark may be over.
    let _ended = seen.send(Seen { sent_in, acknowledged_in: began.elapsed(), most_open });
    wire.serve().await;
}
