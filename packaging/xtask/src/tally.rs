//! Sums the results of cargo's and the UI's test runners into one line.
//!
//! Deliberately absent: running tests. Invariant: the sum is the number of tests: a test that
//! prints `SKIPPED: why` is counted as passed by its runner, so it is moved from passed to skipped.

use std::fmt;
use std::ops::AddAssign;

use serde_json::Value;

/// How many tests passed, failed and were skipped. Signed, since a skip is printed before the
/// runner's count.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: i64,
    pub(crate) failed: i64,
    pub(crate) skipped: i64,
}

impl Tally {
    /// Reads cargo's `test result: ok. 5 passed; 0 failed; 1 ignored; …`, or a test's own `SKIPPED:
    /// why`.
    pub(crate) fn count_line(&mut self, line: &str) {
        if line.starts_with("SKIPPED: ") {
            self.passed -= 1;
            self.skipped += 1;
        } else if line.starts_with("test result: ") {
            let mut words = line.split([' ', ';']).filter(|word| !word.is_empty()).peekable();
            while let Some(word) = words.next() {
                let Ok(number) = word.parse::<i64>() else { continue };
                match words.peek() {
                    Some(&"passed") => self.passed += number,
                    Some(&"failed") => self.failed += number,
                    Some(&"ignored") => self.skipped += number,
                    _ => {}
                }
            }
        }
    }

    /// Reads the JSON report of the UI's test runner (vitest).
    pub(crate) fn of_vitest(report: &Value) -> Option<Self> {
        let number = |key: &str| report.get(key).and_then(Value::as_i64);
        Some(Self {
            passed: number("numPassedTests")?,
            failed: number("numFailedTests")?,
            skipped: number("numPendingTests")? + number("numTodoTests").unwrap_or(0),
        })
    }

    /// Reads the JSON report of the window's tests (Playwright).
    pub(crate) fn of_playwright(report: &Value) -> Option<Self> {
        let number = |key: &str| report.pointer(&format!("/stats/{key}")).and_then(Value::as_i64);
        Some(Self {
            passed: number("expected")?,
            failed: number("unexpected")? + number("flaky")?,
            skipped: number("skipped")?,
        })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally_of(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.count_line(line));
        tally
    }

    #[test]
    fn the_results_of_all_test_programs_are_summed() {
        let tally = tally_of(&[
            "running 6 tests",
            "test a::b ... ok",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 12 filtered out; finished in 0.01s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        ]);
        assert_eq!(tally.to_string(), "6 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn a_skip_is_not_a_pass() {
        let tally = tally_of(&[
            "SKIPPED: no rabbitmq-server here",
            "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ]);
        assert_eq!(tally, Tally { passed: 4, failed: 0, skipped: 1 });
    }

    #[test]
    fn the_windows_report_is_counted_and_a_flaky_test_has_failed() {
        let report = serde_json::json!({"stats": {"expected": 70, "unexpected": 1, "flaky": 1, "skipped": 2}});
        assert_eq!(Tally::of_playwright(&report), Some(Tally { passed: 70, failed: 2, skipped: 2 }));
    }

    #[test]
    fn the_ui_report_is_counted() {
        let report =
            serde_json::json!({"numPassedTests": 7, "numFailedTests": 1, "numPendingTests": 2, "numTodoTests": 1});
        assert_eq!(Tally::of_vitest(&report), Some(Tally { passed: 7, failed: 1, skipped: 3 }));
        assert_eq!(Tally::of_vitest(&serde_json::json!({"numPassedTests": 7})), None);
    }
}
