//! From a committed notice to the call that shows it, on a bus of its own.
//!
//! The server is a script, so that each acknowledgement, which follows the commit, is seen at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::desktop::{Desktop, Parts, Recorder};
use harness::{FakeBroker, Home, Running, Wire};
use stomp::Command;
use tokio::sync::{Mutex, mpsc};

use crate::live::message;
use crate::report::{Figure, Report, Rounds};

const SECTION: &str = "live path";
const MESSAGES: usize = 500;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(20);

/// The messages to send, for whichever connection is there.
type Bodies = Arc<Mutex<mpsc::UnboundedReceiver<(String, String)>>>;

/// Sends message after message to the app in the tray.
pub(crate) async fn measure(report: &mut Report) {
    let parts = Parts { popups: false, ..Parts::ALL };
    let Some(desktop) = Desktop::with(parts).await else { return };
    let mut popups = Recorder::start(desktop.bus(), &["actions", "body"]);
    let (sender, bodies) = mpsc::unbounded_channel();
    let (acks, mut acked) = mpsc::unbounded_channel();
    let bodies: Bodies = Arc::new(Mutex::new(bodies));
    let broker = FakeBroker::start(move |_, wire| deliver(wire, Arc::clone(&bodies), acks.clone())).await;
    let home = Home::new(&format!(
        "[server]\nendpoints = [\"{}\"]\n[[server.subscriptions]]\ndestination = \"/queue/test\"\n\
         ack = \"client-individual\"\n[auth]\nlogin = \"alice\"\n[notifications]\nburst = 1000\n\
         [app]\nlanguage = \"en\"\n",
        broker.url()
    ));
    let Some(mut command) = home.app(&desktop, ["--hidden"]).await else { return };
    command.env("BELFRY_TOKEN", "secret");
    let mut app = Running::spawn(command);
    let mut delays = Vec::new();
    for number in 0..MESSAGES {
        let id = format!("popup-{number}");
        sender.send((id.clone(), message(&id))).expect("the script runs");
        let committed: Instant = acked.recv().await.expect("the script runs");
        popups.notify().await;
        delays.push(committed.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(PAUSE).await;
    }
    let delays = Rounds::new(delays);
    for (share, of) in [(0.5, "median"), (0.99, "99 %")] {
        let what = format!("committed → notification on the bus, {of}");
        report.add(Figure::new(SECTION, what, delays.share(share), "ms").at_most(5.0));
    }
    drop(sender);
    app.terminate().await;
}

async fn deliver(mut wire: Wire, bodies: Bodies, acks: mpsc::UnboundedSender<Instant>) {
    wire.welcome().await;
    let subscription = wire.serve_until(Command::Subscribe).await;
    let subscription = subscription.header("id").expect("an id").into_owned();
    let mut bodies = bodies.lock().await;
    while let Some((id, body)) = bodies.recv().await {
        wire.message(&subscription, &id, body).await;
        wire.serve_until(Command::Ack).await;
        // The benchmark may be over.
        let _ended = acks.send(Instant::now());
    }
    wire.serve().await;
}
