//! How responsive the app's page is while something happens.

use harness::Page;
use serde_json::{Value, json};

use crate::processes::main_thread;
use crate::report::{Figure, Report, Rounds};

/// A task of the page that takes longer delays what a person does.
const LONG: f64 = 50.0;

/// Notes the time between two turns of the page's event loop, and between two frames. WebKit has no
/// `longtask` entries. A timer is due after 4 ms at the earliest, so a gap is a task and 4 ms.
const WATCH: &str = r"
const seen = { turns: [], frames: [] };
window.belfrySeen = seen;
const watch = (gaps, again) => {
  let last = performance.now();
  const turn = () => {
    if (window.belfrySeen !== seen) return;
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    again(turn);
  };
  again(turn);
};
watch(seen.turns, (turn) => setTimeout(turn, 0));
watch(seen.frames, requestAnimationFrame);
";

const END_WATCH: &str = "const seen = window.belfrySeen; window.belfrySeen = null; return seen";

/// A page that is watched.
#[derive(Debug)]
pub(crate) struct Watch {
    process: u32,
    before: [f64; 2],
}

impl Watch {
    /// Begins; `process` is the page's.
    pub(crate) async fn begin(page: &mut Page, process: u32) -> Self {
        page.run(WATCH, json!([])).await;
        Self { process, before: main_thread(process) }
    }

    /// The gaps between two turns of the page's event loop and between two frames, and what its main
    /// thread had of the processors.
    pub(crate) async fn end(self, page: &mut Page, report: &mut Report, section: &'static str, when: &str) {
        let seen = page.run(END_WATCH, json!([])).await;
        for (key, what) in [("turns", "turn of the event loop"), ("frames", "frame")] {
            let gaps = Rounds::new(seen[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect());
            let longest = Figure::new(section, format!("{when}: longest {what}"), gaps.share(1.0), "ms").spread(&gaps);
            report.add(if key == "turns" { longest.at_most(LONG) } else { longest });
        }
        let now = main_thread(self.process);
        for (what, index) in [("ran", 0), ("waited for a processor", 1)] {
            let time = now[index] - self.before[index];
            report.add(Figure::new(section, format!("{when}: the page's main thread {what}"), time, "s"));
        }
    }
}
