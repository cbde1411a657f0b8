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
    ui::installed_in(&root().join("tests/bench/peers"), "peers: packages")?;
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
