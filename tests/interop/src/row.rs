//! One row: the steps that every server goes through.
//!
//! Invariant: a step waits for events. It fails by a panic, which becomes its cell; the steps that
//! build on it are then not reached.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use harness::Running;
use serde_json::Value;

use crate::client::{Client, notice_id, notices_once, text, wait_until_subscribed};
use crate::server::{Audience, Server, message};

/// Messages of each kind in a step.
const COUNT: usize = 3;

/// The steps, in the order of the columns.
pub(crate) const STEPS: [&str; 6] =
    ["connect", "personal", "broadcast", "missed while away", "reconnect", "refused sign-in"];

/// What a cell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// As expected.
    Expected(&'static str),
    /// Not as expected, and why.
    Failed(String),
    /// A step before it failed.
    NotReached,
}

/// The cells of a server.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// Starts a server and goes through all steps.
    pub(crate) async fn play<S: Server>(name: &str, start: impl Future<Output = S>) -> Self {
        let mut row = Self { name: name.to_owned(), cells: Vec::new() };
        let Some(mut server) = row.step(async { (start.await, Cell::NotReached) }).await else {
            row.fill();
            return row;
        };
        row.cells.clear(); // Having started is no cell.
        row.play_session(&mut server).await;
        row.fill();
        row.cells.pop();
        row.step(async { ((), refused(&server).await) }).await;
        row
    }

    async fn play_session(&mut self, server: &mut impl Server) -> Option<()> {
        let client = Client::new(&server.settings(), &server.token());
        let mut running = self.step(connect(server, &client)).await?;
        for to in [Audience::Personal, Audience::Broadcast] {
            self.step(async { ((), arrive(server, &mut running, to).await) }).await?;
        }
        let mut running = self.step(missed(server, &client, running)).await?;
        self.step(async { ((), reconnect(server, &mut running).await) }).await
    }

    /// One cell; `None` if the step panicked.
    async fn step<T>(&mut self, step: impl Future<Output = (T, Cell)>) -> Option<T> {
        match AssertUnwindSafe(step).catch_unwind().await {
            Ok((result, cell)) => {
                self.cells.push(cell);
                Some(result)
            }
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
                self.cells.push(Cell::Failed(text.unwrap_or_default()));
                None
            }
        }
    }

    fn fill(&mut self) {
        self.cells.resize(STEPS.len(), Cell::NotReached);
    }
}

fn numbered(prefix: &str, to: Audience) -> Vec<String> {
    (1..=COUNT).map(|n| format!("{prefix}-{}-{n}", to.name())).collect()
}

async fn connect(server: &impl Server, client: &Client) -> (Running, Cell) {
    let mut running = client.run().await;
    running.state(server.state()).await;
    (running, Cell::Expected("ok"))
}

/// Messages arrive, each once.
async fn arrive(server: &impl Server, running: &mut Running, to: Audience) -> Cell {
    wait_until_subscribed(server, running, to, to.name()).await;
    publish(server, "live", to).await;
    wait_for(running, numbered("live", to)).await;
    notices_once(running);
    Cell::Expected("ok")
}

async fn publish(server: &impl Server, prefix: &str, to: Audience) {
    for id in numbered(prefix, to) {
        server.publish(to, &message(&id)).await;
    }
}

async fn wait_for(running: &mut Running, ids: Vec<String>) {
    for id in ids {
        running.event(&id, |event| notice_id(event) == Some(&id)).await;
    }
}

/// What was published while Belfry did not run arrives where the server keeps it, and only there.
async fn missed(server: &impl Server, client: &Client, mut running: Running) -> (Running, Cell) {
    assert_eq!(running.terminate().await.code(), Some(0));
    let both = [Audience::Personal, Audience::Broadcast];
    for to in both {
        publish(server, "missed", to).await;
    }
    let mut running = client.run().await;
    let (kept, lost): (Vec<_>, Vec<_>) = both.into_iter().partition(|to| server.keeps().keeps(*to));
    wait_for(&mut running, kept.iter().flat_map(|to| numbered("missed", *to)).collect()).await;
    running.state(server.state()).await;
    for to in both {
        wait_until_subscribed(server, &mut running, to, &format!("back-{}", to.name())).await;
    }
    let arrived = notices_once(&mut running);
    for id in lost.iter().flat_map(|to| numbered("missed", *to)) {
        assert!(!arrived.contains(&id), "{id} arrived, though this server is said not to keep it");
    }
    (running, Cell::Expected(server.keeps().cell()))
}

/// The server is started again: Belfry comes back by itself, without a question to the person.
async fn reconnect(server: &mut impl Server, running: &mut Running) -> Cell {
    let before = running.all_of("status").len();
    server.stop().await;
    let lost = |event: &Value| event["event"] == "status" && event["state"] != server.state();
    running.event("the lost connection", lost).await;
    server.start_again().await;
    running.state(server.state()).await;
    for to in [Audience::Personal, Audience::Broadcast] {
        wait_until_subscribed(server, running, to, &format!("again-{}", to.name())).await;
    }
    let states = running.all_of("status").split_off(before);
    assert!(states.iter().all(|status| status["state"] != "action-needed"), "a restart asks for a person: {states:?}");
    notices_once(running);
    Cell::Expected("ok")
}

/// A wrong token ends in the state that asks for a sign-in, and is repeated nowhere.
async fn refused(server: &impl Server) -> Cell {
    const WRONG: &str = "not-the-secret-of-anyone";
    let client = Client::new(&server.settings(), WRONG);
    let mut running = client.run().await;
    let status = running.state("action-needed").await;
    assert!(text(&status, "reason").contains(server.refusal()), "another reason: {status}");
    assert!(text(&status, "remedy").contains("sign in"), "another remedy: {status}");
    assert_eq!(running.terminate().await.code(), Some(0));
    let said = [running.stdout(), running.stderr()].concat();
    assert!(!said.contains(WRONG), "the secret is repeated: {said}");
    Cell::Expected("ok")
}
