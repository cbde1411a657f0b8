//! The live path, on a real RabbitMQ: from a message published to a notice committed, beside bare
//! subscribers of `@stomp/stompjs` and `stomp.py` on queues of their own, whose work ends with the
//! message received.
//!
//! Each program prints a line for each message; the time is that of the line's arrival here.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use harness::{Amqp, Home, RabbitMq, Running};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::peers::{Library, Peers};
use crate::report::{Figure, Report, Rounds};

const SECTION: &str = "live path";
/// Messages to each program, one at a time.
const SINGLE: usize = 1_000;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(5);
/// Messages that wait when a program begins to receive.
const BACKLOG: usize = 20_000;
const ROUNDS: usize = 3;
/// The programs, in the order in which they are measured; the rest are [`Library::ALL`].
const NAMES: [&str; 3] = ["belfry", "stompjs", "stomp.py"];

/// Measures single messages, then a backlog.
pub(crate) async fn measure(report: &mut Report, peers: &Peers) {
    let Some(rabbit) = RabbitMq::start().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    measure_single(report, &rabbit, &amqp, peers).await;
    measure_backlog(report, &rabbit, &amqp, peers).await;
}

/// `belfryctl run` on this queue.
async fn belfry(rabbit: &RabbitMq, queue: &str) -> (Home, Running) {
    let home = Home::new(&format!(
        "[server]\nendpoints = [\"{}\"]\n\n[[server.subscriptions]]\ndestination = \"/amq/queue/{queue}\"\n\
         ack = \"client-individual\"\n\n[auth]\nlogin = \"guest\"\n",
        rabbit.ws_url()
    ));
    let mut command = home.ctl(["run", "--json"]).await;
    command.env("BELFRY_TOKEN", "guest");
    let running = Running::spawn(command);
    (home, running)
}

pub(crate) fn message(id: &str) -> String {
    let content = "Please decide by Friday. ".repeat(5);
    json!({"id": id, "title": "Approval needed: hotel", "content": content, "type": 3, "sender": "alice"}).to_string()
}

async fn measure_single(report: &mut Report, rabbit: &RabbitMq, amqp: &Amqp, peers: &Peers) {
    for name in NAMES {
        amqp.declare_queue(&format!("single-{name}")).await;
    }
    let (_home, mut own) = belfry(rabbit, "single-belfry").await;
    own.state("live").await;
    let mut programs = vec![own];
    for library in Library::ALL {
        let queue = format!("/amq/queue/single-{}", library.name());
        let mut program = Running::spawn(peers.subscriber(library, &rabbit.ws_url(), &queue));
        program.event_of("ready").await;
        programs.push(program);
    }
    let readers: Vec<_> = programs.into_iter().map(|program| receive(program, SINGLE)).collect();
    let mut sent = HashMap::new();
    for number in 0..SINGLE {
        // In turn, so that none is served while another works.
        for name in NAMES {
            let id = format!("{name}-{number}");
            let body = message(&id);
            sent.insert(id, Instant::now());
            amqp.publish("", &format!("single-{name}"), body).await;
            tokio::time::sleep(PAUSE).await;
        }
    }
    let mut delays = Vec::new();
    for (name, reader) in NAMES.iter().zip(readers) {
        let received = reader.await.expect("all arrive");
        let delays_of = received.iter().map(|(id, at)| at.duration_since(sent[id]).as_secs_f64() * 1e3);
        let delay = Rounds::new(delays_of.collect());
        let what = if *name == "belfry" { "committed" } else { "received" };
        for (share, of) in [(0.5, "median"), (0.99, "99 %")] {
            let figure = Figure::new(SECTION, format!("{name}: published → {what}, {of}"), delay.share(share), "ms");
            report.add(figure);
        }
        delays.push(delay);
    }
    let ratio = |what: &str, share| Figure::new(SECTION, what, delays[0].share(share) / delays[1].share(share), "×");
    report.add(ratio("times stompjs, median", 0.5).at_most(1.25));
    report.add(ratio("times stompjs, 99 %", 0.99).at_most(1.5));
}

/// Reads this many messages, with the time of each.
fn receive(mut program: Running, count: usize) -> JoinHandle<Vec<(String, Instant)>> {
    tokio::spawn(async move {
        let mut received = Vec::with_capacity(count);
        while received.len() < count {
            let notice = program.event_of("notice").await;
            received.push((notice["id"].as_str().expect("an id").to_owned(), Instant::now()));
        }
        program.end();
        received
    })
}

async fn measure_backlog(report: &mut Report, rabbit: &RabbitMq, amqp: &Amqp, peers: &Peers) {
    let mut rates = NAMES.map(|_| Vec::new());
    for round in 0..ROUNDS {
        for (name, rates) in NAMES.iter().zip(&mut rates) {
            let queue = format!("backlog-{name}-{round}");
            amqp.declare_queue(&queue).await;
            amqp.publish_all("", &queue, (0..BACKLOG).map(|number| (message(&format!("{queue}-{number}")), None)))
                .await;
            let (_home, mut program) = match Library::ALL.iter().find(|library| library.name() == *name) {
                None => {
                    let (home, program) = belfry(rabbit, &queue).await;
                    (Some(home), program)
                }
                Some(library) => {
                    let address = format!("/amq/queue/{queue}");
                    (None, Running::spawn(peers.subscriber(*library, &rabbit.ws_url(), &address)))
                }
            };
            rates.push(drain(&mut program).await);
            // Not before its last acknowledgements have arrived.
            rabbit.wait_until_empty(&queue).await;
            program.end();
        }
    }
    let rates = rates.map(Rounds::new);
    for (name, rates) in NAMES.iter().zip(&rates) {
        let what = format!("{BACKLOG} waiting messages: {name}");
        report.add(Figure::new(SECTION, what, rates.median(), "messages/s").spread(rates));
    }
    let times = rates[0].median() / rates[1].median();
    report.add(Figure::new(SECTION, "waiting messages, times stompjs", times, "×").at_least(1.0));
}

/// Messages a second, from the first to the last.
async fn drain(program: &mut Running) -> f64 {
    program.event_of("notice").await;
    let began = Instant::now();
    program.events_of("notice", BACKLOG - 1).await;
    (BACKLOG - 1) as f64 / began.elapsed().as_secs_f64()
}
