//! How much memory a peer can make `belfryctl run` use. Each test reads the high-water mark of the
//! program from `/proc`.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the lints allow these in tests, but not in functions that tests share"
)]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use harness::api::{Answer, COLLECT};
use harness::http::Response;
use harness::{FakeApi, FakeBroker, Home, Running};

const MIB: u64 = 1 << 20;

fn settings(broker: &FakeBroker, api: &str) -> String {
    format!(
        "[server]\nendpoints = [\"{}\"]\n\n[[server.subscriptions]]\ndestination = \"/queue/test\"\n\n\
         [auth]\nlogin = \"alice\"\n{api}",
        broker.url(),
    )
}

/// `belfryctl run`, behind another program if one is given.
fn run(home: &Home, before: &[&str]) -> Running {
    let program = env!("CARGO_BIN_EXE_belfryctl");
    let mut line = before.to_vec();
    line.push(program);
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).arg("--config").arg(home.settings_file()).arg("--data-dir").arg(home.data_dir());
    command.args(["run", "--json"]).env("BELFRY_TOKEN", "token").env_remove("BELFRY_PASSWORD");
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
    Running::spawn(command)
}

/// The most memory that the program has used so far, in bytes.
fn peak(running: &mut Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

async fn silent_broker() -> FakeBroker {
    FakeBroker::start(|_, mut wire| async move {
        wire.welcome().await;
        wire.serve().await;
    })
    .await
}

/// The memory that an answer of `api.collect` costs: over that of a run whose answer is empty.
async fn cost_of(body: &str, rows: u64) -> u64 {
    let mut peaks = Vec::new();
    for body in ["[]", body] {
        let (broker, api) = (silent_broker().await, FakeApi::start().await);
        api.next(COLLECT, Answer::Instead(Response { status: 200, headers: Vec::new(), body: body.to_owned().into() }));
        let home = Home::new(&settings(&broker, &format!("[api]\nbase = \"{}\"\n", api.url())));
        let mut running = run(&home, &[]);
        let caught_up = running.event_of("caught-up").await;
        assert_eq!(caught_up["fetched"].as_u64().unwrap(), if body == "[]" { 0 } else { rows });
        peaks.push(peak(&mut running));
        running.end();
    }
    peaks[1].saturating_sub(peaks[0])
}

/// What SQLite and the allocator keep, however large the answer is.
const CACHES: u64 = 8 * MIB;

#[tokio::test]
async fn an_answer_of_400_000_tiny_rows_costs_at_most_four_times_its_size() {
    let body = format!("[{}1]", "1,".repeat(399_999));
    let cost = cost_of(&body, 400_000).await;
    assert!(cost <= 4 * body.len() as u64 + CACHES, "{} KiB for {} KiB", cost / 1024, body.len() / 1024);
}

#[tokio::test]
async fn an_envelope_with_a_million_members_costs_at_most_four_times_its_size() {
    let members: String = (0..1_000_000).map(|number| format!(r#""{number}":1,"#)).collect();
    let body = format!(r#"{{{members}"data":[{{"id":"1","content":"one"}}]}}"#);
    let cost = cost_of(&body, 1).await;
    assert!(cost <= 4 * body.len() as u64 + CACHES, "{} KiB for {} KiB", cost / 1024, body.len() / 1024);
}

#[tokio::test]
async fn a_row_with_millions_of_members_costs_at_most_four_times_its_size() {
    let members: String = (0..2_000_000).map(|number| format!(r#""{number}":1,"#)).collect();
    let body = format!(r#"[{{{members}"id":"1"}}]"#);
    let cost = cost_of(&body, 1).await;
    assert!(cost <= 4 * body.len() as u64 + CACHES, "{} KiB for {} KiB", cost / 1024, body.len() / 1024);
}

#[tokio::test]
async fn an_answer_of_64_mib_costs_at_most_four_times_its_size() {
    let text = "x".repeat(100 * 1024);
    let rows: Vec<String> = (0..650).map(|id| format!(r#"{{"id":"{id}","content":"{text}"}}"#)).collect();
    let body = format!("[{}]", rows.join(","));
    assert!(body.len() as u64 > 63 * MIB && body.len() as u64 <= 64 * MIB, "{}", body.len());
    let cost = cost_of(&body, 650).await;
    assert!(cost <= 4 * body.len() as u64, "{} MiB", cost / MIB);
}

#[tokio::test]
async fn while_the_disk_is_full_the_socket_is_not_read_beyond_64_mib_of_messages() {
    const MESSAGES: u64 = 100;
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    let broker = FakeBroker::start(move |_, mut wire| {
        let counter = Arc::clone(&counter);
        async move {
            wire.welcome().await;
            let subscribe = wire.serve_until(stomp::Command::Subscribe).await;
            let subscription = subscribe.header("id").unwrap().into_owned();
            let text = "x".repeat(4_000_000);
            for id in 0..MESSAGES {
                let body = format!(r#"{{"id":"{id}","title":"t","content":"{text}"}}"#);
                wire.message(&subscription, &id.to_string(), body).await;
                counter.fetch_add(1, Ordering::SeqCst);
            }
            wire.serve().await;
        }
    })
    .await;
    let home = Home::new(&settings(&broker, ""));
    // No file may become larger than 6 MiB, which is an error like that of a full disk.
    let limited = ["sh", "-c", r#"trap "" XFSZ; exec prlimit --fsize=6291456 -- "$0" "$@""#];
    let mut running = run(&home, &limited);
    running.state("action-needed").await;
    // Each of the waiting messages is tried again every second: the backlog has been full for long.
    let tries = |said: &str| said.matches("a batch was not committed").count();
    running.stderr_until("150 times that a batch failed", |said| tries(said) >= 150).await;
    // Beyond the backlog: 8 MiB on their way to the driver, a message each that is being written,
    // read and decoded, and what the system's buffers hold.
    let most = (64 + 8 + 3 * 4) * MIB + buffer_of_the_system("tcp_rmem") + buffer_of_the_system("tcp_wmem");
    let sent = sent.load(Ordering::SeqCst) * 4_000_000;
    assert!(sent <= most, "{sent} bytes were sent, at most {most} are to be taken");
    // What a freed message leaves between others is not always used again: up to 200 MiB were seen.
    let peak = peak(&mut running);
    assert!(peak <= 4 * 64 * MIB, "{} MiB", peak / MIB);
}

/// How many bytes the system keeps at most at one end of a connection.
fn buffer_of_the_system(name: &str) -> u64 {
    let sizes = std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap();
    sizes.split_whitespace().last().unwrap().parse().unwrap()
}
