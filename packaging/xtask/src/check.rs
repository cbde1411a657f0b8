//! `cargo xtask check`: formatting, lints with warnings denied, licences and sources of all dependencies, the UI's types,
//! and that Windows and macOS compile what ships.
//!
//! The first thing that is not well ends the run. The dependency rules between Belfry's own rooms are a test (`it::rooms`).

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::shell::{cargo, command, has, heading, root, run};
use crate::{cross, system, ui};

/// Pinned, so that a new lint of the tool never breaks an unchanged commit.
const CARGO_DENY: &str = "0.20.2";

pub(crate) fn run_checks() -> Result<()> {
    system::ensure(&[system::BUILD])?;

    heading("formatting");
    component("rustfmt", "cargo-fmt")?;
    run(cargo(["fmt", "--all", "--check"]))?;

    ui::check()?;
    ui::build()?;

    heading("lints");
    component("clippy", "cargo-clippy")?;
    run(cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;

    heading("licences, bans and sources of dependencies");
    run(deny()?)?;

    cross::check()
}

/// A part of the Rust toolchain that a minimal installation lacks.
fn component(name: &str, program: &str) -> Result<()> {
    if has(program) { Ok(()) } else { run(command("rustup", ["component", "add", name])) }
}

/// cargo-deny, installed once into `target/tools` (a debug build: compiled in half the time, and fast enough).
fn deny() -> Result<Command> {
    let tools: PathBuf = root().join("target/tools");
    let program = tools.join("bin/cargo-deny");
    let current = Command::new(&program).arg("--version").output();
    if !current.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).trim_end().ends_with(CARGO_DENY)) {
        let mut install = cargo(["install", "--locked", "--debug", "--version", CARGO_DENY, "cargo-deny", "--root"]);
        install.arg(&tools).env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", tools.join("build"));
        run(install)?;
        std::fs::remove_dir_all(tools.join("build"))?;
    }
    Ok(command(&program.to_string_lossy(), ["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))
}
