//! Programs from the crates registry, each installed once into `target/tools` at a pinned version.
//!
//! They are debug builds, which compile in half the time and are fast enough. Deliberately absent:
//! updates.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::shell::{cargo, run, target};

/// Installs this version of a program if it is missing, and returns its path.
pub(crate) fn installed(name: &str, version: &str) -> Result<PathBuf> {
    let tools = target().join("tools");
    let program = tools.join("bin").join(name);
    if !is_current(&tools, name, version) {
        let build = tools.join("build");
        let mut install = cargo(["install", "--locked", "--debug", "--version", version, name, "--root"]);
        install.arg(&tools).env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", &build);
        run(install)?;
        std::fs::remove_dir_all(build)?;
    }
    Ok(program)
}

/// Checks cargo's list of installed programs, since not every program can print its version.
fn is_current(tools: &Path, name: &str, version: &str) -> bool {
    let mut list = cargo(["install", "--list", "--root"]);
    let list = list.arg(tools).output();
    list.is_ok_and(|list| {
        String::from_utf8_lossy(&list.stdout).lines().any(|line| line == format!("{name} v{version}:"))
    })
}
