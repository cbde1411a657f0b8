//! Benchmarks of the engine: filling the store, and searching in it as the window does.

use std::path::Path;
use std::time::Instant;

use belfry_core::notice::{Identity, Notice, NoticeKey, Origin, Priority, Source, State, copies::Arrival};
use belfry_core::storage::{AlertMark, Seq, Suppressed, Write};
use engine::inbox::{Filter, Inbox, Place};
use engine::store::Store;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, json};

use crate::report::{Figure, Report, Rounds};

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

const SECTION: &str = "inbox";

/// Creates an inbox with this many notices and its search index.
pub(crate) fn fill(report: &mut Report, folder: &Path, account: &str, notices: u64) {
    std::fs::create_dir_all(folder).expect("the account's folder");
    let mut store = Store::open(folder, account).expect("a new inbox");
    let began = Instant::now();
    let (mut number, mut bytes) = (0, 0);
    while number < notices {
        let batch: Vec<Write> = (number..notices.min(number + BATCH)).map(|number| arrival(number, notices)).collect();
        bytes += batch.iter().map(message_bytes).sum::<usize>();
        store.apply(&batch).expect("a batch written");
        number += BATCH;
    }
    // As after a run that has ended in order; otherwise the next one begins by telling all of them.
    let newest = Seq(i64::try_from(notices).expect("a number of rows"));
    store.apply(&[Write::Announced(newest)]).expect("a mark written");
    let rate = |began: Instant| notices as f64 / began.elapsed().as_secs_f64();
    report.add(Figure::new(SECTION, format!("{notices} notices written"), rate(began), "/s"));
    let began = Instant::now();
    while store.index_some(INDEX_BATCH).expect("a batch indexed") > 0 {}
    report.add(Figure::new(SECTION, format!("{notices} notices indexed"), rate(began), "/s"));
    drop(store);
    let files = std::fs::read_dir(folder).expect("the account's folder");
    let size: u64 = files.map(|file| file.and_then(|file| file.metadata()).expect("a file").len()).sum();
    let times = size as f64 / bytes as f64;
    report.add(Figure::new(SECTION, "store with index, times the messages in it", times, "×").at_most(2.0));
}

/// Bytes of the message body that brings such a notice.
fn message_bytes(write: &Write) -> usize {
    let Write::Notice { notice, .. } = write else { return 0 };
    let mut message = notice.extra.clone();
    let fields = [
        ("id", json!(notice.key.id)),
        ("title", json!(notice.title)),
        ("content", json!(notice.body)),
        ("type", json!(notice.kind)),
        ("sender", json!(notice.sender)),
        ("sendTime", json!(notice.sent_at)),
        ("state", json!("open")),
    ];
    message.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    serde_json::to_vec(&message).expect("JSON").len()
}

/// Runs each search [`ROUNDS`] times.
pub(crate) fn search(report: &mut Report, folder: &Path) {
    let mut inbox = Inbox::open(folder).expect("the inbox").expect("an inbox");
    let (mut pages, mut counts) = (Vec::new(), Vec::new());
    for (name, text) in SEARCHES {
        let filter = Filter { text: Some(text), ..Filter::default() };
        let (mut page_times, mut count_times) = (Vec::new(), Vec::new());
        let mut found = 0;
        for _ in 0..ROUNDS {
            let began = Instant::now();
            inbox.page(&filter, Place::Newest, PAGE).expect("a page");
            page_times.push(milliseconds(began));
            let began = Instant::now();
            found = inbox.count(&filter).expect("a count").number;
            count_times.push(milliseconds(began));
        }
        let rows = Rounds::new(page_times.clone());
        let what = format!("search {name} ({text}, {found} found), {PAGE} rows");
        report.add(Figure::new(SECTION, what, rows.median(), "ms").spread(&rows));
        pages.append(&mut page_times);
        counts.append(&mut count_times);
    }
    let (pages, counts) = (Rounds::new(pages), Rounds::new(counts));
    report.add(Figure::new(SECTION, "all searches, rows, 95 %", pages.share(0.95), "ms").at_most(5.0));
    report.add(Figure::new(SECTION, "all searches, count, 95 %", counts.share(0.95), "ms").at_most(20.0));
}

fn milliseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
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
