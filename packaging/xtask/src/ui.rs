//! The UI's side of building and checking: npm in `ui/`.
//!
//! The window embeds `ui/dist`, so the UI is built before any cargo command that compiles the shell.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::{command, has, heading, root, run, run_watched, target};
use crate::tally::Tally;

/// Installs what `package-lock.json` names (if that changed) and builds `ui/dist`.
pub(crate) fn build() -> Result<()> {
    install()?;
    heading("UI: build");
    run(npm(["run", "build"]))
}

/// Type checks and lints.
pub(crate) fn check() -> Result<()> {
    install()?;
    heading("UI: types and lints");
    run(npm(["run", "check"]))?;
    run(npm(["run", "lint"]))
}

/// Runs the UI's own tests, or those whose names contain `name`.
pub(crate) fn test(name: Option<&str>) -> Result<Tally> {
    heading("UI: tests");
    let report = target().join("ui-tests.json");
    if report.exists() {
        fs::remove_file(&report)?;
    }
    let mut tests = npm(["test", "--", "--reporter=default", "--reporter=json"]);
    tests.arg(format!("--outputFile.json={}", report.display()));
    if let Some(name) = name {
        tests.args(["--testNamePattern", name]);
    }
    let status = run_watched(tests, |_| ())?;
    let text = fs::read_to_string(&report).with_context(|| format!("the UI's tests left no report ({status})"))?;
    let report: Value = serde_json::from_str(&text)?;
    let mut tally = Tally::of_vitest(&report).context("the UI's test report has no counts")?;
    if name.is_some() {
        tally.skipped = 0; // those of other names, which nobody asked for
    }
    if !status.success() && tally.failed == 0 {
        println!("the UI's test runner failed outside its tests ({status})");
        tally.failed = 1;
    }
    Ok(tally)
}

fn install() -> Result<()> {
    if !has("npm") {
        bail!("npm is missing: install Node 20 or newer, with npm");
    }
    let modified = |name: &str| fs::metadata(folder().join(name)).and_then(|file| file.modified());
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_ok_and(|installed| modified("package-lock.json").is_ok_and(|wanted| wanted <= installed)) {
        return Ok(());
    }
    heading("UI: packages");
    run(npm(["ci"]))
}

fn folder() -> PathBuf {
    root().join("ui")
}

fn npm<const N: usize>(args: [&str; N]) -> Command {
    let mut npm = command("npm", args);
    npm.current_dir(folder());
    npm
}
