//! `cargo xtask test [NAME]`: everything that needs nothing beyond apt, the crates registry and npm.
//!
//! Builds once, with one set of features, and ends with the one line `N passed, N failed, N skipped`. A part that
//! breaks outside its tests (a build error, a crash) counts as one failure, and the other parts still run.

use std::time::Instant;

use anyhow::Result;

use crate::shell::{cargo, heading, minutes, run, run_watched, target};
use crate::tally::{CargoFailures, Tally};
use crate::{system, tools, ui};

/// Starts the app for tests that look into its window. Pinned, so that an unchanged commit stays well.
pub(crate) const TAURI_DRIVER: &str = "2.1.0";

/// Whether everything that ran passed, and something did run.
pub(crate) fn run_tests(name: Option<&str>, began: Instant) -> Result<bool> {
    system::ensure(&[system::BUILD, system::FONTS, system::DESKTOP, system::TESTS])?;
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    let unit_tests = ui::build().and_then(|()| ui::test(name, &mut failures));
    tally += part("the UI's unit tests", unit_tests, &mut failures);
    let window_tests = ui::test_window(name, &mut failures);
    tally += part("the window in Chromium", window_tests, &mut failures);
    let driver = tools::installed("tauri-driver", TAURI_DRIVER);
    let programs = driver.and_then(|_| ui::provider_installed());
    let rust_tests = programs.and_then(|()| cargo_tests(name, &mut failures));
    tally += part("the tests of the crates", rust_tests, &mut failures);

    if !failures.is_empty() {
        heading("failed");
        failures.iter().for_each(|failure| println!("{failure}"));
    }
    if tally == Tally::default() {
        println!("\nno test's name or module contains `{}`", name.unwrap_or_default());
    }
    println!("\ntest: {}", minutes(began.elapsed()));
    println!("{tally}");
    Ok(tally.failed == 0 && tally != Tally::default())
}

/// The result of a part; a part that could not be run is one failure.
fn part(what: &str, outcome: Result<Tally>, failures: &mut Vec<String>) -> Tally {
    outcome.unwrap_or_else(|error| {
        println!("\nerror: {error:#}");
        failures.push(format!("{what}: {error:#}"));
        Tally { failed: 1, ..Tally::default() }
    })
}

fn cargo_tests(name: Option<&str>, failures: &mut Vec<String>) -> Result<Tally> {
    heading("cargo: build");
    // `--all-targets` unites the features of programs and tests: `cargo test` then has nothing left to build, and the
    // tests find the programs they start.
    run(cargo(["build", "--workspace", "--all-targets"]))?;

    heading("cargo: tests");
    let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
    tests.args(name);
    tests.env("BELFRY_PROGRAMS", target().join("debug"));
    let mut tally = Tally::default();
    let mut failed_tests = CargoFailures::default();
    let status = run_watched(tests, |line| {
        tally.count_line(line);
        failed_tests.read_line(line);
    })?;
    failures.extend(failed_tests.into_failures());
    if !status.success() && tally.failed == 0 {
        failures.push(format!("a test program ended without a result, or did not compile ({status})"));
        tally.failed = 1;
    }
    Ok(tally)
}
