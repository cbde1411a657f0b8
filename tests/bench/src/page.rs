//! How responsive the app's page is while something happens.

use harness::Page;
use serde_json::{Value, json};

use crate::processes::main_thread;
use crate::report::{Figure, Report, Rounds};

/// A task of the page that takes longer delays what a person does.
const LONG: f64 = 50.0;

/// Notes the time between two turns of a timer, between two frames, and between two of either.
/// WebKit has no `longtask` entries. When a task ends, WebKit draws a frame that is due before it lets
/// timers run, so a turn can be a task and a frame, which the Long Tasks specification counts separately.
/// So a task ends here when a timer runs or a frame begins, whichever comes first. A timer is due
/// after 4 ms at the earliest, so a gap is a task and up to 4 ms.
const WATCH: &str = r"
const seen = { tasks: [], turns: [], frames: [] };
window.belfrySeen = seen;
const gap = (gaps) => {
  let last = performance.now();
  return () => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  };
};
const task = gap(seen.tasks);
const watch = (gaps, again) => {
  const end = gap(gaps);
  const turn = () => {
    if (window.belfrySeen !== seen) return;
    task();
    end();
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

    /// The longest of each of them, and what the page's main thread had of the processors.
    pub(crate) async fn end(self, page: &mut Page, report: &mut Report, section: &'static str, when: &str) {
        let seen = page.run(END_WATCH, json!([])).await;
        for (key, what) in [("tasks", "task"), ("turns", "time between two turns of a timer"), ("frames", "frame")] {
            let gaps = Rounds::new(seen[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect());
            let longest = Figure::new(section, format!("{when}: longest {what}"), gaps.share(1.0), "ms").spread(&gaps);
            report.add(if key == "tasks" { longest.at_most(LONG) } else { longest });
        }
        let now = main_thread(self.process);
        for (what, index) in [("ran", 0), ("waited for a processor", 1)] {
            let time = now[index] - self.before[index];
            report.add(Figure::new(section, format!("{when}: the page's main thread {what}"), time, "s"));
        }
    }
}
