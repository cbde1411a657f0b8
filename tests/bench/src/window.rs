//! The window's part: the real app on a private desktop, through WebDriver.

use std::time::{Duration, Instant};

use harness::desktop::Desktop;
use harness::webdriver::{Page, Target};
use harness::{Home, Running};
use serde_json::{Value, json};

use crate::inbox::print;

/// Frames that are scrolled through.
const FRAMES: u64 = 300;
/// How often the window is opened.
const ROUNDS: usize = 10;

/// Scrolls as somebody does who looks for something: a screen and a half each frame, then a jump to the middle.
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

/// When the first rows were there, in ms after the page began to load, and how many elements there are.
const SEEN: &str =
    "return [performance.getEntriesByName('rows')[0].startTime, document.getElementsByTagName('*').length]";

/// Opens the window of an app that runs already, again and again, from the tray; how soon it is on the screen.
pub(crate) async fn open(home: &Home) {
    let Some(mut desktop) = Desktop::start().await else { return };
    let Some(mut command) = home.app(&desktop, ["--hidden"]).await else { return };
    command.env("BELFRY_TOKEN", "nobody asks for it");
    let mut app = Running::spawn(command);
    desktop.tray().wait_for("Open inbox").await;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        desktop.tray().choose("Open inbox").await;
        desktop.screen.wait_for("the window", |windows| !windows.is_empty()).await;
        times.push(began.elapsed());
        desktop.screen.wait_for("the window in front", |windows| windows.iter().any(|window| window.is_active)).await;
        desktop.screen.press("alt+F4").await;
        desktop.screen.wait_for("no window", <[_]>::is_empty).await;
    }
    print("window: on the screen after it was chosen in the tray", &mut times);
    app.terminate().await;
}

/// Looks into the window: how soon its rows are there, and how it scrolls.
pub(crate) async fn look_into(home: &Home) {
    let Some(desktop) = Desktop::start().await else { return };
    let Some(mut app) = home.app(&desktop, [] as [&str; 0]).await else { return };
    app.env("BELFRY_TOKEN", "nobody asks for it");
    let Some(mut page) = Page::open(app).await else { return };
    page.see(Target::Css("[role=option]")).await;
    let seen = page.run(SEEN, json!([])).await;
    let number = |at: usize| seen[at].as_f64().expect("a number");
    println!("window: first rows {:.0} ms after the page began to load", number(0));

    let scrolled = page.run_async(SCROLL, json!([FRAMES])).await;
    let gaps = scrolled["gaps"].as_array().expect("frames");
    let mut times: Vec<Duration> =
        gaps.iter().filter_map(Value::as_f64).map(|ms| Duration::from_secs_f64(ms / 1_000.0)).collect();
    let long = times.iter().filter(|time| time.as_millis() > 50).count();
    print(&format!("window: {FRAMES} frames scrolled, from one to the next"), &mut times);
    println!(
        "window: {long} frames over 50 ms; {} elements before, at most {} meanwhile",
        number(1),
        scrolled["nodes"]
    );
}
