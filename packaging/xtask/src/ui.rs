//! What npm builds, checks and installs: the window in `ui/`, and a server for the tests.
//!
//! The window embeds `ui/dist`, so the UI is built before any cargo command that compiles the shell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::{command, has, heading, root, run, run_watched, target};
use crate::tally::{Tally, failures_of_playwright, failures_of_vitest};

/// Debian's; no browser is downloaded.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Installs what `package-lock.json` names (if that changed) and builds `ui/dist`.
pub(crate) fn build() -> Result<()> {
    installed()?;
    heading("UI: build");
    run(npm(["run", "build"]))
}

/// Type checks and lints.
pub(crate) fn check() -> Result<()> {
    installed()?;
    heading("UI: types and lints");
    run(npm(["run", "check"]))?;
    run(npm(["run", "lint"]))
}

/// Runs the UI's unit tests, or those whose names contain `name`; adds those that failed to `failures`.
pub(crate) fn test(name: Option<&str>, failures: &mut Vec<String>) -> Result<Tally> {
    heading("UI: unit tests");
    let report = target().join("ui-tests.json");
    let mut tests = npm(["test", "--", "--reporter=default", "--reporter=json"]);
    tests.arg(format!("--outputFile.json={}", report.display()));
    if let Some(name) = name {
        tests.args(["--testNamePattern", name]);
    }
    let (mut tally, report) = run_reported(tests, &report, Tally::of_vitest)?;
    failures.extend(failures_of_vitest(&report));
    if name.is_some() {
        tally.skipped = 0; // tests of other names, which were not asked for
    }
    Ok(tally)
}

/// Runs the built window in Chromium, against its fake back end; adds tests that failed to `failures`.
pub(crate) fn test_window(name: Option<&str>, failures: &mut Vec<String>) -> Result<Tally> {
    heading("UI: the window in Chromium");
    if !Path::new(CHROMIUM).exists() {
        if std::env::var("CI").as_deref() == Ok("true") {
            bail!("{CHROMIUM} is missing");
        }
        println!("SKIPPED: {CHROMIUM} is missing");
        return Ok(Tally { skipped: 1, ..Tally::default() });
    }
    let mut tests = npm(["exec", "--", "playwright", "test", "--config", "e2e/playwright.config.ts"]);
    if let Some(name) = name {
        tests.args(["--pass-with-no-tests", "--grep", name]);
    }
    let (tally, report) = run_reported(tests, &root().join("target/ui/report.json"), Tally::of_playwright)?;
    failures.extend(failures_of_playwright(&report));
    Ok(tally)
}

/// Runs tests that write a JSON report, and returns its counts and the report. A runner that fails
/// outside its tests is one failure more.
fn run_reported(tests: Command, report: &Path, count: impl Fn(&Value) -> Option<Tally>) -> Result<(Tally, Value)> {
    if report.exists() {
        fs::remove_file(report)?;
    }
    let status = run_watched(tests, |_| ())?;
    let text = fs::read_to_string(report).with_context(|| format!("the UI's tests left no report ({status})"))?;
    let report: Value = serde_json::from_str(&text).context("the UI's test report is not JSON")?;
    let mut tally = count(&report).context("the UI's test report has no counts")?;
    if !status.success() && tally.failed == 0 {
        println!("the UI's test runner failed outside its tests ({status})");
        tally.failed = 1;
    }
    Ok((tally, report))
}

/// Installs what `package-lock.json` names, if that changed.
pub(crate) fn installed() -> Result<()> {
    installed_in(&folder(), "UI: packages")
}

/// The same for the OpenID Connect provider of the integration tests.
pub(crate) fn provider_installed() -> Result<()> {
    installed_in(&root().join("tests/harness/oidc"), "OpenID Connect provider: packages")
}

/// The same for another folder, whose heading says `what`.
pub(crate) fn installed_in(folder: &Path, what: &str) -> Result<()> {
    if !has("npm") {
        bail!("npm is missing: install Node 20.19 or newer, with npm");
    }
    let modified = |name: &str| fs::metadata(folder.join(name)).and_then(|file| file.modified());
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_ok_and(|installed| modified("package-lock.json").is_ok_and(|wanted| wanted <= installed)) {
        return Ok(());
    }
    heading(what);
    let mut install = npm(["ci", "--ignore-scripts"]);
    install.current_dir(folder);
    run(install)
}

fn folder() -> PathBuf {
    root().join("ui")
}

fn npm<const N: usize>(args: [&str; N]) -> Command {
    let mut npm = command("npm", args);
    npm.current_dir(folder());
    npm
}
