//! `cargo xtask check`: formatting, the code as a whole, lints with warnings denied, licences and sources of all
//! dependencies, the UI's types, and that Windows and macOS compile what ships.
//!
//! The first step that fails ends the run.

use std::process::Command;

use anyhow::Result;

use crate::shell::{cargo, command, has, heading, run};
use crate::{code, cross, system, tools, ui};

/// Pinned, so that a new lint of the tool never breaks an unchanged commit.
const CARGO_DENY: &str = "0.20.2";

pub(crate) fn run_checks() -> Result<()> {
    system::ensure(&[system::BUILD])?;

    heading("formatting");
    component("rustfmt", "cargo-fmt")?;
    run(cargo(["fmt", "--all", "--check"]))?;

    code::check()?;

    ui::check()?;
    ui::build()?;

    heading("lints");
    component("clippy", "cargo-clippy")?;
    run(cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;

    heading("policy templates are as the table of settings says");
    run(cargo(["run", "--quiet", "-p", "belfry-generate", "--", "policy", "--check"]))?;

    heading("licences, bans and sources of dependencies");
    run(deny()?)?;

    cross::check()
}

/// A part of the Rust toolchain that a minimal installation lacks.
fn component(name: &str, program: &str) -> Result<()> {
    if has(program) { Ok(()) } else { run(command("rustup", ["component", "add", name])) }
}

fn deny() -> Result<Command> {
    let program = tools::installed("cargo-deny", CARGO_DENY)?;
    Ok(command(&program.to_string_lossy(), ["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))
}
