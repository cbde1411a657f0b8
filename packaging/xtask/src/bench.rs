//! `cargo xtask bench [PART...]`: what Belfry costs, beside other programs in the same run.
//!
//! The programs are built as they ship; the peers come from npm. It takes half an hour on two
//! processors, and nothing else should run meanwhile.

use anyhow::Result;

use crate::shell::{cargo, command, heading, root, run, target};
use crate::{system, ui};

/// Builds everything, then measures all parts or those named.
pub(crate) fn run_bench(parts: &[String]) -> Result<()> {
    system::ensure(&[system::BUILD, system::FONTS, system::DESKTOP, system::TESTS])?;
    heading("npm: peers");
    let mut npm = command("npm", ["ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]);
    npm.current_dir(root().join("tests/bench/peers"));
    run(npm)?;
    ui::build()?;
    heading("cargo: release build");
    let programs = ["belfry", "belfryctl", "belfry-pushd", "belfry-bench"];
    run(cargo(["build", "--release"].into_iter().chain(programs.into_iter().flat_map(|name| ["-p", name]))))?;

    heading("bench");
    let release = target().join("release");
    let mut bench = command(&release.join("belfry-bench").to_string_lossy(), parts);
    bench.arg("--out").arg(target().join("bench")).env("BELFRY_PROGRAMS", &release);
    run(bench)
}
