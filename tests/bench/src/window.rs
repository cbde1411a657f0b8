//! Benchmarks of the window: the real app on a private desktop, through WebDriver.

use std::time::{Duration, Instant};

use harness::desktop::Desktop;
use harness::webdriver::{Page, Target};
use harness::{Home, Running};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::processes::Memory;
use crate::report::{Figure, Report, Rounds};

const SECTION: &str = "window";
/// Frames of the scroll benchmark.
const FRAMES: u64 = 300;
/// How often the window is opened and closed.
const ROUNDS: usize = 50;
/// Until nothing of a window that was closed is left: WebKit's network process stays for ten seconds.
const SETTLE: Duration = Duration::from_secs(20);

/// Scrolls by one and a half screens per frame, with one jump to the middle.
const SCROLL: &str = r"
const [frames] = arguments, done = arguments[1];
const list = document.querySelector('[role=listbox]');
const gaps = [];
let last = null, nodes = 0;
const step = (at) => {
  if (last !== null) gaps.push(at - last);
  last = at;
  nodes = Math.max(nodes, document.getElementsByTagName('*').length);
  if (gaps.length === frames) return done({ gaps, nodes });
  list.scrollTop = gaps.length === frames / 2 ? list.scrollHeight / 2 : list.scrollTop + 1.5 * list.clientHeight;
  requestAnimationFrame(step);
};
requestAnimationFrame(step);
";

/// When the first rows were laid out and all were painted, in ms after the page began to load, and
/// the number of elements.
const FIRST_ROWS: &str = r"
const done = arguments[arguments.length - 1];
const time = (name) => performance.getEntriesByName(name)[0]?.startTime;
const look = () => {
  if (!time('all-rows')) return setTimeout(look, 10);
  done([time('first-rows'), time('all-rows'), document.getElementsByTagName('*').length]);
};
look();
";

/// Repeatedly opens the window of a running app from the tray and closes it again. Measures the time
/// until it is on the screen, and what memory that leaves behind.
pub(crate) async fn measure_opening(report: &mut Report, home: &Home) {
    let Some(mut desktop) = Desktop::start().await else { return };
    let Some(mut command) = home.app(&desktop, ["--hidden"]).await else { return };
    command.env("BELFRY_TOKEN", "unused");
    let mut app = Running::spawn(command);
    desktop.tray().wait_for("Open inbox").await;
    sleep(SETTLE).await;
    let before = Memory::of_tree(app.id()).unique;
    let mut first = before;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let began = Instant::now();
        desktop.tray().choose("Open inbox").await;
        desktop.screen.wait_for("the window", |windows| !windows.is_empty()).await;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        desktop.screen.wait_for("the window in front", |windows| windows.iter().any(|window| window.is_active)).await;
        desktop.screen.press("alt+F4").await;
        desktop.screen.wait_for("no window", <[_]>::is_empty).await;
        if round == 0 {
            sleep(SETTLE).await;
            first = Memory::of_tree(app.id()).unique;
        }
    }
    sleep(SETTLE).await;
    let last = Memory::of_tree(app.id()).unique;
    let times = Rounds::new(times);
    report.add(Figure::new(SECTION, "from the tray menu to the screen", times.median(), "ms").spread(&times));
    report.add(Figure::new(SECTION, "unique memory before the first window", before, "MB"));
    report.add(Figure::new(SECTION, "more after the first window", first - before, "MB"));
    report.add(Figure::new(SECTION, format!("more after {ROUNDS} windows"), last - before, "MB").at_most(5.0));
    app.terminate().await;
}

/// Measures the time until the first rows are there, and the scrolling.
pub(crate) async fn measure_list(report: &mut Report, home: &Home) {
    let Some(desktop) = Desktop::start().await else { return };
    let Some(mut app) = home.app(&desktop, [] as [&str; 0]).await else { return };
    app.env("BELFRY_TOKEN", "unused");
    let Some(mut page) = Page::open(app).await else { return };
    page.see(Target::Css("[role=option]")).await;
    let measured = page.run_async(FIRST_ROWS, json!([])).await;
    let number = |at: usize| measured[at].as_f64().expect("a number");
    report.add(Figure::new(SECTION, "page began to load → first rows", number(0), "ms").at_most(250.0));
    report.add(Figure::new(SECTION, "page began to load → all rows in view", number(1), "ms"));

    let scrolled = page.run_async(SCROLL, json!([FRAMES])).await;
    let gaps = scrolled["gaps"].as_array().expect("frames");
    let gaps: Vec<f64> = gaps.iter().filter_map(Value::as_f64).collect();
    let long = gaps.iter().filter(|gap| **gap > 50.0).count();
    let gaps = Rounds::new(gaps);
    report.add(Figure::new(SECTION, format!("time per frame, {FRAMES} scrolled"), gaps.median(), "ms").spread(&gaps));
    report.add(Figure::new(SECTION, "frames over 50 ms", long as f64, ""));
    report.add(Figure::new(SECTION, "elements before scrolling", number(2), ""));
    let most = scrolled["nodes"].as_f64().expect("a number");
    report.add(Figure::new(SECTION, "most elements while scrolling", most, ""));
}
