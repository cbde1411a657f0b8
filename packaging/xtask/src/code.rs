//! What no compiler or lint says about the code as a whole: who may name what, cycles, lengths and words.
//!
//! Each check looks at the same parsed files and returns all that it found, so that one run shows everything.

#![expect(clippy::wildcard_enum_match_arm, reason = "of Rust's syntax only a few parts matter here")]

mod cycles;
mod length;
mod modules;
mod renames;
mod rules;
mod rust;
mod sources;
mod ui;

use anyhow::{Result, bail};

use crate::code::sources::{Finding, Project};
use crate::shell::{cargo, heading};

pub(crate) fn check() -> Result<()> {
    heading("the code as a whole");
    let project = read()?;
    let mut count = 0;
    let mut report = |title: &str, found: Vec<Finding>| {
        println!("{title}: {}", if found.is_empty() { "none".to_owned() } else { found.len().to_string() });
        found.iter().for_each(|finding| println!("  {finding}"));
        count += found.len();
    };
    report("broken dependency rules", rules::check(&project));
    report("crates that a part must not reach", reached(&project)?);
    report("import cycles", cycles::check(&project));
    report("files that are too long", length::check(&project));
    report("names and words that were replaced", renames::check(&project)?);
    if count > 0 {
        bail!("{count} findings in the code as a whole");
    }
    Ok(())
}

/// All sources, each known for what it is.
fn read() -> Result<Project> {
    let mut project = Project::read()?;
    modules::mark_tests(&mut project);
    Ok(project)
}

/// What the shipped part of a crate depends on in the end, where a rule forbids it.
fn reached(project: &Project) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for (name, banned) in rules::UNREACHABLE {
        let Some(package) = project.packages.iter().find(|package| package.name == *name) else { continue };
        let args =
            ["tree", "--offline", "--package", name, "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
        let output = cargo(args).output()?;
        if !output.status.success() {
            bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let tree = String::from_utf8_lossy(&output.stdout);
        let mut names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        names.sort_unstable();
        names.dedup();
        for reached in names.into_iter().filter(|name| banned.contains(name)) {
            let text = format!("reaches `{reached}` (see `cargo tree -p {name} -i {reached}`)");
            found.push(Finding { path: format!("{}/Cargo.toml", package.folder), line: 1, text });
        }
    }
    Ok(found)
}
