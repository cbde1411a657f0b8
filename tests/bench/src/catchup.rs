//! Catch-up after an absence: a hundred thousand notices that a message service holds.
//!
//! Beside it, what cannot be saved: the same requests without any use of the answers, and the same
//! rows written by SQLite into a table with the same indexes: in one transaction, in one for each page
//! as a client has to write them that loses nothing, and with the full-text index of the search, which
//! Belfry writes after the notices.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use belfry_core::account::Account;
use belfry_core::settings::Settings;
use harness::desktop::Desktop;
use harness::proxy::Faults;
use harness::{FakeApi, FakeBroker, FaultProxy, Home, Page, Running};
use jiff::Timestamp;
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OpenFlags, Row, params, params_from_iter};
use serde_json::{Value, json};

use crate::page::Watch;
use crate::processes::{Memory, process, processor_time};
use crate::report::{Figure, Report};

const SECTION: &str = "catch-up";
/// The time between two looks at the memory.
const LOOK: Duration = Duration::from_millis(50);
/// Until a program that has started is quiet: longer than until the second pass.
const SETTLE: Duration = Duration::from_secs(10);

/// Measures `belfryctl run`, then the app with its window open.
pub(crate) async fn measure(report: &mut Report, messages: usize) {
    let api = FakeApi::start().await;
    let broker = FakeBroker::start(|_, mut wire| async move {
        wire.welcome().await;
        wire.serve().await;
    })
    .await;
    let text = settings(&broker.url(), &api.url());
    let home = Home::new(&text);
    // As a person does who has used it before.
    let (mut running, _) = run(&home).await;
    tokio::time::sleep(SETTLE).await;
    let at_rest = Memory::of(running.id()).unique;
    running.terminate().await;
    let before = api.requests("").len();
    api.record((0..messages).map(record));

    let (mut running, caught_up) = run(&home).await;
    assert_eq!(caught_up.new, messages as u64, "each of them once");
    running.terminate().await;
    let name = format!("{messages} notices");
    let requests = api.requests("").split_off(before);
    let (settings, _) = Settings::parse(&text, "settings.toml").expect("good settings");
    let transfer =
        transfer(&settings, &api, &requests.iter().map(|it| (&*it.path, &it.body)).collect::<Vec<_>>()).await;
    let bare = insert(&account_folder(&home), settings.api.page as usize);
    report.add(Figure::new(SECTION, format!("{name}: connected → caught up"), caught_up.time, "s"));
    report.add(Figure::new(SECTION, format!("{name}: processor time of belfryctl"), caught_up.worked, "s"));
    report.add(Figure::new(SECTION, format!("{name}: the same {} requests alone", requests.len()), transfer, "s"));
    report.add(Figure::new(SECTION, format!("{name}: SQLite alone"), bare.rows, "s"));
    let label = format!("{name}: SQLite alone, a transaction for each page");
    report.add(Figure::new(SECTION, label, bare.pages, "s"));
    let times = (caught_up.time - transfer) / bare.rows;
    report.add(Figure::new(SECTION, "without the transfer, times SQLite alone", times, "×").at_most(2.0));
    report.add(Figure::new(SECTION, format!("{name}: connected → caught up and indexed"), caught_up.indexed, "s"));
    let with_search = bare.rows + bare.search;
    report.add(Figure::new(SECTION, format!("{name}: SQLite alone, with the full-text index"), with_search, "s"));
    let times = (caught_up.indexed - transfer) / with_search;
    let label = "indexed, without the transfer, times SQLite alone with the full-text index";
    report.add(Figure::new(SECTION, label, times, "×").at_most(2.0));
    let more = caught_up.most_memory - at_rest;
    report.add(Figure::new(SECTION, "most unique memory, more than at rest", more, "MB").at_most(30.0));
    measure_window(report, &broker, &api, messages).await;
}

fn settings(broker: &str, api: &str) -> String {
    format!(
        "[server]\nendpoints = [\"{broker}\"]\n[[server.subscriptions]]\ndestination = \"/queue/test\"\n\
         [api]\nbase = \"{api}\"\n[auth]\nlogin = \"alice\"\n[app]\nlanguage = \"en\"\n"
    )
}

fn record(number: usize) -> Value {
    json!({"id": format!("notice-{number}"), "title": format!("Approval needed: hotel {number}"), "type": "expense",
        "content": "Please decide by Friday. ".repeat(5), "sender": "bob", "sendTime": Timestamp::now().to_string()})
}

struct CaughtUp {
    /// Seconds from the connection to the end of the pass.
    time: f64,
    /// Seconds from the connection until all is in the search index too.
    indexed: f64,
    new: u64,
    /// Seconds that the program had of the processors meanwhile.
    worked: f64,
    /// In MB.
    most_memory: f64,
}

/// Where the inbox is.
fn account_folder(home: &Home) -> PathBuf {
    let text = std::fs::read_to_string(home.settings_file()).expect("settings");
    let (settings, _) = Settings::parse(&text, "settings.toml").expect("good settings");
    home.data_dir().join("accounts").join(Account::of(&settings).expect("an account").dir_name())
}

/// `belfryctl run` until its first pass is over and the search index complete.
async fn run(home: &Home) -> (Running, CaughtUp) {
    let mut command = home.ctl(["run", "--json"]).await;
    command.env("BELFRY_TOKEN", "secret");
    let mut running = Running::spawn(command);
    running.state("catching-up").await;
    let (began, worked, mut most_memory) = (Instant::now(), processor_time(running.id()), 0.0_f64);
    let mut looks = tokio::time::interval(LOOK);
    let (time, new, worked) = loop {
        tokio::select! {
            event = running.next_event() => {
                let event = event.expect("belfryctl runs");
                if event["event"] == "caught-up" {
                    let time = began.elapsed().as_secs_f64();
                    let new = event["new"].as_u64().expect("a number");
                    break (time, new, processor_time(running.id()) - worked);
                }
            }
            _ = looks.tick() => most_memory = most_memory.max(Memory::of(running.id()).unique),
        }
    };
    let inbox = open(&account_folder(home));
    while !is_indexed(&inbox) {
        looks.tick().await;
        most_memory = most_memory.max(Memory::of(running.id()).unique);
    }
    let indexed = began.elapsed().as_secs_f64();
    (running, CaughtUp { time, indexed, new, worked, most_memory })
}

fn open(folder: &Path) -> Connection {
    let inbox = folder.join("inbox.sqlite3");
    Connection::open_with_flags(inbox, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the inbox")
}

fn is_indexed(inbox: &Connection) -> bool {
    let missing = "SELECT 1 FROM notices WHERE seq > (SELECT indexed_through FROM account)";
    !inbox.prepare_cached(missing).and_then(|mut missing| missing.exists([])).expect("the inbox is readable")
}

/// Seconds that these requests take with Belfry's own HTTP client, if the answers are only read.
async fn transfer(settings: &Settings, api: &FakeApi, requests: &[(&str, &Value)]) -> f64 {
    let client = crate::client::client(settings);
    let began = Instant::now();
    for (path, body) in requests {
        let answer = client.post(format!("{}{path}", api.url())).json(body).send().await.expect("an answer");
        answer.bytes().await.expect("all of it");
    }
    began.elapsed().as_secs_f64()
}

/// Seconds of SQLite alone.
struct Bare {
    /// For the rows with their indexes.
    rows: f64,
    /// For the same, with a transaction for each page.
    pages: f64,
    /// For the full-text index.
    search: f64,
}

/// Lets SQLite write the notices of this inbox into other files.
fn insert(folder: &Path, page: usize) -> Bare {
    let inbox = open(folder);
    let mut schema = inbox
        .prepare("SELECT sql FROM sqlite_schema WHERE tbl_name = 'notices' AND type <> 'trigger' AND sql IS NOT NULL")
        .expect("a schema");
    let schema = schema.query_map([], |row| row.get(0)).expect("a schema").collect::<Result<Vec<String>, _>>();
    let schema = schema.expect("a schema").join(";");
    let mut select = inbox.prepare("SELECT * FROM notices ORDER BY seq").expect("notices");
    let columns = select.column_count();
    let rows = select.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).expect("notices");
    let rows = rows.collect::<Result<Vec<Vec<Cell>>, _>>().expect("rows");

    let (_, pages) = insert_rows(&folder.join("pages.sqlite3"), &schema, rows.chunks(page));
    let (mut bare, rows) = insert_rows(&folder.join("bare.sqlite3"), &schema, [&*rows]);

    // Letters and spaces are put into the index as they are.
    let search: String = inbox
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'search_0'", [], |row| row.get(0))
        .expect("a search index");
    bare.execute_batch(&search).expect("a search index");
    let texts = inbox
        .prepare("SELECT seq, title, body, sender FROM notices ORDER BY seq")
        .and_then(|mut texts| texts.query_map([], text)?.collect::<Result<Vec<_>, _>>())
        .expect("texts");
    let began = Instant::now();
    let transaction = bare.transaction().expect("a transaction");
    let mut insert = transaction
        .prepare("INSERT INTO search_0 (rowid, title, body, sender) VALUES (?1, ?2, ?3, ?4)")
        .expect("a statement");
    for (seq, title, body, sender) in &texts {
        insert.execute(params![seq, title, body, sender]).expect("a text indexed");
    }
    drop(insert);
    transaction.commit().expect("committed");
    Bare { rows, pages, search: began.elapsed().as_secs_f64() }
}

/// Writes rows into a new file, each part in a transaction of its own; returns the seconds that took.
fn insert_rows<'a>(file: &Path, schema: &str, parts: impl IntoIterator<Item = &'a [Vec<Cell>]>) -> (Connection, f64) {
    let mut bare = Connection::open(file).expect("a new file");
    bare.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF")
        .expect("settings of SQLite");
    bare.execute_batch(schema).expect("a table with indexes");
    let began = Instant::now();
    for rows in parts {
        let transaction = bare.transaction().expect("a transaction");
        let places = vec!["?"; rows[0].len()].join(", ");
        let mut insert =
            transaction.prepare_cached(&format!("INSERT INTO notices VALUES ({places})")).expect("a statement");
        for row in rows {
            insert.execute(params_from_iter(row)).expect("a row written");
        }
        drop(insert);
        transaction.commit().expect("committed");
    }
    (bare, began.elapsed().as_secs_f64())
}

fn text(row: &Row<'_>) -> rusqlite::Result<(i64, String, String, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

/// The page of the app while it catches up.
async fn measure_window(report: &mut Report, broker: &FakeBroker, api: &FakeApi, messages: usize) {
    let Some(desktop) = Desktop::start().await else { return };
    let proxy = FaultProxy::start(broker.address().to_string()).await;
    proxy.set(Faults { hole_to_client: true, ..Faults::default() }).await;
    let home = Home::new(&settings(&format!("ws://{}/ws", proxy.address()), &api.url()));
    let Some(mut app) = home.app(&desktop, [] as [&str; 0]).await else { return };
    app.env("BELFRY_TOKEN", "secret");
    let Some(mut page) = Page::open(app).await else { return };
    let watch = Watch::begin(&mut page, process("WebKitWebProces")).await;
    proxy.heal().await;
    desktop.tray().wait_for(&format!("{messages} unread")).await;
    watch.end(&mut page, report, SECTION, &format!("{messages} notices, the window open")).await;
}
