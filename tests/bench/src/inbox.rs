//! Benchmarks of the engine: filling the store, and searching in it as the window does.

use std::path::Path;
use std::time::{Duration, Instant};

use belfry_core::notice::{Identity, Notice, NoticeKey, Origin, Priority, Source, State, copies::Arrival};
use belfry_core::storage::{AlertMark, Suppressed, Write};
use engine::inbox::{Filter, Inbox, Place};
use engine::store::Store;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, json};

/// Notices in one transaction.
const BATCH: u64 = 2_000;
/// Notices that are indexed at a time.
const INDEX_BATCH: usize = 20_000;
/// How often each search is repeated.
const ROUNDS: usize = 20;
/// Rows that the window requests at a time.
const PAGE: usize = 100;

/// Searches: a name that says how many notices match, and the text.
const SEARCHES: [(&str, &str); 8] = [
    ("in every notice", "expense"),
    ("in one of 8", "hotel"),
    ("in one of 1,000", "invoice-77"),
    ("in one notice", "reference-500001"),
    ("in none", "zeppelin"),
    ("two words", "hotel invoice-77"),
    ("Chinese, two characters, in one of 4", "报销"),
    ("an incomplete word", "hot"),
];

const SUBJECTS: [&str; 8] =
    ["hotel", "taxi", "train", "conference", "headset", "dinner with 客户", "office chair 办公椅", "print paper"];

/// Creates an inbox with this many notices and its search index.
pub(crate) fn fill(folder: &Path, account: &str, notices: u64) {
    std::fs::create_dir_all(folder).expect("the account's folder");
    let mut store = Store::open(folder, account).expect("a new inbox");
    let began = Instant::now();
    let mut number = 0;
    while number < notices {
        let batch: Vec<Write> = (number..notices.min(number + BATCH)).map(|number| arrival(number, notices)).collect();
        store.apply(&batch).expect("a batch written");
        number += BATCH;
    }
    let written = began.elapsed();
    println!("write: {notices} notices in {:.1} s, {:.0} a second", written.as_secs_f64(), rate(notices, written));
    let began = Instant::now();
    while store.index_some(INDEX_BATCH).expect("a batch indexed") > 0 {}
    println!("index: {:.1} s, {:.0} a second", began.elapsed().as_secs_f64(), rate(notices, began.elapsed()));
}

/// Runs each search [`ROUNDS`] times and prints the durations.
pub(crate) fn search(folder: &Path) {
    let mut inbox = Inbox::open(folder).expect("the inbox").expect("an inbox");
    let (mut pages, mut counts) = (Vec::new(), Vec::new());
    for (name, text) in SEARCHES {
        let filter = Filter { text: Some(text), ..Filter::default() };
        let mut times = [Vec::new(), Vec::new()];
        let mut found = 0;
        for _ in 0..ROUNDS {
            let began = Instant::now();
            inbox.page(&filter, Place::Newest, PAGE).expect("a page");
            times[0].push(began.elapsed());
            let began = Instant::now();
            found = inbox.count(&filter).expect("a count").number;
            times[1].push(began.elapsed());
        }
        print_times(&format!("search {name} ({text}, {found} found), {PAGE} rows"), &mut times[0]);
        print_times(&format!("search {name}, count"), &mut times[1]);
        pages.append(&mut times[0]);
        counts.append(&mut times[1]);
    }
    print_times("all searches, rows", &mut pages);
    print_times("all searches, count", &mut counts);
}

/// Prints median, 95th percentile and longest duration.
pub(crate) fn print_times(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1_000.0;
    println!("{what}: median {:.1} ms, 95 % {:.1} ms, longest {:.1} ms", at(0.5), at(0.95), at(1.0));
}

fn rate(notices: u64, time: Duration) -> f64 {
    notices as f64 / time.as_secs_f64()
}

fn arrival(number: u64, of: u64) -> Write {
    let subject = SUBJECTS[(number % 8) as usize];
    let age = SignedDuration::from_secs(((of - number) * 30) as i64);
    let sent_at = Timestamp::now() - age;
    let mut extra = Map::new();
    extra.insert("costCentre".to_owned(), json!(format!("cc-{}", number % 40)));
    extra.insert("reference".to_owned(), json!(format!("reference-{number}")));
    let word = if number.is_multiple_of(4) { "报销申请，请尽快处理" } else { "please decide by Friday" };
    let notice = Notice {
        key: NoticeKey { scope: String::new(), id: format!("n-{number}") },
        identity: Identity::Assigned,
        title: format!("Approval needed: {subject} {number}"),
        body: format!("expense for {subject}, invoice-{}; {word}. It is part of the project's budget.", number % 1_000),
        kind: ["expense", "payment", "task", "report"][(number % 4) as usize].to_owned(),
        sender: format!("person-{}", number % 200),
        sent_at: Some(sent_at),
        link: String::new(),
        priority: Priority::Normal,
        state: State::Open,
        has_state: true,
        version: None,
        actions: Vec::new(),
        undelivered: None,
        is_partial: false,
        extra,
        destination: "/user/queue/notices".to_owned(),
        origin: Origin::Personal,
    };
    let alert = AlertMark::Suppressed(Suppressed::OldNews);
    let arrival = Arrival { source: Source::History, number: 0 };
    Write::Notice { notice: Box::new(notice), arrival, received_at: sent_at, alert, alert_if_opened: alert }
}
