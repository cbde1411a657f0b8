//! Sums the results of cargo's and the UI's test runners into one line.
//!
//! Deliberately absent: running tests. Invariants: the sum is the number of tests: a test that
//! prints `SKIPPED: why` is counted as passed by its runner, so it is moved from passed to skipped.
//! Each failure is kept with its name and what the test said, since its place in the output may be
//! thousands of lines up.

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

/// The lines of one failure that are worth repeating at the end.
const FAILURE_LINES: usize = 30;

/// Collects the failed tests of cargo from its output: their names, and what they printed.
#[derive(Debug, Default)]
pub(crate) struct CargoFailures {
    failures: Vec<String>,
    /// The failure whose output is being read, and how many lines of it were kept.
    open: Option<(String, usize)>,
}

impl CargoFailures {
    /// Reads a line of cargo's output: `test a::b ... FAILED`, or a part of the report that follows
    /// the tests of a program (`---- a::b stdout ----`, the test's output, `failures:`).
    pub(crate) fn read_line(&mut self, line: &str) {
        if let Some(test) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
            self.failures.push(test.to_owned());
        } else if let Some(test) = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----")) {
            self.open = Some((test.to_owned(), 0));
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.open = None;
        } else if let Some((test, lines)) = &mut self.open
            && *lines < FAILURE_LINES
            && !line.is_empty()
        {
            *lines += 1;
            // The name was pushed when the test ended; its output follows when all tests have.
            let said = self.failures.iter_mut().rev().find(|failure| failure.lines().next() == Some(test.as_str()));
            if let Some(said) = said {
                said.push_str("\n    ");
                said.push_str(line);
            }
        }
    }

    pub(crate) fn into_failures(self) -> Vec<String> {
        self.failures
    }
}

/// The failed tests of vitest's JSON report, with the first lines of their messages.
pub(crate) fn failures_of_vitest(report: &Value) -> Vec<String> {
    let files = report["testResults"].as_array().into_iter().flatten();
    let tests = files.flat_map(|file| file["assertionResults"].as_array().into_iter().flatten());
    tests
        .filter(|test| test["status"] == "failed")
        .map(|test| failure(text(&test["fullName"]), test.pointer("/failureMessages/0").map_or("", text)))
        .collect()
}

/// The failed tests of Playwright's JSON report, with the first lines of their messages.
pub(crate) fn failures_of_playwright(report: &Value) -> Vec<String> {
    let mut failures = Vec::new();
    let mut suites: Vec<&Value> = report["suites"].as_array().into_iter().flatten().collect();
    while let Some(suite) = suites.pop() {
        suites.extend(suite["suites"].as_array().into_iter().flatten());
        for spec in suite["specs"].as_array().into_iter().flatten().filter(|spec| spec["ok"] == false) {
            let message = spec
                .pointer("/tests/0/results")
                .and_then(Value::as_array)
                .and_then(|results| results.iter().find_map(|result| result.pointer("/error/message")))
                .map_or("", text);
            failures.push(failure(&format!("{}: {}", text(&spec["file"]), text(&spec["title"])), message));
        }
    }
    failures
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn failure(name: &str, message: &str) -> String {
    let mut failure = name.to_owned();
    for line in message.lines().filter(|line| !line.trim().is_empty()).take(FAILURE_LINES) {
        failure.push_str("\n    ");
        failure.push_str(line);
    }
    failure
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

    #[test]
    fn a_failed_test_of_cargo_is_kept_with_what_it_printed() {
        let mut failures = CargoFailures::default();
        for line in [
            "test a::b ... FAILED",
            "test a::c ... ok",
            "",
            "failures:",
            "",
            "---- a::b stdout ----",
            "",
            "thread 'a::b' panicked at src/a.rs:7:5:",
            "the answer came twice",
            "",
            "failures:",
            "    a::b",
            "",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
            "a line of the next program",
        ] {
            failures.read_line(line);
        }
        assert_eq!(
            failures.into_failures(),
            ["a::b\n    thread 'a::b' panicked at src/a.rs:7:5:\n    the answer came twice"]
        );
    }

    #[test]
    fn failed_tests_of_the_ui_are_kept_with_their_messages() {
        let vitest = serde_json::json!({"testResults": [{"assertionResults": [
            {"status": "passed", "fullName": "adds"},
            {"status": "failed", "fullName": "subtracts", "failureMessages": ["expected 1\n\n  at line 3"]},
        ]}]});
        assert_eq!(failures_of_vitest(&vitest), ["subtracts\n    expected 1\n      at line 3"]);

        let playwright = serde_json::json!({"suites": [{"specs": [], "suites": [{"specs": [
            {"ok": true, "title": "opens", "file": "flows.e2e.ts"},
            {"ok": false, "title": "closes", "file": "flows.e2e.ts",
             "tests": [{"results": [{"error": {"message": "timed out"}}]}]},
        ]}]}]});
        assert_eq!(failures_of_playwright(&playwright), ["flows.e2e.ts: closes\n    timed out"]);
    }
}
